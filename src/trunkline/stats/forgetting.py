"""Counts that forget, by the clock and by the count.

Both are needed: by the clock alone a busy hour outweighs a month, by the count alone a quiet night erases nothing and a route nobody
used for a week is trusted as if it were yesterday's. Forgetting is done by letting the weight of what is new grow, so that learning one
fact touches only the counts it adds to; reading divides by the weight of now.
"""

from collections.abc import Sequence
from math import exp2
from typing import Final

REBASE: Final = 1e60
"Weight at which everything is divided down again, long before a double runs out."


class Forgetting:
    """A row of discounted sums."""

    __slots__ = ("_grow", "_per_s", "at", "sums", "weight")

    def __init__(self, width: int, half_life_s: float, half_life_calls: float) -> None:
        """Raises ValueError for a half-life that is not positive."""
        if half_life_s <= 0 or half_life_calls <= 0:
            raise ValueError("a half-life must be positive")
        self.sums: list[float] = [0.0] * width
        self.weight = 1.0
        self.at = 0.0
        self._per_s = 1.0 / half_life_s
        self._grow = exp2(1.0 / half_life_calls)

    def begin(self, at: float) -> float:
        """A call counts from now on: the weight to add to `sums` with. Time that runs backwards forgets nothing."""
        weight = self.weight * self._grow
        if at > self.at:
            if self.at:
                weight *= exp2(min((at - self.at) * self._per_s, 180.0))
            self.at = at
        if weight > REBASE:
            sums = self.sums
            for i, value in enumerate(sums):
                sums[i] = value / weight
            weight = 1.0
        self.weight = weight
        return weight

    def read(self, at: float) -> list[float]:
        """The sums as they count at `at`."""
        idle = max(at - self.at, 0.0) if self.at else 0.0
        scale = exp2(-min(idle * self._per_s, 180.0)) / self.weight
        return [value * scale for value in self.sums]

    def dump(self) -> tuple[float, list[float]]:
        """Time of the last call, and the sums at it."""
        return self.at, [value / self.weight for value in self.sums]

    def load(self, at: float, sums: Sequence[float]) -> None:
        """Raises ValueError when the width differs."""
        if len(sums) != len(self.sums):
            raise ValueError("other counts than these")
        self.at, self.sums, self.weight = at, list(sums), 1.0
