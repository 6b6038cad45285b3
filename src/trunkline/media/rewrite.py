"""One unbroken RTP stream towards one side, whoever is speaking on the other (RFC 3550 sections 5.1 and 7.1).

A call that fails over to another carrier after early media, or whose carrier swaps its announcement server for the callee, changes its
source; the side that listens must not notice. So what goes out keeps one SSRC, sequence numbers without a break and timestamps that
rise with the clock, and each source is mapped onto it. Losses and reordering of a source show through: they are the truth about the
line, and hiding them would falsify the far end's reports.

Sequence numbers are mapped by pairs (next expected, next to send), not by an offset, so that packets of our own can be put in and
packets withheld without a trace. A late packet goes only into a hole that its own loss left: no number is ever sent twice.
"""

import struct
from collections.abc import Mapping

from trunkline.media.accounting import MAX_DROPOUT, MAX_MISORDER
from trunkline.media.rtp import MARKER

RETURN_SILENCE_S = 0.1
"""An SSRC that was left takes the stream back only after the present one was silent for so long: packets of two sources that
overlap at a switch would otherwise toss the stream to and fro."""
CLOCK_RESTART_S = 10.0
"A source that goes back further than this, in order, has set its clock anew."
HOLES_KEPT = 4 * MAX_MISORDER

_AFTER_FLAGS = struct.Struct("!BHII")
"The fixed header from its second byte on."


class OutgoingStream:
    """What is sent to one side. Feed it every packet of the source that is to be heard; call `switch` when that source changes."""

    __slots__ = (
        "_bad", "_former", "_holes", "_last_at", "_mark", "_next_out", "_next_source", "_own_is_newest", "_shift", "_source", "_stamped_at", "_types",
        "clock_rate", "frame_units", "octets", "packets", "ssrc", "switches", "timestamp",
    )  # fmt: skip

    def __init__(
        self,
        ssrc: int,
        sequence: int,
        timestamp: int,
        *,
        payload_types: Mapping[int, int] | None = None,
        clock_rate: int = 8000,
        frame_units: int = 160,
    ) -> None:
        """Start at `sequence` and `timestamp`, which RFC 3550 wants random. `frame_units` is the least step across a switch."""
        self.ssrc = ssrc
        self.clock_rate = clock_rate
        self.frame_units = frame_units
        self.timestamp = timestamp
        "Of the newest packet sent."
        self.packets = self.octets = self.switches = 0
        "Sent so far, for the sender report; octets without the fixed header. Switches are changes of source after the first."
        self._next_out = sequence & 0xFFFF
        self._next_source = -1
        self._shift = 0
        "Timestamp out minus timestamp in."
        self._source = -1
        self._former = -1
        self._stamped_at = self._last_at = 0.0
        self._mark = False
        self._own_is_newest = False
        self._bad = -1
        self._holes: dict[int, int] = {}
        "Source number to the number kept free for it."
        self.map_payload_types(payload_types or {})

    def map_payload_types(self, payload_types: Mapping[int, int]) -> None:
        """Send payload type `a` as `b`; those not named stay as they are."""
        table = bytearray(range(256))
        for source, target in payload_types.items():
            table[source] = target
            table[source | MARKER] = target | MARKER
        self._types = bytes(table)

    def switch(self) -> None:
        """The next packet comes from another source, even if its SSRC is the same."""
        self._source = -1
        self._former = -1

    def forward(self, packet: bytearray | memoryview, sequence: int, timestamp: int, ssrc: int, now: float) -> bool:
        """Rewrite a packet in place, given the fields of its own header. False: do not send it."""
        if ssrc == self._source and sequence == self._next_source:
            out = self._next_out
            self._next_out = (out + 1) & 0xFFFF
            self._next_source = (sequence + 1) & 0xFFFF
        else:
            found = self._place(sequence, timestamp, ssrc, now)
            if found is None:
                return False
            out = found
        stamp = (timestamp + self._shift) & 0xFFFF_FFFF
        advance = (stamp - self.timestamp) & 0xFFFF_FFFF
        if advance:
            if advance >= 0x8000_0000 and (sequence + 1) & 0xFFFF == self._next_source and self._runs_back(advance):
                stamp = self._join_clock(timestamp, now)
                advance = 1
            if advance < 0x8000_0000:
                self.timestamp = stamp
                self._stamped_at = now
        self._own_is_newest = False
        self._last_at = now
        second = self._types[packet[1]]
        if self._mark:
            second |= MARKER
            self._mark = False
        _AFTER_FLAGS.pack_into(packet, 1, second, out, stamp, self.ssrc)
        self.packets += 1
        self.octets += len(packet) - 12
        return True

    def withhold(self, sequence: int, timestamp: int, ssrc: int, now: float) -> None:
        """Take a packet of the source without sending it, so that what follows closes up: a digit that travels another way."""
        if self._place(sequence, timestamp, ssrc, now) is not None and (sequence + 1) & 0xFFFF == self._next_source:
            self._next_out = (self._next_out - 1) & 0xFFFF
            self._last_at = now

    def claim(self, now: float) -> tuple[int, int]:
        """Sequence number and timestamp for a packet of our own, sent between those of the source.

        The timestamp is what the source's clock should say at `now`, and never less than the newest sent. The packets of one
        telephone event all carry the timestamp of its first (RFC 4733): claim a number for each and keep that timestamp.
        """
        out = self._next_out
        self._next_out = (out + 1) & 0xFFFF
        self.packets += 1
        if self.packets == 1:
            self._stamped_at = now
        return out, (self.timestamp + max(0, round((now - self._stamped_at) * self.clock_rate))) & 0xFFFF_FFFF

    def sent(self, timestamp: int, octets: int, now: float) -> None:
        """Book a packet sent under a number from `claim`."""
        if (timestamp - self.timestamp) & 0x8000_0000 == 0 and timestamp != self.timestamp:
            self.timestamp = timestamp
            self._stamped_at = now
            self._own_is_newest = True
        self.octets += octets
        self._last_at = now

    def _place(self, sequence: int, timestamp: int, ssrc: int, now: float) -> int | None:
        """The outgoing number for a packet that is not simply the next one; None when there is none."""
        if ssrc != self._source:
            if ssrc == self._former and now - self._last_at < RETURN_SILENCE_S:
                return None
            return self._begin(sequence, timestamp, ssrc, now)
        ahead = (sequence - self._next_source) & 0xFFFF
        if ahead < MAX_DROPOUT:
            out = (self._next_out + ahead) & 0xFFFF
            for back in range(min(ahead, MAX_MISORDER), 0, -1):
                self._holes[(sequence - back) & 0xFFFF] = (out - back) & 0xFFFF
            self._next_out = (out + 1) & 0xFFFF
            self._next_source = (sequence + 1) & 0xFFFF
            if len(self._holes) > HOLES_KEPT:
                self._forget_old_holes()
            return out
        if ahead >= 0xFFFF - MAX_MISORDER:
            return self._holes.pop(sequence, None)
        if sequence != self._bad:
            self._bad = (sequence + 1) & 0xFFFF
            return None
        return self._begin(sequence, timestamp, ssrc, now)

    def _begin(self, sequence: int, timestamp: int, ssrc: int, now: float) -> int:
        """Join a source to the stream: the next number, and a timestamp as far on as the clock says, at least one frame."""
        if self.packets:
            self._join_clock(timestamp, now)
            self._mark = True
            self.switches += 1
        else:
            self._shift = self.timestamp - timestamp
            self._stamped_at = now
        if ssrc != self._source:
            self._former = self._source
        self._source = ssrc
        self._bad = -1
        self._holes.clear()
        self._next_source = (sequence + 1) & 0xFFFF
        out = self._next_out
        self._next_out = (out + 1) & 0xFFFF
        return out

    def _join_clock(self, timestamp: int, now: float) -> int:
        """Shift the source's clock so that `timestamp` falls on `now`, a frame after the newest at least; what it becomes."""
        step = max(self.frame_units, round((now - self._stamped_at) * self.clock_rate))
        self._shift = self.timestamp + step - timestamp
        return (timestamp + self._shift) & 0xFFFF_FFFF

    def _runs_back(self, advance: int) -> bool:
        """Whether a packet in order but earlier than the newest is out of step. The packets of a telephone event are not: they
        repeat its start while speech goes on between them."""
        return self._own_is_newest or 0x1_0000_0000 - advance > CLOCK_RESTART_S * self.clock_rate

    def _forget_old_holes(self) -> None:
        newest = self._next_source
        self._holes = {source: out for source, out in self._holes.items() if (newest - source) & 0xFFFF <= MAX_MISORDER}
