"""What a route's relatives let one expect of it: levels of segments, standing of routes, and how alike siblings are.

A segment has a level, the rate of all its routes together; a node (all attempts of a carrier, of a gateway, of a gateway at a destination)
has a standing, its successes over those its segments' levels let one expect. A route that never saw a segment is expected to do there what
the segment's level and its own standing elsewhere say. How many calls that expectation is worth is fitted on siblings (empirical Bayes).
"""

from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from trunkline.routing.cell import ANSWERED, ATTEMPTS, HUMAN, UNKNOWN
from trunkline.routing.scoreboard import Scoreboard, Segment
from trunkline.stats import Concentration

FIRST_GUESS = (0.25, 0.4)
"Answered share of attempts and human share of answers where nothing at all is known."

OVERALL_CALLS, DESTINATION_CALLS = 20.0, 40.0
"Calls a level's parent is worth to it."

BETWEEN_CARRIERS, BETWEEN_GATEWAYS, BETWEEN_DESTINATIONS, BETWEEN_BANDS = range(4)
ALIKE = (40.0, 60.0, 80.0, 150.0)
"How many calls a parent is worth before anything is known of siblings, step by step down."

KIN_CALLS = 30.0
"First attempts of other carriers below which one has nobody to be compared with."

STEP = 150
"Cells that are read in one step of a fit: well under 2 ms."

Count: TypeAlias = tuple[Segment, str, str, float, float]
"Segment, carrier, gateway, successes, trials."


class Prior(Struct, frozen=True, gc=False):
    """A rate to expect, and how many calls that expectation is worth."""

    mean: float
    calls: float


class _Sums:
    """Successes, trials and expected successes of a node."""

    __slots__ = ("expected", "successes", "trials")

    def __init__(self) -> None:
        self.successes = self.trials = self.expected = 0.0

    def add(self, successes: float, trials: float, level: float) -> None:
        self.successes += successes
        self.trials += trials
        self.expected += trials * level


_NOTHING = _Sums()


class Kinship:
    """Levels and standings of one rate."""

    def __init__(self, first_guess: float) -> None:
        self._guess = first_guess
        self.overall = first_guess
        self.levels: dict[Segment, float] = {}
        self.destinations: dict[str, float] = {}
        self.nodes: dict[tuple[str, ...], _Sums] = {}
        "By (carrier,), (carrier, gateway) and (carrier, gateway, destination)."
        self.alike: tuple[float, ...] = ALIKE

    def level(self, segment: Segment) -> float:
        """Rate of all routes of a segment together."""
        known = self.levels.get(segment)
        return known if known is not None else self.destinations.get(segment[0], self.overall)

    def prior(self, segment: Segment, carrier: str, gateway: str, successes: float = 0.0, trials: float = 0.0) -> Prior:
        """What to expect of a gateway in a segment; its own counts there are given so that they are not counted twice."""
        level = min(max(self.level(segment), 1e-4), 0.9999)
        path = ((carrier,), (carrier, gateway), (carrier, gateway, segment[0]))
        sums = [self.nodes.get(node, _NOTHING) for node in path]
        standing, calls = 1.0, self.alike[BETWEEN_CARRIERS]
        for i, node in enumerate(sums):
            below = sums[i + 1] if i < 2 else None
            own = (below.successes, below.trials, below.expected) if below is not None else (successes, trials, trials * level)
            others = max(node.trials - own[1], 0.0)
            expected = max(node.expected - own[2], 0.0)
            worth = calls * level
            standing = (max(node.successes - own[0], 0.0) + worth * standing) / (expected + worth)
            calls = 1.0 / (1.0 / (calls + others) + 1.0 / self.alike[i + 1])
        return Prior(min(max(level * standing, 0.002), 0.98), calls)

    def fitting(self, rows: list[Count]) -> Iterator[None]:
        """Levels, standings and likeness from the counts of every cell, `STEP` cells between two yields; the old ones serve until the end."""
        by_segment: dict[Segment, list[float]] = {}
        by_destination: dict[str, list[float]] = {}
        total = [0.0, 0.0]
        for done, (segment, carrier, gateway, successes, trials) in enumerate(rows, 1):
            # The level is that of an average route: a segment served by good ones must not seem easy.
            node = self.nodes.get((carrier, gateway))
            standing = (node.successes + 5.0) / (node.expected + 5.0) if node is not None else 1.0
            for sums in (by_segment.setdefault(segment, [0.0, 0.0]), by_destination.setdefault(segment[0], [0.0, 0.0]), total):
                sums[0] += successes
                sums[1] += trials * standing
            if done % STEP == 0:
                yield
        overall = (total[0] + OVERALL_CALLS * self._guess) / (total[1] + OVERALL_CALLS)
        destinations = {name: (s + OVERALL_CALLS * overall) / (n + OVERALL_CALLS) for name, (s, n) in by_destination.items()}
        levels = {segment: (s + DESTINATION_CALLS * destinations[segment[0]]) / (n + DESTINATION_CALLS) for segment, (s, n) in by_segment.items()}
        yield
        nodes: dict[tuple[str, ...], _Sums] = {}
        for done, (segment, carrier, gateway, successes, trials) in enumerate(rows, 1):
            level = levels[segment]
            for key in ((carrier,), (carrier, gateway), (carrier, gateway, segment[0])):
                found = nodes.get(key)
                if found is None:
                    found = nodes[key] = _Sums()
                found.add(successes, trials, level)
            if done % STEP == 0:
                yield
        steps = [Concentration(prior) for prior in ALIKE]
        everyone = sum(trials for *_, trials in rows)
        for done, (path, each) in enumerate(nodes.items(), 1):
            # A carrier that alone has calls is the level itself: that it agrees with it says nothing about what carriers have in common.
            if each.trials > 1 and (len(path) > 1 or everyone - each.trials >= KIN_CALLS):
                steps[len(path) - 1].add(each.successes, each.trials, _expected(nodes.get(path[:-1]), each.successes, each.trials, each.expected))
            if done % STEP == 0:
                yield
        for done, (segment, carrier, gateway, successes, trials) in enumerate(rows, 1):
            if trials > 1:
                above = nodes[carrier, gateway, segment[0]]
                steps[BETWEEN_BANDS].add(successes, trials, _expected(above, successes, trials, trials * levels[segment]))
            if done % STEP == 0:
                yield
        self.overall, self.destinations, self.levels, self.nodes = overall, destinations, levels, nodes
        self.alike = tuple(step.value() for step in steps)


def _expected(above: _Sums | None, successes: float, trials: float, expected: float) -> float:
    """Rate to expect of a node by its level and by how its siblings under the same parent stand."""
    standing = 1.0
    if above is not None:
        standing = (max(above.successes - successes, 0.0) + 10.0) / (max(above.expected - expected, 0.0) + 10.0)
    return min(expected / trials * standing, 0.98)


class Levels:
    """Kinship of answers and of humans among heard answers, fitted in steps."""

    def __init__(self) -> None:
        self.answers = Kinship(FIRST_GUESS[0])
        self.humans = Kinship(FIRST_GUESS[1])

    def fitting(self, board: Scoreboard, at: float) -> Iterator[None]:
        """Read the scoreboard and fit, `STEP` cells between two yields."""
        answers: list[Count] = []
        humans: list[Count] = []
        behind: dict[str, tuple[float, float, float, float]] = {}
        every = [(segment, gateway, cell) for segment, cells in board.segments.items() for gateway, cell in cells.items()]
        for done, (segment, gateway, cell) in enumerate(every, 1):
            sums = cell.slow.read(at)
            shares = behind.get(cell.carrier)
            if shares is None:
                shares = behind[cell.carrier] = board.listening.humans_behind(cell.carrier)
            verdicts = sums[HUMAN : UNKNOWN + 2]
            answers.append((segment, cell.carrier, gateway, sums[ANSWERED], sums[ATTEMPTS]))
            humans.append((segment, cell.carrier, gateway, sum(n * q for n, q in zip(verdicts, shares, strict=True)), sum(verdicts)))
            if done % STEP == 0:
                yield
        yield from self.answers.fitting(answers)
        yield from self.humans.fitting(humans)
