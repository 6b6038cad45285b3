"""Who was called with which number: a callee sees the same one again, and whoever calls back reaches who called (rows N5, N14).

Learning a call twice changes nothing, so a checkpoint may be gathered while calls go on; rows live in shards, because a copy of a million at
once would hold up the loop.
"""

from collections.abc import Iterator, Sequence
from typing import Final
from zlib import crc32

import msgspec

from trunkline.facts.numbers import NumberTaken

from .contact import Contact

SHARDS: Final = 1_024
DAY_US: Final = 86_400_000_000


class Contacts:
    """The last call per pool and callee; the oldest are forgotten beyond `limit`."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self._shards: list[dict[tuple[str, str], Contact]] = [{} for _ in range(SHARDS)]
        self._limit = max(1, limit // SHARDS)

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def apply(self, fact: NumberTaken) -> None:
        key = (fact.pool, fact.callee)
        shard = self._shard(fact.callee)
        known = shard.get(key)
        if known is not None:
            if fact.at < known.at < fact.at + DAY_US:  # one of a day to come was told by a clock that was wrong
                return
            del shard[key]
        shard[key] = Contact(fact.pool, fact.callee, fact.number, fact.at, fact.campaign, fact.agent, fact.call)
        if len(shard) > self._limit:
            del shard[next(iter(shard))]

    def withdraw(self, pool: str, callee: str, call: str) -> None:
        """The call never left, so its callee never saw the number."""
        known = self.last(pool, callee)
        if known is not None and known.call == call:
            del self._shard(callee)[pool, callee]

    def last(self, pool: str, callee: str) -> Contact | None:
        return self._shard(callee).get((pool, callee))

    def dump(self) -> Iterator[bytes]:
        return (msgspec.msgpack.encode(list(shard.values())) for shard in self._shards)

    def load(self, pieces: Sequence[bytes]) -> None:
        self._shards = [{} for _ in range(SHARDS)]
        rows = [row for piece in pieces for row in msgspec.msgpack.decode(piece, type=list[Contact])]
        for row in rows:
            self._shard(row.callee)[row.pool, row.callee] = row

    def _shard(self, callee: str) -> dict[tuple[str, str], Contact]:
        """By a checksum, not `hash`: shards must be the same after a restart."""
        return self._shards[crc32(callee.encode()) % SHARDS]
