"""Short greetings of the shipped prompts, after any ring time: the shipped model may be unsure of them and must never take them for a machine."""

from pathlib import Path

import numpy as np
import pytest

import trunkline.lab.prompts
from trunkline.listen.answers import Answers
from trunkline.listen.hearing import Hearing, Kind
from trunkline.media.g711 import MU_LAW

from .voice import LINE, Samples, frames, noise, silence

PROMPTS = Path(trunkline.lab.prompts.__file__).parent
GREETINGS = sorted(path.stem for path in PROMPTS.glob("human-*.ulaw"))
RING_TIMES_S = (None, 0.3, 1.0, 3.0, 20.0)


def spoken(name: str) -> Samples:
    return MU_LAW.decode_bytes((PROMPTS / f"{name}.ulaw").read_bytes()).astype(np.float32) / 32768


def heard(line: Samples, ring_time_s: float | None) -> list[Hearing]:
    """By the shipped model, answered after that ring time."""
    answers = Answers(1)
    answers.open(LINE)
    answers.signalled(LINE, ring_time_s, False)
    answers.answered(LINE, 0.0)
    here = np.ones(1, np.bool_)
    return [hearing for tick, frame in enumerate(frames(line)) for hearing in answers.push(frame[None], here, (tick + 1) / 50)]


def over_noise(*pieces: Samples, seed: int, level: float = -66.0) -> Samples:
    line = np.concatenate(pieces)
    return line + noise(len(line) / 8000 + 0.01, level, seed)[: len(line)]


def test_there_are_greetings() -> None:
    assert len(GREETINGS) >= 8


@pytest.mark.parametrize("ring_time_s", RING_TIMES_S)
@pytest.mark.parametrize("greeting", GREETINGS)
def test_somebody_who_picks_up_is_no_machine_however_long_it_rang(greeting: str, ring_time_s: float | None) -> None:
    said = heard(over_noise(silence(0.4), spoken(greeting), silence(5.0), seed=1), ring_time_s)
    assert said, "human, or unknown at the deadline"
    assert {hearing.kind for hearing in said} <= {Kind.HUMAN, Kind.UNKNOWN}


@pytest.mark.parametrize("ring_time_s", RING_TIMES_S)
def test_a_mailbox_is_still_one_however_long_it_rang(ring_time_s: float | None) -> None:
    said = heard(over_noise(silence(0.3), spoken("voicemail-en-2"), spoken("voicemail-en-1"), silence(0.5), seed=1), ring_time_s)
    assert said[0].kind is Kind.MACHINE
    assert said[0].said_s < 5.0
