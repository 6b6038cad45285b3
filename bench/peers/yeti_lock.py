"""Yeti's least-cost order with its quality lock: for comparison in the market only.

Written from its documentation and the behaviour read in its job: every 16 minutes ASR and ACD over the last 24 hours, per dialpeer (here: a
gateway at a destination) and per gateway; judged only with at least 100 calls and 3600 s of talk; below a limit it is locked, and stays so
until a person unlocks it. When everything is locked the order is as if nothing were: a person would be called long before.
"""

from collections import deque

from trunkline.facts.record import Attempt, Fact
from trunkline.lab.market.truth import Truth
from trunkline.policy.snapshot import Destination, Snapshot
from trunkline.routing import Choice

EVERY_S, WINDOW_S = 960.0, 86_400.0
MIN_CALLS, MIN_TALK_S = 100, 3600.0


class YetiLock:
    """A `routing.Strategy`."""

    def __init__(self, truth: Truth) -> None:
        self._limits = truth.scenario.lock
        self._facts: dict[tuple[str, str], deque[tuple[float, bool, float]]] = {}
        self._locked: set[tuple[str, str]] = set()
        self._due = 0.0

    def apply(self, fact: Fact) -> None:
        if not isinstance(fact, Attempt) or fact.outcome in ("caller", "ours"):
            return
        at = fact.at / 1e6 + fact.total_ms / 1e3
        for key in ((fact.destination, fact.gateway), ("", fact.gateway)):
            self._facts.setdefault(key, deque()).append((at, fact.outcome == "answered", (fact.talk_ms or 0.0) / 1000.0))

    def choose(self, policy: Snapshot, destination: Destination, called: str, at: float) -> Choice:
        if at >= self._due:
            self._due = at + EVERY_S
            self._check(at)
        routes = sorted(destination.routes, key=lambda route: route.price.per_minute)
        names = [name for route in routes for name in route.gateways]
        open_ = [name for name in names if ("", name) not in self._locked and (destination.name, name) not in self._locked] or names
        return Choice(tuple(policy.gateways[name] for name in open_), (1.0,) + (0.0,) * (len(open_) - 1))

    def _check(self, at: float) -> None:
        for key, facts in self._facts.items():
            while facts and facts[0][0] < at - WINDOW_S:
                facts.popleft()
            talk = sum(entry[2] for entry in facts)
            if len(facts) < MIN_CALLS or talk < MIN_TALK_S:
                continue
            answered = sum(entry[1] for entry in facts)
            if answered / len(facts) < self._limits.asr or talk / max(answered, 1) < self._limits.acd_s:
                self._locked.add(key)
