"""Sections `compliance` and `retries`, and what trunks say of sharing and emergencies: read, checked and compiled."""

import pytest

from trunkline.numbering.location import EmergencyCaller, Location
from trunkline.policy import Problem, Snapshot, load_policy
from trunkline.policy.compliance import SETS, Compliance, compile_contact, shipped
from trunkline.policy.contact_rules import Cap, ContactRule, Exempt, Window
from trunkline.policy.snapshot import Pace
from trunkline.policy.wire import decode, encode

BASE = """\
tenants: {acme: {channels: 100}, free: {}}
trunks:
  vici: {tenant: acme, addresses: [192.0.2.1], metadata: {campaign: header:X-C, purpose: header:X-P}, channels: 50%s}
carriers: {alpha: {channels: 40, gateways: {ny: {host: 10.0.0.1}}%s}}
destinations: {us: {prefixes: ["1"], routes: [{to: alpha}]}}
"""


def load(more: str, trunk: str = "", carrier: str = "") -> Snapshot | list[Problem]:
    return load_policy(BASE % (trunk, carrier) + more)


def good(more: str, trunk: str = "", carrier: str = "") -> Snapshot:
    found = load(more, trunk, carrier)
    assert isinstance(found, Snapshot), [str(problem) for problem in found]
    assert decode(encode(found)) == found
    return found


def test_nothing_holds_unless_it_is_written() -> None:
    assert good("").contact.rules == ()


def test_a_rule_reaches_the_snapshot_whole() -> None:
    contact = good(
        "compliance:\n"
        "  rules:\n"
        "    hours:\n"
        "      jurisdictions: [US-FL, FR]\n"
        "      since: 2026-03-01\n"
        '      until: "2026-03-31"\n'
        '      windows: [{begins: "08:00", ends: "20:00", days: [mon, sun]}, {begins: "21:00", ends: "22:00"}]\n'
        "      closed: [2026-03-17]\n"
        "      caps: [{calls: 3, within: 24h}, {calls: 7, within: 7d}]\n"
        "      after: {busy: 15m, human: 7d}\n"
        "      counted: campaign\n"
        "      source: a law\n"
        "  exempt: {purposes: [service], trunks: [vici]}\n"
        "  remember: 5000\n"
        "retries: {own: {tenants: [acme], campaigns: [spring], destinations: [us], after: {failed: 90s}}}\n"
    ).contact
    day = 20_513  # 1 March 2026
    assert contact.rules == (
        ContactRule(
            "hours", True, ("US-FL", "FR"), first_day=day, last_day=day + 30, windows=(Window(480, 1200, (0, 6)), Window(1260, 1320)), closed=(day + 16,),
            caps=(Cap(3, 86_400.0), Cap(7, 604_800.0)), after=(("human", 604_800.0), ("busy", 900.0)), per_campaign=True, source="a law",
        ),
        ContactRule("own", tenants=("acme",), campaigns=("spring",), destinations=("us",), after=(("failed", 90.0),)),
    )  # fmt: skip
    assert contact.exempt == Exempt(("vici",), (), ("service",))
    assert contact.remember == 5000


def test_every_shipped_rule_names_its_source_and_asks_for_something() -> None:
    names = [name for each in shipped().values() for name in each]
    assert len(names) == len(set(names))
    for rule in compile_contact(Compliance(defaults=SETS), {}).rules:
        assert rule.source, rule.name
        assert rule.windows or rule.caps or rule.after, rule.name
        assert rule.jurisdictions, rule.name


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("compliance: {defaults: [mars]}", "is not a choice"),
        ('compliance: {rules: {r: {windows: [{begins: "21:00", ends: "08:00"}]}}}', "ends before it begins"),
        ("compliance: {rules: {r: {since: 2026-03-02, until: 2026-03-01, caps: [{calls: 1, within: 1h}]}}}", "the rule ends before it begins"),
        ("compliance: {rules: {r: {jurisdictions: [US]}}}", "asks for nothing"),
        ("compliance: {rules: {r: {jurisdictions: [usa], caps: [{calls: 1, within: 1h}]}}}", "not a jurisdiction"),
        ("compliance: {rules: {r: {caps: [{calls: 1, within: 0s}]}}}", "longer than 0"),
        ("compliance: {rules: {r: {after: {busy: 500d}}}}", "at most 400 days"),
        ("compliance: {rules: {r: {since: soon, after: {busy: 1d}}}}", "not a day"),
        ("compliance: {exempt: {trunks: [vicy]}}", "no trunk `vicy`"),
        ("compliance: {callee_zone: dialer}", "no trunk reads a `zone`"),
        ("retries: {r: {tenants: [acmee], after: {busy: 1m}}}", "no tenant `acmee`"),
        ("retries: {r: {destinations: [uk], after: {busy: 1m}}}", "no destination `uk`"),
        ("retries: {r: {}}", "asks for nothing"),
        ("retries: {r: {after: {bussy: 1m}}}", "unknown key `bussy`"),
        ("retries: {r: {after: {busy: 1m}}}\ncompliance: {rules: {r: {after: {busy: 1m}}}}", "is named like this"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_fix(more: str, message: str) -> None:
    found = load(more)
    assert isinstance(found, list)
    assert message in found[0].message
    assert found[0].fix


def test_a_rule_for_campaigns_needs_a_trunk_that_reads_them() -> None:
    found = load_policy(
        BASE.replace("metadata: {campaign: header:X-C, purpose: header:X-P}, ", "") % ("", "") + "retries: {r: {counted: campaign, after: {busy: 1m}}}"
    )
    assert isinstance(found, list)
    assert "no trunk reads a `campaign`" in found[0].message


def test_pacing_and_guaranteed_channels_reach_the_snapshot() -> None:
    found = good("", ", guaranteed: 20, pacing: {wait: 800ms, queue: 20, weight: 2.0}", ", guaranteed: {acme: 30, free: 10}")
    assert found.trunks["vici"].guaranteed == 20
    assert found.trunks["vici"].pace == Pace(0.8, 20, 2.0)
    assert found.carriers["alpha"].guaranteed == (("acme", 30), ("free", 10))


PBX = "trunks: {office: {tenant: acme, kind: pbx, addresses: [192.0.2.7], emergency: %s}}\nemergency: {routes: [alpha]}\n"


def pbx(emergency: str) -> Snapshot | list[Problem]:
    return load_policy(
        "tenants: {acme: {}}\n" + PBX % emergency + 'carriers: {alpha: {gateways: {ny: {host: 10.0.0.1}}}}\ndestinations: {us: {prefixes: ["1"], routes: [{to: alpha}]}}\n'
    )


def test_who_calls_for_help_and_where_reaches_the_snapshot() -> None:
    found = pbx('{callback: "+14155550100", location: {address: {country: US, postcode: "94105", state: CA, street: Market, number: "101"}}}')
    assert isinstance(found, Snapshot)
    assert found.trunks["office"].emergency == EmergencyCaller(
        "+14155550100", Location(civic=(("country", "US"), ("A1", "CA"), ("RD", "Market"), ("HNO", "101"), ("PC", "94105")))
    )
    point = pbx("{location: {latitude: 37.79, longitude: -122.39}}")
    assert isinstance(point, Snapshot)
    assert point.trunks["office"].emergency == EmergencyCaller("", Location(point=(37.79, -122.39)))


@pytest.mark.parametrize(
    ("trunk", "carrier", "message"),
    [
        (", guaranteed: 60", "", "more is guaranteed than the trunk may use"),
        ("", ", guaranteed: {acme: 41}", "41 channels of carrier `alpha` are guaranteed, and it has 40"),
        ("", ", guaranteed: {acme: 30, free: 11}", "41 channels"),
        ("", ", guaranteed: {acne: 1}", "no tenant `acne`"),
        (", pacing: {wait: 6s}", "", "5 s at most"),
        (', emergency: {callback: "+14155550100"}', "", "a dialer places no emergency calls"),
    ],
)
def test_promises_that_cannot_be_kept_are_refused(trunk: str, carrier: str, message: str) -> None:
    found = load("", trunk, carrier)
    assert isinstance(found, list)
    assert any(message in problem.message for problem in found), [str(problem) for problem in found]


def test_a_part_of_no_limit_cannot_be_kept() -> None:
    found = load_policy(BASE.replace("tenant: acme", "tenant: free") % (", guaranteed: 5", ""))
    assert isinstance(found, list)
    assert "tenant `free` has no limit a part could be kept of" in found[0].message


@pytest.mark.parametrize(
    ("emergency", "message"),
    [
        ("{}", "it says nothing"),
        ("{callback: '4155550100'}", "not an E.164 number"),
        ("{location: {}}", "one of three"),
        ("{location: {latitude: 1.0}}", "half a position"),
        ('{location: {uri: "https://a.example/x", latitude: 1.0, longitude: 1.0}}', "one of three"),
        ('{location: {uri: "ftp://a.example/x"}}', "not a URI"),
        ("{location: {address: {country: usa}}}", "not a country"),
    ],
)
def test_an_emergency_caller_is_whole_or_refused(emergency: str, message: str) -> None:
    found = pbx(emergency)
    assert isinstance(found, list)
    assert message in found[0].message
