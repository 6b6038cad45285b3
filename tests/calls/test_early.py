"""What may be kept back before the answer, and of whom."""

import pytest
from msgspec.structs import replace

from tests.flows.script import read_flow
from tests.flows.stage import Stage
from tests.flows.test_flows import FLOWS
from trunkline.calls.early import manner
from trunkline.decide.plan import Plan
from trunkline.facts.record import Decision
from trunkline.policy.snapshot import Gateway, Trunk


def plan(trunk: str, direction: str = "outbound", emergency: bool = False) -> Plan:
    decision = Decision("c", 0, "p", "us", "priority", (), {}, 0.0, ())
    return Plan(Trunk("t", "acme", early_media=trunk), direction, "", "", "", "", "", False, "us", "priority", (), 3, {}, decision, emergency)


@pytest.mark.parametrize(
    ("trunk", "gateway", "found"),
    [
        ("pass", "trunk", "pass"), ("pass", "hold", "hold"), ("pass", "ring", "ring"), ("hold", "trunk", "hold"), ("hold", "ring", "ring"),
        ("ring", "hold", "ring"), ("ring", "trunk", "ring"),
    ],
)  # fmt: skip
def test_a_gateway_may_narrow_what_the_trunk_says_and_never_widen_it(trunk: str, gateway: str, found: str) -> None:
    assert manner(plan(trunk), replace(Gateway("c/g", "c", "h"), early_media=gateway)) == found


def test_nothing_is_kept_back_from_emergency_and_inbound_calls() -> None:
    strict = Gateway("c/g", "c", "h", early_media="ring")
    assert manner(plan("ring", emergency=True), strict) == "pass"
    assert manner(plan("hold", direction="inbound"), strict) == "pass"


def test_a_gateway_passed_over_for_what_the_dialer_hears_is_on_record() -> None:
    (flow,) = [path for path in FLOWS if path.stem.startswith("72-")]
    stage = Stage(read_flow(flow))
    stage.play()
    last = [fact for fact in stage.emitted if isinstance(fact, Decision)][-1]
    assert last.excluded == {"b/g": "routing.early_media"}
