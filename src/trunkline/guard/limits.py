"""Channels and calls per second, kept per stable name.

A channel is taken at admission and given back when the record of the call or attempt is written. Several limits are taken together or not
at all, so a refusal leaves nothing behind.
"""

from msgspec import Struct


class Limit(Struct, frozen=True, gc=False):
    """What one name allows."""

    name: str
    channels: int = 0
    "0 is unlimited."
    cps: float = 0.0
    "0 is unlimited."


class Limits:
    """Live use of every limited name."""

    __slots__ = ("_due", "used")

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        "Channels in use by name."
        self._due: dict[str, float] = {}
        "GCRA: theoretical arrival time of the next call, monotonic seconds."

    def take(self, limits: tuple[Limit, ...], now: float) -> tuple[str, str] | None:
        """Take a channel and a call of every limit; on refusal take none and return (name, `channels` or `cps`)."""
        used = self.used
        for limit in limits:
            if limit.channels and used.get(limit.name, 0) >= limit.channels:
                return limit.name, "channels"
            # A second's worth of calls may come at once; more has to wait (generic cell rate algorithm).
            if limit.cps and self._due.get(limit.name, 0.0) - now > 1.0 - 1.0 / max(limit.cps, 1.0) + 1e-9:
                return limit.name, "cps"
        for limit in limits:
            used[limit.name] = used.get(limit.name, 0) + 1
            if limit.cps:
                self._due[limit.name] = max(self._due.get(limit.name, 0.0), now) + 1.0 / limit.cps
        return None

    def hold(self, names: tuple[str, ...]) -> None:
        """Take channels past every limit (emergency calls)."""
        for name in names:
            self.used[name] = self.used.get(name, 0) + 1

    def give(self, *names: str) -> None:
        """Give channels back."""
        for name in names:
            left = self.used.get(name, 0) - 1
            if left > 0:
                self.used[name] = left
            else:
                self.used.pop(name, None)
