"""What goes wrong in the life of a number: clocks that jump, people who overrule, policies that change under calls that are up."""

import pytest

from tests.numbers.market import DAY, HOUR, SECOND, Market, attempt, ended
from trunkline.facts.numbers import NumberChanged, NumberTaken
from trunkline.facts.record import NodeStarted
from trunkline.numbers import Event, Nobody
from trunkline.policy.number_rules import USUAL, Rules

ONE, TWO = "+14155550101", "+14155550102"


def called(market: Market, callee: str = "+14155559999", over: bool = True) -> NumberTaken:
    taken = market.take(callee)
    assert not isinstance(taken, Nobody), taken
    if over:
        market.emit(ended(taken.call, market.now))
    return taken


def busy(rules: Rules, calls: int, every: int = 10 * SECOND) -> Market:
    """ONE has made so many calls, the last just now."""
    market = Market(rules)
    market.hold(ONE)
    for i in range(calls):
        market.now += every
        called(market, f"+1415555{i:04}")
    return market


def test_a_clock_that_goes_back_an_hour_takes_no_number_out_of_use_for_an_hour() -> None:
    market = busy(Rules(per_minute=5, per_hour=100, per_day=450), 4)
    market.now += 30 * SECOND
    called(market)
    market.now -= HOUR
    called(market)
    market.now += 2 * SECOND
    called(market)


def test_a_clock_that_goes_back_lets_nobody_over_the_cap_of_an_hour() -> None:
    market = busy(Rules(per_minute=10, per_hour=10, per_day=450), 10)
    market.now -= HOUR // 2
    assert isinstance(market.choose(), Nobody)


def test_a_clock_that_was_years_ahead_leaves_nothing_behind() -> None:
    market = Market(Rules(per_minute=3, per_hour=3, per_day=4))
    market.hold(ONE)
    right, market.now = market.now, market.now + 3650 * DAY
    for i in range(3):
        called(market, f"+1415555888{i}")
    assert isinstance(market.choose(), Nobody)
    market.now = right
    market.review()
    for i in range(2):
        fact = called(market, f"+1415555888{i}")
    assert market.book.contacts.last("sales-us", fact.callee).call == fact.call  # type: ignore[union-attr]
    market.now += DAY
    called(market)


def test_evidence_of_a_clock_that_was_ahead_fades_all_the_same() -> None:
    market = Market()
    market.hold(ONE, TWO)
    right, market.now = market.now, market.now + 3650 * DAY
    for i in range(40):
        fact = NumberTaken(market.now, f"early-{i}", (ONE, TWO)[i % 2], "+14155550000", "sales-us", "", "", "any", -1.0, 1, {})
        market.emit(fact, attempt(fact.call, market.now, answered=True), ended(fact.call, market.now))
    market.now = right
    weights = []
    for i in range(2):
        market.now = right + i * 2 * DAY
        fact = NumberTaken(market.now, f"late-{i}", ONE, "+14155550000", "sales-us", "", "", "any", -1.0, 1, {})
        market.emit(fact, attempt(fact.call, market.now, answered=True), ended(fact.call, market.now))
        weights.append(market.book.evidence.record(ONE).n)  # type: ignore[union-attr]
    assert weights[1] == pytest.approx(weights[0] / 2, rel=0.01), "two days are a half-life, and the attempt counts for nothing: the hour has no siblings"


def test_who_is_reinstated_is_judged_by_what_is_seen_from_then_on() -> None:
    market = Market()
    market.hold(ONE)
    called(market)
    for engine in ("hiya", "tns"):
        market.label(ONE, engine=engine)
    for _ in range(3):
        market.complain(ONE)
    assert market.review() == [f"{ONE} labelled"]
    market.now += HOUR
    market.person(ONE, Event.REINSTATE)
    assert market.review() == []
    assert market.state(ONE) == "recovery"
    assert not market.book.suspicions(ONE, market.now)
    market.now += HOUR
    for engine in ("hiya", "tns"):
        market.label(ONE, engine=engine)
    assert market.review() == [f"{ONE} labelled"], "evidence of after it counts as ever"
    life = market.book.life(ONE)
    assert life is not None
    assert life.relapses == 1


def test_complaints_of_before_a_rest_are_none_against_a_number_that_rested() -> None:
    market = Market(Rules(rest_days=7, complaint_days=60))
    market.hold(ONE)
    for _ in range(3):
        market.complain(ONE)
    assert market.review() == [f"{ONE} complained"]
    market.now += 7 * DAY
    assert market.review() == [f"{ONE} rested"]
    assert market.review() == []


def test_a_judgement_survives_a_restart() -> None:
    market = Market()
    market.hold(ONE)
    for engine in ("hiya", "tns"):
        market.label(ONE, engine=engine)
    market.review()
    market.now += HOUR
    market.person(ONE, Event.REINSTATE)
    loaded = market.empty()
    loaded.load(list(market.book.dump()))
    assert loaded.review_all(market.now) == []


def test_a_number_put_to_rest_in_the_middle_of_its_call_ends_the_call_as_any_and_stays_at_rest() -> None:
    market = Market()
    market.hold(ONE)
    taken = called(market, over=False)
    market.person(ONE, Event.REST)
    market.now += HOUR
    market.emit(attempt(taken.call, market.now, answered=True), ended(taken.call, market.now))
    life = market.book.life(ONE)
    assert life is not None
    assert (life.state, life.concurrent) == ("cooling", 0)
    assert isinstance(market.choose(), Nobody)


def test_calls_of_a_pool_that_policy_forgot_or_a_number_that_moved_end_and_free_their_numbers() -> None:
    market = Market(Rules(concurrent=1))
    market.hold(ONE, TWO)
    up = [called(market, callee, over=False) for callee in ("+14155559991", "+14155559992")]
    market.book.apply_rules(lambda pool: USUAL)
    market.emit(NumberChanged(market.now, ONE, {"pool": "elsewhere"}, "ann"))
    for taken in up:
        market.emit(ended(taken.call, market.now))
    assert [life.concurrent for life in (market.book.life(ONE), market.book.life(TWO)) if life] == [0, 0]
    assert market.book._at_once == {"sales-us": 0}
    assert called(market).number == TWO


def test_calls_that_were_up_when_the_node_was_killed_hold_no_number_by_checkpoint_or_journal() -> None:
    market = Market(Rules(concurrent=1))
    market.hold(ONE)
    called(market, over=False)
    saved = list(market.book.dump())
    assert isinstance(market.choose(), Nobody)
    loaded = market.empty()
    loaded.load(saved)
    for book in (market.book, loaded):
        market.book = book
        book.apply(NodeStarted(market.now, "n1", "v"))
        assert not isinstance(market.choose(), Nobody)


def test_a_checkpoint_begun_before_a_call_that_never_left_does_not_count_it_twice() -> None:
    market = Market()
    market.hold(ONE)
    called(market)
    taken = called(market, "+14155559998", over=False)
    gathering = market.book.dump()
    never = ended(taken.call, market.now)
    market.emit(type(never)(**{**{name: getattr(never, name) for name in never.__struct_fields__}, "attempts": 0}))
    loaded = market.empty()
    loaded.load(list(gathering))
    life = loaded.life(ONE)
    assert life is not None
    assert (life.total, life.concurrent) == (2, 1), "as it was when the checkpoint began"


def test_a_retired_number_is_called_back_on() -> None:
    market = Market()
    market.hold(ONE)
    taken = market.take(campaign="spring", agent="bo")
    assert not isinstance(taken, Nobody)
    market.emit(ended(taken.call, market.now))
    market.person(ONE, Event.RETIRE)
    found = market.book.callback(ONE, "+14155550123")
    assert found is not None
    assert (found.campaign, found.agent, found.state) == ("spring", "bo", "retired")
