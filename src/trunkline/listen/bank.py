"""The lines of one studio worker: frames of all of them in, hearings out.

    bank = Bank(300, [Tones(300), Quiet(300)])
    bank.open(7, country="de")
    hearings = bank.push(frames, present, now)      # every 20 ms
    bank.answer(7, now)
    bank.close(7)
"""

from collections.abc import Sequence

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from .detector import FRAME, TICK_S, AnswerAware, Detector, Mask, PlaceAware, SignallingAware
from .hearing import Hearing, Phase

FULL_SCALE = np.float32(1 / 32768)


class Bank:
    """Up to `rows` lines heard by every detector of `detectors`, 20 ms at a time.

    Not a thread-safe object. A row that is not open is never heard, whatever its frame holds.
    """

    def __init__(self, rows: int, detectors: Sequence[Detector]) -> None:
        self.rows = rows
        self.detectors = tuple(detectors)
        self._open = np.zeros(rows, np.bool_)
        self._answered_s = np.full(rows, np.inf)
        self._frames = np.zeros((rows, FRAME), np.float32)

    def open(self, row: int, country: str | None = None) -> None:
        """A line begins at `row`, in the early phase, with the next tick. `country` is the one called, where known.

        Raises ValueError when the row is taken: two lines on one row are a bug of the caller.
        """
        if self._open[row]:
            raise ValueError(f"row {row} already has a line")
        self._open[row] = True
        self._answered_s[row] = np.inf
        rows = np.array([row], np.intp)
        for detector in self.detectors:
            detector.open(rows)
            if country is not None and isinstance(detector, PlaceAware):
                detector.called(rows, country)

    def answer(self, row: int, now: float) -> None:
        """The line at `row` was answered at `now`. A second answer changes nothing."""
        if not self._open[row] or self._answered_s[row] < np.inf:
            return
        self._answered_s[row] = now
        rows = np.array([row], np.intp)
        for detector in self.detectors:
            if isinstance(detector, AnswerAware):
                detector.answered(rows, now)

    def signalled(self, row: int, ring_time_s: float | None, early_media: bool) -> None:
        """What signalling knows of the line at `row` at its answer; to be told before or just after `answer`."""
        rows = np.array([row], np.intp)
        for detector in self.detectors:
            if self._open[row] and isinstance(detector, SignallingAware):
                detector.signalled(rows, ring_time_s, early_media)

    def close(self, row: int) -> None:
        """The line at `row` is over; nothing more is heard of it. Closing a closed row is no error: releases cross."""
        self._open[row] = False

    def phase(self, row: int) -> Phase:
        """Where the line at `row` stands."""
        return Phase.ANSWERED if self._answered_s[row] < np.inf else Phase.EARLY

    def push(self, frames: NDArray[np.int16], present: Mask, now: float) -> list[Hearing]:
        """Hear one tick of 20 ms of every line.

        `frames` is int16 [rows, 160] at 8 kHz, `present` bool [rows]: whether the row has audio this tick; what a row that is not present
        holds is not read. `now` is the time of the end of the tick. Raises ValueError for another shape.
        """
        if frames.shape != self._frames.shape or present.shape != self._open.shape:
            raise ValueError(f"frames {frames.shape} and present {present.shape} do not fit {self.rows} rows of {FRAME} samples")
        heard = present & self._open
        np.multiply(frames, FULL_SCALE, out=self._frames, dtype=np.float32, casting="unsafe")
        self._frames[~heard] = 0.0
        said: list[Hearing] = []
        for detector in self.detectors:
            for hearing in detector.push(self._frames, heard, now):
                if self._open[hearing.row]:
                    said.append(self._stamped(hearing))
        return said

    def _stamped(self, hearing: Hearing) -> Hearing:
        # A sound that sets in with the answer is measured to begin up to two ticks before it: an edge lies somewhere within its frame.
        return replace(hearing, phase=Phase.ANSWERED) if hearing.began_s >= self._answered_s[hearing.row] - 2 * TICK_S else hearing
