"""Empirical Bayes for rates: how much a small sample is to be drawn towards what its siblings show.

Successes of sibling i are taken as binomial around its own rate, and that rate as beta around an expected rate m_i with concentration k.
Then the variance of successes is n m (1 - m) (1 + (n - 1) / (k + 1)), which gives k by the method of moments (Kleinman, JASA 68, 1973).
"""

from collections.abc import Iterable

LEAST, MOST = 8.0, 2000.0
"Bounds of the concentration: a parent is never worth nothing, and never more than two thousand calls."


class Concentration:
    """Collects siblings; tells how many calls the expected rate is worth."""

    __slots__ = ("_below", "_excess")

    def __init__(self, prior: float = 100.0, weight: float = 3.0) -> None:
        """`prior` is believed with the force of `weight` siblings of a hundred calls each."""
        below = weight * 100.0 * 99.0 * 0.2
        self._excess = below / (prior + 1.0)
        self._below = below

    def add(self, successes: float, trials: float, expected: float) -> None:
        """One sibling: its counts and the rate its parents expect of it."""
        if trials <= 1:
            return
        spread = expected * (1.0 - expected)
        # A single well-known sibling must not outvote the rest: beyond a thousand calls it says nothing new about the spread.
        damped = min(1.0, (1000.0 / trials) ** 2)
        self._excess += ((successes - trials * expected) ** 2 - trials * spread) * damped
        self._below += trials * (trials - 1.0) * spread * damped

    def value(self) -> float:
        """The concentration, in calls."""
        share = self._excess / self._below
        return MOST if share <= 1.0 / (MOST + 1.0) else max(1.0 / share - 1.0, LEAST)


def concentration(siblings: Iterable[tuple[float, float, float]], prior: float = 100.0) -> float:
    """Concentration of (successes, trials, expected rate) triples."""
    collected = Concentration(prior)
    for successes, trials, expected in siblings:
        collected.add(successes, trials, expected)
    return collected.value()
