"""Words and silences of a greeting by the average level of frames alone, at three thresholds at once.

What `cadence` goes by (its parameters keep their meaning here), as measurements instead of rules: how much was loud, in how many words, how
long it has been quiet. They know nothing of speech, so they are there from the first frame on, and for a voice `speech` does not recognise.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .detector import TICK_S, Frames, Mask, Rows

THRESHOLDS: Final = (128, 256, 512)
"""A frame with a lower average of absolute samples (0 to 32767) is silence."""
WORD_TICKS: Final = 5
"""Voice shorter than 100 ms is no word."""
PART_TICKS: Final = 3
"""Silence that separates words: 50 ms, in whole frames."""

WORD_FEATURES: Final = tuple(f"{what}_{threshold}" for what in ("words", "voice_s", "silence_s", "longest_silence_s") for threshold in THRESHOLDS)

Counter = NDArray[np.int32]


class Words:
    """Counters of up to `rows` lines since their answers, [rows, len(THRESHOLDS)], in ticks of audio: a lost frame counts nowhere."""

    def __init__(self, rows: int) -> None:
        def counter() -> Counter:
            return np.zeros((rows, len(THRESHOLDS)), np.int32)

        self.words, self.voice, self.silence, self.longest = counter(), counter(), counter(), counter()
        "Longest: of the silences after the first word."
        self._word = counter()
        self._in_word = np.ones((rows, len(THRESHOLDS)), np.bool_)
        self._limit = np.array(THRESHOLDS, np.float32) / 32768

    def open(self, rows: Rows) -> None:
        """Forget `rows`."""
        for values in (self.words, self.voice, self.silence, self.longest, self._word):
            values[rows] = 0
        self._in_word[rows] = True

    def push(self, frames: Frames, heard: Mask) -> None:
        """Take in one tick of the lines in `heard`."""
        at = np.flatnonzero(heard)
        if not len(at):
            return
        loud = np.zeros(self._in_word.shape, np.bool_)
        loud[at] = np.abs(frames[at]).mean(axis=1)[:, None] >= self._limit
        voice, silent = loud & heard[:, None], ~loud & heard[:, None]
        self.voice += voice
        self._word += voice
        self.silence += silent
        self.silence[voice] = 0
        apart = silent & (self.silence >= PART_TICKS)
        self._in_word &= ~apart
        self._word[apart] = 0
        word = voice & (self._word >= WORD_TICKS)
        self.words += word & ~self._in_word
        self._in_word |= word
        self.longest = np.where(silent & (self.voice > 0), np.maximum(self.longest, self.silence), self.longest)

    def features(self, rows: Rows) -> NDArray[np.float64]:
        """[k, len(WORD_FEATURES)]"""
        return np.concatenate([self.words[rows], self.voice[rows] * TICK_S, self.silence[rows] * TICK_S, self.longest[rows] * TICK_S], axis=1, dtype=np.float64)
