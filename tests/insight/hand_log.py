"""Calls written by hand, and policies from a few lines."""

from typing import Any

from tests.records.samples import NOON_US, fact
from trunkline.facts.record import Attempt, Call, Decision, Fact
from trunkline.policy import Snapshot, load_policy

POLICY = """\
tenants: {lab: {}, other: {}}
trunks:
  dialer: {tenant: lab, addresses: [192.0.2.1], metadata: {campaign: "header:X-Campaign"}}
carriers:
  alpha: {gateways: {main: {host: 192.0.2.2}}}
  beta: {gateways: {main: {host: 192.0.2.3}}}
destinations:
  us: {prefixes: ["1"], strategy: percentage, routes: [{to: alpha, share: 50, rate: 0.01}, {to: beta, share: 50, rate: 0.02}]}
"""


def policy_of(text: str = POLICY) -> Snapshot:
    found = load_policy(text)
    assert isinstance(found, Snapshot), found
    return found


def attempt(call: str, position: int, at: int, gateway: str = "alpha/main", **given: Any) -> Attempt:
    given = {"outcome": "answered", "answer_ms": 4000.0, "talk_ms": 30_000.0, "total_ms": 34_000.0, "heard": "human", "cost": 0.01} | given
    return fact(
        Attempt, call=call, position=position, at=at, tenant="lab", trunk="dialer", destination="us", carrier=gateway.partition("/")[0], gateway=gateway, **given
    )


def record(call: str, at: int, **given: Any) -> Call:
    given = {
        "called_raw": "14155550123", "called": "+14155550123", "direction": "outbound", "tenant": "lab", "trunk": "dialer", "policy": "old",
        "total_ms": 34_000.0, "attempts": 1, "result": "answered", "status": 200, "answer_ms": 4000.0, "talk_ms": 30_000.0, "destination": "us",
    } | given  # fmt: skip
    return fact(Call, call=call, at=at, **given)


def decision(call: str, at: int, candidates: tuple[str, ...] = ("alpha/main", "beta/main"), propensity: tuple[float, ...] = (0.5, 0.5), **given: Any) -> Decision:
    return fact(Decision, call=call, at=at, policy="old", destination="us", strategy="percentage", candidates=candidates, propensity=propensity, **given)


def placed(call: str, second: float = 0.0, gateway: str = "alpha/main", **given: Any) -> list[Fact]:
    """An answered call that began so many seconds after noon."""
    at = NOON_US + int(second * 1e6)
    return [decision(call, at), attempt(call, 1, at + 1000, gateway), record(call, at, **given)]


def refused(call: str, code: str, second: float = 0.0, **given: Any) -> list[Fact]:
    """A call that was not placed."""
    given = {"policy": "", "attempts": 0, "refusal": code, "result": "limited", "status": 500, "answer_ms": None, "talk_ms": None, "total_ms": 1.0} | given
    return [record(call, NOON_US + int(second * 1e6), **given)]
