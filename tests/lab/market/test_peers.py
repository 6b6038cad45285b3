"""The strategies compared with do what their documentation says."""

from collections import Counter

import pytest
from bench.peers.qrouting import Qrouting
from bench.peers.yeti_lock import YetiLock
from tests.routing.attempts import START_US, attempt
from tests.routing.policies import THREE, policy

from trunkline.lab.market import Truth, load_scenario

AT = START_US / 1e6
TRUTH = Truth(load_scenario("stable"))
POLICY = policy(f"strategy: least_cost, {THREE}")
US = POLICY.destinations["us"]


def first(strategy: Qrouting | YetiLock, at_s: float, calls: int = 4000) -> Counter[str]:
    return Counter(strategy.choose(POLICY, US, "", AT + at_s).gateways[0].carrier for _ in range(calls))


def test_qrouting_with_too_few_samples_draws_evenly() -> None:
    strategy = Qrouting(TRUTH)
    for i in range(29):
        strategy.apply(attempt("alpha/main", at_s=i))
    assert first(strategy, 30.0)["alpha"] / 4000 == pytest.approx(1 / 3, abs=0.03)


def test_qrouting_gives_a_route_in_crisis_a_twentieth() -> None:
    strategy = Qrouting(TRUTH)
    for i in range(40):
        strategy.apply(attempt("alpha/main", at_s=i))
    assert first(strategy, 40.0)["alpha"] / 4000 == pytest.approx(0.05 / 2.05, abs=0.01)


def test_qrouting_forgets_after_half_an_hour() -> None:
    strategy = Qrouting(TRUTH)
    for i in range(40):
        strategy.apply(attempt("alpha/main", at_s=i))
    assert first(strategy, 2000.0)["alpha"] / 4000 == pytest.approx(1 / 3, abs=0.03)


def test_qrouting_takes_an_answer_without_ringing_for_no_delay_at_all() -> None:
    strategy = Qrouting(TRUTH)
    for i in range(40):
        strategy.apply(attempt("alpha/main", at_s=i, answered=True, alerting_ms=None, talk_ms=30_000.0))
        strategy.apply(attempt("beta/main", at_s=i, answered=True, alerting_ms=9000.0, talk_ms=30_000.0))
    found = first(strategy, 40.0)
    assert found["alpha"] > 10 * found["beta"]


def test_yeti_locks_after_an_hour_of_talk_and_never_unlocks() -> None:
    strategy = YetiLock(TRUTH)
    for i in range(700):
        strategy.apply(attempt("alpha/main", at_s=i, answered=i % 7 == 0))
    assert first(strategy, 800.0, 10) == {"beta": 10}
    assert first(strategy, 80_000.0, 10) == {"beta": 10}


def test_yeti_never_locks_a_route_that_answers_nothing() -> None:
    strategy = YetiLock(TRUTH)
    for i in range(5000):
        strategy.apply(attempt("alpha/main", at_s=i))
    assert first(strategy, 6000.0, 10) == {"alpha": 10}
