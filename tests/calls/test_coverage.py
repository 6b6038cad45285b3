"""Which attempts are listened to: the share, and the minimum that a route with few calls keeps."""

from itertools import pairwise
from random import Random

from trunkline.calls.coverage import HOUR_S, Coverage
from trunkline.policy.snapshot import Listen


def heard(coverage: Coverage, settings: Listen, hourly: float, hours: float, began: float = 0.0, route: str = "a/g") -> list[float]:
    """Chances drawn over some hours of a route."""
    calls = round(hourly * hours)
    return [coverage.draw(route, "us", settings, began + number * HOUR_S / hourly) for number in range(calls)]


def test_all_are_heard_by_default_and_none_where_the_share_is_nought() -> None:
    coverage = Coverage(Random(1))
    assert heard(coverage, Listen("observe"), 100, 1) == [1.0] * 100
    assert heard(coverage, Listen("observe", share=0.0), 100, 1) == [0.0] * 100


def test_a_share_is_a_random_sample_whose_chance_is_known() -> None:
    drawn = heard(Coverage(Random(2)), Listen("observe", share=0.2), 1000, 4)
    assert set(drawn) == {0.0, 0.2}
    share = sum(chance > 0 for chance in drawn) / len(drawn)
    assert 0.17 < share < 0.23
    runs = sum(before != after for before, after in pairwise(drawn))
    assert runs > 1000, "and not every fifth in a row"


def test_a_route_with_few_calls_keeps_its_minimum() -> None:
    settings = Listen("observe", share=0.01, minimum=20)
    coverage = Coverage(Random(3))
    heard(coverage, settings, 60, 6)
    later = heard(coverage, settings, 60, 20, began=6 * HOUR_S)
    per_hour = sum(chance > 0 for chance in later) / 20
    assert 15 < per_hour < 25
    assert all(chance == 0.0 or 0.3 < chance < 0.4 for chance in later), "by a chance that is on record"


def test_a_busy_route_is_heard_by_the_share_alone() -> None:
    settings = Listen("observe", share=0.2, minimum=20)
    coverage = Coverage(Random(4))
    heard(coverage, settings, 3600, 3)
    later = heard(coverage, settings, 3600, 2, began=3 * HOUR_S)
    assert set(later) == {0.0, 0.2}


def test_a_route_that_was_quiet_for_long_is_heard_at_once() -> None:
    settings = Listen("observe", share=0.0, minimum=5)
    coverage = Coverage(Random(5))
    heard(coverage, settings, 3600, 2)
    assert coverage.draw("a/g", "us", settings, 12 * HOUR_S) == 1.0
    assert coverage.draw("b/g", "us", settings, 12 * HOUR_S) == 1.0, "every route counts by itself"
