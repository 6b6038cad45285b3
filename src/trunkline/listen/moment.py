"""When something is said: the tick and the clock at its end."""

from typing import Final, NamedTuple

from .detector import TICK_S

NEVER: Final = 2**62
"A tick that does not come."


class Moment(NamedTuple):
    """The tick being heard."""

    tick: int
    now: float
    "Seconds, at the end of the tick."

    def at(self, ticks: float) -> float:
        """The time on the clock of `now` that a count of ticks stands for."""
        return self.now - (self.tick + 1 - ticks) * TICK_S
