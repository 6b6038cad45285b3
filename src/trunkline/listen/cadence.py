"""`cadence`: an answer judged by the lengths of words and silences, as Asterisk's `app_amd` does by its documentation.

The baseline, and a mode for those who come with a tuned `amd.conf`: the parameters keep its names, units and defaults. Nothing is known of
the sound but whether the average level of a frame reaches a threshold. What follows from that is kept as well: the earliest `HUMAN` is 800 ms
after the end of speech, and speech already going on at the answer is not counted as a word.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .detector import TICK_S, Frames, Mask, Rows
from .hearing import Hearing, Kind

TICK_MS: Final = round(TICK_S * 1000)


class Cadence(Struct, frozen=True, gc=False):
    """Parameters, as `amd.conf` names them."""

    initial_silence: int = 2500
    "Silence before any greeting that makes a machine, in ms."
    greeting: int = 1500
    "Voice in all that makes a machine, in ms."
    after_greeting_silence: int = 800
    "Silence after a greeting that makes a human, in ms."
    total_analysis_time: int = 5000
    "When to give up, in ms."
    min_word_length: int = 100
    "Voice shorter than this is no word, in ms."
    between_words_silence: int = 50
    "Silence that separates words, in ms."
    maximum_number_of_words: int = 2
    "More words than this make a machine. Asterisk before 2016 counted `>=` with a default of 3, which is the same."
    silence_threshold: int = 256
    "A frame with a lower average of absolute samples (0 to 32767) is silence."
    maximum_word_length: int = 5000
    "A single word this long makes a machine, in ms."


class Cause(IntEnum):
    """Why, in the words of `AMDCAUSE`; the codes of its hearings."""

    NONE = 0
    INITIALSILENCE = 1
    HUMAN = 2
    LONGGREETING = 3
    MAXWORDLENGTH = 4
    MAXWORDS = 5
    TOOLONG = 6
    NOAUDIODATA = 7


STATUS: Final = {
    Cause.INITIALSILENCE: Kind.MACHINE,
    Cause.LONGGREETING: Kind.MACHINE,
    Cause.MAXWORDLENGTH: Kind.MACHINE,
    Cause.MAXWORDS: Kind.MACHINE,
    Cause.HUMAN: Kind.HUMAN,
    Cause.TOOLONG: Kind.UNKNOWN,
    Cause.NOAUDIODATA: Kind.UNKNOWN,
}
"""`NOTSURE` is `Kind.UNKNOWN`."""

Counter = NDArray[np.int32]


class CadenceDetector:
    """One verdict per answered line, for up to `rows` lines. A lost frame is no frame: it only moves the clock on the wall."""

    def __init__(self, rows: int, parameters: Cadence | None = None) -> None:
        self.parameters = parameters or Cadence()
        self._running = np.zeros(rows, np.bool_)
        self._answered_s = np.zeros(rows)
        self._wall_ms: Counter = np.zeros(rows, np.int32)
        self._audio_ms: Counter = np.zeros(rows, np.int32)
        self._silence_ms: Counter = np.zeros(rows, np.int32)
        self._voice_ms: Counter = np.zeros(rows, np.int32)
        self._word_ms: Counter = np.zeros(rows, np.int32)
        self._words: Counter = np.zeros(rows, np.int32)
        self._in_word = np.ones(rows, np.bool_)
        self._greeted = np.zeros(rows, np.bool_)

    def open(self, rows: Rows) -> None:
        """Forget `rows`; nothing is judged before the answer."""
        self._running[rows] = False
        for counter in (self._wall_ms, self._audio_ms, self._silence_ms, self._voice_ms, self._word_ms, self._words):
            counter[rows] = 0
        self._in_word[rows] = True
        self._greeted[rows] = False

    def answered(self, rows: Rows, now: float) -> None:
        """Begin with the next tick."""
        self._running[rows] = True
        self._answered_s[rows] = now

    def push(self, frames: Frames, present: Mask, now: float) -> list[Hearing]:
        """Judge one tick; see `Detector`."""
        cause = self._judge(np.abs(frames).mean(axis=1) * 32768 >= self.parameters.silence_threshold, present & self._running)
        self._running &= cause == Cause.NONE
        return [self._said(int(row), Cause(int(cause[row])), now) for row in np.flatnonzero(cause)]

    def _judge(self, loud: Mask, heard: Mask) -> NDArray[np.int8]:
        """Move every counter by a tick and find what ends here. Of two causes in one tick the first to be set stays."""
        limit = self.parameters
        cause = np.zeros(len(loud), np.int8)

        def end(rows: Mask, why: Cause) -> None:
            cause[rows & (cause == Cause.NONE)] = why

        self._wall_ms[self._running] += TICK_MS
        self._audio_ms[heard] += TICK_MS
        over = self._running & (self._wall_ms >= limit.total_analysis_time)
        end(over & (self._audio_ms == 0), Cause.NOAUDIODATA)
        end(over, Cause.TOOLONG)

        silent = heard & ~loud
        self._silence_ms[silent] += TICK_MS
        apart = silent & (self._silence_ms >= limit.between_words_silence)
        self._in_word &= ~apart
        self._word_ms[apart] = 0
        end(silent & ~self._greeted & (self._silence_ms >= limit.initial_silence), Cause.INITIALSILENCE)
        end(silent & self._greeted & (self._silence_ms >= limit.after_greeting_silence), Cause.HUMAN)

        voice = heard & loud
        self._silence_ms[voice] = 0
        self._voice_ms[voice] += TICK_MS
        self._word_ms[voice] += TICK_MS
        word = voice & (self._word_ms >= limit.min_word_length)
        self._words[word & ~self._in_word] += 1
        self._in_word |= word
        end(voice & (self._word_ms >= limit.maximum_word_length), Cause.MAXWORDLENGTH)
        end(voice & (self._words > limit.maximum_number_of_words), Cause.MAXWORDS)
        end(voice & self._greeted & (self._voice_ms >= limit.greeting), Cause.LONGGREETING)
        self._greeted |= word
        return cause

    def _said(self, row: int, cause: Cause, now: float) -> Hearing:
        ended_s = now - self._silence_ms[row] / 1000 if cause is Cause.HUMAN else None
        features = {"voice_s": self._voice_ms[row] / 1000, "words": float(self._words[row]), "silence_s": self._silence_ms[row] / 1000}
        return Hearing(row, STATUS[cause], float(self._answered_s[row]), ended_s, now, code=cause.name, features=features)
