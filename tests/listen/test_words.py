"""Words and silences by level: the same counts as the rules they come from, and nothing shared between lines."""

import numpy as np
import pytest

from trunkline.listen.cadence import Cadence, CadenceDetector
from trunkline.listen.detector import FRAME
from trunkline.listen.words import THRESHOLDS, WORD_FEATURES, Words

ALL = np.ones(1, np.bool_)


def frame(level: float) -> np.ndarray:
    """[1, 160] of one average, on the scale of the thresholds."""
    return np.full((1, FRAME), level / 32768, np.float32)


def measured(words: Words) -> dict[str, float]:
    return dict(zip(WORD_FEATURES, words.features(np.zeros(1, np.intp))[0].tolist(), strict=True))


def heard(*levels_and_ticks: tuple[float, int]) -> dict[str, float]:
    words = Words(1)
    for level, ticks in levels_and_ticks:
        for _ in range(ticks):
            words.push(frame(level), ALL)
    return measured(words)


def test_a_word_is_100_ms_of_voice_after_50_ms_of_silence() -> None:
    said = heard((0, 10), (1000, 5), (0, 3), (1000, 5), (0, 7))
    assert said["words_256"] == 2
    assert said["voice_s_256"] == pytest.approx(0.2)
    assert said["silence_s_256"] == pytest.approx(0.14)
    assert said["longest_silence_s_256"] == pytest.approx(0.14)


@pytest.mark.parametrize(("voice", "pause"), [(4, 3), (5, 2)])
def test_shorter_voice_or_a_shorter_pause_makes_no_second_word(voice: int, pause: int) -> None:
    assert heard((0, 10), (1000, 5), (0, pause), (1000, voice))["words_256"] == 1


def test_silence_before_the_first_word_is_not_a_pause() -> None:
    said = heard((0, 50), (1000, 5))
    assert said["longest_silence_s_256"] == 0
    assert said["silence_s_256"] == 0


def test_each_threshold_counts_for_itself() -> None:
    said = heard((0, 10), (300, 6), (0, 10), (600, 6))
    assert [said[f"words_{threshold}"] for threshold in THRESHOLDS] == [2, 2, 1]


def test_a_lost_frame_counts_nowhere() -> None:
    words = Words(1)
    for level in (0.0, 1000.0, 0.0):
        for _ in range(10):
            words.push(frame(level), ~ALL)
    assert set(measured(words).values()) == {0.0}


def test_opening_a_line_forgets_it_and_leaves_its_neighbour() -> None:
    words = Words(2)
    for level in (0.0, 1000.0):
        for _ in range(10):
            words.push(np.repeat(frame(level), 2, axis=0), np.ones(2, np.bool_))
    before = words.features(np.array([1]))
    words.open(np.array([0]))
    assert not words.features(np.array([0])).any()
    assert (words.features(np.array([1])) == before).all()
    assert before.any()


@pytest.mark.parametrize("threshold", THRESHOLDS)
def test_counts_are_those_the_rules_go_by(threshold: int) -> None:
    """`cadence` says how many words and how much voice it had counted when it spoke; here they are the same at that moment."""
    rng = np.random.default_rng(threshold)
    compared = 0
    for _ in range(40):
        rules, words = CadenceDetector(1, Cadence(silence_threshold=threshold)), Words(1)
        rules.open(np.zeros(1, np.intp))
        rules.answered(np.zeros(1, np.intp), 0.0)
        levels = np.repeat(rng.choice((0, 200, 400, 900), 60), rng.integers(1, 15, 60))
        for tick, level in enumerate(levels):
            words.push(frame(level), ALL)
            said = rules.push(frame(level), ALL, (tick + 1) * 0.02)
            if said:
                mine = measured(words)
                assert mine[f"words_{threshold}"] == said[0].features["words"]
                assert mine[f"voice_s_{threshold}"] == pytest.approx(said[0].features["voice_s"])
                compared += 1
                break
    assert compared > 30
