"""Session timers (RFC 4028): a dialog that nobody refreshes is over.

One side refreshes at half the interval; the other, hearing nothing, hangs up shortly before the interval ends.
"""

from typing import Protocol

from trunkline.sip.fault import Fault
from trunkline.sip.headers.session_expires import parse_min_se, parse_session_expires
from trunkline.sip.message import Message
from trunkline.sip.timers import Timers

REFRESH, EXPIRE = 1, 2


class Refreshed(Protocol):
    """The leg whose session is timed."""

    def refresh_session(self, now: float) -> None:
        """Send a refresh."""

    def session_expired(self, now: float) -> None:
        """The other side fell silent."""


class SessionTimer:
    __slots__ = ("generation", "interval_s", "leg", "ours", "timers")

    def __init__(self, timers: Timers, leg: Refreshed) -> None:
        self.timers = timers
        self.leg: Refreshed | None = leg
        self.generation = 0
        self.interval_s = 0
        self.ours = False
        "We refresh."

    def start(self, interval_s: int, ours: bool, now: float) -> None:
        """Run, or run again after a refresh."""
        self.generation += 1
        self.interval_s, self.ours = interval_s, ours
        if ours:
            self.timers.at(now + interval_s / 2, self, REFRESH)
        else:
            self.timers.at(now + interval_s - min(32.0, interval_s / 3), self, EXPIRE)

    def stop(self) -> None:
        self.generation += 1
        self.leg = None

    def on_timer(self, what: int, now: float) -> None:
        if self.leg is None:
            return
        if what == REFRESH:
            self.timers.at(now + self.interval_s / 2 - min(32.0, self.interval_s / 3), self, EXPIRE)
            self.leg.refresh_session(now)
        else:
            self.leg.session_expired(now)


def asked(message: Message) -> tuple[int, str] | Fault | None:
    """Interval in seconds and refresher (`uac`, `uas` or empty) that a message names; None when it names none."""
    values = message.fields.get("Session-Expires")
    if values is None:
        return None
    parsed = parse_session_expires(values[0])
    return parsed if isinstance(parsed, Fault) else (parsed.seconds, parsed.refresher or "")


def minimum(message: Message, smallest: int) -> int:
    """The larger of our smallest interval and the message's Min-SE."""
    values = message.fields.get("Min-SE")
    if values is None:
        return smallest
    parsed = parse_min_se(values[0])
    return smallest if isinstance(parsed, Fault) else max(smallest, parsed.seconds)
