"""What is kept for a call that waits, and that all of it goes back: credentials, numbers, turns at gateways."""

import hashlib
import re

import pytest

from tests.decide.stage import Stage
from trunkline.facts import refusal as catalogue
from trunkline.facts.numbers import NumberAdded, NumberTaken, NumberTransition

BASE = """
tenants: {acme: {}}
trunks:
  vici: {tenant: acme, %s pacing: {wait: 2s}, number_plan: {country_code: "1", min_digits: 3}}
carriers:
  a: {%s gateways: {g: {host: "10.1.0.1", options: 0}}}
  b: {gateways: {g: {host: "10.1.0.2", options: 0}}}
destinations:
  us: {prefixes: ["1"], routes: [%s]}
"""


def authorization(challenge: str, number: str) -> str:
    """What user acme answers (RFC 2617, MD5 with qop)."""
    nonce, realm = re.findall(r'nonce="([^"]+)"', challenge)[0], re.findall(r'realm="([^"]+)"', challenge)[0]

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    uri = f"sip:{number}@10.0.0.254"
    response = md5(f"{md5(f'acme:{realm}:correct-horse-battery-7')}:{nonce}:00000001:c:auth:{md5(f'INVITE:{uri}')}")
    return f'Authorization: Digest username="acme", realm="{realm}", nonce="{nonce}", uri="{uri}", qop=auth, nc=00000001, cnonce="c", algorithm=MD5, response="{response}"\r\n'


def test_credentials_are_looked_at_once_however_long_the_call_waits() -> None:
    """A nonce counts its uses, so a second look at the same INVITE would call it a replay."""
    on = Stage(BASE % ('cps: 1, auth: {user: acme, password: "env:SECRET"},', "", "{to: a}"))
    for number in ("14155550101", "14155550102"):
        call = on.invite(number, "10.0.0.7")
        challenge = next(value for value in on.headers[call].fields["WWW-Authenticate"] if "MD5" in value)
        on.run(0.01)
        on.invite(number, "10.0.0.7", extra=authorization(challenge, number), cseq=2, call_id=call)
    assert len(on.parked()) == 1
    on.run(1.1)
    assert [number for _, number in on.invites()] == ["+14155550101", "+14155550102"]
    assert [status for told in on.told.values() for status in told] == [401, 100, 486] * 2


def test_a_turn_at_a_gateway_that_went_down_meanwhile_is_given_back() -> None:
    on = Stage(BASE % ("addresses: [10.0.0.1],", "cps: 2,", "{to: a}"))
    for i in range(3):
        on.invite(f"1415555{1000 + i}")
    on.run(0.49)
    on.core.health.condition("a/g").up = False
    on.run(0.1)
    assert [call.refusal for call in on.calls() if call.refusal] == ["health.down"]
    on.core.health.condition("a/g").up = True
    on.invite("14155559999")
    assert on.invites()[-1] == (0.59, "+14155559999"), "the turn nobody used is there for the next"
    on.check_clean()


def test_a_call_that_goes_another_way_gives_its_turn_back() -> None:
    on = Stage(BASE % ("addresses: [10.0.0.1],", "cps: 2,", "{to: b}, {to: a}"))
    on.core.health.condition("b/g").up = False
    for i in range(3):
        on.invite(f"1415555{1000 + i}")
    on.run(0.49)
    on.core.health.condition("b/g").up = True
    on.run(0.05)
    assert len(on.invites("10.1.0.2")) == 1
    assert not on.core.limits.used.get("gateway a/g")
    assert not on.core.decisions.waiting.held
    on.core.health.condition("b/g").up = False
    on.invite("14155559999")
    assert on.invites("10.1.0.1")[-1] == (0.54, "+14155559999")
    on.check_clean()


def test_a_number_is_taken_when_the_call_goes_and_not_while_it_waits() -> None:
    on = Stage(BASE % ("addresses: [10.0.0.1], caller_id: {use: replace, pool: sales},", "cps: 2,", "{to: a}") + "pools: {sales: {per_hour: 10, per_minute: 10}}\n")
    at = on.core.clock.utc_us(on.now)
    number = NumberAdded(at, "+12125550199", "acme", "geographic", "US", "", "sales", "sales", "", "loa", "2026-01-01", "", "", "ann")
    on.core.emit(number, on.now)
    on.core.emit(NumberTransition(at, number.number, "new", "production", "override", "", {}, "ann"), on.now)
    for i in range(4):
        on.invite(f"1415555{1000 + i}")
    assert [len(on.decisions()), len(taken(on))] == [2, 2]
    on.run(1.1)
    assert [len(on.decisions()), len(taken(on))] == [4, 4]
    assert len({fact.call for fact in taken(on)}) == 4
    on.check_clean()


def taken(on: Stage) -> list[NumberTaken]:
    return [fact for fact in on.facts if isinstance(fact, NumberTaken)]


def test_a_node_that_stops_refuses_who_waits_and_keeps_nothing_of_them() -> None:
    on = Stage(BASE % ("addresses: [10.0.0.1],", "cps: 2,", "{to: a}"))
    calls = [on.invite(f"1415555{1000 + i}") for i in range(5)]
    on.core.board.arrivals.refuse_waiting(catalogue.DRAINING, on.now)
    on.turn()
    assert [on.told[call][-1] >= 500 for call in calls] == [False, False, True, True, True]
    assert not on.core.decisions.waiting.held
    on.check_clean()


def test_the_fact_of_a_call_that_waits_says_whose_it_is_and_no_other_call_writes_one() -> None:
    on = Stage(BASE % ("addresses: [10.0.0.1],", "cps: 1,", "{to: a}"))
    on.invite("14155550101", caller="12125550177")
    waits = on.invite("14155550102", caller="12125550177")
    (parked,) = on.parked()
    assert (parked.tenant, parked.trunk, parked.direction) == ("acme", "vici", "outbound")
    assert (parked.called_raw, parked.called, parked.caller_raw) == ("14155550102", "+14155550102", "12125550177")
    assert (parked.source, parked.transport, parked.dialer_call_id) == ("10.0.0.1:5060", "udp", waits)
    on.run(1.1)
    assert on.calls()[1].call == parked.call
    assert on.calls()[1].at == parked.at == pytest.approx(on.calls()[0].at, abs=1)
    on.check_clean()


DIPS = 'dips: {lnp: {enum: lnp.test, deadline: 200ms}}\n'


def test_an_answer_that_comes_late_does_not_call_a_call_out_of_its_queue() -> None:
    """Its look-up was silent, so it went on, and stands in line for its trunk's rate when the database speaks at last."""
    on = Stage(BASE % ("addresses: [10.0.0.1], cps: 1,", "", "{to: a}") + DIPS)
    dips = on.core.decisions.waiting.dips
    on.invite("14155550101")
    on.invite("14155550102")
    first, second = dips.queries()
    on.run(0.25)
    assert [number for _, number in on.invites()] == ["+14155550101"], "the second waits for its turn"
    dips.answered(second, None, on.now)
    on.core.decisions.waiting.answered(dips.settled())
    on.turn()
    assert len(on.core.board.arrivals.waiting) == 1
    on.run(1.1)
    assert [at for at, _ in on.invites()] == pytest.approx([0.2, 1.2], abs=0.025)
    dips.failed(first, on.now)
    assert len(on.parked()) == 2, "one for each call, whatever it waits for in turn"
    assert len(on.decisions()) == 2
    on.check_clean()


def test_a_look_up_and_a_carriers_rate_count_towards_one_wait() -> None:
    on = Stage((BASE % ("addresses: [10.0.0.1],", "cps: 1,", "{to: a}") + DIPS).replace("wait: 2s", "wait: 1100ms"))
    dips = on.core.decisions.waiting.dips
    for number in ("14155550101", "14155550102", "14155550103"):
        on.invite(number)
    on.run(0.15)
    for query in dips.queries():
        dips.answered(query, None, on.now)
    on.core.decisions.waiting.answered(dips.settled())
    on.turn()
    assert [number for _, number in on.invites()] == ["+14155550101"]
    assert len(on.core.board.arrivals.waiting) == 0, "the others would have to wait until 1.15 s and 2.15 s"
    assert [call.refusal for call in on.calls()] == ["guard.carrier_cps"] * 2
    on.check_clean()
