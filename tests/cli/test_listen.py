"""`trunkline listen`: labels against what was heard."""

import json
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from tests.records.samples import NOON_US, fact
from trunkline.cli import app
from trunkline.cli.listen import unlabelled, walk
from trunkline.facts.record import AnswerLabelled, Attempt, Recording
from trunkline.records import Journal


def journal(folder: Path, *pairs: tuple[str, str], carrier: str = "acme") -> None:
    """One call per pair of (labelled, heard); an empty label leaves the call unlabelled."""
    written = Journal(folder / "journal", low_water_bytes=0)
    for number, (labelled, heard) in enumerate(pairs):
        written.append(fact(Attempt, call=f"{carrier}{number}", position=1, carrier=carrier, answer_ms=1000.0, heard=heard, at=NOON_US))
        if labelled:
            written.append(AnswerLabelled(f"{carrier}{number}", NOON_US, labelled, "ann"))
    written.flush(NOON_US)
    written.close(NOON_US)


def accuracy(folder: Path) -> dict[str, dict[str, object]]:
    done = CliRunner().invoke(app, ["listen", "accuracy", "--data", str(folder), "--json"])
    assert done.exit_code == 0, done.output
    return msgspec.json.decode(done.output)


def test_each_carrier_has_its_table_and_exact_intervals(tmp_path: Path) -> None:
    journal(tmp_path, *[("human", "human")] * 9, ("human", "machine"), *[("machine", "announcement")] * 3, ("machine", "unknown"), ("", "human"))
    journal(tmp_path, ("human", "assistant"), carrier="beta")
    found = accuracy(tmp_path)
    assert found["acme"]["heard_as"] == {"human": {"human": 9, "machine": 1}, "machine": {"announcement": 3, "unknown": 1}}
    assert found["acme"]["humans_kept"] == {"right": 9, "calls": 10, "low": 0.555, "high": 0.9975, "enough": False}
    assert found["acme"]["machines_caught"]["right"] == 3
    assert found["beta"]["humans_kept"]["right"] == 1, "an assistant is connected, so the human is not lost"


def test_enough_calls_are_said_to_be_enough_and_the_last_label_counts(tmp_path: Path) -> None:
    journal(tmp_path, *[("human", "human")] * 120)
    assert accuracy(tmp_path)["acme"]["humans_kept"]["enough"] is True
    again = Journal(tmp_path / "journal", low_water_bytes=0)
    again.append(AnswerLabelled("acme0", NOON_US + 1, "machine", "bob"))
    again.flush(NOON_US + 1)
    again.close(NOON_US + 1)
    assert accuracy(tmp_path)["acme"]["heard_as"]["machine"] == {"human": 1}


def test_no_label_and_no_journal_say_what_to_do(tmp_path: Path) -> None:
    journal(tmp_path, ("", "human"))
    done = CliRunner().invoke(app, ["listen", "accuracy", "--data", str(tmp_path)])
    assert "trunkline listen label" in done.output
    done = CliRunner().invoke(app, ["listen", "accuracy", "--data", str(tmp_path / "nowhere")])
    assert done.exit_code == 2


def keep(folder: Path, call: str, purpose: str = "sample") -> Path:
    file = folder / f"{call}.wav"
    file.write_bytes(b"RIFF")
    written = Journal(folder / "journal", low_water_bytes=0)
    written.append(Recording(call, NOON_US, str(file), 8.0, 4, "", purpose))
    written.flush(NOON_US)
    written.close(NOON_US)
    return file


def test_each_label_has_an_exact_interval_of_its_own(tmp_path: Path) -> None:
    journal(tmp_path, *[("human", "human")] * 120, *[("machine", "machine")] * 3)
    done = CliRunner().invoke(app, ["listen", "accuracy", "--data", str(tmp_path)])
    assert "97% to 100%" in done.output
    assert "29% to 100%, too few" in done.output


def test_samples_wait_for_a_label_as_long_as_they_are_there(tmp_path: Path) -> None:
    journal(tmp_path, ("", "human"))
    first, second = keep(tmp_path, "one"), keep(tmp_path, "two")
    keep(tmp_path, "three", purpose="evidence")
    assert unlabelled(tmp_path) == {"one": first, "two": second}
    first.unlink()
    journal(tmp_path, ("human", "human"))
    assert list(unlabelled(tmp_path)) == ["two"]
    again = Journal(tmp_path / "journal", low_water_bytes=0)
    again.append(AnswerLabelled("two", NOON_US, "human", "ann", "a child"))
    again.flush(NOON_US)
    again.close(NOON_US)
    assert not unlabelled(tmp_path)


def test_the_walk_plays_asks_and_says_nothing_of_the_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["r", "what?", "h", "a child", "s", "false", "", "q"])
    monkeypatch.setattr("typer.prompt", lambda *_, **__: next(answers))
    played = tmp_path / "played"
    player = tmp_path / "player"
    player.write_text(f"#!/bin/sh\necho $1 >> {played}\n")
    player.chmod(0o755)
    said: list[tuple[str, str, str]] = []
    waiting = {call: tmp_path / f"{call}.wav" for call in ("one", "two", "three", "four", "five")}
    walk(waiting, [str(player)], lambda call, kind, note: said.append((call, kind, note)))
    assert said == [("one", "human", "a child"), ("three", "false", "")]
    assert [Path(line).stem for line in played.read_text().split()] == ["one", "one", "one", "two", "three", "four"]
    output = capsys.readouterr().out
    assert "not understood: what?" in output
    assert "machine" not in output


def test_a_clip_is_found_by_its_call(tmp_path: Path) -> None:
    file = keep(tmp_path, "one", purpose="evidence")
    done = CliRunner().invoke(app, ["listen", "clip", "one", "--data", str(tmp_path)])
    assert done.output.startswith(f"{file}  evidence, 8.0 s")
    (row,) = json.loads(CliRunner().invoke(app, ["listen", "clip", "one", "--json", "--data", str(tmp_path)]).output)
    assert (row["file"], row["purpose"], row["there"]) == (str(file), "evidence", True)
    file.unlink()
    assert "no longer there" in CliRunner().invoke(app, ["listen", "clip", "one", "--data", str(tmp_path)]).output
    assert CliRunner().invoke(app, ["listen", "clip", "two", "--data", str(tmp_path)]).exit_code == 1


def test_a_label_without_a_kind_says_which_there_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["listen", "label", "one", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "human" in done.output
