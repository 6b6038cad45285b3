"""A table that takes hours is made in pieces: what was run is not run again."""

from pathlib import Path

import pytest
from bench.market_runs import ROTATED, Runs, kept_runs, runs, strategies_of

from trunkline.lab.market.scenario import SCENARIOS


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text((SCENARIOS / "stable.yaml").read_text())
    return path


def table(scenario: Path, kept: Path, *strategies: str) -> Runs:
    return runs([str(scenario)], [1, 2], strategies, 400, 1, kept)[0]


def test_a_run_is_made_once(scenario: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = table(scenario, kept, "priority")
    text = (kept / "mine.jsonl").read_text()
    again = table(scenario, kept, "priority")
    assert (kept / "mine.jsonl").read_text() == text
    assert {key: result.contacts for key, result in again.items()} == {key: result.contacts for key, result in first.items()}


def test_another_strategy_is_added_and_a_line_cut_short_is_made_again(scenario: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    table(scenario, kept, "priority")
    file = kept / "mine.jsonl"
    lines = file.read_text().splitlines()
    file.write_text(lines[0] + "\n" + lines[1][:50] + "\n")
    table(scenario, kept, "priority", "oracle")
    assert set(kept_runs(kept, str(scenario), 400)) == {("priority", 1), ("priority", 2), ("oracle", 1), ("oracle", 2)}


def test_runs_of_another_scenario_text_do_not_count(scenario: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    before = table(scenario, kept, "priority")
    scenario.write_text(scenario.read_text().replace("quality: 0.92", "quality: 0.5"))
    after = table(scenario, kept, "priority")
    assert all(after[key].contacts < before[key].contacts for key in before)
    assert set(kept_runs(kept, str(scenario), 400)) == {("priority", 1), ("priority", 2)}


def test_numbers_drawn_at_random_are_compared_where_numbers_matter() -> None:
    assert ROTATED in strategies_of("burn", ("performance", ROTATED))
    assert ROTATED not in strategies_of("stable", ("performance", ROTATED))
