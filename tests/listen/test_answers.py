"""When a verdict is said and what it carries, by a model of one rule; and that the shipped model knows hello from a greeting."""

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.counterparts.serving import needs
from trunkline.listen.answers import Answers, Judgement, verdict
from trunkline.listen.greeting import FEATURES
from trunkline.listen.hearing import Kind
from trunkline.listen.model import CLASSES, Model, Tree, Weights, shipped

from .voice import LINE, Samples, noise, play, silence, tone, vowels

ANSWERED_S = 10.0


def rule(feature: str, above: float, human: float, other: float) -> Model:
    """Human by the logit `human` up to a value, by `other` above it; else voicemail."""
    tree = Tree([FEATURES.index(feature), -1, -1], [above, human, other], [1, 0, 0], [2, 0, 0])
    return Model(Weights(list(FEATURES), [0.0, 0.0, -20.0, -20.0], [[tree], [], [], []], "test"))


BY_LENGTH = rule("voice_s", 1.3, 8.0, -8.0)
UNSURE = rule("voice_s", 99.0, 1.0, 1.0)


def test_a_short_greeting_is_a_human_once_with_its_end() -> None:
    (hearing,) = play(Answers(1, model=BY_LENGTH), silence(0.4), vowels(0.5), silence(5), answered_s=ANSWERED_S)
    assert hearing.kind is Kind.HUMAN
    assert hearing.ended_s == pytest.approx(ANSWERED_S + 0.9, abs=0.05)
    assert hearing.began_s == ANSWERED_S
    assert 0.2 < hearing.said_s - (ANSWERED_S + 0.9) < 0.32
    assert hearing.features["onset_s"] == pytest.approx(0.4, abs=0.05)


def test_an_unsure_human_is_told_within_600_ms_of_the_greeting() -> None:
    (hearing,) = play(Answers(1, model=UNSURE), silence(0.4), vowels(0.5), silence(5), answered_s=ANSWERED_S)
    assert hearing.kind is Kind.HUMAN
    assert hearing.said_s - ANSWERED_S - 0.9 == pytest.approx(0.44, abs=0.05)


def test_a_longer_pause_can_be_asked_for() -> None:
    (hearing,) = play(Answers(1, Judgement(pause_s=1.2), UNSURE), silence(0.4), vowels(0.5), silence(5), answered_s=ANSWERED_S)
    assert hearing.said_s - ANSWERED_S - 0.9 == pytest.approx(1.2, abs=0.05)


def test_a_machine_is_told_before_it_ends_and_its_end_later() -> None:
    first, last = play(Answers(1, model=BY_LENGTH), silence(0.4), vowels(4.0), silence(3), answered_s=ANSWERED_S)
    assert (first.kind, first.ended_s) == (Kind.MACHINE, None)
    assert first.said_s - ANSWERED_S < 2.5
    assert last.kind is Kind.MACHINE
    assert last.ended_s == pytest.approx(ANSWERED_S + 4.4, abs=0.05)
    assert last.said_s == pytest.approx(ANSWERED_S + 4.4 + 1.6, abs=0.06)


def test_a_beep_does_not_move_the_end_of_the_greeting() -> None:
    said = play(Answers(1, model=BY_LENGTH), silence(0.4), vowels(3.0), silence(0.5), tone(0.4, 1000), silence(3), answered_s=ANSWERED_S)
    assert said[-1].ended_s == pytest.approx(ANSWERED_S + 3.4, abs=0.05)


def test_nobody_is_called_human_while_he_speaks() -> None:
    sure = rule("voice_s", 99.0, 9.0, 9.0)
    (hearing,) = play(Answers(1, model=sure), silence(0.2), vowels(3.0), silence(3), answered_s=ANSWERED_S)
    assert hearing.said_s > ANSWERED_S + 3.2
    assert hearing.ended_s == pytest.approx(ANSWERED_S + 3.2, abs=0.05)


@pytest.mark.parametrize(("pieces", "code"), [((noise(7, -60),), "NOSPEECH"), ((silence(0.3), vowels(7)), "DEADLINE")])
def test_what_stays_unsure_is_unknown_at_the_deadline(pieces: tuple[Samples, ...], code: str) -> None:
    (hearing,) = play(Answers(1, model=UNSURE), *pieces, answered_s=ANSWERED_S)
    assert (hearing.kind, hearing.code) == (Kind.UNKNOWN, code)
    assert hearing.said_s == pytest.approx(ANSWERED_S + 5.0)


def test_ringback_after_the_answer_is_nobody() -> None:
    said = play(Answers(1, model=BY_LENGTH), tone(2, 440, 480), silence(4))
    assert [hearing.code for hearing in said] == ["NOSPEECH"]


def test_what_signalling_knows_reaches_the_model() -> None:
    by_ring = rule("ring_time_s", 15.0, 8.0, -8.0)
    for ring_time_s, kind in ((5.0, Kind.HUMAN), (22.0, Kind.MACHINE), (None, Kind.HUMAN)):
        answers = Answers(1, model=by_ring)
        answers.open(LINE)
        answers.signalled(LINE, ring_time_s, False)
        answers.answered(LINE, 0.0)
        line = np.concatenate([silence(0.4), vowels(0.6), silence(1)]).reshape(-1, 160)
        said = [h for tick, frame in enumerate(line) for h in answers.push(frame[None], np.ones(1, np.bool_), (tick + 1) / 50)]
        assert said[0].kind is kind
        assert said[0].features["ring_known"] == (ring_time_s is not None)


def test_nothing_is_heard_before_the_answer_and_rows_do_not_mix() -> None:
    answers = Answers(3, model=BY_LENGTH)
    answers.open(np.arange(3))
    answers.answered(np.array([2]), 0.0)
    line = np.concatenate([silence(0.4), vowels(0.5), silence(2)]).reshape(-1, 160)
    said = [h for tick, frame in enumerate(line) for h in answers.push(np.stack([frame] * 3), np.ones(3, np.bool_), (tick + 1) / 50)]
    assert [(h.row, h.kind) for h in said] == [(2, Kind.HUMAN)]


def said_of(chances: list[float], gap: int, last: bool, judgement: Judgement) -> str:
    found = int(verdict(np.array([chances]), np.array([gap], np.int32), np.array([last]), judgement)[0])
    return "" if found < 0 else CLASSES[found]


MACHINE = [0.15, 0.5, 0.2, 0.15]


def test_the_threshold_is_the_trade_off() -> None:
    assert said_of(MACHINE, 30, False, Judgement(machine_at=0.8, assistant_at=1.0)) == "voicemail"
    assert said_of(MACHINE, 30, False, Judgement(machine_at=0.9, assistant_at=1.0)) == ""


def test_a_machine_that_is_likely_but_not_sure_is_told_when_it_is_decided() -> None:
    judgement = Judgement(machine_at=0.8, sure_at=0.95, pause_s=0.6, assistant_at=1.0)
    assert said_of(MACHINE, 0, False, judgement) == ""
    assert said_of(MACHINE, 29, False, judgement) == ""
    assert said_of(MACHINE, 30, False, judgement) == "voicemail"
    assert said_of(MACHINE, 0, True, judgement) == "voicemail"
    assert said_of([0.04, 0.5, 0.3, 0.16], 0, False, judgement) == "voicemail"


def test_a_likely_assistant_can_be_let_finish() -> None:
    chances = [0.02, 0.5, 0.18, 0.3]
    assert said_of(chances, 0, False, Judgement(assistant_at=1.0)) == "voicemail"
    assert said_of(chances, 0, False, Judgement(assistant_at=0.3)) == ""
    assert said_of([0.97, 0.0, 0.0, 0.03], 30, False, Judgement(assistant_at=0.3)) == "human"


def test_as_shipped_a_likely_machine_is_told_only_if_it_is_unlikely_to_be_an_assistant() -> None:
    assert said_of([0.02, 0.7, 0.2, 0.08], 0, False, Judgement()) == "voicemail"
    assert said_of([0.02, 0.6, 0.2, 0.18], 30, True, Judgement()) == ""


ASKS = Model(Weights(list(FEATURES), [-8.0, 1.0, -20.0, 0.0], [[], [], [], []], "test"))
"""A mailbox, with one chance in four of an assistant."""


def test_who_waits_without_a_beep_is_an_assistant_after_all() -> None:
    first, last = play(Answers(1, Judgement(assistant_at=1.0), ASKS), silence(0.4), vowels(3.0), silence(4), answered_s=ANSWERED_S)
    assert (first.kind, first.ended_s) == (Kind.MACHINE, None)
    assert (last.kind, last.code) == (Kind.ASSISTANT, "revised")
    assert last.said_s == pytest.approx(ANSWERED_S + 3.4 + 1.6, abs=0.06)
    assert last.ended_s == pytest.approx(ANSWERED_S + 3.4, abs=0.05)


def test_a_likely_assistant_is_told_when_it_has_had_its_say_and_unknown_before() -> None:
    answers = Answers(1, Judgement(assistant_at=0.2), ASKS)
    first, last = play(answers, silence(0.4), vowels(6.0), silence(4), answered_s=ANSWERED_S)
    assert (first.kind, first.code) == (Kind.UNKNOWN, "DEADLINE")
    assert first.said_s == pytest.approx(ANSWERED_S + 5.0)
    assert (last.kind, last.code) == (Kind.ASSISTANT, "revised")
    first, last = play(answers, silence(0.4), vowels(6.0), silence(0.6), tone(0.3, 1000), silence(3), answered_s=ANSWERED_S)
    assert (first.kind, last.kind) == (Kind.UNKNOWN, Kind.MACHINE)


def test_who_beeps_is_none() -> None:
    said = play(Answers(1, Judgement(assistant_at=1.0), ASKS), silence(0.4), vowels(3.0), silence(0.6), tone(0.3, 1000), silence(4), answered_s=ANSWERED_S)
    assert [hearing.kind for hearing in said] == [Kind.MACHINE, Kind.MACHINE]
    assert said[-1].said_s < ANSWERED_S + 3.4 + 1.4


def test_an_unlikely_assistant_is_none_even_if_nobody_beeps() -> None:
    said = play(Answers(1, Judgement(waiting_at=0.5, assistant_at=1.0), ASKS), silence(0.4), vowels(3.0), silence(4), answered_s=ANSWERED_S)
    assert [(hearing.kind, hearing.code) for hearing in said] == [(Kind.MACHINE, ""), (Kind.MACHINE, "")]


def test_a_model_for_other_features_is_refused() -> None:
    with pytest.raises(ValueError, match="the model wants"):
        Answers(1, model=Model(Weights(["other"], [0.0] * 4, [[]] * 4, "test")))


def test_the_shipped_model_gives_probabilities_that_depend_on_what_it_sees() -> None:
    features = np.random.default_rng(1).normal(0, 3, (200, len(FEATURES)))
    chances = shipped()(features)
    assert np.allclose(chances.sum(axis=1), 1)
    assert chances[:, 0].std() > 0.05


def spoken(text: str, folder: Path) -> Samples:
    """By a voice of neither side of the corpus, at 8 kHz."""
    path = folder / "said.wav"
    subprocess.run([needs("espeak-ng"), "-v", "en-gb-scotland+m4", "-w", str(path), text], check=True, capture_output=True)
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768
        rate = file.getframerate()
    at = np.arange(0, len(samples), rate / 8000)
    made = np.interp(at, np.arange(len(samples)), np.convolve(samples, np.ones(3) / 3, "same"))
    loud = np.flatnonzero(np.abs(made) > 0.02)
    return np.asarray(made[loud[0] : loud[-1]] * 0.5, np.float32)


def on_a_line(*pieces: Samples) -> Samples:
    line = np.concatenate(pieces)
    return line + noise(len(line) / 8000 + 0.01, -66)[: len(line)]


def test_a_spoken_hello_is_a_human_within_600_ms(tmp_path: Path) -> None:
    hello = spoken("Hello?", tmp_path)
    said = play(Answers(1), on_a_line(silence(0.5), hello, silence(3)), answered_s=0.0)
    assert said[0].kind is Kind.HUMAN
    assert said[0].said_s <= 0.5 + len(hello) / 8000 + 0.65


def test_a_spoken_greeting_is_a_machine_before_it_ends(tmp_path: Path) -> None:
    text = "You have reached the voice mailbox of Robert Miller. I am not able to take your call at the moment. Please leave your name and your number after the tone."
    greeting = spoken(text, tmp_path)
    line = on_a_line(silence(0.5), greeting, silence(0.6), tone(0.4, 1000), silence(2))
    said = play(Answers(1, Judgement(assistant_at=1.0)), line, answered_s=0.0)
    assert said[0].kind in (Kind.MACHINE, Kind.ANNOUNCEMENT)
    assert said[0].said_s < 0.5 + len(greeting) / 8000
    assert said[-1].ended_s == pytest.approx(0.5 + len(greeting) / 8000, abs=0.25)
    said = play(Answers(1), line, answered_s=0.0)
    assert said[-1].kind is Kind.MACHINE, "at the latest when it has beeped"
    assert said[-1].ended_s == pytest.approx(0.5 + len(greeting) / 8000, abs=0.25)
