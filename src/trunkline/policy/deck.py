"""A carrier's prices by prefix and date, as arrays signalling reads in place, and the look-up.

A deck of 200,000 rows is 5 MB and answers in a microsecond or two. Prefixes are stretches of numbers (`numbering/ranges.py`); each has its
prices over time, the youngest first, and knows the next shorter prefix, which is asked when none of its own is in force. Nothing is rebuilt
when a price takes effect: every look-up names its moment.
"""

from bisect import bisect_right
from functools import cached_property

from msgspec import Struct

from trunkline.numbering.ranges import key

FOREVER = 2**32 - 1
"`until` of a price without end, in Unix seconds."


class Rate(Struct, frozen=True, gc=False):
    """One price as the carrier wrote it."""

    per_minute: float
    first_s: int
    next_s: int
    fee: float
    "For every answered call, connection fee included."
    short_call_fee: float
    currency: str
    "ISO 4217; empty is the policy's own."


class Deck(Struct, frozen=True, dict=True):
    """Prices of one carrier. Arrays are little-endian, and decoding a snapshot does not copy them."""

    starts: memoryview
    "uint64: keys where stretches begin (`numbering.ranges.key`)."
    nodes: memoryview
    "uint32 per stretch: its prefix, 0 for none."
    parents: memoryview
    "uint32 per prefix: the next shorter one, 0 for none."
    lengths: memoryview
    "uint8 per prefix: its digits."
    first: memoryview
    "uint32 per prefix and one more: where its prices begin."
    since: memoryview
    "uint32 per price: Unix seconds from which it holds; the youngest of a prefix first."
    until: memoryview
    "uint32 per price: the first second it no longer holds."
    rate: memoryview
    "uint32 per price: index into `rates`."
    rates: tuple[Rate, ...]
    longest: int = 0
    "Digits of the longest prefix: numbers that agree so far have one price."
    currencies: tuple[str, ...] = ()
    "Of all its rates."
    changes: tuple[int, ...] = ()
    "Unix seconds at which any price begins or ends."

    @cached_property
    def tariff(self) -> "Tariff":
        """The look-up over this deck, made once."""
        return Tariff(self)


class Quote(Struct, frozen=True, gc=False):
    """A price, and the prefix it stands under."""

    rate: Rate
    prefix: str


class Tariff:
    """Look-ups in a deck."""

    __slots__ = ("_first", "_lengths", "_nodes", "_parents", "_rate", "_rates", "_since", "_starts", "_until", "longest")

    def __init__(self, deck: Deck) -> None:
        self._starts, self._nodes = deck.starts.cast("Q"), deck.nodes.cast("I")
        self._parents, self._lengths, self._first = deck.parents.cast("I"), deck.lengths.cast("B"), deck.first.cast("I")
        self._since, self._until, self._rate = deck.since.cast("I"), deck.until.cast("I"), deck.rate.cast("I")
        self._rates = deck.rates
        self.longest = deck.longest

    def rate(self, digits: str, at: float) -> Rate | None:
        """The price of a minute to the digits of an E.164 number (without +) at a Unix time; None where the deck has none."""
        return self.rate_of(key(digits), at)

    def rate_of(self, place: int, at: float) -> Rate | None:
        """The same by the number's key, for whoever asks many decks."""
        node = self._nodes[bisect_right(self._starts, place) - 1]
        if node:
            version = self._first[node]
            if version + 1 == self._first[node + 1] and self._since[version] <= at < self._until[version]:  # as a rule there is one price, and it holds
                return self._rates[self._rate[version]]
            found = self._in_force(node, at)
            return self._rates[found[0]] if found is not None else None
        return None

    def quote(self, digits: str, at: float) -> Quote | None:
        """The same with the prefix."""
        found = self._in_force(self._nodes[bisect_right(self._starts, key(digits)) - 1], at)
        return Quote(self._rates[found[0]], digits[: self._lengths[found[1]]]) if found is not None else None

    def _in_force(self, node: int, at: float) -> tuple[int, int] | None:
        """Rate and prefix, the prefix itself or the next shorter one that has a price."""
        since, until, first = self._since, self._until, self._first
        while node:
            version, after = first[node], first[node + 1]
            while version < after:
                if since[version] <= at < until[version]:
                    return self._rate[version], node
                version += 1
            node = self._parents[node]
        return None
