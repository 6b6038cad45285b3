"""Sounds for the tests of the answer half: a crude voice, noise, tones; and an answered line to play them on."""

import numpy as np
from numpy.typing import NDArray

from trunkline.listen.detector import FRAME, RATE_HZ, TICK_S, Detector
from trunkline.listen.hearing import Hearing

Samples = NDArray[np.float32]
LINE = np.zeros(1, np.intp)


def dbm0(samples: NDArray[np.float64], level: float) -> Samples:
    """Scale to an RMS level; full scale is a sine of +3.14 dBm0."""
    return np.asarray(samples / np.sqrt(np.mean(samples**2)) * 10 ** ((level - 6.15) / 20), np.float32)


def vowels(seconds: float, level: float = -20.0, hz: float = 120.0) -> Samples:
    """Pulses through three moving resonances, four syllables a second."""
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(hz * (1 + 0.1 * np.sin(2 * np.pi * 1.3 * time_s))) / RATE_HZ
    move = np.sin(2 * np.pi * 2 * time_s)
    made = np.zeros(len(time_s))
    for harmonic in range(1, int(3400 / hz / 1.1)):
        at = harmonic * hz
        gain = sum(width / (1 + ((at - centre) / 150) ** 2) for centre, width in ((500 + 150 * move, 1.0), (1400 + 300 * move, 0.5), (2500, 0.25)))
        made += gain * np.sin(harmonic * phase)
    return dbm0(made * (0.65 + 0.35 * np.cos(2 * np.pi * 4 * time_s)), level)


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def noise(seconds: float, level: float, seed: int = 1) -> Samples:
    return dbm0(np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ)), level)


def tone(seconds: float, *hz: float, level: float = -15.0) -> Samples:
    time_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return dbm0(np.sum([np.sin(2 * np.pi * f * time_s) for f in hz], axis=0), level)


def frames(*pieces: Samples) -> Samples:
    """[ticks, 160]"""
    line = np.concatenate(pieces)
    return line[: len(line) // FRAME * FRAME].reshape(-1, FRAME)


def play(detector: Detector, *pieces: Samples, answered_s: float = 10.0) -> list[Hearing]:
    """Answer line 0 and play everything on it."""
    detector.open(LINE)
    detector.answered(LINE, answered_s)  # type: ignore[attr-defined]
    here = np.ones(1, np.bool_)
    return [hearing for number, frame in enumerate(frames(*pieces)) for hearing in detector.push(frame[None], here, answered_s + (number + 1) * TICK_S)]
