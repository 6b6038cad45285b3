"""`trunkline calls`, `call` and `ladder` as a person uses them: with a node, without one, and with mistakes."""

import json
import os
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from tests.records.samples import NOON_US, a_call
from trunkline.cli import source
from trunkline.cli.calls import call, calls
from trunkline.cli.ladder import ladder
from trunkline.facts.record import Attempt, Call, Fact, Ladder
from trunkline.records import Journal, segments

app = typer.Typer()
app.command()(calls)
app.command()(call)
app.command()(ladder)

LIVE = {"call": "live-7", "at": NOON_US, "state": "alerting", "trunk": "dialer-1", "called": "+14155550199"}


@pytest.fixture
def data() -> Iterator[Path]:
    """A data directory; a short path, for the address of a Unix socket holds 107 bytes."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        yield Path(place)


def run(*arguments: str | Path) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def write(data: Path, *facts: Fact, at: int = NOON_US) -> None:
    journal = Journal(data / "journal", low_water_bytes=0)
    for fact in facts:
        journal.append(fact)
    journal.flush(at)
    journal.close(at)


def refused(name: str, **changed: Any) -> Fact:
    """The record of a call nobody took."""
    record = a_call(name)[7]
    values = {
        "status": 503,
        "result": "unreachable",
        "refusal": "routing.exhausted",
        "state": "failed",
        "talk_ms": None,
    }
    return msgspec.structs.replace(record, **{**values, **changed})


class Node:
    """The control socket of a node: answers by `answers`, keeps what it was asked."""

    def __init__(self, data: Path, answers: Callable[[dict[str, Any]], bytes]) -> None:
        self.asked: list[dict[str, Any]] = []
        self._answers = answers
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(data / "control.sock"))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection, connection.makefile("rwb") as stream:
                line = stream.readline()
                if not line:
                    return
                self.asked.append(json.loads(line))
                stream.write(self._answers(self.asked[-1]))

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *given: object) -> None:
        with socket.socket(socket.AF_UNIX) as last:
            last.connect(self._listener.getsockname())
        self._thread.join()
        self._listener.close()


def holds_live(request: dict[str, Any]) -> bytes:
    if request["do"] == "calls":
        return json.dumps({"ok": True, "result": [LIVE]}).encode() + b"\n"
    if request["call"] != "live-7":
        return b'{"ok":false,"error":"no such call"}\n'
    if request["do"] == "call":
        return json.dumps({"ok": True, "result": LIVE}).encode() + b"\n"
    so_far = Ladder("live-7", NOON_US, ("dialer-1",), [])
    return b'{"ok":true,"result":' + msgspec.json.encode(so_far) + b"}\n"


def test_ended_calls_are_listed_newest_first_without_a_node(data: Path) -> None:
    write(data, *a_call("one"), *a_call("two"))
    result = run("calls", "--data", data)
    assert result.exit_code == 0
    assert result.output.index("two") < result.output.index("one ")
    assert "+14155550123" in result.output
    assert "813 ms" in result.output
    assert "No node answers" in result.output


def test_calls_in_progress_come_first_with_their_state(data: Path) -> None:
    write(data, *a_call("one"))
    with Node(data, holds_live):
        result = run("calls", "--data", data)
    assert "alerting" in result.output
    assert result.output.index("live-7") < result.output.index("Ended")
    assert "No node answers" not in result.output


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ([], ["live-7", "bad", "other", "one"]),
        (["--limit", "1"], ["live-7", "bad"]),
        (["--failed"], ["bad"]),
        (["--trunk", "dialer-2"], ["other"]),
        (["--carrier", "south"], ["bad"]),
        (["--since", "1h"], []),
    ],
)
def test_calls_are_filtered(data: Path, options: list[str], names: list[str]) -> None:
    """All samples are of 2026-03-01, so the last hour holds none of them."""
    other = msgspec.structs.replace(a_call("other")[7], trunk="dialer-2")
    write(data, *a_call("one"), other, refused("bad", carrier="south"))
    with Node(data, holds_live):
        found = json.loads(run("calls", "--data", data, "--json", *options).output)
    assert [row["call"] for row in found["in_progress"] + found["ended"]] == names


def test_damage_met_on_the_way_is_reported_and_a_torn_tail_is_not(data: Path) -> None:
    write(data, *a_call("one"))
    write(data, *a_call("two"))
    first, second = (segment.path for segment in segments(data / "journal"))
    first.write_bytes(first.read_bytes().replace(b"PCMU", b"PCMA"))
    second.write_bytes(second.read_bytes() + b'{"fact":')
    output = run("calls", "--data", data).output
    assert "checksum" in output
    assert "torn" not in output


def test_one_call_is_told_with_its_decision_and_attempts(data: Path) -> None:
    write(data, *a_call("one"))
    output = run("call", "one", "--data", data).output
    for said in ("released by dialer", "campaign=spring", "north-1 (100%)", "west-1: health.down", "one@192.0.2.1"):
        assert said in output
    assert max(map(len, output.splitlines())) <= 130


def test_one_call_as_json_holds_every_fact(data: Path) -> None:
    write(data, *a_call("one"))
    found = json.loads(run("call", "one", "--data", data, "--json").output)
    assert found["call"]["status"] == 200
    assert [attempt["gateway"] for attempt in found["attempts"]] == ["north-1"]
    assert [event["fact"] for event in found["events"]] == [
        "attempt_started",
        *["dialog_opened"] * 2,
        *["dialog_closed"] * 2,
    ]
    assert found["in_progress"] is None


def test_a_call_in_progress_shows_the_attempts_that_already_failed(data: Path) -> None:
    write(data, msgspec.structs.replace(a_call("live-7")[6], status=503, phrase="Service Unavailable"))
    with Node(data, holds_live):
        output = run("call", "live-7", "--data", data).output
        drawn = run("ladder", "live-7", "--data", data).output
    assert "in progress: alerting" in output
    assert "503 Service Unavailable" in output
    assert drawn.startswith("Call live-7")


def test_a_call_a_crash_cut_says_that_it_has_no_record(data: Path) -> None:
    write(data, *a_call("one")[:4])
    assert "no record" in run("call", "one", "--data", data).output


def test_a_ladder_is_drawn_as_wide_as_the_terminal_and_as_asked(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    write(data, *a_call("one"))
    assert "|------ INVITE ----->|" in run("ladder", "one", "--data", data).output
    assert "trunkline -> north-1: INVITE" in run("ladder", "one", "--data", data, "--width", "40").output
    assert json.loads(run("ladder", "one", "--data", data, "--json").output)["legs"] == ["dialer-1", "north-1"]


def test_with_a_node_up_an_ended_call_still_comes_from_the_journal(data: Path) -> None:
    write(data, *a_call("one"))
    with Node(data, holds_live) as node:
        assert "released by dialer" in run("call", "one", "--data", data).output
    assert node.asked == [{"do": "call", "call": "one"}]


@pytest.mark.parametrize("command", ["call", "ladder"])
def test_a_mistyped_id_suggests_the_nearest(data: Path, command: str) -> None:
    write(data, *a_call("4f1c-aa07"), *a_call("zz"))
    result = run(command, "4f1c-aa0", "--data", data)
    assert result.exit_code == 1
    assert "Did you mean 4f1c-aa07?" in result.stderr
    assert "The most recent are zz, 4f1c-aa07." in run(command, "unlike", "--data", data).stderr


def test_a_call_whose_ladder_was_not_kept_says_where_to_look(data: Path) -> None:
    write(data, *a_call("one")[:8])
    result = run("ladder", "one", "--data", data)
    assert result.exit_code == 1
    assert "trunkline call one" in result.stderr


def test_a_missing_or_empty_data_directory_names_the_option(data: Path) -> None:
    for place in (data / "none", data):
        result = run("calls", "--data", place)
        assert result.exit_code == 2
        assert "--data" in result.stderr


def test_no_calls_yet_is_no_error_but_an_id_is(data: Path) -> None:
    (data / "journal").mkdir()
    assert "No calls match." in run("calls", "--data", data).output
    assert "no calls are recorded yet" in run("call", "one", "--data", data).stderr


def test_a_span_that_is_none_is_explained(data: Path) -> None:
    result = run("calls", "--since", "yesterday", "--data", data)
    assert (result.exit_code, "as in 15m" in result.stderr) == (2, True)


def test_a_socket_nobody_listens_on_means_no_node(data: Path) -> None:
    write(data, *a_call("one"))
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(data / "control.sock"))
    assert "No node answers" in run("calls", "--data", data).output


@pytest.mark.parametrize("answer", [b"", b'{"ok":true'])
def test_a_node_that_hangs_up_early_counts_as_none(data: Path, answer: bytes) -> None:
    write(data, *a_call("one"))
    with Node(data, lambda request: answer):
        assert "No node answers" in run("calls", "--data", data).output


def test_a_node_that_is_stuck_is_given_up(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data, *a_call("one"))
    monkeypatch.setattr(source, "ANSWER_S", 0.02)
    with socket.socket(socket.AF_UNIX) as stuck:
        stuck.bind(str(data / "control.sock"))
        stuck.listen()
        assert "No node answers" in run("calls", "--data", data).output


@pytest.mark.parametrize("answer", [b'{"ok":true,"result":[1]}\n', b"hello\n", b'{"ok":false,"error":"draining"}\n'])
def test_a_node_that_answers_otherwise_is_reported(data: Path, answer: bytes) -> None:
    with Node(data, lambda request: answer):
        result = run("calls", "--data", data)
    assert result.exit_code == 2
    assert "node" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_journal_of_another_user_is_explained(data: Path) -> None:
    write(data, *a_call("one"))
    segments(data / "journal")[0].path.chmod(0)
    assert "user of the node" in run("calls", "--data", data).stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, Path("var")),
        ("", Path("etc/var")),
        ('[node]\ndata = "here"', Path("etc/here")),
        ('[node]\ndata = "/srv/calls"', Path("/srv/calls")),
    ],
)
def test_the_data_directory_is_that_of_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, expected: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    file = Path("etc/trunkline.toml")
    if text is not None:
        file.parent.mkdir()
        file.write_text(text)
    assert source.data_directory(None, file) == expected
    assert source.data_directory(Path("given"), file) == Path("given")


def test_a_configuration_that_is_broken_is_named(tmp_path: Path) -> None:
    file = tmp_path / "trunkline.toml"
    file.write_text("[node")
    with pytest.raises(source.SourceError, match="not TOML"):
        source.data_directory(None, file)


def test_nothing_a_stranger_sent_steers_the_terminal(data: Path) -> None:
    evil = "\x1b[2Jgone"
    record, attempt = a_call("one")[7], a_call("one")[6]
    assert isinstance(record, Call)
    assert isinstance(attempt, Attempt)
    write(
        data,
        msgspec.structs.replace(attempt, phrase=evil, reason=evil),
        msgspec.structs.replace(record, called="", called_raw=evil, user_agent=evil, metadata={evil: evil}),
    )
    for command in (["calls"], ["call", "one"]):
        output = run(*command, "--data", data).output
        assert "gone" in output
        assert "\x1b" not in output


@pytest.mark.parametrize("command", ["calls", "call", "ladder"])
def test_help_explains_every_option(command: str) -> None:
    output = run(command, "--help").output
    assert "--json" in output
    assert "node.data" in output
