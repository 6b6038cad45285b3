"""`performance` and `rank`: the route whose attempt is worth most (row R3).

Worth is money: P(answer) x (P(human | answer) x value - bill - what other answers cost) - what delay costs, plus, where the route fails fast,
what the next one is then worth. `performance` draws from what is believed of each route, 256 times ahead for a segment, and each call takes
the next row: a route gets calls in proportion to the probability that it is the best (Thompson sampling). `rank` takes the means.

A call costs one row; the table is drawn anew by `refresh` when enough was learnt.
"""

from collections.abc import Generator

import numpy as np
from numpy.typing import NDArray

from trunkline.policy.snapshot import Destination, Gateway, Scoring
from trunkline.routing.belief import Belief, believe
from trunkline.routing.levels import Levels
from trunkline.routing.scoreboard import Scoreboard, Segment
from trunkline.routing.strategies.candidate import Candidate
from trunkline.routing.strategies.mishearing import Mishearing
from trunkline.routing.strategies.table import Table

BELIEFS_A_STEP, DRAWS_A_STEP = 25, 2500
"Beliefs read, and values drawn, in one step: about a millisecond."

SHARPNESS = 2.0
"""Posteriors are drawn from as if this many times as much were known. Sums that forget are surer than they look, by a factor of up to two,
because an old call counts less but varies less too; and a draw from all of a posterior spends more calls on looking than finite traffic pays
back. In the market 1 costs more nearly everywhere, and at 4 a route condemned too early may stay so for a day."""

NEARLY_NORMAL = 40.0
"Least parameter of a beta distribution whose draws may come from a normal one, which are five times as cheap."


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
