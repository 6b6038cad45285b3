"""The decision as a whole, with a strategy that learns: what is written down, and what a fact does to the next call."""

from random import Random

from tests.routing.attempts import START_US, attempt
from tests.routing.policies import THREE, policy
from trunkline.decide import CallRequest, Decisions, Plan
from trunkline.lab.market.run import decisions_for, invite
from trunkline.sip.flow import Door, Flow

FLOW = Flow(Door("trunks", "udp", "192.0.2.250", 5060), ("192.0.2.1", 5060))


def plan(decisions: Decisions, now: float) -> Plan:
    verdict = decisions.decide(CallRequest("c", invite(1), FLOW, "vici", "14155550100"), now)
    assert isinstance(verdict, Plan)
    return verdict


def test_a_decision_explains_itself() -> None:
    bands = 'bands: {noon: {begins: "12:00", ends: "14:00"}}\n'
    decisions = decisions_for(policy(f"strategy: performance, {THREE}", bands), Random(1), START_US)
    decision = plan(decisions, 1.0).decision
    assert len(decision.candidates) == len(decision.scores) == len(decision.propensity) == 3
    assert abs(sum(decision.propensity) - 1.0) < 1e-9
    assert min(decision.propensity) > 0
    assert decision.band == "noon"


def test_what_is_observed_moves_the_next_calls() -> None:
    decisions = decisions_for(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}"), Random(1), START_US)
    for i in range(300):
        for gateway, answered in (("alpha/main", False), ("gamma/main", i % 2 == 0)):
            decisions.observe(attempt(gateway, at_s=float(i), answered=answered, heard="human" if answered else ""), float(i))
    plan(decisions, 300.0)
    while decisions.refresh(301.0, 10):
        pass
    assert plan(decisions, 301.0).routes[0].name == "gamma/main"


def test_facts_of_a_restart_are_known_before_the_first_call() -> None:
    decisions = decisions_for(policy(f"strategy: rank, scoring: {{holdout: 0}}, {THREE}"), Random(1), START_US)
    decisions.observe(attempt("alpha/main"), 0.0)
    assert decisions.router.scoreboard.segments


def test_a_static_strategy_writes_no_scores() -> None:
    decision = plan(decisions_for(policy(f"strategy: priority, {THREE}"), Random(1), START_US), 1.0).decision
    assert decision.scores == ()
    assert decision.propensity == (1.0, 0.0, 0.0)
