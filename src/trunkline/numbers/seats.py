"""Which numbers have room right now, kept ready so that a choice need not look for them.

A number sits in the bucket of its pool, area and kind: open when it may take a call, closed with the reason otherwise. Whatever happens to it
moves it at once; a cap that time lifts stands in a heap. So choosing draws from open numbers only, and why the others are closed is counted
already. This is derived from inventory and lives, and rebuilt after a restart.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from typing import Final

from trunkline.policy.number_rules import Rules

from .areas import Areas
from .inventory import Holding
from .kind import Kind
from .life import Life
from .usage import room

DAY_US: Final = 86_400_000_000


class Bucket:
    """Numbers of one pool, area and kind that have room."""

    __slots__ = ("area", "kind", "open", "size")

    def __init__(self, area: str, kind: Kind) -> None:
        self.area, self.kind = area, kind
        self.open: list[Seat] = []
        self.size = 0
        "Numbers in it, those without room too."


class Seat:
    """A number's place."""

    __slots__ = ("again", "bucket", "closed", "holding", "life", "place", "pool", "proven_from", "proven_until", "suspected", "version")

    def __init__(self, holding: Holding, life: Life, pool: "Pool", bucket: Bucket) -> None:
        self.holding, self.life, self.pool, self.bucket = holding, life, pool, bucket
        self.proven_from, self.proven_until = holding.first_day, holding.last_day
        "Days since 1970."
        self.closed = "new"
        "Why it may not take a call; empty when it may."
        self.suspected = False
        self.place = -1
        "Its index in the open list."
        self.again = 0
        "UTC microseconds it stands in the heap for."
        self.version = -1
        "Of the pool's rules it was last fitted by."

    def is_proven(self, at: int) -> bool:
        """Whether the proof of right is in date at a UTC microsecond."""
        return self.proven_from <= at // DAY_US <= self.proven_until


class Near:
    """A bucket, as seen from a callee."""

    __slots__ = ("bucket", "distance_km", "why")

    def __init__(self, why: str, distance_km: float, bucket: Bucket) -> None:
        self.why = why
        "local, near, country or any."
        self.distance_km = distance_km
        "-1 when unknown."
        self.bucket = bucket


class Pool:
    """Buckets of one pool, and in which order they serve an area."""

    def __init__(self, name: str, rules: Rules) -> None:
        self.name, self.rules = name, rules
        self.share = 1.0
        "Of its caps; less while the pool's alarm is raised."
        self.version = 0
        self.buckets: dict[tuple[str, Kind], Bucket] = {}
        self.closed: Counter[str] = Counter()
        self.size = 0
        self.kinds: frozenset[Kind] = frozenset()
        "Of its numbers; another set as soon as they are others."
        self._locals: dict[str, list[Near]] = {}
        self._beyond: dict[tuple[str, frozenset[Kind] | None], tuple[Near, ...]] = {}

    def bucket(self, area: str, kind: Kind) -> Bucket:
        found = self.buckets.get((area, kind))
        if found is None:
            found = self.buckets[area, kind] = Bucket(area, kind)
            if area:
                self._locals.setdefault(area, []).append(Near("local", 0.0, found))
            self._beyond.clear()
        return found

    def changed(self) -> None:
        """Rules or share are others: every seat is fitted again before it is used."""
        self.version += 1
        self._beyond.clear()

    def seated(self, bucket: Bucket, change: int) -> None:
        """A number came into a bucket (1), or left it (-1)."""
        self.size += change
        bucket.size += change
        if bucket.size == 0 or bucket.size == change:
            self.kinds = frozenset(kind for (_, kind), one in self.buckets.items() if one.size)

    def local(self, area: str, kinds: frozenset[Kind] | None) -> list[Near]:
        """Buckets of the callee's own area; only of `kinds` unless None."""
        found = self._locals.get(area, _NONE)
        return found if kinds is None else [near for near in found if near.bucket.kind in kinds]

    def beyond(self, area: str, kinds: frozenset[Kind] | None, areas: Areas) -> tuple[Near, ...]:
        """Buckets of other areas: by distance, then those whose place is unknown."""
        key = (area, kinds)
        known = self._beyond.get(key)
        if known is None:
            if len(self._beyond) > 10_000:
                self._beyond.clear()
            others = [bucket for bucket in self.buckets.values() if (bucket.area != area or not area) and (kinds is None or bucket.kind in kinds)]
            rows = [_near(bucket, area, areas, self.rules.near_km) for bucket in others]
            rows.sort(key=lambda row: (_RANK[row.why], row.distance_km if row.distance_km >= 0 else 1e9))
            known = self._beyond[key] = tuple(rows)
        return known


_RANK = {"near": 0, "country": 1, "any": 2}
_NONE: Final[list[Near]] = []


class Seats:
    """All numbers by pool, fitted to their caps."""

    def __init__(self, areas: Areas, rules_of: Callable[[str], Rules]) -> None:
        self.areas = areas
        self.by_number: dict[str, Seat] = {}
        self.pools: dict[str, Pool] = {}
        self._rules_of = rules_of
        self._due: list[tuple[int, str]] = []
        "Heap of (UTC microseconds, number): look again then."
        self._stale: list[str] = []
        "Numbers to look at again because their pool's rules or share changed."

    def pool(self, name: str) -> Pool:
        found = self.pools.get(name)
        if found is None:
            found = self.pools[name] = Pool(name, self._rules_of(name))
        return found

    def put(self, holding: Holding, life: Life, at: int) -> None:
        """The number is ours, or its row changed."""
        self.remove(holding.number)
        pool = self.pool(holding.pool)
        seat = Seat(holding, life, pool, pool.bucket(holding.area, Kind(holding.country, holding.type, holding.provider)))
        self.by_number[holding.number] = seat
        pool.seated(seat.bucket, 1)
        pool.closed[seat.closed] += 1
        self.fit(seat, at)

    def remove(self, number: str) -> None:
        seat = self.by_number.pop(number, None)
        if seat is not None:
            self._shut(seat, "gone")
            seat.pool.closed["gone"] -= 1
            seat.pool.seated(seat.bucket, -1)

    def fit(self, seat: Seat, at: int) -> bool:
        """Open or close a seat by what is true at a UTC microsecond; whether it is open."""
        pool = seat.pool
        seat.version = pool.version
        reason, again = self.room(seat, at)
        if again and again != seat.again:
            seat.again = again
            heappush(self._due, (again, seat.holding.number))
        if reason != seat.closed:
            if reason:
                self._shut(seat, reason)
            else:
                pool.closed[seat.closed] -= 1
                seat.closed = ""
                row = seat.bucket.open
                seat.place = len(row)
                row.append(seat)
        return not reason

    def room(self, seat: Seat, at: int) -> tuple[str, int]:
        """("", 0) when the number may take a call now; else why not, and when to look again (0: when something happens to it)."""
        reason, again = room(seat.life, seat.pool.rules, seat.pool.share, at)
        if reason or seat.is_proven(at):
            return reason, again
        return "unproven", seat.proven_from * DAY_US if seat.proven_from * DAY_US > at and seat.proven_until >= 0 else 0

    def suspect(self, number: str, suspected: bool) -> None:
        """Something speaks against the number, or nothing does any more."""
        seat = self.by_number.get(number)
        if seat is not None:
            seat.suspected = suspected

    def wake(self, at: int, limit: int = 8) -> bool:
        """Look again at numbers whose time has come or whose rules changed, at most `limit` of each; whether there are more."""
        due, stale = self._due, self._stale
        for number in stale[-limit:]:
            seat = self.by_number.get(number)
            if seat is not None and seat.closed and seat.version != seat.pool.version:
                self.fit(seat, at)
        del stale[-limit:]
        while due and due[0][0] <= at and limit:
            _, number = heappop(due)
            limit -= 1
            seat = self.by_number.get(number)
            if seat is not None and seat.closed:
                seat.again = 0
                self.fit(seat, at)
        return bool(stale) or (bool(due) and due[0][0] <= at)

    def set_share(self, name: str, share: float) -> None:
        pool = self.pool(name)
        if pool.share != share:
            pool.share = share
            self._changed(pool)

    def set_rules(self, rules_of: Callable[[str], Rules]) -> None:
        """A new policy is in force."""
        self._rules_of = rules_of
        for name, pool in self.pools.items():
            rules = rules_of(name)
            if rules != pool.rules:
                pool.rules = rules
                self._changed(pool)

    def set_areas(self, areas: Areas) -> None:
        """Another table: a number's area stands in its row, only distances are others."""
        self.areas = areas
        for pool in self.pools.values():
            pool.changed()

    def _changed(self, pool: Pool) -> None:
        pool.changed()
        self._stale = list(self.by_number)

    def numbers(self) -> Iterable[Seat]:
        return self.by_number.values()

    def _shut(self, seat: Seat, reason: str) -> None:
        closed = seat.pool.closed
        if seat.closed:
            closed[seat.closed] -= 1
        else:
            self._leave(seat)
        seat.closed = reason
        closed[reason] += 1

    def _leave(self, seat: Seat) -> None:
        row = seat.bucket.open
        last = row.pop()
        if last is not seat:
            row[seat.place] = last
            last.place = seat.place
        seat.place = -1


def _near(bucket: Bucket, area: str, areas: Areas, near_km: float) -> Near:
    apart = areas.distance_km(bucket.area, area)
    if apart is not None:
        return Near("near" if apart <= near_km else "country" if areas.country_of(area) == bucket.kind.country else "any", apart, bucket)
    known = areas.country_of(area)
    return Near("country" if known and known == bucket.kind.country else "any", -1.0, bucket)
