"""Extended reports (RFC 3611), with the VoIP metrics block of section 4.7."""

import struct

from msgspec import Struct

from trunkline.media.rtp import Malformed

EXTENDED_REPORT = 207
"Packet type."
VOIP_METRICS = 7
"Block type."
UNAVAILABLE = 127
"For levels, RERL, R factors and MOS."

_VOIP = struct.Struct("!IBBBBHHHHbbBBBBBBBBHHH")
_FIELDS = _VOIP.size


class VoipMetrics(Struct, frozen=True, gc=False):
    """The quality of one received stream. 127 stands for a value that is not measured, where nothing else is said."""

    ssrc: int
    loss_rate: int
    "Lost since the beginning, in 1/256."
    discard_rate: int
    "Discarded by the jitter buffer, in 1/256."
    burst_density: int
    "Lost and discarded inside bursts, in 1/256."
    gap_density: int
    burst_duration_ms: int
    "Mean."
    gap_duration_ms: int
    round_trip_ms: int = 0
    "0 when not measured."
    end_system_delay_ms: int = 0
    signal_level_dbm0: int = UNAVAILABLE
    noise_level_dbm0: int = UNAVAILABLE
    echo_return_loss_db: int = UNAVAILABLE
    "Residual."
    gap_minimum: int = 16
    r_factor: int = UNAVAILABLE
    external_r_factor: int = UNAVAILABLE
    mos_listening: int = UNAVAILABLE
    "MOS-LQ times 10."
    mos_conversational: int = UNAVAILABLE
    "MOS-CQ times 10."
    receiver_config: int = 0
    "Concealment and jitter buffer (section 4.7.6); 0 says nothing."
    buffer_nominal_ms: int = 0
    buffer_maximum_ms: int = 0
    buffer_limit_ms: int = 0
    "The most the buffer can grow to."


class ReportOfType(Struct, frozen=True, gc=False):
    """A block of another type, as it is."""

    block_type: int
    type_specific: int
    data: bytes
    "Whole words."


class ExtendedReport(Struct, frozen=True, gc=False):
    ssrc: int
    blocks: tuple[VoipMetrics | ReportOfType, ...] = ()

    def encode_body(self) -> bytes:
        """All after the RTCP header."""
        parts = [self.ssrc.to_bytes(4)]
        for block in self.blocks:
            if isinstance(block, VoipMetrics):
                parts.append(struct.pack("!BBH", VOIP_METRICS, 0, _FIELDS // 4) + _encode_voip(block))
            elif len(block.data) % 4:
                raise ValueError("a block is whole words")
            else:
                parts.append(struct.pack("!BBH", block.block_type, block.type_specific, len(block.data) // 4) + block.data)
        return b"".join(parts)


def in_256ths(share: float) -> int:
    """A share from 0 to 1 as the block writes it; 1 is 255."""
    return max(0, min(255, int(share * 256)))


def parse_extended_report(body: bytes) -> ExtendedReport | Malformed:
    """Read what follows the RTCP header."""
    if len(body) < 4:
        return Malformed("extended report without a source")
    blocks: list[VoipMetrics | ReportOfType] = []
    at = 4
    while at < len(body):
        kind, specific, words = struct.unpack_from("!BBH", body, at)
        data = body[at + 4 : at + 4 + 4 * words]
        if len(data) != 4 * words:
            return Malformed("block runs past the extended report")
        if kind == VOIP_METRICS:
            if len(data) != _FIELDS:
                return Malformed("VoIP metrics of the wrong length")
            blocks.append(_parse_voip(data))
        else:
            blocks.append(ReportOfType(kind, specific, data))
        at += 4 + 4 * words
    return ExtendedReport(int.from_bytes(body[:4]), tuple(blocks))


def _parse_voip(data: bytes) -> VoipMetrics:
    fields = _VOIP.unpack(data)
    return VoipMetrics(*fields[:18], *fields[19:])


def _encode_voip(one: VoipMetrics) -> bytes:
    return _VOIP.pack(
        one.ssrc, one.loss_rate, one.discard_rate, one.burst_density, one.gap_density, one.burst_duration_ms, one.gap_duration_ms,
        one.round_trip_ms, one.end_system_delay_ms, one.signal_level_dbm0, one.noise_level_dbm0, one.echo_return_loss_db, one.gap_minimum,
        one.r_factor, one.external_r_factor, one.mos_listening, one.mos_conversational, one.receiver_config, 0, one.buffer_nominal_ms,
        one.buffer_maximum_ms, one.buffer_limit_ms,
    )  # fmt: skip
