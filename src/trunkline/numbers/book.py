"""Everything known about our numbers: one fold of facts, and the questions a call asks it.

`apply` learns, `choose` and `callback` answer calls in microseconds, `review` looks at some numbers at a time and returns the facts the rules
call for. The facts a method returns are not yet true: whoever asked emits them, and they come back through `apply`.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

import msgspec

from trunkline.facts.numbers import (
    NumberAdded,
    NumberChanged,
    NumberComplaint,
    NumberFact,
    NumberLabelled,
    NumberTaken,
    NumberTransition,
    PoolAlarm,
)
from trunkline.facts.record import Attempt, Call, Fact, Hearing, NodeStarted
from trunkline.policy.areas import Area
from trunkline.policy.number_rules import USUAL, Rules

from . import usage
from .areas import Areas
from .choice import Ask, Choice, Chosen, choose
from .contacts import Contacts
from .dialer_caller import Ranges, Rule, present
from .evidence import Evidence, highest, threshold
from .gathering import Gathering, by_part, parted
from .history import History
from .inventory import Holding, Inventory
from .kind import Kind
from .life import Life, State
from .lifecycle import ACTIVE, advance, come_back
from .open_call import Open
from .raised import Alarm
from .reputation import Reputations
from .review import Suspicion, review_number, review_pool, suspicions
from .seats import Seats

NUMBERS = "numbers"
"The book's name in checkpoints."

ENDED_KEPT: Final = 4_096
"Calls remembered after their end: what was heard on them may come late."

HOUR_US: Final = 3_600_000_000


@dataclass(frozen=True)
class Called:
    """Where a call to one of our numbers belongs (row N14)."""

    owner: str
    pool: str
    campaign: str
    agent: str
    "Who called; empty when nobody is known to."
    call: str
    "The call that is being returned; empty when none is known."
    state: str
    "Lifecycle state of the number."


class NumberBook:
    """`records.Fold` over inventory, lives, contacts, evidence, reputation and history."""

    def __init__(self, rules_of: Callable[[str], Rules] | None = None, areas: Areas | None = None, contacts: int = 1_000_000) -> None:
        """`rules_of(pool)` gives a pool's rules; `contacts` bounds how many callees are remembered."""
        self.rules_of = rules_of or (lambda pool: USUAL)
        self.areas = areas or Areas()
        self._contact_limit = contacts
        self._forget()

    def _forget(self) -> None:
        self.inventory = Inventory()
        self.contacts = Contacts(self._contact_limit)
        self.evidence = Evidence()
        self.reputations = Reputations()
        self.history = History()
        self.seats = Seats(self.areas, self.rules_of)
        self._lives: Gathering[Life] = Gathering(Life)
        self._open: Gathering[Open] = Gathering(Open)
        self._ended: deque[str] = deque()
        self._alarms: Gathering[Alarm] = Gathering(Alarm)
        self._active: dict[str, int] = {}
        "Pool -> numbers that may be called with."
        self._at_once: dict[str, int] = {}
        "Pool -> calls up."
        self._cursor: list[str] = []
        self._pools_due: list[str] = []

    def apply_rules(self, rules_of: Callable[[str], Rules], areas: tuple[Area, ...] | None = None) -> None:
        """A new policy is in force. Seats are fitted to it when they are next drawn or reviewed; another table of areas (None: the same) changes who is near."""
        self.rules_of = rules_of
        self.seats.set_rules(rules_of)
        if areas is not None:
            self.areas = Areas(areas)
            self.seats.set_areas(self.areas)

    # Asking.

    def choose(self, ask: Ask, at: int, random: Random) -> Choice:
        return choose(ask, self.seats, self.contacts, at, random)

    def present(self, sent: str, rule: Rule, ask: Ask, ranges: Ranges, at: int, random: Random) -> Choice:
        return present(sent, rule, ask, ranges, self.seats, self.contacts, at, random)

    def take(self, chosen: Chosen, call: str, callee: str, campaign: str, agent: str, at: int) -> NumberTaken:
        """The fact that the call goes out with this number."""
        pool = self.inventory.holdings[chosen.number].pool
        return NumberTaken(at, call, chosen.number, callee, pool, campaign, agent, chosen.why, chosen.distance_km, chosen.room, chosen.excluded)

    def life(self, number: str) -> Life | None:
        return self._lives.rows.get(number)

    def held(self, number: str) -> Holding | None:
        """The row of a number that is ours; None for one that never was, or was given back."""
        seat = self.seats.by_number.get(number)
        return seat.holding if seat is not None else None

    def callback(self, number: str, caller: str) -> Called | None:
        """Who is being called back at `number` by `caller` (both E.164), in every state but released; None when it is not ours."""
        holding, life = self.held(number), self._lives.rows.get(number)
        if holding is None or life is None:
            return None
        contact = self.contacts.last(holding.pool, caller)
        if contact is None:
            return Called(holding.owner, holding.pool, holding.callback, "", "", life.state)
        return Called(holding.owner, holding.pool, contact.campaign or holding.callback, contact.agent, contact.call, life.state)

    def kinds(self, pool: str) -> frozenset[Kind]:
        """Kinds of number a pool holds."""
        found = self.seats.pools.get(pool)
        return found.kinds if found is not None else frozenset()

    def suspicions(self, number: str, at: int) -> list[Suspicion]:
        """All that speaks against a number that is or was ours."""
        return suspicions(self._lives.rows[number], self.evidence, self.reputations, self.rules_of(self.inventory.holdings[number].pool), at)

    def alarmed(self, pool: str) -> bool:
        return pool in self._alarms.rows

    def active(self, pool: str) -> int:
        """Numbers of a pool that may be called with."""
        return self._active.get(pool, 0)

    # Learning.

    def apply(self, fact: "Fact | NumberFact") -> None:
        handler = _HANDLERS.get(type(fact))
        if handler is not None:
            handler(self, fact)

    def _added(self, fact: NumberAdded | NumberChanged) -> None:
        holding = self.inventory.apply(fact)
        if holding is None:
            return
        life = self._lives.changing(holding.number, lambda: Life(holding.number, since=fact.at))
        if life.state == State.RELEASED:
            if isinstance(fact, NumberChanged):
                return
            come_back(life, self.rules_of(holding.pool), fact.at)
        seat = self.seats.by_number.get(holding.number)
        if seat is not None and seat.pool.name != holding.pool and life.state in ACTIVE:
            self._count(seat.pool.name, -1)
            self._count(holding.pool, 1)
        self.seats.put(holding, life, fact.at)
        self._suspect(holding.number, self.rules_of(holding.pool), fact.at)

    def _moved(self, fact: NumberTransition) -> None:
        life, holding = self._lives.rows.get(fact.number), self.inventory.holdings.get(fact.number)
        if life is None or holding is None:
            return
        self._lives.touch(fact.number)
        rules = self.rules_of(holding.pool)
        usage.roll(life, rules, fact.at)
        was = life.state in ACTIVE
        advance(life, fact, rules)
        self._count(holding.pool, (life.state in ACTIVE) - was)
        if fact.after in (State.RECOVERY, State.COOLING):
            self.evidence.forget(fact.number)
            self.seats.suspect(fact.number, False)
        self.history.event(holding.pool, fact.event, fact.at, self.active(holding.pool))
        if fact.before == State.RECOVERY and fact.after == State.COOLING:
            self.history.event(holding.pool, "relapse", fact.at, self.active(holding.pool))
        self._fit(fact.number, fact.at)

    def _taken(self, fact: NumberTaken) -> None:
        life, seat = self._lives.rows.get(fact.number), self.seats.by_number.get(fact.number)
        known = self._open.rows.get(fact.call)
        if life is None or seat is None or (known is not None and known.number == fact.number and not known.ended):
            return
        self._lives.touch(fact.number)
        usage.take(life, seat.pool.rules, fact.at)
        self._open.touch(fact.call)
        self._open.rows[fact.call] = Open(fact.call, fact.number, fact.pool, seen_before=fact.chosen == "sticky")
        self.contacts.apply(fact)
        at_once = self._at_once[fact.pool] = self._at_once.get(fact.pool, 0) + 1
        self.history.call(fact.pool, fact.at, self.active(fact.pool), at_once)
        self.seats.fit(seat, fact.at)

    def _attempt(self, fact: Attempt) -> None:
        known = self._open.rows.get(fact.call)
        if known is not None:
            rules = self.rules_of(known.pool)
            self.evidence.attempt(fact, known.number, known.pool, rules)
            if fact.heard or known.intercepted:
                self.evidence.heard(known.number, known.intercepted, fact.at)
            self._suspect(known.number, rules, fact.at)

    def _hearing(self, fact: Hearing) -> None:
        if fact.kind == "sit" and fact.phase == "answered":
            known = self._open.rows.get(fact.call)
            if known is not None:
                self._open.touch(fact.call)
                known.intercepted = True

    def _call(self, fact: Call) -> None:
        known = self._open.rows.get(fact.call)
        if known is None or known.ended:
            return
        self._open.touch(fact.call)
        known.ended = True
        if not fact.attempts:
            self._never_left(known, fact)
        self._give_back(known, fact.at + int(fact.total_ms * 1_000))
        self._ended.append(fact.call)
        if len(self._ended) > ENDED_KEPT:
            oldest = self._ended.popleft()
            self._open.touch(oldest)
            self._open.rows.pop(oldest, None)

    def _never_left(self, known: Open, fact: Call) -> None:
        """No carrier took the call, so nobody saw the number."""
        life = self._lives.rows.get(known.number)
        if life is not None:
            self._lives.touch(known.number)
            usage.untake(life)
        if not known.seen_before:
            self.contacts.withdraw(known.pool, fact.called, fact.call)

    def _give_back(self, known: Open, at: int) -> None:
        self._at_once[known.pool] = max(0, self._at_once.get(known.pool, 0) - 1)
        life = self._lives.rows.get(known.number)
        if life is not None:
            self._lives.touch(known.number)
            life.concurrent = max(0, life.concurrent - 1)
            self._fit(known.number, max(at, life.last))

    def _labelled(self, fact: NumberLabelled) -> None:
        holding = self.inventory.holdings.get(fact.number)
        if holding is not None:
            self.reputations.labelled(fact, holding.pool, holding.area)
            self._suspect(fact.number, self.rules_of(holding.pool), fact.at)

    def _complained(self, fact: NumberComplaint) -> None:
        if fact.number in self.inventory.holdings:
            self.reputations.complained(fact)

    def _pool_alarm(self, fact: PoolAlarm) -> None:
        self._alarms.touch(fact.pool)
        if fact.raised:
            self._alarms.rows[fact.pool] = Alarm(fact.pool, fact.at)
        else:
            self._alarms.rows.pop(fact.pool, None)
            self.evidence.forget_pool(fact.pool)
        self.history.event(fact.pool, "alarm" if fact.raised else "alarm over", fact.at, self.active(fact.pool))
        self.seats.set_share(fact.pool, self.rules_of(fact.pool).pool_cap_share if fact.raised else 1.0)

    def _restarted(self, fact: NodeStarted) -> None:
        """Calls of before the start are over; those still recorded as up will not end again."""
        for known in self._open.rows.values():
            if not known.ended:
                self._open.touch(known.call)
                known.ended = True
                self._ended.append(known.call)
                self._give_back(known, fact.at)

    def _suspect(self, number: str, rules: Rules, at: int) -> None:
        """A number under suspicion is exposed less before it is put to rest."""
        record = self.evidence.record(number)
        suspected = record is not None and highest(record) > 0.5 * threshold(rules.false_alarm_attempts)
        if not suspected:
            suspected = bool(self.reputations.bad(number, at, rules.label_days * 24 * HOUR_US))
        self.seats.suspect(number, suspected)

    def _fit(self, number: str, at: int) -> None:
        """What was given back has no seat."""
        seat, life = self.seats.by_number.get(number), self._lives.rows[number]
        if life.state == State.RELEASED:
            self.seats.remove(number)
        elif seat is not None:
            self.seats.fit(seat, at)

    def _count(self, pool: str, change: int) -> None:
        if change:
            self._active[pool] = self._active.get(pool, 0) + change

    # Reviewing.

    def review(self, at: int, limit: int = 32) -> list[NumberTransition | PoolAlarm]:
        """Look at the next `limit` numbers (and one pool); the transitions and alarms the rules call for. Goes round and round."""
        if not self._cursor:
            self._cursor = list(self._lives.rows)
            self._pools_due = self._pools_due or list(self.seats.pools)
        facts: list[NumberTransition | PoolAlarm] = []
        for number in self._cursor[-limit:]:
            life, seat = self._lives.rows.get(number), self.seats.by_number.get(number)
            if life is None or seat is None:
                continue
            rules = seat.pool.rules
            found = review_number(life, seat.holding, self.evidence, self.reputations, rules, at)
            if found is not None:
                facts.append(found)
            else:
                self._suspect(number, rules, at)
                self.seats.fit(seat, at)
        del self._cursor[-limit:]
        facts += self._review_pool(at)
        return facts

    def review_all(self, at: int) -> list[NumberTransition | PoolAlarm]:
        """Every number and pool once; for tools, tests and the market, not for a loop that carries calls."""
        self._cursor, self._pools_due = [], []
        facts = self.review(at, max(1, len(self._lives.rows)))
        while self._pools_due:
            facts += self._review_pool(at)
        return facts

    def _review_pool(self, at: int) -> list[PoolAlarm]:
        if not self._pools_due:
            return []
        pool = self._pools_due.pop()
        alarm = self._alarms.rows.get(pool)
        found = review_pool(pool, self.active(pool), alarm.raised_at if alarm else None, self.evidence, self.history, self.rules_of(pool), at)
        return [found] if found else []

    # Keeping.

    def dump(self) -> Iterator[bytes]:
        return parted({
            "inventory": self.inventory.dump(), "lives": self._lives.dump(), "open": self._open.dump(), "alarms": self._alarms.dump(),
            "contacts": self.contacts.dump(), "evidence": self.evidence.dump(), "reputations": self.reputations.dump(), "history": self.history.dump(),
        })  # fmt: skip

    def load(self, pieces: Sequence[bytes]) -> None:
        try:
            parts = by_part(pieces)
            self.inventory.load(parts.get("inventory", ()))
            self._lives.load(parts.get("lives", ()), "number")
            self._open.load(parts.get("open", ()), "call")
            self._alarms.load(parts.get("alarms", ()), "pool")
            self.contacts.load(parts.get("contacts", ()))
            self.evidence.load(parts.get("evidence", ()))
            self.reputations.load(parts.get("reputations", ()))
            self.history.load(parts.get("history", ()))
        except (ValueError, msgspec.MsgspecError) as error:
            self._forget()
            raise ValueError("the numbers' checkpoint cannot be read") from error
        self._derive()

    def _derive(self) -> None:
        """Seats and counts from what was loaded."""
        self.seats = Seats(self.areas, self.rules_of)
        self._active, self._at_once = {}, {}
        self._ended = deque(one.call for one in self._open.rows.values() if one.ended)
        self._cursor, self._pools_due = [], []
        for pool in self._alarms.rows:
            self.seats.set_share(pool, self.rules_of(pool).pool_cap_share)
        for one in self._open.rows.values():
            if not one.ended:
                self._at_once[one.pool] = self._at_once.get(one.pool, 0) + 1
        for number, holding in self.inventory.holdings.items():
            life = self._lives.rows.get(number)
            if life is None or life.state == State.RELEASED:
                continue
            self._count(holding.pool, life.state in ACTIVE)
            # Fitted by the last moment it knows of; `choose` and `review` look again by the present one.
            moment = max(life.last, life.since)
            self.seats.put(holding, life, moment)
            self._suspect(number, self.rules_of(holding.pool), moment)



_Handler: TypeAlias = Callable[[NumberBook, Any], None]
_HANDLERS: Final[dict[type, _Handler]] = {
    NumberAdded: NumberBook._added, NumberChanged: NumberBook._added, NumberTransition: NumberBook._moved, NumberTaken: NumberBook._taken,
    Attempt: NumberBook._attempt, Hearing: NumberBook._hearing, Call: NumberBook._call, NumberLabelled: NumberBook._labelled,
    NumberComplaint: NumberBook._complained, PoolAlarm: NumberBook._pool_alarm, NodeStarted: NumberBook._restarted,
}  # fmt: skip
"Fact -> what is learnt from it."

__all__ = ["Called", "NumberBook"]
