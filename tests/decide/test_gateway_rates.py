"""Calls wait where every gateway that could take them has used up its rate, as they do for their trunk's own; on a virtual clock."""

from collections import Counter

import pytest

from tests.decide.stage import START_S, Stage

POLICY = """
tenants: {acme: {}}
trunks:
  vici: {tenant: acme, addresses: [10.0.0.1], pacing: {wait: %(wait)s, queue: %(queue)d}, number_plan: {country_code: "1", min_digits: 3}%(trunk)s}
  other: {tenant: acme, addresses: [10.0.0.2], pacing: {wait: 5s, queue: 200, weight: %(weight)s}, number_plan: {country_code: "1", min_digits: 3}}
  hasty: {tenant: acme, addresses: [10.0.0.3], number_plan: {country_code: "1", min_digits: 3}}
  office: {tenant: acme, kind: pbx, addresses: [10.0.0.4], number_plan: {country_code: "1", min_digits: 3}}
carriers:
  a: {%(a)s gateways: {g: {host: "10.1.0.1", options: 0%(g)s}%(more)s}}
  b: {%(b)s gateways: {g: {host: "10.1.0.2", options: 0}}}
destinations:
  us: {prefixes: ["1"], strategy: %(strategy)s, routes: [%(routes)s]}
emergency: {numbers: ["911"], test_numbers: [], routes: [a]}
"""


def stage(**changed: object) -> Stage:
    values: dict[str, object] = {
        "wait": "5s", "queue": 50, "trunk": "", "weight": "1.0", "a": "cps: 5,", "g": "", "more": "", "b": "cps: 5,", "strategy": "priority", "routes": "{to: a}",
    }  # fmt: skip
    return Stage(POLICY % {**values, **changed})


def burst(on: Stage, count: int, host: str = "10.0.0.1") -> list[str]:
    return [on.invite(f"1415555{1000 + i}", host) for i in range(count)]


def test_twenty_calls_at_once_are_all_placed_in_order_at_the_carriers_rate() -> None:
    on = stage()
    calls = burst(on, 20)
    assert all(on.told[call] == [100] for call in calls[5:])
    on.run(5.0)
    placed = on.invites()
    assert [number for _, number in placed] == [f"+1415555{1000 + i}" for i in range(20)]
    assert [at for at, _ in placed] == pytest.approx([0.0] * 5 + [0.2 * i for i in range(1, 16)], abs=0.025)
    assert all(on.told[call] == [100, 486] for call in calls)
    assert len(on.decisions()) == 20, "no call was decided twice"
    assert len(on.parked()) == 15
    on.check_clean()


def test_without_pacing_a_call_too_many_is_refused_at_once_as_before() -> None:
    on = stage(wait="0s")
    calls = burst(on, 6)
    on.run(1.0)
    assert on.calls()[0].refusal == "guard.carrier_cps"
    assert Counter(on.told[call][-1] for call in calls)[486] == 5
    assert not on.parked()
    on.check_clean()


def test_a_call_that_could_not_go_in_time_is_refused_when_it_comes() -> None:
    on = stage(wait="1s")
    burst(on, 12)
    assert [call.refusal for call in on.calls()] == ["guard.carrier_cps"] * 2
    on.run(2.0)
    assert len(on.invites()) == 10
    on.check_clean()


def test_the_queue_of_a_trunk_is_one_for_all_it_waits_for() -> None:
    on = stage(queue=3, routes="{to: a}, {to: b}")
    burst(on, 14)
    assert len(on.core.board.arrivals.waiting) == 3
    assert len(on.calls()) == 1
    on.run(2.0)
    assert len(on.invites()) == 13
    on.check_clean()


def test_two_trunks_share_a_carriers_rate_by_weight_and_one_with_few_calls_does_not_wait_behind_the_many() -> None:
    on = stage(weight="3.0", wait="4s")
    burst(on, 5)
    on.run(0.01)
    for i in range(16):
        on.invite(f"1415556{1000 + i}", "10.0.0.1")
    for i in range(16):
        on.invite(f"1415557{1000 + i}", "10.0.0.2")
    on.run(2.5)
    gone = Counter(number[5:8] for _, number in on.invites()[5:])
    assert gone["557"] >= 2 * gone["556"] > 0
    on.check_clean()


def test_who_may_not_wait_does_not_take_the_turn_of_those_who_do() -> None:
    on = stage()
    burst(on, 8)
    refused = 0
    for _ in range(59):
        on.run(0.01)
        on.invite("14155559999", "10.0.0.3")
    on.run(0.001)
    refused = sum(call.refusal == "guard.carrier_cps" for call in on.calls())
    assert refused >= 57
    assert [number for _, number in on.invites()][:7] == [f"+1415555{1000 + i}" for i in range(7)]
    on.run(3.0)
    on.check_clean()


def test_the_gateway_that_is_ready_first_is_waited_for() -> None:
    on = stage(a="cps: 1,", b="cps: 10,", routes="{to: a}, {to: b}")
    burst(on, 14)
    on.run(0.95)
    assert len(on.invites("10.1.0.1")) == 1
    assert len(on.invites("10.1.0.2")) == 13
    assert [call.attempts for call in on.calls()] == [1] * 14
    on.check_clean()


def test_while_any_gateway_has_room_nobody_waits() -> None:
    on = stage(b="", routes="{to: a}, {to: b}")
    burst(on, 20)
    assert not on.parked()
    assert (len(on.invites("10.1.0.1")), len(on.invites("10.1.0.2"))) == (5, 15)
    on.run(1.0)
    on.check_clean()


def test_a_gateway_that_is_down_is_no_reason_to_go_on_and_one_without_a_channel_none_to_wait() -> None:
    on = stage(b="", routes="{to: a}, {to: b}")
    on.core.health.condition("b/g").up = False
    burst(on, 6)
    assert len(on.core.board.arrivals.waiting) == 1
    on.run(1.0)
    assert len(on.invites("10.1.0.1")) == 6
    on.check_clean()
    full = stage(a="cps: 5, channels: 5,")
    full.behaviour = ""
    burst(full, 6)
    assert [call.refusal for call in full.calls()] == ["guard.carrier_channels"]


def test_a_gateways_own_rate_is_waited_for_too_and_holds_up_no_other_gateway() -> None:
    on = stage(a="", g=", cps: 2", more=", h: {host: 10.1.0.3, options: 0, cps: 5}", routes="{to: a/g}")
    burst(on, 4)
    on.run(1.01)
    assert [at for at, _ in on.invites()] == pytest.approx([0.0, 0.0, 0.5, 1.0], abs=0.025)
    on.check_clean()


def test_the_trunks_own_turn_is_taken_once() -> None:
    """Ten calls a second from the trunk, five at the carrier: were a turn taken again by every look, the trunk's rate would run out."""
    on = stage(trunk=", cps: 10")
    calls = burst(on, 15)
    due = on.core.limits._due["trunk vici"]
    on.run(2.5)
    assert [at for at, _ in on.invites()] == pytest.approx([0.0] * 5 + [0.2 * i for i in range(1, 11)], abs=0.045)
    assert on.core.limits._due["trunk vici"] == pytest.approx(START_S + 1.5)
    assert due == pytest.approx(START_S + 1.0)
    assert all(on.told[call] == [100, 486] for call in calls)
    on.check_clean()


def test_a_caller_who_hangs_up_leaves_its_turn_to_the_next() -> None:
    on = stage()
    calls = burst(on, 8)
    on.run(0.1)
    on.cancel(calls[5], number="14155551005")
    assert on.told[calls[5]] == [100, 487]
    assert [fact.result for fact in on.calls() if fact.result == "cancelled"] == ["cancelled"]
    assert [fact.called for fact in on.calls() if fact.result == "cancelled"] == ["+14155551005"]
    on.run(0.35)
    assert [number for _, number in on.invites()][5:] == ["+14155551006", "+14155551007"]
    on.check_clean()


def test_a_draw_is_one_for_each_call_and_shares_are_kept() -> None:
    on = stage(strategy="percentage", routes="{to: a, share: 50}, {to: b, share: 50}", a="cps: 20,", b="cps: 20,", wait="3s", queue=200)
    burst(on, 140)
    on.run(4.0)
    assert len(on.decisions()) == len(on.invites()) == 140
    assert all(sum(decision.propensity) == pytest.approx(1.0) for decision in on.decisions())
    on.check_clean()


def test_an_emergency_call_passes_everybody() -> None:
    on = stage()
    burst(on, 8)
    on.invite("911", "10.0.0.4")
    assert on.invites()[-1][1].endswith("911")
    on.run(3.0)
    on.check_clean()


def test_a_policy_that_drops_the_trunk_refuses_its_waiting_calls_and_keeps_nothing_of_them() -> None:
    on = stage()
    burst(on, 8)
    policy = POLICY % {"wait": "5s", "queue": 50, "trunk": "", "weight": "1.0", "a": "cps: 5,", "g": "", "more": "", "b": "", "strategy": "priority", "routes": "{to: a}"}
    on.change("\n".join(line for line in policy.splitlines() if not line.startswith("  vici:")))
    on.run(2.0)
    assert len(on.invites()) == 5
    refused = [call for call in on.calls() if call.refusal == "guard.unknown_source"]
    assert [(call.trunk, call.called) for call in refused] == [("vici", f"+1415555{1005 + i}") for i in range(3)]
    on.check_clean()


def test_a_policy_that_lifts_the_rate_lets_the_next_calls_go() -> None:
    on = stage()
    burst(on, 8)
    on.run(0.05)
    on.change(POLICY % {"wait": "5s", "queue": 50, "trunk": "", "weight": "1.0", "a": "", "g": "", "more": "", "b": "", "strategy": "priority", "routes": "{to: a}"})
    assert on.told[on.invite("14155559999")] == [100]
    assert on.invites()[-1][1] == "+14155559999"
    on.run(2.0)
    assert len(on.invites()) == 9
    on.check_clean()


def test_a_turn_at_a_gateway_that_takes_no_calls_any_more_is_given_up_for_another() -> None:
    on = stage(a="cps: 2,", b="cps: 5,", routes="{to: a}, {to: b}", wait="5s")
    calls = burst(on, 14)
    on.core.health.condition("a/g").drained = True
    on.run(5.0)
    assert all(on.told[call] == [100, 486] for call in calls)
    assert not [call.refusal for call in on.calls() if call.refusal]
    on.check_clean()
