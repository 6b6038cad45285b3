"""How many calls at once a gateway takes before calls on it come to nothing, learnt from its own calls.

Carriers sell capacity they do not state, and one that is full may say so (503) or let calls ring for ever. Each first attempt is booked under the
number of our calls that were up on its gateway when it began, answered or not, beside what was to be expected of it: the route's answered share over
the last hundred calls, so that a bad hour is not taken for a full line. A ceiling stands where answers above a load fall to less than half of those
below, by more than chance allows (generalised likelihood ratio). What was seen fades within hours, and a few calls go over a ceiling on purpose:
that is how it moves when the carrier's capacity does.
"""

from math import log
from typing import Final

from trunkline.facts.record import Attempt
from trunkline.routing.cell import ANSWERED, ATTEMPTS, Cell
from trunkline.stats import Forgetting

MEMORY_S: Final = 10_800.0
MEMORY_CALLS: Final = 4000.0
OVER: Final = 0.03
"Share of the calls that go to a full gateway all the same."

PROVEN: Final = 9.0
FORGIVEN: Final = 4.0
"Log likelihood ratio at which a ceiling is set, and under which it is lifted. By chance 9 is passed about once in ten thousand looks."

FALLEN: Final = 0.85
"Answers above a ceiling are at most this share of what they are below."

LOOK_EVERY: Final = 16
"First attempts of a gateway between two looks."

SINGLE: Final = 32
GROWTH: Final = 1.06
BINS: Final = 128
"Loads up to `SINGLE` have a bin each, beyond that bins grow by six percent: the last begins at some 8,000 calls."

PRIOR: Final = 10.0
PRIOR_SHARE: Final = 0.25


class _Gateway:
    """Loads and what became of the calls."""

    __slots__ = ("ceiling", "counts", "due")

    def __init__(self) -> None:
        self.counts = Forgetting(2 * BINS, MEMORY_S, MEMORY_CALLS)
        "Answered by bin, then expected by bin."
        self.ceiling = 0
        self.due = LOOK_EVERY


class Ceilings:
    """Calls up per gateway, and the ceilings found. Live state: a restart begins anew."""

    def __init__(self) -> None:
        self.up: dict[str, int] = {}
        "Gateway -> attempts in progress."
        self.found: dict[str, int] = {}
        "Gateway -> calls at once from which on calls come to nothing."
        self.waiting: dict[tuple[str, str], int] = {}
        "Call and gateway of an attempt in progress -> attempts that were up when it began."
        self._gateways: dict[str, _Gateway] = {}

    def began(self, call: str, gateway: str) -> None:
        """An attempt is about to be sent."""
        if (call, gateway) not in self.waiting:
            up = self.up.get(gateway, 0)
            self.up[gateway] = up + 1
            self.waiting[call, gateway] = up

    def ended(self, fact: Attempt, cell: Cell | None) -> None:
        """What became of it; `cell` is what is known of the route, this attempt not yet counted."""
        load = self.waiting.pop((fact.call, fact.gateway), None)
        if load is None:
            return
        self.up[fact.gateway] -= 1
        if fact.position > 1 or fact.outcome not in ("answered", "callee", "route"):
            return
        known = self._gateways.get(fact.gateway)
        if known is None:
            known = self._gateways[fact.gateway] = _Gateway()
        counts = known.counts
        weight = counts.begin(fact.at / 1e6)
        at = bin_of(load)
        if fact.outcome == "answered":
            counts.sums[at] += weight
        counts.sums[BINS + at] += weight * _expected(cell)
        known.due -= 1
        if known.due <= 0:
            known.due = LOOK_EVERY
            self._look(fact.gateway, known)

    def is_full(self, gateway: str) -> bool:
        ceiling = self.found.get(gateway)
        return ceiling is not None and self.up.get(gateway, 0) >= ceiling

    def any_full(self) -> bool:
        found = self.found
        return bool(found) and any(self.up.get(name, 0) >= ceiling for name, ceiling in found.items())

    def _look(self, gateway: str, known: _Gateway) -> None:
        at, proof = steepest(known.counts)
        if proof >= PROVEN or (known.ceiling and proof >= FORGIVEN):
            known.ceiling = self.found[gateway] = at
        elif known.ceiling:
            known.ceiling = 0
            del self.found[gateway]


def steepest(counts: Forgetting) -> tuple[int, float]:
    """Load at which answers fall most clearly, and the log likelihood ratio of a fall there against none (counts as Poisson: more cautious than
    they are)."""
    scale = 1.0 / counts.weight
    sums = counts.sums
    answered = sum(sums[:BINS]) * scale
    expected = sum(sums[BINS:]) * scale
    if answered <= 0.0 or expected <= 0.0:
        return 0, 0.0
    above, above_expected = answered, expected
    best, best_at = 0.0, 0
    usual = answered / expected
    for at in range(BINS - 1):
        above -= sums[at] * scale
        above_expected -= sums[BINS + at] * scale
        if above_expected < 1.0:
            break
        below, below_expected = answered - above, expected - above_expected
        if below <= 0.0 or below_expected <= 0.0:
            continue
        above = max(above, 0.0)
        if above / above_expected >= FALLEN * below / below_expected:
            continue
        proof = below * log(below / below_expected / usual) + (above * log(above / above_expected / usual) if above > 0.0 else 0.0)
        if proof > best:
            best, best_at = proof, at
    return load_of(best_at + 1), best


def bin_of(load: int) -> int:
    if load < SINGLE:
        return load
    return min(SINGLE + int(log(load / SINGLE) / _STEP), BINS - 1)


def load_of(at: int) -> int:
    """The least load of a bin."""
    if at <= SINGLE:
        return at
    load = int(SINGLE * GROWTH ** (at - SINGLE))
    return load if bin_of(load) == at else load + 1


_STEP: Final = log(GROWTH)


def _expected(cell: Cell | None) -> float:
    if cell is None:
        return PRIOR_SHARE
    fast = cell.fast
    prior = PRIOR * fast.weight
    return (fast.sums[ANSWERED] + PRIOR_SHARE * prior) / (fast.sums[ATTEMPTS] + prior)
