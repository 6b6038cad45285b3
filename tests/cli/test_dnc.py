"""`trunkline dnc` as a person uses it, against a folder a running node would read."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from trunkline.cli.dnc import app
from trunkline.guard.do_not_call import Lists


def run(data: Path, *arguments: str | Path, text: str | None = None) -> Any:
    return CliRunner().invoke(app, [*(str(argument) for argument in arguments), "--data", str(data)], input=text)


def test_a_list_is_built_looked_into_and_changed(tmp_path: Path) -> None:
    source = tmp_path / "list.txt"
    source.write_text("+14155550100\n+1 (415) 555-0101\n# a comment\n+14155550100\n")
    built = run(tmp_path, "build", source)
    assert (built.exit_code, built.output) == (0, "all: 2 numbers, 0 before\n")
    lists = Lists(tmp_path / "dnc")
    added = run(tmp_path, "add", "+14155550102", "14155550100")
    assert added.stdout == "all: 3 numbers, 1 new\n"
    assert "14155550100 is read as +14155550100 (US)" in added.stderr
    assert "+4155550123 (CH)" in run(tmp_path, "add", "4155550123").stderr, "ten digits of a North American number are Swiss"
    run(tmp_path, "remove", "+4155550123")
    assert lists.look() == ["all"], "a node that looks has it"
    assert lists.holds("acme", 14155550102) == "all"
    assert run(tmp_path, "remove", "+14155550100").output == "all: 2 numbers, 1 taken off\n"
    on, off = run(tmp_path, "check", "+14155550102"), run(tmp_path, "check", "+14155550100")
    assert (on.exit_code, on.output) == (1, "+14155550102: on all\n")
    assert (off.exit_code, off.output) == (0, "+14155550100: on no list\n")


def test_a_tenant_has_a_list_of_its_own(tmp_path: Path) -> None:
    run(tmp_path, "add", "+14155550100", "--tenant", "acme")
    assert Lists(tmp_path / "dnc").holds("acme", 14155550100) == "acme"
    assert json.loads(run(tmp_path, "check", "+14155550100", "--json").output) == {"+14155550100": ["acme"]}
    rows = json.loads(run(tmp_path, "info", "--json").output)
    assert [(row["list"], row["numbers"], row["bytes"], row["old"]) for row in rows] == [("acme", 1, 40, False)]
    assert "acme" in run(tmp_path, "info").output


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("name,phone\nAnn,4155550100\n", ["--columns", "phone"]),
        ("415,5550100\n", ["--columns", "1,2"]),
        ("phone\n1-415-555-0100\n", []),
        ("Ann,4155550100\n", ["--columns", "2"]),
    ],
)
def test_lists_come_in_many_shapes(tmp_path: Path, text: str, options: list[str]) -> None:
    source = tmp_path / "list.csv.gz"
    source.write_bytes(gzip.compress(text.encode()))
    built = run(tmp_path, "build", source, "--country", "1", *options)
    assert (built.exit_code, built.output) == (0, "all: 1 numbers, 0 before\n")
    assert 14155550100 in _numbers(tmp_path)


def test_a_list_may_come_through_a_pipe(tmp_path: Path) -> None:
    assert run(tmp_path, "build", "-", text="+442079460000\n").exit_code == 0
    assert 442079460000 in _numbers(tmp_path)


def test_lines_without_a_number_are_counted_and_the_rest_is_in_force(tmp_path: Path) -> None:
    built = run(tmp_path, "build", "-", text="+442079460000\nnobody\n12\n")
    assert built.exit_code == 1
    assert "2 lines hold no number; the first is line 2: nobody" in built.output
    assert 442079460000 in _numbers(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add"], "no numbers"),
        (["add", "hello"], "hello: not a number"),
        (["add", "+14155550100", "--tenant", "../x"], "not the name of a tenant"),
        (["add", "+14155550100", "--tenant", "all"], "leave --tenant out"),
        (["build", "/nowhere/list.txt"], "No such file"),
        (["check", "hello"], "not a number"),
    ],
)
def test_mistakes_end_with_two_and_say_what_to_do(tmp_path: Path, arguments: list[str], said: str) -> None:
    found = run(tmp_path, *arguments)
    assert found.exit_code == 2, found.output
    assert said in found.output
    assert not list((tmp_path / "dnc").glob("*.dnc")) if (tmp_path / "dnc").exists() else True


def test_an_unknown_column_is_named(tmp_path: Path) -> None:
    found = run(tmp_path, "build", "-", "--columns", "mobile", text="name,phone\nAnn,+14155550100\n")
    assert found.exit_code == 2
    assert "no column `mobile`; there are name, phone" in found.output


def test_without_a_list_info_says_how_to_make_one(tmp_path: Path) -> None:
    assert "trunkline dnc build FILE" in run(tmp_path, "info").output


def _numbers(data: Path) -> set[int]:
    lists = Lists(data / "dnc")
    return {number for number in (14155550100, 442079460000) if lists.holds("", number)}
