"""Rate decks and currencies in the policy: read from CSV, refused with file, line and fix, compiled to arrays."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.policy import Problem, Snapshot, decode, encode, load_policy
from trunkline.policy.deck import Deck, Rate
from trunkline.policy.deck_files import Layout, read_decks

BASE = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
carriers:
  alpha: {gateways: {main: {host: 10.0.0.1}}, rates: RATES}
  beta: {gateways: {main: {host: 10.0.0.2}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: alpha, rate: 0.5, increments: "1/1"}, {to: beta, rate: 0.01}]}
"""

NEW_YEAR = 1_767_225_600
"2026-01-01 UTC."


def load(folder: Path, rates: str, more: str = "", **decks: str) -> Snapshot | list[Problem]:
    for name, text in decks.items():
        (folder / f"{name}.csv").write_text(text)
    return load_policy(BASE.replace("RATES", rates) + more, base=folder)


def deck(*files: str, zone: str = "UTC", currency: str = "") -> Deck:
    found = read_decks([(f"{i}.csv", text.encode()) for i, text in enumerate(files)], Layout(zone, currency))
    assert isinstance(found, Deck), found
    return found


def refused(text: str, layout: Layout = Layout()) -> Problem:  # noqa: B008
    found = read_decks([("a.csv", text.encode())], layout, {"USD": None})
    assert isinstance(found, list)
    assert len(found) == 1, found
    return found[0][1]


def test_the_longest_prefix_names_the_price() -> None:
    tariff = deck("prefix,rate,increments,fee,connection_fee,short_call_fee,currency\n1,0.01,,,,,\n1415,0.02,30/6,0.001,0.002,0.01,usd\n+1415555,0.03,6/6,,,,\n").tariff
    assert tariff.rate("12125550100", 0.0) == Rate(0.01, 60, 60, 0.0, 0.0, "")
    assert tariff.rate("14155500100", 0.0) == Rate(0.02, 30, 6, 0.003, 0.01, "USD")
    quote = tariff.quote("14155550100", 0.0)
    assert quote is not None
    assert (quote.prefix, quote.rate.per_minute) == ("1415555", 0.03)
    assert tariff.rate("442071234567", 0.0) is None
    assert tariff.longest == 7


def test_an_empty_prefix_covers_the_rest() -> None:
    tariff = deck("prefix,rate\n,0.5\n44,0.1\n").tariff
    assert [tariff.rate(number, 0.0).per_minute for number in ("33123456789", "442071234567")] == [0.5, 0.1]  # type: ignore[union-attr]


def test_a_later_row_takes_over_at_midnight_of_the_decks_zone_and_gives_way_again() -> None:
    found = deck("prefix,rate,from,until\n1,0.01,,\n", "prefix,rate,from,until\n1,0.02,2026-01-01,2026-01-31\n", zone="America/New_York")
    midnight = NEW_YEAR + 5 * 3600  # five hours behind UTC in winter
    end = midnight + 31 * 86_400  # the last day counts whole
    told = [found.tariff.rate("12125550100", at) for at in (midnight - 0.001, midnight, end - 0.001, end)]
    assert [rate.per_minute for rate in told if rate] == [0.01, 0.02, 0.02, 0.01]
    assert found.changes == (midnight, end)


def test_a_shorter_prefix_stands_in_while_the_longer_one_has_no_price_in_force() -> None:
    tariff = deck("prefix,rate,from\n1,0.01,\n1415,0.05,2026-01-01\n").tariff
    assert [tariff.rate("14155550100", at).per_minute for at in (NEW_YEAR - 1, NEW_YEAR)] == [0.01, 0.05]  # type: ignore[union-attr]


def test_columns_go_by_the_carriers_names_and_remarks_are_passed_over() -> None:
    layout = Layout(columns={"prefix": "Dial Code", "rate": "Price, USD"})
    found = read_decks([("a.csv", b'\xef\xbb\xbfCountry;dial code;"Price, USD";Margin\r\nUnited States;1;0.0123;x\r\n')], layout)
    assert isinstance(found, Deck)
    assert found.tariff.rate("12125550100", 0.0) == Rate(0.0123, 60, 60, 0.0, 0.0, "")


@pytest.mark.parametrize(
    ("text", "line", "message", "fix"),
    [
        ("prefix,price\n1,0.1\n", 1, "unknown column `price`", "columns"),
        ("prefix,increments\n1,6/6\n", 1, "no column `rate`", "column names"),
        ("prefix,rate\n1,0.01\n1,0.02\n", 3, "a price from the beginning on line 2 already", "keep one"),
        ("prefix,rate\n1,0.01\n0114,0.02\n", 3, "`0114` is no prefix", "country code"),
        ('prefix,rate\n1,"0,01"\n', 2, "`0,01` is no price", "decimal point"),
        ("prefix,rate\n1,-0.01\n", 2, "`-0.01` is no price", "decimal point"),
        ("prefix,rate\n1,nan\n", 2, "`nan` is no price", "decimal point"),
        ("prefix,rate,increments\n1,0.01,60\n", 2, "`60` are no billing increments", "30/6"),
        ("prefix,rate,from\n1,0.01,01/02/2026\n", 2, "`01/02/2026` is no date", "2026-12-01"),
        ("prefix,rate,from,until\n1,0.01,2026-02-01,2026-01-01\n", 2, "it ends (2026-01-01) before it begins", "exchange"),
        ("prefix,rate,currency\n1,0.01,EUR\n", 2, "nothing says what EUR is worth", "EUR: 1.08"),
        ("prefix,rate,increments\n1,0.01\n", 2, "2 fields", "every column"),
        ("", 1, "no column `prefix`", "column names"),
    ],
)
def test_what_is_wrong_is_told_with_line_and_fix(text: str, line: int, message: str, fix: str) -> None:
    problem = refused(text)
    assert problem.line == line
    assert message in problem.message
    assert fix in problem.fix


def test_a_file_wrong_from_end_to_end_does_not_bury_its_reader() -> None:
    found = read_decks([("a.csv", b"prefix,rate\n" + b"1x,1\n" * 1000)], Layout())
    assert isinstance(found, list)
    assert len(found) == 21
    assert "more than 20 rows are wrong" in found[-1][1].message


def test_a_policy_names_its_decks_and_prices_reach_the_snapshot(tmp_path: Path) -> None:
    more = 'currency: USD\ncurrencies: {EUR: 1.10, GBP: {2026-01-01: 1.25, "2026-07-01": 1.30}}\n'
    found = load(tmp_path, "alpha.csv", more, alpha="prefix,rate,currency,increments\n1,0.01,EUR,6/6\n")
    assert isinstance(found, Snapshot), found
    assert found.currencies == {"EUR": ((0, 1.1),), "GBP": ((1_782_864_000, 1.3), (NEW_YEAR, 1.25))}
    alpha, beta = found.destinations["us"].routes
    assert alpha.price.per_minute == pytest.approx(0.011)
    assert (alpha.price.first_s, alpha.own.per_minute, beta.price.per_minute, beta.later) == (6, 0.5, 0.01, ())
    again = decode(encode(found))
    assert again.decks["alpha"].tariff.rate("12125550100", 0.0) == Rate(0.01, 6, 6, 0.0, 0.0, "EUR")


def test_a_changed_deck_is_another_version(tmp_path: Path) -> None:
    versions = []
    for rate in ("0.01", "0.02"):
        found = load(tmp_path, "alpha.csv", alpha=f"prefix,rate\n1,{rate}\n")
        assert isinstance(found, Snapshot)
        versions.append(found.version)
    assert versions[0] != versions[1]


def test_a_destinations_usual_price_is_the_median_over_its_own_numbers(tmp_path: Path) -> None:
    text = "prefix,rate\n1,0.01\n1900,9\n1809,2\n"
    found = load(tmp_path, "{files: [alpha.csv]}", '  dear: {prefixes: ["1900", "1809"], routes: [{to: alpha}]}\n', alpha=text)
    assert isinstance(found, Snapshot), found
    assert found.destinations["us"].routes[0].price.per_minute == 0.01
    assert found.destinations["dear"].routes[0].price.per_minute in (2.0, 9.0)


def test_a_destination_the_deck_does_not_have_costs_what_the_route_says(tmp_path: Path) -> None:
    found = load(tmp_path, "alpha.csv", alpha="prefix,rate\n44,0.01\n")
    assert isinstance(found, Snapshot)
    assert found.destinations["us"].routes[0].price.per_minute == 0.5


def test_usual_prices_of_dates_ahead_are_known(tmp_path: Path) -> None:
    found = load(tmp_path, "alpha.csv", alpha="prefix,rate,from\n1,0.01,\n1,0.02,2090-01-01\n1,0.03,2090-02-01\n")
    assert isinstance(found, Snapshot)
    later = found.destinations["us"].routes[0].later
    assert [price.per_minute for _, price in later] == [0.02, 0.03]
    assert later[0][0] == 3_786_912_000


@pytest.mark.parametrize(
    ("rates", "more", "path", "message"),
    [
        ("missing.csv", "", "carriers.alpha.rates", "cannot read missing.csv"),
        ("alpha.csv", "", "carriers.alpha.rates", "alpha.csv, line 2, rate: `x` is no price"),
        ("{files: [], zone: UTC}", "", "carriers.alpha.rates.files", "must not be empty"),
        ("{files: [good.csv], columns: {price: Rate}}", "", "carriers.alpha.rates.columns.price", "`price` is no column of ours"),
        ("{files: [good.csv], currency: EUR}", "", "carriers.alpha.rates", "nothing says what EUR is worth"),
        ("good.csv", "currencies: {EUR: 1.1}\n", "currencies.EUR", "does not say what its own currency is"),
        ("good.csv", "currency: EUR\ncurrencies: {EUR: 1.1}\n", "currencies.EUR", "the policy's own currency"),
        ("good.csv", "currency: dollars\n", "currency", "not a currency"),
        ("good.csv", "currency: USD\ncurrencies: {EUR: 0}\n", "currencies.EUR", ""),
        ("good.csv", "currency: USD\ncurrencies: {EUR: {soon: 1.1}}\n", "currencies.EUR.soon", "not a day"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_stands(tmp_path: Path, rates: str, more: str, path: str, message: str) -> None:
    found = load(tmp_path, rates, more, alpha="prefix,rate\n1,x\n", good="prefix,rate\n1,0.1\n")
    assert isinstance(found, list)
    assert found[0].path.startswith(path), found
    assert message in found[0].message
    assert found[0].fix


ROWS = st.lists(st.tuples(st.text("12", max_size=4), st.integers(0, 6), st.integers(1, 7)), unique_by=lambda row: row[:2], max_size=20)


@given(ROWS, st.text("123", min_size=1, max_size=6), st.integers(0, 8))
def test_a_look_up_agrees_with_the_rule_read_out_loud(rows: list[tuple[str, int, int]], digits: str, day: int) -> None:
    """Days of January 2026; the rate is the row's place."""
    rows = [row for row in rows if row[2] >= row[1]]
    text = "prefix,rate,from,until\n" + "".join(f"{prefix},{at},2026-01-{1 + since:02},2026-01-{1 + until:02}\n" for at, (prefix, since, until) in enumerate(rows))
    fitting = [(len(prefix), since, float(at)) for at, (prefix, since, until) in enumerate(rows) if digits.startswith(prefix) and since <= day <= until]
    told = deck(text).tariff.rate(digits, NEW_YEAR + day * 86_400 + 1)
    assert (told.per_minute if told is not None else None) == (max(fitting)[2] if fitting else None)
