"""Prompts as engines play them: WAV, 8 kHz, 16 bit, mono. Whatever else there is becomes one, once, when a policy is loaded.

A WAV in that form is used as it is. Everything else (other rates, stereo, MP3, Ogg, FLAC) wants PyAV (`pip install 'trunkline[transcoding]'`).
"""

import hashlib
import wave
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 8000
LONGEST_S = 300
"What an engine plays at most."


class PromptError(Exception):
    """The file cannot be made into a prompt; the text says why, and what would help."""


def prepare(file: Path, folder: Path) -> Path:
    """The prompt that `file` is or becomes; what is made goes into `folder`, named after its content, and is not made twice. Raises `PromptError`."""
    try:
        content = file.read_bytes()
    except OSError as error:
        raise PromptError(f"{file}: {error.strerror}") from error
    if _is_playable(file):
        return file
    made = folder / f"{hashlib.sha256(content).hexdigest()[:32]}.wav"
    if made.exists():
        return made
    samples = _decode(file)
    if not len(samples):
        raise PromptError(f"{file}: no audio in it")
    if len(samples) > LONGEST_S * RATE_HZ:
        raise PromptError(f"{file}: longer than {LONGEST_S} s")
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = made.with_suffix(".part")
    with wave.open(str(unfinished), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(samples.astype("<i2").tobytes())
    unfinished.replace(made)
    return made


def _is_playable(file: Path) -> bool:
    try:
        with wave.open(str(file), "rb") as sound:
            return (sound.getframerate(), sound.getsampwidth(), sound.getnchannels()) == (RATE_HZ, 2, 1) and 0 < sound.getnframes() <= LONGEST_S * RATE_HZ
    except (wave.Error, EOFError):
        return False


def _decode(file: Path) -> NDArray[np.int16]:
    if find_spec("av") is None:
        raise PromptError(f"{file}: not a WAV of 8 kHz, 16 bit, mono; pip install 'trunkline[transcoding]' makes one of it")
    av: Any = import_module("av")
    resampler: Any = av.AudioResampler("s16", "mono", RATE_HZ)
    parts: list[NDArray[np.int16]] = []
    try:
        with av.open(str(file)) as container:
            for frame in container.decode(audio=0):
                parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(frame)]
            parts += [out.to_ndarray().reshape(-1) for out in resampler.resample(None)]
    except (av.FFmpegError, ValueError, IndexError, StopIteration) as error:
        raise PromptError(f"{file}: {error}") from error
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)
