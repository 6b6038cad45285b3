"""What one leg has received over its whole life, through every change of its SSRC."""

from trunkline.media.accounting import Accounting
from trunkline.media.emodel import Estimate, estimate, quality_of


class Tally:
    """The account of the SSRC that speaks now, and the sums of those before it."""

    __slots__ = ("_jitter_s", "_lost", "_received", "_started_at", "account", "first_at", "refused", "ssrc")

    def __init__(self, now: float, clock_rate: int = 8000) -> None:
        self._started_at = now
        self._received = self._lost = 0
        self._jitter_s = 0.0
        self.first_at = -1.0
        self.ssrc = -1
        self.refused = 0
        self.account = Accounting(clock_rate)

    def begin(self, ssrc: int, clock_rate: int, now: float) -> None:
        """Another SSRC speaks from here on."""
        if self.first_at < 0:
            self.first_at = now
        else:
            self._received, self._lost, self._jitter_s = self.received, self.lost(now), self.jitter_s(now)
        self.ssrc = ssrc
        self.account = Accounting(clock_rate)

    @property
    def received(self) -> int:
        return self._received + self.account.received

    @property
    def last_at(self) -> float:
        """When the last packet came; the leg's beginning if none has."""
        last = self.account.last_at
        return self._started_at if last is None else last

    @property
    def first_s(self) -> float:
        """Seconds from the leg's beginning to its first packet; -1 where none came."""
        return -1.0 if self.first_at < 0 else max(0.0, self.first_at - self._started_at)

    def restart(self, now: float) -> None:
        """The leg's first SDP has come: silence and the first packet count from here."""
        self._started_at = now

    def lost(self, now: float) -> int:
        return self._lost + (max(0, self.account.totals(now).lost) if self.account.received else 0)

    def jitter_s(self, now: float) -> float:
        """Of the source that speaks; of the one before while this one has hardly begun."""
        return self.account.jitter_s if self.account.received > 16 or not self._received else self._jitter_s

    def mos(self, codec: str, now: float) -> float:
        """Quality of what the leg sends, by its losses alone (ITU-T G.107); 0.0 where there is no standard estimate or nothing came."""
        lost, received = self.lost(now), self.received
        if not received:
            return 0.0
        rated = estimate(quality_of(codec), lost / (lost + received), burst_ratio=self.account.totals(now).burst_ratio)
        return rated.mos if isinstance(rated, Estimate) else 0.0
