"""`trunkline numbers import` when it is cut short, runs twice at once, or brings back what was given away."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.counterparts.phones import loopback
from tests.counterparts.serving import ServedNode, simple_policy
from tests.records.samples import NOON_US
from trunkline.cli import app
from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberTransition
from trunkline.numbers import read_csv, write_csv
from trunkline.numbers.areas import Areas
from trunkline.numbers.inventory import Inventory

RUNNER = CliRunner()
HEADER = "number,owner,type,country,use,pool,proof,proof_from,start\n"


def rows(count: int, start: str = "production", owner: str = "lab", pool: str = "sales") -> str:
    return HEADER + "".join(f"+1415{2200000 + i},{owner},geographic,US,sales,{pool},loa,1970-01-01,{start}\n" for i in range(count))


def numbers(data: Path, *args: str) -> Result:
    return RUNNER.invoke(app, ["numbers", *args, "--data", str(data)])


def imported(data: Path, text: str) -> Result:
    """A file imported, from beside the data directory."""
    path = data.parent / "n.csv"
    path.write_text(text)
    return numbers(data, "import", str(path))


@contextmanager
def answering(data: Path, answer: Callable[[list[dict[str, str]]], bytes]) -> Iterator[list[list[dict[str, str]]]]:
    """A control socket that answers as it is told to; the facts of every request."""
    (data / "journal").mkdir(parents=True)
    requests: list[list[dict[str, str]]] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as line:
                requests.append(json.loads(line.readline())["facts"])
                line.write(answer(requests[-1]) + b"\n")

    listening = socket.socket(socket.AF_UNIX)
    folder = os.open(data, os.O_PATH)  # a socket path is at most 107 bytes long
    listening.bind(f"/proc/self/fd/{folder}/control.sock")
    os.close(folder)
    listening.listen()
    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield requests
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def taken(facts: list[dict[str, str]]) -> bytes:
    return b'{"ok":true,"result":{"taken":%d}}' % len(facts)


def test_a_number_and_where_it_starts_travel_in_one_request(tmp_path: Path) -> None:
    """An import cut short between the two would leave a number that is warmed up though the file says it is in production, also after the next import."""
    text = rows(300).replace(",production", ",", 1)
    with answering(tmp_path / "data", taken) as requests:
        done = imported(tmp_path / "data", text)
    assert done.exit_code == 0, done.output
    assert len(requests) > 5
    assert not [facts for facts in requests if facts[0]["fact"] == "number_transition"]
    assert sum(map(len, requests)) == 599


def test_an_import_that_is_cut_short_says_how_far_it_came_and_how_to_go_on(tmp_path: Path) -> None:
    asked: list[int] = []

    def full_at_the_third(facts: list[dict[str, str]]) -> bytes:
        asked.append(len(facts))
        return taken(facts) if len(asked) < 3 else b'{"ok":false,"error":"nothing was taken: the disk is full"}'

    with answering(tmp_path / "data", full_at_the_third):
        done = imported(tmp_path / "data", rows(300))
    assert done.exit_code == 1
    assert "nothing was taken: the disk is full; 200 of 600 changes are on record: the same command again sends the rest" in done.output


def test_of_two_imports_at_once_the_second_is_told_and_changes_nothing(tmp_path: Path) -> None:
    first_is_asking, second_is_done = threading.Event(), threading.Event()

    def slow(facts: list[dict[str, str]]) -> bytes:
        first_is_asking.set()
        second_is_done.wait(10)
        return taken(facts)

    data, one = tmp_path / "data", tmp_path / "one.csv"
    one.write_text(rows(10))
    with answering(data, slow) as requests:
        with subprocess.Popen([sys.executable, "-m", "trunkline", "numbers", "import", str(one), "--data", str(data)], stdout=subprocess.DEVNULL) as first:
            assert first_is_asking.wait(20)
            second = imported(data, rows(20))
            second_is_done.set()
        assert (first.returncode, second.exit_code) == (0, 1)
        assert "another import is under way; nothing was changed" in second.output
        assert imported(data, rows(20)).exit_code == 0, "nothing is left of the lock"
    assert [len(facts) for facts in requests] == [20, 40]


@pytest.fixture
def node(tmp_path: Path) -> ServedNode:
    at = loopback()
    return ServedNode(tmp_path, simple_policy(loopback(), f"{loopback()}:5060"), [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")])


def facts_of(node: ServedNode, kind: type) -> list[Any]:
    return [fact for fact in node.facts() if isinstance(fact, kind)]


@pytest.mark.sockets
def test_the_same_file_again_sends_what_an_import_cut_short_left_out_and_then_nothing(tmp_path: Path, node: ServedNode) -> None:
    async def scenario() -> None:
        async with node:
            assert (await asyncio.to_thread(imported, node.data, rows(150))).exit_code == 0
            whole = await asyncio.to_thread(imported, node.data, rows(400))
            assert "250 added, 0 changed, 150 as they were" in whole.output
            again = await asyncio.to_thread(imported, node.data, rows(400))
            assert "0 added, 0 changed, 400 as they were" in again.output
            assert (len(facts_of(node, NumberAdded)), len(facts_of(node, NumberTransition))) == (400, 400)

    asyncio.run(scenario())


@pytest.mark.sockets
def test_twenty_thousand_numbers_are_on_record_within_three_seconds_of_the_commands_own_time(tmp_path: Path, node: ServedNode) -> None:
    async def scenario() -> None:
        async with node:
            began = time.process_time()
            done = await asyncio.to_thread(imported, node.data, rows(20_000, ""))
            assert "20000 added" in done.output
            assert time.process_time() - began < 3.0
            assert len(facts_of(node, NumberAdded)) == 20_000

    asyncio.run(scenario())


@pytest.mark.sockets
def test_a_number_that_was_given_back_comes_again_to_another_tenant_and_is_no_row_of_the_export_meanwhile(tmp_path: Path, node: ServedNode) -> None:
    ours = "+14152200000"

    async def scenario() -> None:
        async with node:
            assert (await asyncio.to_thread(imported, node.data, rows(1))).exit_code == 0
            for event in ("retire", "release"):
                assert (await asyncio.to_thread(numbers, node.data, "override", ours, event, "--reason", "the contract ended")).exit_code == 0
            assert ours not in (await asyncio.to_thread(numbers, node.data, "export")).output
            assert "released" in (await asyncio.to_thread(numbers, node.data, "list")).output
            assert "released" in (await asyncio.to_thread(numbers, node.data, "show", ours)).output
            back = await asyncio.to_thread(imported, node.data, rows(1, owner="other", pool="theirs"))
            assert "1 added" in back.output, back.output
            assert "owner other of 1 numbers is no tenant of the policy in force" in back.output
            shown = await asyncio.to_thread(numbers, node.data, "show", ours, "--json")
            assert [json.loads(shown.output)[name] for name in ("owner", "pool", "state")] == ["other", "theirs", "production"]

    asyncio.run(scenario())


def test_an_import_cut_short_anywhere_is_an_inventory_and_ends_as_it_would_have() -> None:
    """Whatever part of the facts came through: the file is still good, and what it sends then is the rest, to the fact."""
    before = Inventory()
    for fact in read_csv(rows(4) + "+14152300000,lab,geographic,US,sales,other,,,\n", before, Areas(()), NOON_US, "anna").facts:
        if not isinstance(fact, NumberTransition):
            before.apply(fact)
    text = rows(9, pool="spring")  # four move to another pool, five are new
    facts = read_csv(text, before, Areas(()), NOON_US, "anna").facts
    assert len([fact for fact in facts if isinstance(fact, NumberChanged)]) == 4
    for taken in range(len(facts) + 1):
        part = Inventory()
        part.load(list(before.dump()))
        for fact in facts[:taken]:
            if not isinstance(fact, NumberTransition):
                part.apply(fact)
        again = read_csv(text, part, Areas(()), NOON_US, "anna")
        assert not again.problems
        assert [fact for fact in again.facts if not isinstance(fact, NumberTransition)] == [fact for fact in facts[taken:] if not isinstance(fact, NumberTransition)]
        assert not read_csv(write_csv(part.holdings), part, Areas(()), NOON_US, "anna").problems
