"""When somebody may be called: held against a calendar that is asked minute by minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.guard.windows import LOOK_DAYS, Hours, both, joined
from trunkline.guard.windows import hours as hours_by_zone
from trunkline.policy.contact_rules import ContactRule, Window

NINE_TO_NINE = ContactRule("nine", windows=(Window(540, 1260),))
WEEKDAYS = ContactRule("week", windows=(Window(600, 780, (0, 1, 2, 3, 4)), Window(840, 1200, (0, 1, 2, 3, 4))))
ZONES = ("America/New_York", "America/Los_Angeles", "Europe/Paris", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Honolulu", "Africa/Casablanca")


def hours(rules: tuple[ContactRule, ...], zones: tuple[str, ...], second: int) -> Hours:
    """The same rules in every zone."""
    return hours_by_zone(dict.fromkeys(zones, rules), second)


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp())


def brute(rules: tuple[ContactRule, ...], zones: tuple[str, ...], second: int) -> bool:
    for zone in zones:
        local = datetime.fromtimestamp(second, ZoneInfo(zone))
        minute, day = local.hour * 60 + local.minute, local.toordinal() - 719163
        for rule in rules:
            if not rule.first_day <= day <= rule.last_day:
                continue
            inside = any(w.begins <= minute < w.ends and (not w.days or local.weekday() in w.days) for w in rule.windows)
            if day in rule.closed or (rule.windows and not inside):
                return False
    return True


def test_inside_the_hours_it_is_open_until_they_end() -> None:
    found = hours((NINE_TO_NINE,), ("America/New_York",), at("2026-11-21 12:00", "America/New_York"))
    assert found.open
    assert found.until == at("2026-11-21 21:00", "America/New_York")


def test_outside_the_refusal_names_rule_zone_and_the_time_it_opens() -> None:
    found = hours((NINE_TO_NINE,), ("America/New_York",), at("2026-11-21 21:00", "America/New_York"))
    assert not found.open
    assert (found.rule, found.zone, found.opens) == ("nine", "America/New_York", at("2026-11-22 09:00", "America/New_York"))


def test_a_number_that_may_be_in_two_zones_is_called_when_both_are_awake() -> None:
    zones = ("America/New_York", "America/Chicago")
    early = hours((NINE_TO_NINE,), zones, at("2026-11-21 09:30", "America/New_York"))
    assert not early.open
    assert (early.zone, early.opens) == ("America/Chicago", at("2026-11-21 09:00", "America/Chicago"))
    assert hours((NINE_TO_NINE,), zones, early.opens).until == at("2026-11-21 21:00", "America/New_York")


def test_every_rule_holds_at_once() -> None:
    found = hours((NINE_TO_NINE, WEEKDAYS), ("Europe/Paris",), at("2026-11-21 12:00", "Europe/Paris"))  # a Saturday
    assert (found.open, found.rule, found.opens) == (False, "week", at("2026-11-23 10:00", "Europe/Paris"))


def test_lunch_is_a_gap_between_two_windows() -> None:
    found = hours((WEEKDAYS,), ("Europe/Paris",), at("2026-11-23 13:00", "Europe/Paris"))
    assert found.opens == at("2026-11-23 14:00", "Europe/Paris")


def test_a_day_off_is_closed_all_day() -> None:
    christmas = at("2026-12-25") // 86_400
    rule = ContactRule("xmas", closed=(christmas,))
    found = hours((rule,), ("Europe/Paris",), at("2026-12-25 15:00", "Europe/Paris"))
    assert (found.open, found.opens) == (False, at("2026-12-26 00:00", "Europe/Paris"))


def test_a_rule_counts_from_its_first_day_to_its_last() -> None:
    first = at("2026-12-01") // 86_400
    rule = ContactRule("soon", windows=(Window(600, 660),), first_day=first, last_day=first + 1)
    before, within, after = (hours((rule,), ("UTC",), at(f"2026-{day} 05:00")) for day in ("11-30", "12-01", "12-03"))
    assert (before.open, before.until) == (True, at("2026-12-01 00:00"))
    assert not within.open
    assert after.open


def test_hours_that_never_come_name_no_time() -> None:
    rule = ContactRule("never", closed=tuple(range(at("2026-11-01") // 86_400, at("2027-11-01") // 86_400)))
    found = hours((rule,), ("UTC",), at("2026-11-21 12:00"))
    assert (found.open, found.opens) == (False, 0)


def test_an_hour_that_comes_twice_is_an_hour_without_calls() -> None:
    rule = ContactRule("early", windows=(Window(90, 600),))  # from 01:30, which New York has twice on 1 November 2026
    first = int(datetime(2026, 11, 1, 1, 30, tzinfo=ZoneInfo("America/New_York")).timestamp())
    found = hours((rule,), ("America/New_York",), first)
    assert (found.open, found.opens) == (False, first + 3600)


def test_each_zone_has_rules_of_its_own() -> None:
    by_zone = {"America/New_York": (NINE_TO_NINE,), "America/Chicago": (), "Pacific/Honolulu": (NINE_TO_NINE,)}
    found = hours_by_zone(by_zone, at("2026-11-21 09:00", "America/New_York"))
    assert (found.open, found.zone, found.opens) == (False, "Pacific/Honolulu", at("2026-11-21 09:00", "Pacific/Honolulu"))


def test_no_rule_is_no_limit() -> None:
    assert hours((ContactRule("caps only"),), ("UTC",), 0).open


WINDOWS = st.builds(
    lambda begins, length, days: Window(begins, min(begins + length, 1440), tuple(sorted(days))),
    st.integers(180, 1300), st.integers(15, 900), st.sets(st.integers(0, 6), max_size=6),
)  # fmt: skip
RULES = st.lists(st.builds(lambda windows: ContactRule("r", windows=tuple(windows)), st.lists(WINDOWS, min_size=1, max_size=2)), min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(RULES, st.sets(st.sampled_from(ZONES), min_size=1, max_size=3), st.integers(at("2026-01-01") // 60, at("2027-01-01") // 60))
def test_a_calendar_agrees(rules: list[ContactRule], zones: set[str], minute: int) -> None:
    """Windows from 03:00 on: clocks are never set between them and midnight, so there the plain calendar is exact."""
    chosen, places, second = tuple(rules), tuple(sorted(zones)), minute * 60
    found = hours(chosen, places, second)
    assert found.open == brute(chosen, places, second)
    if found.open:
        assert brute(chosen, places, found.until - 60)
        assert not brute(chosen, places, found.until)
    elif found.opens:
        assert brute(chosen, places, found.opens)
        assert not any(brute(chosen, places, passed) for passed in range(second, found.opens, 300))
    else:
        step = int(timedelta(minutes=15).total_seconds())
        assert not any(brute(chosen, places, later) for later in range(second, second + (LOOK_DAYS - 2) * 86_400, step))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20))), st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20))))
def test_both_is_the_intersection(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    left, right = (joined(sorted((begins, begins + length) for begins, length in spans)) for spans in (one, other))
    found = both(left, right)
    covered = {minute for begins, ends in found for minute in range(begins, ends)}
    expected = {m for b, e in left for m in range(b, e)} & {m for b, e in right for m in range(b, e)}
    assert covered == expected
    assert found == joined(found)


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
def test_what_is_open_is_open_by_the_wall_clock_on_any_day_of_the_year(zone: str) -> None:
    rule = ContactRule("night", windows=(Window(0, 200), Window(1000, 1440)))
    second = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    while second < at("2027-01-01"):
        found = hours((rule,), (zone,), second)
        if found.open:
            assert brute((rule,), (zone,), second)
            assert found.until > second
        second = max(found.until, second + 60) if found.open else max(found.opens, second + 60)
