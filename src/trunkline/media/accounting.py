"""What arrived of one RTP stream (RFC 3550 appendices A.1, A.3 and A.8).

One `Accounting` counts one SSRC from one source. The packet that comes next in line, which nearly every packet is, costs a few
integer operations; holes, repeats and restarts are sorted out on the side. A sequence number that is missing stays open until it
is too old to arrive any more, so a packet that was merely overtaken is no loss.
"""

from enum import IntEnum

from msgspec import Struct

from trunkline.media.bursts import BurstMeter, Bursts

MIN_SEQUENTIAL = 2
"Packets in order before a source is believed."
MAX_DROPOUT = 3000
"Largest jump ahead that is still loss, in packets."
MAX_MISORDER = 100
"Largest step back that is still reordering, in packets."
RESYNC_S = 3.0
"A step in transit time beyond this is a restarted clock, not jitter."


class Arrival(IntEnum):
    """What one packet was."""

    PROBATION = 0
    "Not believed yet: the source has not sent enough packets in order."
    IN_ORDER = 1
    REORDERED = 2
    "Late, into a hole that was open."
    DUPLICATE = 3
    STRAY = 4
    "Far from every number expected: one of these is ignored, two in a row are a restart."


# Looking a member up costs as much as the arithmetic of a packet in order.
IN_ORDER = Arrival.IN_ORDER


class Reception(Struct, frozen=True, gc=False):
    """A stream as it stands."""

    received: int
    "Different packets that arrived."
    expected: int
    duplicates: int
    reordered: int
    strays: int
    restarts: int
    highest: int
    "Highest sequence number, extended by its cycles, 32 bits."
    jitter_units: float
    "Interarrival jitter (RFC 3550 appendix A.8) in clock units."
    jitter_s: float
    peak_jitter_s: float
    first_at: float | None
    "Arrival of the first packet on the caller's clock, in seconds."
    last_at: float | None
    bursts: Bursts
    fraction_lost: int
    "Loss since the report before, in 1/256 (RFC 3550 section 6.4.1)."
    cumulative_lost: int
    "As RTCP counts it: duplicates make up for losses, and it may be negative."

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return self.expected - self.received

    @property
    def loss(self) -> float:
        """Share of the expected packets that never came."""
        return self.lost / self.expected if self.expected else 0.0

    @property
    def burst_ratio(self) -> float:
        """BurstR of ITU-T G.107: mean run of losses over what the same loss at random would have; 1 or more."""
        if not self.bursts.loss_runs or self.lost >= self.expected:
            return 1.0
        return max(1.0, self.lost / self.bursts.loss_runs * (1.0 - self.loss))


class Accounting:
    """Counts one stream. All times are the caller's clock in seconds; it may start anywhere but never goes back."""

    __slots__ = (
        "_bad", "_base", "_expected_before", "_expected_prior", "_highest", "_jitter", "_last_timestamp", "_meter", "_missing",
        "_offset", "_probation", "_received_prior", "_transit", "clock_rate", "duplicates", "first_at", "last_at", "peak_jitter",
        "received", "reordered", "restarts", "strays",
    )  # fmt: skip

    def __init__(self, clock_rate: int = 8000) -> None:
        self.clock_rate = clock_rate
        self.first_at: float | None = None
        self.last_at: float | None = None
        self.received = self.duplicates = self.reordered = self.strays = self.restarts = 0
        self.peak_jitter = 0.0
        self._jitter = 0.0
        self._transit = 0.0
        self._last_timestamp = -1
        self._probation = MIN_SEQUENTIAL
        self._highest = -1
        "Extended: cycles and sequence number."
        self._base = 0
        self._bad = -1
        self._missing: dict[int, None] = {}
        "Extended numbers not seen yet and young enough to come, oldest first."
        self._meter = BurstMeter()
        self._offset = 0
        "Added to extended numbers for the meter, which wants them to rise across restarts."
        self._expected_before = 0
        self._expected_prior = 0
        self._received_prior = 0

    def receive(self, sequence: int, timestamp: int, now: float) -> Arrival:
        """Count one packet by its sequence number and timestamp."""
        if self._probation:
            return self._prove(sequence, timestamp, now)
        highest = self._highest
        ahead = (sequence - highest) & 0xFFFF
        self.last_at = now
        if ahead == 1:
            self._highest = highest + 1
            self.received += 1
            if self._missing:
                self._settle()
            if timestamp != self._last_timestamp:
                # The usual case of `_time`, without its call: a step in transit of less than a second.
                rate = self.clock_rate
                transit = now * rate - timestamp
                difference = transit - self._transit
                if -rate < difference < rate and self._last_timestamp >= 0:
                    self._transit = transit
                    self._last_timestamp = timestamp
                    jitter = self._jitter
                    jitter += ((difference if difference > 0 else -difference) - jitter) * 0.0625
                    self._jitter = jitter
                    if jitter > self.peak_jitter:
                        self.peak_jitter = jitter
                else:
                    self._time(timestamp, now)
            return IN_ORDER
        return self._irregular(sequence, ahead, timestamp, now)

    def _prove(self, sequence: int, timestamp: int, now: float) -> Arrival:
        """Wait for `MIN_SEQUENTIAL` packets in a row. They count once believed, unlike in A.1, which forgets all but the last."""
        if self.first_at is None:
            self.first_at = now
        self.last_at = now
        if self._highest >= 0 and sequence == (self._highest + 1) & 0xFFFF:
            self._probation -= 1
        else:
            self.strays += self._highest >= 0
            self._probation = MIN_SEQUENTIAL - 1
        self._highest = sequence
        self._time(timestamp, now)
        if self._probation:
            return Arrival.PROBATION
        self._base = sequence - MIN_SEQUENTIAL + 1
        if self._base < 0:
            self._base += 1 << 16
            self._highest += 1 << 16
        self.received = MIN_SEQUENTIAL
        return IN_ORDER

    def _irregular(self, sequence: int, ahead: int, timestamp: int, now: float) -> Arrival:
        if ahead == 0:
            self.duplicates += 1
            return Arrival.DUPLICATE
        if ahead < MAX_DROPOUT:
            # Numbers that are too old to come back at once are losses already; only the youngest may still turn up.
            highest = self._highest + ahead
            self._missing.update(dict.fromkeys(range(self._highest + 1, highest)))
            self._highest = highest
            self._settle()
            self.received += 1
            if timestamp != self._last_timestamp:
                self._time(timestamp, now)
            return IN_ORDER
        if ahead > 0xFFFF - MAX_MISORDER:
            extended = self._highest - (0x10000 - ahead)
            if extended in self._missing:
                del self._missing[extended]
                self.received += 1
                self.reordered += 1
                self._time(timestamp, now)
                return Arrival.REORDERED
            if extended >= self._base:
                self.duplicates += 1
                return Arrival.DUPLICATE
            self.strays += 1
            return Arrival.STRAY
        if sequence != self._bad:
            self._bad = (sequence + 1) & 0xFFFF
            self.strays += 1
            return Arrival.STRAY
        self._restart(sequence, timestamp, now)
        return IN_ORDER

    def _restart(self, sequence: int, timestamp: int, now: float) -> None:
        """Two packets in a row from elsewhere: the sender began anew. What was counted stays counted; the stray before was no stray."""
        for missing in self._missing:
            self._meter.lose(missing + self._offset)
        self._missing.clear()
        self._expected_before += self._highest - self._base + 1
        base = sequence - 1 if sequence else 0xFFFF
        self._offset += self._highest + 1 - base
        self._base = base
        self._highest = base + 1
        self._bad = -1
        self.strays -= 1
        self.received += 2
        self.restarts += 1
        self._last_timestamp = -1
        self._time(timestamp, now)

    def _settle(self) -> None:
        oldest = self._highest - MAX_MISORDER
        while self._missing:
            extended = next(iter(self._missing))
            if extended >= oldest:
                return
            del self._missing[extended]
            self._meter.lose(extended + self._offset)

    def _time(self, timestamp: int, now: float) -> None:
        """Update jitter. The many packets of one telephone event share a timestamp, and say nothing about transit after the first."""
        rate = self.clock_rate
        transit = now * rate - timestamp
        if self._last_timestamp >= 0:
            difference = transit - self._transit
            if not -0x8000_0000 < difference < 0x8000_0000:
                difference = (difference + 0x8000_0000) % 0x1_0000_0000 - 0x8000_0000
            if difference < 0:
                difference = -difference
            if difference < RESYNC_S * rate:
                jitter = self._jitter = self._jitter + (difference - self._jitter) / 16
                if jitter > self.peak_jitter:
                    self.peak_jitter = jitter
        self._transit = transit
        self._last_timestamp = timestamp

    @property
    def is_believed(self) -> bool:
        """Whether the source has passed its probation."""
        return not self._probation

    @property
    def jitter_s(self) -> float:
        """Interarrival jitter, without the rest of `totals`."""
        return self._jitter / self.clock_rate

    def report(self, now: float) -> Reception:
        """How it stands at `now`, with the loss since the previous report; the next report starts here (RFC 3550 appendix A.3)."""
        reception = self.totals(now)
        self._expected_prior = reception.expected
        self._received_prior = self.received + self.duplicates
        return reception

    def totals(self, now: float) -> Reception:
        """How it stands at `now`; `fraction_lost` reaches back to the previous `report`, and goes on doing so."""
        if self._probation:
            expected, highest = 0, 0
        else:
            expected, highest = self._expected_before + self._highest - self._base + 1, self._highest
        arrived = self.received + self.duplicates
        expected_interval = expected - self._expected_prior
        lost_interval = expected_interval - (arrived - self._received_prior)
        fraction = min(255, (lost_interval << 8) // expected_interval) if expected_interval > 0 and lost_interval > 0 else 0
        return Reception(
            received=self.received,
            expected=expected,
            duplicates=self.duplicates,
            reordered=self.reordered,
            strays=self.strays,
            restarts=self.restarts,
            highest=highest & 0xFFFF_FFFF,
            jitter_units=self._jitter,
            jitter_s=self._jitter / self.clock_rate,
            peak_jitter_s=self.peak_jitter / self.clock_rate,
            first_at=self.first_at,
            last_at=self.last_at,
            bursts=self._meter.result(expected, [missing + self._offset for missing in self._missing]),
            fraction_lost=fraction,
            cumulative_lost=expected - arrived,
        )
