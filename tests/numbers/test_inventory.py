"""Inventory: CSV to facts and back; a file is taken whole or not at all, and says what is wrong with it."""

import time

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.numbers.market import START, added
from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberTransition
from trunkline.numbers import Areas, NumberBook, read_csv, write_csv
from trunkline.numbers.inventory import COLUMNS, Import, Inventory, implausible
from trunkline.policy.areas import Area

GOOD = "+14155550123,acme,geographic,US,,sales,sales-us,alpha,loa-7,2026-01-01,2026-12-31,reception"
HEADER = ",".join(COLUMNS)


def imported(*rows: str, header: str = HEADER, book: NumberBook | None = None) -> Import:
    return read_csv("\n".join([header, *rows]), (book or NumberBook()).inventory, Areas(), START, "ann")


def test_a_row_becomes_a_fact_with_its_author_and_the_area_of_its_prefix() -> None:
    (fact,) = imported(GOOD).facts
    assert isinstance(fact, NumberAdded)
    assert (fact.number, fact.owner, fact.area, fact.proof_until, fact.author, fact.at) == ("+14155550123", "acme", "415", "2026-12-31", "ann", START)


def test_a_spreadsheet_separates_by_semicolons_or_tabs() -> None:
    for separator in ";\t":
        found = imported(GOOD.replace(",", separator), header=HEADER.replace(",", separator))
        assert (found.facts, found.problems) == (imported(GOOD).facts, ())


def test_importing_again_changes_nothing_and_a_changed_cell_is_a_change_of_that_cell() -> None:
    book = NumberBook()
    for fact in imported(GOOD).facts:
        book.apply(fact)
    again = imported(GOOD, book=book)
    assert (again.facts, again.unchanged) == ((), 1)
    (fact,) = imported(GOOD.replace("reception", "desk"), book=book).facts
    assert fact == NumberChanged(START, "+14155550123", {"callback": "desk"}, "ann")
    book.apply(fact)
    assert book.inventory.holdings["+14155550123"].callback == "desk"


def test_export_is_a_file_import_finds_nothing_to_change_in() -> None:
    book = NumberBook()
    for fact in imported(GOOD, GOOD.replace("0123", "0124").replace("reception", '"a, ""b"""')).facts:
        book.apply(fact)
    again = read_csv(write_csv(book.inventory.holdings), book.inventory, Areas(), START, "ann")
    assert (again.problems, again.facts, again.unchanged) == ((), (), 2)


def test_a_number_in_use_elsewhere_may_start_in_production() -> None:
    facts = imported(GOOD + ",production", header=HEADER + ",start").facts
    assert [type(fact) for fact in facts] == [NumberAdded, NumberTransition]
    book = NumberBook()
    for fact in facts:
        book.apply(fact)
    life = book.life("+14155550123")
    assert life is not None
    assert life.state == "production"


def test_each_fault_names_its_line_its_column_and_a_fix_and_nothing_is_imported() -> None:
    rows = [
        GOOD,
        GOOD,
        "4155550125,acme,geographic,US,,sales,sales-us,,,,,",
        "+14155550126,acme,landline,us,,sales,sales-us,,loa,,,",
        "+14155550127,acme,mobile,US,,sales,sales-us,,loa,2026-13-01,,",
        "+14155550128,acme,mobile,US,,collections,sales-us,,,,,",
        "+14155550129,acme,mobile,US,,sales,sales-us,,loa,2026-02-01,2026-01-01,",
        "+14155550130,acme",
        "+11155550131,acme,mobile,US,,sales,sales-us,,,2026-01-01,,",
    ]
    result = imported(*rows)
    assert result.facts == ()
    assert [(problem.line, problem.path) for problem in result.problems] == [
        (3, "number"), (4, "number"), (5, "type"), (5, "country"), (5, "proof_from"), (6, "proof_from"), (7, "pool"), (8, "proof_until"), (9, ""), (10, "number"), (10, "proof"),
    ]  # fmt: skip
    assert all(problem.fix for problem in result.problems)
    assert str(result.problems[0]).startswith("line 3")


def test_an_unknown_column_is_met_with_the_nearest_and_a_missing_one_named() -> None:
    result = imported(header=HEADER.replace("owner", "ownr"))
    assert [(problem.path, problem.fix) for problem in result.problems] == [("ownr", "did you mean `owner`?"), ("owner", f"begin with `{HEADER}`")]


def test_a_number_does_not_pass_to_another_tenant_by_a_file() -> None:
    book = NumberBook()
    book.apply(added("+14155550123"))
    result = imported(GOOD.replace("acme", "other").replace("sales-us", "other-us"), book=book)
    assert [problem.path for problem in result.problems] == ["owner"]


def test_proof_holds_from_its_first_to_its_last_day() -> None:
    inventory = Inventory()
    row = inventory.apply(added("+14155550123", proof_from="2026-03-01", proof_until="2026-03-02"))
    assert row is not None
    midnight = START - START % 86_400_000_000
    assert [row.proven(midnight + offset) for offset in (-1, 0, 2 * 86_400_000_000 - 1, 2 * 86_400_000_000)] == [False, True, True, False]
    bare = inventory.apply(added("+14155550124", proof="", proof_from=""))
    assert bare is not None
    assert not bare.proven(START)


def test_numbers_nobody_can_have_are_implausible() -> None:
    assert [bool(implausible(number)) for number in ("+14155550123", "+442079460000", "+1415555012", "+11155550123", "+14111234567", "+14159110000", "123", "+0123456789", "anonymous")] == [
        False, False, True, True, True, True, True, True, True,
    ]  # fmt: skip


def test_twenty_thousand_numbers_import_within_three_seconds_of_cpu() -> None:
    near = Areas((Area("sf", "US", ("1415",), 37.8, -122.4),))
    rows = [HEADER] + [f"+1{200 + i // 1_000}{2_220_000 + i % 1_000},acme,geographic,US,,sales,sales-us,alpha,loa,2026-01-01,2026-12-31,r" for i in range(20_000) if 200 + i // 1_000 != 211]
    book = NumberBook(areas=near)
    began = time.process_time()
    result = read_csv("\n".join(rows), book.inventory, near, START, "ann")
    for fact in result.facts:
        book.apply(fact)
    spent = time.process_time() - began
    assert (result.problems, result.added) == ((), 19_000)
    assert spent < 3.0


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='+0123456789,"\n\r aUS-;\x00é', max_size=200))
def test_no_text_at_all_breaks_the_reader(text: str) -> None:
    result = read_csv(HEADER + "\n" + text, Inventory(), Areas(), START, "ann")
    assert not (result.facts and result.problems)
