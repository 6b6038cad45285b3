"""A count against what was expected, with its interval.

Byar's approximation (Breslow and Day 1987, vol. II, section 2.3) of the exact Poisson limits: within a per cent of them from five counts on, and
it takes the fractional counts that forgetting leaves.
"""

from math import sqrt

Z95 = 1.959963984540054
"Two-sided 95 %."


def standardised_ratio(observed: float, expected: float) -> tuple[float, float, float]:
    """Observed / expected with its 95 % interval; (1, 0, inf) when nothing was expected."""
    if expected <= 0:
        return 1.0, 0.0, float("inf")
    low, high = poisson_limits(observed)
    return observed / expected, low / expected, high / expected


def poisson_limits(count: float) -> tuple[float, float]:
    """95 % limits of the mean behind a count."""
    low = 0.0 if count <= 0 else count * max(0.0, 1.0 - 1.0 / (9.0 * count) - Z95 / (3.0 * sqrt(count))) ** 3
    above = count + 1.0
    return low, above * (1.0 - 1.0 / (9.0 * above) + Z95 / (3.0 * sqrt(above))) ** 3
