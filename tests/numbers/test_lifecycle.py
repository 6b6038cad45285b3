"""The life of a number: the table, ramps, caps, rests, overrides; every step a fact with its reason."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numbers.market import DAY, HOUR, SECOND, START, Market, added
from trunkline.facts.numbers import NumberTaken, NumberTransition
from trunkline.numbers import Event, Nobody, State, diagram, override
from trunkline.numbers.life import Life
from trunkline.numbers.lifecycle import ACTIVE, PERSONAL, TRANSITIONS, target
from trunkline.numbers.usage import room, take
from trunkline.policy.number_rules import LIMITS, SOURCES, Rules, Stage, refused_ramps

NUMBER = "+14155550100"
QUICK = Rules(warm_up=(Stage(3, 4, 2), Stage(4, 8, 4)), probation=(Stage(7, 6, 3),), per_minute=100, per_hour=100, per_day=20, concurrent=10)


def test_every_state_can_be_left_towards_retirement_and_the_end_is_the_end() -> None:
    assert TRANSITIONS.keys() == set(State)
    for state in State:
        if state not in (State.RETIRED, State.RELEASED):
            assert target(state, Event.RETIRE) is State.RETIRED
    assert not TRANSITIONS[State.RELEASED]


def test_a_resting_number_comes_back_only_by_way_of_probation() -> None:
    assert {after for after, _ in TRANSITIONS[State.COOLING].values()} & ACTIVE == {State.RECOVERY}
    assert {after for after, _ in TRANSITIONS[State.RETIRED].values()} & ACTIVE == {State.RECOVERY}


def test_the_diagram_shows_every_row_of_the_table() -> None:
    text = diagram()
    for state, row in TRANSITIONS.items():
        for event, (after, _) in row.items():
            assert any(line.strip().startswith(f"{state.value} --> {after.value}:") and event.value in line for line in text.splitlines())


def test_a_new_number_is_put_to_use_once_its_right_is_proven() -> None:
    market = Market(QUICK)
    market.emit(added(NUMBER, proof_from="2026-03-03"))
    assert market.review() == []
    assert isinstance(market.take(), Nobody)
    market.now += 2 * DAY
    assert market.review() == [f"{NUMBER} begin"]
    assert isinstance(market.take(), NumberTaken)


def test_a_ramp_grows_by_days_of_use_and_ends_in_production() -> None:
    market = Market(QUICK)
    market.hold(NUMBER, state=None)
    market.review()
    made = []
    for _ in range(9):
        refused_calls = market.day_of_calls(12, lambda number, gateway: 0.3)
        made.append(12 - refused_calls)
        market.review()
    assert made == [4, 4, 4, 8, 8, 8, 8, 12, 12]
    moved = [fact for fact in market.journal if isinstance(fact, NumberTransition)]
    assert [(fact.event, fact.before, fact.after) for fact in moved] == [("begin", "stock", "warm_up"), ("warmed", "warm_up", "production")]
    assert all(fact.reason for fact in moved)


def test_a_day_without_enough_calls_does_not_count_on_the_ramp() -> None:
    market = Market(QUICK)
    market.hold(NUMBER, state=None)
    market.review()
    for _ in range(5):
        market.day_of_calls(1, lambda number, gateway: 0.3)
        market.review()
    life = market.book.life(NUMBER)
    assert life is not None
    assert life.ramp_days == 0


def test_rests_double_with_each_relapse_and_the_last_relapse_retires() -> None:
    market = Market(QUICK)
    market.hold(NUMBER)
    rests = []
    while market.state(NUMBER) != "retired":
        market.label(NUMBER, engine="hiya")
        market.label(NUMBER, engine="tns")
        market.review()
        life = market.book.life(NUMBER)
        assert life is not None
        if life.state == "cooling":
            rests.append((life.rest_until - market.now) // DAY)
            market.now = life.rest_until + 31 * DAY
            assert market.review() == [f"{NUMBER} rested"]
    assert rests == [30, 60, 120]
    last = market.journal[-1]
    assert isinstance(last, NumberTransition)
    assert last.event == "exhausted"
    assert last.reason.startswith("relapse 3 of 3: 2 labels")


def test_a_label_that_stands_keeps_a_number_at_rest_beyond_its_time() -> None:
    market = Market(QUICK)
    market.hold(NUMBER)
    market.label(NUMBER)
    market.label(NUMBER, engine="tns")
    assert market.review() == [f"{NUMBER} labelled"]
    market.now += 31 * DAY
    market.label(NUMBER)
    assert market.review() == []
    market.label(NUMBER, "clean", seen=market.now + 1)
    market.now += DAY
    assert market.review() == [f"{NUMBER} rested"]


def test_a_number_that_slept_is_warmed_up_again() -> None:
    market = Market(QUICK)
    market.hold(NUMBER)
    market.now += 61 * DAY
    assert market.review() == [f"{NUMBER} idle"]
    assert market.state(NUMBER) == "warm_up"


def test_an_override_needs_a_person_a_reason_and_a_row_of_the_table() -> None:
    life = Life(NUMBER, state="retired")
    assert "reason" in str(override(life, Event.REINSTATE, START, "ann", " "))
    assert "reason" in str(override(life, Event.REINSTATE, START, "", "because"))
    assert "rules only" in str(override(life, Event.RESTED, START, "ann", "because"))
    assert str(override(life, Event.PROMOTE, START, "ann", "because")) == "a number in retired cannot `promote`; possible is reinstate, release"
    moved = override(life, Event.REINSTATE, START, "ann", "the label was an error")
    assert moved == NumberTransition(START, NUMBER, "retired", "recovery", "reinstate", "the label was an error", {}, "ann")


def test_a_person_cannot_override_a_missing_proof() -> None:
    market = Market(QUICK)
    market.hold(NUMBER, proof="", proof_from="")
    assert market.state(NUMBER) == "production"
    answer = market.choose()
    assert isinstance(answer, Nobody)
    assert answer.excluded == {"unproven": 1}


def test_a_number_is_out_of_use_the_moment_its_proof_lapses() -> None:
    market = Market(QUICK)
    market.hold(NUMBER, proof_until="2026-03-01")
    assert isinstance(market.take(), NumberTaken)
    market.now = START + 12 * HOUR
    answer = market.choose()
    assert isinstance(answer, Nobody)
    assert answer.excluded == {"unproven": 1}


@settings(max_examples=150, deadline=None)
@given(gaps=st.lists(st.integers(0, 400), min_size=1, max_size=200), minute=st.integers(1, 4), hour=st.integers(4, 12))
def test_no_sixty_seconds_and_no_sixty_minutes_ever_hold_more_than_the_caps(gaps: list[int], minute: int, hour: int) -> None:
    rules = Rules(per_minute=minute, per_hour=hour, per_day=10_000, concurrent=10_000)
    life, at, made = Life(NUMBER, state="production"), START, []
    for gap in gaps:
        at += gap * SECOND + 137_000
        reason, again = room(life, rules, 1.0, at)
        if reason:
            assert again > at
            assert room(life, rules, 1.0, again) != (reason, again)
            continue
        take(life, rules, at)
        made.append(at)
    for cap, window in ((minute, 60 * SECOND), (hour, HOUR)):
        assert all(later - earlier >= window for earlier, later in zip(made, made[cap:], strict=False))


def test_the_day_cap_lifts_at_midnight_and_the_concurrent_cap_when_a_call_ends() -> None:
    rules = Rules(per_day=2, concurrent=1)
    life = Life(NUMBER, state="production")
    take(life, rules, START)
    assert room(life, rules, 1.0, START + HOUR) == ("concurrent cap", 0)
    life.concurrent = 0
    take(life, rules, START + HOUR)
    life.concurrent = 0
    assert room(life, rules, 1.0, START + 2 * HOUR) == ("day cap", START + 12 * HOUR)
    assert room(life, rules, 1.0, START + 12 * HOUR) == ("", 0)


def test_every_default_passes_the_safe_limits_and_says_where_it_comes_from() -> None:
    assert refused_ramps(Rules()) == []
    assert all(limit.low <= getattr(Rules(), key) <= limit.high for key, limit in LIMITS.items())
    assert SOURCES.keys() <= set(Rules.__struct_fields__)
    assert LIMITS.keys() <= set(Rules.__struct_fields__)


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        (Rules(warm_up=(Stage(2, 20, 10),)), "warm_up"),
        (Rules(warm_up=(Stage(7, 40, 10), Stage(7, 20, 10))), "warm_up"),
        (Rules(probation=(Stage(7, 10, 20),)), "probation"),
    ],
)
def test_a_ramp_that_is_none_is_refused_with_a_fix(rules: Rules, key: str) -> None:
    problems = refused_ramps(rules)
    assert [problem.path for problem in problems] == [key]
    assert problems[0].fix


def test_persons_events_are_those_no_rule_sends() -> None:
    assert {Event.REST, Event.REINSTATE, Event.PROMOTE, Event.RETIRE, Event.RELEASE} == PERSONAL
