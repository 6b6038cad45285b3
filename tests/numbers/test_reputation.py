"""Observations of labels: from a file or one at a time, kept, counted, and forgotten in time."""

from tests.numbers.market import DAY, HOUR, START, Market
from trunkline.facts.numbers import NumberLabelled
from trunkline.numbers import observe, read_labels
from trunkline.numbers.reputation import KEPT

HEADER = "number,label,engine,source,seen\n"
OURS = "+14155550100"


def test_a_file_of_observations_becomes_facts() -> None:
    facts = read_labels(HEADER + "+14155550100,spam,hiya,probe,2026-03-01T10:00:00+02:00\n+14155550101,clean,tns,probe,2026-02-28\n", START)
    assert facts == [
        NumberLabelled(START, START - 4 * 3_600_000_000, "+14155550100", "spam", "hiya", "probe"),
        NumberLabelled(START, START - DAY - DAY // 2, "+14155550101", "clean", "tns", "probe"),
    ]


def test_faults_name_line_column_and_fix_and_nothing_is_taken() -> None:
    problems = read_labels(HEADER + "+14155550100,spam,hiya,probe,2026-03-01\n4155550100,spma,,probe,2026-03-01\n+14155550100,spam,hiya,probe,2027-01-01\n+14155550100,spam,hiya,probe,2026-03-01T10:00\nx\n", START)
    assert [(one.line, one.path) for one in problems if not isinstance(one, NumberLabelled)] == [(3, "label"), (3, "number"), (3, "engine"), (4, "seen"), (5, "seen"), (6, "")]
    assert str(problems[0]) == "line 3: label: there is no label `spma`; did you mean `spam`?"
    assert len(read_labels("a,b\n", START)) == 1


def test_one_observation_by_hand_is_of_now_unless_it_says_otherwise() -> None:
    assert observe("+14155550100", "warn", "hiya", "ann", "", START) == NumberLabelled(START, START, "+14155550100", "warn", "hiya", "ann")
    assert isinstance(observe("+14155550100", "warn", "hi|ya", "ann", "", START), list)


def taken(market: Market, text: str, written: int) -> int:
    """How many observations of a file are new, as the node takes them."""
    facts = [fact for fact in read_labels(HEADER + text, market.now, written) if isinstance(fact, NumberLabelled)]
    new = 0
    for fact in facts:
        if not market.book.reputations.has(fact):
            market.emit(fact)
            new += 1
    return new


def test_a_row_without_its_moment_is_of_when_its_file_was_written_and_counts_once_whenever_it_is_imported() -> None:
    market = Market()
    market.hold(OURS)
    rows, written = f"{OURS},spam,hiya,probe,\n{OURS},clean,tns,probe,\n", START - HOUR
    assert taken(market, rows, written) == 2
    market.now += DAY
    assert taken(market, rows, written) == 0, "a day later"
    assert len(market.book.reputations.bad(OURS, market.now, 2 * DAY)) == 1


def test_one_source_that_says_the_same_again_that_day_is_one_observation() -> None:
    market = Market()
    market.hold(OURS)
    market.now += 2 * DAY
    assert taken(market, f"{OURS},spam,hiya,probe,\n", START) == 1
    assert taken(market, f"{OURS},spam,hiya,probe,\n", START + HOUR) == 0, "the same list, fetched again"
    assert taken(market, f"{OURS},spam,hiya,other,\n{OURS},spam,tns,probe,\n", START) == 2, "another pair of eyes, another engine"
    assert taken(market, f"{OURS},clean,hiya,probe,\n", START + 2 * HOUR) == 1, "it changed"
    assert taken(market, f"{OURS},spam,hiya,probe,\n", START + 3 * HOUR) == 1, "and back"
    assert taken(market, f"{OURS},spam,hiya,probe,\n", START + DAY) == 1, "it stands another day"


def test_what_is_older_than_all_that_is_kept_is_not_taken_twice_and_drives_nothing_out() -> None:
    market = Market()
    market.hold(OURS)
    for day in range(KEPT + 2):
        taken(market, f"{OURS},spam,hiya,probe,\n", START - (KEPT + 2 - day) * DAY)
    kept = market.book.reputations.of(OURS)
    assert kept is not None
    newest = kept.seen[-1].at
    assert taken(market, f"{OURS},spam,hiya,probe,\n", START - (KEPT + 2) * DAY) == 0
    market.label(OURS, "clean", seen=START - 100 * DAY)
    assert kept.seen[-1].at == newest


def test_labels_of_numbers_that_are_not_ours_are_nobodys() -> None:
    market = Market()
    market.label("+14155550100")
    assert market.book.reputations.rates("pool", 0) == []


def test_observations_of_a_number_are_bounded() -> None:
    market = Market()
    market.hold("+14155550100")
    for _ in range(KEPT + 20):
        market.label("+14155550100", "clean")
    kept = market.book.reputations.of("+14155550100")
    assert kept is not None
    assert len(kept.seen) == KEPT
    assert market.book.reputations.rates("pool", 0)[0].looked == KEPT + 20


def test_opt_outs_are_counted_beside_complaints() -> None:
    from trunkline.facts.numbers import NumberComplaint

    market = Market()
    market.hold("+14155550100")
    market.emit(NumberComplaint(market.now, "+14155550100", "+12125550000", "opt_out", "ivr", "pressed 9"))
    market.complain("+14155550100")
    kept = market.book.reputations.of("+14155550100")
    assert kept is not None
    assert (kept.opt_outs, len(kept.complaints)) == (1, 2)
    assert market.book.reputations.complaints("+14155550100", market.now + 1) == 0


def test_tallies_are_forgotten_in_time_after_a_restart_too() -> None:
    market = Market()
    market.hold("+14155550100", "+14155550101")
    market.label("+14155550100")
    other = market.empty()
    other.load(list(market.book.dump()))
    market.book = other
    market.now += 121 * DAY
    market.label("+14155550101", "clean")
    assert [(rate.looked, rate.labelled) for rate in market.book.reputations.rates("pool", 0)] == [(1, 0)]
