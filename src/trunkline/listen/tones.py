"""Tones on the line: call progress, special information, fax, beep.

Every tick each row's frame is looked at (`spectrum`), and frames of the same tone are strung together into bursts; that is all arrays. When
a burst is over, or has lasted for long, it is measured (`burst`) and shown to those who know what bursts mean (`progress`, `sit`, `fax`,
`beep`): only then does a row become an object.

Holds for levels of -40 to -9 dBm0 at a signal-to-noise ratio of 15 dB or more, a frequency offset of up to +-10 Hz (+-6 Hz where countries
are 15 Hz apart: 425 and 440), either law of G.711, and frames lost at random up to 5 %.
"""

from collections.abc import Sequence

import numpy as np

from .beep import Beeps
from .burst import Burst, measure
from .detector import FRAME, Frames, Mask, Rows
from .fax import Fax
from .hearing import Hearing
from .level import power_of
from .moment import NEVER, Moment
from .progress import Progress
from .sit import SpecialInformation
from .spectrum import Spectrum, spectrum

KEPT = 128
"Ticks of audio kept of each row (2.56 s)."
BRIDGE, BRIDGE_LOW = 2, 3
"A burst is over after this many frames that are not of it; fewer are bridged: a phase reversal, a click; in the low band the nulls of a beat."
SHORTEST = 2
"Frames of which a burst must consist to be looked at."
SAME_HZ = 60.0
LONGEST_LOSS = 10
"Ticks without audio after which a burst is over; it ended when audio did."
AROUND = 2
"Frames kept about a burst to find its edges in."
STAGES = np.array([50, 81, 152, NEVER])
"Ticks after which a burst that still sounds is measured: 1, 1.6 and 3 s."
LOUD = power_of(-42.0)
TALK_DECAY = np.float32(0.99)
TALK = 8.0
"Loud frames within two seconds or so, older ones counting less, that make something come before a beep."
PUREST_OF_SPEECH = 0.85
"A burst with less of its power in three lines is no tone."
PIECES, FADING = 4, 2
"Quiet is looked for in quarters of a frame; the first two are the tone's last sound."
QUIETER = 10**-2.5
"Quiet after a beep is 25 dB below it, or below -42 dBm0, and 10 dB below it in any case."


class Tones:
    """Hears every tone on `rows` lines."""

    def __init__(self, rows: int) -> None:
        self._tick = -1
        "Ticks are counted from the first; a time of `tick + 1` is now."
        self._audio = np.zeros((KEPT, rows, FRAME), np.float32)
        "Where nothing came (`_have`) it holds anything."
        self._have = np.zeros((KEPT, rows), np.bool_)
        self._began = np.full(rows, -1, np.int64)
        self._last = np.zeros(rows, np.int64)
        self._count = np.zeros(rows, np.int64)
        self._stage = np.zeros(rows, np.int64)
        self._off = np.zeros(rows, np.int64)
        self._hz = np.zeros(rows, np.float32)
        self._low = np.zeros(rows, np.bool_)
        self._missing = np.zeros(rows, np.int64)
        self._talk = np.zeros(rows, np.float32)
        self._talk_before = np.zeros(rows, np.float32)
        self._tenth = np.zeros(rows, np.float32)
        self._foreign = np.zeros(rows, np.int64)
        self._due = np.full(rows, NEVER, np.int64)
        self._opened = np.zeros(rows, np.int64)
        self._seen = Spectrum(np.zeros(rows, np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.bool_), np.zeros(rows, np.bool_))
        self._left: list[Hearing] = []
        self._progress = Progress(rows)
        self._sit = SpecialInformation(rows)
        self._fax = Fax(rows)
        self._beeps = Beeps(rows)

    def open(self, rows: Rows) -> None:
        """Forget everything about `rows`."""
        self._have[:, rows] = False
        self._began[rows] = -1
        self._missing[rows] = 0
        self._talk[rows] = 0
        self._foreign[rows] = 0
        self._tenth[rows] = 0
        self._due[rows] = NEVER
        self._opened[rows] = self._tick + 1
        for row in rows.tolist():
            for judge in (self._progress, self._sit, self._fax, self._beeps):
                judge.forget(row)

    def called(self, rows: Rows, country: str) -> None:
        """Where a sound means different things in different countries, `country` decides."""
        for row in rows.tolist():
            self._progress.country[row] = country

    def answered(self, rows: Rows, now: float) -> None:
        """A cadence does not run on across the answer: ringback after it is another matter (false answer supervision)."""
        for row in rows.tolist():
            self._beeps.answered(row)
            ended = self._progress.answered(row, self._tick + 1, now)
            if ended is not None:
                self._left.append(ended)
            self._schedule(row)

    def push(self, frames: Frames, present: Mask, now: float) -> Sequence[Hearing]:
        """Hear one tick; see `Detector.push`."""
        self._tick += 1
        tick = self._tick
        self._have[tick % KEPT] = present
        seen = self._look(frames, present)
        tone = seen.tone & present
        quiet = present & ~seen.tone
        active = self._began >= 0
        same = tone & active & ((seen.low & self._low) | (np.abs(seen.hz - self._hz) < SAME_HZ))
        self._off = np.where(tone, 0, self._off + quiet)
        self._missing = np.where(present, 0, self._missing + 1)
        over = active & ((self._off >= np.where(self._low, BRIDGE_LOW, BRIDGE)) | (tone & ~same) | (self._missing > LONGEST_LOSS))
        moment = Moment(tick, now)
        said, self._left = self._left, []
        for row in np.flatnonzero(over & (self._count >= SHORTEST)).tolist():
            self._ended(row, moment, said)
        self._began[over] = -1
        begins = tone & (self._began < 0)
        self._began[begins] = tick
        self._count[begins] = 0
        self._stage[begins] = 0
        self._low[begins] = seen.low[begins]
        self._hz[begins] = seen.hz[begins]
        self._talk_before[begins] = self._talk[begins]
        self._hz[same] += np.float32(0.5) * (seen.hz[same] - self._hz[same])
        self._last[tone] = tick
        self._count += tone
        loud = quiet & (seen.power > np.maximum(LOUD, self._tenth))
        self._foreign += loud
        self._talk *= TALK_DECAY
        self._talk += loud
        ripe = same & (tick - self._began >= STAGES[self._stage])
        self._stage += ripe
        for row in np.flatnonzero(ripe).tolist():
            self._sustained(row, moment, said)
        for row in np.flatnonzero(self._due <= tick).tolist():
            self._progress.passed(row, bool(self._began[row] >= 0), moment, said)
            self._beeps.passed(row, self._quiet_after, moment, said)
            self._schedule(row)
        return said

    def _look(self, frames: Frames, present: Mask) -> Spectrum:
        """See what each frame is, and keep it, of rows that have one; what is said of the others was so earlier, and nobody asks."""
        at = np.flatnonzero(present)
        if len(at):
            frames = frames[at]
            self._audio[self._tick % KEPT, at] = frames
            for whole, part in zip(self._seen, spectrum(frames), strict=True):
                whole[at] = part
        return self._seen

    def _measured(self, row: int, last: int) -> Burst | None:
        """The burst that has been sounding on `row`, up to tick `last`."""
        first = int(self._began[row])
        base = max(first - AROUND, self._tick - KEPT + 1, int(self._opened[row]))
        kept = np.arange(base, min(last + AROUND, self._tick) + 1) % KEPT
        have = self._have[kept, row]
        wave = (self._audio[kept, row] * have[:, None]).reshape(-1)
        return measure(row, first, last, wave, have, first - base, bool(self._talk_before[row] > TALK))

    def _ended(self, row: int, moment: Moment, said: list[Hearing]) -> None:
        burst = self._measured(row, int(self._last[row]))
        if burst is None or burst.purity < PUREST_OF_SPEECH:
            self._foreign[row] += self._count[row]
            self._talk[row] += np.float32(self._count[row])
            return
        before = len(said)
        self._sit.heard(burst, moment, said)
        self._fax.heard(burst, moment, said)
        self._progress.heard(burst, int(self._foreign[row]), moment, said)
        self._beeps.heard(burst, taken=len(said) > before)
        self._foreign[row] = 0
        self._tenth[row] = 0.1 * burst.power
        self._schedule(row)

    def _sustained(self, row: int, moment: Moment, said: list[Hearing]) -> None:
        burst = self._measured(row, self._tick)
        if burst is not None and burst.purity >= PUREST_OF_SPEECH:
            self._fax.sustained(burst, moment, said)
            self._progress.sustained(burst, moment, said)
            self._schedule(row)

    def _schedule(self, row: int) -> None:
        self._due[row] = min(self._progress.due(row), self._beeps.due(row))

    def _quiet_after(self, burst: Burst) -> bool | None:
        """Whether what followed `burst` was quiet; None when none of it arrived."""
        ticks = np.arange(int(burst.ended), self._tick + 1)
        ticks = ticks[self._have[ticks % KEPT, burst.row]]
        pieces = np.square(self._audio[ticks % KEPT, burst.row]).reshape(-1, PIECES, FRAME // PIECES).mean(axis=2).reshape(-1)
        after = (ticks[:, None] + np.arange(PIECES) / PIECES).reshape(-1) > burst.ended
        rest = pieces[after][FADING:]
        if not rest.size:
            return None
        power = float(rest.max())
        return power < 0.1 * burst.power and power < max(LOUD, burst.power * QUIETER)
