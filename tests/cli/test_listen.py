"""`trunkline listen`: labels against what was heard."""

from pathlib import Path

import msgspec
from typer.testing import CliRunner

from tests.records.samples import NOON_US, fact
from trunkline.cli import app
from trunkline.facts.record import AnswerLabelled, Attempt
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
