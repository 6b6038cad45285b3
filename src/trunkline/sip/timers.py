"""The one timer heap.

An entry is (machine, what, generation). Cancelling is bumping the machine's generation, so nothing is ever searched for or removed.
Deadlines are gathered in ticks, and the heap orders the ticks: most timers of a call share a tick with other calls, and a push is then one
list append, a wake-up serves many. No timer fires early; none fires more than a tick late, which is 1/25 of T1: 20 ms as shipped.
"""

from collections.abc import Iterator
from heapq import heappop, heappush
from math import ceil
from typing import Protocol


class Timed(Protocol):
    """What can have timers: anything with a generation."""

    generation: int

    def on_timer(self, what: int, now: float) -> None:
        """The timer `what` is due."""


class Timers:
    __slots__ = ("_heap", "_rate", "_ticks")

    def __init__(self, ticks_per_second: float = 50.0) -> None:
        self._rate = ticks_per_second
        self._heap: list[int] = []
        self._ticks: dict[int, list[tuple[Timed, int, int]]] = {}

    def at(self, deadline: float, machine: Timed, what: int) -> None:
        """Call `machine.on_timer(what)` at `deadline` (monotonic seconds), unless its generation has changed by then."""
        tick = ceil(deadline * self._rate - 1e-6)
        entries = self._ticks.get(tick)
        if entries is None:
            self._ticks[tick] = [(machine, what, machine.generation)]
            heappush(self._heap, tick)
        else:
            entries.append((machine, what, machine.generation))

    def next(self) -> float | None:
        """When `due` next has something to say, in monotonic seconds."""
        return self._heap[0] / self._rate if self._heap else None

    def due(self, now: float) -> Iterator[tuple[Timed, int]]:
        """Entries that are due and still meant."""
        heap = self._heap
        limit = now * self._rate + 1e-6
        while heap and heap[0] <= limit:
            for machine, what, generation in self._ticks.pop(heappop(heap)):
                if machine.generation == generation:
                    yield machine, what

    def pending(self) -> int:
        """Entries that are still meant; for tests and `trunkline status`."""
        return sum(machine.generation == generation for entries in self._ticks.values() for machine, _, generation in entries)
