"""A figure from several runs: machines are shared, so the middle is quoted and the ends are shown."""

from collections.abc import Sequence
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """What several runs of the same measurement gave."""

    median: float
    low: float
    high: float
    runs: list[float]
    "In the order they were made."

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} .. {self.high:.3f})"


def spread(values: Sequence[float], digits: int = 4) -> Spread:
    """Summarise at least one value, rounded to `digits`."""
    rounded = [round(value, digits) for value in values]
    return Spread(round(median(values), digits), min(rounded), max(rounded), rounded)
