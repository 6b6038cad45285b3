"""Scenario files."""

from pathlib import Path

import pytest

from trunkline.lab.scenario import ScenarioError, load_scenario


def test_the_shipped_scenario_has_a_good_a_degraded_and_a_failing_carrier() -> None:
    assert list(load_scenario("three-carriers").carriers) == ["good", "degraded", "failing"]


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="three-carriers"):
        load_scenario("nonsense")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("carriers: {a: {silence_share: 0.7, failures: [{share: 0.5, status: 503}]}}", "at most 1"),
        ("carriers: {a: {answers: 1}}", "answers"),
        ("carriers: [", "expected"),
        ("dialer: {}", "carriers"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=says):
        load_scenario(str(tmp_path / "s.yaml"))
