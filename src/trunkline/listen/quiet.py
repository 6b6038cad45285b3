"""Silence, and no audio at all.

Silence after an answer is one of the faces of false answer supervision; no audio in early media is a carrier that promised some. Both are
said once they have lasted for `PATIENCE_S`, and again when they are over.
"""

import numpy as np

from .detector import TICK_S, Frames, Mask, Rows
from .hearing import Hearing, Kind
from .level import power_of

PATIENCE_S = 2.0
SILENT = power_of(-45.0)
"Comfort noise is quieter as a rule."
CLICKS = 2
"Frames in a row that are louder end a silence; fewer are clicks."


class Quiet:
    """Watches `rows` lines for silence and for missing audio."""

    def __init__(self, rows: int) -> None:
        self._open = np.zeros(rows, np.bool_)
        self._silent = np.zeros(rows, np.int64)
        self._loud = np.zeros(rows, np.int64)
        self._missing = np.zeros(rows, np.int64)
        self._patience = round(PATIENCE_S / TICK_S)

    def open(self, rows: Rows) -> None:
        """Forget everything about `rows`."""
        self._open[rows] = True
        self._silent[rows] = self._loud[rows] = self._missing[rows] = 0

    def answered(self, rows: Rows, now: float) -> None:
        """Silence before the answer is not silence after it."""
        self._silent[rows] = self._missing[rows] = 0

    def push(self, frames: Frames, present: Mask, now: float) -> list[Hearing]:
        """Hear one tick; see `Detector.push`. A frame lost in a silence is part of it."""
        at = np.flatnonzero(present)
        loud = np.zeros(len(present), np.bool_)
        loud[at] = np.square(frames[at]).mean(axis=1) > SILENT
        self._loud = np.where(loud, self._loud + 1, np.where(present, 0, self._loud))
        broken = self._loud >= CLICKS
        arrived = present & (self._missing >= self._patience)
        gone = self._missing + 1 == self._patience
        said = [self._over(row, Kind.SILENCE, int(self._silent[row]), CLICKS, now) for row in np.flatnonzero(broken & (self._silent >= self._patience)).tolist()]
        said += [self._over(row, Kind.NO_AUDIO, int(self._missing[row]), 1, now) for row in np.flatnonzero(arrived).tolist()]
        self._missing = np.where(present, 0, self._missing + self._open)
        self._silent = np.where(broken, 0, self._silent + self._open)
        missing = self._missing >= self._patience
        stopped = gone & missing & (self._silent > self._patience)
        said += [self._over(row, Kind.SILENCE, int(self._silent[row]), 0, now) for row in np.flatnonzero(stopped).tolist()]
        self._silent[missing] = 0
        said += [self._begun(row, Kind.SILENCE, now) for row in np.flatnonzero(self._silent == self._patience).tolist()]
        said += [self._begun(row, Kind.NO_AUDIO, now) for row in np.flatnonzero(gone & missing).tolist()]
        return said

    def _begun(self, row: int, kind: Kind, now: float) -> Hearing:
        return Hearing(row, kind, now - PATIENCE_S, None, now)

    def _over(self, row: int, kind: Kind, ticks: int, since: int, now: float) -> Hearing:
        ended = now - since * TICK_S
        return Hearing(row, kind, ended - (ticks - since + 1) * TICK_S, ended, now)
