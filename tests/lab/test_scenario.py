"""Scenario files."""

from pathlib import Path

import pytest

from trunkline.lab.scenario import ScenarioError, load_scenario


def test_the_shipped_scenario_has_a_good_a_degraded_and_a_failing_carrier() -> None:
    assert list(load_scenario("three-carriers").carriers) == ["good", "degraded", "failing"]


def test_the_scenario_that_came_without_audio_stays_without() -> None:
    assert not load_scenario("three-carriers").talks


def test_the_talking_scenario_has_a_deceiving_carrier_with_the_best_asr_and_the_fewest_humans() -> None:
    scenario = load_scenario("talking-carriers")
    assert scenario.talks
    assert list(scenario.carriers) == ["good", "degraded", "deceiving"]
    answers, humans = {}, {}
    for name, carrier in scenario.carriers.items():
        rings = 1 - sum(failure.share for failure in carrier.failures)
        people = rings * (1 - carrier.false_answer_share) * carrier.answer_share
        answers[name] = rings * carrier.false_answer_share + people
        humans[name] = people * carrier.callees["human"]
    assert max(answers, key=answers.__getitem__) == min(humans, key=humans.__getitem__) == "deceiving"


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ScenarioError, match="three-carriers"):
        load_scenario("nonsense")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("carriers: {a: {silence_share: 0.7, failures: [{share: 0.5, status: 503}]}}", "at most 1"),
        ("carriers: {a: {answers: 1}}", "answers"),
        ("carriers: [", "expected"),
        ("carriers: {a: {callees: {human: 0.5}}}", "callees: the shares add up to 0.50"),
        ("carriers: {a: {callees: {human: 1.5, fax: -0.5}}}", "callees"),
        ("carriers: {a: {early_audio: {polka: 1}}}", "early_audio: 'polka': one of human, assistant"),
        ("carriers: {a: {false_answer_share: 2}}", "a share lies outside"),
        ("carriers: {a: {false_answers: {}}}", "name what is heard"),
        ("carriers: {a: {false_answer_after_s: [2, 1]}}", "runs backwards"),
        ("carriers: {a: {failures: [{share: 0.1, status: 503, early: sit}]}}", "failures: 'sit'"),
        ("carriers: {a: {country: zz}}", "its tones are not known"),
        ("carriers: {a: {codecs: [opus]}}", "codecs: PCMU, PCMA or both"),
        ("{carriers: {}, dialer: {codecs: []}}", "dialer: codecs"),
        ("{carriers: {}, dialer: {agent_after_s: [2, 1]}}", "agent_after_s runs backwards"),
        ("dialer: {}", "carriers"),
    ],
)
def test_a_scenario_that_cannot_be_is_refused_with_its_place(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "s.yaml").write_text(text)
    with pytest.raises(ScenarioError, match=says):
        load_scenario(str(tmp_path / "s.yaml"))
