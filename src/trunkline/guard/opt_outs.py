"""Callees who said not to call again, as a fold of what they said.

An opt-out is towards the tenant whose number was called; where nobody knows whose that was, towards everybody. None is ever forgotten: they
stand in sorted arrays, 8 bytes each.
"""

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import msgspec

from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberComplaint
from trunkline.records.checkpoint import in_pieces

PIECE_BYTES = 65_536
OWNER, NUMBERS = "owner", "numbers"


class OptOuts:
    """Opt-outs by tenant; `` is everybody."""

    __slots__ = ("_by_tenant", "_owners")

    def __init__(self) -> None:
        self._by_tenant: dict[str, array[int]] = {}
        self._owners: dict[str, str] = {}
        "Our numbers and the tenants they belong to."

    def __len__(self) -> int:
        return sum(map(len, self._by_tenant.values()))

    def holds(self, tenant: str, number: int) -> bool:
        """Whether this callee (digits of E.164) opted out of this tenant's calls."""
        by_tenant = self._by_tenant
        return bool(by_tenant) and (_has(by_tenant.get(tenant), number) or _has(by_tenant.get(""), number))

    def apply(self, fact: NumberComplaint | NumberAdded | NumberChanged) -> None:
        """Learning a fact twice changes nothing."""
        if isinstance(fact, NumberComplaint):
            digits = fact.callee.lstrip("+")
            if fact.kind == "opt_out" and digits.isdecimal() and digits.isascii():
                self._add(self._owners.get(fact.number, ""), int(digits))
        elif isinstance(fact, NumberAdded):
            self._owners[fact.number] = fact.owner
        elif "owner" in fact.changes:
            self._owners[fact.number] = fact.changes["owner"]

    def _add(self, tenant: str, number: int) -> None:
        numbers = self._by_tenant.setdefault(tenant, array("Q"))
        at = bisect_left(numbers, number)
        if at == len(numbers) or numbers[at] != number:
            numbers.insert(at, number)

    def dump(self) -> Iterator[bytes]:
        """Copied at once: a megabyte holds 130,000 of them."""
        owners = list(self._owners.items())
        columns = [(tenant, numbers.tobytes()) for tenant, numbers in self._by_tenant.items()]
        return self._pieces(owners, columns)

    @staticmethod
    def _pieces(owners: list[tuple[str, str]], columns: list[tuple[str, bytes]]) -> Iterator[bytes]:
        for piece in in_pieces(owners):
            yield msgspec.msgpack.encode((OWNER, "", piece))
        for tenant, column in columns:
            for first in range(0, len(column), PIECE_BYTES):
                yield msgspec.msgpack.encode((NUMBERS, tenant, column[first : first + PIECE_BYTES]))

    def load(self, pieces: Sequence[bytes]) -> None:
        """Raises ValueError, and forgets everything, when a piece cannot be read."""
        self._by_tenant, self._owners = {}, {}
        try:
            for piece in pieces:
                kind, tenant, data = msgspec.msgpack.decode(piece, type=tuple[str, str, bytes])
                if kind == OWNER:
                    self._owners.update(msgspec.msgpack.decode(data, type=list[tuple[str, str]]))
                else:
                    self._by_tenant.setdefault(tenant, array("Q")).frombytes(data)
        except ValueError:
            self._by_tenant, self._owners = {}, {}
            raise


def _has(numbers: "array[int] | None", number: int) -> bool:
    if not numbers:
        return False
    at = bisect_left(numbers, number)
    return at < len(numbers) and numbers[at] == number
