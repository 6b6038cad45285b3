"""`trunkline numbers` and `trunkline dnc` in careless hands: a list built from the wrong column, files nobody should feed them."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from trunkline.cli import app
from trunkline.numbers import NumberBook, read_csv
from trunkline.numbers.reputation import PROBLEM_LIMIT, read_labels

RUNNER = CliRunner()
AT = 1_790_000_000_000_000
HEADER = "number,owner,type,country,area,use,pool,proof,proof_from,proof_until,start\n"


def row(number: int, start: str = "production", until: str = "", area: str = "") -> str:
    return f"+1415{2200000 + number},lab,geographic,US,{area},sales,sales,loa,1970-01-01,{until},{start}\n"


def test_a_proof_that_ended_the_day_time_began_has_ended() -> None:
    book = NumberBook()
    for fact in read_csv(HEADER + row(0, until="1970-01-01"), book.inventory, book.areas, AT, "me").facts:
        book.apply(fact)
    assert not book.inventory.holdings["+14152200000"].proven(AT)


@pytest.mark.parametrize("area", ["x" * 10_000, "\x1b[2J", "a\x00b"])
def test_a_cell_that_no_terminal_should_show_is_refused(area: str) -> None:
    book = NumberBook()
    found = read_csv(HEADER + row(0, area=area), book.inventory, book.areas, AT, "me")
    assert not found.facts
    assert found.problems[0].line == 2


def test_of_a_million_faults_a_hundred_are_told() -> None:
    found = read_labels("number,label,engine,source,seen\n" + "x,y,z,,q\n" * 10_000, AT)
    assert PROBLEM_LIMIT <= len(found) <= PROBLEM_LIMIT + 5


def test_a_list_is_not_emptied_by_a_wrong_column_or_an_empty_file(tmp_path: Path) -> None:
    numbers, empty = tmp_path / "n.csv", tmp_path / "empty"
    numbers.write_text("+14155550100\n")
    empty.write_text("")
    data = ["--data", str(tmp_path)]
    assert RUNNER.invoke(app, ["dnc", "build", str(numbers), *data]).exit_code == 0
    for wrong in ([str(empty)], [str(numbers), "--columns", "9"]):
        assert RUNNER.invoke(app, ["dnc", "build", *wrong, *data]).exit_code == 2
        assert RUNNER.invoke(app, ["dnc", "check", "+14155550100", *data]).exit_code == 1


@pytest.mark.parametrize("body", [gzip.compress(b"+14155550101\n" * 50)[:20], b"\x1f\x8b\x08" + b"\xff" * 40, gzip.compress(b'"' + b"1" * 200_000)], ids=["cut", "garbled", "endless"])
def test_a_packed_list_that_cannot_be_read_changes_nothing_and_says_so(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "n.gz").write_bytes(body)
    done = RUNNER.invoke(app, ["dnc", "add", "--from", str(tmp_path / "n.gz"), "--data", str(tmp_path)])
    assert (done.exit_code, "nothing was changed" in done.output) == (2, True)


@pytest.mark.parametrize("tenant", ["a b", "x\ny", "../x", "a/b", "x" * 65])
def test_a_tenant_no_policy_could_name_has_no_list(tmp_path: Path, tenant: str) -> None:
    assert RUNNER.invoke(app, ["dnc", "add", "+14155550100", "--tenant", tenant, "--data", str(tmp_path)]).exit_code == 2
    assert not list(tmp_path.glob("dnc/*"))
