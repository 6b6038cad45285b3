"""OpenSIPS `qrouting`, dynamic weights, as an order of routes: for comparison in the market only.

Written from the module's documentation: statistics per destination and gateway over `history_span` 30 minutes; a statistic counts once it has
`min_samples` (30 for ASR and CCR, 10 for PDD and ACD); the score is 1, multiplied by 0.5 for each statistic beyond its warning threshold and by
0.05 for each beyond its critical one; the order is drawn at random in proportion to scores. Thresholds have no useful default (-1, none), so the
scenario's own are used, as an operator would set them. A 200 without any 18x adds a delay of 0, as the module does.
"""

from collections import deque
from random import Random

from trunkline.facts.record import Attempt, Fact
from trunkline.lab.market.truth import Truth
from trunkline.policy.snapshot import Destination, Snapshot
from trunkline.routing import Choice

HISTORY_S, SAMPLE_S = 1800.0, 5.0
MIN_RATES, MIN_TIMES = 30, 10
WARN, CRIT = 0.5, 0.05


class Window:
    """Sums over the last half hour, in samples of five seconds."""

    __slots__ = ("_samples", "sums")

    def __init__(self) -> None:
        self._samples: deque[tuple[int, list[float]]] = deque()
        self.sums = [0.0] * 7
        "Calls, answered, completed, delays, delay ms, talks, talk s."

    def add(self, at: float, values: tuple[float, ...]) -> None:
        sample = int(at // SAMPLE_S)
        self.forget(at)
        if not self._samples or self._samples[-1][0] != sample:
            self._samples.append((sample, [0.0] * 7))
        for sums in (self._samples[-1][1], self.sums):
            for i, value in enumerate(values):
                sums[i] += value

    def forget(self, at: float) -> None:
        oldest = int((at - HISTORY_S) // SAMPLE_S)
        while self._samples and self._samples[0][0] < oldest:
            for i, value in enumerate(self._samples.popleft()[1]):
                self.sums[i] -= value


class Qrouting:
    """A `routing.Strategy`."""

    def __init__(self, truth: Truth) -> None:
        self._limits = truth.scenario.qrouting
        self._windows: dict[tuple[str, str], Window] = {}
        self._random = Random(1)

    def apply(self, fact: Fact) -> None:
        if not isinstance(fact, Attempt) or fact.outcome in ("caller", "ours"):
            return
        window = self._windows.setdefault((fact.destination, fact.gateway), Window())
        answered = fact.outcome == "answered"
        completed = not (fact.status >= 500 or (fact.status == 408 and fact.outcome == "route"))
        delay = fact.alerting_ms if fact.alerting_ms is not None else 0.0
        delayed = fact.alerting_ms is not None or answered
        talk = (fact.talk_ms or 0.0) / 1000.0
        window.add(fact.at / 1e6 + fact.total_ms / 1e3, (1.0, answered, completed, delayed, delay, answered, talk))

    def choose(self, policy: Snapshot, destination: Destination, called: str, at: float) -> Choice:
        left = [policy.gateways[name] for route in destination.routes for name in route.gateways]
        scores = [self._score(self._windows.get((destination.name, gateway.name)), at) for gateway in left]
        total = sum(scores)
        order, shares = [], []
        while left:
            i = self._random.choices(range(len(left)), scores)[0]
            order.append(left.pop(i))
            shares.append(scores.pop(i) / total)
        return Choice(tuple(order), tuple(shares))

    def _score(self, window: Window | None, at: float) -> float:
        if window is None:
            return 1.0
        window.forget(at)
        calls, answered, completed, delays, delay_ms, talks, talk_s = window.sums
        limits = self._limits
        score = 1.0
        if calls >= MIN_RATES:
            score *= _below(answered / calls, limits.asr) * _below(completed / calls, limits.ccr)
        if delays >= MIN_TIMES:
            score *= _below(-delay_ms / delays, (-limits.pdd_ms[0], -limits.pdd_ms[1]))
        if talks >= MIN_TIMES:
            score *= _below(talk_s / talks, limits.acd_s)
        return score


def _below(value: float, limits: tuple[float, float]) -> float:
    return CRIT if value < limits[1] else WARN if value < limits[0] else 1.0
