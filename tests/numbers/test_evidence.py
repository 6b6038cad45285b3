"""Evidence: a burnt number is found, a sound one is left alone, and a route's fault is not a number's."""

import pytest

from tests.numbers.market import DAY, HOUR, Market, attempt, ended
from trunkline.facts.numbers import NumberTaken, NumberTransition, PoolAlarm
from trunkline.numbers import Event
from trunkline.numbers.review import Suspicion
from trunkline.policy.number_rules import Rules
from trunkline.stats import exact

BUSY = Rules(per_minute=10, per_hour=90, per_day=400, concurrent=10, false_alarm_attempts=10_000)
TEN = tuple(f"+1415555010{i}" for i in range(10))


def events(market: Market) -> list[str]:
    return [fact.event for fact in market.journal if isinstance(fact, NumberTransition) and not fact.author]


def test_a_number_whose_answers_fall_below_its_siblings_is_put_to_rest_and_the_others_are_not() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    for _ in range(3):
        market.day_of_calls(1_000, lambda number, gateway: 0.3)
        assert market.review() == []
    found: list[str] = []
    for _ in range(8):
        market.day_of_calls(1_000, lambda number, gateway: 0.08 if number == TEN[0] else 0.3)
        found += market.review()
        if found:
            break
    assert found == [f"{TEN[0]} declined"]
    fact = market.journal[-1]
    assert isinstance(fact, NumberTransition)
    assert fact.evidence["ratio"] < 0.6
    assert fact.evidence["low"] < fact.evidence["ratio"] < fact.evidence["high"] < 0.85
    assert fact.evidence["e_value"] >= 10_000
    assert "siblings" in fact.reason


def test_sound_numbers_are_left_alone_for_a_month() -> None:
    market = Market(BUSY, seed=7)
    market.hold(*TEN)
    for _ in range(30):
        market.day_of_calls(600, lambda number, gateway: 0.25)
        market.review()
    assert events(market) == []


def test_a_number_that_does_as_it_always_did_is_not_put_to_rest_twice() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    found: list[str] = []
    for _ in range(8):
        market.day_of_calls(1_000, lambda number, gateway: 0.18 if number == TEN[0] else 0.3)
        found += market.review()
    assert found == [f"{TEN[0]} declined"], "without a past of its own a number is judged by its siblings"
    market.person(TEN[0], Event.REINSTATE)
    market.person(TEN[0], Event.PROMOTE)
    for _ in range(10):
        market.day_of_calls(1_000, lambda number, gateway: 0.18 if number == TEN[0] else 0.3)
        assert market.review() == []


def test_a_route_that_fails_every_pool_judges_no_number_and_no_pool() -> None:
    market = Market(BUSY)
    market.hold(*TEN[:5])
    market.hold(*TEN[5:], pool="service", use="service")
    for day in range(8):
        level = 0.3 if day < 4 else 0.08
        market.day_of_calls(1_200, lambda number, gateway, level=level: level if gateway == "alpha/ny" else 0.3, "sales-us", "service", gateways=("alpha/ny", "beta/la"))  # type: ignore[misc]
        market.review()
    assert events(market) == []
    assert not any(isinstance(fact, PoolAlarm) for fact in market.journal)


def test_a_route_incident_is_seen_as_one() -> None:
    market = Market(BUSY)
    market.hold(*TEN[:5])
    market.hold(*TEN[5:], pool="service", use="service")
    for _ in range(4):
        market.day_of_calls(1_200, lambda number, gateway: 0.3, "sales-us", "service", hours=6)
    assert not market.book.evidence.incident("alpha/ny", "us", "sales-us", market.now - 18 * HOUR)
    began = market.now
    market.day_of_calls(1_200, lambda number, gateway: 0.05, "sales-us", "service", hours=6)
    assert market.book.evidence.incident("alpha/ny", "us", "sales-us", began + 6 * HOUR)


def test_a_pool_alone_on_a_failing_route_is_not_blamed_when_it_does_as_ever_elsewhere() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    for day in range(8):
        level = 0.3 if day < 4 else 0.05
        market.day_of_calls(1_500, lambda number, gateway, level=level: level if gateway == "alpha/ny" else 0.3, gateways=("alpha/ny", "beta/la"))  # type: ignore[misc]
        market.review()
    assert events(market) == []
    assert not market.book.alarmed("sales-us")


def test_a_whole_pool_in_decline_raises_its_alarm_cuts_its_caps_and_rests_nobody() -> None:
    market = Market(BUSY)
    market.hold(*TEN[:5])
    market.hold(*TEN[5:], pool="service", use="service")
    burnt = frozenset(TEN[:5])
    alarmed_on = None
    for day in range(10):
        bad = 0.12 if day >= 4 else 0.3
        market.day_of_calls(1_400, lambda number, gateway, bad=bad: bad if number in burnt else 0.3, "sales-us", "service", gateways=("alpha/ny", "beta/la"))  # type: ignore[misc]
        if "sales-us raised" in market.review():
            alarmed_on = day
            break
    assert alarmed_on is not None
    assert alarmed_on >= 4
    assert events(market) == []
    assert market.book.alarmed("sales-us")
    assert not market.book.alarmed("service")
    assert market.day_of_calls(1_500, lambda number, gateway: 0.3) == 500
    for _ in range(4):
        market.day_of_calls(1_400, lambda number, gateway: 0.3, "sales-us", "service")
        market.review()
    assert not market.book.alarmed("sales-us")
    assert market.day_of_calls(1_500, lambda number, gateway: 0.3) == 0


def test_called_parties_who_hang_up_at_once_are_evidence() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    found: list[str] = []
    for _ in range(12):
        market.day_of_calls(1_000, lambda number, gateway: 0.5, short=lambda number: 0.4 if number == TEN[3] else 0.08)
        found += market.review()
    assert found == [f"{TEN[3]} shunned"]


def test_analytics_blocks_are_evidence_and_a_carrier_that_blocks_everybody_is_none() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    for _ in range(3):
        market.day_of_calls(1_000, lambda number, gateway: 0.3, blocked=lambda number: 0.05)
        assert market.review() == []
    found: list[str] = []
    for _ in range(4):
        market.day_of_calls(1_000, lambda number, gateway: 0.3, blocked=lambda number: 0.6 if number == TEN[2] else 0.02)
        found += market.review()
    assert f"{TEN[2]} blocked" in found
    assert {entry.partition(" ")[0] for entry in found} == {TEN[2]}


def test_intercept_tones_after_the_answer_are_evidence() -> None:
    market = Market(BUSY)
    market.hold(TEN[0])
    for i in range(200):
        market.now += HOUR // 30
        taken = market.take(f"+1212{2_000_000 + i}")
        assert isinstance(taken, NumberTaken)
        if i >= 100 and i % 5 == 0:
            market.intercept(taken.call)
        market.emit(attempt(taken.call, market.now, answered=True, heard="human"), ended(taken.call, market.now, 1.0))
        if i == 99:
            assert market.review() == []
    assert market.review() == [f"{TEN[0]} intercepted"]


def test_one_label_is_an_anecdote_and_two_within_two_days_are_not() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    market.label(TEN[0])
    assert market.review() == []
    market.now += 3 * DAY
    market.label(TEN[0], engine="tns")
    assert market.review() == []
    market.now += DAY
    market.label(TEN[0], "warn")
    assert market.review() == []
    market.label(TEN[0], "scam", engine="first_orion")
    assert market.review() == [f"{TEN[0]} labelled"]


def test_a_clean_look_up_by_the_same_eyes_takes_a_label_back() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    market.label(TEN[0])
    market.now += HOUR
    market.label(TEN[0], "clean")
    market.now += HOUR
    market.label(TEN[0], engine="tns")
    assert market.review() == []


def test_complaints_count_against_answers() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    for _ in range(2):
        market.day_of_calls(1_500, lambda number, gateway: 0.4)
    market.complain(TEN[0])
    assert market.review() == []
    for _ in range(3):
        market.complain(TEN[0])
    assert market.review() == [f"{TEN[0]} complained"]


def test_attempts_that_say_nothing_about_a_number_are_not_counted() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    market.day_of_calls(1_000, lambda number, gateway: 0.3)
    before = market.book.evidence.record(TEN[0])
    assert before is not None
    seen = (before.n, before.observed)
    market.now = before.at
    market.emit(market.book.take(market.choose("+12125550001"), "x", "+12125550001", "", "", market.now))  # type: ignore[arg-type]
    number = market.journal[-1].number  # type: ignore[union-attr]
    record = market.book.evidence.record(number)
    assert record is not None
    weight = record.n
    for more in ({"censored": True}, {"outcome": "route"}, {"outcome": "ours"}, {"outcome": "caller"}):
        market.emit(attempt("x", record.at, answered=False, **more))
    assert record.n == weight
    assert seen


def test_what_speaks_against_a_number_is_shown_before_it_is_proven() -> None:
    market = Market(BUSY)
    market.hold(*TEN)
    market.label(TEN[0])
    found = market.book.suspicions(TEN[0], market.now)
    assert [(one.event.value, one.proven) for one in found] == [("labelled", False)]
    assert all(isinstance(one, Suspicion) for one in found)


def test_an_area_may_be_called_whatever_the_operator_likes() -> None:
    market = Market()
    market.hold("+14155550100", area="north|west")
    market.label("+14155550100", engine="tns")
    assert [[rate.group for rate in market.book.reputations.rates(by, 0)] for by in ("pool", "area", "engine")] == [["sales-us"], ["north|west"], ["tns"]]


def test_labelling_rates_by_pool_area_and_engine_with_exact_intervals() -> None:
    market = Market(BUSY)
    market.hold("+14155550100", "+14155550101")
    market.hold("+12125550100", pool="service", use="service")
    for i in range(20):
        market.label("+14155550100", "spam" if i < 3 else "clean")
        market.label("+14155550101", "clean", engine="tns")
        market.label("+12125550100", "clean")
    rates = {rate.group: rate for rate in market.book.reputations.rates("pool", 0)}
    sales = rates["sales-us"]
    assert (sales.looked, sales.labelled, sales.rate) == (40, 3, pytest.approx(0.075))
    assert (sales.low, sales.high) == pytest.approx(exact(3, 40))
    assert (rates["service"].labelled, rates["service"].low) == (0, 0.0)
    assert rates["service"].high == pytest.approx(0.1684, abs=1e-4)
    assert {rate.group: (rate.looked, rate.labelled) for rate in market.book.reputations.rates("engine", 0)} == {"hiya": (40, 3), "tns": (20, 0)}
    assert {rate.group for rate in market.book.reputations.rates("area", 0)} == {"415", "212"}
    assert market.book.reputations.rates("pool", market.now + 2 * DAY) == []
