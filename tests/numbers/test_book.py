"""The fold: a checkpoint is of one moment, comes back as it was, and says what the facts say."""

from random import Random

import msgspec
import pytest

from tests.numbers.market import DAY, SECOND, START, Market, added, ended
from trunkline.facts.numbers import NumberFact, NumberTaken
from trunkline.facts.record import NodeStarted
from trunkline.numbers import Ask, Chosen, Event, Nobody, NumberBook
from trunkline.numbers.gathering import Gathering
from trunkline.numbers.life import Life
from trunkline.policy.number_rules import Rules
from trunkline.records import Checkpoint, Position, load, save

BUSY = Rules(per_minute=10, per_hour=90, per_day=400, concurrent=10, false_alarm_attempts=1_000)


def lived() -> Market:
    """A market with something of everything in it."""
    market = Market(BUSY)
    market.hold(*(f"+1415555{i:04}" for i in range(60)))
    market.hold(*(f"+1212555{i:04}" for i in range(60)), pool="service", use="service", state=None)
    for _ in range(2):
        market.review()
        market.day_of_calls(600, lambda number, gateway: 0.05 if number.endswith("1") else 0.4)
        market.day_of_calls(400, lambda number, gateway: 0.4, "service")
    market.label("+14155550002")
    market.label("+14155550002", engine="tns")
    market.complain("+14155550003")
    market.review()
    market.take("+12125550009")
    return market


def test_a_book_is_what_its_facts_say_and_nothing_of_when_it_was_asked() -> None:
    market = lived()
    again = market.empty()
    for fact in market.journal:
        again.apply(fact)
    assert list(again.dump()) == list(market.book.dump())


def test_a_checkpoint_comes_back_and_goes_on_as_if_nothing_had_happened(tmp_path) -> None:  # type: ignore[no-untyped-def]
    market = lived()
    save(tmp_path, Checkpoint(Position("segment-20260301T120000Z-000001.ndjson", 10), {"numbers": list(market.book.dump())}))
    restored = load(tmp_path).checkpoint
    assert restored is not None
    other = market.empty()
    other.load(restored.folds["numbers"])
    assert sorted(other.dump()) == sorted(market.book.dump())
    ask, at = Ask("sales-us", "+12125550009", "acme"), market.now + SECOND
    mine, theirs = other.choose(ask, at, Random(3)), market.book.choose(ask, at, Random(3))
    assert isinstance(mine, Chosen)
    assert isinstance(theirs, Chosen)
    assert (mine.number, mine.why, mine.room, mine.excluded) == (theirs.number, theirs.why, theirs.room, theirs.excluded)
    assert other.callback("+14155550001", "+12125550009") == market.book.callback("+14155550001", "+12125550009")
    assert [other.active(pool) for pool in ("sales-us", "service")] == [market.book.active(pool) for pool in ("sales-us", "service")]
    for i in range(30):
        ask = Ask("sales-us", f"+1212556{i:04}", "acme")
        mine, theirs = market.book.choose(ask, at, Random(i)), other.choose(ask, at, Random(i))
        assert isinstance(mine, Chosen)
        assert isinstance(theirs, Chosen)


def test_a_checkpoint_is_of_the_moment_it_was_begun_though_calls_go_on() -> None:
    market = lived()
    whole = list(market.book.dump())
    pieces = market.book.dump()
    begun = [next(pieces) for _ in range(2)]
    for i in range(200):
        taken = market.take(f"+1303{2_000_000 + i}")
        assert isinstance(taken, NumberTaken)
        market.now += SECOND
        if i % 2:
            market.emit(ended(taken.call, market.now, 1.0))
        if i == 50:
            begun.append(next(pieces))
    market.label("+14155550004")
    market.person("+14155550005", Event.REST)
    gathered = begun + list(pieces)
    names = ("inventory", "lives", "open", "alarms", "evidence", "reputations", "history")
    assert [piece for piece in gathered if msgspec.msgpack.decode(piece)[0] in names] == [piece for piece in whole if msgspec.msgpack.decode(piece)[0] in names]


def test_the_tail_replayed_over_a_gathered_checkpoint_gives_what_the_whole_journal_gives() -> None:
    market = lived()
    pieces, position = market.book.dump(), len(market.journal)
    gathered = [next(pieces)]
    for i in range(50):
        market.take(f"+1303{2_000_000 + i}")
        gathered.append(next(pieces))
    gathered += list(pieces)
    other = market.empty()
    other.load(gathered)
    for fact in market.journal[position:]:
        other.apply(fact)
    assert sorted(other.dump()) == sorted(market.book.dump())


def test_a_second_checkpoint_begun_before_the_first_ended_is_whole() -> None:
    rows: Gathering[Life] = Gathering(Life)
    rows.rows = {str(i): Life(str(i)) for i in range(120)}
    first = rows.dump()
    next(first)
    second = rows.dump()
    rows.touch("110")
    rows.rows["110"].total = 9
    lives = [life for piece in second for life in msgspec.msgpack.decode(piece, type=list[Life])]
    assert [life.total for life in lives] == [0] * 120


def test_a_checkpoint_that_cannot_be_read_leaves_nothing_behind() -> None:
    market = lived()
    pieces = list(market.book.dump())
    with pytest.raises(ValueError, match="cannot be read"):
        market.book.load([*pieces[:-1], b"\xc1"])
    assert not market.book.inventory.holdings
    assert isinstance(market.choose(), Nobody)


def test_pieces_are_small() -> None:
    market = lived()
    assert max(map(len, market.book.dump())) < 64_000


def test_calls_of_before_a_restart_hold_no_number() -> None:
    market = Market(Rules(concurrent=1))
    market.hold("+14155550100")
    taken = market.take()
    assert isinstance(taken, NumberTaken)
    market.now += 120 * SECOND
    assert isinstance(market.choose("+12125550001"), Nobody)
    market.emit(NodeStarted(market.now, "n1", "1"))
    assert isinstance(market.choose("+12125550001"), Chosen)
    market.emit(ended(taken.call, market.now))
    life = market.book.life("+14155550100")
    assert life is not None
    assert life.concurrent == 0


def test_a_fact_told_twice_counts_a_call_once() -> None:
    market = Market(BUSY)
    market.hold("+14155550100")
    taken = market.take()
    assert isinstance(taken, NumberTaken)
    market.emit(taken)
    life = market.book.life("+14155550100")
    assert life is not None
    assert (life.today, life.concurrent) == (1, 1)


def test_a_number_moved_to_another_pool_is_counted_and_chosen_there() -> None:
    from trunkline.facts.numbers import NumberChanged

    market = Market(BUSY)
    market.hold("+14155550100")
    market.emit(NumberChanged(market.now, "+14155550100", {"pool": "spring"}, "ann"))
    assert (market.book.active("sales-us"), market.book.active("spring")) == (0, 1)
    assert isinstance(market.choose(), Nobody)
    assert isinstance(market.choose(pool="spring"), Chosen)


def test_churn_shows_numbers_begun_rested_and_retired() -> None:
    market = Market(BUSY)
    market.hold(*(f"+1415555010{i}" for i in range(5)))
    market.day_of_calls(50, lambda number, gateway: 0.3)
    market.person("+14155550100", Event.REST)
    market.person("+14155550101", Event.RETIRE)
    market.hold("+14155550109")
    churn = market.book.history.churn("sales-us", START // DAY - 1, START // DAY + 2)
    assert (churn.begun, churn.rested, churn.retired) == (6, 1, 1)
    assert churn.per_100_number_days > 0


def test_every_fact_survives_the_journals_encoding() -> None:
    for fact in lived().journal:
        if type(fact).__module__.endswith("facts.numbers"):
            assert msgspec.json.decode(msgspec.json.encode(fact), type=NumberFact) == fact


def test_a_review_in_small_steps_finds_what_a_review_of_all_finds() -> None:
    market = Market(BUSY)
    for i in range(100):
        market.emit(added(f"+1415555{i:04}"))
    found = [fact for _ in range(8) for fact in market.book.review(market.now, 16)]
    assert len({fact.number for fact in found}) == 100  # type: ignore[union-attr]


def test_a_book_remembers_a_bounded_number_of_callees() -> None:
    book = NumberBook(lambda pool: BUSY, contacts=1_024)
    book.apply(added("+14155550100"))
    for i in range(5_000):
        book.apply(NumberTaken(START + i, f"c{i}", "+14155550100", f"+1212{i:07}", "sales-us", "", "", "any", -1.0, 1, {}))
    assert len(book.contacts) <= 1_024


def test_a_call_no_carrier_took_uses_nothing_of_its_number() -> None:
    market = Market(Rules(per_hour=2, per_minute=2, concurrent=2))
    market.hold("+14155550100")
    for _ in range(5):
        taken = market.take("+12125550123")
        assert isinstance(taken, NumberTaken)
        market.emit(msgspec.structs.replace(ended(taken.call, market.now), attempts=0, called="+12125550123"))
    life = market.book.life("+14155550100")
    assert life is not None
    assert (life.today, life.total, life.concurrent, bytes(life.recent)) == (0, 0, 0, b"")
    assert market.book.contacts.last("sales-us", "+12125550123") is None
    first = market.take("+12125550123")
    assert isinstance(first, NumberTaken)
    market.emit(ended(first.call, market.now))
    second = market.take("+12125550123")
    assert isinstance(second, NumberTaken)
    market.emit(msgspec.structs.replace(ended(second.call, market.now), attempts=0, called="+12125550123"))
    contact = market.book.contacts.last("sales-us", "+12125550123")
    assert contact is not None
    assert contact.number == "+14155550100", "it saw the number with the first call, whatever became of the second"
