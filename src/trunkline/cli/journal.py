"""The journal read from some moment on, as a stream: with signs of life, and what could not be read told at its end."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from trunkline.cli.command import progress
from trunkline.cli.source import journal_of

if TYPE_CHECKING:
    from trunkline.facts.record import Fact

TOLD_EVERY = 50_000
"Facts between two signs of life."


def facts_from(data: Path, from_us: int = 0) -> Iterator["Fact"]:
    """Facts in the order they were written, from the segment on that a UTC microsecond lies in. Raises SourceError."""
    from trunkline.records import Position, Reading, segments

    journal, begin = journal_of(data), Position()
    for segment in segments(journal):
        if segment.began <= from_us:
            begin = Position(segment.path.name)
    reading = Reading(journal, begin)
    for number, fact in enumerate(reading, 1):
        if number % TOLD_EVERY == 0:
            progress(f"{number:,} facts read")
        yield fact
    progress("")
    for damage in reading.damage:
        if damage.why != "torn":
            print(f"Skipped {damage.bytes} bytes of {damage.segment} at {damage.offset}: {damage.why}.", file=sys.stderr)
