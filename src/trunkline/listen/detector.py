"""The interface of a detector: all lines in, what happened out.

A detector keeps the state of a fixed number of lines as arrays with one row per line. One `push` is one tick of 20 ms for all of them.
Time inside a detector is counted in ticks, so that a late tick does not stretch a tone; `now` only dates what it reports.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .hearing import Hearing

RATE_HZ = 8000
FRAME = 160
"Samples of one line in one tick."
TICK_S = FRAME / RATE_HZ

Frames = NDArray[np.float32]
"[rows, 160], full scale +-1. Rows without audio this tick hold zeros."
Mask = NDArray[np.bool_]
"[rows]"
Rows = NDArray[np.intp]
"[k] indices of rows."


class Detector(Protocol):
    """What the bank asks of every detector."""

    def open(self, rows: Rows) -> None:
        """Forget everything about `rows`: a new line begins there with the next tick."""

    def push(self, frames: Frames, present: Mask, now: float) -> Sequence[Hearing]:
        """Hear one tick.

        `present` is false for a row whose frame is lost, late or not sent, and for a row without a line. `now` is the time of the end of the
        tick in seconds (monotonic). The hearings' `phase` is the bank's to stamp.
        """


@runtime_checkable
class AnswerAware(Protocol):
    """A detector that also wants to know when a line is answered."""

    def answered(self, rows: Rows, now: float) -> None:
        """The lines in `rows` were answered at `now`; the next tick is the first of the answered phase."""


@runtime_checkable
class PlaceAware(Protocol):
    """A detector to which the country that was called makes a difference."""

    def called(self, rows: Rows, country: str) -> None:
        """The lines in `rows`, just opened, call `country` (ISO 3166 alpha-2 in lower case)."""


@runtime_checkable
class SignallingAware(Protocol):
    """A detector that also weighs what signalling knows."""

    def signalled(self, rows: Rows, ring_time_s: float | None, early_media: bool) -> None:
        """The lines in `rows` rang for `ring_time_s` (None: no alerting was seen), with or without early media."""


@runtime_checkable
class Overhearing(Protocol):
    """A detector that goes by what those before it in the bank said."""

    def overheard(self, said: Sequence[Hearing], now: float) -> None:
        """This was said of the tick that is pushed next."""
