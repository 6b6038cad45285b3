"""`trunkline explain`: candidates, chances, exclusions, number."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from tests.records.samples import NOON_US, a_call, fact
from trunkline.cli.explain import explain
from trunkline.facts.numbers import NumberTaken
from trunkline.facts.record import Attempt, Call, Decision, Fact
from trunkline.facts.refusal import CATALOGUE
from trunkline.records import Journal

app = typer.Typer()
app.command()(explain)
app.command(hidden=True)(lambda: None)

TAKEN = NumberTaken(NOON_US, "one", "+14155550100", "+14155550123", "sales", "spring", "ann", "local", 0.0, 12, {"day cap": 3, "cooling": 2})


def explained(data: Path, *facts: Fact, options: tuple[str, ...] = ()) -> str:
    journal = Journal(data / "journal", low_water_bytes=0)
    for each in facts:
        journal.append(each)
    journal.flush(NOON_US)
    journal.close(NOON_US)
    result = CliRunner().invoke(app, ["explain", "one", "--data", str(data), *options])
    assert result.exit_code == 0, result.output
    return result.output


def with_decision(**changed: Any) -> list[Fact]:
    return [msgspec.structs.replace(each, **changed) if isinstance(each, Decision) else each for each in a_call("one")]


def test_candidates_are_told_with_worth_chance_and_what_became_of_them(tmp_path: Path) -> None:
    decided = with_decision(
        candidates=("south/a", "north-1", "west/b"), scores=(0.31, 0.27, 0.1), propensity=(0.7, 0.2, 0.1), excluded={"south/a": "health.circuit"}, draw=0.25,
        holdout=True, band="peak",
    )  # fmt: skip
    text = explained(tmp_path, *decided, TAKEN)
    for expected in ("0.3100", "70.0%", "left out, health.circuit", CATALOGUE["health.circuit"].text, "not needed", "holdout", "band peak", "draw 0.2500"):
        assert expected in text
    assert "Number +14155550100 of pool sales: it is of the callee's area; 12 had room. Others of the pool: 2 cooling, 3 day cap." in text
    told = json.loads(explained(tmp_path, options=("--json",)))
    assert [row["propensity"] for row in told["candidates"]] == [0.7, 0.2, 0.1]
    assert told["number"]["chosen"] == "local"


@pytest.mark.parametrize("status", [503, 403])
def test_a_refused_call_says_why_no_number_was_left(tmp_path: Path, status: int) -> None:
    record = msgspec.structs.replace(a_call("one")[7], status=status, refusal="numbers.none_left", result="limited", attempts=0)
    decision = fact(Decision, call="one", at=NOON_US, numberless={"hour cap": 7})
    text = explained(tmp_path, decision, record)
    assert "numbers.none_left" in text
    assert CATALOGUE["numbers.none_left"].text in text
    assert "No number could be called with: 7 hour cap." in text


def test_a_call_refused_before_any_decision_says_so(tmp_path: Path) -> None:
    text = explained(tmp_path, msgspec.structs.replace(a_call("one")[7], refusal="guard.trunk_cps"))
    assert "before any route was looked at" in text


def test_attempts_are_told_by_their_outcome(tmp_path: Path) -> None:
    facts = [
        msgspec.structs.replace(each, outcome="answered", heard="human", answer_ms=4020.0) if isinstance(each, Attempt) else each
        for each in with_decision(candidates=(next(each.gateway for each in a_call("one") if isinstance(each, Attempt)),), propensity=(1.0,))
    ]
    assert "answered after 4020 ms, heard as human" in explained(tmp_path, *[each for each in facts if not isinstance(each, Call)])


def test_each_path_of_a_gateway_that_was_tried_is_told(tmp_path: Path) -> None:
    first = next(each for each in a_call("one") if isinstance(each, Attempt))
    silent = msgspec.structs.replace(first, status=0, outcome="route", evidence="no response", next="next")
    tried = [msgspec.structs.replace(silent, position=i, local=local) for i, local in enumerate(("192.0.2.1:5080", "192.0.2.2:5080"), 1)]
    others = [each for each in with_decision(candidates=(first.gateway,), propensity=(1.0,)) if not isinstance(each, Attempt)]
    text = explained(tmp_path, *others, *tried)
    assert "no response, next path, from 192.0.2.1:5080; then no response, next route, from 192.0.2.2:5080" in text
