"""`performance` and `rank`: the route whose attempt is worth most (row R3).

Worth is money: P(answer) x (P(human | answer) x value - bill - what other answers cost) - what delay costs, plus, where the route fails fast,
what the next one is then worth. `performance` draws from what is believed of each route, 256 times ahead for a segment, and each call takes
the next row: a route gets calls in proportion to the probability that it is the best (Thompson sampling). `rank` takes the means.

A call costs one row; the table is drawn anew by `refresh` when enough was learnt.
"""

from collections.abc import Generator
from random import Random

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.policy.snapshot import Destination, Gateway, Scoring
from trunkline.routing.belief import Belief, believe
from trunkline.routing.candidates import Choice
from trunkline.routing.ceilings import OVER
from trunkline.routing.levels import Levels
from trunkline.routing.scoreboard import Scoreboard, Segment
from trunkline.routing.strategies.candidate import Candidate
from trunkline.routing.strategies.mishearing import Mishearing
from trunkline.stats import credible

ROWS, COLD_ROWS = 256, 32
"Draws of a table, and of one that has to be made while a call waits."

BELIEFS_A_STEP, DRAWS_A_STEP = 25, 2500
"Beliefs read, and values drawn, in one step: about a millisecond."

SHARPNESS = 2.0
"""Posteriors are drawn from as if this many times as much were known. Sums that forget are surer than they look, by a factor of up to two,
because an old call counts less but varies less too; and a draw from all of a posterior spends more calls on looking than finite traffic pays
back. In the market 1 costs more nearly everywhere, and at 4 a route condemned too early may stay so for a day."""

NEARLY_NORMAL = 40.0
"Least parameter of a beta distribution whose draws may come from a normal one, which are five times as cheap."

PROVEN_FALSE = 0.5
"A route is unsound when its share of false answers surely exceeds this."

PROVEN_HEARD = 8.0
"Heard answers below which nothing is proven."


class Standing(Struct, frozen=True, gc=False):
    """How a route stands in a segment: a line of `trunkline routes`."""

    gateway: str
    share: float
    "Share of first attempts it gets while every circuit is closed."
    worth: float
    "Expected worth of an attempt, in the policy's money."
    attempts: float
    "First attempts behind it, after forgetting."
    answers: tuple[float, float]
    "Beta parameters of the answered share."
    humans: tuple[float, float]
    "Beta parameters of the share of humans among answers."
    heard: float
    "Answers somebody listened to, after forgetting."
    false: float
    "Share of answers with nobody there."
    failing: float
    "Share of attempts that fail for the route's sake."
    bill: float
    "Money per answer."
    sound: bool
    "It takes part in holdout and floor."
    ceiling: int = 0
    "Our calls at once from which on its calls came to nothing; 0 while none was found."


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


def worth(
    beliefs: list[Belief], scoring: Scoring, answers: NDArray[np.float64], humans: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Money an attempt is worth; the last axis of `answers` and `humans` runs over candidates."""
    bills = np.array([belief.bill + belief.short * scoring.short_call for belief in beliefs])
    others = np.array([_other_answer(belief, scoring) for belief in beliefs])
    delays = np.array([scoring.delay * max(belief.delay_s - scoring.target_delay_s, 0.0) for belief in beliefs])
    failing = np.array([belief.failing for belief in beliefs])
    gain: NDArray[np.float64] = answers * (humans * scoring.value - (1.0 - humans) * others - bills) - delays
    # A call that failed once is a harder one; how much harder is what later positions show.
    later = sum(belief.later for belief in beliefs)
    first = sum(belief.answers.mean * (belief.attempts + 1.0) for belief in beliefs) / sum(belief.attempts + 1.0 for belief in beliefs)
    retained = min((sum(belief.later_answered for belief in beliefs) + 20.0 * first * 0.8) / (later + 20.0) / max(first, 1e-3), 1.0)
    if len(beliefs) > 1:
        best = np.sort(gain, axis=-1)[..., -2:]
        next_best = np.where(gain == best[..., 1:], best[..., :1], best[..., 1:])
        gain = gain + failing * retained * np.maximum(next_best, 0.0)
    return gain


def _other_answer(belief: Belief, scoring: Scoring) -> float:
    """What an answer costs that is no human."""
    nobody = belief.false / max(belief.false + belief.machines, 1e-6)
    return nobody * scoring.false_answer + (1.0 - nobody) * scoring.machine


def drawing(
    board: Scoreboard, levels: Levels, destination: Destination, members: list[Candidate], standby: list[Gateway], segment: Segment, at: float,
    generator: np.random.Generator, rows: int, mishearing: Mishearing,
) -> Generator[None, None, Table]:  # fmt: skip
    """Draw a table for a segment, in steps of a millisecond or less between yields; `rows` 0 makes the one row of `rank`."""
    cells = board.segments.get(segment, {})
    learnt = board.learnt.get(segment, 0)
    behind: dict[str, tuple[float, float, float, float]] = {}
    beliefs: list[Belief] = []
    for done, member in enumerate(members, 1):
        carrier, name = member.gateway.carrier, member.gateway.name
        shares = behind.get(carrier)
        if shares is None:
            shares = behind[carrier] = board.listening.humans_behind(carrier)
        beliefs.append(believe(cells.get(name), levels, segment, carrier, name, member.price, shares, at))
        if done % BELIEFS_A_STEP == 0:
            yield
    answers = np.array([(belief.answers.a, belief.answers.b) for belief in beliefs]).reshape(-1, 2)
    humans = np.array([(belief.humans.a, belief.humans.b) for belief in beliefs]).reshape(-1, 2)
    scoring = destination.scoring
    means = worth(beliefs, scoring, answers[:, 0] / answers.sum(axis=1), humans[:, 0] / humans.sum(axis=1))
    answers, humans = answers * SHARPNESS, humans * SHARPNESS
    off = None
    if rows and board.listening.labels():
        carriers, verdicts = [member.gateway.carrier for member in members], [belief.verdicts for belief in beliefs]
        off = mishearing.off(board.listening, carriers, verdicts, generator, rows)
    orders: list[NDArray[np.intp]] = [] if rows else [np.argsort(-means, kind="stable")[None, :]]
    step = max(DRAWS_A_STEP // max(len(members), 1), 8)
    for first in range(0, rows, step):
        yield
        size = (min(step, rows - first), len(members))
        human = _draws(humans, generator, size)
        if off is not None:
            human = np.clip(human + off[first : first + size[0]], 0.0, 1.0)
        draws = worth(beliefs, scoring, _draws(answers, generator, size), human)
        orders.append(np.argsort(-draws, axis=1, kind="stable"))
    return Table(destination, members, standby, beliefs, np.concatenate(orders), means, at, learnt)


def _draws(known: NDArray[np.float64], generator: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float64]:
    """From beta distributions, a column each; from the normal one of the same mean and variance where all are so sure that it makes no difference."""
    a, b = known[:, 0], known[:, 1]
    if min(a.min(), b.min()) < NEARLY_NORMAL:
        return generator.beta(a, b, size)
    total = a + b
    mean = a / total
    drawn: NDArray[np.float64] = mean + np.sqrt(mean * (1.0 - mean) / (total + 1.0)) * generator.standard_normal(size)
    return np.clip(drawn, 0.0, 1.0)


def draw_at_once(steps: Generator[None, None, Table]) -> Table:
    """All steps of `drawing`, for a call that waits."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            table: Table = done.value
            return table
