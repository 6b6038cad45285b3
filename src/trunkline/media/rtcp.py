"""RTCP packets, single and compound (RFC 3550 section 6), and round-trip time from them (section 6.4.1).

Types that we have no use for (APP is kept apart, feedback of RFC 4585 is `Other`) read into a value that writes back the same bytes, so a
compound can be passed on. Extended reports are in `rtcp_xr`. `is_rtcp` of `trunkline.media.rtp` tells RTCP from RTP on a shared port.
"""

import struct
from collections.abc import Iterable
from typing import TypeAlias

from msgspec import Struct

from trunkline.media.rtcp_xr import EXTENDED_REPORT, ExtendedReport, parse_extended_report
from trunkline.media.rtp import Datagram, Malformed

SENDER_REPORT, RECEIVER_REPORT, SOURCE_DESCRIPTION, GOODBYE, APPLICATION = 200, 201, 202, 203, 204
"Packet types."
CNAME = 1
"Item type of the canonical name."
NTP_EPOCH = 2_208_988_800
"Seconds from 1900 to 1970."

_BLOCK = struct.Struct("!IB3sIIII")
_SENDER = struct.Struct("!QIII")


class ReportBlock(Struct, frozen=True, gc=False):
    """What a receiver saw of one source."""

    ssrc: int
    fraction_lost: int
    "Since the report before, in 1/256."
    cumulative_lost: int
    "Signed, 24 bits; a value outside them is sent as the nearest inside."
    highest: int
    "Highest sequence number with its cycles above."
    jitter: int
    "Clock units."
    last_sr: int = 0
    "Middle 32 bits of the NTP time of the newest sender report; 0 for none."
    delay_since_last_sr: int = 0
    "From its arrival to this report, in 1/65536 s."


class SenderReport(Struct, frozen=True, gc=False):
    ssrc: int
    ntp: int
    "64-bit NTP timestamp; `ntp_time` makes one."
    rtp_timestamp: int
    "The same instant on the stream's clock."
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = b""
    "Profile-specific, whole words."


class ReceiverReport(Struct, frozen=True, gc=False):
    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = b""


class Chunk(Struct, frozen=True, gc=False):
    """Items about one source."""

    ssrc: int
    items: tuple[tuple[int, bytes], ...]
    "Item type (1 is CNAME) and text, in order."


class SourceDescription(Struct, frozen=True, gc=False):
    chunks: tuple[Chunk, ...]


class Goodbye(Struct, frozen=True, gc=False):
    ssrcs: tuple[int, ...]
    reason: bytes = b""


class Application(Struct, frozen=True, gc=False):
    """APP, passed as it is."""

    subtype: int
    ssrc: int
    name: bytes
    "Four bytes."
    data: bytes = b""


class Other(Struct, frozen=True, gc=False):
    """A packet of a type not read here, passed as it is."""

    packet_type: int
    count: int
    "The five bits after version and padding: a count, or a format."
    body: bytes
    "All after the first word."


ControlPacket: TypeAlias = SenderReport | ReceiverReport | SourceDescription | Goodbye | Application | ExtendedReport | Other


def parse_rtcp(datagram: Datagram, *, reduced: bool = False) -> tuple[ControlPacket, ...] | Malformed:
    """Read a compound. It begins with a report, unless `reduced` allows the short form of RFC 5506."""
    data = bytes(datagram)
    packets: list[ControlPacket] = []
    at = 0
    while at < len(data):
        if len(data) - at < 4:
            return Malformed("rest shorter than an RTCP header")
        first, kind = data[at], data[at + 1]
        end = at + 4 + 4 * int.from_bytes(data[at + 2 : at + 4])
        if first & 0xC0 != 0x80:
            return Malformed("not RTCP version 2")
        if not 192 <= kind <= 223:
            return Malformed("packet type outside RTCP's range")
        if end > len(data):
            return Malformed("length runs past the datagram")
        if not packets and not reduced and kind not in (SENDER_REPORT, RECEIVER_REPORT):
            return Malformed("a compound begins with a report")
        body = data[at + 4 : end]
        if first & 0x20:
            if end != len(data):
                return Malformed("padding before the last packet")
            # Padding is part of the length and whole words, so it cannot reach into the header.
            if not body or body[-1] == 0 or body[-1] % 4 or body[-1] > len(body):
                return Malformed("bad padding")
            body = body[: -body[-1]]
        packet = _parse(kind, first & 0x1F, body)
        if isinstance(packet, Malformed):
            return packet
        packets.append(packet)
        at = end
    return tuple(packets) if packets else Malformed("empty")


def encode_rtcp(packets: Iterable[ControlPacket]) -> bytes:
    """The compound, in the order given. Our own bugs raise `ValueError`: a number out of range, a body that is not whole words."""
    try:
        return b"".join(_frame(*_encode(packet)) for packet in packets)
    except (struct.error, OverflowError) as error:
        raise ValueError("number outside RTCP's range") from error


def ntp_time(unix_s: float) -> int:
    """64-bit NTP timestamp of a Unix time in seconds."""
    whole = int(unix_s // 1)
    return ((whole + NTP_EPOCH) & 0xFFFF_FFFF) << 32 | int((unix_s - whole) * 0x1_0000_0000) & 0xFFFF_FFFF


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits, which reports echo."""
    return ntp >> 16 & 0xFFFF_FFFF


def round_trip_s(block: ReportBlock, arrived: int) -> float | None:
    """Round-trip time in seconds, from a block about our stream that arrived at `arrived`, a 64-bit NTP time of our clock.

    None where the block answers no sender report, or its numbers contradict each other.
    """
    if block.last_sr == 0:
        return None
    units = (ntp_middle(arrived) - block.last_sr - block.delay_since_last_sr) & 0xFFFF_FFFF
    return units / 65_536 if units < 0x8000_0000 else None


def _parse(kind: int, count: int, body: bytes) -> ControlPacket | Malformed:
    if kind == SENDER_REPORT:
        blocks = _blocks(body, 24, count)
        if blocks is None:
            return Malformed("sender report shorter than its count")
        ntp, stamp, packets, octets = _SENDER.unpack_from(body, 4)
        return SenderReport(int.from_bytes(body[:4]), ntp, stamp, packets, octets, blocks, body[24 + 24 * count :])
    if kind == RECEIVER_REPORT:
        blocks = _blocks(body, 4, count)
        if blocks is None:
            return Malformed("receiver report shorter than its count")
        return ReceiverReport(int.from_bytes(body[:4]), blocks, body[4 + 24 * count :])
    if kind == SOURCE_DESCRIPTION:
        return _parse_chunks(count, body)
    if kind == GOODBYE:
        return _parse_goodbye(count, body)
    if kind == APPLICATION:
        if len(body) < 8:
            return Malformed("APP without source and name")
        return Application(count, int.from_bytes(body[:4]), body[4:8], body[8:])
    if kind == EXTENDED_REPORT:
        return parse_extended_report(body)
    return Other(kind, count, body)


def _blocks(body: bytes, start: int, count: int) -> tuple[ReportBlock, ...] | None:
    if len(body) < start + 24 * count:
        return None
    blocks: list[ReportBlock] = []
    for ssrc, fraction, lost, highest, jitter, last_sr, delay in _BLOCK.iter_unpack(body[start : start + 24 * count]):
        blocks.append(ReportBlock(ssrc, fraction, int.from_bytes(lost, signed=True), highest, jitter, last_sr, delay))
    return tuple(blocks)


def _parse_chunks(count: int, body: bytes) -> SourceDescription | Malformed:
    chunks: list[Chunk] = []
    at = 0
    for _ in range(count):
        if len(body) - at < 8:
            return Malformed("source description shorter than its count")
        ssrc = int.from_bytes(body[at : at + 4])
        items: list[tuple[int, bytes]] = []
        at += 4
        while at < len(body) and body[at]:
            end = at + 2 + body[at + 1] if at + 1 < len(body) else len(body) + 1
            if end >= len(body):
                return Malformed("item runs past its chunk")
            items.append((body[at], body[at + 2 : end]))
            at = end
        # A chunk ends with one to four null bytes, to the next word.
        if any(body[at : at + 4 - at % 4]):
            return Malformed("chunk does not end in nulls")
        at += 4 - at % 4
        chunks.append(Chunk(ssrc, tuple(items)))
    return SourceDescription(tuple(chunks)) if at == len(body) else Malformed("bytes after the last chunk")


def _parse_goodbye(count: int, body: bytes) -> Goodbye | Malformed:
    end = 4 * count
    if len(body) < end:
        return Malformed("BYE shorter than its count")
    rest = body[end:]
    if rest and (rest[0] >= len(rest) or any(rest[1 + rest[0] :])):
        return Malformed("reason runs past the BYE")
    return Goodbye(struct.unpack(f"!{count}I", body[:end]), rest[1 : 1 + rest[0]] if rest else b"")


def _encode(packet: ControlPacket) -> tuple[int, int, bytes]:
    match packet:
        case SenderReport():
            sender = _SENDER.pack(packet.ntp, packet.rtp_timestamp & 0xFFFF_FFFF, packet.packets & 0xFFFF_FFFF, packet.octets & 0xFFFF_FFFF)
            body = packet.ssrc.to_bytes(4) + sender + _encode_blocks(packet.blocks) + packet.extension
            return SENDER_REPORT, len(packet.blocks), body
        case ReceiverReport():
            return RECEIVER_REPORT, len(packet.blocks), packet.ssrc.to_bytes(4) + _encode_blocks(packet.blocks) + packet.extension
        case SourceDescription():
            return SOURCE_DESCRIPTION, len(packet.chunks), b"".join(_encode_chunk(chunk) for chunk in packet.chunks)
        case Goodbye():
            reason = bytes([len(packet.reason)]) + packet.reason if packet.reason else b""
            return GOODBYE, len(packet.ssrcs), struct.pack(f"!{len(packet.ssrcs)}I", *packet.ssrcs) + reason + bytes(-len(reason) % 4)
        case Application():
            return APPLICATION, packet.subtype, struct.pack("!I4s", packet.ssrc, packet.name) + packet.data
        case ExtendedReport():
            return EXTENDED_REPORT, 0, packet.encode_body()
        case Other():
            return packet.packet_type, packet.count, packet.body


def _frame(kind: int, count: int, body: bytes) -> bytes:
    if count > 31 or len(body) % 4:
        raise ValueError("an RTCP packet holds up to 31 of a thing, in whole words")
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def _encode_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    parts: list[bytes] = []
    for one in blocks:
        lost = max(-0x80_0000, min(0x7F_FFFF, one.cumulative_lost)).to_bytes(3, signed=True)
        parts.append(_BLOCK.pack(one.ssrc, one.fraction_lost, lost, one.highest, one.jitter, one.last_sr, one.delay_since_last_sr))
    return b"".join(parts)


def _encode_chunk(chunk: Chunk) -> bytes:
    text = b"".join(bytes([kind, len(value)]) + value for kind, value in chunk.items)
    return chunk.ssrc.to_bytes(4) + text + bytes(4 - len(text) % 4)
