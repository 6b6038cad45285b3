"""The beep after which a message may be left.

There is no standard: one frequency, any, for 70 to 1500 ms, then quiet. So a beep is a steady single line with quiet of 50 ms after it and
no other tone just before. What could as well be something else must show more: at the calling tone's 1100 Hz and in the band of ringback
(390-500 Hz) a beep follows a voice or other sound, as it does after a greeting, while ringback after a false answer does not; and before
the answer a tone in that band is none.
"""

import math
from collections.abc import Callable

from .burst import Burst
from .fax import is_calling_tone
from .hearing import Hearing, Kind
from .moment import NEVER, Moment

LOWEST_HZ, HIGHEST_HZ = 388.0, 3900.0
PROGRESS_HZ = 500.0
"Below it a tone may be call progress."
ON_MS = (62.0, 1560.0)
"70 to 1500 ms and what a lost frame at either edge does to the measure."
STEADY_HZ = 15.0
RIPPLE = 0.12
QUIET_TICKS = 3.0
"60 ms: 50 of quiet and 10 in which the tone fades."
APART_TICKS = 3.0
"A tone that ends this short before makes it a melody."


class Beeps:
    """Waits for beeps on each of `rows` lines."""

    def __init__(self, rows: int) -> None:
        self._candidate: list[Burst | None] = [None] * rows
        self._due = [NEVER] * rows
        self._ended = [-math.inf] * rows
        self._answered = [False] * rows

    def forget(self, row: int) -> None:
        """A new line begins at `row`."""
        self._candidate[row] = None
        self._due[row] = NEVER
        self._ended[row] = -math.inf
        self._answered[row] = False

    def answered(self, row: int) -> None:
        """The line at `row` was answered."""
        self._answered[row] = True

    def due(self, row: int) -> int:
        """The tick at which `passed` is to be called."""
        return self._due[row]

    def heard(self, burst: Burst, taken: bool) -> None:
        """A burst is over. `taken` says that it was part of something else."""
        row = burst.row
        apart = burst.began - self._ended[row] >= APART_TICKS
        self._ended[row] = burst.ended
        if apart and not taken and is_beep(burst, self._answered[row]):
            self._candidate[row] = burst
            self._due[row] = math.ceil(burst.ended + QUIET_TICKS + 0.1) - 1
        else:
            self._candidate[row] = None
            self._due[row] = NEVER

    def passed(self, row: int, quiet_after: Callable[[Burst], bool | None], moment: Moment, said: list[Hearing]) -> None:
        """A due tick came: was it quiet? When all of the audio since the burst was lost, ask again a tick later."""
        burst = self._candidate[row]
        if burst is None or moment.tick < self._due[row]:
            return
        quiet = quiet_after(burst)
        if quiet is None:
            self._due[row] = moment.tick + 1
            return
        self._candidate[row] = None
        self._due[row] = NEVER
        if quiet:
            features = {"hz": burst.hz, "level_dbm0": burst.level_dbm0, "on_ms": burst.on_ms, "drift_hz": burst.drift_hz}
            confidence = 0.95 if burst.after_talk else 0.85
            said.append(Hearing(row, Kind.BEEP, moment.at(burst.began), moment.at(burst.ended), moment.now, confidence, features=features))


def is_beep(burst: Burst, answered: bool) -> bool:
    """Whether a burst by itself could be a beep."""
    if not burst.single or not LOWEST_HZ <= burst.hz <= HIGHEST_HZ or not ON_MS[0] <= burst.on_ms <= ON_MS[1]:
        return False
    if burst.drift_hz > STEADY_HZ or burst.ripple > RIPPLE:
        return False
    if burst.hz < PROGRESS_HZ:
        return answered and burst.after_talk
    return burst.after_talk or not is_calling_tone(burst)
