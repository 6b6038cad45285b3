"""RTP packets (RFC 3550 section 5.1), and the few bytes of one that a relay looks at.

A relay reads five integers of a packet and moves the rest unread: `FIXED.unpack_from(datagram)` after `is_rtp(datagram)`, no object
built. Everything that wants the payload (digits, listening, tests) parses the whole into a `Packet`.
"""

import struct
from typing import TypeAlias

from msgspec import Struct

Datagram: TypeAlias = bytes | bytearray | memoryview

FIXED = struct.Struct("!BBHII")
"The fixed header: version and flags, marker and payload type, sequence, timestamp, SSRC."
HEADER_SIZE = FIXED.size
"Bytes."
SEQUENCE_MODULUS = 1 << 16
TIMESTAMP_MODULUS = 1 << 32
MARKER = 0x80
"Of the second byte."


class Malformed(Struct, frozen=True, gc=False):
    """A datagram, or a part of one, that is not what its format says."""

    reason: str
    "What is wrong, without a byte of the offending data."


class Extension(Struct, frozen=True, gc=False):
    """A header extension (RFC 3550 section 5.3.1)."""

    profile: int
    "16 bits defined by the profile; 0xBEDE is RFC 8285."
    data: bytes
    "Whole 32-bit words."


class Packet(Struct, frozen=True, gc=False):
    """One RTP packet."""

    payload_type: int
    sequence: int
    timestamp: int
    "Of the first sample, in units of the format's clock."
    ssrc: int
    payload: bytes = b""
    marker: bool = False
    csrcs: tuple[int, ...] = ()
    extension: Extension | None = None
    padding: int = 0
    "Bytes after the payload, the count itself among them; 0 for none."

    def encode(self) -> bytes:
        """The datagram. A field outside its range is a bug of ours and raises `ValueError`."""
        if not 0 <= self.payload_type < 128 or len(self.csrcs) > 15 or not 0 <= self.padding < 256:
            raise ValueError("payload type, CSRC count or padding outside RTP's range")
        first = 0x80 | bool(self.padding) << 5 | (self.extension is not None) << 4 | len(self.csrcs)
        second = self.marker << 7 | self.payload_type
        try:
            parts = [FIXED.pack(first, second, self.sequence, self.timestamp, self.ssrc), *(one.to_bytes(4) for one in self.csrcs)]
        except (struct.error, OverflowError) as error:
            raise ValueError("sequence, timestamp or SSRC outside RTP's range") from error
        if self.extension is not None:
            words, rest = divmod(len(self.extension.data), 4)
            if rest or words > 0xFFFF:
                raise ValueError("a header extension is whole words")
            parts += [struct.pack("!HH", self.extension.profile, words), self.extension.data]
        parts.append(self.payload)
        if self.padding:
            parts.append(bytes(self.padding - 1) + bytes([self.padding]))
        return b"".join(parts)


def is_rtp(datagram: Datagram) -> bool:
    """Whether it can be RTP: version 2, a whole header, and not one of the types that RTCP uses on a shared port (RFC 5761)."""
    return len(datagram) >= HEADER_SIZE and datagram[0] & 0xC0 == 0x80 and not 192 <= datagram[1] <= 223


def is_rtcp(datagram: Datagram) -> bool:
    """Whether it can be RTCP: version 2 and a packet type of 192 to 223 (RFC 5761 section 4)."""
    return len(datagram) >= 8 and datagram[0] & 0xC0 == 0x80 and 192 <= datagram[1] <= 223


def payload_bounds(datagram: Datagram) -> tuple[int, int] | None:
    """Start and end of the payload; None where the header promises more than there is. `is_rtp` must hold."""
    first = datagram[0]
    start = HEADER_SIZE + 4 * (first & 0x0F)
    end = len(datagram)
    if first & 0x10:
        if start + 4 > end:
            return None
        start += 4 + 4 * (datagram[start + 2] << 8 | datagram[start + 3])
    if start > end:
        return None
    if first & 0x20:
        padding = datagram[end - 1]
        if not 0 < padding <= end - start:
            return None
        end -= padding
    return start, end


def parse_rtp(datagram: Datagram) -> Packet | Malformed:
    """Read one packet whole."""
    if len(datagram) < HEADER_SIZE:
        return Malformed("shorter than an RTP header")
    if datagram[0] & 0xC0 != 0x80:
        return Malformed("not RTP version 2")
    if 192 <= datagram[1] <= 223:
        return Malformed("RTCP, not RTP")
    bounds = payload_bounds(datagram)
    if bounds is None:
        return Malformed("CSRC list, extension or padding runs past the packet")
    start, end = bounds
    first, second, sequence, timestamp, ssrc = FIXED.unpack_from(datagram)
    count = first & 0x0F
    csrcs: tuple[int, ...] = struct.unpack_from(f"!{count}I", datagram, HEADER_SIZE) if count else ()
    extension = None
    if first & 0x10:
        at = HEADER_SIZE + 4 * count
        extension = Extension(datagram[at] << 8 | datagram[at + 1], bytes(datagram[at + 4 : start]))
    padding = len(datagram) - end
    return Packet(second & 0x7F, sequence, timestamp, ssrc, bytes(datagram[start:end]), bool(second & MARKER), csrcs, extension, padding)


def sequence_distance(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier`, -32768 to 32767, across the wrap."""
    return ((later - earlier + 0x8000) & 0xFFFF) - 0x8000


def timestamp_distance(later: int, earlier: int) -> int:
    """How far `later` is ahead of `earlier` in clock units, -2^31 to 2^31 - 1, across the wrap."""
    return ((later - earlier + 0x8000_0000) & 0xFFFF_FFFF) - 0x8000_0000
