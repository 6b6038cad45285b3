"""A session description as a value (RFC 8866, with the attributes of RFC 3264, 3551, 4733 and 5761).

Version, origin and name are read; every other line stays as it is, in order, with typed views on those that matter. So
a description can be passed on with one line changed and the rest untouched. A line may end in a bare LF: much equipment
writes that.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.sdp.codec import STATIC, TELEPHONE_EVENT, Codec

SIZE_LIMIT = 65_536
"Bytes."
LINE_LIMIT = 1000
MEDIA_LIMIT = 16
"Media sections."

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")

_LINE = re.compile(r"([a-z])=([^\x00\r\n]*)\Z")
_ORIGIN = re.compile(r"(\S+) +(\S+) +([0-9]{1,20}) +(\S+) +(\S+) +(\S+) *\Z")
_MEDIA = re.compile(r"(\S+) +([0-9]{1,5})(?:/([0-9]{1,5}))? +(\S+)((?: +\S+)+) *\Z")
_RTPMAP = re.compile(r"([0-9]{1,3}) +([^/\s]+)/([0-9]{1,6})(?:/([0-9]{1,2}))?")


class Origin(Struct, frozen=True, gc=False):
    """Who made the description, and which version of it this is."""

    id: str
    version: int
    address: str
    address_type: str = "IP4"
    user: str = "-"
    network: str = "IN"

    def __str__(self) -> str:
        return f"{self.user} {self.id} {self.version} {self.network} {self.address_type} {self.address}"


class Connection(Struct, frozen=True, gc=False):
    """Where media is to be sent."""

    address: str
    "Without TTL and count of a multicast address."
    address_type: str = "IP4"

    def __str__(self) -> str:
        return f"IN {self.address_type} {self.address}"

    @property
    def is_hold(self) -> bool:
        """The null address, with which RFC 2543 put a call on hold."""
        return self.address in ("0.0.0.0", "::")


class Media(Struct, frozen=True, gc=False):
    """One media section."""

    kind: str
    "audio, video, image ..."
    port: int
    "0 when the section is refused or not wanted."
    proto: str
    "RTP/AVP, RTP/SAVP, udptl ..."
    formats: tuple[str, ...]
    "Payload types, or whatever the protocol calls its formats."
    lines: tuple[tuple[str, str], ...] = ()
    "Letter and value of every line below m=, in order."
    port_count: int = 1

    @property
    def connection(self) -> Connection | None:
        return _connection(self.lines)

    @property
    def direction(self) -> str | None:
        """As stated in this section; None leaves it to the session, and `Session.direction_of` decides."""
        return _direction(self.lines)

    @property
    def is_rtp(self) -> bool:
        return "RTP/" in self.proto.upper()

    @property
    def codecs(self) -> tuple[Codec, ...]:
        """RTP formats in order of preference; a payload type without meaning is left out."""
        if not self.is_rtp:
            return ()
        return _codecs(self.formats, tuple(self.attributes("rtpmap")), tuple(self.attributes("fmtp")))

    @property
    def telephone_event(self) -> int | None:
        """Payload type of telephone events, the one at 8000 Hz if there are several."""
        events = [codec for codec in self.codecs if codec.is_named(TELEPHONE_EVENT)]
        return min(events, key=lambda codec: codec.rate != 8000).payload if events else None

    @property
    def rtcp_mux(self) -> bool:
        return self.attribute("rtcp-mux") is not None

    @property
    def ptime_ms(self) -> int | None:
        """Packet time wished for, in milliseconds; a fraction (RFC 8866 allows one) is cut off."""
        whole = (self.attribute("ptime") or "").strip().partition(".")[0]
        return int(whole) if whole.isascii() and whole.isdecimal() and 0 < len(whole) <= 4 else None

    def attribute(self, name: str) -> str | None:
        """First attribute of that name, empty for a flag, None when absent."""
        return next(iter(self.attributes(name)), None)

    def attributes(self, name: str) -> list[str]:
        return _attributes(self.lines, name)

    def with_direction(self, direction: str) -> "Media":
        """The same section with its direction stated once."""
        kept = (line for line in self.lines if line[0] != "a" or line[1].strip() not in DIRECTIONS)
        lines = (*kept, ("a", direction))
        return Media(self.kind, self.port, self.proto, self.formats, lines, self.port_count)

    def refused(self) -> "Media":
        """The section as an answer refuses it: port 0, formats kept since the grammar wants one (RFC 3264)."""
        return Media(self.kind, 0, self.proto, self.formats)

    def __str__(self) -> str:
        count = "" if self.port_count == 1 else f"/{self.port_count}"
        return f"{self.kind} {self.port}{count} {self.proto} {' '.join(self.formats)}"


class Session(Struct, frozen=True, gc=False):
    """A session description."""

    origin: Origin
    media: tuple[Media, ...] = ()
    lines: tuple[tuple[str, str], ...] = (("t", "0 0"),)
    "Letter and value of every session line but v=, o= and s=, in order."
    name: str = "-"

    @property
    def connection(self) -> Connection | None:
        return _connection(self.lines)

    @property
    def audio(self) -> Media | None:
        """First audio section that is not refused."""
        return next((media for media in self.media if media.kind == "audio" and media.port), None)

    def connection_of(self, media: Media) -> Connection | None:
        return media.connection or self.connection

    def direction_of(self, media: Media) -> str:
        """Direction in force: the section's, the session's or sendrecv; the null address takes away receiving."""
        direction = media.direction or _direction(self.lines) or "sendrecv"
        connection = self.connection_of(media)
        if connection is not None and connection.is_hold:
            return {"sendrecv": "sendonly", "recvonly": "inactive"}.get(direction, direction)
        return direction

    def attribute(self, name: str) -> str | None:
        return next(iter(_attributes(self.lines, name)), None)

    def encode(self) -> bytes:
        text = [f"v=0\r\no={self.origin}\r\ns={self.name}\r\n"]
        text += [f"{letter}={value}\r\n" for letter, value in self.lines]
        for media in self.media:
            text.append(f"m={media}\r\n")
            text += [f"{letter}={value}\r\n" for letter, value in media.lines]
        return "".join(text).encode("utf-8", "surrogateescape")


def parse_sdp(body: bytes) -> Session | Fault:
    """Read a description. What a caller may not omit is v=0, o= and, where there is media, a well-formed m=."""
    if len(body) > SIZE_LIMIT:
        return Fault("Session Description Too Large", "Content-Length", 413)
    text = body.decode("utf-8", "surrogateescape").rstrip("\r\n")
    raw = [line.removesuffix("\r") for line in text.split("\n", LINE_LIMIT)]
    if len(raw) > LINE_LIMIT:
        return Fault("Too Many Lines In Session Description", "Content-Type")
    if raw[0] != "v=0" or len(raw) < 2:
        return Fault("Not A Session Description", "Content-Type")
    lines: list[tuple[str, str]] = []
    for entry in raw[1:]:
        found = _LINE.match(entry)
        if found is None:
            return Fault("Bad Line In Session Description", "Content-Type")
        lines.append((found[1], found[2]))
    origin = _origin(lines[0])
    if origin is None:
        return Fault("Bad Origin In Session Description", "Content-Type")
    del lines[0]
    name = lines.pop(0)[1] if lines and lines[0][0] == "s" else "-"
    starts = [at for at, (letter, _) in enumerate(lines) if letter == "m"]
    if len(starts) > MEDIA_LIMIT:
        return Fault("Too Many Media Sections", "Content-Type")
    sections: list[Media] = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        media = _media(lines[start][1], tuple(lines[start + 1 : end]))
        if media is None:
            return Fault("Bad Media Line In Session Description", "Content-Type")
        sections.append(media)
    return Session(origin, tuple(sections), tuple(lines[: starts[0] if starts else None]), name)


def _origin(line: tuple[str, str]) -> Origin | None:
    found = _ORIGIN.match(line[1]) if line[0] == "o" else None
    return Origin(found[2], int(found[3]), found[6], found[5], found[1], found[4]) if found else None


def _media(text: str, lines: tuple[tuple[str, str], ...]) -> Media | None:
    found = _MEDIA.match(text)
    if found is None or int(found[2]) > 65_535:
        return None
    return Media(found[1], int(found[2]), found[4], tuple(found[5].split()), lines, int(found[3] or 1))


def _connection(lines: tuple[tuple[str, str], ...]) -> Connection | None:
    parts = next((value.split() for letter, value in lines if letter == "c"), [])
    return Connection(parts[2].partition("/")[0], parts[1]) if len(parts) == 3 else None


def _direction(lines: tuple[tuple[str, str], ...]) -> str | None:
    return next((value.strip() for letter, value in lines if letter == "a" and value.strip() in DIRECTIONS), None)


def _attributes(lines: tuple[tuple[str, str], ...], name: str) -> list[str]:
    valued = name + ":"
    return [
        value[len(valued) :] for letter, value in lines if letter == "a" and (value == name or value.startswith(valued))
    ]


@lru_cache(256)
def _codecs(formats: tuple[str, ...], rtpmaps: tuple[str, ...], fmtps: tuple[str, ...]) -> tuple[Codec, ...]:
    """A far end names the same formats in every call; only address and port differ."""
    maps, parameters = dict(_rtpmaps(rtpmaps)), dict(_fmtps(fmtps))
    codecs: list[Codec] = []
    for payload in formats:
        number = int(payload) if payload.isascii() and payload.isdecimal() and len(payload) <= 3 else 128
        name, rate, channels = maps.get(number, ("", 0, 1))
        known = STATIC.get(number)
        if name and number < 128:
            codecs.append(Codec(number, name, rate, channels, parameters.get(number, "")))
        elif known is not None:
            codecs.append(Codec(number, known.name, known.rate, known.channels, parameters.get(number, "")))
    return tuple(codecs)


def _rtpmaps(values: Sequence[str]) -> list[tuple[int, tuple[str, int, int]]]:
    found = (_RTPMAP.match(value) for value in values)
    return [(int(one[1]), (one[2], int(one[3]), int(one[4] or 1))) for one in found if one]


def _fmtps(values: Sequence[str]) -> list[tuple[int, str]]:
    parts = (value.partition(" ") for value in values)
    return [
        (int(payload), rest.strip())
        for payload, _, rest in parts
        if payload.isascii() and payload.isdecimal() and len(payload) <= 3
    ]
