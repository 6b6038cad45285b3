"""Checkpoints: what the folds knew at one position of the journal, so that a restart replays minutes and not
months.

A checkpoint replaces the one before by renaming, and the one before is kept: whatever happens to the newer file, at
the cost of a longer replay the older one still starts the node.
"""

import os
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
from msgspec import Struct

from trunkline.facts.record import Fact

from .segment import Position

CURRENT = "checkpoint"
PREVIOUS = "checkpoint.previous"
WRITING = "checkpoint.writing"

MAGIC = b"trunkline checkpoint 2 crc32 "

PIECE = 50
"Rows of a fold that are encoded in one go."


class Fold(Protocol):
    """Something learnt from facts, using only the facts' own times."""

    def apply(self, fact: Fact) -> None:
        """Learn from one fact; facts of no concern are ignored."""

    def dump(self) -> Iterator[bytes]:
        """Everything learnt so far, in pieces of a millisecond each at most.

        Facts go on being applied between two pieces, and the journal's tail is replayed over the whole: so the pieces are of the moment
        `dump` was called, or else learning a fact twice changes nothing.
        """

    def load(self, pieces: Sequence[bytes]) -> None:
        """Know what `dump` knew and nothing else; raises ValueError, and forgets everything, when it cannot be read."""


class Checkpoint(Struct, frozen=True, gc=False):
    """What every fold had learnt from the journal up to `position`."""

    position: Position
    folds: dict[str, list[bytes]]
    "The pieces of `dump()` by the fold's name."


class Loaded(Struct, frozen=True, gc=False):
    """The newest checkpoint that is whole, and the files that were not."""

    checkpoint: Checkpoint | None
    damaged: tuple[str, ...]


def taking(folds: Mapping[str, Fold], position: Position) -> Generator[None, None, Checkpoint]:
    """Gather what the folds know now, a piece a step; facts may happen between two. Returns the checkpoint.

    Flush the journal first, so that `position` covers every fact they were given.
    """
    gathered: dict[str, list[bytes]] = {}
    for name, dump in [(name, fold.dump()) for name, fold in folds.items()]:
        pieces = gathered[name] = []
        for piece in dump:
            pieces.append(piece)
            yield
    return Checkpoint(position, gathered)


def take(folds: Mapping[str, Fold], position: Position) -> Checkpoint:
    """The same at one go, where nothing waits."""
    steps = taking(folds, position)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            taken: Checkpoint = done.value
            return taken


def in_pieces(rows: Sequence[object]) -> Iterator[bytes]:
    """Rows, encoded as a fold's `dump` wants them."""
    for first in range(0, len(rows), PIECE):
        yield msgspec.msgpack.encode(rows[first : first + PIECE])


def save(directory: Path, checkpoint: Checkpoint) -> None:
    """Replace the checkpoint in `directory`; raises OSError and leaves the old one when the disk refuses. Blocks:
    for a thread."""
    body = msgspec.msgpack.encode(checkpoint)
    directory.mkdir(parents=True, exist_ok=True)
    writing, current = directory / WRITING, directory / CURRENT
    with open(writing, "wb") as file:
        file.write(MAGIC + b"%08x\n" % zlib.crc32(body) + body)
        file.flush()
        os.fsync(file.fileno())
    if current.exists():
        os.replace(current, directory / PREVIOUS)
    os.replace(writing, current)
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def load(directory: Path) -> Loaded:
    """The checkpoint in `directory`, or the one before it, or none."""
    damaged: list[str] = []
    for name in (CURRENT, PREVIOUS):
        path = directory / name
        if path.exists():
            checkpoint = _parse(path.read_bytes())
            if checkpoint:
                return Loaded(checkpoint, tuple(damaged))
            damaged.append(name)
    return Loaded(None, tuple(damaged))


def _parse(data: bytes) -> Checkpoint | None:
    head, _, body = data.partition(b"\n")
    if head != MAGIC + b"%08x" % zlib.crc32(body):
        return None
    try:
        return msgspec.msgpack.decode(body, type=Checkpoint)
    except ValueError:
        return None
