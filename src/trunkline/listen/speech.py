"""Where somebody speaks, and how: one look at every line per tick.

A frame is `active` when enough bands stand out of the noise that has been there for the last second (minimum statistics after R. Martin, IEEE
Trans. Speech Audio Proc. 9(5), 2001, in its simplest form); it is `speechlike` when it is periodic in the range of a voice and its power
is spread over harmonics rather than gathered in one or two lines. Steady noise, hum and comfort noise are not active, tones are active but
never speechlike. Who judges runs asks for a few speechlike frames before he calls a run speech.

The window is 40 ms, the last two frames, so edges are known to about 10 ms.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .detector import FRAME, RATE_HZ, Frames, Mask, Rows

WINDOW: Final = 2 * FRAME
FFT: Final = 512
EDGES_HZ: Final = (120, 300, 550, 950, 1500, 2300, 3400)
"""Bands; below the first lie 50 and 60 Hz hum and most of a street."""
SHORTEST_LAG, LONGEST_LAG = RATE_HZ // 400, RATE_HZ // 62
SUBWINDOWS, SUBWINDOW_TICKS = 6, 9
"""The noise floor is the minimum of the last 1.08 s: no one speaks that long without a dip, and noise has none."""
FLOOR_BIAS: Final = 1.6
"""A minimum of smoothed noise power lies that much below its mean (fitted on white noise)."""
FLOOR_CAP_DBM0: Final = -44.0
"""Until a line has been heard for a subwindow, noise is believed up to this level only: speech may already be going on."""
ON_DB, OFF_DB = 5.5, 3.5
QUIETEST_DBM0: Final = -52.0
"""What is below is not active: a talker at -35 dBm0 has his words above it."""
PERIODIC: Final = 0.55
TONAL_BINS: Final = 7.0
"""Power spread over fewer bins than this (its participation ratio) is one line or two."""
STEADY: Final = 0.985
"""Spectra 100 ms apart that are more alike than this are a tone's."""

Values = NDArray[np.float32]
_FULL_TO_DBM0: Final = 6.15
"""Mean square of full scale 1 to dBm0: a sine of full scale has 1/2 and is +3.14 dBm0."""


def _bands() -> Values:
    bins = np.fft.rfftfreq(FFT, 1 / RATE_HZ)
    return np.stack([(bins >= low) & (bins < high) for low, high in pairwise(EDGES_HZ)], axis=1).astype(np.float32)


HANN: Final[Values] = np.hanning(WINDOW).astype(np.float32)
BANDS: Final[Values] = _bands()
SCALE: Final = np.float32(2 / (FFT * float(np.sum(HANN**2))))
"""Makes the sum over bins the mean square of the signal."""
WINDOW_CORRELATION: Final[Values] = np.fft.irfft(np.abs(np.fft.rfft(HANN, FFT)) ** 2)[: LONGEST_LAG + 1].astype(np.float32)


class Speech:
    """The last tick of up to `rows` lines. After `push` every array below is about the frame pushed; a row not present keeps its values
    but is neither active nor speechlike.
    """

    def __init__(self, rows: int) -> None:
        bands = len(EDGES_HZ) - 1
        self.active: Mask = np.zeros(rows, np.bool_)
        "Something stands out of the noise."
        self.speechlike: Mask = np.zeros(rows, np.bool_)
        "Active, and like a voiced sound."
        self.tonal: Mask = np.zeros(rows, np.bool_)
        "Active, and like a tone."
        self.level_dbm0: Values = np.full(rows, -90, np.float32)
        self.floor_dbm0: Values = np.full(rows, -90, np.float32)
        "Level of the noise."
        self.pitch_hz: Values = np.zeros(rows, np.float32)
        "Where the frame repeats itself best; says something only while speechlike."
        self.tilt_db: Values = np.zeros(rows, np.float32)
        "Power above 1.5 kHz by that below."
        self.change: Values = np.zeros(rows, np.float32)
        "How unlike the spectrum is to that of 100 ms ago, 0 to 1."
        self._before: Values = np.zeros((rows, FRAME), np.float32)
        "The last tick's frame: half of the window."
        self._sounded: Mask = np.zeros(rows, np.bool_)
        "Rows with sound in the last tick."
        self._power: Values = np.zeros((rows, bands), np.float32)
        self._minima: Values = np.full((rows, SUBWINDOWS, bands), np.inf, np.float32)
        self._shapes: Values = np.zeros((rows, 5, BANDS.shape[0] // 4), np.float32)
        self._ticks: NDArray[np.int32] = np.zeros(rows, np.int32)
        self._tick = 0

    def open(self, rows: Rows) -> None:
        """Forget `rows`."""
        self.active[rows] = self.speechlike[rows] = self.tonal[rows] = self._sounded[rows] = False
        self.level_dbm0[rows] = self.floor_dbm0[rows] = -90
        self._before[rows] = 0
        self._power[rows] = 0
        self._minima[rows] = np.inf
        self._shapes[rows] = 0
        self._ticks[rows] = 0

    def push(self, frames: Frames, present: Mask, sounding: Mask | None = None) -> None:
        """Take one tick: float32 [rows, 160], +-1, and bool [rows].

        Rows that are `sounding` without being present are only followed, so that what goes on when they are is known from before. Those with
        nothing in their window are as quiet as can be, and cost nothing.
        """
        sounding = present if sounding is None else sounding
        at = np.flatnonzero(sounding | self._sounded)
        self._sounded = sounding.copy()
        was_active = self.active[at]
        for mask in (self.active, self.speechlike, self.tonal):
            mask.fill(False)
        self.level_dbm0.fill(-90)
        self.change.fill(1)
        shapes = self._shapes[at, self._tick % 5]
        self._shapes[:, self._tick % 5] = 0
        if self._tick % SUBWINDOW_TICKS == 0:
            self._minima[:, self._tick // SUBWINDOW_TICKS % SUBWINDOWS] = np.inf
        if len(at):
            self._look(at, frames[at], present[at], was_active, shapes)
        self._tick += 1

    def _look(self, at: Rows, frames: Frames, present: Mask, was_active: Mask, shapes: Values) -> None:
        """Look at the rows `at`; all other arrays have an entry for each of these, `shapes` the coarse spectra of 100 ms ago."""
        spectrum = np.fft.rfft(np.concatenate([self._before[at], frames], axis=1) * HANN, FFT)
        self._before[at] = frames
        power: Values = np.asarray((spectrum.real**2 + spectrum.imag**2) * SCALE, np.float32)
        bands: Values = np.asarray(power @ BANDS, np.float32)
        total: Values = np.asarray(bands.sum(axis=1), np.float32)
        heard = present & (total > 1e-12)
        self._follow_noise(at, bands, heard)
        active = self._find_activity(at, bands, total, heard, was_active)
        self.tilt_db[at] = np.where(heard, decibels(bands[:, 4:].sum(axis=1)) - decibels(bands[:, :4].sum(axis=1)), self.tilt_db[at])
        self._find_steadiness(at, power, shapes)
        self._find_voice(at[active], power[active])

    def _follow_noise(self, at: Rows, bands: Values, heard: Mask) -> None:
        rows, power = heard[:, None], self._power[at]
        fresh = rows & (self._ticks[at, None] == 0)
        power = np.where(fresh, bands, np.where(rows, 0.5 * power + 0.5 * bands, power))
        self._power[at] = power
        slot = self._tick // SUBWINDOW_TICKS % SUBWINDOWS
        minima = self._minima[at, slot]
        self._minima[at, slot] = np.where(rows, np.minimum(minima, power), minima)
        self._ticks[at] += heard

    def _find_activity(self, at: Rows, bands: Values, total: Values, heard: Mask, was_active: Mask) -> Mask:
        minimum = self._minima[at].min(axis=1)
        floor = np.where(np.isfinite(minimum), minimum, 1e-10) * np.float32(FLOOR_BIAS)
        early = (self._ticks[at] < SUBWINDOW_TICKS)[:, None]
        floor = np.maximum(np.where(early, np.minimum(floor, 10 ** ((FLOOR_CAP_DBM0 - _FULL_TO_DBM0) / 10) / bands.shape[1]), floor), np.float32(1e-10))
        self.floor_dbm0[at] = decibels(floor.sum(axis=1))
        level = np.where(heard, decibels(total), np.float32(-90))
        above = np.clip(10 * np.log10(np.maximum(bands, 1e-12) / floor), 0, 18)
        # The three best bands: a fricative has no low ones, a nasal no high ones.
        score = np.sort(above, axis=1)[:, -3:].mean(axis=1)
        active: Mask = heard & (score > np.where(was_active, OFF_DB, ON_DB) + 1.5) & (level > QUIETEST_DBM0)
        self.level_dbm0[at], self.active[at] = level, active
        return active

    def _find_steadiness(self, at: Rows, power: Values, before: Values) -> None:
        """Compare coarse spectra (62 Hz) 100 ms apart."""
        shape = np.sqrt(power[:, 1:].reshape(len(power), -1, 4).sum(axis=2))
        shape /= np.maximum(np.sqrt((shape**2).sum(axis=1, keepdims=True)), 1e-9)
        self.change[at] = 1 - np.einsum("ij,ij->i", shape, before)
        self._shapes[at, self._tick % 5] = shape

    def _find_voice(self, rows: Rows, power: Values) -> None:
        """Tell voices from tones among the active rows."""
        if not len(rows):
            return
        # Without hum, and without the DC that A-law leaves.
        inside = power[:, 5:]
        whole = inside.sum(axis=1)
        spread = whole**2 / np.maximum((inside**2).sum(axis=1), 1e-20)
        tonal = (spread < TONAL_BINS) | (self.change[rows] < 1 - STEADY)
        clean = power.copy()
        clean[:, :5] = 0
        correlation = np.fft.irfft(clean, FFT)[:, : LONGEST_LAG + 1] / WINDOW_CORRELATION
        correlation /= np.maximum(correlation[:, :1], 1e-20)
        lags = correlation[:, SHORTEST_LAG:]
        # The shortest lag that is nearly the best: a period, not a multiple of it.
        best = lags.max(axis=1)
        lag = SHORTEST_LAG + np.argmax(lags >= 0.9 * best[:, None], axis=1)
        self.pitch_hz[rows] = RATE_HZ / lag
        self.tonal[rows] = tonal
        self.speechlike[rows] = ~tonal & (best > PERIODIC)


def decibels(mean_square: Values) -> Values:
    """Mean square of full scale 1 as dBm0, not below -90."""
    return np.asarray(np.maximum(10 * np.log10(np.maximum(mean_square, 1e-12)) + _FULL_TO_DBM0, -90), np.float32)
