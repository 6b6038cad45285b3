"""Choosing the number a call is made with.

In this order: the number this callee saw before; one of the callee's area, then of the nearest; of a few drawn at random the least used today, a
suspected one counting as much used. Drawing a few and taking the least of them keeps use nearly even (Mitzenmacher 2001, the power of two
choices) without sorting 20,000 numbers, and no two calls in a row come from one number by rule. Only numbers with room under every cap are
drawn from; when there is none the call is refused, never made with a number that should rest.
"""


from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import Final, TypeAlias

from trunkline.facts import refusal as catalogue
from trunkline.facts.refusal import Refusal

from .areas import Areas
from .contacts import Contacts
from .kind import Kind
from .seats import DAY_US, Near, Pool, Seat, Seats
from .usage import day_of

DRAWS: Final = 4
"Numbers compared; two suffice for even use, four also pass over a busy one."

SUSPECTED: Final = 4.0
"""A suspected number's use counts so many times: it gets about a quarter of the calls of a sound one. None at all would leave the suspicion
standing for ever, neither proven nor dispelled."""


class Ask:
    """A call that needs a number."""

    __slots__ = ("callee", "kinds", "owner", "pool")

    def __init__(self, pool: str, callee: str, owner: str, kinds: frozenset[Kind] | None = None) -> None:
        self.pool = pool
        self.callee = callee
        "E.164."
        self.owner = owner
        "Tenant."
        self.kinds = kinds
        "Kinds that may be shown where it goes; None: all."


class Chosen:
    """The number to call with."""

    __slots__ = ("distance_km", "excluded", "number", "room", "suspected", "why")

    def __init__(self, number: str, why: str, distance_km: float, room: int, excluded: dict[str, int], suspected: bool = False) -> None:
        self.number = number
        self.why = why
        "sticky, local, near, country, any or dialer."
        self.distance_km = distance_km
        self.room = room
        "Numbers that had room where it was drawn."
        self.excluded = excluded
        "Why others of the pool had none -> how many."
        self.suspected = suspected


class Nobody:
    """No number may be used."""

    __slots__ = ("excluded", "refusal")

    def __init__(self, refusal: Refusal, excluded: dict[str, int]) -> None:
        self.refusal = refusal
        self.excluded = excluded


Choice: TypeAlias = Chosen | Nobody


def choose(ask: Ask, seats: Seats, contacts: Contacts, at: int, random: Random) -> Choice:
    """A number of the pool with room at UTC microsecond `at`. Taking it is a `NumberTaken` fact, in the same step."""
    more = seats.wake(at)
    pool = seats.pools.get(ask.pool)
    if pool is None or not pool.size:
        return Nobody(catalogue.NO_POOL, {})
    seat = _seen_before(ask, pool, seats, contacts, at)
    if seat is not None:
        return _chosen(seat, "sticky", _distance(seat, ask, seats), pool, 1)
    found = _drawn(ask, pool, seats, at, random)
    while isinstance(found, Nobody) and more:
        # At midnight all numbers become free at once; a call is not refused because most have not been looked at yet.
        more = seats.wake(at, 256)
        found = _drawn(ask, pool, seats, at, random)
    return found


def _drawn(ask: Ask, pool: Pool, seats: Seats, at: int, random: Random) -> Choice:
    areas, draw = seats.areas, random.random
    today, local_only = day_of(at, pool.rules), pool.rules.local_only
    area = areas.area_of(ask.callee)
    if ask.kinds is not None and ask.kinds.isdisjoint(pool.kinds):
        return Nobody(catalogue.NOT_PRESENTABLE, excluded(pool))
    # Most calls end at the callee's own area, before the others need be sorted by distance.
    for near in chain(pool.local(area, ask.kinds), _beyond(pool, area, ask.kinds, areas)):
        if local_only and near.why not in ("local", "near"):
            return Nobody(catalogue.TOO_FAR, excluded(pool))
        row = near.bucket.open
        while row:
            room = len(row)
            seat = row[int(draw() * room)]
            if room > 1:
                best = _exposure(seat, today)
                for _ in range(DRAWS - 1):
                    other = row[int(draw() * room)]
                    use = _exposure(other, today)
                    if use < best:
                        seat, best = other, use
            if _usable(seat, ask, seats, at):
                return _chosen(seat, near.why, near.distance_km, pool, room)
            if not seat.closed:
                break
    return Nobody(catalogue.NONE_LEFT, excluded(pool))


def _beyond(pool: Pool, area: str, kinds: frozenset[Kind] | None, areas: Areas) -> Iterator[Near]:
    yield from pool.beyond(area, kinds, areas)


def excluded(pool: Pool) -> dict[str, int]:
    """Why numbers of a pool have no room -> how many."""
    return {reason: count for reason, count in pool.closed.items() if count > 0}


def _seen_before(ask: Ask, pool: Pool, seats: Seats, contacts: Contacts, at: int) -> Seat | None:
    contact = contacts.last(ask.pool, ask.callee)
    if contact is None or at - contact.at > pool.rules.sticky_days * DAY_US:
        return None
    seat = seats.by_number.get(contact.number)
    if seat is None or seat.pool is not pool or (ask.kinds is not None and seat.bucket.kind not in ask.kinds):
        return None
    # A cap that time has lifted since may not have been looked at yet.
    return seat if (not seat.closed or seats.fit(seat, at)) and _usable(seat, ask, seats, at) else None


def _usable(seat: Seat, ask: Ask, seats: Seats, at: int) -> bool:
    """An open seat, looked at once more: rules may have changed, a proof lapsed since it was fitted."""
    if seat.holding.owner != ask.owner:
        return False
    if seat.version != seat.pool.version or not seat.is_proven(at):
        return seats.fit(seat, at)
    return True


def _exposure(seat: Seat, today: int) -> float:
    """Use now and today; a count of an earlier day is none."""
    life = seat.life
    day = life.day
    use = life.concurrent * 8.0 + (life.today if today <= day <= today + 1 else 0)
    return (use + 1.0) * SUSPECTED if seat.suspected else use


def _distance(seat: Seat, ask: Ask, seats: Seats) -> float:
    apart = seats.areas.distance_km(seat.bucket.area, seats.areas.area_of(ask.callee))
    return -1.0 if apart is None else apart


def _chosen(seat: Seat, why: str, distance_km: float, pool: Pool, room: int) -> Chosen:
    return Chosen(seat.holding.number, why, distance_km, room, excluded(pool), seat.suspected)
