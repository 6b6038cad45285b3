"""Voices that can be told apart, as G.711 and as WAV, and how alike two of them are."""

import wave
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.int16]
"8 kHz; a column per channel where there are several."

FRAME = 160
"Samples, and bytes of G.711, in 20 ms at 8 kHz."


def noise(frames: int, seed: int) -> bytes:
    """mu-law bytes no two frames of which are alike; `seed` tells voices apart."""
    return np.random.default_rng(seed).integers(0, 255, frames * FRAME, dtype=np.uint8).tobytes()


def mu_law(data: bytes) -> Samples:
    """Samples of G.711 mu-law (ITU-T G.711 table 2a), from the formula rather than from the product's table."""
    byte = ~np.frombuffer(data, np.uint8)
    size = (((byte & 15).astype(np.int32) << 3) + 132 << (byte >> 4 & 7)) - 132
    return np.where(byte & 128, -size, size).astype(np.int16)


def coded(samples: Samples) -> bytes:
    """The mu-law bytes nearest to samples."""
    table = mu_law(bytes(range(256))).astype(np.int32)
    order = np.argsort(table, kind="stable")
    steps = table[order]
    above = np.clip(np.searchsorted(steps, samples), 1, 255)
    nearest = np.where(samples - steps[above - 1] < steps[above] - samples, above - 1, above)
    return order[nearest].astype(np.uint8).tobytes()


def sweep(seconds: float, low_hz: float, high_hz: float) -> Samples:
    """A tone that climbs: at 8 kHz, unlike itself at any other moment, and unlike a sweep over another band."""
    t = np.arange(int(seconds * 8000)) / 8000
    phase = 2 * np.pi * (low_hz * t + (high_hz - low_hz) * t**2 / (2 * seconds))
    return (9000 * np.sin(phase)).astype(np.int16)


def save_wav(file: Path, samples: Samples) -> Path:
    with wave.open(str(file), "wb") as wav:
        wav.setparams((1, 2, 8000, 0, "NONE", ""))
        wav.writeframes(samples.tobytes())
    return file


def load_wav(file: Path) -> Samples:
    """Samples; a column per channel where there are several. A file still being written may promise more than it has."""
    with wave.open(str(file), "rb") as wav:
        samples = np.frombuffer(wav.readframes(wav.getnframes()), np.int16)
        return samples.reshape(-1, wav.getnchannels()) if wav.getnchannels() > 1 else samples


def likeness(heard: Samples, said: Samples) -> float:
    """Correlation of what was heard with what was said, at the shift where it is largest; 1 where they differ only in level."""
    x, y = heard.astype(float), said.astype(float)
    size = 1 << (len(x) + len(y)).bit_length()
    product = np.fft.irfft(np.fft.rfft(x, size) * np.conj(np.fft.rfft(y, size)), size)
    shift = int(np.argmax(product))
    shift -= size if shift > size // 2 else 0
    x, y = (x[shift:], y) if shift >= 0 else (x, y[-shift:])
    n = min(len(x), len(y))
    return float(np.corrcoef(x[:n], y[:n])[0, 1]) if n > FRAME else 0.0


LATE = 50
"Frames within which one that is missed is made up for: a second."


def share(heard: Samples, said: Samples) -> float:
    """The part of the frames of what was said that is in what was heard, to the sample and in this order; at 20 ms each."""
    whole, at, found = heard.tobytes(), 0, 0
    frames = said[: len(said) // FRAME * FRAME].reshape(-1, FRAME)
    for frame in frames:
        here = whole.find(frame.tobytes(), at, at + LATE * 2 * FRAME if at else None)
        if here >= 0:
            at, found = here + 2 * FRAME, found + 1
    return found / len(frames)
