"""A model of a telephone line: what happens to samples between a carrier's tone generator and us.

Companding is written from the formulas of ITU-T G.711 (table 1a and 2a): the test's own, so that a fault in the product's codec cannot hide
one in what hears through it.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from trunkline.listen import FRAME, TICK_S, Bank, Detector, Hearing
from trunkline.listen.level import power_of

Law = Literal["mu", "a"]
Samples = NDArray[np.float64]
Pcm = NDArray[np.int16]
LAWS: tuple[Law, ...] = ("mu", "a")


class Sent(NamedTuple):
    """What one line carries: whole frames, and which of them arrive."""

    frames: Pcm
    "[ticks, 160]"
    arrives: NDArray[np.bool_]
    "[ticks]"


def mu_law(pcm: Pcm) -> Pcm:
    """Encode and decode by mu-law: 14-bit magnitudes, bias 33, eight segments of sixteen steps."""
    magnitude = np.minimum(np.abs(pcm.astype(np.int64)) >> 2, 8158) + 33
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 5
    step = (magnitude >> (segment + 1)) & 15
    decoded = (((2 * step + 33) << segment) - 33) << 2
    return np.asarray(np.sign(pcm) * decoded, np.int16)


def a_law(pcm: Pcm) -> Pcm:
    """Encode and decode by A-law: 13-bit magnitudes, the first two segments linear."""
    magnitude = np.minimum(np.abs(pcm.astype(np.int64)) >> 3, 4095)
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 1)
    step = magnitude >> segment
    decoded = ((2 * step + 1) << (segment - 1)) << 3
    return np.asarray(np.where(pcm < 0, -1, 1) * decoded, np.int16)


def white_noise(samples: int, dbm0: float, rng: np.random.Generator) -> Samples:
    """Comfort noise of a level."""
    return np.asarray(rng.standard_normal(samples) * math.sqrt(power_of(dbm0)))


def send(wave: Samples, rng: np.random.Generator, law: Law = "mu", loss: float = 0.0, noise_dbm0: float | None = None, lead: int = 0) -> Sent:
    """Put `wave` on a line: `lead` samples late within the frame grid, with noise, through a codec, frames lost at random."""
    ticks = -(-(wave.size + lead) // FRAME)
    whole = np.zeros(ticks * FRAME)
    whole[lead : lead + wave.size] = wave
    if noise_dbm0 is not None:
        whole += white_noise(whole.size, noise_dbm0, rng)
    pcm = np.clip(np.rint(whole * 32768), -32768, 32767).astype(np.int16)
    coded = mu_law(pcm) if law == "mu" else a_law(pcm)
    return Sent(coded.reshape(ticks, FRAME), rng.random(ticks) >= loss)


def hear(
    lines: Sequence[Sent], detectors: Iterable[Detector], countries: Sequence[str | None] | None = None, answered: Iterable[int] = ()
) -> list[Hearing]:
    """Everything that a bank of `detectors` says of `lines`, one a row, all begun at 0 s; those in `answered` are answered at once."""
    bank = Bank(len(lines), list(detectors))
    for row in range(len(lines)):
        bank.open(row, countries[row] if countries else None)
    for row in answered:
        bank.answer(row, 0.0)
    said: list[Hearing] = []
    for tick in range(max(line.arrives.size for line in lines)):
        frames = np.zeros((len(lines), FRAME), np.int16)
        present = np.zeros(len(lines), np.bool_)
        for row, line in enumerate(lines):
            if tick < line.arrives.size:
                frames[row] = line.frames[tick]
                present[row] = line.arrives[tick]
        said += bank.push(frames, present, (tick + 1) * TICK_S)
    return said


def voice(seconds: float, rng: np.random.Generator, dbm0: float = -20.0) -> Samples:
    """Something like speech: syllables of a gliding harmonic stack under two formants, now and then a hiss, pauses between."""
    wave = np.zeros(round(seconds * 8000))
    at = 0
    while at < wave.size:
        length = int(rng.uniform(0.08, 0.35) * 8000)
        t = np.arange(length) / 8000
        if rng.random() < 0.2:
            syllable = rng.standard_normal(length)
        else:
            pitch = rng.uniform(90, 260) * (1 + rng.uniform(-0.25, 0.25) * t / t[-1]) * (1 + 0.02 * np.sin(2 * np.pi * 5 * t))
            phase = 2 * np.pi * np.cumsum(pitch) / 8000
            first, second = rng.uniform(280, 850), rng.uniform(900, 2400)
            syllable = np.zeros(length)
            for k in range(1, 30):
                hz = k * pitch.mean()
                if hz < 3600:
                    gain = 1 / (1 + ((hz - first) / 90) ** 2) + 0.4 / (1 + ((hz - second) / 140) ** 2) + 0.01
                    syllable += gain * np.sin(k * phase)
        syllable *= np.sqrt(np.abs(np.sin(np.pi * t / t[-1]))) / (np.sqrt(np.mean(np.square(syllable))) + 1e-9)
        end = min(at + length, wave.size)
        wave[at:end] = syllable[: end - at] * rng.uniform(0.4, 1.2)
        at += length + int(rng.choice([0, 0.03, 0.08, 0.4], p=[0.5, 0.25, 0.15, 0.1]) * 8000)
    return np.asarray(wave * np.sqrt(power_of(dbm0) / max(float(np.mean(np.square(wave))), 1e-12)))
