"""The beta distribution: its integral, quantiles, and the intervals for a rate that rest on them.

Written out because signalling does without scipy, whose import alone costs more than a decision budget allows in memory. The integral is
the continued fraction of DLMF 8.17.22, evaluated by the modified Lentz method; tests hold it against scipy.
"""

from math import exp, lgamma, log, log1p

TINY = 1e-300
EPSILON = 1e-15


def log_beta(a: float, b: float) -> float:
    """The logarithm of B(a, b)."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def cumulative(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function: the probability that a Beta(a, b) is at most `x`."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(a * log(x) + b * log1p(-x) - log_beta(a, b))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1.0 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1.0 - (a + b) * x / (a + 1)
    d = 1.0 / (d if abs(d) > TINY else TINY)
    value = d
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 + step * d
            d = 1.0 / (d if abs(d) > TINY else TINY)
            c = 1.0 + step / c
            c = c if abs(c) > TINY else TINY
            value *= d * c
        if abs(d * c - 1.0) < EPSILON:
            break
    return value


def quantile(p: float, a: float, b: float) -> float:
    """The value a Beta(a, b) stays below with probability `p`, by bisection: 60 halvings are exact to a double's grain near 0.5."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if cumulative(middle, a, b) < p:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def credible(successes: float, trials: float, confidence: float = 0.95, a: float = 0.5, b: float = 0.5) -> tuple[float, float]:
    """Equal-tailed credible interval of a rate; discounted counts are welcome. The prior is Jeffreys' unless given."""
    tail = (1 - confidence) / 2
    a, b = a + successes, b + max(trials - successes, 0.0)
    return quantile(tail, a, b), quantile(1 - tail, a, b)


def exact(successes: int, trials: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson's interval (Biometrika 26, 1934): covers at least as often as it says."""
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else quantile(tail, successes, trials - successes + 1)
    high = 1.0 if successes == trials else quantile(1 - tail, successes + 1, trials - successes)
    return low, high
