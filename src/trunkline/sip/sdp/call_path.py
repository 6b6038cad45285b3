"""What every call asks of a session description, answered from its bytes.

These read only the lines they need, and give back the very body they were given when there is nothing to change.
Anything that is no session description is passed through: to judge it is the far end's business.
"""

import re
from typing import Final

from trunkline.sip.sdp.codec import STATIC

_AUDIO: Final = re.compile(rb"\nm=audio +([0-9]+)(?:/[0-9]+)? +\S++((?>(?: ++\S++)+))")
_RTPMAP: Final = re.compile(rb"\na=rtpmap:([0-9]+) +([^/\s]+)")
_DIRECTION: Final = re.compile(rb"\na=(sendrecv|sendonly|recvonly|inactive)[ \t]*\r?$", re.MULTILINE)
_NULL_ADDRESS: Final = re.compile(rb"\nc=IN +(?:IP4 +0\.0\.0\.0|IP6 +::)[ \t]*\r?$", re.MULTILINE)
_ABOUT_FORMAT: Final = re.compile(rb"^a=(?:rtpmap|fmtp|rtcp-fb):([0-9]+)[ \t]")
_NAMES: Final = {str(payload).encode(): codec.name.encode() for payload, codec in STATIC.items()}
_ALWAYS: Final = (b"telephone-event", b"cn")
"Formats that accompany whatever codec is chosen."


def first_codec(body: bytes) -> str:
    """Encoding name of the first audio format that carries speech; empty when there is none."""
    found = _AUDIO.search(body)
    if found is None:
        return ""
    names: dict[bytes, bytes] | None = None
    for payload in found[2].split():
        name = _NAMES.get(payload)
        if name is None:
            if names is None:
                names = dict(_RTPMAP.findall(body, found.end(), _end(body, found.end())))
            name = names.get(payload, b"")
        if name and name.lower() not in _ALWAYS:
            return name.decode("utf-8", "surrogateescape")
    return ""


def direction_of(body: bytes) -> str:
    """Direction of the first audio section; the null address takes away receiving (RFC 3264 section 8.4)."""
    if not (b"only" in body or b"inactive" in body or b" 0.0.0.0" in body or b" ::" in body or b"audio 0" in body):
        return "sendrecv"
    found = _AUDIO.search(body)
    head = _end(body, 0)
    start, end = (found.end(), _end(body, found.end())) if found else (0, 0)
    stated = _DIRECTION.search(body, start, end) or _DIRECTION.search(body, 0, head)
    direction = stated[1].decode() if stated else "sendrecv"
    if found and found[1] == b"0":
        return "inactive"
    held = _NULL_ADDRESS.search(body, start, end)
    if held is None and body.find(b"\nc=", start, end) < 0:
        held = _NULL_ADDRESS.search(body, 0, head)
    if held is not None:
        return {"sendrecv": "sendonly", "recvonly": "inactive"}.get(direction, direction)
    return direction


def filter_codecs(body: bytes, allowed: tuple[str, ...]) -> bytes | None:
    """The description with its audio formats cut down to `allowed` and put in that order.

    Telephone events and comfort noise stay. The same object comes back when nothing changes, None when no audio section
    shares a codec with `allowed`; where one of several shares none, that section alone is refused (port 0). Other media
    is left alone.
    """
    sections = [found for found in _AUDIO.finditer(body) if found[1] != b"0"]
    if not sections:
        return body
    rank = {name.lower().encode("utf-8", "surrogateescape"): place for place, name in enumerate(allowed)}
    parts: list[bytes] = []
    done = 0
    shared = False
    for found in sections:
        payloads = found[2].split()
        end = _end(body, found.end())
        named = _NAMES | dict(_RTPMAP.findall(body, found.end(), end))
        names = {payload: named.get(payload, b"").lower() for payload in payloads}
        chosen = sorted((payload for payload in payloads if names[payload] in rank), key=lambda p: rank[names[p]])
        parts.append(body[done : found.start()])
        done = end
        if not chosen:
            parts.append(_refuse(body[found.start() : end], found[1]))
            continue
        shared = True
        kept = chosen + [payload for payload in payloads if names[payload] in _ALWAYS and payload not in chosen]
        parts.append(body[found.start() : end] if kept == payloads else _rewrite(body, found, end, kept))
    if not shared:
        return None
    parts.append(body[done:])
    result = b"".join(parts)
    return body if result == body else result


def _rewrite(body: bytes, found: re.Match[bytes], end: int, kept: list[bytes]) -> bytes:
    """One audio section with other formats, and without the attributes of those that went."""
    lines = body[found.end() : end].splitlines(keepends=True)
    return b"".join(
        [
            body[found.start() : found.start(2)],
            b" ",
            b" ".join(kept),
            *(line for line in lines if (about := _ABOUT_FORMAT.match(line)) is None or about[1] in kept),
        ]
    )


def _refuse(section: bytes, port: bytes) -> bytes:
    return section.replace(port, b"0", 1)


def _end(body: bytes, start: int) -> int:
    """Where the section that `start` lies in ends: before the line feed that the next one begins with."""
    end = body.find(b"\nm=", start)
    return len(body) if end < 0 else end
