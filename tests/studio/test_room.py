"""What is heard of RTP, on virtual time: the right kind at the right time, over networks as they are."""

import numpy as np
import pytest

from tests.listen.test_answers import spoken
from tests.listen.voice import noise, silence, tone, vowels
from tests.studio.streams import DELAY_S, Arrival, Stage, lossy, pcm, stream
from trunkline.listen import Kind, Phase, synthesis
from trunkline.listen.plans import SITS, Sit
from trunkline.media.g711 import A_LAW, MU_LAW, Law
from trunkline.media.rtp import Packet
from trunkline.media.telephone_event import Event
from trunkline.studio.contract import Undecodable


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(1889)


def ringback(seconds: float, country: str = "us") -> np.ndarray:
    return synthesis.cadence(synthesis.plan(country, Kind.RINGBACK), seconds)


@pytest.mark.parametrize("law", [MU_LAW, A_LAW], ids=lambda law: law.name)
@pytest.mark.parametrize(("loss", "jitter_s"), [(0.0, 0.0), (0.05, 0.06)])
def test_ringback_is_heard_with_its_times(law: Law, loss: float, jitter_s: float, rng: np.random.Generator) -> None:
    stage = Stage()
    stage.play(1.0)
    line = stage.open(country="us")
    audio = pcm(silence(0.5), ringback(8.0))
    stage.play(9.6, (line, lossy(stream(audio, 1.0, law=law), rng, loss, jitter_s)))
    first = stage.heard(Kind.RINGBACK)[0]
    assert "us" in first.countries
    assert first.row == 1
    assert first.began_s == pytest.approx(0.5, abs=0.05 + jitter_s), "since the leg's beginning, by arrival"
    assert first.phase is Phase.EARLY
    assert first.said_s == pytest.approx(4.5, abs=2.2)


@pytest.mark.parametrize("which", SITS, ids=lambda which: which.code)
def test_special_information_tones_survive_loss_and_reordering(which: Sit, rng: np.random.Generator) -> None:
    stage = Stage()
    line = stage.open()
    stage.play(3.0, (line, lossy(stream(pcm(silence(0.4), synthesis.sit(which), silence(1.5))), rng, 0.03, 0.05)))
    (said,) = stage.heard(Kind.SIT)
    assert said.code == which.code


def test_a_spoken_hello_is_a_human_and_a_mailbox_a_machine_with_its_beep(tmp_path, rng: np.random.Generator) -> None:
    hello = spoken("Hello?", tmp_path)
    text = "You have reached the voice mailbox of Robert Miller. I am not able to take your call at the moment. Please leave your name and your number after the tone."
    mailbox = spoken(text, tmp_path)
    stage = Stage()
    human, machine = stage.open("human", 1), stage.open("machine", 1)
    floor = noise(16, -66)
    said = {
        human: np.concatenate([silence(1.5), hello, silence(3)]),
        machine: np.concatenate([silence(1.5), mailbox, silence(0.6), tone(0.4, 1000), silence(2)]),
    }
    feeds = [(line, lossy(stream(pcm(audio + floor[: len(audio)])), rng, 0.02, 0.04)) for line, audio in said.items()]
    stage.play(1.0, *feeds)
    stage.answer("human", ring_time_s=6.0)
    stage.answer("machine", ring_time_s=22.0)
    stage.play(14.0, *feeds)
    told = {call: [one.hearing for one in stage.told if getattr(one, "call", "") == call] for call in ("human", "machine")}
    verdict = next(one for one in told["human"] if one.kind in (Kind.HUMAN, Kind.MACHINE, Kind.UNKNOWN))
    assert verdict.kind is Kind.HUMAN
    assert verdict.phase is Phase.ANSWERED
    assert verdict.began_s == pytest.approx(1.0, abs=0.001), "the answer"
    assert verdict.said_s <= 1.5 + len(hello) / 8000 + 0.65 + DELAY_S
    assert verdict.features["ring_time_s"] == 6.0
    assert verdict.features["onset_s"] == pytest.approx(0.5, abs=0.03), "the answer waited as long as the sound"
    verdicts = [one for one in told["machine"] if one.kind in (Kind.MACHINE, Kind.ANNOUNCEMENT, Kind.UNKNOWN, Kind.ASSISTANT)]
    assert verdicts[0].phase is Phase.ANSWERED
    assert not any(one.kind is Kind.HUMAN for one in told["machine"])
    last = [one for one in told["machine"] if one.kind in (Kind.MACHINE, Kind.ANNOUNCEMENT)][-1]
    assert last.ended_s == pytest.approx(1.5 + len(mailbox) / 8000, abs=0.3)
    beep = next(one for one in told["machine"] if one.kind is Kind.BEEP)
    assert beep.began_s == pytest.approx(1.5 + len(mailbox) / 8000 + 0.6, abs=0.06)


def test_what_sounded_before_the_answer_is_early_and_what_after_is_not() -> None:
    """A false answer: ringback goes on after it."""
    stage = Stage()
    line = stage.open(country="us")
    feed = (line, stream(pcm(ringback(20.0))))
    stage.play(6.0, feed)
    stage.answer()
    stage.play(19.0, feed)
    phases = [one.phase for one in stage.heard(Kind.RINGBACK) if one.ended_s is None]
    assert phases == [Phase.EARLY, Phase.ANSWERED]


def test_silence_and_no_audio_differ() -> None:
    stage = Stage()
    quiet, nothing = stage.open("quiet"), stage.open("nothing")
    stage.play(3.0, (quiet, stream(pcm(silence(3.0)))), (nothing, []))
    assert {(one.call, one.hearing.kind) for one in stage.told} == {("nothing", Kind.NO_AUDIO), ("quiet", Kind.SILENCE)}


def test_a_pause_announced_by_comfort_noise_is_silence_and_not_a_lost_line() -> None:
    stage = Stage()
    line = stage.open()
    talk = stream(pcm(vowels(1.0)), ssrc=7, sequence=0, stamp=0)
    noise_at = Arrival(1.04, Packet(13, 50, 8000, 7, b"\x46").encode())
    more = [Arrival(one.at, one.data) for one in stream(pcm(vowels(1.0)), 5.0, ssrc=7, sequence=51, stamp=40_000)]
    stage.play(6.2, (line, [*talk, noise_at, *more]))
    assert not stage.heard(Kind.NO_AUDIO)
    begun, over = stage.heard(Kind.SILENCE)
    assert begun.began_s == pytest.approx(1.0, abs=0.06)
    assert over.ended_s == pytest.approx(5.0, abs=0.06)
    assert line.late == 0


def test_keys_pressed_are_no_audio_and_disturb_nothing() -> None:
    stage = Stage()
    line = stage.open(country="us")
    audio = stream(pcm(ringback(8.0)), ssrc=7, stamp=0, sequence=0)
    keys = [Arrival(one.at + 0.001, Packet(101, at, 160 * at, 7, Event(5, False, -10, 160 * at).encode()).encode()) for at, one in enumerate(audio[100:120])]
    stage.play(8.0, (line, sorted([*audio[:100], *keys, *audio[120:]])))
    assert stage.heard(Kind.RINGBACK)[0].began_s == pytest.approx(0.0, abs=0.05)


def test_what_cannot_be_decoded_is_told_once_and_never_called_a_line_without_audio() -> None:
    stage = Stage()
    line = stage.open(formats={18: "G729"})
    feed = [Arrival(one.at, one.data[:1] + bytes([18]) + one.data[2:32]) for one in stream(pcm(silence(4.0)))]
    stage.play(4.0, (line, feed))
    assert stage.told == [Undecodable("c", 1, "G729")]


def test_a_line_described_anew_is_heard_after_all() -> None:
    stage = Stage()
    line = stage.open(formats={18: "G729"}, country="us")
    stage.play(2.0, (line, [Arrival(one.at, one.data[:1] + bytes([18]) + one.data[2:32]) for one in stream(pcm(silence(2.0)))]))
    assert stage.told_of(Undecodable)
    stage.open(country="us")
    stage.play(9.0, (line, stream(pcm(ringback(7.0)), 2.0)))
    assert stage.heard(Kind.RINGBACK)


def test_a_key_on_a_payload_type_nobody_named_does_not_deafen() -> None:
    stage = Stage()
    line = stage.open(formats={0: "PCMU"}, country="us")
    audio = stream(pcm(ringback(8.0)), ssrc=7, stamp=0, sequence=0)
    keys = [Arrival(one.at, Packet(96, at, 0, 7, bytes(4)).encode()) for at, one in enumerate(audio[110:140])]
    stage.play(8.0, (line, sorted([*audio[:110], *keys, *audio[140:]])))
    assert not stage.told_of(Undecodable)
    assert stage.heard(Kind.RINGBACK)


def test_a_row_that_is_used_again_remembers_nothing() -> None:
    stage = Stage(rows=2)
    line = stage.open("first", country="us")
    stage.play(5.99, (line, stream(pcm(ringback(6.0)))))
    stage.forget("first")
    stage.told.clear()
    again = stage.open("second", country="us")
    assert again.row == line.row
    stage.play(12.0, (again, stream(pcm(silence(6.0)), 6.0)))
    assert {one.call for one in stage.told} == {"second"}
    assert {one.kind for one in stage.heard()} == {Kind.SILENCE}


def test_a_tapped_leg_is_not_heard_until_it_is_listened_to() -> None:
    stage = Stage()
    line = stage.open(hears=False, country="us")
    feed = (line, stream(pcm(ringback(14.0))))
    stage.play(6.0, feed)
    assert not stage.told
    assert stage.open(country="us") is line
    stage.play(13.0, feed)
    assert stage.heard(Kind.RINGBACK)[0].began_s >= 0


def test_time_that_was_stood_still_does_not_confuse_the_lines() -> None:
    """After 3 s of stall the room goes on with the present."""
    stage = Stage()
    line = stage.open(country="us")
    feed = stream(pcm(silence(4.0), ringback(9.0)))
    stage.play(1.0, (line, feed))
    stage.room.skip(150)
    stage.ticks += 150
    stage.now = 4.0
    stage.play(12.0, (line, feed))
    assert stage.heard(Kind.RINGBACK)[0].began_s == pytest.approx(4.0, abs=0.06)
    assert line.late == 0


def test_garbage_at_a_line_is_survived(rng: np.random.Generator) -> None:
    stage = Stage()
    line = stage.open(country="us")
    first = rng.choice([0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0xA0, 0xBF, 0xFF], 4000)
    second = rng.choice([0, 8, 9, 13, 77, 101, 128, 200, 229, 255], 4000)
    garbage = [
        Arrival(at / 500, bytes([a, b]) + rng.bytes(int(rng.choice([0, 1, 2, 9, 10, 11, 12, 14, 160, 170, 1400, 2000]))))
        for at, (a, b) in enumerate(zip(first, second, strict=True))
    ]
    audio = stream(pcm(ringback(9.0)))
    stage.play(9.0, (line, sorted([*audio, *garbage])))
    assert stage.room.buffer.garbage > 500
    assert stage.heard(Kind.RINGBACK)[0].began_s == pytest.approx(0.0, abs=0.06)
