"""Comparing two samples: proportions, paired differences, and many comparisons at once."""

from collections.abc import Mapping, Sequence
from math import copysign, inf, sqrt
from statistics import NormalDist, fmean, stdev

from msgspec import Struct

from trunkline.stats.beta import cumulative

_NORMAL = NormalDist()


class Difference(Struct, frozen=True, gc=False):
    """A difference, its interval, and how likely one as large is by chance (two-sided)."""

    mean: float
    low: float
    high: float
    p: float


def proportions(successes: float, trials: float, other_successes: float, other_trials: float, confidence: float = 0.95) -> Difference:
    """First minus second rate: Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, method 10), p by the pooled score test."""
    z = _NORMAL.inv_cdf(0.5 + confidence / 2)
    a, b = successes / trials, other_successes / other_trials
    a_low, a_high = wilson(successes, trials, z)
    b_low, b_high = wilson(other_successes, other_trials, z)
    pooled = (successes + other_successes) / (trials + other_trials)
    error = sqrt(pooled * (1 - pooled) * (1 / trials + 1 / other_trials))
    p = 2 * _NORMAL.cdf(-abs(a - b) / error) if error else 1.0
    low = a - b - sqrt((a - a_low) ** 2 + (b_high - b) ** 2)
    return Difference(a - b, low, a - b + sqrt((a_high - a) ** 2 + (b - b_low) ** 2), p)


def wilson(successes: float, trials: float, z: float = 1.959963984540054) -> tuple[float, float]:
    """Wilson's score interval of a rate."""
    rate = successes / trials
    below = 1 + z * z / trials
    middle = (rate + z * z / (2 * trials)) / below
    half = z * sqrt(rate * (1 - rate) / trials + z * z / (4 * trials * trials)) / below
    return max(middle - half, 0.0), min(middle + half, 1.0)


def t_cumulative(t: float, freedom: float) -> float:
    """Student's t distribution."""
    tail = cumulative(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def t_quantile(p: float, freedom: float) -> float:
    """Inverse of `t_cumulative`, by bisection."""
    low, high = -1e4, 1e4
    for _ in range(100):
        middle = (low + high) / 2
        if t_cumulative(middle, freedom) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def paired(differences: Sequence[float], confidence: float = 0.95) -> Difference:
    """Mean of paired differences with Student's interval; of a single pair nothing is known but its own value."""
    mean = fmean(differences)
    n = len(differences)
    if n < 2:
        return Difference(mean, -inf, inf, 1.0)
    error = stdev(differences) / sqrt(n)
    if error == 0:
        return Difference(mean, mean, mean, 1.0 if mean == 0 else 0.0)
    half = t_quantile(0.5 + confidence / 2, n - 1) * error
    p = 2 * t_cumulative(-abs(mean / error), n - 1)
    return Difference(mean, mean - half, mean + half, p)


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Adjusted p-values: below 0.05 each may be called significant, with at most 5 % risk of a single false one (Holm, 1979)."""
    adjusted: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(p_values.items(), key=lambda entry: entry[1])):
        highest = max(highest, min(p * (len(p_values) - rank), 1.0))
        adjusted[name] = highest
    return adjusted


def standardised(successes: float, trials: float, expected: float) -> float:
    """How many standard deviations successes lie above what `expected` (a rate) lets one expect; 0 where nothing is known."""
    if trials <= 0:
        return 0.0
    expected = min(max(expected, 1e-6), 1 - 1e-6)
    return copysign(1.0, successes - trials * expected) * abs(successes - trials * expected) / sqrt(trials * expected * (1 - expected))
