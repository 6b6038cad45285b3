"""RTCP through the relay: passed on as it is while the stream it speaks of is, translated once that stream joins several sources.

What cannot be translated truthfully is left out: blocks about sources that the hearer never sent, and a BYE, since the stream goes on.
"""

from msgspec.structs import replace

from trunkline.media.rewrite import OutgoingStream
from trunkline.media.rtcp import (
    Chunk,
    ControlPacket,
    ReceiverReport,
    ReportBlock,
    SenderReport,
    SourceDescription,
    encode_rtcp,
    parse_rtcp,
)
from trunkline.media.rtp import Malformed


def passed_on(data: bytes, source: int, stream: OutgoingStream | None, heard: int, sent: OutgoingStream | None, silent_s: float) -> bytes:
    """What the hearer is to be sent of a compound that came from a leg; empty for nothing.

    `source` is the SSRC the leg speaks with and `stream` what the hearer gets of it, None where it passes unchanged; `heard` is the SSRC
    the hearer speaks with and `sent` what the leg gets of that. `silent_s` is how long ago the newest packet of the leg was.
    """
    if stream is None and sent is None:
        return data
    packets = parse_rtcp(data, reduced=True)
    if isinstance(packets, Malformed):
        return b""
    translated: list[ControlPacket] = []
    for packet in packets:
        match packet:
            case SenderReport():
                blocks = _blocks(packet.blocks, heard, sent, stream)
                if stream is None:
                    translated.append(replace(packet, blocks=blocks))
                elif packet.ssrc == source:
                    stamp = (stream.timestamp + round(silent_s * stream.clock_rate)) & 0xFFFF_FFFF
                    translated.append(SenderReport(stream.ssrc, packet.ntp, stamp, stream.packets, stream.octets, blocks))
            case ReceiverReport():
                ssrc = stream.ssrc if stream is not None and packet.ssrc == source else packet.ssrc
                translated.append(ReceiverReport(ssrc, _blocks(packet.blocks, heard, sent, stream)))
            case SourceDescription():
                chunks = (
                    Chunk(stream.ssrc, chunk.items) if stream is not None and chunk.ssrc == source else chunk for chunk in packet.chunks
                )
                translated.append(SourceDescription(tuple(chunks)))
    return encode_rtcp(translated) if translated else b""


def _blocks(blocks: tuple[ReportBlock, ...], heard: int, sent: OutgoingStream | None, stream: OutgoingStream | None) -> tuple[ReportBlock, ...]:
    """Blocks about what the leg was sent, as blocks about what the hearer spoke; jitter counts in the clock of each."""
    if sent is None:
        return blocks
    rate = stream.clock_rate if stream is not None else sent.clock_rate
    return tuple(
        replace(block, ssrc=heard, jitter=block.jitter * rate // sent.clock_rate) for block in blocks if block.ssrc == sent.ssrc and heard >= 0
    )
