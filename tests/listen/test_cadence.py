"""Every cause of `cadence`, at its exact tick."""

import numpy as np
import pytest

from trunkline.listen.cadence import Cadence, CadenceDetector
from trunkline.listen.hearing import Kind

from .voice import LINE, Samples, play, silence

ANSWERED_S = 10.0


def loud(seconds: float, level: int = 256) -> Samples:
    """Frames whose average is just `level`."""
    return np.full(round(seconds * 8000), level / 32768, np.float32)


def word(seconds: float) -> tuple[Samples, Samples]:
    return loud(seconds), silence(0.1)


@pytest.mark.parametrize(
    ("pieces", "kind", "cause", "after_s"),
    [
        ((silence(4),), Kind.MACHINE, "INITIALSILENCE", 2.5),
        ((silence(0.4), loud(0.6), silence(2)), Kind.HUMAN, "HUMAN", 1.8),
        ((loud(0.6), silence(2)), Kind.HUMAN, "HUMAN", 1.4),
        ((silence(0.4), loud(4)), Kind.MACHINE, "LONGGREETING", 1.9),
        ((silence(0.2), *word(0.2), *word(0.2), *word(0.2), silence(2)), Kind.MACHINE, "MAXWORDS", 0.9),
        ((silence(0.2), *word(0.2), *word(0.2), silence(2)), Kind.HUMAN, "HUMAN", 1.5),
        ((silence(0.2), *word(0.08), silence(4)), Kind.MACHINE, "INITIALSILENCE", 2.78),
        ((silence(2.46), *word(0.08), silence(4)), Kind.UNKNOWN, "TOOLONG", 5.0),
    ],
)
def test_a_cause_at_its_time(pieces: tuple[Samples, ...], kind: Kind, cause: str, after_s: float) -> None:
    (hearing,) = play(CadenceDetector(1), *pieces, answered_s=ANSWERED_S)
    assert (hearing.kind, hearing.code) == (kind, cause)
    assert hearing.said_s - ANSWERED_S == pytest.approx(after_s, abs=1e-6)
    assert hearing.began_s == ANSWERED_S


def test_speech_already_going_on_at_the_answer_is_not_counted_as_a_word() -> None:
    (hearing,) = play(CadenceDetector(1), *word(0.2), *word(0.2), *word(0.2), silence(2))
    assert (hearing.code, hearing.features["words"]) == ("HUMAN", 2)


def test_a_long_word_is_a_machine_where_the_greeting_may_be_long() -> None:
    (hearing,) = play(CadenceDetector(1, Cadence(greeting=9000, maximum_word_length=2000)), silence(0.2), loud(4))
    assert (hearing.code, round(hearing.said_s - ANSWERED_S, 2)) == ("MAXWORDLENGTH", 2.2)


def test_the_greeting_is_cumulative_voice_not_elapsed_time() -> None:
    detector = CadenceDetector(1, Cadence(maximum_number_of_words=9))
    (hearing,) = play(detector, silence(0.2), *[piece for _ in range(4) for piece in (loud(0.4), silence(0.5))])
    assert (hearing.code, round(hearing.said_s - ANSWERED_S, 2)) == ("LONGGREETING", 3.2)


def test_the_threshold_itself_is_voice_and_below_it_is_silence() -> None:
    assert play(CadenceDetector(1), loud(4, 256))[0].code == "LONGGREETING"
    assert play(CadenceDetector(1), loud(4, 255))[0].code == "INITIALSILENCE"


def test_the_end_of_the_greeting_is_told() -> None:
    (hearing,) = play(CadenceDetector(1), silence(0.4), loud(0.6), silence(2), answered_s=ANSWERED_S)
    assert hearing.ended_s == pytest.approx(ANSWERED_S + 1.0)


def test_no_audio_is_not_sure() -> None:
    detector = CadenceDetector(1)
    detector.open(LINE)
    detector.answered(LINE, 0.0)
    said = [h for tick in range(300) for h in detector.push(np.zeros((1, 160), np.float32), np.zeros(1, np.bool_), (tick + 1) / 50)]
    assert [(h.kind, h.code, h.said_s) for h in said] == [(Kind.UNKNOWN, "NOAUDIODATA", 5.0)]


def test_nothing_is_judged_before_the_answer_and_rows_do_not_mix() -> None:
    detector = CadenceDetector(3)
    detector.open(np.arange(3))
    detector.answered(np.array([1]), 0.0)
    line = np.concatenate([loud(0.6), silence(2)]).reshape(-1, 160)
    said = [h for tick, frame in enumerate(line) for h in detector.push(np.stack([frame, frame, frame]), np.ones(3, np.bool_), (tick + 1) / 50)]
    assert [(h.row, h.code) for h in said] == [(1, "HUMAN")]
