"""The keys strategies go by: read, checked and compiled."""

import pytest

from trunkline.policy import Problem, Snapshot, load_policy
from trunkline.policy.snapshot import Band, Price, Scoring

BASE = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
carriers:
  alpha: {gateways: {main: {host: 10.0.0.1}}}
  beta: {gateways: {main: {host: 10.0.0.2}}}
"""


def load(destination: str, more: str = "") -> Snapshot | list[Problem]:
    return load_policy(BASE + more + f'destinations:\n  us: {{prefixes: ["1"], {destination}}}\n')


def test_prices_scoring_and_zone_reach_the_snapshot() -> None:
    found = load(
        "strategy: performance, zone: America/New_York, tie: 5, scoring: {value: 0.4, holdout: 3, memory: 12h}, "
        'routes: [{to: alpha, rate: 0.01, increments: "30/6", fee: 0.001, short_call_fee: 0.02}]'
    )
    assert isinstance(found, Snapshot)
    destination = found.destinations["us"]
    assert destination.routes[0].price == Price(0.01, 30, 6, 0.001, 0.02)
    assert destination.scoring == Scoring(value=0.4, holdout=0.03, memory_s=43_200.0)
    assert (destination.zone, destination.tie) == ("America/New_York", 0.05)


def test_bands_are_read_with_and_without_quotes() -> None:
    found = load("routes: [{to: alpha}]", 'bands: {day: {begins: 10:30, ends: "18:00", days: [mon, sun]}, rest: {}}\n')
    assert isinstance(found, Snapshot)
    assert found.bands == (Band("day", 630, 1080, (0, 6)), Band("rest", 0, 1440))


@pytest.mark.parametrize(
    ("destination", "message"),
    [
        ("strategy: experiment, routes: [{to: alpha, share: 30}, {to: beta, share: 60}]", "sum to 90"),
        ("strategy: performance, scoring: {holdout: 40, floor: 10}, routes: [{to: alpha}, {to: beta}]", "60 % together is beyond the safe limit `given_away` (at most 50 %)"),
        ("zone: Mars/Olympus, routes: [{to: alpha}]", "no time zone"),
        ('routes: [{to: alpha, increments: "60"}]', "not billing increments"),
        ('routes: [{to: alpha, increments: "6/0"}]', "not billing increments"),
        ("strategy: fastest, routes: [{to: alpha}]", "is not a choice here"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_fix(destination: str, message: str) -> None:
    found = load(destination)
    assert isinstance(found, list)
    assert message in found[0].message
    assert found[0].fix


def test_a_band_without_an_hour_is_refused() -> None:
    found = load("routes: [{to: alpha}]", 'bands: {day: {begins: "25:00"}}\n')
    assert isinstance(found, list)
    assert "not a time of day" in found[0].message
