"""The ledger against a plain list of calls, and how soon a callee may be called again."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.guard.ledger import CODES, Ledger, scope_of
from trunkline.guard.retries import outcome_of, spaced, too_soon
from trunkline.policy.contact_rules import Cap, ContactRule

from .calls import ended

NOW = 1_790_000_000
ACME, OTHER = scope_of("acme", "spring"), scope_of("other", "spring")
AUTUMN = scope_of("acme", "autumn")


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 12), st.lists(st.tuples(st.integers(1, 8), st.integers(0, 9), st.integers(0, 30)), max_size=60), st.integers(0, 400))
def test_the_ledger_knows_the_last_calls_exactly(capacity: int, calls: list[tuple[int, int, int]], since: int) -> None:
    ledger, all_calls, at = Ledger(capacity), [], 1
    for number, outcome, later in calls:
        at += later
        ledger.add(number, outcome, ACME, at)
        all_calls.append((number, at, outcome))
    kept = all_calls[-capacity:]
    loaded = Ledger(capacity)
    loaded.load(list(ledger.dump()))
    for number in range(1, 9):
        expected = [(when, outcome, ACME) for n, when, outcome in reversed(kept) if n == number and when > since]
        assert ledger.calls_to(number, since) == expected
        assert loaded.calls_to(number, since) == expected
    assert len(ledger) == len(loaded) == len(kept)


def test_calls_that_come_while_it_is_dumped_are_left_to_the_replay() -> None:
    ledger = Ledger(10_000)
    for number in range(1, 9_001):
        ledger.add(number, 1, ACME, NOW)
    pieces = ledger.dump()
    late = [(20_000 + number, 2, ACME, NOW + 1) for number in range(3_000)]
    for call in late[:1]:
        ledger.add(*call)
    taken = [next(pieces)]
    for call in late[1:]:
        ledger.add(*call)
    taken += list(pieces)
    loaded = Ledger(10_000)
    loaded.load(taken)
    for call in late:
        loaded.add(*call)
    for number in (1, 2_500, 9_000, 20_000, 22_999):
        assert loaded.calls_to(number, 0)[: len(ledger.calls_to(number, 0))] == ledger.calls_to(number, 0)
    assert ledger.calls_to(1, 0) == []
    assert ledger.oldest_s() == NOW


def test_a_damaged_piece_is_an_error_and_leaves_nothing() -> None:
    ledger = Ledger(100)
    ledger.add(1, 1, ACME, NOW)
    (piece,) = ledger.dump()
    for damaged in (b"\x01", piece[:-1], piece + b"\x00"):
        with pytest.raises(ValueError):  # noqa: PT011
            ledger.load([damaged])
        assert len(ledger) == 0


def rule(name: str = "r", **more: object) -> ContactRule:
    return ContactRule(name, **more)  # type: ignore[arg-type]


def test_an_outcome_asks_for_its_own_time() -> None:
    rules = spaced([rule(after=(("busy", 900.0), ("human", 604_800.0)))])
    busy = [(NOW, CODES["busy"], ACME)]
    found = too_soon(rules, busy, ACME, NOW + 899)
    assert found is not None
    assert (found.again_s, found.why) == (NOW + 900, "the last call came to busy")
    assert too_soon(rules, busy, ACME, NOW + 900) is None
    assert too_soon(rules, [(NOW, CODES["no_answer"], ACME)], ACME, NOW) is None


def test_a_conversation_is_remembered_through_later_busy_calls() -> None:
    rules = spaced([rule(after=(("busy", 900.0), ("human", 604_800.0)))])
    calls = [(NOW, CODES["busy"], ACME), (NOW - 86_400, CODES["human"], ACME)]
    found = too_soon(rules, calls, ACME, NOW + 1_000)
    assert found is not None
    assert found.again_s == NOW - 86_400 + 604_800


def test_a_cap_opens_when_its_oldest_call_no_longer_counts() -> None:
    rules = spaced([rule(caps=(Cap(3, 86_400.0),))])
    calls = [(NOW - 10, CODES["busy"], ACME), (NOW - 20, CODES["failed"], ACME), (NOW - 30, CODES["machine"], ACME), (NOW - 40, CODES["human"], ACME)]
    assert too_soon(rules, calls[:3], ACME, NOW) is None, "a call that reached nobody does not count"
    found = too_soon(rules, calls, ACME, NOW)
    assert found is not None
    assert (found.again_s, found.why) == (NOW - 40 + 86_400, "3 calls in 1d were placed")
    assert too_soon(rules, calls, ACME, found.again_s) is None


def test_tenants_do_not_see_each_other_and_campaigns_only_where_a_rule_says_so() -> None:
    tenant, campaign = spaced([rule(after=(("busy", 60.0),))]), spaced([rule(after=(("busy", 60.0),), per_campaign=True)])
    busy = [(NOW, CODES["busy"], ACME)]
    assert too_soon(tenant, busy, OTHER, NOW) is None
    assert too_soon(tenant, busy, AUTUMN, NOW) is not None
    assert too_soon(campaign, busy, AUTUMN, NOW) is None


def test_the_rule_that_waits_longest_speaks() -> None:
    rules = spaced([rule("short", after=(("busy", 60.0),)), rule("long", after=(("busy", 600.0),)), rule("mid", after=(("busy", 300.0),))])
    found = too_soon(rules, [(NOW, CODES["busy"], ACME)], ACME, NOW)
    assert found is not None
    assert found.rule.name == "long"


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_from_the_time_it_names_the_call_is_allowed_and_not_before(draw: random.Random) -> None:
    names = list(CODES)
    rules = spaced([
        rule(f"r{n}", after=tuple((name, float(draw.randrange(1, 500))) for name in draw.sample(names, 3)), caps=(Cap(draw.randrange(1, 5), float(draw.randrange(1, 2_000))),))
        for n in range(draw.randrange(1, 4))
    ])  # fmt: skip
    calls = sorted(((NOW - draw.randrange(0, 1_500), draw.randrange(10), ACME) for _ in range(draw.randrange(0, 9))), reverse=True)
    found = too_soon(rules, calls, ACME, NOW)
    if found is not None:
        assert found.again_s > NOW
        assert too_soon(rules, calls, ACME, found.again_s) is None
        assert too_soon(rules, calls, ACME, found.again_s - 1) is not None


@pytest.mark.parametrize(
    ("call", "heard", "outcome"),
    [
        (ended(result="busy"), "", "busy"),
        (ended(result="machine"), "", "machine"),
        (ended(result="vacant"), "", "vacant"),
        (ended(result="answered", answer_ms=9.0, talk_ms=90_000.0), "human", "human"),
        (ended(result="answered", answer_ms=9.0, talk_ms=90_000.0), "", "unknown"),
        (ended(result="answered", answer_ms=9.0, talk_ms=90_000.0), "machine", "machine"),
        (ended(result="answered", answer_ms=9.0, talk_ms=5_900.0, released_by="carrier"), "human", "short"),
        (ended(result="answered", answer_ms=9.0, talk_ms=5_900.0, released_by="dialer"), "human", "human"),
        (ended(result="no_answer"), "", "no_answer"),
        (ended(result="cancelled", alerting_ms=800.0), "", "no_answer"),
        (ended(result="cancelled"), "", None),
        (ended(result="unreachable"), "", "failed"),
        (ended(result="unreachable", alerting_ms=700.0), "", "no_answer"),
        (ended(result="limited", attempts=0), "", None),
        (ended(result="busy", direction="inbound"), "", None),
        (ended(result="busy", emergency=True), "", None),
    ],
)
def test_what_a_call_came_to(call: object, heard: str, outcome: str | None) -> None:
    found = outcome_of(call, heard)  # type: ignore[arg-type]
    assert found == (None if outcome is None else CODES[outcome])
