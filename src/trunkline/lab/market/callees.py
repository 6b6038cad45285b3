"""People who are called more than once: whom the dialer calls again, and what they remember of who called.

Who would be called again when is planned before anybody chooses, as if nobody were ever reached. Where somebody was, or the number was found vacant,
a callee nobody has called before takes the place: both fates are drawn beforehand, so that every strategy meets the same people at the same moments.

What a missed call does to the next is measured by nobody but each centre for itself; the direction (the same number again and a call nobody spoke on
harm, time heals) is what dialer vendors advise by, the figures are the scenario's.
"""

from collections import deque
from collections.abc import Sequence
from math import pi

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.lab.market.scenario import Callees

DAY_S = 86_400.0


def planned(callees: Callees, at_s: Sequence[float], destination: Sequence[int], destinations: int) -> list[int]:
    """Call -> the first call to the same callee, -1 for a callee who is called for the first time. Who is due goes before who is new."""
    due: list[deque[tuple[float, int, int]]] = [deque() for _ in range(destinations)]
    "When, first call, calls so far; in order of time, for everybody waits as long."
    first = [-1] * len(at_s)
    for i, (at, where) in enumerate(zip(at_s, destination, strict=True)):
        waiting, lead, calls = due[where], i, 1
        if waiting and waiting[0][0] <= at:
            _, lead, calls = waiting.popleft()
            first[i], calls = lead, calls + 1
        if calls < callees.tries:
            waiting.append((at + callees.again_h * 3600.0, lead, calls))
    return first


def habits(callees: Callees, at_s: NDArray[np.float64], phase: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factor on the chance to pick up at Unix times, for callees whose best moment of the day is `phase` (0 to 1)."""
    found: NDArray[np.float64] = 1.0 + callees.habit * np.cos(2.0 * pi * (at_s / DAY_S - phase))
    return found


class Missed(Struct, frozen=True, gc=False):
    """A call a callee had nothing of."""

    at: float
    number: str
    dead: bool
    "They picked up, and it ended at once."


class People:
    """What callees know of us, and we of them, as a run goes on; a callee is the row of the first call to them."""

    def __init__(self, callees: Callees, again: Sequence[int], person: Sequence[int]) -> None:
        self._callees, self._again, self._person = callees, again, person
        self._missed: dict[int, list[Missed]] = {}
        self._done: set[int] = set()
        "Talked with, or not there."

    def row(self, i: int) -> int:
        """The row of fates of call `i`: that of the callee who is due, or of a new one."""
        again = self._again[i]
        return i if again < 0 or self._person[again] in self._done else again

    def willing(self, row: int, number: str, at: float) -> float:
        """Factor on the chance that the callee picks up when this number calls."""
        missed = self._missed.get(self._person[row])
        if missed is None:
            return 1.0
        callees, factor = self._callees, 1.0
        for call in missed:
            kept = 0.5 ** ((at - call.at) / (callees.forgets_d * DAY_S))
            least = callees.campaign if call.number != number else callees.dead if call.dead else callees.number
            factor *= 1.0 - (1.0 - least) * kept
        return factor

    def called(self, row: int, number: str, at: float, done: bool, rang: bool, short: bool) -> None:
        """What became of a call: nobody need be called again who is `done`, having talked or having no such number."""
        person = self._person[row]
        if done:
            self._done.add(person)
        elif rang:
            self._missed.setdefault(person, []).append(Missed(at, number, short))
