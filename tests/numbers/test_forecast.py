"""The forecast: more calls, more losses and slower delivery mean more numbers and an earlier order."""

import pytest

from tests.numbers.market import DAY, Market
from trunkline.numbers import Demand, Event, forecast
from trunkline.policy.number_rules import Rules

RULES = Rules(per_minute=10, per_hour=25, per_day=100, concurrent=5)


def running(numbers: int = 20, calls: int = 700, days: int = 14) -> Market:
    market = Market(RULES)
    market.hold(*(f"+1415555{i:04}" for i in range(numbers)))
    for _ in range(days):
        market.day_of_calls(calls, lambda number, gateway: 0.3)
    return market


def test_a_pool_with_room_needs_no_order() -> None:
    market = running()
    found = forecast(market.book, "sales-us", Demand(horizon_days=30), market.now)
    assert found.in_use == 20
    assert found.busiest_day[0] <= found.busiest_day[1] == 700.0 <= found.busiest_day[2]
    assert found.short_on[0] is None
    assert found.needed[1] <= 20


def test_a_planned_peak_says_how_many_and_by_when() -> None:
    market = running()
    today = market.now // DAY
    found = forecast(market.book, "sales-us", Demand(busiest_day=4_000), market.now)
    assert found.needed[1] >= 50
    assert found.needed[0] <= found.needed[1] <= found.needed[2]
    assert found.order[1] >= 30
    assert found.short_on[1] == today
    assert found.order_by == today - 7 - 21


def test_growth_sets_a_date_in_the_future_and_an_uncertain_input_an_earlier_one() -> None:
    market = running()
    found = forecast(market.book, "sales-us", Demand(busiest_day=1_200, growth_per_week=0.05), market.now)
    assert found.short_on[1] is not None
    assert found.short_on[1] > market.now // DAY
    assert found.short_on[2] is not None
    assert found.short_on[2] <= found.short_on[1]
    assert found.order_by is not None
    assert found.earliest_order_by is not None
    assert found.earliest_order_by <= found.order_by == found.short_on[1] - 28


def test_losses_seen_raise_what_is_needed() -> None:
    market = running(numbers=40)
    calm = forecast(market.book, "sales-us", Demand(busiest_day=1_500), market.now)
    for i in range(12):
        market.person(f"+1415555{i:04}", Event.REST)
    burnt = forecast(market.book, "sales-us", Demand(busiest_day=1_500), market.now + DAY)
    assert burnt.loss_per_number_day[1] > 5 * calm.loss_per_number_day[1]
    assert burnt.needed[1] > calm.needed[1]
    assert burnt.loss_per_number_day[0] < burnt.loss_per_number_day[1] < burnt.loss_per_number_day[2]


def test_numbers_in_warm_up_count_as_they_grow() -> None:
    market = running()
    before = forecast(market.book, "sales-us", Demand(busiest_day=2_500, horizon_days=60), market.now)
    market.hold(*(f"+1415556{i:04}" for i in range(30)), state=None)
    market.review()
    after = forecast(market.book, "sales-us", Demand(busiest_day=2_500, horizon_days=60), market.now)
    assert after.in_use == 50
    assert after.order[1] <= before.order[1]


def test_the_method_is_stated() -> None:
    market = running(days=3)
    text = forecast(market.book, "sales-us", Demand(), market.now).method
    assert "95th percentile of 3 days" in text
    assert "28 days from order to production" in text
    assert "10 % of its calls in the busiest hour" in text


def test_a_quiet_day_says_nothing_about_the_peak_of_a_busy_one() -> None:
    market = running()
    before = forecast(market.book, "sales-us", Demand(busiest_day=4_000), market.now)
    market.day_of_calls(3, lambda number, gateway: 0.3, hours=1)
    after = forecast(market.book, "sales-us", Demand(busiest_day=4_000), market.now)
    assert after.needed[1] == pytest.approx(before.needed[1], abs=2), "three calls of a Sunday within the hour are no busy hour of 4,000"


def test_the_busy_hour_counts_where_it_is_what_binds() -> None:
    """700 calls in two hours: 350 in one, 14 numbers at 25 an hour, 17.5 at four fifths; by the day nine would do."""
    market = Market(RULES)
    market.hold(*(f"+1415555{i:04}" for i in range(20)))
    for _ in range(14):
        market.day_of_calls(700, lambda number, gateway: 0.3, hours=2)
    found = forecast(market.book, "sales-us", Demand(horizon_days=30), market.now)
    away = found.loss_per_number_day[1] * (30 + 7) * (1 - 0.1)  # rest, and half of a probation of 14 days
    assert found.needed[1] == pytest.approx(17.5 * (1 + away), abs=1.0)


def test_an_empty_pool_has_a_forecast_too() -> None:
    found = forecast(Market(RULES).book, "none", Demand(busiest_day=1_000), DAY * 20_000)
    assert found.in_use == 0
    assert found.order[1] >= 12
    assert found.short_on[1] == 20_000
