"""What a leg was sent as it came: the state from which a stream of ours can take over without a seam.

As long as one source feeds a leg, its packets pass unchanged and cost nothing but the passing. Only when the source changes, or packets
are put in or left out, does the leg get a stream of its own, which goes on from here.
"""

from collections.abc import Mapping

from trunkline.media.rewrite import OutgoingStream
from trunkline.media.rtp import HEADER_SIZE, sequence_distance


class Passage:
    """Packets of one SSRC that have passed."""

    __slots__ = ("_newest_at", "_sequence", "_timestamp", "octets", "packets", "ssrc")

    def __init__(self) -> None:
        self.ssrc = -1
        self.packets = 0
        self.octets = 0
        "Without fixed headers, as sender reports count."
        self._sequence = self._timestamp = 0
        self._newest_at = 0.0

    def note(self, ssrc: int, sequence: int, timestamp: int, size: int, at: float) -> None:
        """Count one packet of `size` bytes."""
        if not self.packets or sequence_distance(sequence, self._sequence) > 0:
            self._sequence, self._timestamp, self._newest_at = sequence, timestamp, at
        self.ssrc = ssrc
        self.packets += 1
        self.octets += size - HEADER_SIZE

    def stream(self, payload_types: Mapping[int, int], clock_rate: int) -> OutgoingStream:
        """The stream that goes on after the newest packet; there must have been one."""
        stream = OutgoingStream(
            self.ssrc, self._sequence + 1, (self._timestamp - 1) & 0xFFFF_FFFF, payload_types=payload_types, clock_rate=clock_rate
        )
        stream.packets = self.packets
        stream.sent(self._timestamp, self.octets, self._newest_at)
        return stream
