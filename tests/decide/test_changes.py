"""Calls that wait while something changes: a policy with other rates, a gateway that goes or comes; on a virtual clock."""

import pytest

from tests.decide.stage import Stage
from trunkline.facts.record import GatewayState

POLICY = """
tenants: {acme: {}}
trunks:
  vici: {tenant: acme, addresses: [10.0.0.1], pacing: {wait: 5s, queue: 200}, number_plan: {country_code: "1", min_digits: 3}%(trunk)s}
  other: {tenant: acme, addresses: [10.0.0.2], pacing: {wait: 5s, queue: 200}, number_plan: {country_code: "1", min_digits: 3}}
carriers:
  a: {%(a)s gateways: {g: {host: "10.1.0.1", options: 0%(g)s}}}
  b: {%(b)s gateways: {g: {host: "10.1.0.2", options: 0}}}
destinations:
  us: {prefixes: ["1"], routes: [%(routes)s]}
"""
USUAL = {"trunk": "", "a": "", "g": "", "b": "", "routes": "{to: a}"}


def policy(**changed: str) -> str:
    return POLICY % {**USUAL, **changed}


def burst(on: Stage, count: int, host: str = "10.0.0.1") -> list[str]:
    return [on.invite(f"1415555{1000 + i}", host) for i in range(count)]


def after(on: Stage, since: float, host: str = "") -> list[float]:
    """When INVITEs left from then on, in seconds after it."""
    return [round(at - since, 3) for at, _ in on.invites(host) if at >= since]


def tell(on: Stage, gateway: str, *, drained: bool) -> None:
    on.core.health.condition(gateway).drained = drained
    on.core.emit(GatewayState(gateway, 0, "drained" if drained else "undrained", "test"), on.now)
    on.turn()


RATES = [
    pytest.param({"trunk": ", cps: %s"}, id="trunk"), pytest.param({"a": "cps: %s,"}, id="carrier"), pytest.param({"g": ", cps: %s"}, id="gateway"),
]  # fmt: skip


def at_rate(where: dict[str, str], cps: object) -> str:
    return policy(**{key: text % cps for key, text in where.items()})


@pytest.mark.parametrize("where", RATES)
def test_a_rate_that_is_raised_counts_at_once(where: dict[str, str]) -> None:
    on = Stage(at_rate(where, 1))
    calls = burst(on, 6)
    on.run(0.2)
    assert len(on.invites()) == 1
    on.change(at_rate(where, 10))
    on.run(1.0)
    assert len(after(on, 0.2)) == 5
    assert max(after(on, 0.2)) <= 0.1, "10 a second may come at once, and one came already"
    assert [call for call in calls if on.told[call] != [100, 486]] == []
    on.check_clean()


@pytest.mark.parametrize("where", RATES)
def test_a_rate_that_is_lowered_counts_at_once(where: dict[str, str]) -> None:
    on = Stage(at_rate(where, 10))
    burst(on, 14)
    on.run(0.05)
    assert len(on.invites()) == 10
    on.change(at_rate(where, 2))
    on.run(5.0)
    gaps = [later - earlier for earlier, later in zip(after(on, 0.05), after(on, 0.05)[1:], strict=False)]
    assert len(after(on, 0.05)) == 4
    assert after(on, 0.05)[0] <= 0.5, "what the old rate allowed is not made up for"
    assert all(gap == pytest.approx(0.5, abs=0.002) for gap in gaps)
    on.check_clean()


@pytest.mark.parametrize("where", RATES)
def test_a_rate_that_is_lifted_lets_everybody_go_at_once(where: dict[str, str]) -> None:
    on = Stage(at_rate(where, 1))
    burst(on, 6)
    on.run(0.1)
    on.change(policy())
    assert [at for at, _ in on.invites()] == [0.0] + [0.1] * 5
    on.run(1.0)
    on.check_clean()


def test_a_very_low_rate_that_is_raised_holds_up_nobody_for_what_was() -> None:
    on = Stage(policy(a="cps: 0.1,"))
    burst(on, 1)
    on.change(policy(a="cps: 5,"))
    burst(on, 4)
    assert len(on.invites()) == 5, "the first counts as one call of five a second, not as ten seconds"
    on.run(1.0)
    on.check_clean()


def test_who_waits_keeps_its_place_when_the_rate_becomes_the_carriers_and_newcomers_queue_behind() -> None:
    on = Stage(policy(g=", cps: 2"))
    burst(on, 4)
    on.run(0.1)
    on.change(policy(a="cps: 2,"))
    late = on.invite("14155559999")
    on.run(5.0)
    assert [number for _, number in on.invites()] == ["+14155551000", "+14155551001", "+14155551002", "+14155551003", "+14155559999"]
    assert on.told[late] == [100, 486]
    on.check_clean()


def test_two_trunks_that_wait_go_on_sharing_at_the_new_rate() -> None:
    on = Stage(policy(a="cps: 2,"))
    burst(on, 8, "10.0.0.1")
    burst(on, 3, "10.0.0.2")
    on.run(0.1)
    on.change(policy(a="cps: 4,"))
    on.run(5.0)
    assert len(on.invites()) == 11
    begun = [call.trunk for call in sorted(on.calls(), key=lambda call: call.total_ms)]
    assert begun[2:8].count("other") == 3, "in turn, however many the other has waiting"
    on.check_clean()


def test_a_gateway_that_a_policy_drops_gives_its_calls_to_a_free_one_at_once() -> None:
    on = Stage(policy(a="cps: 1,"))
    calls = burst(on, 4)
    on.run(0.3)
    on.change(policy(routes="{to: b}"))
    on.run(0.01)
    assert after(on, 0.3, "10.1.0.2") == [0.0, 0.0, 0.0]
    assert not on.core.decisions.waiting.held
    on.run(1.0)
    assert all(on.told[call] == [100, 486] for call in calls)
    on.check_clean()


def test_a_policy_that_brings_a_free_gateway_gives_it_those_who_wait_for_another() -> None:
    on = Stage(policy(a="cps: 1,"))
    burst(on, 4)
    on.run(0.3)
    on.change(policy(a="cps: 1,", routes="{to: a}, {to: b}"))
    on.run(0.01)
    assert after(on, 0.3, "10.1.0.2") == [0.0, 0.0, 0.0]
    on.invite("14155559999")
    assert len(on.invites("10.1.0.1")) == 1
    on.run(2.0)
    on.check_clean()


def test_a_policy_that_moves_the_route_to_another_gateway_with_a_rate_lets_them_wait_there() -> None:
    on = Stage(policy(a="cps: 1,", b="cps: 2,"))
    calls = burst(on, 4)
    on.run(0.3)
    on.change(policy(b="cps: 2,", routes="{to: b}"))
    on.run(2.0)
    assert after(on, 0.3, "10.1.0.2") == [0.0, 0.0, pytest.approx(0.5, abs=0.002)]
    assert all(on.told[call] == [100, 486] for call in calls)
    on.check_clean()


def test_a_gateway_that_is_drained_gives_its_calls_to_another_at_once_where_that_is_free() -> None:
    on = Stage(policy(a="cps: 1,", b="cps: 2,", routes="{to: a}, {to: b}"))
    burst(on, 6)
    on.run(0.05)
    assert len(on.invites()) == 3
    tell(on, "b/g", drained=True)
    on.run(0.1)
    assert len(on.invites()) == 3, "nobody goes before its turn"
    on.run(4.8)
    assert len(on.invites("10.1.0.2")) == 2
    on.run(1.0)
    on.check_clean()


def test_a_gateway_that_takes_calls_again_gets_those_who_wait_for_another() -> None:
    on = Stage(policy(a="cps: 1,", routes="{to: a}, {to: b}"))
    on.core.health.condition("b/g").drained = True
    burst(on, 4)
    on.run(0.3)
    assert len(on.invites()) == 1
    tell(on, "b/g", drained=False)
    assert after(on, 0.3, "10.1.0.2") == [0.0, 0.0, 0.0]
    on.run(1.0)
    assert len(on.invites()) == 4
    on.check_clean()


def test_news_of_gateways_makes_nobody_lose_its_place_or_wait_longer() -> None:
    on, plain = Stage(policy(a="cps: 4,")), Stage(policy(a="cps: 4,"))
    for one in (on, plain):
        burst(one, 40)
    for _ in range(60):
        on.run(0.1)
        tell(on, "b/g", drained=True)
        tell(on, "b/g", drained=False)
    plain.run(6.0)
    assert [number for _, number in on.invites()] == [number for _, number in plain.invites()]
    assert all(abs(one - other) < 0.01 for (one, _), (other, _) in zip(on.invites(), plain.invites(), strict=True))
    on.check_clean()
    plain.check_clean()


def test_of_very_many_who_wait_a_few_are_decided_on_again_in_each_turn() -> None:
    on = Stage(policy(a="cps: 20,"))
    burst(on, 119)
    assert len(on.invites()) == 20
    on.change(policy(a="cps: 20,", routes="{to: a}, {to: b}"))
    assert len(on.invites("10.1.0.2")) == 32
    on.run(0.01)
    assert len(on.invites("10.1.0.2")) == 99
    on.run(1.0)
    on.check_clean()


def test_a_trunk_that_may_wait_no_more_goes_on_at_once_and_leaves_no_ticket() -> None:
    on = Stage(policy(a="cps: 1,"))
    calls = burst(on, 3)
    on.run(0.1)
    on.change(policy(a="cps: 1,").replace("pacing: {wait: 5s, queue: 200}", "cps: 0"))
    on.run(0.01)
    assert [on.told[call][-1] for call in calls[1:]] == [500, 500]
    assert not len(on.core.decisions.waiting.pacer)
    on.check_clean()


def test_a_circuit_that_opens_sends_those_who_wait_elsewhere() -> None:
    on = Stage(policy(a="cps: 5,", b="cps: 1,", routes="{to: a}, {to: b}"))
    on.behaviour = "500 Server Internal Error"
    burst(on, 11)
    held = on.core.decisions.waiting.held
    assert {one.gateway for one in held.values()} == {"a/g", "b/g"}
    while not on.core.health.is_open("a/g|us"):
        on.run(0.01)
    assert {one.gateway for one in held.values()} == {"b/g"}
    on.run(6.0)
    on.check_clean()
