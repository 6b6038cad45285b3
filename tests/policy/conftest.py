from collections.abc import Callable

import pytest

from trunkline.policy import Problem, Snapshot, load_policy

GOOD = """\
tenants:
  acme: {channels: 500, cps: 60}
trunks:
  dialer-1:
    tenant: acme
    addresses: [192.0.2.10, 192.0.2.0/28]
    host: 192.0.2.10:5060
    number_plan: {country_code: "1", international_prefix: "011", trunk_prefix: "1", bare: national}
    metadata: {campaign: header:X-Campaign}
  office:
    tenant: acme
    kind: pbx
    auth: {user: office, password: "env:OFFICE"}
    registers: true
carriers:
  alpha:
    gateways:
      ny: {host: sip.alpha.example, weight: 3}
      la: {host: "198.51.100.7:5062", addresses: [198.51.100.7]}
    defaults: {codecs: [PCMU, PCMA], timers: {no_answer: 90s}}
  beta:
    gateways:
      main:
        host: 203.0.113.9
        auth: {user: us, password: "env:BETA"}
        called: {style: e164, tech_prefix: "7788#"}
destinations:
  us:
    prefixes: ["1"]
    strategy: percentage
    routes: [{to: alpha, share: 70}, {to: beta/main, share: 30}]
  world:
    prefixes: [""]
    routes: [{to: beta}]
dids:
  "+14155550100": {trunks: [office, dialer-1]}
emergency:
  numbers: ["911", "933"]
  routes: [beta, alpha]
"""

ENVIRONMENT = {"OFFICE": "correct horse battery", "BETA": "short"}


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def environment() -> dict[str, str]:
    return dict(ENVIRONMENT)


@pytest.fixture
def snapshot() -> Snapshot:
    loaded = load_policy(GOOD, environment=ENVIRONMENT)
    assert isinstance(loaded, Snapshot)
    return loaded


@pytest.fixture
def only_problem() -> Callable[[str, str], Problem]:
    """The one problem of the good policy once `old` is written as `new`."""

    def load(old: str, new: str) -> Problem:
        assert GOOD.count(old) == 1, f"{old!r} must stand in the policy once"
        problems = load_policy(GOOD.replace(old, new), environment=ENVIRONMENT)
        assert isinstance(problems, list), "it was accepted"
        assert len(problems) == 1, [str(problem) for problem in problems]
        return problems[0]

    return load
