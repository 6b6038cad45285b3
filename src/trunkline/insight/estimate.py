"""Estimating what another policy would have had from what was logged under this one.

A logged call shows what came of one route, drawn with a known probability p (its propensity); the other policy would have taken that route
with probability pi. Weighting calls by pi / p makes the log look like the other policy's (Horvitz and Thompson, JASA 47, 1952). Weights are
divided by their sum (Swaminathan and Joachims, NIPS 2015) and clipped at the square root of the number of calls (Ionides, Journal of
Computational and Graphical Statistics 17, 2008). They are used only on what the mean of a route does not explain: doubly robust estimation
(Dudik, Langford and Li, ICML 2011, arXiv:1103.4601), right when either the propensities or the means are.

Where the log has no call on a route that the other policy wants, nothing is claimed.
"""

from collections.abc import Mapping
from math import inf, sqrt

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.stats.comparison import t_quantile

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

OVERLAP_LEAST = 0.99
"Share of the other policy's first choices that the log could have shown."

EFFECTIVE_LEAST = 50.0
"Effective calls below which nothing is claimed."

ROUTE_SHARE, ROUTE_CALLS = 0.05, 20
"A route that would get this share of the calls must have been seen in so many."

PRIOR_CALLS = 2.0
"Calls the mean of all routes is worth to the mean of one."


class Figure(Struct, frozen=True, gc=False):
    """One number before and after. All None but `before`: nothing is claimed."""

    before: float | None
    "In the log."
    after: float | None = None
    "Estimated under the other policy."
    low: float | None = None
    high: float | None = None
    "95 % interval of `after`."
    change_low: float | None = None
    change_high: float | None = None
    "95 % interval of `after - before`, narrower than the two apart: they share their calls."


class Sample(Struct, frozen=True):
    """Calls with propensities on both sides. Gateways are numbered; the choices lie in flat arrays, an entry for every gateway of every call."""

    first: Ints
    "By call: the gateway of the first attempt."
    call: Ints
    "By choice: which call."
    gateway: Ints
    wanted: Floats
    "Probability that the other policy tries this gateway first."
    seen: Floats
    "The same in the log."

    @property
    def calls(self) -> int:
        return len(self.first)

    def only(self, chosen: NDArray[np.bool_]) -> "Sample":
        """Some of the calls."""
        number = np.cumsum(chosen) - 1
        kept = chosen[self.call]
        return Sample(self.first[chosen], number[self.call[kept]], self.gateway[kept], self.wanted[kept], self.seen[kept])


class Weighted(Struct, frozen=True):
    """A sample with its weights."""

    sample: Sample
    weights: Floats
    "By call, their mean 1."
    effective: float
    "Kish's effective number of calls."
    overlap: float
    "Share of the other policy's first choices that have a chance in the log."

    def mean(self, values: Floats) -> tuple[float, Floats]:
        """Doubly robust mean of what came of calls, and each call's influence on it (mean 0)."""
        sample = self.sample
        routes = int(sample.gateway.max(initial=-1)) + 1
        routes = max(routes, int(sample.first.max(initial=-1)) + 1)
        counts = np.bincount(sample.first, minlength=routes)
        model = (np.bincount(sample.first, values, minlength=routes) + PRIOR_CALLS * values.mean()) / (counts + PRIOR_CALLS)
        expected = np.bincount(sample.call, sample.wanted * model[sample.gateway], minlength=sample.calls)
        left = values - model[sample.first]
        rest = float((self.weights * left).mean())
        mean = float(expected.mean())
        return mean + rest, expected - mean + self.weights * (left - rest)


def weighted(sample: Sample) -> Weighted:
    """Weigh a sample of at least one call."""
    taken = sample.gateway == sample.first[sample.call]
    weights = np.zeros(sample.calls)
    weights[sample.call[taken]] = sample.wanted[taken] / sample.seen[taken]
    weights = np.minimum(weights, max(sqrt(sample.calls), 1.0))
    total, squares = float(weights.sum()), float((weights * weights).sum())
    overlap = float(sample.wanted[sample.seen > 0.0].sum()) / sample.calls
    return Weighted(sample, weights * (sample.calls / total) if total else weights, total * total / squares if squares else 0.0, overlap)


def why_not(known: Weighted, names: list[str]) -> str:
    """Why nothing may be claimed from these calls; empty where something may. Names the route that is wanting."""
    sample = known.sample
    asked = np.bincount(sample.gateway, sample.wanted, minlength=len(names)) / sample.calls
    logged = np.bincount(sample.first, minlength=len(names))
    blind = np.bincount(sample.gateway, sample.wanted * (sample.seen <= 0.0), minlength=len(names)) / sample.calls
    if known.overlap < OVERLAP_LEAST:
        worst = int(blind.argmax())
        return f"too few logged calls of this route: {int(logged[worst])} first attempts by {names[worst]}, where {blind[worst]:.0%} of the calls would go without a chance in the log"
    thin = np.where(asked >= ROUTE_SHARE, logged, inf)
    if thin.min(initial=inf) < ROUTE_CALLS:
        worst = int(thin.argmin())
        return f"too few logged calls of this route: {int(logged[worst])} first attempts by {names[worst]}, which would get {asked[worst]:.0%} of the calls"
    if known.effective < EFFECTIVE_LEAST:
        worst = int((asked / np.maximum(logged, 1)).argmax())
        return f"too few logged calls of this route: {int(logged[worst])} first attempts by {names[worst]}; all {sample.calls} calls are worth {known.effective:.0f}"
    return ""


def figure(before: Floats, after: float, influence: Floats, effective: float, within: tuple[float, float] = (-inf, inf)) -> Figure:
    """A mean before (by call) and after, with intervals by Student's t on the influences."""
    was = float(before.mean())
    return _figure(was, after, influence, influence - (before - was), effective, within)


def ratio(above: tuple[Floats, float, Floats], below: tuple[Floats, float, Floats], effective: float) -> Figure | None:
    """A quotient of two means, each as (before by call, after, influence), by the delta method; None where the lower one is nought."""
    was_above, was_below = float(above[0].mean()), float(below[0].mean())
    if was_below <= 0.0 or below[1] <= 0.0:
        return None
    was, after = was_above / was_below, above[1] / below[1]
    influence = (above[2] - after * below[2]) / below[1]
    before = (above[0] - was * below[0]) / was_below
    return _figure(was, after, influence, influence - before, effective, (0.0, inf))


def _figure(was: float, after: float, influence: Floats, change: Floats, effective: float, within: tuple[float, float]) -> Figure:
    t = t_quantile(0.975, max(effective - 1.0, 1.0))
    calls = len(influence)
    half = t * sqrt(float((influence * influence).sum())) / calls
    apart = t * sqrt(float((change * change).sum())) / calls
    least, most = within
    return Figure(was, after, max(after - half, least), min(after + half, most), after - was - apart, after - was + apart)


def together(parts: list[tuple[int, float, Floats]]) -> tuple[float, Floats]:
    """The mean over strata (calls, mean, influence), and the influences in their order: how calls fall on strata is chance too."""
    calls = sum(count for count, _, _ in parts)
    mean = sum(count * each for count, each, _ in parts) / calls
    return mean, np.concatenate([influence + (each - mean) for _, each, influence in parts])


def sample_of(choices: list[tuple[str, Mapping[str, float], Mapping[str, float]]], numbers: dict[str, int]) -> Sample:
    """A sample of (first gateway, wanted, seen) by call; gateways that have no number yet get the next."""
    call: list[int] = []
    gateway: list[int] = []
    wanted: list[float] = []
    seen: list[float] = []
    first: list[int] = []
    for i, (tried, after, before) in enumerate(choices):
        first.append(numbers.setdefault(tried, len(numbers)))
        for name in dict.fromkeys((tried, *after)):
            call.append(i)
            gateway.append(numbers.setdefault(name, len(numbers)))
            wanted.append(after.get(name, 0.0))
            seen.append(before.get(name, 0.0))
    return Sample(np.array(first, dtype=np.int64), np.array(call, dtype=np.int64), np.array(gateway, dtype=np.int64), np.array(wanted), np.array(seen))
