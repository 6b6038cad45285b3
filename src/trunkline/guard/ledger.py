"""The ledger of calls: who was called when, and what came of it, in memory that is bounded and known.

Calls stand in a ring in the order they ended, 24 bytes each; the oldest makes room for the newest. Each remembers how far back the last call
of its bucket stands, so the calls to one number are found by walking from its bucket's head, newest first. Nothing is allocated per number,
and a million numbers cost what their calls cost.
"""

from array import array
from collections.abc import Iterator, Sequence
from typing import TypeAlias
from zlib import crc32

import msgspec

OUTCOMES = ("failed", "busy", "no_answer", "rejected", "blocked", "vacant", "unknown", "machine", "human", "short")
"What a call came to; a code is the place in this tuple. `failed` never reached the callee's network."
FAILED = 0
CODES = {outcome: code for code, outcome in enumerate(OUTCOMES)}

PIECE = 4_096
"Calls a piece of a dump."
NUMBER_BITS = 56
NUMBER_MASK = (1 << NUMBER_BITS) - 1

Row: TypeAlias = tuple[int, bytes, bytes, bytes]
"First sequence number, then the columns of a piece."


def scope_of(tenant: str, campaign: str) -> int:
    """Tenant and campaign as 16 bits each; two that collide count as one, which can only be too strict."""
    return (crc32(tenant.encode()) & 0xFFFF) << 16 | (crc32(campaign.encode()) & 0xFFFF)


class Ledger:
    """The last `capacity` calls."""

    __slots__ = ("_at", "_back", "_heads", "_scopes", "_what", "capacity", "total")

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._clear()

    def _clear(self) -> None:
        self.total = 0
        "Calls ever written; the next one's sequence number, from 0."
        self._what = array("Q")
        "Number, and outcome above it."
        self._at = array("I")
        "Unix second it ended."
        self._scopes = array("I")
        self._back = array("I")
        "How many calls ago its bucket was written before; 0 when too long ago."
        self._heads = array("I")
        "Sequence number of a bucket's last call, plus 1, in 32 bits; 0 when there is none."

    def __len__(self) -> int:
        return len(self._at)

    def add(self, number: int, outcome: int, scope: int, at_s: int) -> None:
        """A call to `number` (digits of E.164) has ended."""
        if not self._heads:
            self._heads = array("I", bytes(4 * (self.capacity | 1)))
        seq, heads = self.total, self._heads
        bucket = number % len(heads)
        head = heads[bucket]
        back = (seq + 1 - head) & 0xFFFFFFFF if head else 0
        if back >= self.capacity:
            back = 0
        heads[bucket] = (seq + 1) & 0xFFFFFFFF or 0xFFFFFFFF
        what = number | outcome << NUMBER_BITS
        if seq < self.capacity:
            self._what.append(what)
            self._at.append(at_s)
            self._scopes.append(scope)
            self._back.append(back)
        else:
            slot = seq % self.capacity
            self._what[slot], self._at[slot], self._scopes[slot], self._back[slot] = what, at_s, scope, back
        self.total = seq + 1

    def calls_to(self, number: int, since_s: int) -> list[tuple[int, int, int]]:
        """Calls that ended after `since_s`, newest first, as (Unix second, outcome, scope)."""
        found: list[tuple[int, int, int]] = []
        heads = self._heads
        head = heads[number % len(heads)] if heads else 0
        if not head:
            return found
        total, capacity = self.total, self.capacity
        ago = (total + 1 - head) & 0xFFFFFFFF
        whats, ats = self._what, self._at
        while ago <= len(ats):
            slot = (total - ago) % capacity
            at = ats[slot]
            if at <= since_s:
                break
            what = whats[slot]
            if what & NUMBER_MASK == number:
                found.append((at, what >> NUMBER_BITS, self._scopes[slot]))
            back = self._back[slot]
            if not back:
                break
            ago += back
        return found

    def oldest_s(self) -> int:
        """Unix second of the oldest call it still holds once it is full; 0 while it has forgotten nothing."""
        return self._at[self.total % self.capacity] if self.total > self.capacity else 0

    def dump(self) -> Iterator[bytes]:
        """Calls as of now; a slot that is overwritten meanwhile is left out, as the ring has left it out."""
        return self._pieces(self.total, max(0, self.total - self.capacity))

    def _pieces(self, total: int, first: int) -> Iterator[bytes]:
        capacity = self.capacity
        while first < total:
            first = max(first, self.total - capacity)
            slot = first % capacity
            size = min(PIECE, total - first, capacity - slot)
            if size <= 0:
                return
            yield msgspec.msgpack.encode((first, *(column[slot : slot + size].tobytes() for column in (self._what, self._at, self._scopes))))
            first += size

    def load(self, pieces: Sequence[bytes]) -> None:
        """Raises ValueError, and forgets everything, when a piece cannot be read."""
        self._clear()
        try:
            for piece in pieces:
                _, *columns = msgspec.msgpack.decode(piece, type=Row)
                what, at, scopes = array("Q", columns[0]), array("I", columns[1]), array("I", columns[2])
                if not len(what) == len(at) == len(scopes):
                    raise ValueError("columns of different length")
                for index in range(len(what)):
                    self.add(what[index] & NUMBER_MASK, what[index] >> NUMBER_BITS, scopes[index], at[index])
        except (ValueError, TypeError) as error:
            self._clear()
            raise ValueError(str(error)) from error
