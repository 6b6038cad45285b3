"""Digits as RTP telephone events (RFC 4733): packets to presses, and presses to packets.

A press is a row of packets with one timestamp, its start, and a growing duration; three of them say that it ended. Any may be lost, so
every packet alone tells all there is to know: a timestamp not seen before is a new press, whichever packet of it comes first.
"""

import struct
from typing import TypeAlias

from msgspec import Struct

from trunkline.media.rtp import Datagram, Malformed, timestamp_distance

DIGITS = "0123456789*#ABCD"
"Events 0 to 15 (RFC 4733 section 3.2)."
FLASH = 16
DURATION_LIMIT = 0xFFFF
"Of one segment, in clock units; a longer press continues in a segment of its own (RFC 4733 section 2.5.1.3)."
LOST_END_S = 0.15
"A press whose packets stop for so long has ended, though its end was lost: three packet intervals of the longest in use."
VOLUME_DBM0 = -10
END_REPEATS = 3
"How often the last packet is sent (RFC 4733 section 2.5.1.4)."

_PAYLOAD = struct.Struct("!BBH")


class Event(Struct, frozen=True, gc=False):
    """The payload of one packet."""

    event: int
    "0 to 15 are digits, 16 is flash; RFC 4733 section 7 keeps the rest."
    end: bool
    volume_dbm0: int
    "0 to -63."
    duration: int
    "Since the timestamp, in clock units."

    def encode(self) -> bytes:
        return _PAYLOAD.pack(self.event, self.end << 7 | -self.volume_dbm0 & 0x3F, self.duration)


class DigitStarted(Struct, frozen=True, gc=False):
    """A press began: the time to mute what would be heard of it."""

    digit: str
    timestamp: int


class Digit(Struct, frozen=True, gc=False):
    """A press that is over. There is exactly one per press."""

    digit: str
    "One of `DIGITS`."
    duration_s: float
    timestamp: int
    "RTP timestamp of its start."
    end_seen: bool
    "False when its end was lost and silence or the next press gave it away."


Press: TypeAlias = DigitStarted | Digit


def parse_event(payload: Datagram) -> Event | Malformed:
    """Read one payload; of several events in a packet (RFC 4733 section 2.5.1.5), the first, whose start the timestamp is."""
    if len(payload) < 4 or len(payload) % 4:
        return Malformed("telephone event is not whole words")
    event, flags, duration = _PAYLOAD.unpack_from(payload)
    return Event(event, bool(flags & 0x80), -(flags & 0x3F), duration)


class DigitReceiver:
    """Turns the event packets of one stream into presses. Times are the caller's clock in seconds."""

    __slots__ = ("_digit", "_duration", "_ended", "_heard_at", "_newest", "_start", "clock_rate")

    def __init__(self, clock_rate: int = 8000) -> None:
        self.clock_rate = clock_rate
        self._digit = -1
        "Event being pressed; -1 between presses."
        self._start = 0
        "Timestamp of the press."
        self._newest = -1
        "Timestamp of the newest segment, of this press or the last."
        self._duration = 0
        "Clock units from the start to the newest packet's end."
        self._heard_at = 0.0

    def receive(self, event: Event, timestamp: int, now: float) -> list[Press]:
        """What one packet tells. Events that are no digits tell nothing."""
        if event.event >= len(DIGITS):
            return []
        told: list[Press] = []
        if self._newest >= 0:
            ahead = timestamp_distance(timestamp, self._newest)
            if ahead < 0:
                # A straggler of an earlier press or segment, which is settled.
                return []
            if ahead and self._digit >= 0 and not self._continues(event, timestamp):
                told.append(self._finish(end_seen=False))
            elif ahead == 0 and self._digit < 0:
                # One of the repeats of the end.
                return []
        if self._digit < 0:
            self._digit, self._start, self._duration = event.event, timestamp, 0
            told.append(DigitStarted(DIGITS[event.event], timestamp))
        self._newest = timestamp
        self._heard_at = now
        self._duration = max(self._duration, (timestamp - self._start & 0xFFFF_FFFF) + event.duration)
        if event.end:
            told.append(self._finish(end_seen=True))
        return told

    def time_passed(self, now: float) -> Digit | None:
        """The press whose end was lost, once its packets have stopped for `LOST_END_S`."""
        if self._digit < 0 or now - self._heard_at < LOST_END_S:
            return None
        return self._finish(end_seen=False)

    @property
    def deadline(self) -> float | None:
        """When `time_passed` may have something to tell; None between presses."""
        return None if self._digit < 0 else self._heard_at + LOST_END_S

    def _continues(self, event: Event, timestamp: int) -> bool:
        """Whether a later timestamp is the next segment of the press: the same event, from where a full segment leaves off."""
        return event.event == self._digit and timestamp_distance(timestamp, self._newest) == DURATION_LIMIT

    def _finish(self, *, end_seen: bool) -> Digit:
        digit = Digit(DIGITS[self._digit], self._duration / self.clock_rate, self._start, end_seen)
        self._digit = -1
        return digit


class EventPacket(Struct, frozen=True, gc=False):
    """One packet to send."""

    at: float
    "When, in seconds after the press began."
    marker: bool
    timestamp_offset: int
    "To add to the timestamp of the press; more than 0 from the second segment on."
    event: Event


def event_packets(digit: str, duration_s: float, *, clock_rate: int = 8000, interval_s: float = 0.02) -> list[EventPacket]:
    """The packets of one press: a marker on the first, one every `interval_s`, the last three times over.

    `duration_s` is 40 ms at least, as a receiver may want (ITU-T Q.24). A digit not in `DIGITS` raises `ValueError`.
    """
    number = DIGITS.find(digit.upper())
    if number < 0 or len(digit) != 1:
        raise ValueError("not a digit")
    total = round(max(0.04, duration_s) * clock_rate)
    step = round(interval_s * clock_rate)
    packets: list[EventPacket] = []
    segment = 0
    durations = [*range(step, total, step), total]
    for index, duration in enumerate(durations):
        last = index == len(durations) - 1
        while duration - segment > DURATION_LIMIT:
            # A segment is left full, without an end, before the next one starts where it stops.
            packets.append(EventPacket(duration / clock_rate, False, segment, Event(number, False, VOLUME_DBM0, DURATION_LIMIT)))
            segment += DURATION_LIMIT
        event = Event(number, last, VOLUME_DBM0, duration - segment)
        packets.append(EventPacket(duration / clock_rate, index == 0, segment, event))
    end = packets[-1]
    for repeat in range(1, END_REPEATS):
        packets.append(EventPacket(end.at + repeat * interval_s, False, end.timestamp_offset, end.event))
    return packets
