"""A test that may be looked at after every call: the beta-binomial e-process.

E_n = B(a + s, b + n - s) / (B(a, b) p^s (1 - p)^(n - s)) is the evidence of s successes in n trials against the rate p. While p is true its
expectation never exceeds 1, so by Ville's inequality it ever reaches 1 / alpha with probability alpha at most, however often one looks.
"""

from math import exp, log, log1p

from trunkline.stats.beta import log_beta


class Evidence:
    """Evidence against one hypothetical rate."""

    __slots__ = ("_a", "_against", "_b", "_start", "successes", "trials")

    def __init__(self, rate: float, a: float = 0.5, b: float = 0.5) -> None:
        """`a` and `b` shape the alternative; a rate of 0 or 1 raises ValueError, for one call refutes it."""
        if not 0 < rate < 1:
            raise ValueError("a rate strictly between 0 and 1 is needed")
        self._against = (log(rate), log1p(-rate))
        self._a, self._b = a, b
        self._start = log_beta(a, b)
        self.successes = self.trials = 0

    def add(self, success: bool) -> None:
        self.trials += 1
        self.successes += success

    def log_value(self) -> float:
        """Natural logarithm of the e-value."""
        s, f = self.successes, self.trials - self.successes
        return log_beta(self._a + s, self._b + f) - self._start - s * self._against[0] - f * self._against[1]

    def refuted(self, alpha: float = 0.05) -> bool:
        """Whether the rate may be called wrong at this moment, at risk `alpha` over all moments."""
        return self.log_value() >= -log(alpha)

    def value(self) -> float:
        """The e-value, held below overflow."""
        return exp(min(self.log_value(), 700.0))
