"""A replay judges what a policy alone decides, with the object the node runs, at the calls' own time."""

from pathlib import Path
from typing import Any

import pytest

from tests.insight.hand_log import POLICY, attempt, decision, placed, policy_of, record, refused
from tests.records.samples import NOON_US, fact
from trunkline.facts.record import Fact, GatewayState
from trunkline.guard import Compliance
from trunkline.guard.do_not_call import SUFFIX
from trunkline.guard.do_not_call_build import rewrite
from trunkline.insight import Judged, Replay, gather, what_if
from trunkline.insight.replay import not_judged, reached


def judged(facts: list[Fact], text: str = POLICY, **given: Any) -> list[Judged]:
    return list(Replay(policy_of(text), gather(facts), **given))


def only(facts: list[Fact], text: str = POLICY, **given: Any) -> Judged:
    (found,) = judged(facts, text, **given)
    return found


def test_both_propensities_and_the_bill_of_the_other_policy_are_told() -> None:
    found = only(placed("a"), POLICY.replace("alpha, share: 50, rate: 0.01", "alpha, share: 80, rate: 0.04").replace("beta, share: 50", "beta, share: 20"))
    assert found.refusal == ""
    assert found.wanted == pytest.approx({"alpha/main": 0.8, "beta/main": 0.2})
    assert found.seen == pytest.approx({"alpha/main": 0.5, "beta/main": 0.5})
    assert found.bill == pytest.approx(0.04)  # 30 s, billed as a minute


def test_what_was_passed_over_is_passed_over_under_both_policies() -> None:
    facts = [decision("a", NOON_US), attempt("a", 1, NOON_US + 1000, "beta/main"), record("a", NOON_US)]
    found = only(facts)
    assert found.wanted == found.seen == {"beta/main": 1.0}


def test_a_drained_gateway_is_passed_over_until_it_is_back() -> None:
    states = [fact(GatewayState, gateway="alpha/main", at=NOON_US - 1, state="drained"), fact(GatewayState, gateway="alpha/main", at=NOON_US + 90_000_000, state="undrained")]
    first, second = judged([*states, *placed("a", 1, "beta/main"), *placed("b", 100, "beta/main")])
    assert first.wanted == {"beta/main": 1.0}
    assert second.logged.record.call == "b"


def test_a_policy_that_learns_leaves_a_gateway_where_nobody_answers() -> None:
    facts: list[Fact] = []
    for i in range(40):
        at = NOON_US + i * 2_000_000
        silent = attempt(f"a{i}", 1, at, outcome="callee", total_ms=500.0, talk_ms=None, answer_ms=None, heard="", status=480)
        facts += [decision(f"a{i}", at), silent, record(f"a{i}", at, total_ms=500.0, status=480, result="no_answer")]
        order = decision(f"b{i}", at, ("beta/main", "alpha/main"))
        facts += [order, attempt(f"b{i}", 1, at, "beta/main"), record(f"b{i}", at)]
    found = judged([*facts, *placed("last", 200)], POLICY.replace("strategy: percentage", "strategy: performance"))
    assert found[0].wanted["alpha/main"] > 0.3
    assert found[-1].wanted["alpha/main"] < 0.15


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        (POLICY.replace('prefixes: ["1"]', 'prefixes: ["44"]'), "routing.no_destination"),
        (POLICY.replace("  dialer:", "  another:"), "guard.unknown_source"),
        (POLICY + 'compliance: {rules: {day: {windows: [{begins: "08:00", ends: "21:00"}]}}}\n', "compliance.window"),  # it is 4 in California
        (POLICY + 'emergency: {numbers: ["14155550123"]}\n', "guard.emergency_refused"),
    ],
)
def test_a_call_that_was_placed_may_be_refused(changed: str, code: str) -> None:
    assert only(placed("a"), changed).refusal == code


def test_channels_are_taken_and_given_back_as_the_logged_calls_came_and_went() -> None:
    facts = [*placed("a", 0), *placed("b", 10), *placed("c", 50)]
    found = judged(facts, POLICY.replace("dialer: {", "dialer: {channels: 1, "))
    assert [each.refusal for each in found] == ["", "guard.trunk_channels", ""]


def test_calls_per_second_are_judged_by_the_calls_own_times_unless_calls_may_wait() -> None:
    facts = [one for i in range(5) for one in placed(str(i), i / 10)]
    limited = POLICY.replace("dialer: {", "dialer: {cps: 2, ")
    assert [each.refusal for each in judged(facts, limited)] == ["", "", "guard.trunk_cps", "guard.trunk_cps", "guard.trunk_cps"]
    patient = limited.replace("dialer: {", "dialer: {pacing: {wait: 5s}, ")
    assert [each.refusal for each in judged(facts, patient)] == [""] * 5
    assert any("pacing" in what for what in not_judged(policy_of(patient)))


def test_a_refused_call_leaves_no_trace_in_what_the_policy_knows() -> None:
    """One call a day to a callee: the second is refused, and so does not put off the third."""
    capped = POLICY + "retries: {daily: {caps: [{calls: 1, within: 1h}]}}\n"
    facts = [*placed("a", 0), *placed("b", 1800), *placed("c", 3700)]
    assert [each.refusal for each in judged(facts, capped)] == ["", "retries.too_soon", ""]


def test_calls_before_the_span_are_known_and_not_asked_about() -> None:
    capped = POLICY + "retries: {daily: {caps: [{calls: 1, within: 1h}]}}\n"
    found = only([*placed("a", 0), *placed("b", 1800)], capped, since_us=NOON_US + 1_000_000)
    assert (found.logged.record.call, found.refusal) == ("b", "retries.too_soon")


def test_do_not_call_lists_are_those_of_today(tmp_path: Path) -> None:
    rewrite(tmp_path / f"lab{SUFFIX}", [14155550123])
    lists = Compliance(tmp_path)
    lists.look()
    assert only(placed("a"), compliance=lists).refusal == "compliance.do_not_call"


def test_metadata_reaches_the_rules_by_the_trunks_own_map() -> None:
    spring = POLICY + "retries: {daily: {campaigns: [spring], caps: [{calls: 1, within: 1h}]}}\n"
    for campaign, expected in (("spring", "retries.too_soon"), ("autumn", "")):
        facts = [*placed("a", 0, metadata={"campaign": campaign}), *placed("b", 1800, metadata={"campaign": campaign})]
        assert judged(facts, spring)[1].refusal == expected


def test_a_trunk_that_the_policy_does_not_have_is_named() -> None:
    facts = [*placed("a", 0), *refused("b", "guard.unknown_source", 5, trunk="", tenant="")]
    kept = what_if(policy_of(), gather(facts))
    gone = what_if(policy_of(POLICY.replace("  dialer: {", "  renamed: {")), gather(facts))
    assert gone.refused == {"guard.unknown_source": 1}
    assert any("the policy has no trunk dialer: calls of it are taken to be refused" in note for note in gone.notes)
    assert not any("has no trunk" in note for note in kept.notes)


def test_refused_calls_are_counted_by_what_becomes_of_them() -> None:
    facts = [
        *placed("a"), *refused("b", "guard.trunk_channels", 1), *refused("c", "numbers.none_left", 2), *refused("d", "routing.no_destination", 3, called_raw="9999999", called=""),
        *refused("e", "compliance.do_not_call", 4), *refused("f", "guard.unknown_source", 5, trunk="", tenant=""),
    ]  # fmt: skip
    answer = what_if(policy_of(), gather(facts))
    assert (answer.calls, answer.placed) == (6, 1)
    assert answer.spared == {"guard.trunk_channels": 1}
    assert answer.kept_refused == {"numbers.none_left": 1, "compliance.do_not_call": 1, "guard.unknown_source": 1}
    assert sum(answer.still_refused.values()) == 1
    assert answer.refused == {}


def test_a_spared_call_takes_a_channel_as_long_as_others_last() -> None:
    facts = [*placed("a", 0), *refused("b", "guard.trunk_channels", 40), *placed("c", 50), *placed("d", 80)]
    found = judged(facts, POLICY.replace("dialer: {", "dialer: {channels: 1, "))
    assert [each.refusal for each in found] == ["", "", "guard.trunk_channels", ""]


def test_calls_of_one_trunk_are_asked_about_while_all_are_known() -> None:
    facts = [*placed("a", 0), *placed("b", 10, trunk="second")]
    text = POLICY.replace("trunks:\n", "trunks:\n  second: {tenant: lab, addresses: [192.0.2.9]}\n").replace("lab: {}", "lab: {channels: 1}")
    answer = what_if(policy_of(text), gather(facts), trunk="second")
    assert (answer.calls, answer.refused) == (1, {"guard.tenant_channels": 1})


def test_inbound_emergency_and_unfinished_calls_are_left_out() -> None:
    facts = [*placed("a", direction="inbound"), *placed("b", emergency=True), *placed("c")[:2], *placed("d")]
    log = gather(facts)
    assert [call.record.call for call in log.calls] == ["d"]
    assert log.left_out == {"inbound": 1, "emergency": 1, "under way": 1}


def test_a_policy_without_a_way_refuses() -> None:
    facts = [decision("a", NOON_US, ("alpha/main", "beta/main"), (1.0, 0.0)), attempt("a", 1, NOON_US + 1000, "beta/main"), record("a", NOON_US)]
    alone = POLICY.replace(", {to: beta, share: 50, rate: 0.02}", "").replace("alpha, share: 50", "alpha, share: 100")
    assert only(facts, alone).refusal == "routing.no_route"


def test_chances_of_the_first_attempt() -> None:
    assert reached(("a", "b", "c"), (0.5, 0.3, 0.2), (0.0, 1.0, 1.0)) == pytest.approx({"b": 0.6, "c": 0.4})
    assert reached(("a", "b", "c"), (1.0, 0.0, 0.0), (0.0, 1.0, 1.0)) == {"b": 1.0}
    assert reached(("a", "b", "c"), (1.0, 0.0, 0.0), (0.25, 0.5, 1.0)) == pytest.approx({"a": 0.25, "b": 0.375, "c": 0.375})
    assert reached(("a", "b"), (0.5, 0.5), (1.0, 0.5)) == pytest.approx({"a": 2 / 3, "b": 1 / 3})
    assert reached(("a",), (1.0,), (0.0,)) == {}


def test_a_circuit_that_is_open_by_chance_is_overlap_of_a_policy_that_never_varies() -> None:
    """Priority with a first route that fails: a call the circuit kept from it says what the second does, with the chance it had."""
    facts: list[Fact] = []
    for i in range(30):
        at = NOON_US + i * 1_000_000
        order = decision(f"a{i}", at, propensity=(1.0, 0.0))
        failed = attempt(f"a{i}", 1, at, outcome="route", evidence="no response", status=408, total_ms=500.0, talk_ms=None, answer_ms=None, heard="")
        facts += [order, failed, record(f"a{i}", at, total_ms=500.0, status=503, result="unreachable")]
    at = NOON_US + 40_000_000
    circuit = decision("last", at, propensity=(1.0, 0.0), excluded={"alpha/main": "health.circuit"})
    *_, found = judged([*facts, circuit, attempt("last", 1, at, "beta/main"), record("last", at)])
    assert found.seen == pytest.approx({"alpha/main": 0.02, "beta/main": 0.98})
    assert found.wanted == pytest.approx({"alpha/main": 0.02 / 1.02, "beta/main": 1.0 / 1.02}, rel=0.01)
