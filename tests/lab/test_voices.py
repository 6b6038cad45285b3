"""What far ends play is what it is called: judged by what listens."""

from random import Random

import numpy as np
import pytest
from tests.lab.hearing import tones

from trunkline.lab.voices import KINDS, PROMPTS, SIT_KINDS, SPEECH, Sound, agent, sound
from trunkline.listen import FRAME, Bank, Hearing
from trunkline.listen.answers import Answers
from trunkline.listen.plans import COUNTRIES, EQUAL_BUSY_AND_CONGESTION
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones
from trunkline.media.g711 import A_LAW, MU_LAW, Law

CALLS = 12


def heard(sounds: list[Sound], seconds: float, law: Law = MU_LAW, country: str | None = None) -> list[list[Hearing]]:
    """What a bank says of each, answered at once."""
    rows = len(sounds)
    bank = Bank(rows, [Tones(rows), Quiet(rows), Answers(rows)])
    lines = []
    for row, played in enumerate(sounds):
        bank.open(row, country)
        bank.answer(row, 0.0)
        once = law.decode_bytes(played.coded(law))
        again = once[played.loop_from or 0 :]
        lines.append(np.concatenate([once, np.resize(again, round(seconds * 8000))]))
    said: list[list[Hearing]] = [[] for _ in sounds]
    for tick in range(round(seconds * 50)):
        frames = np.stack([line[tick * FRAME : (tick + 1) * FRAME] for line in lines])
        for hearing in bank.push(frames, np.ones(rows, np.bool_), (tick + 1) * 0.02):
            said[hearing.row].append(hearing)
    return said


def played(kind: str, seed: int, country: str = "us") -> Sound:
    made = sound(kind, Random(seed), country)
    assert made is not None
    return made


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "no-rtp"])
def test_every_kind_is_whole_frames_and_the_same_for_the_same_seed(kind: str) -> None:
    first, second = played(kind, 5), played(kind, 5)
    assert first.samples.size % FRAME == 0
    assert (first.loop_from or 0) % FRAME == 0
    assert first.loop_from is None or first.loop_from < first.samples.size
    assert np.array_equal(first.samples, second.samples)
    assert first.coded(A_LAW) != first.coded(MU_LAW)


def test_no_rtp_is_nothing_to_play_and_an_unknown_kind_a_mistake() -> None:
    assert sound("no-rtp", Random(1)) is None
    with pytest.raises(KeyError):
        sound("polka", Random(1))


def test_the_prompts_are_small_and_none_is_empty() -> None:
    sizes = [path.stat().st_size for path in PROMPTS.glob("*.ulaw")]
    assert min(sizes) > 2000
    assert sum(sizes) < 400_000


@pytest.mark.parametrize("country", COUNTRIES)
@pytest.mark.parametrize("kind", ["ringback", "busy", "congestion"])
def test_call_progress_is_heard_as_that_of_its_country(kind: str, country: str) -> None:
    means = "busy" if kind == "congestion" and country in EQUAL_BUSY_AND_CONGESTION else kind
    assert tones(heard([played(kind, 1, country)], 16.0, country=country)[0]) == [means]


@pytest.mark.parametrize("kind", SIT_KINDS)
def test_a_sit_is_heard_with_its_code_and_the_announcement_after_it_is_no_tone(kind: str) -> None:
    for said in heard([played(kind, seed) for seed in range(4)], 12.0):
        assert tones(said) == [f"sit {SIT_KINDS[kind].code}"]


def test_a_fax_is_heard_as_ced_or_ansam() -> None:
    said = [tones(each) for each in heard([played("fax", seed) for seed in range(8)], 6.0)]
    assert sorted({each for one in said for each in one}) == ["fax ansam", "fax ced"]
    assert all(len(one) == 1 for one in said)


@pytest.mark.parametrize("law", [MU_LAW, A_LAW], ids=lambda law: law.name)
def test_a_voicemail_is_a_greeting_and_one_beep_and_other_speech_has_no_tone(law: Law) -> None:
    for kind in (*SPEECH, "custom-ringback"):
        for said in heard([played(kind, seed) for seed in range(CALLS)], 14.0, law):
            assert tones(said) == (["beep"] if kind == "voicemail" else [])


def test_a_human_greets_briefly_and_the_others_speak_on() -> None:
    said = heard([played("human", seed) for seed in range(CALLS)], 5.0)
    # How well voices are judged is measured in tests/listen; that most are taken for what they are says that they are played right.
    assert sum(any(hearing.kind == "human" for hearing in one) for one in said) > CALLS / 2
    for kind in ("voicemail", "announcement", "assistant"):
        assert not any(hearing.kind == "human" for one in heard([played(kind, seed) for seed in range(CALLS)], 5.0) for hearing in one)


def test_silence_is_silent() -> None:
    said = heard([played("silence", 1)], 8.0)[0]
    assert "silence" in [hearing.kind for hearing in said]
    assert tones(said) == []


def test_an_agent_waits_before_speaking() -> None:
    made = agent(Random(3), (1.0, 1.5))
    loud = np.flatnonzero(np.abs(made.samples.astype(int)) > 2000)
    assert 1.0 <= loud[0] / 8000 <= 2.0
