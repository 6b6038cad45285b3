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

from .detector import FRAME, TICK_S, AnswerAware, Detector, Mask, Overhearing, PlaceAware, SignallingAware
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
        self._sounding = np.zeros(0, np.intp)
        "Rows of `_frames` that hold something else than zeros."
        self._opening: dict[int, str | None] = {}
        "Rows that detectors have not forgotten yet, and where they call: all of a tick are forgotten together."
        # Asking a protocol takes longer than what is then done for a row.
        self._place_aware = [detector for detector in self.detectors if isinstance(detector, PlaceAware)]
        self._answer_aware = [detector for detector in self.detectors if isinstance(detector, AnswerAware)]
        self._signalling_aware = [detector for detector in self.detectors if isinstance(detector, SignallingAware)]
        self._overhearing = frozenset(id(detector) for detector in self.detectors if isinstance(detector, Overhearing))

    def open(self, row: int, country: str | None = None) -> None:
        """A line begins at `row`, in the early phase, with the next tick. `country` is the one called, where known.

        Raises ValueError when the row is taken: two lines on one row are a bug of the caller.
        """
        if self._open[row]:
            raise ValueError(f"row {row} already has a line")
        self._open[row] = True
        self._answered_s[row] = np.inf
        self._opening[row] = country

    def answer(self, row: int, now: float) -> None:
        """The line at `row` was answered at `now`. A second answer changes nothing."""
        if not self._open[row] or self._answered_s[row] < np.inf:
            return
        self._begin()
        self._answered_s[row] = now
        rows = np.array([row], np.intp)
        for detector in self._answer_aware:
            detector.answered(rows, now)

    def signalled(self, row: int, ring_time_s: float | None, early_media: bool) -> None:
        """What signalling knows of the line at `row` at its answer; to be told before or just after `answer`."""
        if not self._open[row]:
            return
        self._begin()
        rows = np.array([row], np.intp)
        for detector in self._signalling_aware:
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
        self._begin()
        heard = present & self._open
        self._frames[self._sounding] = 0.0
        self._sounding = np.flatnonzero(heard)
        self._frames[self._sounding] = frames[self._sounding] * FULL_SCALE
        said: list[Hearing] = []
        for detector in self.detectors:
            if said and id(detector) in self._overhearing:
                detector.overheard(said, now)  # type: ignore[attr-defined]
            for hearing in detector.push(self._frames, heard, now):
                if self._open[hearing.row]:
                    said.append(self._stamped(hearing))
        return said

    def _begin(self) -> None:
        """Let detectors forget who was at rows that have been opened."""
        if not self._opening:
            return
        rows = np.array(tuple(self._opening), np.intp)
        for detector in self.detectors:
            detector.open(rows)
        for row, country in self._opening.items():
            if country is not None:
                for placed in self._place_aware:
                    placed.called(np.array([row], np.intp), country)
        self._opening.clear()

    def _stamped(self, hearing: Hearing) -> Hearing:
        # A sound that sets in with the answer is measured to begin up to two ticks before it: an edge lies somewhere within its frame.
        return replace(hearing, phase=Phase.ANSWERED) if hearing.began_s >= self._answered_s[hearing.row] - 2 * TICK_S else hearing
