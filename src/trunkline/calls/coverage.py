"""Which attempts are listened to, where not all of them are.

Every attempt is drawn by itself, with a probability that goes on record, so what was heard stays a random sample of its route. A trunk's
`share` is the probability; on a route with few calls `minimum` raises it as far as that many an hour need.
"""

from math import exp
from random import Random
from typing import Final

from trunkline.policy.snapshot import Listen

HOUR_S: Final = 3600.0


class Coverage:
    """Draws attempts, and knows how many an hour each route has."""

    __slots__ = ("_random", "_routes")

    def __init__(self, random: Random) -> None:
        self._random = random
        self._routes: dict[tuple[str, str], tuple[float, float]] = {}
        "Route -> calls an hour, and when that was."

    def draw(self, gateway: str, destination: str, settings: Listen, now: float) -> float:
        """Probability with which this attempt was drawn; 0 when it was not. Counts it as one of its route."""
        chance = settings.share
        if chance < 1.0 and settings.minimum:
            hourly, at = self._routes.get((gateway, destination), (0.0, now))
            hourly = hourly * exp((at - now) / HOUR_S) + 1.0
            self._routes[gateway, destination] = (hourly, now)
            chance = min(1.0, max(chance, settings.minimum / hourly))
        return chance if chance >= 1.0 or self._random.random() < chance else 0.0
