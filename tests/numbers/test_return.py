"""A number that was given back and comes again: whose it is then, and what it brings along."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.numbers.market import DAY, HOUR, START, Market, added, ended
from trunkline.decide.attestations import Attestations
from trunkline.facts.numbers import NumberAdded, NumberTransition
from trunkline.numbers import Event, Nobody, read_csv
from trunkline.numbers.inventory import COLUMNS, Import
from trunkline.policy.snapshot import Attestation, SigningKey, Trunk

ONE, TWO = "+14155550101", "+14155550102"


def again(market: Market, owner: str = "acme", pool: str = "sales-us", start: str = "") -> Import:
    """The file that brings ONE back."""
    row = f"{ONE},{owner},geographic,US,,sales,{pool},beta,loa-9,2026-02-01,,desk,{start}"
    return read_csv(",".join((*COLUMNS, "start")) + "\n" + row, market.book.inventory, market.book.areas, market.now, "bob", market.book.life)


def released(*before: Event) -> Market:
    """A market that gave ONE back after these."""
    market = Market()
    market.hold(ONE, TWO)
    for event in (*before, Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    return market


def test_a_released_number_comes_back_by_import_to_another_owner_and_is_warmed_up() -> None:
    market = released()
    found = again(market, "other", "other-us")
    assert (found.problems, found.added) == ((), 1)
    (fact,) = found.facts
    assert isinstance(fact, NumberAdded)
    market.emit(fact)
    holding, life = market.book.inventory.holdings[ONE], market.book.life(ONE)
    assert life is not None
    assert (holding.owner, holding.proof, life.state) == ("other", "loa-9", "stock")
    assert market.review() == [f"{ONE} begin"]
    assert market.state(ONE) == "warm_up"


def test_what_is_not_given_back_belongs_to_its_owner() -> None:
    market = Market()
    market.hold(ONE)
    market.person(ONE, Event.RETIRE)
    (problem,) = again(market, "other", "other-us").problems
    assert "belongs to `acme`" in problem.message


def test_a_new_owner_is_told_nothing_of_the_calls_of_the_one_before() -> None:
    market = Market()
    market.hold(ONE)
    taken = market.take("+14155559999", campaign="debts", agent="ann")
    assert not isinstance(taken, Nobody)
    market.emit(ended(taken.call, market.now))
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    market.emit(*again(market, "other", "other-us").facts)
    called = market.book.callback(ONE, "+14155559999")
    assert called is not None
    assert (called.owner, called.campaign, called.agent, called.call) == ("other", "desk", "", "")


def test_a_pool_stays_its_owners_when_its_only_number_came_back_elsewhere() -> None:
    market = Market()
    market.hold(ONE)
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    (problem,) = again(market, "other").problems
    assert "pool `sales-us` is acme" in problem.message


def test_a_rest_is_not_cut_short_by_giving_the_number_back_and_taking_it_again() -> None:
    market = released(Event.REST)
    market.now += 2 * DAY
    market.emit(*again(market).facts)
    assert market.state(ONE) == "stock"
    assert market.review() == []
    market.now = START + 29 * DAY
    assert market.review() == []
    market.now = START + 30 * DAY
    assert market.review() == [f"{ONE} begin"]


def test_a_number_that_rests_does_not_come_back_in_production() -> None:
    market = released(Event.REST)
    (problem,) = again(market, start="production").problems
    assert (problem.line, problem.path) == (2, "start")
    assert "2026-03-31" in problem.message


def test_a_label_that_stands_keeps_a_number_that_came_back_out_of_use() -> None:
    market = Market()
    market.hold(ONE)
    market.label(ONE)
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    market.emit(*again(market).facts)
    assert market.review() == []
    market.label(ONE, "clean", seen=market.now + HOUR)
    market.now += 2 * HOUR
    assert market.review() == [f"{ONE} begin"]


@pytest.mark.parametrize(("days", "relapses"), [(1, 1), (181, 0)])
def test_relapses_are_remembered_for_the_longest_rest(days: int, relapses: int) -> None:
    market = Market()
    market.hold(ONE)
    for event in (Event.REST, Event.REINSTATE, Event.REST, Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    market.now += days * DAY
    market.emit(*again(market).facts)
    life = market.book.life(ONE)
    assert life is not None
    assert life.relapses == relapses


def test_a_number_retired_for_its_relapses_rests_before_it_is_used_again() -> None:
    market = Market()
    market.hold(ONE)
    market.person(ONE, Event.REST)
    market.person(ONE, Event.REINSTATE)
    market.emit(NumberTransition(market.now, ONE, "recovery", "retired", "exhausted", "too often", {}, ""))
    market.person(ONE, Event.RELEASE)
    market.emit(*again(market).facts)
    market.now += 59 * DAY
    assert market.review() == []
    market.now += DAY
    assert market.review() == [f"{ONE} begin"]


def test_who_reinstates_a_number_ends_its_rest() -> None:
    market = released(Event.REST, Event.REINSTATE)
    market.emit(*again(market).facts)
    assert market.review() == [f"{ONE} begin"]


def test_calls_of_today_count_against_the_cap_of_a_number_that_came_back() -> None:
    market = Market()
    market.hold(ONE)
    for i in range(3):
        taken = market.take(f"+1415555999{i}")
        assert not isinstance(taken, Nobody)
        market.emit(ended(taken.call, market.now))
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    market.emit(*again(market).facts)
    life = market.book.life(ONE)
    assert life is not None
    assert life.today == 3


def test_a_call_that_is_up_while_its_number_is_given_back_ends_as_any() -> None:
    market = Market()
    market.hold(ONE)
    taken = market.take()
    assert not isinstance(taken, Nobody)
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    market.emit(ended(taken.call, market.now))
    market.emit(*again(market).facts)
    life = market.book.life(ONE)
    assert life is not None
    assert life.concurrent == 0


def test_a_number_that_was_given_back_is_no_longer_signed_for() -> None:
    market = Market()
    market.hold(ONE)
    signing = Attestations(market.book)
    key = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    signing.follow(Attestation(sign={"acme": SigningKey("https://certificates.example.org/acme.pem", key)}))
    dialer = Trunk("dialer", "acme")
    assert signing.level(dialer, ONE, market.now) == "A"
    for event in (Event.RETIRE, Event.RELEASE):
        market.person(ONE, event)
    assert signing.level(dialer, ONE, market.now) == "B", "the proof is in date, and the number is not ours"


def test_a_released_number_is_no_number_of_its_pool_also_after_a_restart() -> None:
    market = released(Event.REST)
    market.person(TWO, Event.RETIRE)
    market.person(TWO, Event.RELEASE)
    loaded = market.empty()
    loaded.load(list(market.book.dump()))
    for book in (market.book, loaded):
        market.book = book
        found = market.choose()
        assert isinstance(found, Nobody)
        assert (found.refusal.code, found.excluded) == ("numbers.no_pool", {})
    assert market.book.suspicions(ONE, market.now) == []
    market.emit(added(ONE))
    assert market.state(ONE) == "stock"
