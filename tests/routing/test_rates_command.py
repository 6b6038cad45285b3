"""`trunkline numbering` and `trunkline rates` as a person uses them, over a real journal."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from tests.records.samples import NOON_US, a_call
from trunkline.cli import app
from trunkline.cli.journal import facts_from
from trunkline.facts.record import Attempt, Call, Fact
from trunkline.insight.billable import billable
from trunkline.records import Journal

POLICY = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
currency: USD
currencies: {EUR: 1.10}
carriers:
  alpha: {gateways: {main: {host: 10.0.0.1}}, rates: decks/alpha.csv}
  beta: {gateways: {main: {host: 10.0.0.2}}, rates: {files: [decks/beta.csv], currency: EUR}}
  gamma: {gateways: {main: {host: 10.0.0.3}}}
destinations: {us: {prefixes: ["1"], routes: [{to: alpha}, {to: beta}, {to: gamma}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "decks").mkdir()
    (tmp_path / "decks/alpha.csv").write_text("prefix,rate,increments,from\n1,0.0120,6/6,\n1415,0.0300,6/6,2090-01-01\n")
    (tmp_path / "decks/beta.csv").write_text("prefix,rate\n44,0.02\n1415,0.01\n")
    (tmp_path / "policy.yaml").write_text(POLICY)
    return tmp_path


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_numbering_says_what_a_number_is() -> None:
    shown = run("numbering", "+44 7400 123456", "14155550123")
    assert shown.exit_code == 0
    assert "GB United Kingdom  mobile" in shown.output
    assert "California" in shown.output
    (row,) = json.loads(run("numbering", "+447400123456", "--json").output)
    assert (row["number"], row["country"], row["type"], row["operator"]) == ("+447400123456", "GB", "mobile", "Three")
    assert run("numbering", "nobody").exit_code == 2


def test_lookup_prints_every_carriers_price_the_cheapest_first(folder: Path) -> None:
    told = json.loads(run("rates", "lookup", "+14155550123", "--policy", folder / "policy.yaml", "--json").output)
    assert [(row["carrier"], row["prefix"], row["currency"]) for row in told["carriers"]] == [("beta", "1415", "EUR"), ("alpha", "1", "USD")]
    assert told["carriers"][0]["worth"] == pytest.approx(0.011)
    later = run("rates", "lookup", "12125550123", "--policy", folder / "policy.yaml", "--at", "2090-01-01")
    assert later.exit_code == 0
    assert "not in its deck" in later.output
    assert json.loads(run("rates", "lookup", "14155550123", "--policy", folder / "policy.yaml", "--at", "2090-01-01", "--json").output)["carriers"][1]["rate"] == 0.03


def test_a_deck_that_is_wrong_is_told_with_file_line_and_fix(folder: Path) -> None:
    (folder / "decks/alpha.csv").write_text("prefix,rate\n1,cheap\n")
    shown = run("rates", "lookup", "14155550123", "--policy", folder / "policy.yaml")
    assert shown.exit_code == 2
    assert "decks/alpha.csv, line 2, rate: `cheap` is no price; write a number" in shown.output


def journal(data: Path) -> list[Attempt]:
    """Three answered calls over alpha, 100 s apart, of 61, 30 and 5 s."""
    attempts: list[Attempt] = []
    facts: list[Fact] = []
    template = a_call("one")
    attempt = next(fact for fact in template if isinstance(fact, Attempt))
    call = next(fact for fact in template if isinstance(fact, Call))
    for i, talk_ms in enumerate((61_000.0, 30_000.0, 5_000.0)):
        name, at = f"call-{i}", NOON_US + i * 100_000_000
        made = msgspec.structs.replace(
            attempt, call=name, at=at, carrier="alpha", gateway="alpha/main", called=f"1415555010{i}", carrier_call_id=f"{name}@trunkline", answer_ms=8_000.0, talk_ms=talk_ms,
        )  # fmt: skip
        attempts.append(made)
        facts += [made, msgspec.structs.replace(call, call=name, at=at, called=f"+1415555010{i}")]
    facts.append(msgspec.structs.replace(attempts[0], call="other", carrier="beta", gateway="beta/main"))
    written = Journal(data / "journal", low_water_bytes=0)
    for fact in facts:
        written.append(fact)
    written.flush(NOON_US)
    written.close(NOON_US)
    return attempts


def line(attempt: Attempt, seconds: int, amount: float) -> str:
    at = datetime.fromtimestamp(attempt.at / 1e6 + 8, UTC).strftime("%Y-%m-%d %H:%M:%S")
    return f"{attempt.called},{at},{seconds},{amount}"


def test_an_invoice_is_compared_with_the_journal(folder: Path) -> None:
    first, second, third = journal(folder / "var")
    invoice = folder / "invoice.csv"
    arguments = ("rates", "reconcile", invoice, "--carrier", "alpha", "--policy", folder / "policy.yaml", "--data", folder / "var")
    good = [line(first, 61, 0.0132), line(second, 30, 0.006), line(third, 5, 0.0012)]
    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", *good]))
    shown = run(*arguments)
    assert shown.exit_code == 0, shown.output
    assert "The invoice agrees with our records." in shown.output
    assert "3 lines, 3 answered calls of ours to alpha, 3 are the same." in shown.output

    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", line(first, 120, 0.024), good[2], f"14155559999,{datetime.fromtimestamp(NOON_US / 1e6 + 50, UTC)},30,0.006"]))
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert "1 billed longer or shorter than it was" in shown.output
    assert "1 billed, and not a call of ours" in shown.output
    assert "1 our calls that are not billed" in shown.output
    told = json.loads(run(*arguments, "--json").output)
    assert (told["agrees"], told["matched"], told["lines"], told["ours"]) == (False, 2, 3, 3)
    assert [difference["kind"] for difference in told["differences"]] == ["duration", "extra", "missing"]
    only_first = json.loads(run(*arguments, "--until", datetime.fromtimestamp(NOON_US / 1e6 + 40, UTC).isoformat(), "--json").output)
    assert (only_first["lines"], only_first["ours"]) == (1, 1)


@pytest.mark.parametrize(
    ("carrier", "text", "message"),
    [("delta", "x", "has no carrier delta"), ("gamma", "x", "no rate deck"), ("alpha", "when,who\n", "no column `called`"), ("alpha", None, "No such file")],
)
def test_what_cannot_be_compared_exits_with_2(folder: Path, carrier: str, text: str | None, message: str) -> None:
    journal(folder / "var")
    invoice = folder / "invoice.csv"
    if text is not None:
        invoice.write_text(text)
    shown = run("rates", "reconcile", invoice, "--carrier", carrier, "--policy", folder / "policy.yaml", "--data", folder / "var")
    assert shown.exit_code == 2
    assert message in shown.output


def test_what_our_records_do_not_reach_is_told_and_not_judged(folder: Path) -> None:
    """The journal begins at noon and was written last at 12:10; the invoice is of the whole day, and of the next."""
    first, second, third = journal(folder / "var")
    for file in (folder / "var" / "journal").iterdir():
        os.utime(file, (NOON_US / 1e6 + 600, NOON_US / 1e6 + 600))
    invoice = folder / "invoice.csv"
    arguments = ("rates", "reconcile", invoice, "--carrier", "alpha", "--policy", folder / "policy.yaml", "--data", folder / "var")
    good = [line(first, 61, 0.0132), line(second, 30, 0.006), line(third, 5, 0.0012)]
    early, late = "14155550177,2026-03-01 06:00:00,60,0.5", "14155550177,2026-03-02 06:00:00,60,0.25"
    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", early, *good, late]))
    shown = run(*arguments)
    assert shown.exit_code == 1
    assert "Compared: 2026-03-01 12:00 to 2026-03-01 12:10 UTC. Our records reach from 2026-03-01 12:00 to 2026-03-01 12:10 UTC." in shown.output
    assert "NOT COMPARED: 2 lines, billed 0.7500, are of a time our records do not reach: 1 before them and 1 after them." in shown.output
    assert "3 lines, 3 answered calls of ours to alpha, 3 are the same." in shown.output
    assert "What could be compared agrees with our records, and 2 lines could not be compared." in shown.output
    told = json.loads(run(*arguments, "--json").output)
    assert (told["agrees"], told["differences"], [one["line"] for one in told["beyond_records"]]) == (False, [], [2, 6])
    assert told["records"] == {"first_s": NOON_US / 1e6, "last_s": NOON_US / 1e6 + 600}
    assert run(*arguments, "--from", "2026-03-01T12:00", "--until", "2026-03-01T13:00").exit_code == 0

    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", early]))
    assert "Compared: nothing." in run(*arguments).output
    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", f"{first.called},2026-03-01 11:59:30,61,0.0132", *good[1:]]))
    assert "NOT COMPARED" not in run(*arguments).output, "a call that began before them and ended in them is on record"


def test_a_checkpoint_shows_that_a_node_without_calls_was_there(folder: Path) -> None:
    journal(folder / "var")
    for file in (folder / "var" / "journal").iterdir():
        os.utime(file, (NOON_US / 1e6 + 600, NOON_US / 1e6 + 600))
    (folder / "var" / "checkpoints").mkdir()
    (folder / "var" / "checkpoints" / "checkpoint").touch()
    invoice = folder / "invoice.csv"
    invoice.write_text("dnis,start_time,seconds,cost\n14155550177,2026-03-02 06:00:00,60,0.25")
    told = json.loads(run("rates", "reconcile", invoice, "--carrier", "alpha", "--policy", folder / "policy.yaml", "--data", folder / "var", "--json").output)
    assert [one["kind"] for one in told["differences"]] == ["extra"]


def test_only_a_carriers_answered_attempts_are_kept_of_a_journal() -> None:
    """Whichever of attempt and call is written first; a number as the carrier got it stands in until its call's record comes."""
    attempt = next(fact for fact in a_call("one") if isinstance(fact, Attempt))
    call = next(fact for fact in a_call("one") if isinstance(fact, Call))
    mine = {"carrier": "alpha", "called": "7788#14155550123"}
    facts: list[Fact] = []
    for n in range(50):
        one = msgspec.structs.replace(attempt, call=f"c{n}", at=NOON_US + n * 1_000_000, **mine)
        record = msgspec.structs.replace(call, call=f"c{n}", at=NOON_US + n * 1_000_000, carrier="alpha", called=f"+141555501{n:02}")
        facts += [one, record] if n % 2 else [record, one]
        facts.append(msgspec.structs.replace(one, call=f"x{n}", carrier="beta"))
        facts.append(msgspec.structs.replace(one, call=f"y{n}", talk_ms=None))
    found = billable(iter(facts), "alpha", NOON_US / 1e6, NOON_US / 1e6 + 40)
    assert [(one.call, one.called, one.rendered) for one in found] == [(f"c{n}", f"+141555501{n:02}", "778814155550123") for n in range(40)]


def test_the_journal_is_read_from_the_period_on_and_progress_is_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of an hour ago are not opened: one of them is damaged, and nobody is told."""
    journal(folder / "var")
    name = datetime.fromtimestamp(NOON_US / 1e6 - 3600, UTC).strftime("segment-%Y%m%dT%H%M%SZ-000000.ndjson")
    (folder / "var" / "journal" / name).write_bytes(b"nothing of ours\n" * 100)
    told: list[str] = []
    monkeypatch.setattr("trunkline.cli.journal.TOLD_EVERY", 2)
    monkeypatch.setattr("trunkline.cli.journal.progress", told.append)
    assert len(list(facts_from(folder / "var", NOON_US))) == 7
    assert told == ["2 facts read", "4 facts read", "6 facts read", ""]


def test_calls_beyond_the_last_line_are_missed_only_where_the_period_is_given(folder: Path) -> None:
    attempts = [msgspec.structs.replace(one, at=NOON_US + n * 20_000_000, called=f"1415555020{n}", call=f"late-{n}") for n, one in enumerate(journal(folder / "var"))]
    written = Journal(folder / "near" / "journal", low_water_bytes=0)
    for fact in attempts:
        written.append(fact)
    written.flush(NOON_US)
    written.close(NOON_US)
    invoice = folder / "invoice.csv"
    invoice.write_text("\n".join(["dnis,start_time,seconds,cost", line(attempts[0], 61, 0.0132), line(attempts[1], 30, 0.006)]))
    arguments = ("rates", "reconcile", invoice, "--carrier", "alpha", "--policy", folder / "policy.yaml", "--data", folder / "near")
    shown = run(*arguments)
    assert shown.exit_code == 0, shown.output
    assert "2 lines, 2 answered calls of ours" in shown.output
    told = json.loads(run(*arguments, "--until", "2026-03-01T13:00", "--json").output)
    assert [(one["kind"], one["call"]) for one in told["differences"]] == [("missing", "late-2")]
