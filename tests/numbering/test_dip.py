"""Dips on the virtual clock: remembered, waited for within bounds, and done without where the database is silent."""

import pytest

from trunkline.numbering.dip import SILENCES, Answer, Dip, Dips, Query, Waiting

NUMBER, OTHER = "+14155550123", "+14155550124"
PORTED = Answer(routing_number="+14045550000", operator="6529", source="lnp")


def lnp(**changed: object) -> Dip:
    return Dip(**{"name": "lnp", "prefixes": ("1",), "enum": "lnp.test", **changed})  # type: ignore[arg-type]


def asked(dips: Dips, number: str, now: float) -> Query:
    waiting = dips.ask(number, now)
    assert isinstance(waiting, Waiting)
    (query,) = dips.queries()
    assert (query.number, query.until) == (number, waiting.until)
    return query


def test_the_first_call_waits_and_the_next_does_not() -> None:
    dips = Dips([lnp()])
    query = asked(dips, NUMBER, 10.0)
    assert query.until == 10.3
    dips.answered(query, PORTED, 10.1)
    assert dips.settled() == [NUMBER]
    assert dips.ask(NUMBER, 10.1) is PORTED
    assert dips.ask(NUMBER, 80_000.0) is PORTED
    assert not dips.queries()


def test_calls_to_one_number_share_a_question() -> None:
    dips = Dips([lnp()])
    query = asked(dips, NUMBER, 0.0)
    assert dips.ask(NUMBER, 0.2) == Waiting(query.until)
    assert not dips.queries()


def test_an_answer_is_asked_for_again_when_its_time_is_up() -> None:
    dips = Dips([lnp(ttl_s=100.0)])
    dips.answered(asked(dips, NUMBER, 0.0), PORTED, 0.1, ttl_s=30.0)
    assert dips.ask(NUMBER, 30.0) is PORTED
    asked(dips, NUMBER, 30.1)


def test_a_records_own_ttl_counts_only_where_it_is_shorter() -> None:
    dips = Dips([lnp(ttl_s=100.0)])
    dips.answered(asked(dips, NUMBER, 0.0), PORTED, 0.0, ttl_s=86_400.0)
    asked(dips, NUMBER, 100.0)


def test_a_number_the_database_does_not_know_is_remembered_too() -> None:
    dips = Dips([lnp(negative_ttl_s=60.0)])
    dips.answered(asked(dips, NUMBER, 0.0), None, 0.1)
    assert dips.ask(NUMBER, 59.0) == Answer(source="lnp")
    asked(dips, NUMBER, 61.0)


@pytest.mark.parametrize(("silence", "refuse"), [("route", False), ("refuse", True)])
def test_after_the_deadline_there_is_always_an_answer(silence: str, refuse: bool) -> None:
    dips = Dips([lnp(silence=silence)])
    query = asked(dips, NUMBER, 0.0)
    assert dips.ask(NUMBER, query.until) == Answer(source="lnp", silent=True, refuse=refuse)


def test_a_late_answer_serves_the_next_call() -> None:
    dips = Dips([lnp()])
    query = asked(dips, NUMBER, 0.0)
    dips.answered(query, PORTED, 1.5)
    assert dips.ask(NUMBER, 1.6) is PORTED
    assert dips.counts["late"] == 1


def test_what_was_known_stands_in_for_a_silent_database() -> None:
    dips = Dips([lnp(ttl_s=10.0, silence="refuse")])
    dips.answered(asked(dips, NUMBER, 0.0), PORTED, 0.0)
    query = asked(dips, NUMBER, 20.0)
    assert dips.ask(NUMBER, query.until) is PORTED
    dips.failed(query, 21.0)
    assert dips.counts["stale"] == 1


def test_a_database_that_stays_silent_is_not_waited_for_until_it_speaks() -> None:
    dips = Dips([lnp()])
    for i in range(SILENCES):
        dips.failed(asked(dips, f"+1415555{i:04}", float(i)), i + 0.3)
    at = SILENCES + 10.0
    silent = dips.ask(NUMBER, at)
    assert isinstance(silent, Answer)
    assert silent.silent
    (probe,) = dips.queries()
    assert isinstance(dips.ask(OTHER, at + 0.5), Answer)
    assert not dips.queries()  # one a second
    dips.answered(probe, PORTED, at + 0.2)
    asked(dips, OTHER, at + 0.7)


def test_a_database_that_is_always_late_is_not_waited_for_either_and_still_fills_the_memory() -> None:
    dips = Dips([lnp()])
    for i in range(SILENCES):
        dips.answered(asked(dips, f"+1415555{i:04}", float(i)), PORTED, i + 0.5)
    found = dips.ask(NUMBER, SILENCES + 0.0)
    assert isinstance(found, Answer)
    assert found.silent
    assert dips.ask("+14155550000", SILENCES + 0.0) is PORTED


def test_questions_under_way_are_bounded() -> None:
    dips = Dips([lnp(at_once=2)])
    asked(dips, NUMBER, 0.0)
    asked(dips, OTHER, 0.0)
    third = dips.ask("+14155550125", 0.0)
    assert isinstance(third, Answer)
    assert third.silent
    assert not dips.queries()


def test_the_longest_prefix_picks_the_database_and_other_numbers_are_not_asked_about() -> None:
    dips = Dips([lnp(), Dip(name="ca", prefixes=("1416",), enum="ca.test")])
    assert asked(dips, "+14165550123", 0.0).dip.name == "ca"
    assert asked(dips, NUMBER, 0.0).dip.name == "lnp"
    assert dips.ask("+442071234567", 0.0) is None
    assert Dips().ask(NUMBER, 0.0) is None


def test_a_new_policy_keeps_what_was_learnt_of_the_same_database_only() -> None:
    dips = Dips([lnp()])
    dips.answered(asked(dips, NUMBER, 0.0), PORTED, 0.0)
    dips.follow([lnp(deadline_s=0.1)])
    assert dips.ask(NUMBER, 1.0) is PORTED
    query = asked(dips, OTHER, 1.0)
    assert query.until == 1.1
    dips.follow([lnp(enum="elsewhere.test")])
    dips.answered(query, PORTED, 1.05)  # of a database that is no longer asked
    asked(dips, NUMBER, 2.0)


def test_memory_is_bounded_and_the_oldest_goes_first() -> None:
    dips = Dips([lnp()], most_cached=2)
    for number in (NUMBER, OTHER, "+14155550125"):
        dips.answered(asked(dips, number, 0.0), PORTED, 0.0)
    assert dips.ask(OTHER, 1.0) is PORTED
    asked(dips, NUMBER, 1.0)


def test_a_password_in_a_header_is_not_shown() -> None:
    assert "hush" not in repr(lnp(headers=(("Authorization", "hush"),)))
