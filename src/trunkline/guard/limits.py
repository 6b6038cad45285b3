"""Channels and calls per second, kept per stable name.

A channel is taken at admission and given back when the record of the call or attempt is written. Several limits are taken together or not
at all, so a refusal leaves nothing behind.

Part of a limit's channels may be guaranteed to names that share it: a trunk within its tenant, a tenant at a carrier. What is guaranteed and
not in use is kept free of the others; everything else is for whoever comes (row T7).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """What one name allows."""

    name: str
    channels: int = 0
    "0 is unlimited."
    cps: float = 0.0
    "0 is unlimited."


@dataclass(frozen=True)
class Share:
    """Channels of one limit that are kept for one name under it."""

    of: str
    "The limit."
    channels: int


class Limits:
    """Live use of every limited name."""

    __slots__ = ("_due", "_kept", "_shares", "used")

    def __init__(self) -> None:
        self.used: dict[str, int] = {}
        "Channels in use by name."
        self._due: dict[str, float] = {}
        "GCRA: theoretical arrival time of the next call, monotonic seconds."
        self._shares: dict[str, Share] = {}
        self._kept: dict[str, int] = {}
        "Channels of a limit that are guaranteed to somebody and not in use."

    def guarantee(self, shares: Mapping[str, Share]) -> None:
        """These shares, by the name they are kept for, and no others; calls in progress stay."""
        self._shares = dict(shares)
        self._kept = {}
        for name, share in self._shares.items():
            self._kept[share.of] = self._kept.get(share.of, 0) + max(0, share.channels - self.used.get(name, 0))

    def take(self, limits: tuple[Limit, ...], now: float) -> tuple[str, str] | None:
        """Take a channel and a call of every limit; on refusal take none and return (name, `channels` or `cps`)."""
        used = self.used
        for limit in limits:
            if limit.channels:
                taken = used.get(limit.name, 0)
                if taken >= limit.channels or (self._kept and taken + self._kept_from(limit.name, limits) >= limit.channels):
                    return limit.name, "channels"
            # A second's worth of calls may come at once; more has to wait (generic cell rate algorithm).
            if limit.cps and self._due.get(limit.name, 0.0) - now > 1.0 - 1.0 / max(limit.cps, 1.0) + 1e-9:
                return limit.name, "cps"
        for limit in limits:
            if self._shares:
                self._use(limit.name)
            else:
                used[limit.name] = used.get(limit.name, 0) + 1
            if limit.cps:
                self._due[limit.name] = max(self._due.get(limit.name, 0.0), now) + 1.0 / limit.cps
        return None

    def hold(self, names: tuple[str, ...]) -> None:
        """Take channels past every limit (emergency calls)."""
        for name in names:
            self._use(name)

    def ready_at(self, limits: tuple[Limit, ...], now: float) -> float:
        """When the rates of all these limits allow a call, at the earliest `now`."""
        at = now
        for limit in limits:
            if limit.cps:
                at = max(at, self._due.get(limit.name, 0.0) - (1.0 - 1.0 / max(limit.cps, 1.0)))
        return at

    def repace(self, before: Callable[[str], float], after: Callable[[str], float], now: float) -> None:
        """Rates have changed, from calls per second `before` by name to those `after`: calls made under a lower one hold up no others than they
        would have under the new. A rate that is lower now counts from the next call."""
        for name, due in self._due.items():
            if due > now and after(name) > (rate := before(name)) > 0.0:
                self._due[name] = now + (due - now) * rate / after(name)

    def spares(self, limit: Limit, calls: int, now: float) -> bool:
        """Whether the rate of a limit allows one more call now besides so many others."""
        begins = max(self._due.get(limit.name, 0.0), now) + calls / limit.cps
        return begins - now <= 1.0 - 1.0 / max(limit.cps, 1.0) + 1e-9

    def has_room(self, limits: tuple[Limit, ...]) -> bool:
        """Whether a channel of every limit is free, whatever the rates say."""
        for limit in limits:
            if limit.channels:
                taken = self.used.get(limit.name, 0)
                if taken >= limit.channels or (self._kept and taken + self._kept_from(limit.name, limits) >= limit.channels):
                    return False
        return True

    def undo(self, limits: tuple[Limit, ...]) -> None:
        """Nothing came of what was taken: channels and rates are given back."""
        self.give(*[limit.name for limit in limits])
        for limit in limits:
            if limit.cps:
                self._due[limit.name] -= 1.0 / limit.cps

    def give(self, *names: str) -> None:
        """Give channels back."""
        for name in names:
            left = self.used.get(name, 0) - 1
            share = self._shares.get(name) if self._shares else None
            if share is not None and 0 <= left < share.channels:
                self._kept[share.of] += 1
            if left > 0:
                self.used[name] = left
            else:
                self.used.pop(name, None)

    def _use(self, name: str) -> None:
        taken = self.used.get(name, 0)
        share = self._shares.get(name)
        if share is not None and taken < share.channels:
            self._kept[share.of] -= 1
        self.used[name] = taken + 1

    def _kept_from(self, name: str, limits: tuple[Limit, ...]) -> int:
        """Channels of a limit that a call under these limits may not have; none where one of them is guaranteed its own."""
        for limit in limits:
            share = self._shares.get(limit.name)
            if share is not None and share.of == name and self.used.get(limit.name, 0) < share.channels:
                return 0
        return self._kept.get(name, 0)
