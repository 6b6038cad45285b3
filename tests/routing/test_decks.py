"""Prices of decks where calls meet them: exact bills, least cost by number, and new prices at midnight by themselves."""

from pathlib import Path
from random import Random

import pytest

from trunkline.policy import Snapshot, load_policy
from trunkline.policy.deck import Deck
from trunkline.policy.deck_files import Layout, read_decks
from trunkline.policy.snapshot import Price
from trunkline.routing import Health, Router
from trunkline.routing.decks import Decks

MIDNIGHT = 3_786_912_000
"2090-01-01 UTC."

POLICY = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
currency: USD
currencies: {EUR: {2020-01-01: 1.10, 2090-02-01: 1.20}}
carriers:
  alpha: {gateways: {main: {host: 10.0.0.1}}, rates: alpha.csv}
  beta: {gateways: {main: {host: 10.0.0.2}, spare: {host: 10.0.0.3, weight: 0}}, rates: {files: [beta.csv, beta-new.csv], currency: EUR}}
  gamma: {gateways: {main: {host: 10.0.0.4}}}
destinations:
  us: {prefixes: ["1"], strategy: STRATEGY, TIE routes: [{to: alpha}, {to: beta}, {to: gamma, rate: 0.0150}]}
"""
DECKS = {
    "alpha": "prefix,rate,increments,fee,short_call_fee\n1,0.0120,6/6,0.001,0.01\n1415,0.0300,6/6,,\n",
    "beta": "prefix,rate,increments\n1,0.0100,60/60\n1212,0.0400,60/60\n",
    "beta-new": "prefix,rate,increments,from\n1,0.0200,60/60,2090-01-01\n",
}
NEW_YORK, SAN_FRANCISCO, CHICAGO = "+12125550100", "+14155550100", "+13125550100"


@pytest.fixture
def policy(tmp_path: Path) -> Snapshot:
    return compiled(tmp_path, "least_cost")


def compiled(folder: Path, strategy: str, tie: str = "") -> Snapshot:
    for name, text in DECKS.items():
        (folder / f"{name}.csv").write_text(text)
    found = load_policy(POLICY.replace("STRATEGY", strategy).replace("TIE", tie), base=folder)
    assert isinstance(found, Snapshot), found
    return found


def router(policy: Snapshot) -> Router:
    made = Router(Random(1), Health(Random(2)))
    made.follow(policy)
    return made


def order(made: Router, policy: Snapshot, called: str, at: float) -> list[str]:
    return [gateway.name for gateway in made.choose(policy, policy.destinations["us"], called, 0.0, at).gateways]


def test_a_call_is_billed_by_its_own_prefix_in_the_policys_currency(policy: Snapshot) -> None:
    made = router(policy)
    assert made.bill("us", "alpha/main", 61.0, CHICAGO, MIDNIGHT - 1) == pytest.approx(0.012 * 66 / 60 + 0.001)
    assert made.bill("us", "alpha/main", 5.0, CHICAGO, MIDNIGHT - 1) == pytest.approx(0.012 * 6 / 60 + 0.001 + 0.01)
    assert made.bill("us", "alpha/main", 61.0, SAN_FRANCISCO, MIDNIGHT - 1) == pytest.approx(0.03 * 66 / 60)
    assert made.bill("us", "beta/main", 61.0, CHICAGO, MIDNIGHT - 1) == pytest.approx(0.01 * 1.1 * 2)
    assert made.bill("us", "gamma/main", 60.0, CHICAGO, MIDNIGHT) == pytest.approx(0.015)


def test_a_number_a_deck_says_is_free_costs_nothing_and_is_priced(tmp_path: Path) -> None:
    policy = compiled(tmp_path, "priority")
    (tmp_path / "alpha.csv").write_text("prefix,rate\n1800,0\n")
    found = load_policy(POLICY.replace("STRATEGY", "priority").replace("TIE", ""), base=tmp_path)
    assert isinstance(found, Snapshot)
    assert router(found).bill("us", "alpha/main", 60.0, "+18005550100", MIDNIGHT) == 0.0
    assert router(found).bill("us", "alpha/main", 60.0, CHICAGO, MIDNIGHT) is None
    assert found.version != policy.version


def test_a_new_price_and_a_new_worth_hold_from_their_midnight(policy: Snapshot) -> None:
    made = router(policy)
    told = [made.bill("us", "beta/main", 60.0, CHICAGO, at) for at in (MIDNIGHT - 0.001, MIDNIGHT, MIDNIGHT + 31 * 86_400)]
    assert told == [pytest.approx(0.011), pytest.approx(0.022), pytest.approx(0.024)]


def test_least_cost_goes_by_the_price_of_the_number(policy: Snapshot) -> None:
    made = router(policy)
    assert order(made, policy, CHICAGO, MIDNIGHT - 1) == ["beta/main", "alpha/main", "gamma/main", "beta/spare"]
    assert order(made, policy, SAN_FRANCISCO, MIDNIGHT - 1) == ["beta/main", "gamma/main", "alpha/main", "beta/spare"]
    assert order(made, policy, NEW_YORK, MIDNIGHT - 1) == ["alpha/main", "gamma/main", "beta/main", "beta/spare"]


def test_orders_change_at_midnight_without_a_new_policy(policy: Snapshot) -> None:
    made = router(policy)
    assert order(made, policy, CHICAGO, MIDNIGHT - 1)[0] == "beta/main"
    assert order(made, policy, CHICAGO, MIDNIGHT)[:3] == ["alpha/main", "gamma/main", "beta/main"]


def test_a_carrier_that_does_not_sell_a_number_is_the_last_resort_and_not_free(tmp_path: Path) -> None:
    DECKS_WITHOUT = {**DECKS, "alpha": "prefix,rate\n1415,0.001\n"}  # noqa: N806
    for name, text in DECKS_WITHOUT.items():
        (tmp_path / f"{name}.csv").write_text(text)
    found = load_policy(POLICY.replace("STRATEGY", "least_cost").replace("TIE", ""), base=tmp_path)
    assert isinstance(found, Snapshot)
    made = router(found)
    assert order(made, found, SAN_FRANCISCO, MIDNIGHT - 1)[0] == "alpha/main"
    assert order(made, found, CHICAGO, MIDNIGHT - 1) == ["beta/main", "gamma/main", "alpha/main", "beta/spare"]
    assert made.bill("us", "alpha/main", 60.0, CHICAGO, MIDNIGHT - 1) is None


def test_routes_within_the_tie_share_by_the_number(tmp_path: Path) -> None:
    policy = compiled(tmp_path, "least_cost", "tie: 10,")
    made = router(policy)
    first = {order(made, policy, CHICAGO, MIDNIGHT - 1)[0] for _ in range(60)}
    assert first == {"beta/main", "alpha/main"}  # 0.011 and 0.012
    assert {order(made, policy, NEW_YORK, MIDNIGHT - 1)[0] for _ in range(60)} == {"alpha/main"}


def test_strategies_that_learn_go_by_the_usual_price_of_the_day(tmp_path: Path) -> None:
    policy = compiled(tmp_path, "rank")
    made = router(policy)
    bills = []
    for at in (MIDNIGHT - 1, MIDNIGHT):
        made.choose(policy, policy.destinations["us"], CHICAGO, 0.0, at)
        (standings,) = made.standings().values()
        bills.append({standing.gateway: standing.bill for standing in standings})
    assert bills[1]["beta/main"] == pytest.approx(2 * bills[0]["beta/main"], rel=0.01)
    assert bills[1]["alpha/main"] == bills[0]["alpha/main"]
    assert made.price("us", "beta/main", at=MIDNIGHT) == Price(pytest.approx(0.022), 60, 60)


def test_the_next_change_of_prices_or_money_is_known() -> None:
    deck = read_decks([("a", b"prefix,rate,currency,from\n1,1,EUR,2026-01-01\n1,2,EUR,2026-03-01\n")], Layout())
    assert isinstance(deck, Deck)
    decks = Decks({"alpha": deck}, {"EUR": ((1_770_000_000, 1.2), (0, 1.1)), "GBP": ((1_769_000_000, 2.0),)})
    assert decks.next_change(0.0) == 1_767_225_600
    assert decks.next_change(1_767_225_600.0) == 1_770_000_000
    assert decks.next_change(2e9) == float("inf")
    assert decks.exact("beta", CHICAGO, 2e9) is None
