"""What is refused although every section is well formed by itself."""

from collections.abc import Callable

import pytest

from trunkline.policy import Problem, Snapshot, load_policy

OnlyProblem = Callable[[str, str], Problem]

PLAN = '{country_code: "1", international_prefix: "011", trunk_prefix: "1", bare: national}'
ADDRESSES = "[192.0.2.10, 192.0.2.0/28]"
ALPHA_NY = "{host: sip.alpha.example, weight: 3}"
US_ROUTES = "[{to: alpha, share: 70}, {to: beta/main, share: 30}]"
OFFICE_AUTH = 'auth: {user: office, password: "env:OFFICE"}'
SECOND_OFFICE = """auth: {user: office, password: "env:OFFICE"}
    registers: true
  annex:
    tenant: acme
    auth: {user: office, password: "env:OFFICE"}"""

REFUSED = {
    "a tenant whose do-not-call list would be everybody's": (
        "tenants:\n",
        "tenants:\n  all: {}\n",
        "tenants.all",
        "a tenant cannot be called `all`",
        "another name",
    ),
    "a trunk of an unknown tenant": (
        "    tenant: acme\n    kind: pbx",
        "    tenant: acmee\n    kind: pbx",
        "trunks.office.tenant",
        "no tenant `acmee`",
        "did you mean `acme`?",
    ),
    "a trunk nothing identifies": (
        f"    addresses: {ADDRESSES}\n",
        "",
        "trunks.dialer-1",
        "nothing tells whose calls these are",
        "add `addresses` or `auth`",
    ),
    "a trunk that registers as nobody": (
        f"    {OFFICE_AUTH}\n",
        "",
        "trunks.office.registers",
        "`registers` without a digest user",
        "add `auth",
    ),
    "a challenge nobody can answer": (
        f"addresses: {ADDRESSES}",
        f"addresses: {ADDRESSES}\n    require_digest: true",
        "trunks.dialer-1.require_digest",
        "`require_digest` without a digest user",
        "add `auth",
    ),
    "two trunks with one digest user": (
        f"{OFFICE_AUTH}\n    registers: true",
        SECOND_OFFICE,
        "trunks.annex.auth.user",
        "trunk `office` has the digest user `office` too",
        "a user of its own",
    ),
    "a short password": (
        "env:OFFICE",
        "env:BETA",
        "trunks.office.auth.password",
        "the password is weak",
        "12 random characters or more",
    ),
    "one network on two trunks": (
        OFFICE_AUTH,
        f"{OFFICE_AUTH}\n    addresses: [192.0.2.10/32]",
        "trunks.office.addresses[0]",
        "trunk `dialer-1` has 192.0.2.10/32 too",
        "a narrower network",
    ),
    "one network on a trunk and a carrier": (
        ALPHA_NY,
        "{host: sip.alpha.example, addresses: [192.0.2.0/28]}",
        "carriers.alpha.gateways.ny.addresses[0]",
        "trunk `dialer-1` has 192.0.2.0/28 too",
        "a narrower network",
    ),
    "one network on two carriers": (
        "host: 203.0.113.9",
        "host: 203.0.113.9\n        addresses: [198.51.100.7]",
        "carriers.beta.gateways.main.addresses[0]",
        "carrier `alpha` has 198.51.100.7/32 too",
        "a narrower network",
    ),
    "a number plan no number fits": (
        PLAN,
        "{min_digits: 12, max_digits: 10}",
        "trunks.dialer-1.number_plan.min_digits",
        "`min_digits` is over `max_digits`",
        "at most 10",
    ),
    "national dialling in no country": (
        PLAN,
        "{bare: national}",
        "trunks.dialer-1.number_plan.bare",
        "national numbers need a country",
        "add `country_code`",
    ),
    "two prefixes that are one": (
        PLAN,
        '{country_code: "44", international_prefix: "0"}',
        "trunks.dialer-1.number_plan.trunk_prefix",
        "are the same",
        'write `""`',
    ),
    "a trunk prefix that may be a country code": (
        PLAN,
        '{country_code: "7", trunk_prefix: "8"}',
        "trunks.dialer-1.number_plan.trunk_prefix",
        "begins with 8 could be national or international",
        "`bare: national`",
    ),
    "national called numbers in no country": (
        '{style: e164, tech_prefix: "7788#"}',
        "{style: national}",
        "carriers.beta.gateways.main.called.style",
        "national numbers need a country",
        "add `country_code`",
    ),
    "national callers in no country": (
        ALPHA_NY,
        "{host: sip.alpha.example, caller: {style: national}}",
        "carriers.alpha.gateways.ny.caller.style",
        "national numbers need a country",
        "add `country_code`",
    ),
    "an anonymous From with the number in From": (
        ALPHA_NY,
        "{host: sip.alpha.example, caller: {anonymous_from: true}}",
        "carriers.alpha.gateways.ny.caller.anonymous_from",
        "the number would travel nowhere",
        "add `header: pai`",
    ),
    "a route to an unknown carrier": (
        "routes: [{to: beta}]",
        "routes: [{to: betta}]",
        "destinations.world.routes[0].to",
        "no carrier or gateway `betta`",
        "did you mean `beta`?",
    ),
    "a route to an unknown gateway": (
        "to: beta/main",
        "to: beta/mian",
        "destinations.us.routes[1].to",
        "no carrier or gateway `beta/mian`",
        "did you mean `beta/main`?",
    ),
    "a route written twice": (
        "routes: [{to: beta}]",
        "routes: [{to: beta}, {to: beta}]",
        "destinations.world.routes[1].to",
        "`beta` is a route already",
        "keep one",
    ),
    "a door named twice": (
        ALPHA_NY,
        ALPHA_NY.replace("weight: 3", "local: [isp-1, isp-2, isp-1]"),
        "carriers.alpha.gateways.ny.local[2]",
        "door `isp-1` is named already",
        "keep one",
    ),
    "shares that are not the whole": (
        "share: 70",
        "share: 60",
        "destinations.us.routes",
        "the shares sum to 90, not 100",
        "sum to 100",
    ),
    "a prefix of two destinations": (
        'prefixes: [""]',
        'prefixes: ["", "1"]',
        "destinations.world.prefixes[1]",
        'prefix "1" is that of destination `us` too',
        "in one place",
    ),
    "a prefix written twice": (
        'prefixes: [""]',
        'prefixes: ["44", "+44"]',
        "destinations.world.prefixes[1]",
        'prefix "44" is written twice here',
        "in one place",
    ),
    "an inbound number for an unknown trunk": (
        "[office, dialer-1]",
        "[office, dialer-2]",
        "dids.+14155550100.trunks[1]",
        "no trunk `dialer-2`",
        "did you mean `dialer-1`?",
    ),
    "an inbound number for a trunk out of reach": (
        "    host: 192.0.2.10:5060\n",
        "",
        "dids.+14155550100.trunks[1]",
        "calls cannot reach trunk `dialer-1`",
        "add `host` or `registers`",
    ),
    "a PBX without emergency routes": (
        "  routes: [beta, alpha]\n",
        "",
        "emergency",
        "emergency calls have nowhere to go",
        "routes: [...]",
    ),
    "a PBX without emergency numbers": (
        'numbers: ["911", "933"]',
        "numbers: []",
        "emergency.numbers",
        "must be able to dial for help",
        "911",
    ),
    "an emergency route that leads nowhere": (
        "[beta, alpha]",
        "[beta, gamma]",
        "emergency.routes[1]",
        "no carrier or gateway `gamma`",
        "`alpha`",
    ),
    "a test number that is no emergency number": (
        'numbers: ["911", "933"]',
        'numbers: ["911"]\n  test_numbers: ["933"]',
        "emergency.test_numbers[0]",
        "test number 933 is no emergency number",
        'add `"933"`',
    ),
}


@pytest.mark.parametrize(("old", "new", "path", "message", "fix"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_its_place_and_a_fix(
    only_problem: OnlyProblem, old: str, new: str, path: str, message: str, fix: str
) -> None:
    problem = only_problem(old, new)
    assert problem.path == path
    assert message in problem.message
    assert fix in problem.fix
    assert problem.line > 0
    assert problem.column > 0


ACCEPTED = {
    "shares within rounding": ("share: 70", "share: 69.995"),
    "gateways of one carrier behind one address": (ALPHA_NY, "{host: a.example, addresses: [198.51.100.7]}"),
    "a trunk known by digest alone": (f"addresses: {ADDRESSES}", 'auth: {user: d, password: "env:OFFICE"}'),
    "a network inside that of another trunk": (OFFICE_AUTH, f"{OFFICE_AUTH}\n    addresses: [192.0.2.12]"),
    "a trunk prefix equal to the country code": (PLAN, '{country_code: "1", trunk_prefix: "1"}'),
    "no strategy": ("    strategy: percentage\n", ""),
    "no emergency routes where no trunk is a PBX": ("kind: pbx", "kind: dialer"),
}


@pytest.mark.parametrize(("old", "new"), ACCEPTED.values(), ids=ACCEPTED)
def test_it_is_accepted(good: str, environment: dict[str, str], old: str, new: str) -> None:
    assert old in good
    changed = good.replace(old, new)
    if new == "kind: dialer":
        changed = changed.replace("  routes: [beta, alpha]\n", "")
    assert isinstance(load_policy(changed, environment=environment), Snapshot)


def test_a_long_password_of_few_characters_is_weak(good: str) -> None:
    problems = load_policy(good, environment={"OFFICE": "a" * 40, "BETA": "x"})
    assert isinstance(problems, list)
    assert [problem.path for problem in problems] == ["trunks.office.auth.password"]


def test_a_carrier_may_give_us_a_weak_password(snapshot: Snapshot) -> None:
    auth = snapshot.gateways["beta/main"].auth
    assert auth is not None
    assert auth.password == "short"


def test_all_problems_come_at_once_in_the_order_of_the_file(good: str, environment: dict[str, str]) -> None:
    broken = (
        good.replace("share: 70", "share: 7").replace("[office, dialer-1]", "[nobody]").replace("[beta, alpha]", "[x]")
    )
    problems = load_policy(broken, environment=environment)
    assert isinstance(problems, list)
    assert [problem.path for problem in problems] == [
        "destinations.us.routes",
        "dids.+14155550100.trunks[0]",
        "emergency.routes[0]",
    ]
    assert [problem.line for problem in problems] == sorted(problem.line for problem in problems)


def test_calls_back_need_a_trunk_that_calls_can_reach(good: str, environment: dict[str, str]) -> None:
    policy = good.replace("    host: 192.0.2.10:5060\n", "") + "\npools: {sales: {callback: [dialer-1, offise]}}\n"
    problems = load_policy(policy, environment=environment)
    assert isinstance(problems, list)
    assert [(problem.path, problem.message, problem.fix) for problem in problems if problem.path.startswith("pools")] == [
        ("pools.sales.callback[0]", "calls cannot reach trunk `dialer-1`", "add `host` or `registers` to trunk `dialer-1`"),
        ("pools.sales.callback[1]", "no trunk `offise`", "did you mean `office`?"),
    ]
