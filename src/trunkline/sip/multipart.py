"""Bodies of several parts (RFC 5621, RFC 2046 section 5.1): where SDP travels beside ISUP, location or call information.

Only the session description is read out; what travels beside it is meant for somebody else. Nesting is followed twice at most.
"""

import re
from typing import Final

DEPTH: Final = 2
PARTS: Final = 16

_boundary = re.compile(r'boundary\s*=\s*(?:"([^"\r\n]{1,70})"|([^\s;"]{1,70}))', re.I)
_content_type = re.compile(rb"(?:^|\r\n)(?:content-type|c)[ \t]*:[ \t]*([^\r\n]*)", re.I)


def session_description(content_type: str, body: bytes, depth: int = DEPTH) -> bytes:
    """The SDP of a body: all of it, or the first such part; empty where there is none."""
    kind = content_type.lower().lstrip()
    if kind.startswith("application/sdp"):
        return body
    if not kind.startswith("multipart/") or not depth:
        return b""
    found = _boundary.search(content_type)
    if found is None:
        return b""
    delimiter = b"\r\n--" + (found[1] or found[2]).rstrip().encode("utf-8", "surrogateescape")
    parts = (b"\r\n" + body).split(delimiter, PARTS + 1)
    for part in parts[1:-1] if len(parts) <= PARTS + 1 else parts[1 : PARTS + 1]:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            continue
        said = _content_type.search(head)
        inner = session_description(said[1].decode("utf-8", "surrogateescape"), content, depth - 1) if said is not None else b""
        if inner:
            return inner
    return b""
