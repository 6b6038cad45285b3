"""What the routes of a destination usually cost by a rate deck: the price strategies order routes by, ahead of calls.

Billing takes the exact price of the number called (`deck.py`). One price for all numbers of a destination is the median over them, each stretch of
numbers weighing as much as it is wide. It is worked out at the desk, for now and for the next dates on which a price changes.
"""

from collections.abc import Mapping
from time import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trunkline.numbering.ranges import NOTHING, after, flatten
from trunkline.policy.conversion import priced, worth
from trunkline.policy.deck import Deck, Rate
from trunkline.policy.snapshot import Price, Worths

MOST_CHANGES = 12
"Dates ahead for which usual prices are worked out; a policy that is never compiled again goes by the last."


class Usual:
    """What destinations usually cost by a deck, now and on the dates ahead."""

    def __init__(self, prefixes: Mapping[str, str], currencies: Mapping[str, Worths], now: float | None = None) -> None:
        """`prefixes` leads to destinations as in a snapshot; `now` is a Unix time, the clock's when not given."""
        self.now = time() if now is None else now
        self._currencies = currencies
        names = dict.fromkeys(prefixes.values())
        order = {name: at for at, name in enumerate(names, 1)}
        starts, values = flatten((prefix, order[name]) for prefix, name in prefixes.items())
        self._stretches: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
        by_number = list(names)
        for start, end, value in zip(starts, [*starts[1:], after("")], values, strict=True):
            if value != NOTHING:
                self._stretches[by_number[value - 1]].append((start, end))
        self._resolved: dict[tuple[int, int], NDArray[Any]] = {}
        self._changes: dict[int, tuple[int, ...]] = {}

    def prices(self, destination: str, deck: Deck, otherwise: Price) -> tuple[Price, tuple[tuple[int, Price], ...]]:
        """The usual price now, and pairs (Unix seconds, price) for later, the earliest first. `otherwise` is for numbers the deck does not have."""
        ahead = [change for change in self._changes_of(deck) if change > self.now][:MOST_CHANGES]
        now = self._price(destination, deck, self.now) or otherwise
        later: list[tuple[int, Price]] = []
        last = now
        for change in ahead:
            price = self._price(destination, deck, change) or otherwise
            if price != last:
                later.append((change, price))
                last = price
        return now, tuple(later)

    def _changes_of(self, deck: Deck) -> tuple[int, ...]:
        known = self._changes.get(id(deck))
        if known is None:
            money = [since for code in deck.currencies for since, _ in self._currencies.get(code, ())]
            known = self._changes[id(deck)] = tuple(sorted({*deck.changes, *money}))
        return known

    def _price(self, destination: str, deck: Deck, at: float) -> Price | None:
        rates = self._rates(deck, int(at))
        starts = np.frombuffer(deck.starts, np.uint64)
        chosen: list[NDArray[Any]] = []
        weights: list[NDArray[Any]] = []
        for begins, ends in self._stretches.get(destination, ()):
            first = int(np.searchsorted(starts, np.uint64(begins), "right")) - 1
            last = int(np.searchsorted(starts, np.uint64(ends), "left"))
            edges = np.append(np.maximum(starts[first:last], np.uint64(begins)), np.uint64(ends))
            chosen.append(rates[first:last])
            weights.append(np.diff(edges).astype(np.float64))
        if not chosen:
            return None
        choice, weight = np.concatenate(chosen), np.concatenate(weights)
        sold = choice >= 0
        if not sold.any():
            return None
        shares = np.bincount(choice[sold], weights=weight[sold])
        ranked = sorted((at_rate for at_rate in np.flatnonzero(shares)), key=lambda number: self._per_minute(deck.rates[number], at))
        below = np.cumsum(shares[ranked])
        rate = deck.rates[ranked[int(np.searchsorted(below, below[-1] / 2))]]
        return priced(rate, worth(self._currencies, rate.currency, at))

    def _per_minute(self, rate: Rate, at: float) -> float:
        return rate.per_minute * worth(self._currencies, rate.currency, at)

    def _rates(self, deck: Deck, at: int) -> NDArray[Any]:
        """Index of the rate in force at `at` for every stretch; -1 where there is none."""
        known = self._resolved.get((id(deck), at))
        if known is not None:
            return known
        first = np.frombuffer(deck.first, np.uint32)
        owner = np.repeat(np.arange(len(first) - 1), np.diff(first))
        holds = (np.frombuffer(deck.since, np.uint32) <= at) & (at < np.frombuffer(deck.until, np.uint32))
        versions = np.flatnonzero(holds)[::-1]  # the youngest of a prefix is assigned last and stays
        rates = np.full(len(first) - 1, -1, np.int64)
        rates[owner[versions]] = np.frombuffer(deck.rate, np.uint32)[versions]
        parents = np.frombuffer(deck.parents, np.uint32)
        for node in np.flatnonzero(rates < 0):  # a shorter prefix comes before the longer ones it begins
            if node:
                rates[node] = rates[parents[node]]
        known = self._resolved[id(deck), at] = rates[np.frombuffer(deck.nodes, np.uint32)]
        return known
