"""Speech is found at every level, and noise, hum and tones are none."""

import numpy as np
import pytest

from trunkline.listen.greeting import SPEECHLIKE_TICKS
from trunkline.listen.speech import Speech

from .voice import Samples, frames, noise, silence, tone, vowels


def heard(*pieces: Samples, present: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Shares active and speechlike, per tick."""
    speech = Speech(1)
    speech.open(np.zeros(1, np.intp))
    there = np.random.default_rng(3).random(10_000) < present
    active, speechlike = [], []
    for tick, frame in enumerate(frames(*pieces)):
        speech.push(frame[None] * there[tick], there[tick : tick + 1])
        active.append(bool(speech.active[0]))
        speechlike.append(bool(speech.speechlike[0]))
    return np.array(active), np.array(speechlike)


@pytest.mark.parametrize("level", [-10, -20, -28, -35])
@pytest.mark.parametrize("hz", [95, 140, 220])
def test_a_voice_is_found_at_any_level(level: float, hz: float) -> None:
    active, speechlike = heard(noise(0.5, -68), vowels(1.0, level, hz), noise(0.5, -68, 2))
    assert active[26:75].mean() > 0.8
    assert speechlike[26:75].mean() > 0.4
    assert not active[:24].any()
    assert not active[79:].any()


def test_the_edges_of_speech_are_known_to_two_ticks() -> None:
    active, _ = heard(silence(0.5), vowels(0.6), silence(0.5))
    ticks = np.flatnonzero(active)
    assert abs(ticks[0] - 25) <= 1
    assert abs(ticks[-1] - 54) <= 2


def test_speech_that_goes_on_at_the_answer_is_found() -> None:
    assert heard(vowels(0.4), silence(0.5))[1][:20].sum() >= 5


@pytest.mark.parametrize("level", [-70, -58, -50, -42])
def test_steady_noise_is_not_speech(level: float) -> None:
    active, speechlike = heard(noise(4, level))
    assert not speechlike.any()
    assert active[60:].mean() < 0.03


def test_hum_is_not_speech() -> None:
    time_s = np.arange(32_000) / 8000
    hum = sum(np.sin(2 * np.pi * 50 * k * time_s) / k for k in (1, 2, 3, 5, 7)) * 0.004
    assert not heard(np.asarray(hum, np.float32))[1][10:].any()


@pytest.mark.parametrize("hz", [(425.0,), (440.0, 480.0), (480.0, 620.0), (1000.0,), (1400.0,), (2100.0,), (400.0, 450.0)])
def test_tones_are_not_speech(hz: tuple[float, ...]) -> None:
    """Its hard edges may each look like a voice for a tick; a run needs more to be speech."""
    for seconds in (0.1, 0.3, 1.0):
        assert heard(silence(0.3), tone(seconds, *hz), silence(1.0))[1].sum() < SPEECHLIKE_TICKS


def test_lost_packets_do_not_hide_a_voice() -> None:
    active, speechlike = heard(silence(0.5), vowels(2.0), silence(0.5), present=0.9)
    assert active[25:125].mean() > 0.6
    assert speechlike[25:125].sum() > 20


def test_a_row_is_forgotten_when_opened() -> None:
    speech = Speech(2)
    for frame in frames(vowels(0.5)):
        speech.push(np.stack([frame, frame]), np.ones(2, np.bool_))
    speech.open(np.array([0]))
    assert not speech.active[0]
    assert speech.level_dbm0[0] == -90
    assert speech.level_dbm0[1] > -40


def test_what_is_found_on_a_line_does_not_depend_on_the_others() -> None:
    rng = np.random.default_rng(5)
    pieces = list(frames(silence(0.3), vowels(1.0), noise(0.4, -50), tone(0.5, 440.0)))
    there = rng.random(len(pieces)) < 0.9
    alone, among = Speech(1), Speech(40)
    for frame, arrived in zip(pieces, there, strict=True):
        alone.push(frame[None] * arrived, np.array([arrived]))
        others = rng.random(40) < 0.5
        others[7] = arrived
        sound = np.asarray(rng.standard_normal((40, len(frame))) * 0.05, np.float32)
        sound[7] = frame
        among.push(sound * others[:, None], others)
        for name in ("active", "speechlike", "tonal", "level_dbm0", "change", "tilt_db"):
            assert getattr(among, name)[7] == pytest.approx(getattr(alone, name)[0], abs=1e-4), name


def test_a_tone_that_runs_on_is_known_at_once_by_whoever_has_followed_it() -> None:
    """As ringback does that a false answer cuts in two: 100 ms of it are needed to know it for steady."""
    followed, fresh = Speech(1), Speech(1)
    nobody, somebody = np.zeros(1, np.bool_), np.ones(1, np.bool_)
    heard = []
    for tick, frame in enumerate(frames(tone(1.0, 440.0))):
        present = somebody if tick >= 25 else nobody
        followed.push(frame[None], present, somebody)
        fresh.push(frame[None], present)
        if tick >= 25:
            heard.append((followed.change[0] < 0.1, fresh.change[0] < 0.1))
        else:
            assert not followed.active[0]
            assert followed.level_dbm0[0] == -90
    assert all(steady for steady, _ in heard)
    assert [steady for _, steady in heard[:5]] == [False] * 5
    assert all(steady for _, steady in heard[6:])
