"""The one timer heap.

An entry is (machine, what, generation). Cancelling is bumping the machine's generation, so nothing is ever searched for or removed.
Deadlines are gathered in ticks of 5 ms, and the heap orders the ticks: most timers of a call share a tick with other calls, and a push
is then one list append. No timer fires early; none fires more than a tick late.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from math import ceil
from typing import Protocol

TICKS_PER_SECOND = 200


class Timed(Protocol):
    """What can have timers: anything with a generation."""

    generation: int

    def on_timer(self, what: int, now: float) -> None:
        """The timer `what` is due."""


class Timers:
    __slots__ = ("_heap", "_ticks")

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._ticks: dict[int, list[tuple[Timed, int, int]]] = {}

    def at(self, deadline: float, machine: Timed, what: int) -> None:
        """Call `machine.on_timer(what)` at `deadline` (monotonic seconds), unless its generation has changed by then."""
        tick = ceil(deadline * TICKS_PER_SECOND - 1e-6)
        entries = self._ticks.get(tick)
        if entries is None:
            self._ticks[tick] = [(machine, what, machine.generation)]
            heappush(self._heap, tick)
        else:
            entries.append((machine, what, machine.generation))

    def next(self) -> float | None:
        """When `due` next has something to say, in monotonic seconds."""
        return self._heap[0] / TICKS_PER_SECOND if self._heap else None

    def due(self, now: float) -> Iterator[tuple[Timed, int]]:
        """Entries that are due and still meant."""
        heap = self._heap
        limit = now * TICKS_PER_SECOND + 1e-6
        while heap and heap[0] <= limit:
            for machine, what, generation in self._ticks.pop(heappop(heap)):
                if machine.generation == generation:
                    yield machine, what

    def pending(self) -> int:
        """Entries that are still meant; for tests and `trunkline status`."""
        return sum(machine.generation == generation for entries in self._ticks.values() for machine, _, generation in entries)
