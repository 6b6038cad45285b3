"""Frame by frame: is this a tone, and where. All lines at once.

One short Fourier transform of each 20 ms frame says how much of its power sits about its strongest frequency, or in the low band where
pairs of call progress tones beat against one another. No window reaches into a neighbouring frame, so a lost one spoils nothing else.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .detector import FRAME, RATE_HZ, Frames
from .level import power_of

BIN_HZ = RATE_HZ / FRAME
BASE, LOW, HIGH = 4, 6, 78
"Bins: power counts from 200 Hz; peaks are looked for from 300 to 3900 Hz."
LOW_BAND = 5, 14
"250-700 Hz: about every pair of call progress tones."
NARROW = 2
"Bins either side of the peak: what a Hann window makes of one line."
SINGLE_SHARE, LOW_SHARE = 0.85, 0.9
FAINTEST = power_of(-46.0)


class Spectrum(NamedTuple):
    """What each row's frame is; arrays [rows]."""

    power: NDArray[np.float32]
    "Mean square above 200 Hz."
    hz: NDArray[np.float32]
    "Frequency of the strongest line, good to some 10 Hz."
    low: NDArray[np.bool_]
    "Nearly all power lies in 250-700 Hz."
    tone: NDArray[np.bool_]
    "Whether it could be part of a tone."


_WINDOW = np.hanning(FRAME + 1)[:-1].astype(np.float32)
_SCALE = np.float32(2 / (FRAME * float(np.square(_WINDOW).sum())))


def spectrum(frames: Frames) -> Spectrum:
    """Look at one frame of every row; float32 [rows, 160]."""
    bins = np.fft.rfft(frames * _WINDOW)
    power = np.square(bins.real) + np.square(bins.imag)
    power *= _SCALE
    running = np.cumsum(power, axis=1)
    rows = np.arange(frames.shape[0])
    total = running[:, -1] - running[:, BASE - 1]
    peak = power[:, LOW : HIGH + 1].argmax(axis=1) + LOW
    safe = total + np.float32(1e-20)
    single = (running[rows, peak + NARROW] - running[rows, peak - NARROW - 1]) / safe
    low = (running[:, LOW_BAND[1]] - running[:, LOW_BAND[0] - 1]) / safe > LOW_SHARE
    left, middle, right = np.sqrt(power[rows, peak - 1]), np.sqrt(power[rows, peak]), np.sqrt(power[rows, peak + 1])
    up = right > left
    ratio = np.where(up, right, left) / (middle + np.float32(1e-20))
    shift = np.where(up, 1, -1) * (2 * ratio - 1) / (1 + ratio)
    hz = ((peak + shift) * BIN_HZ).astype(np.float32)
    return Spectrum(total, hz, low, (total > FAINTEST) & ((single > SINGLE_SHARE) | low))
