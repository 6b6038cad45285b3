"""The scoreboard: what every route did in every segment, as a fold of `Attempt` facts (rows R1, R3).

It uses the facts' own times alone, so a rebuild from the lake gives what the checkpoint held. A segment is a destination in a time band.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec

from trunkline.facts.record import AnswerLabelled, Attempt, Fact
from trunkline.policy.snapshot import Destination
from trunkline.routing.cell import Cell
from trunkline.routing.cell_row import Row
from trunkline.routing.listening import Listening

Segment: TypeAlias = tuple[str, str]
"Destination and band; the band is empty outside every band."

MEMORY_S, MEMORY_CALLS = 86_400.0, 4000

PIECE = 50
"Cells encoded in one go."


class Scoreboard:
    """Counts by segment and gateway, and what labels say of listening."""

    def __init__(self) -> None:
        self.segments: dict[Segment, dict[str, Cell]] = {}
        self.listening = Listening()
        self.learnt: dict[Segment, int] = {}
        "Attempts learnt per segment since the start of the process: tells a table that it is stale."
        self._memory: dict[str, tuple[float, float]] = {}
        self._destinations: Mapping[str, Destination] = {}

    def follow(self, destinations: Mapping[str, Destination]) -> None:
        """How long attempts to these destinations count, as each says; for cells that begin from now on."""
        self._destinations = destinations

    def remember(self, destination: str, memory_s: float, memory_calls: float) -> None:
        """How long attempts to this destination count; for cells that begin from now on."""
        self._memory[destination] = (memory_s, memory_calls)

    def apply(self, fact: Fact) -> None:
        """Learn from an attempt; what failed for our own sake or went to no destination says nothing about a route."""
        if not isinstance(fact, Attempt):
            if isinstance(fact, AnswerLabelled):
                self.listening.labelled(fact.call, fact.kind)
            return
        destination, gateway, carrier = fact.destination, fact.gateway, fact.carrier
        if not destination or fact.outcome == "ours":
            return
        segment = (destination, fact.band)
        cells = self.segments.get(segment)
        if cells is None:
            cells = self.segments[segment] = {}
        cell = cells.get(gateway)
        if cell is None:
            cell = cells[gateway] = self._cell(destination, carrier)
        cell.learn(fact, fact.at / 1e6)
        self.learnt[segment] = self.learnt.get(segment, 0) + 1
        labelled, heard = fact.labelled, fact.heard
        if labelled:
            self.listening.label(carrier, heard, labelled == "human")
        elif heard:
            self.listening.answered(fact.call, carrier, heard)

    def _cell(self, destination: str, carrier: str) -> Cell:
        memory = self._memory.get(destination)
        if memory is None:
            named = self._destinations.get(destination)
            memory = (named.scoring.memory_s, named.scoring.memory_calls) if named is not None else (MEMORY_S, MEMORY_CALLS)
        return Cell(carrier, memory[0], memory[1])

    def dump(self) -> Iterator[bytes]:
        """Pieces of the moment of the call: the counts are copied at once, and encoded as they are asked for."""
        rows = [cell.row(*segment, gateway) for segment, cells in self.segments.items() for gateway, cell in cells.items()]
        listening = list(self.listening.dump())

        def pieces() -> Iterator[bytes]:
            yield from listening
            for first in range(0, len(rows), PIECE):
                yield msgspec.msgpack.encode(rows[first : first + PIECE])

        return pieces()

    def load(self, pieces: Sequence[bytes]) -> None:
        """Know what `dump` knew; raises ValueError, and forgets everything, when it cannot be read."""
        self.segments.clear()
        self.learnt.clear()
        try:
            self.listening.load(pieces[:1])
            for piece in pieces[1:]:
                for row in msgspec.msgpack.decode(piece, type=list[Row]):
                    cell = self._cell(row.destination, row.carrier)
                    cell.restore(row)
                    self.segments.setdefault((row.destination, row.band), {})[row.gateway] = cell
        except ValueError:
            self.segments.clear()
            self.listening = Listening()
            raise
