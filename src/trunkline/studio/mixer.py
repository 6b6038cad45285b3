"""Conferences: every leg hears the sum of the others.

A seam, kept apart from lines and sockets: frames in, frames out, all conferences of a worker in one step. Whoever wires it to calls gives each leg
a row, as `Buffer` does, and encodes what comes out. The sum is taken once per conference and each leg's own voice taken out of it again, so the
work grows with the legs and not with their pairs; what is louder than 16 bits is cut off, never wrapped.
"""

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.int16]
"Rows of samples, one leg each."
Mask = NDArray[np.bool_]

APART = -1
"Conference of a row that is in none."
LOUDEST = 32_767


class Mixer:
    """Up to `rows` legs, in as many conferences as they like."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._conference = np.full(rows, APART, np.intp)
        self._listens = np.zeros(rows, np.bool_)
        "Heard by nobody, though they hear: a coach, a listener."

    def join(self, row: int, conference: int, *, listens_only: bool = False) -> None:
        """Put a leg into a conference, numbered from 0 to `rows` - 1; it leaves the one it was in. Raises ValueError for numbers outside."""
        if not (0 <= row < self.rows and 0 <= conference < self.rows):
            raise ValueError("no such row or conference")
        self._conference[row] = conference
        self._listens[row] = listens_only

    def leave(self, row: int) -> None:
        """Take a leg out; it hears nobody and is heard by nobody."""
        self._conference[row] = APART
        self._listens[row] = False

    def members(self, conference: int) -> list[int]:
        """The rows in a conference."""
        return [int(row) for row in np.flatnonzero(self._conference == conference)]

    def mix(self, frames: Frames, present: Mask) -> tuple[Frames, NDArray[np.intp]]:
        """What each leg hears of one frame, [n, samples], and the rows that those are: all that are in a conference.

        `frames` are [rows, samples]; a leg that is not `present` (its frame did not come) is silent.
        """
        rows = np.flatnonzero(self._conference != APART)
        speaks = (present[rows] & ~self._listens[rows])[:, None]
        own = np.where(speaks, frames[rows], np.int16(0)).astype(np.int32)
        sums = np.zeros((self.rows, frames.shape[1]), np.int32)
        np.add.at(sums, self._conference[rows], own)
        heard = sums[self._conference[rows]] - own
        return np.clip(heard, -LOUDEST - 1, LOUDEST).astype(np.int16), rows
