"""The journal's reader: facts in the order they were written, or from the newest back.

Only committed batches are believed (`framing.py`). What cannot be believed is skipped and kept in `damage`, and the
rest is still read.
"""

from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from trunkline.facts.record import Attempt, Call, Fact

from .framing import Batch, scan
from .segment import Position, Segment, segments

_facts: msgspec.json.Decoder[Fact] = msgspec.json.Decoder(Fact)


class Damage(Struct, frozen=True, gc=False):
    """A part of the journal that could not be read."""

    segment: str
    offset: int
    bytes: int
    why: str
    """torn: an unfinished batch at the end of a segment, which a crash leaves and a live writer may be about to
    finish; checksum: altered after it was written; missing: batches were cut out; unreadable: a committed line
    that is no fact this version knows; gone: the segment was deleted while it was read."""


class Reading:
    """Facts in the order of the journal, from `since` on.

    While it is iterated, `position` is the end of the batch the last fact came in, and `damage` what was skipped on
    the way.
    """

    def __init__(self, directory: Path, since: Position | None = None) -> None:
        self._directory = directory
        self.position = since or Position()
        self.damage: list[Damage] = []

    def __iter__(self) -> Iterator[Fact]:
        seq, offset = self.position.order
        for segment in segments(self._directory):
            if segment.seq < seq:
                continue
            data = _bytes(segment, self.damage)
            for batch in batches(segment, data, self.damage, offset if segment.seq == seq else 0):
                self.position = Position(segment.path.name, batch.after)
                yield from facts(segment, data, batch, self.damage)


def newest(directory: Path, needle: bytes, damage: list[Damage]) -> Iterator[tuple[Segment, list[Fact]]]:
    """The facts whose line contains `needle`, from the newest back, a segment at a time: the caller stops when it
    has what it wants."""
    for segment in reversed(segments(directory)):
        data = _bytes(segment, damage)
        found: list[Fact] = []
        for batch in list(batches(segment, data, damage)) if needle in data else []:
            for line in data[batch.start : batch.end].splitlines():
                if needle in line:
                    found += _fact(segment, batch, line, damage)
        yield segment, found[::-1]


def ended_calls(directory: Path, damage: list[Damage], since_us: int = 0) -> Iterator[Call]:
    """The calls that began at `since_us` or later and have ended, the last to end first."""
    for segment, found in newest(directory, b'{"fact":"call",', damage):
        for fact in found:
            if isinstance(fact, Call) and fact.at >= since_us:
                yield fact
        if segment.began < since_us:
            return


def facts_of(directory: Path, call: str, damage: list[Damage]) -> list[Fact]:
    """All facts of one call in the order they were written; none when the journal does not know it."""
    needle = b'"call":' + msgspec.json.encode(call)
    collected: list[Fact] = []
    began: int | None = None
    for segment, found in newest(directory, needle, damage):
        for fact in found:
            if getattr(fact, "call", None) == call:
                collected.append(fact)
                if isinstance(fact, Call):
                    began = fact.at
        if began is not None and segment.began <= began:
            break
    return collected[::-1]


def call_named(directory: Path, call_id: str) -> str:
    """Our id of the last ended call that its dialer or one of its carriers knows by this Call-ID; empty when none does."""
    for _, found in newest(directory, msgspec.json.encode(call_id), []):
        for fact in found:
            if (isinstance(fact, Call) and fact.dialer_call_id == call_id) or (isinstance(fact, Attempt) and fact.carrier_call_id == call_id):
                return fact.call
    return ""


def batches(segment: Segment, data: bytes, damage: list[Damage], start: int = 0) -> Iterator[Batch]:
    """The proven batches of a segment; what lies between goes to `damage`."""
    for part in scan(data, start):
        if isinstance(part, Batch):
            yield part
        else:
            damage.append(Damage(segment.path.name, part.start, part.end - part.start, part.why))


def facts(segment: Segment, data: bytes, batch: Batch, damage: list[Damage]) -> list[Fact]:
    """The facts of one batch."""
    lines = memoryview(data)[batch.start : batch.end]
    try:
        return _facts.decode_lines(lines)
    except ValueError:
        return [fact for line in bytes(lines).splitlines() for fact in _fact(segment, batch, line, damage)]


def _fact(segment: Segment, batch: Batch, line: bytes, damage: list[Damage]) -> list[Fact]:
    try:
        return [_facts.decode(line)]
    except ValueError:
        damage.append(Damage(segment.path.name, batch.start, len(line) + 1, "unreadable"))
        return []


def _bytes(segment: Segment, damage: list[Damage]) -> bytes:
    try:
        return segment.path.read_bytes()
    except FileNotFoundError:
        damage.append(Damage(segment.path.name, 0, 0, "gone"))
        return b""
