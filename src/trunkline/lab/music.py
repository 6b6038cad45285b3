"""A jingle for custom ringback: plucked chords over a bass, made of sines.

Notes overlap and decay, so that no tone of it stands alone and steady as those of a switch do.
"""

import math

import numpy as np

from trunkline.listen import RATE_HZ
from trunkline.listen.level import power_of
from trunkline.listen.synthesis import Samples

CHORDS = ((60, 64, 67, 72), (55, 62, 67, 71), (57, 60, 64, 69), (53, 60, 65, 69))
"C, G, A minor, F: MIDI notes."
ORDER = (0, 2, 1, 3, 2, 1, 3, 2)
NOTE_S, RING_S = 0.22, 0.9
"From one note to the next, and how long each sounds."
HARMONICS = (1.0, 0.6, 0.45, 0.3, 0.2, 0.12)
DECAY_PER_S = 4.0
LEVEL_DBM0 = -20.0


def jingle() -> Samples:
    """One turn of it (7 s), which joins up with itself; full scale +-1."""
    turn = round(NOTE_S * len(ORDER) * len(CHORDS) * RATE_HZ)
    wave = np.zeros(turn)
    for bar, chord in enumerate(CHORDS):
        for step, which in enumerate(ORDER):
            at = round((bar * len(ORDER) + step) * NOTE_S * RATE_HZ)
            _add(wave, at, _note(chord[which]))
            if step % 4 == 0:
                _add(wave, at, 1.3 * _note(chord[0] - 12))
    return np.asarray(wave * np.sqrt(power_of(LEVEL_DBM0) / np.mean(np.square(wave))))


def _note(midi: int) -> Samples:
    t = np.arange(round(RING_S * RATE_HZ)) / RATE_HZ
    hz = 440 * 2 ** ((midi - 69) / 12)
    vibrato = 0.6 * np.sin(2 * math.pi * 5.5 * t)
    parts = [
        gain * np.exp(-DECAY_PER_S * (1 + 0.3 * k) * t) * np.sin((k + 1) * (2 * math.pi * hz * t + vibrato))
        for k, gain in enumerate(HARMONICS) if hz * (k + 1) < 3400
    ]  # fmt: skip
    return np.asarray(np.sum(parts, axis=0) * np.minimum(1, t / 0.005) * np.minimum(1, (RING_S - t) / 0.02))


def _add(wave: Samples, at: int, note: Samples) -> None:
    """Mix `note` into the turn at `at`; its end wraps round."""
    places = (at + np.arange(note.size)) % wave.size
    wave[places] += note
