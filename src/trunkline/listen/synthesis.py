"""Tones, made to measure: for the lab's carriers and for the tests of what hears them.

Everything returns float64 samples at 8 kHz, full scale +-1. `level_dbm0` is the power of the whole signal while it sounds (a pair of tones
has each 3 dB below). `offset_hz` shifts every frequency, as an analogue carrier system would.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from .detector import RATE_HZ
from .hearing import Kind
from .level import power_of
from .plans import PLANS, Plan, Signal, Sit

Samples = NDArray[np.float64]
AM_DEPTH = 0.9
"Of ringback said as `400*25`."
ANSAM_DEPTH, ANSAM_HZ, REVERSAL_S = 0.2, 15.0, 0.45
"ITU-T V.8: ANSam is 2100 Hz at 15 Hz, 20 % deep, its phase turned by 180 degrees every 450 ms."
LOWEST_SHIFTED_HZ = 100.0


def silence(seconds: float) -> Samples:
    """Digital silence."""
    return np.zeros(round(seconds * RATE_HZ))


def burst(signal: Signal, seconds: float, level_dbm0: float = -20.0, offset_hz: float = 0.0, phase: float = 0.0) -> Samples:
    """`signal` sounding without a break. `phase` is that of every component at the start, in radians."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    parts = [np.sin(2 * math.pi * (hz + offset_hz * (hz > LOWEST_SHIFTED_HZ)) * t + phase * (1 + i)) for i, hz in enumerate(signal.hz)]
    wave = np.sum(parts, axis=0)
    power = len(parts) / 2
    if signal.modulated_hz:
        wave = wave * (1 + AM_DEPTH * np.sin(2 * math.pi * signal.modulated_hz * t))
        power *= 1 + AM_DEPTH**2 / 2
    return np.asarray(wave * math.sqrt(power_of(level_dbm0) / power))


def cadence(plan: Plan, seconds: float, level_dbm0: float = -20.0, offset_hz: float = 0.0, begin_s: float = 0.0) -> Samples:
    """`plan` for `seconds`, joined `begin_s` into its cadence; each burst begins at a phase of its own."""
    parts: list[Samples] = []
    have = 0.0
    while have < begin_s + seconds:
        for i, step in enumerate(plan.steps):
            on_s = step.on_ms / 1000 or begin_s + seconds
            parts += [burst(step.signal, on_s, level_dbm0, offset_hz, 0.7 * (len(parts) + i)), silence(step.off_ms / 1000)]
            have += on_s + step.off_ms / 1000
    wave = np.concatenate(parts)
    return wave[round(begin_s * RATE_HZ) : round((begin_s + seconds) * RATE_HZ)]


def plan(country: str, kind: Kind) -> Plan:
    """The plan by which `country` says `kind`. Raises KeyError where it has none."""
    for one in PLANS:
        if one.country == country and one.kind is kind:
            return one
    raise KeyError(f"{country} has no {kind}")


def sit(which: Sit, level_dbm0: float = -24.0, offset_hz: float = 0.0, gap_ms: float = 0.0, stretch: float = 1.0) -> Samples:
    """A special information tone; `stretch` multiplies the lengths (switches keep +-5 %)."""
    parts: list[Samples] = []
    for hz, ms in zip(which.hz, which.ms, strict=True):
        parts += [burst(Signal((hz,)), ms * stretch / 1000, level_dbm0, offset_hz), silence(gap_ms / 1000)]
    return np.concatenate(parts)


def answer_tone(seconds: float = 3.3, level_dbm0: float = -12.0, offset_hz: float = 0.0, modulated: bool = False, reversals: bool = False) -> Samples:
    """CED (2100 Hz), or with `modulated` and `reversals` the ANSam of V.34 fax machines and modems (ITU-T T.30, V.8, V.25)."""
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    turned = np.floor(t / REVERSAL_S) * math.pi if reversals else 0.0
    depth = ANSAM_DEPTH if modulated else 0.0
    wave = np.sin(2 * math.pi * (2100 + offset_hz) * t + turned) * (1 + depth * np.sin(2 * math.pi * ANSAM_HZ * t))
    return np.asarray(wave * math.sqrt(power_of(level_dbm0) / (0.5 * (1 + depth**2 / 2))))


def calling_tone(times: int = 3, level_dbm0: float = -12.0, offset_hz: float = 0.0) -> Samples:
    """CNG: 1100 Hz, half a second every three and a half (ITU-T T.30)."""
    return np.concatenate([burst(Signal((1100.0,)), 0.5, level_dbm0, offset_hz), silence(3.0)] * times)


def beep(hz: float = 1000.0, ms: float = 300.0, level_dbm0: float = -15.0) -> Samples:
    """The tone after which to speak, with 2 ms of rise and fall."""
    wave = burst(Signal((hz,)), ms / 1000, level_dbm0)
    ramp = np.minimum(1.0, np.arange(1, wave.size + 1) / (0.002 * RATE_HZ))
    return wave * ramp * ramp[::-1]


def pcm(parts: Samples | Iterable[Samples]) -> NDArray[np.int16]:
    """16-bit samples, parts one after the other."""
    wave = parts if isinstance(parts, np.ndarray) else np.concatenate(list(parts))
    clipped = np.clip(np.rint(wave * 32768), -32768, 32767)
    return np.asarray(clipped, np.int16)
