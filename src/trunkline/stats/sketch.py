"""Quantiles of delays from counts in logarithmic bins, with forgetting.

A bin is a fixed factor wide, so any quantile is right to half that factor: 5 %. Bins cover 1 ms to about 70 s; what lies beyond counts
in the outermost. (The idea of DDSketch, Masson et al., VLDB 2019, with a fixed range.)
"""

from collections.abc import Sequence
from math import log
from typing import Final

FACTOR = 1.10
BINS: Final = 118
_STEP: Final = log(FACTOR)


class Sketch:
    """A discounted distribution of positive values in milliseconds."""

    __slots__ = ("bins", "total")

    def __init__(self) -> None:
        self.bins: dict[int, float] = {}
        "Bin -> weight; only bins that were hit."
        self.total = 0.0

    def add(self, value_ms: float, weight: float = 1.0) -> None:
        at = min(max(int(log(value_ms) / _STEP), 0), BINS - 1) if value_ms > 1.0 else 0
        self.bins[at] = self.bins.get(at, 0.0) + weight
        self.total += weight

    def scale(self, factor: float) -> None:
        """Forget: every weight counts `factor` as much."""
        self.total *= factor
        for at in self.bins:
            self.bins[at] *= factor

    def quantile(self, p: float) -> float | None:
        """Milliseconds that a share `p` stays below, None while nothing is known."""
        if self.total <= 0:
            return None
        left = p * self.total
        last = 0
        for last in sorted(self.bins):
            left -= self.bins[last]
            if left <= 0:
                break
        return float(FACTOR ** (last + 0.5))

    def dump(self) -> list[tuple[int, float]]:
        return list(self.bins.items())

    def load(self, bins: Sequence[tuple[int, float]]) -> None:
        self.bins = {int(at): float(weight) for at, weight in bins}
        self.total = sum(self.bins.values())
