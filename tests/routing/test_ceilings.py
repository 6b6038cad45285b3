"""A gateway that takes only so many calls at once is not sent more, whether it says so or lets them ring."""

from random import Random

import pytest

from tests.routing.attempts import START_US, attempt
from tests.routing.policies import THREE, policy
from trunkline.facts.record import Attempt
from trunkline.routing import Health, Router
from trunkline.routing.ceilings import BINS, Ceilings, bin_of, load_of
from trunkline.routing.cell import Cell

CAPACITY = 20


class Line:
    """A carrier that lets calls beyond its capacity ring for ever; calls last ten steps."""

    def __init__(self, ceilings: Ceilings, capacity: int, seed: int = 1) -> None:
        self.ceilings, self.capacity = ceilings, capacity
        self.random = Random(seed)
        self.cell = Cell("alpha", 86_400.0, 4000)
        self.up: list[tuple[int, Attempt, bool]] = []
        self.step = 0
        self.answers = 0.4

    def call(self, *, mindful: bool) -> bool:
        """One step: a call is placed unless the ceiling forbids it; whether it was."""
        self.step += 1
        for _ends, fact, _ in [one for one in self.up if one[0] <= self.step]:
            self.ceilings.ended(fact, self.cell)
            self.cell.learn(fact, fact.at / 1e6)
        self.up = [one for one in self.up if one[0] > self.step]
        if mindful and self.ceilings.is_full("alpha/main"):
            return False
        taken = sum(has_line for *_, has_line in self.up) < self.capacity
        name = f"c{self.step}"
        self.ceilings.began(name, "alpha/main")
        answered = taken and self.random.random() < self.answers
        fact = attempt("alpha/main", at_s=self.step * 2.0, answered=answered, talk_ms=20_000.0 if answered else None, call=name)
        self.up.append((self.step + self.random.randint(5, 45), fact, taken))
        return True


def test_a_ceiling_is_found_where_calls_begin_to_come_to_nothing() -> None:
    line = Line(Ceilings(), CAPACITY)
    for _ in range(3000):
        line.call(mindful=True)
    ceiling = line.ceilings.found.get("alpha/main")
    assert ceiling is not None
    assert CAPACITY - 2 <= ceiling <= CAPACITY + 5


def test_a_gateway_that_takes_everything_has_no_ceiling() -> None:
    line = Line(Ceilings(), 10_000)
    for _ in range(6000):
        line.call(mindful=True)
    assert not line.ceilings.found


def test_a_bad_hour_is_no_ceiling() -> None:
    line = Line(Ceilings(), 10_000)
    for step in range(8000):
        line.answers = 0.4 if step % 2000 < 1400 else 0.1
        line.call(mindful=True)
    assert not line.ceilings.found


def test_a_ceiling_goes_when_the_carrier_takes_more() -> None:
    line = Line(Ceilings(), CAPACITY)
    for _ in range(3000):
        line.call(mindful=True)
    assert line.ceilings.found
    line.capacity = 10_000
    canary = Random(5)
    for _ in range(12_000):
        line.call(mindful=canary.random() > 0.03)
    assert line.ceilings.found.get("alpha/main", 10_000) > CAPACITY + 5


@pytest.mark.parametrize("load", [0, 1, 31, 32, 33, 40, 100, 1000, 100_000])
def test_a_bin_holds_the_load_it_begins_with(load: int) -> None:
    at = bin_of(load)
    assert 0 <= at < BINS
    assert load_of(at) <= load
    assert bin_of(load_of(at)) == at


def test_an_attempt_that_was_never_begun_counts_for_nothing() -> None:
    ceilings = Ceilings()
    ceilings.ended(attempt("alpha/main", answered=True), None)
    assert not ceilings.up


def test_an_attempt_begun_twice_counts_once() -> None:
    ceilings = Ceilings()
    ceilings.began("one", "alpha/main")
    ceilings.began("one", "alpha/main")
    assert ceilings.up == {"alpha/main": 1}
    ceilings.ended(attempt("alpha/main", call="one"), None)
    assert ceilings.up == {"alpha/main": 0}


def test_attempts_end_under_a_policy_that_no_longer_learns() -> None:
    random = Random(3)
    router = Router(random, Health(random))
    router.follow(policy(f"strategy: performance, {THREE}"))
    router.began("one", "alpha/main")
    router.follow(policy(f"strategy: priority, {THREE}"))
    router.apply(attempt("alpha/main", call="one"))
    assert router.ceilings.up == {"alpha/main": 0}


def test_a_full_gateway_comes_last_but_for_a_few_calls_and_its_propensity_says_so() -> None:
    random = Random(3)
    router = Router(random, Health(random))
    snapshot = policy(f"strategy: performance, scoring: {{value: 0.3, holdout: 0}}, {THREE}")
    router.follow(snapshot)
    us, at = snapshot.destinations["us"], START_US / 1e6
    before = router.choose(snapshot, us, "+14155550123", 0.0, at)
    favourite = max(zip(before.propensity, before.gateways, strict=True), key=lambda pair: pair[0])[1].name
    router.ceilings.found[favourite] = 2
    router.began("one", favourite)
    router.began("two", favourite)
    choices = [router.choose(snapshot, us, "+14155550123", 0.0, at) for _ in range(4000)]
    first = sum(choice.gateways[0].name == favourite for choice in choices) / len(choices)
    stated = next(share for share, gateway in zip(choices[0].propensity, choices[0].gateways, strict=True) if gateway.name == favourite)
    assert 0 < first < 0.03
    assert stated == pytest.approx(first, abs=0.006)
    assert sum(choices[0].propensity) == pytest.approx(1.0)
