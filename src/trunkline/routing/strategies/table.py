"""The table of draws that `performance` and `rank` serve calls from: a call costs one row of it.

What a route may claim whatever its draws (holdout, floor), what it may not have (an open circuit, a full line), and the probability with which it
came first are worked out here; `routing.strategies.performance` draws tables.
"""

from random import Random

import numpy as np
from numpy.typing import NDArray

from trunkline.policy.snapshot import Destination, Gateway, Scoring
from trunkline.routing.belief import Belief
from trunkline.routing.candidates import Choice
from trunkline.routing.ceilings import OVER
from trunkline.routing.strategies.candidate import Candidate
from trunkline.routing.strategies.standing import Standing
from trunkline.stats import credible

ROWS, COLD_ROWS = 256, 32
"Draws of a table, and of one that has to be made while a call waits."

PROVEN_FALSE = 0.5
"A route is unsound when its share of false answers surely exceeds this."

PROVEN_HEARD = 8.0
"Heard answers below which nothing is proven."


class Table:
    """Draws for one segment, and how to use them."""

    __slots__ = (
        "_by_mask", "_gateways", "_means", "_next", "_order", "_ranks", "_standby", "at", "beliefs", "cold", "learnt", "names", "scoring", "sound", "used",
    )  # fmt: skip

    def __init__(
        self, destination: Destination, members: list[Candidate], standby: list[Gateway], beliefs: list[Belief], order: NDArray[np.intp],
        means: NDArray[np.float64], at: float, learnt: int,
    ) -> None:  # fmt: skip
        self.at = at
        self.learnt = learnt
        "Facts of the segment that had been learnt when it was drawn."
        self.used = False
        self.cold = 1 < len(order) < ROWS
        "Drawn in haste, to be drawn anew."
        self.beliefs = beliefs
        self.scoring = destination.scoring
        self._gateways = [member.gateway for member in members]
        self.names = [member.gateway.name for member in members]
        self._standby = standby
        self._means: list[float] = [round(float(mean), 6) for mean in means]
        self._ranks = order
        "Candidates by position, best first; a row per draw."
        self._order: list[list[int]] = order.tolist()
        self._next = 0
        self.sound = [_is_sound(member, belief, self.scoring) for member, belief in zip(members, beliefs, strict=True)]
        self._by_mask: dict[int, list[float]] = {}

    def standings(self) -> list[Standing]:
        """What is believed of each candidate, best mean worth first."""
        rows = [
            Standing(
                name, round(share, 4), worth, round(belief.attempts, 1), (belief.answers.a, belief.answers.b), (belief.humans.a, belief.humans.b),
                round(belief.heard, 1), round(belief.false, 4), round(belief.failing, 4), round(belief.bill, 5), sound,
            )
            for name, belief, worth, share, sound in zip(self.names, self.beliefs, self._means, self.propensity(0, 0), self.sound, strict=False)
        ]  # fmt: skip
        return sorted(rows, key=lambda row: -row.worth)

    def choose(self, unfit: int, closed: int, random: Random, full: int = 0) -> Choice:
        """The next row. Bits of `unfit`: candidates that cannot take the call; of `closed`: those whose circuit is open; of `full`: those at a
        ceiling, which come last too but for a few calls."""
        self.used = True
        row = self._order[self._next]
        self._next = self._next + 1 if self._next + 1 < len(self._order) else 0
        propensity = self.propensity(unfit, closed)
        if full:
            within = self.propensity(unfit | full, closed)
            propensity = [(1.0 - OVER) * share + OVER * over for share, over in zip(within, propensity, strict=True)]
            if random.random() >= OVER:
                unfit |= full
        scoring = self.scoring
        draw = random.random()
        pool = self._pool(unfit, closed)
        spread = scoring.holdout + scoring.floor * len(pool)
        holdout = bool(pool) and draw < spread
        if unfit:
            row = [i for i in row if not unfit >> i & 1] + [i for i in row if unfit >> i & 1]
        if holdout:
            first = pool[min(int(draw / spread * len(pool)), len(pool) - 1)]
            row = [first, *[i for i in row if i != first]]
        gateways, means = self._gateways, self._means
        ordered = [gateways[i] for i in row]
        shares = [propensity[i] for i in row]
        scores = [means[i] for i in row]
        if self._standby:
            ordered += self._standby
            shares += [0.0] * len(self._standby)
        return Choice(tuple(ordered), tuple(shares), draw, tuple(scores), holdout)

    def propensity(self, unfit: int, closed: int) -> list[float]:
        """Probability of coming first, by candidate: the share of rows, mixed with holdout and floor. Without either, a share that none of
        the rows showed counts as half a row: the draws are a sample, and a probability that was not nought is never written as nought."""
        key = unfit << 64 | closed
        known = self._by_mask.get(key)
        if known is not None:
            return known
        fit = [i for i in range(len(self._gateways)) if not unfit >> i & 1]
        ranks = self._ranks
        firsts = ranks[:, 0]
        if unfit and fit:
            usable = np.array([not unfit >> i & 1 for i in range(len(self._gateways))])
            firsts = np.take_along_axis(ranks, usable[ranks].argmax(axis=1)[:, None], axis=1)[:, 0]
        counts: list[float] = np.bincount(firsts, minlength=len(self._gateways)).astype(float).tolist()
        pool = self._pool(unfit, closed)
        spread = (self.scoring.holdout + self.scoring.floor * len(pool)) if pool else 0.0
        if not spread and len(self._order) > 1:
            for i in fit:
                counts[i] += 0.5
        total = sum(counts)
        shares = [count / total * (1.0 - spread) for count in counts]
        for i in pool:
            shares[i] += spread / len(pool)
        self._by_mask[key] = shares
        return shares

    def _pool(self, unfit: int, closed: int) -> list[int]:
        out = unfit | closed
        return [i for i, sound in enumerate(self.sound) if sound and not out >> i & 1]


def _is_sound(member: Candidate, belief: Belief, scoring: Scoring) -> bool:
    """May it get calls whatever its score?"""
    if scoring.max_rate and member.price.per_minute > scoring.max_rate:
        return False
    if belief.heard < PROVEN_HEARD or belief.false < PROVEN_FALSE:
        return True
    return credible(belief.false * belief.heard, belief.heard)[0] < PROVEN_FALSE
