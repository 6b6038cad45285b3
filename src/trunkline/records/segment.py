"""Segments: the files of the journal, in the order they were written.

A segment is named `segment-<utc>-<seq>.ndjson`. The sequence number grows by one for every segment a data directory
ever had, so the order survives a clock that was set back; the time tells a reader which segments it need not open.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

NAME = re.compile(r"segment-(\d{8}T\d{6}Z)-(\d{6,})\.ndjson")
STAMP = "%Y%m%dT%H%M%SZ"


class Position(Struct, frozen=True, gc=False):
    """A place in the journal; everything before it has been read or written."""

    segment: str = ""
    "Name of the segment; empty before the first one."
    offset: int = 0
    "Bytes from its start."

    @property
    def order(self) -> tuple[int, int]:
        """Sorts positions in the order of the journal."""
        found = NAME.fullmatch(self.segment)
        return (int(found[2]) if found else 0, self.offset)


class Segment(Struct, frozen=True, gc=False):
    """One file of the journal."""

    path: Path
    seq: int
    "Place among the segments of its directory, from 1."
    began: int
    "UTC microseconds when it was begun, in whole seconds."


def segment_name(utc_us: int, seq: int) -> str:
    """The file name of segment number `seq`, begun at `utc_us`."""
    return f"segment-{datetime.fromtimestamp(utc_us // 1_000_000, UTC):{STAMP}}-{seq:06}.ndjson"


def segments(directory: Path) -> list[Segment]:
    """All segments, oldest first; none when the directory does not exist."""
    return sorted(_found(directory), key=lambda segment: segment.seq)


def _found(directory: Path) -> Iterator[Segment]:
    if not directory.is_dir():
        return
    for path in directory.iterdir():
        found = NAME.fullmatch(path.name)
        if found:
            began = datetime.strptime(found[1], STAMP).replace(tzinfo=UTC)
            yield Segment(path, int(found[2]), int(began.timestamp()) * 1_000_000)
