"""Candidates in order: the static strategies `priority` and `percentage` (row R2).

An entry of a destination is a carrier or one gateway. Within a carrier, gateways share by weight; weight 0 is standby and comes last.
"""

from bisect import bisect
from itertools import accumulate
from math import log
from random import Random

from trunkline.policy.snapshot import Destination, Gateway, RouteShare, Snapshot

ONE_BY_ONE = 8
"Places drawn one after another by what is left of the weights; a call hardly ever comes to those after them."


class Choice:
    """An ordered list of gateways, and how it came about."""

    __slots__ = ("draw", "gateways", "holdout", "propensity", "scores")

    def __init__(
        self, gateways: tuple[Gateway, ...], propensity: tuple[float, ...], draw: float = 0.0, scores: tuple[float, ...] = (), holdout: bool = False
    ) -> None:
        self.gateways = gateways
        self.propensity = propensity
        "Probability that each came first."
        self.draw = draw
        self.scores = scores
        "Expected worth of each in money, by strategies that learn."
        self.holdout = holdout
        "The first was picked at random, whatever its score."


class Entry:
    """One entry of a destination, as draws need it."""

    __slots__ = ("_active", "_first", "_standby", "_weights", "only", "share")

    def __init__(self, policy: Snapshot, route: RouteShare) -> None:
        members = [policy.gateways[name] for name in route.gateways]
        self.share = route.share
        self.only = members[0] if len(members) == 1 else None
        "The gateway of most entries: nothing to draw."
        self._active = [gateway for gateway in members if gateway.weight > 0]
        self._standby = [gateway for gateway in members if gateway.weight <= 0]
        self._weights = [float(gateway.weight) for gateway in self._active]
        total = sum(self._weights)
        self._first = {gateway.name: gateway.weight / total for gateway in self._active} or {self._standby[0].name: 1.0}
        if self.only is not None:
            self._first = {self.only.name: 1.0}

    def first(self, name: str) -> float:
        """Probability that a gateway comes first of the entry."""
        return self._first.get(name, 0.0)

    def ordered(self, random: Random) -> tuple[list[Gateway], float]:
        """Gateways drawn by weight without replacement, standby ones last; the first draw, 0 when there was none."""
        if self.only is not None:
            return [self.only], 0.0
        if not self._active:
            return self._standby, 0.0
        draw = random.random()
        return [self._active[at] for at in _drawn(self._weights, draw, random)] + self._standby, draw


class Written:
    """What policy alone says of one destination: the order `priority` takes, or the one `percentage` draws."""

    __slots__ = ("_all", "_constant", "_entries", "_first", "_shared", "_simple", "_weights")

    def __init__(self, policy: Snapshot, destination: Destination) -> None:
        entries = self._entries = [Entry(policy, route) for route in destination.routes]
        self._all = {name: policy.gateways[name] for route in destination.routes for name in route.gateways}
        self._shared: list[Entry] = []
        "Entries `percentage` draws among; one with share 0 is the last resort."
        self._weights: list[float] = []
        if destination.strategy == "percentage":
            self._shared = [entry for entry in entries if entry.share > 0] or entries
            self._weights = [entry.share or 1.0 for entry in self._shared]
        led = list(zip(self._shared, self._weights, strict=True)) or [(entry, 1.0) for entry in entries[:1]]
        total = sum([weight for _, weight in led])
        self._first = {name: sum([weight * entry.first(name) for entry, weight in led]) / total for name in self._all}
        self._constant: Choice | None = None
        self._simple: tuple[list[Gateway], list[float], list[Gateway]] | None = None
        "Gateways drawn among, their chances and the others, where every entry is one gateway and none is named twice."
        only = [entry.only for entry in entries if entry.only is not None]
        if self._shared and len(self._all) == len(entries) == len(only):
            drawn = [entry.only for entry in self._shared if entry.only is not None]
            self._simple = drawn, [self._first[gateway.name] for gateway in drawn], [gateway for gateway in only if gateway not in drawn]
        if not self._shared and all(entry.only is not None for entry in entries):
            self._constant = self._in_order(Random(0))

    def choose(self, random: Random) -> Choice:
        """Order every gateway of the destination."""
        if self._shared:
            return self._by_share(random)
        return self._constant or self._in_order(random)

    def _in_order(self, random: Random) -> Choice:
        found: dict[str, Gateway] = {}
        first_draw = 0.0
        for entry in self._entries:
            ordered, draw = entry.ordered(random)
            first_draw = first_draw or draw
            for gateway in ordered:
                found.setdefault(gateway.name, gateway)
        return self._choice(found, first_draw)

    def _by_share(self, random: Random) -> Choice:
        """The first entry is drawn by share; the others follow by drawing again among what is left."""
        draw = random.random()
        if self._simple is not None:
            gateways, chances, rest = self._simple
            order = _drawn(self._weights, draw, random)
            return Choice((*[gateways[at] for at in order], *rest), (*[chances[at] for at in order], *[0.0] * len(rest)), draw)
        found: dict[str, Gateway] = {}
        for at in _drawn(self._weights, draw, random):
            for gateway in self._shared[at].ordered(random)[0]:
                found.setdefault(gateway.name, gateway)
        for name, gateway in self._all.items():
            found.setdefault(name, gateway)
        return self._choice(found, draw)

    def _choice(self, found: dict[str, Gateway], draw: float) -> Choice:
        first = self._first
        return Choice(tuple(found.values()), tuple([first[name] for name in found]), draw)


def _drawn(weights: list[float], draw: float, random: Random) -> list[int]:
    """Indices by weight without replacement, in the order drawn: the first by `draw` in [0, 1), the others by further draws.

    Places after `ONE_BY_ONE` come from a race, each index taking an exponential time of its weight's rate: the same distribution (Efraimidis and
    Spirakis 2006), in one draw and one comparison each instead of a sum over all that is left.
    """
    left, ahead = list(range(len(weights))), weights.copy()
    found: list[int] = []
    while left and len(found) < ONE_BY_ONE:
        ends = list(accumulate(ahead))
        at = min(bisect(ends, draw * ends[-1]), len(ends) - 1)
        del ahead[at]
        found.append(left.pop(at))
        draw = random.random()
    if left:
        one = random.random
        times = {index: log(1.0 - one()) / weight for index, weight in zip(left, ahead, strict=True)}
        left.sort(key=times.__getitem__, reverse=True)
    return found + left
