"""Rows that go on changing while a checkpoint is gathered.

A checkpoint is gathered in pieces between which calls go on, and must show one moment. Copying 20,000 rows at once would hold up the loop;
instead a row that is about to change is encoded first, if the checkpoint has not come to it yet (copy on write).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")

PIECE = 50
"Rows encoded in one go: well under a millisecond."


class Gathering(Generic[Row]):
    """Mutable rows by name, with `touch` before every change of one."""

    __slots__ = ("_gathered", "_kind", "_saved", "rows")

    def __init__(self, kind: type[Row]) -> None:
        self.rows: dict[str, Row] = {}
        self._kind = kind
        self._gathered: set[str] | None = None
        "Names the checkpoint in progress has come to; None when there is none in progress."
        self._saved: dict[str, bytes] = {}
        "Rows that changed before it came to them, as they were."

    def touch(self, name: str) -> None:
        """`rows[name]` is about to change or go."""
        if self._gathered is not None and name not in self._gathered and name not in self._saved:
            row = self.rows.get(name)
            if row is not None:
                self._saved[name] = msgspec.msgpack.encode(row)

    def changing(self, name: str, make: Callable[[], Row]) -> Row:
        """`rows[name]`, which is about to change; made where there is none."""
        row = self.rows.get(name)
        if row is None:
            row = self.rows[name] = make()
        else:
            self.touch(name)
        return row

    def dump(self) -> Iterator[bytes]:
        """Pieces of the moment this was called, each a msgpack list of encoded rows. A new dump gives the one before it up."""
        names = list(self.rows)
        gathered: set[str] = set()
        saved: dict[str, bytes] = {}
        self._gathered, self._saved = gathered, saved
        return self._pieces(names, gathered, saved)

    def _pieces(self, names: list[str], gathered: set[str], saved: dict[str, bytes]) -> Iterator[bytes]:
        for first in range(0, len(names), PIECE):
            piece: list[msgspec.Raw] = []
            for name in names[first : first + PIECE]:
                early = saved.pop(name, None)
                piece.append(msgspec.Raw(early if early is not None else msgspec.msgpack.encode(self.rows[name])))
                gathered.add(name)
            yield msgspec.msgpack.encode(piece)
        if self._gathered is gathered:
            self._gathered, self._saved = None, {}

    def load(self, pieces: Sequence[bytes], name_of: str) -> None:
        """Replace all rows; `name_of` is the attribute a row is named by. Raises ValueError, all forgotten, when a piece cannot be read."""
        self.rows = {}
        self._gathered, self._saved = None, {}
        rows: dict[str, Row] = {}
        for piece in pieces:
            for row in msgspec.msgpack.decode(piece, type=list[self._kind]):  # type: ignore[name-defined]
                rows[getattr(row, name_of)] = row
        self.rows = rows


def parted(parts: Mapping[str, Iterator[bytes]]) -> Iterator[bytes]:
    """Several folds' pieces as one: each is preceded by the name of its part."""
    return (msgspec.msgpack.encode((name, piece)) for name, pieces in parts.items() for piece in pieces)


def by_part(pieces: Sequence[bytes]) -> dict[str, list[bytes]]:
    """What `parted` joined, apart again. Raises ValueError when a piece cannot be read."""
    parts: dict[str, list[bytes]] = {}
    for piece in pieces:
        name, body = msgspec.msgpack.decode(piece, type=tuple[str, bytes])
        parts.setdefault(name, []).append(body)
    return parts
