from collections import Counter
from random import Random

import pytest

from tests.routing.attempts import START_US, attempt
from tests.routing.policies import THREE, policy
from trunkline.policy import Snapshot, load_policy
from trunkline.routing import Choice, Health, Router

AT = START_US / 1e6


class Desk:
    """A router, a policy and a clock."""

    def __init__(self, policy: Snapshot) -> None:
        self.policy = policy
        self.health = Health(Random(1))
        self.router = Router(Random(2), self.health)
        self.router.follow(policy)
        self.at = 0.0

    def choose(self, called: str = "+14155550100") -> Choice:
        return self.router.choose(self.policy, self.policy.destinations["us"], called, self.at, AT + self.at)

    def teach(self, rates: dict[str, float], calls: int, **others: object) -> None:
        """`calls` attempts on each route, answered by humans at these rates, a second apart; then everything due is refreshed."""
        random = Random(3)
        for _ in range(calls):
            for gateway, rate in rates.items():
                answered = random.random() < rate
                self.at += 1.0
                self.router.apply(attempt(gateway, at_s=self.at, answered=answered, heard="human" if answered else "", **others))
        self.choose()
        while self.router.refresh(AT + self.at, 100):
            pass

    def shares(self, calls: int = 3000) -> dict[str, float]:
        first = Counter(self.choose().gateways[0].name for _ in range(calls))
        return {name: n / calls for name, n in first.items()}


def test_least_cost_takes_the_cheapest_minute_and_shares_ties() -> None:
    desk = Desk(policy(f"strategy: least_cost, tie: 5, {THREE}"))
    shares = desk.shares()
    assert shares == pytest.approx({"alpha/main": 0.5, "beta/main": 0.5}, abs=0.04)
    choice = desk.choose()
    assert [gateway.name for gateway in choice.gateways][2] == "gamma/main"
    assert choice.propensity == (0.5, 0.5, 0.0)


def test_without_a_tie_band_the_cheapest_takes_all() -> None:
    assert Desk(policy(f"strategy: least_cost, {THREE}")).shares(50) == {"alpha/main": 1.0}


def test_an_experiment_splits_by_share_and_keeps_a_callee_on_its_side() -> None:
    desk = Desk(policy("strategy: experiment, routes: [{to: alpha, share: 30}, {to: beta, share: 70}]"))
    sides = Counter(desk.choose(f"+1415{n:07d}").gateways[0].name for n in range(4000))
    assert sides["alpha/main"] / 4000 == pytest.approx(0.3, abs=0.03)
    again = {desk.choose("+14155550123").gateways[0].name for _ in range(20)}
    assert len(again) == 1
    choice = desk.choose("+14155550123")
    assert choice.propensity[0] in (0.3, 0.7)


def test_performance_gives_the_best_route_the_calls_and_the_others_the_holdout() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 6}}, {THREE}"))
    desk.teach({"alpha/main": 0.20, "beta/main": 0.30, "gamma/main": 0.20}, 1500)
    shares = desk.shares()
    assert shares["beta/main"] == pytest.approx(0.96, abs=0.02)
    assert shares["alpha/main"] == pytest.approx(0.02, abs=0.01)
    assert shares["gamma/main"] == pytest.approx(0.02, abs=0.01)


def test_the_propensity_written_down_is_how_often_a_route_comes_first() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 6, floor: 1}}, {THREE}"))
    desk.teach({"alpha/main": 0.27, "beta/main": 0.28, "gamma/main": 0.27}, 200)
    choice = desk.choose()
    written = {gateway.name: share for gateway, share in zip(choice.gateways, choice.propensity, strict=True)}
    assert sum(written.values()) == pytest.approx(1.0)
    assert min(written.values()) >= 0.03 - 1e-9
    assert desk.shares(256 * 40) == pytest.approx(written, abs=0.02)


def test_without_holdout_no_candidate_is_written_down_as_impossible() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 0}}, {THREE}"))
    desk.teach({"alpha/main": 0.05, "beta/main": 0.50, "gamma/main": 0.05}, 1500)
    assert min(desk.choose().propensity) > 0


def test_a_call_of_the_holdout_says_so() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 30}}, {THREE}"))
    desk.teach({"alpha/main": 0.2, "beta/main": 0.5, "gamma/main": 0.2}, 800)
    held_out = [choice for choice in (desk.choose() for _ in range(3000)) if choice.holdout]
    assert len(held_out) / 3000 == pytest.approx(0.30, abs=0.03)
    assert Counter(choice.gateways[0].name for choice in held_out)["alpha/main"] / len(held_out) == pytest.approx(1 / 3, abs=0.05)


def test_rank_takes_the_best_guess_without_draws() -> None:
    desk = Desk(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}"))
    desk.teach({"alpha/main": 0.20, "beta/main": 0.25, "gamma/main": 0.20}, 800)
    choice = desk.choose()
    assert desk.shares(50) == {"beta/main": 1.0}
    assert list(choice.scores) == sorted(choice.scores, reverse=True)


def test_price_decides_between_routes_that_are_alike() -> None:
    desk = Desk(policy("strategy: rank, scoring: {value: 0.3, holdout: 0}, routes: [{to: alpha, rate: 0.09}, {to: beta, rate: 0.01}]"))
    desk.teach({"alpha/main": 0.25, "beta/main": 0.25}, 600)
    assert desk.choose().gateways[0].name == "beta/main"


def test_answers_by_nobody_are_no_success_however_many() -> None:
    desk = Desk(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}"))
    desk.teach({"alpha/main": 0.2, "gamma/main": 0.15}, 400)
    for _ in range(400):
        desk.at += 1
        desk.router.apply(attempt("beta/main", at_s=desk.at, answered=desk.at % 10 < 6, heard="false" if desk.at % 10 < 6 else "", alerting_ms=None))
    desk.teach({}, 0)
    while desk.router.refresh(AT + desk.at, 100):
        pass
    assert desk.choose().gateways[-1].name == "beta/main"


def test_a_route_proven_to_answer_falsely_gets_no_holdout() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 30}}, {THREE}"))
    for _ in range(60):
        desk.at += 1
        desk.router.apply(attempt("beta/main", at_s=desk.at, answered=True, heard="false", alerting_ms=None))
    desk.teach({"alpha/main": 0.3, "gamma/main": 0.3}, 300)
    assert desk.shares().get("beta/main", 0.0) < 0.01


def test_a_route_over_the_ceiling_gets_no_holdout() -> None:
    desk = Desk(policy(f"strategy: performance, scoring: {{holdout: 30, max_rate: 0.015}}, {THREE}"))
    desk.teach({"alpha/main": 0.5, "beta/main": 0.5, "gamma/main": 0.05}, 400)
    assert "gamma/main" not in desk.shares()


def test_a_drained_gateway_comes_last_and_its_propensity_is_the_others() -> None:
    desk = Desk(policy(f"strategy: performance, {THREE}"))
    desk.teach({"alpha/main": 0.2, "beta/main": 0.5, "gamma/main": 0.2}, 600)
    desk.health.condition("beta/main").drained = True
    choice = desk.choose()
    assert choice.gateways[-1].name == "beta/main"
    assert choice.propensity[-1] == 0.0
    assert sum(choice.propensity) == pytest.approx(1.0)
    assert "beta/main" not in desk.shares(500)


def test_a_broken_route_loses_its_calls_and_gets_them_back() -> None:
    desk = Desk(policy(f"strategy: performance, {THREE}"))
    desk.teach({"alpha/main": 0.20, "beta/main": 0.30, "gamma/main": 0.20}, 1500)
    assert desk.shares()["beta/main"] > 0.9
    desk.teach({"beta/main": 0.02}, 60)
    assert desk.shares().get("beta/main", 0.0) < 0.1
    desk.at += 3 * 3600
    desk.teach({"alpha/main": 0.2}, 1)
    assert desk.shares()["beta/main"] > 0.5


def test_a_new_policy_keeps_what_was_learnt() -> None:
    desk = Desk(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}"))
    desk.teach({"alpha/main": 0.2, "beta/main": 0.4, "gamma/main": 0.2}, 400)
    desk.policy = policy(f"strategy: rank, max_attempts: 2, scoring: {{holdout: 0}}, {THREE}")
    assert desk.choose().gateways[0].name == "beta/main"


def test_static_strategies_learn_nothing_and_cost_nothing() -> None:
    desk = Desk(policy(f"strategy: priority, {THREE}"))
    desk.choose()
    desk.router.apply(attempt("alpha/main"))
    assert not desk.router.scoreboard.segments
    assert desk.router.refresh(AT, 10) == 0


def test_a_standby_gateway_comes_after_all_others() -> None:
    found = load_policy(
        "tenants: {acme: {}}\ntrunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}\n"
        "carriers:\n  alpha: {gateways: {spare: {host: 10.0.0.9, weight: 0}, main: {host: 10.0.0.1}}}\n  beta: {gateways: {main: {host: 10.0.0.2}}}\n"
        'destinations:\n  us: {prefixes: ["1"], strategy: performance, scoring: {holdout: 50}, routes: [{to: alpha}, {to: beta}]}\n'
    )
    assert isinstance(found, Snapshot)
    desk = Desk(found)
    assert {desk.choose().gateways[-1].name for _ in range(200)} == {"alpha/spare"}
    assert {desk.choose().propensity[-1] for _ in range(5)} == {0.0}


def test_bands_choose_apart() -> None:
    bands = 'bands: {day: {begins: "12:00", ends: "18:00"}, night: {begins: "18:00", ends: "12:00"}}\n'
    desk = Desk(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}", bands))
    desk.teach({"alpha/main": 0.1, "beta/main": 0.4}, 600, band="day")
    assert desk.router.band(desk.policy, desk.policy.destinations["us"], AT) == "day"
    desk.at = 7 * 3600.0
    desk.teach({"alpha/main": 0.4, "beta/main": 0.1}, 600, band="night")
    assert desk.choose().gateways[0].name == "alpha/main"
    desk.at = 24 * 3600.0
    assert desk.choose().gateways[0].name == "beta/main"
