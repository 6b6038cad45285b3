"""One burst of tone, measured: its lines, its edges, its steadiness.

A burst is a stretch in which frame after frame the power sits in one narrow place. It is measured once, when it is over or has lasted for
long, from the audio kept of its line; so that all that costs is spent on tones, and tones are rare.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .detector import FRAME, RATE_HZ
from .level import dbm0_of

Wave = NDArray[np.float32]
POINTS = 8192
HZ = np.arange(POINTS // 2 + 1) * (RATE_HZ / POINTS)
FLOOR_BIN = int(np.searchsorted(HZ, 200.0))
"Below 200 Hz there is hum, and the 15 Hz that some ringback is said to be mixed with."
CORE_FRAMES = 25
"Half a second of steady tone says all about its frequencies."
WEAKEST_LINE = 0.02
"A line under -17 dB of the whole is noise."
STEP = 40
"Samples between looks at the envelope (5 ms)."
EDGE = 0.3
"Ticks inside either edge from where on the envelope must be steady."
REVERSED = 2.3
"Radians across 20 ms that are a phase reversal."
HANN = {n: np.hanning(n * FRAME + 2)[1:-1].astype(np.float32) for n in range(1, CORE_FRAMES + 1)}


class Line(NamedTuple):
    """One frequency in the burst."""

    hz: float
    share: float
    "Of the power of the whole, in [0, 1]."


class Burst(NamedTuple):
    """A burst of tone on one line. Times are in ticks of 20 ms since the detector's first, with fractions."""

    row: int
    began: float
    ended: float
    "Where it has reached, if it still sounds."
    lines: tuple[Line, ...]
    "Strongest first, three at most."
    level_dbm0: float
    power: float
    "Mean square while it sounds."
    drift_hz: float
    "How far the frequency moves within the burst, of a single line."
    ripple: float
    "Standard deviation of the envelope over its mean, of a single line; 1 where too little is left to tell."
    reversals: int
    "How often the phase turned by about 180 degrees in the stretch measured."
    am15: float
    "Depth of amplitude modulation at 15 Hz in the stretch measured."
    unsure_ms: float
    "How far a lost frame at an edge may have put its length off."
    after_talk: bool
    "Whether other sound came before it within two seconds or so."

    @property
    def on_ms(self) -> float:
        """Its length."""
        return (self.ended - self.began) * 20

    @property
    def hz(self) -> float:
        """The frequency of its strongest line."""
        return self.lines[0].hz

    @property
    def single(self) -> bool:
        """Whether it is one line and nothing else."""
        return self.lines[0].share >= 0.88 and (len(self.lines) < 2 or self.lines[1].share < 0.05)

    @property
    def purity(self) -> float:
        """The share of its power that is in its lines."""
        return sum(line.share for line in self.lines)


def steady(have: NDArray[np.bool_]) -> tuple[int, int]:
    """The longest stretch of frames that all arrived, `CORE_FRAMES` at most: first and count; the later of equals."""
    best = (0, 0)
    count = 0
    for i, arrived in enumerate(have):
        count = count + 1 if arrived else 0
        if count >= best[1]:
            best = (i - count + 1, count)
    first, count = best
    return first, min(count, CORE_FRAMES)


def lines_of(core: Wave) -> tuple[tuple[Line, ...], float]:
    """The lines of a stretch of whole frames, and its mean square above 200 Hz."""
    window = HANN[core.size // FRAME]
    spectrum = np.fft.rfft(core * window, POINTS)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    power[:FLOOR_BIN] = 0.0
    total = float(power.sum())
    if total <= 0:
        return (), 0.0
    half = math.ceil(2.2 * POINTS / core.size)
    lines: list[Line] = []
    rest = power.copy()
    for _ in range(3):
        k = int(rest.argmax())
        low, high = max(k - half, 0), k + half + 1
        share = float(rest[low:high].sum()) / total
        if share < WEAKEST_LINE or not FLOOR_BIN < k < power.size - 1:
            break
        a, b, c = (math.log(float(power[k + d]) + 1e-20) for d in (-1, 0, 1))
        shift = 0.5 * (a - c) / (a - 2 * b + c) if a - 2 * b + c < 0 else 0.0
        lines.append(Line((k + max(-0.5, min(0.5, shift))) * RATE_HZ / POINTS, share))
        rest[low:high] = 0.0
    return tuple(lines), 2 * total / (POINTS * float(np.square(window).sum()))


def envelope(wave: Wave, hz: float, span: int) -> NDArray[np.complex64]:
    """The complex envelope of `wave` at `hz`, averaged over `span` samples about each."""
    turned = wave * np.exp(-2j * math.pi * hz / RATE_HZ * np.arange(wave.size)).astype(np.complex64)
    sums = np.concatenate([[0], np.cumsum(turned, dtype=np.complex128)])
    at = np.arange(wave.size)
    low, high = np.maximum(at - span // 2, 0), np.minimum(at + span // 2, wave.size)
    return np.asarray(2 * (sums[high] - sums[low]) / span, np.complex64)


def edge(wave: Wave, have: NDArray[np.bool_], hz: float, span: int, threshold: float) -> tuple[float, float] | None:
    """Where in `wave` (whole frames) the tone comes in, and how unsure that is, in frames; None if it does not.

    Frames lost just before it may hold some of it: it is taken to begin in their middle.
    """
    above = np.flatnonzero(np.abs(envelope(wave, hz, span)) > threshold)
    if not above.size:
        return None
    at = int(above[0]) / FRAME
    frame = int(at + 0.05)
    lost = 0
    while at - frame < 0.1 and frame - lost > 0 and not have[frame - lost - 1]:
        lost += 1
    return at - lost / 2, lost / 2


def measure(row: int, first: int, last: int, wave: Wave, have: NDArray[np.bool_], lead: int, after_talk: bool) -> Burst | None:
    """Measure the burst whose frames are ticks `first` to `last`.

    `wave` (flat, whole frames) and `have` (per frame) hold the audio kept, from tick `first - lead` on; `lead` may be negative when the
    beginning is no longer kept. None when no stretch long enough arrived.
    """
    begin, end = max(lead, 0), lead + last - first + 1
    inner = (begin + 1, end - 1) if end - begin >= 4 else (begin, end)
    start, count = steady(have[inner[0] : inner[1]])
    if not count:
        return None
    start += inner[0]
    core = wave[start * FRAME : (start + count) * FRAME]
    lines, power = lines_of(core)
    if not lines:
        return None
    weight = sum(line.share for line in lines)
    centre = sum(line.hz * line.share for line in lines) / weight
    spread = max(line.hz for line in lines) - min(line.hz for line in lines)
    span = 80 if spread < 60 else 40
    inside = envelope(core, centre, span)[span // 2 : -span // 2]
    strength = np.abs(inside)
    threshold = 0.5 * math.sqrt(float(np.square(strength).mean()))
    began, ended, unsure = float(first), last + 1.0, 0.0
    if lead >= 0:
        head = max(lead - 2, 0)
        found = edge(wave[head * FRAME : (lead + 3) * FRAME], have[head : lead + 3], centre, span, threshold)
        if found is not None:
            began = first - lead + head + found[0]
            unsure += found[1]
    tail = max(end - 3, 0)
    found = edge(wave[tail * FRAME : (end + 2) * FRAME][::-1], have[tail : end + 2][::-1], centre, span, threshold)
    stop = min(end + 2, have.size)
    if found is not None:
        ended = first - lead + stop - found[0]
        unsure += found[1]
    at = first - lead + start + (np.arange(strength.size) + span / 2) / FRAME
    held = (at >= began + EDGE) & (at <= ended - EDGE)
    inside, strength = inside[held], strength[held]
    steps = inside[::STEP]
    drift = am15 = 0.0
    ripple = 1.0
    reversals = 0
    if spread < 60 and steps.size >= 5:
        turns = np.angle(steps[1:] * np.conj(steps[:-1]))
        third = turns.size // 3 or 1
        drift = abs(float(np.median(turns[-third:])) - float(np.median(turns[:third]))) * RATE_HZ / STEP / (2 * math.pi)
        mean = float(strength.mean())
        ripple = float(strength.std()) / mean
        wobble = (np.abs(steps) - mean) * np.exp(-2j * math.pi * 15 * STEP / RATE_HZ * np.arange(steps.size))
        am15 = 2 * abs(complex(wobble.mean())) / mean
        across = np.abs(np.angle(steps[4:] * np.conj(steps[:-4]))) > REVERSED
        reversals = int(np.count_nonzero(across[1:] & ~across[:-1]))
    return Burst(row, began, ended, lines, dbm0_of(power), power, drift, ripple, reversals, am15, unsure * 20, after_talk)
