"""Logs whose truth is known: the market run under one policy, its facts as a journal would have them."""

import heapq
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from trunkline.decide import Decisions, Plan
from trunkline.facts.record import Attempt, Call, Fact
from trunkline.lab.market import Truth, draw_fates
from trunkline.lab.market.fate import Fates
from trunkline.lab.market.policy import policy_of
from trunkline.lab.market.run import Run
from trunkline.lab.market.scenario import Scenario
from trunkline.policy import Snapshot

CONFUSED = """
description: the first route fails calls to hard callees at once, and these go on to the second
destinations:
  us: {prefix: "1415", share: 0.6}
  uk: {prefix: "4420", share: 0.4, pick: 0.34, voicemail: 0.4}
routes:
  alpha: {rate: 0.010, increments: "60/60", is: {quality: 0.85, reject_hard: 0.8}}
  backup: {rate: 0.012, is: {quality: 1.05}}
  third: {rate: 0.006, is: {quality: 0.8, loss: 0.05}}
"""


def scenario_of(text: str, shares: dict[str, float]) -> Scenario:
    """A scenario whose policy shares calls so."""
    scenario = msgspec.convert(yaml.safe_load(text), Scenario)
    routes = {name: msgspec.structs.replace(route, share=shares.get(name, 0.0)) for name, route in scenario.routes.items()}
    return msgspec.structs.replace(scenario, routes=routes)


@cache
def scenario_truth(text: str, shares: tuple[tuple[str, float], ...] = ()) -> Truth:
    """What is true in that scenario; worth keeping, for it is the same for every seed."""
    return Truth(scenario_of(text, dict(shares)))


class Watched:
    """A decision object that tells what it observes."""

    def __init__(self, decisions: Decisions, watch: Callable[[Fact, float], None]) -> None:
        self._decisions = decisions
        self._watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._decisions, name)

    def observe(self, fact: Fact, now: float) -> None:
        self._decisions.observe(fact, now)
        self._watch(fact, now)


class Market:
    """One market with its fates, under as many policies as are asked for."""

    def __init__(self, text: str, seed: int, calls: int) -> None:
        self.text = text
        self.seed = seed
        self.fates: Fates = draw_fates(scenario_truth(text), seed, calls)

    def policy(self, strategy: str, shares: dict[str, float] | None = None) -> Snapshot:
        """The market's policy under a strategy."""
        return policy_of(scenario_truth(self.text, tuple((shares or {}).items())), strategy, 0.0)

    def log(self, strategy: str, shares: dict[str, float] | None = None) -> list[Fact]:
        """Every fact of the calls, in the order a node writes them: a decision when the call begins, attempts and records as they end."""
        truth = scenario_truth(self.text, tuple((shares or {}).items()))
        market = Run(truth, self.fates, strategy, self.seed, None)
        written: list[tuple[float, int, Fact]] = []
        tenants = [place.tenant for place in truth.scenario.destinations.values()]
        numbers = {f"c{i}": i for i in range(len(self.fates.at_s))}
        tried: dict[str, list[Attempt]] = {}

        def watch(fact: Fact, now: float) -> None:
            if isinstance(fact, Attempt):
                tried.setdefault(fact.call, []).append(fact)
            if isinstance(fact, Call):
                fact = self._whole(fact, numbers[fact.call], tenants, tried[fact.call])
            heapq.heappush(written, (now, len(written), fact))

        market.decisions = Watched(market.decisions, watch)  # type: ignore[assignment]
        for i, at in enumerate(self.fates.at_s):
            now = at - market.start
            market.catch_up(now)
            plan = market.decide(i, now)
            assert isinstance(plan, Plan)
            heapq.heappush(written, (now, len(written), plan.decision))
            market.place(i, plan, now)
        market.catch_up(self.fates.at_s[-1] - market.start + 86_400.0)
        return [fact for _, _, fact in sorted(written, key=lambda row: row[:2])]

    def _whole(self, record: Call, i: int, tenants: list[str], tried: list[Attempt]) -> Call:
        tenant = tenants[self.fates.destination[i]]
        at = int(self.fates.at_s[i] * 1e6)
        called = self.fates.called[i]
        answered = tried[-1].outcome == "answered"
        return msgspec.structs.replace(
            record, at=at, tenant=tenant, trunk=tenant, called_raw=called, called="+" + called, attempts=len(tried), status=200 if answered else 480,
            result="answered" if answered else "no_answer", destination=tried[0].destination, gateway=tried[-1].gateway, carrier=tried[-1].carrier,
        )  # fmt: skip


def write(facts: list[Fact], data: Path) -> None:
    """Put facts into the journal of a data directory."""
    from trunkline.records import Journal

    journal = Journal(data / "journal", low_water_bytes=0)
    for number, fact in enumerate(facts, 1):
        journal.append(fact)
        if number % 100 == 0:
            journal.flush(fact.at)
    if facts:
        journal.flush(facts[-1].at)
        journal.close(facts[-1].at)
