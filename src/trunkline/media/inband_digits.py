"""Digits as tones in the audio (ITU-T Q.23, Q.24), heard over all calls at once, and made.

The audio is cut into blocks of 10 ms. Each block is fitted, by least squares, with each of the sixteen pairs of tones; the fit says at once
which pair it is, how much of the block it explains, and level and phase of both tones. Three good blocks in a row are a digit: 40 ms of tone
always give three, wherever they begin, and the 23 ms that Q.24 wants ignored never do. How far the phase moves from block to block tells
the frequency much finer than a window of 10 ms could: 1.5 % off passes and 3.5 % does not.
"""

from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

RATE = 8000
"Samples per second."
BLOCK = 80
"Samples, 10 ms."
FRAME = 160
LOW = (697.0, 770.0, 852.0, 941.0)
HIGH = (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = "123A456B789C*0#D"
"Digits by row and column of the keypad."
BLOCKS_TO_HEAR = 3
BLOCKS_TO_END = 3
"An interruption of 10 ms, which can spoil two blocks, does not split a digit; a pause of 40 ms always spoils three."
PURITY = 0.80
"Share of a block's energy that the pair must explain."
DETUNE = 0.023
"Largest deviation of either tone, as a share of its frequency."
TWIST_DB = (-9.5, 5.0)
"High tone over low. Q.24 (AT&T) wants -8 to 4 accepted; the rest is for what a detuned tone loses in the fit."
FULL_SCALE_DBM0 = 3.14
"Level of a sine that reaches 32767."
LEVEL_DBM0 = -27.5
"Least level of either tone. Q.24 wants -25 accepted."

Frames: TypeAlias = NDArray[np.int16]
"Rows of 160 samples, one call each."


class DigitHeard(Struct, frozen=True, gc=False):
    """A digit is being pressed; told once, 30 to 50 ms after it began."""

    row: int
    digit: str


class DigitOver(Struct, frozen=True, gc=False):
    """The digit heard on that row has ended."""

    row: int
    digit: str
    duration_s: float
    "To 10 ms."


def _amplitude(level_dbm0: float) -> float:
    return 32_767.0 * float(10 ** ((level_dbm0 - FULL_SCALE_DBM0) / 20))


def _pairs() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """An orthonormal base of each pair's four waves side by side, [80, 64], and what turns its coefficients into theirs, [16, 4, 4]."""
    at = 2 * np.pi * np.arange(BLOCK) / RATE
    bases, inverses = [], []
    for low in LOW:
        for high in HIGH:
            base, upper = np.linalg.qr(np.stack([np.cos(low * at), np.sin(low * at), np.cos(high * at), np.sin(high * at)], axis=1))
            bases.append(base)
            inverses.append(np.linalg.inv(upper))
    return np.concatenate(bases, axis=1).astype(np.float32), np.stack(inverses).astype(np.float32)


_BASES, _INVERSES = _pairs()
_TONES = np.array([(low, high) for low in LOW for high in HIGH], np.float32)
_TURN = np.exp(-2j * np.pi * _TONES * BLOCK / RATE).astype(np.complex64)
"Undoes the phase that each tone of a pair gains from block to block."
_TURN_LIMIT = (2 * np.pi * DETUNE * _TONES * BLOCK / RATE).astype(np.float32)
_LEAST = _amplitude(LEVEL_DBM0)
_TWIST = tuple(10 ** (limit / 20) for limit in TWIST_DB)


class InbandDigits:
    """Listens on a fixed number of rows. A row serves one call after another, with `reset` between."""

    __slots__ = ("_active", "_count", "_last", "_length", "_misses", "_pair", "rows")

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._pair = np.full(rows, -1, np.int64)
        "Pair of the last block, -1 where it was none."
        self._last = np.zeros((rows, 2), np.complex64)
        "Phasors of its tones."
        self._count = np.zeros(rows, np.int64)
        "Good blocks of one pair in a row."
        self._active = np.full(rows, -1, np.int64)
        "Pair of the digit being pressed, -1 for none."
        self._misses = np.zeros(rows, np.int64)
        self._length = np.zeros(rows, np.int64)
        "Blocks since the digit began."

    def reset(self, row: int) -> None:
        """Forget what was heard on a row."""
        self._pair[row] = self._active[row] = -1
        self._count[row] = self._misses[row] = self._length[row] = 0

    def hear(self, frames: Frames, rows: NDArray[np.intp] | None = None) -> tuple[list[DigitHeard | DigitOver], NDArray[np.bool_]]:
        """Hear the next 20 ms, [n, 160], of `rows` (all of them if None).

        Gives what was told, and a mask [n] of the frames that hold a digit or the beginning of one: those to blank where digits must
        not be heard or recorded. A digit is masked from its first good block on, before it is sure that it is one.
        """
        where = np.arange(self.rows) if rows is None else rows
        told: list[DigitHeard | DigitOver] = []
        mask = self._active[where] >= 0
        for start in range(0, FRAME, BLOCK):
            mask |= self._block(frames[:, start : start + BLOCK].astype(np.float32), where, told)
        return told, mask

    def _block(self, sound: NDArray[np.float32], rows: NDArray[np.intp], told: list[DigitHeard | DigitOver]) -> NDArray[np.bool_]:
        """Hear one block of each row, [n, 80]; the mask of those that fit a pair."""
        pair, tones, good = _fit(sound)
        turned = np.abs(np.angle(tones * np.conj(self._last[rows]) * _TURN[pair]))
        follows = (pair == self._pair[rows]) & np.all(turned <= _TURN_LIMIT[pair], axis=1)
        count = np.where(good, np.where(follows, self._count[rows] + 1, 1), 0)
        self._count[rows] = count
        self._pair[rows] = np.where(good, pair, -1)
        self._last[rows] = tones

        active = self._active[rows]
        self._misses[rows] = np.where(good & (pair == active), 0, self._misses[rows] + 1)
        self._length[rows] += 1
        begins = (count >= BLOCKS_TO_HEAR) & (pair != active)
        ends = (active >= 0) & (begins | (self._misses[rows] >= BLOCKS_TO_END))
        for at in np.nonzero(ends)[0]:
            row = int(rows[at])
            blocks = int(self._length[row] - self._misses[row])
            told.append(DigitOver(row, KEYS[active[at]], blocks * BLOCK / RATE))
            self._active[row] = -1
        for at in np.nonzero(begins)[0]:
            row = int(rows[at])
            self._active[row] = pair[at]
            self._misses[row] = 0
            self._length[row] = BLOCKS_TO_HEAR
            told.append(DigitHeard(row, KEYS[pair[at]]))
        return good


def _fit(sound: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.complex64], NDArray[np.bool_]]:
    """The pair that explains most of each block, the phasors of its two tones, [n, 2], and whether it is good enough."""
    count = len(sound)
    energy = np.einsum("ns,ns->n", sound, sound)
    parts = (sound @ _BASES).reshape(count, 16, 4)
    explained = np.einsum("npk,npk->np", parts, parts)
    pair = np.argmax(explained, axis=1)
    rows = np.arange(count)
    waves = np.einsum("nij,nj->ni", _INVERSES[pair], parts[rows, pair])
    tones = (waves[:, 0::2] - 1j * waves[:, 1::2]).astype(np.complex64)
    low, high = np.abs(tones[:, 0]), np.abs(tones[:, 1])
    good = (explained[rows, pair] >= PURITY * energy) & (np.minimum(low, high) >= _LEAST)
    good &= (high >= low * _TWIST[0]) & (high <= low * _TWIST[1])
    return pair, tones, good


def make_digit(digit: str, duration_s: float = 0.1, *, low_dbm0: float = -9.0, high_dbm0: float = -7.0) -> NDArray[np.int16]:
    """The tones of one digit, [samples]. Levels are those of Q.23's practice; a digit not in `KEYS` raises `ValueError`."""
    place = KEYS.find(digit.upper())
    if place < 0 or len(digit) != 1:
        raise ValueError("not a digit")
    low, high = _TONES[place].astype(np.float64)
    at = 2 * np.pi * np.arange(round(duration_s * RATE)) / RATE
    wave = _amplitude(low_dbm0) * np.sin(low * at) + _amplitude(high_dbm0) * np.sin(high * at)
    sound: NDArray[np.int16] = np.clip(np.rint(wave), -32_768, 32_767).astype(np.int16)
    return sound


def make_digits(digits: str, duration_s: float = 0.1, pause_s: float = 0.1) -> NDArray[np.int16]:
    """A row of digits, each followed by a pause, [samples]."""
    pause = np.zeros(round(pause_s * RATE), np.int16)
    sound: NDArray[np.int16] = np.concatenate([pause[:0], *(part for digit in digits for part in (make_digit(digit, duration_s), pause))])
    return sound
