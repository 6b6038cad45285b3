"""Prompts: what can be played is left alone, what cannot is made so or refused."""

import wave
from pathlib import Path

import numpy as np
import pytest

from trunkline.studio.prompts import PromptError, prepare


def write(file: Path, samples: np.ndarray, rate: int, channels: int = 1) -> Path:
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(np.repeat(samples, channels).astype("<i2").tobytes())
    return file


def tone(rate: int, hz: float = 440.0, seconds: float = 1.0) -> np.ndarray:
    return 9000 * np.sin(2 * np.pi * hz * np.arange(round(rate * seconds)) / rate)


def read(file: Path) -> np.ndarray:
    with wave.open(str(file)) as sound:
        assert (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (8000, 2, 1)
        return np.frombuffer(sound.readframes(sound.getnframes()), "<i2").astype(float)


def test_what_can_be_played_is_left_alone(tmp_path: Path) -> None:
    file = write(tmp_path / "a.wav", tone(8000), 8000)
    assert prepare(file, tmp_path / "made") == file
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (16_000, 1), (8000, 2)])
def test_another_rate_or_two_channels_become_one_that_sounds_the_same(tmp_path: Path, rate: int, channels: int) -> None:
    file = write(tmp_path / "a.wav", tone(rate), rate, channels)
    made = prepare(file, tmp_path / "made")
    samples = read(made)
    assert abs(len(samples) - 8000) <= 40
    assert np.argmax(np.abs(np.fft.rfft(samples[:8000], 8000))) == 440
    assert np.sqrt(np.mean(samples[200:7800] ** 2)) == pytest.approx(9000 / np.sqrt(2), rel=0.05)
    assert prepare(file, tmp_path / "made") == made, "and is not made twice"


def test_what_holds_no_audio_is_refused_with_the_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.wav"
    for content in (b"", b"RIFF", b"not audio at all" * 100):
        file.write_bytes(content)
        with pytest.raises(PromptError, match=r"a\.wav"):
            prepare(file, tmp_path / "made")
    with pytest.raises(PromptError, match="No such file"):
        prepare(tmp_path / "nowhere.wav", tmp_path)
    assert not list(tmp_path.glob("made/*"))


def test_what_is_too_long_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "a.wav", np.zeros(8000 * 301), 8000)
    with pytest.raises(PromptError, match="longer than 300 s"):
        prepare(file, tmp_path / "made")
