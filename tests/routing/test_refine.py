"""Destinations as dips refine them."""

import pytest

from trunkline.numbering.dip import Answer
from trunkline.numbering.world import world
from trunkline.policy import Snapshot, load_policy
from trunkline.routing.refine import Refine, rated

POLICY = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
carriers: {alpha: {gateways: {main: {host: 10.0.0.1}}}}
dips: {lnp: {url: "https://lnp.example/{number}", fields: {operator: spid}, headers: {Authorization: "env:TOKEN"}, silence: refuse, deadline: 200ms}}
destinations:
  us: {countries: [US], routes: [{to: alpha}]}
  georgia: {prefixes: ["1404"], routes: [{to: alpha}]}
  us-mobile: {countries: [US], types: [mobile], routes: [{to: alpha}]}
  any-voip: {types: [voip], routes: [{to: alpha}]}
  t-mobile: {countries: [US], operators: [T-Mobile US, "6529"], routes: [{to: alpha}]}
  t-mobile-west: {prefixes: ["1415", "1510"], operators: [Westel], routes: [{to: alpha}]}
"""
CALLED = "+14155550123"


@pytest.fixture(scope="module")
def policy() -> Snapshot:
    found = load_policy(POLICY, environment={"TOKEN": "Bearer hush"})
    assert isinstance(found, Snapshot), found
    return found


@pytest.mark.parametrize(
    ("answer", "destination"),
    [
        (Answer(), "us"),
        (Answer(silent=True), "us"),
        (Answer(routing_number="+14045550000"), "georgia"),
        (Answer(type="mobile"), "us-mobile"),
        (Answer(type="fixed"), "us"),
        (Answer(type="voip"), "any-voip"),
        (Answer(operator="t-mobile us"), "t-mobile"),
        (Answer(operator="6529", type="mobile"), "t-mobile"),
        (Answer(operator="Westel"), "t-mobile-west"),
        (Answer(operator="Westel", routing_number="+14045550000"), "georgia"),
        (Answer(operator="Verizon", type="mobile", routing_number="+14045550000"), "us-mobile"),
    ],
)
def test_what_a_dip_tells_decides(policy: Snapshot, answer: Answer, destination: str) -> None:
    assert Refine(policy, lambda digits: world().kind(digits).country).destination(CALLED, answer) == destination


def test_another_countrys_number_does_not_get_in(policy: Snapshot) -> None:
    refine = Refine(policy, lambda digits: world().kind(digits).country)
    assert refine.destination("+447400123456", Answer(type="mobile", operator="6529")) is None
    assert refine.destination("+447400123456", Answer(type="voip")) == "any-voip"


def test_prices_go_by_the_routing_number() -> None:
    assert rated(CALLED, Answer(routing_number="+14045550000")) == "+14045550000"
    assert rated(CALLED, Answer()) == rated(CALLED, None) == CALLED


def test_a_destination_of_operators_gets_no_number_by_its_digits(policy: Snapshot) -> None:
    assert "t-mobile-west" not in policy.prefixes.values()


def test_the_dip_reaches_the_snapshot_with_its_secret(policy: Snapshot) -> None:
    (dip,) = policy.dips
    assert (dip.name, dip.headers, dip.silence, dip.deadline_s, dip.fields) == ("lnp", (("Authorization", "Bearer hush"),), "refuse", 0.2, (("operator", "spid"),))
    assert "hush" not in repr(policy.dips)


@pytest.mark.parametrize(
    ("dip", "path", "message"),
    [
        ("{}", "dips.lnp", "asks by `enum` or by `url`"),
        ('{enum: lnp.example, url: "http://a/{number}"}', "dips.lnp", "asks by `enum` or by `url`"),
        ('{url: "http://a/{number}"}', "dips.lnp", "nothing of the reply is used"),
        ('{url: "http://a/", fields: {operator: x}}', "dips.lnp.url", "no URL to ask for a number"),
        ('{url: "http://me:pw@a/{number}", fields: {operator: x}}', "dips.lnp.url", "a password stands in the URL"),
        ('{url: "http://a/{number}", fields: {operator: x}, headers: {Authorization: hush}}', "dips.lnp.headers.Authorization", "a secret is never written"),
        ('{url: "http://a/{number}", fields: {operator: x}, headers: {Authorization: "env:NONE"}}', "dips.lnp.headers.Authorization", "the environment has no NONE"),
        ("{enum: lnp.example, deadline: 3s}", "dips.lnp.deadline", "callers hear nothing"),
        ("{enum: lnp.example, silence: maybe}", "dips.lnp.silence", "not a choice"),
        ("{enum: lnp.example}\n  other: {enum: x.example}", "dips.other.prefixes", "is asked about"),
    ],
)
def test_what_cannot_be_meant_is_refused(dip: str, path: str, message: str) -> None:
    text = POLICY.replace(POLICY.splitlines()[3], f"dips:\n  lnp: {dip}")
    found = load_policy(text, environment={})
    assert isinstance(found, list)
    assert found[0].path.startswith(path), found
    assert message in found[0].message
    assert found[0].fix
