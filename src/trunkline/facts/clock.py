"""The clock: UTC for a monotonic `now`.

Machines live on monotonic seconds, because a timer must not fire twice when NTP corrects the day. Facts carry UTC, because a carrier
compares them with its own. `Clock` joins the two: it anchors UTC once, follows the system clock by slewing at most 500 ppm, and reports
a step of more than a second instead of hiding it.
"""

import time
from typing import Final

SLEW: Final = 500e-6
"Fastest correction, in seconds per second; the rate the kernel's own adjtime uses."

STEP_S: Final = 1.0
"A difference above this is a step, not drift."


class Clock:
    """UTC in integer microseconds for a monotonic `now` in seconds."""

    __slots__ = ("_anchor_now", "_anchor_us")

    def __init__(self, now: float, utc_us: int) -> None:
        self._anchor_now = now
        self._anchor_us = utc_us

    @classmethod
    def system(cls) -> "Clock":
        """A clock anchored at this instant of the machine's own clocks."""
        return cls(time.monotonic(), time.time_ns() // 1000)

    def utc_us(self, now: float) -> int:
        """Microseconds since the Unix epoch at monotonic time `now`."""
        return self._anchor_us + int((now - self._anchor_now) * 1_000_000)

    def follow(self, now: float, system_us: int) -> float | None:
        """Compare with the system clock; slew towards it, or take a step over and return its seconds (forward is positive)."""
        ours = self.utc_us(now)
        difference = (system_us - ours) / 1e6
        if abs(difference) > STEP_S:
            self._anchor_now, self._anchor_us = now, system_us
            return difference
        limit = SLEW * max(now - self._anchor_now, 0.0)
        correction = max(-limit, min(limit, difference))
        self._anchor_now, self._anchor_us = now, ours + int(correction * 1e6)
        return None


def milliseconds(seconds: float) -> float:
    """A duration as facts give it: in ms, to a tenth. (`round` prints the number and reads it again, which costs a call 26,000 instructions.)"""
    return int(seconds * 10_000 + 0.5) / 10
