"""The router: asks the strategy of a destination for an order, and keeps what strategies learn up to date.

`choose` serves a call from memory; `apply` learns a fact; `refresh` does, a step at a time, the work that is too long for either.
"""

from collections.abc import Generator, Iterator
from math import inf
from random import Random
from typing import Any, Final, Protocol

import numpy as np
from msgspec.structs import replace

from trunkline.facts.record import Attempt, Fact
from trunkline.policy.snapshot import Destination, Gateway, Price, RouteShare, Snapshot
from trunkline.routing.bands import Bands
from trunkline.routing.candidates import Choice, Written
from trunkline.routing.ceilings import Ceilings
from trunkline.routing.decks import UNPRICED, Decks, usual
from trunkline.routing.health import Health
from trunkline.routing.levels import Levels
from trunkline.routing.rates import bill
from trunkline.routing.scoreboard import Scoreboard, Segment
from trunkline.routing.strategies.candidate import Candidate, candidates
from trunkline.routing.strategies.experiment import Experiment
from trunkline.routing.strategies.least_cost import LeastCost
from trunkline.routing.strategies.mishearing import Mishearing
from trunkline.routing.strategies.performance import draw_at_once, drawing
from trunkline.routing.strategies.standing import Standing
from trunkline.routing.strategies.table import COLD_ROWS, ROWS, Table

LEARNING: Final = frozenset(("performance", "rank"))
"Strategies that use the scoreboard."

STATIC: Final = frozenset(("priority", "percentage"))
"Strategies that need the policy alone."

STALE_FACTS, STALE_SHARE, STALE_MOST, STALE_S, IDLE_S = 8, 0.02, 40, 60.0, 300.0
"""A table is drawn anew after this many facts of its segment, or this share of all it had learnt but at most so many; after a minute when
there was any fact; after five in any case, because what is known fades."""

FIT_EVERY_S, FIT_FACTS = 60.0, 400
"Levels are fitted anew after this long with a fact, or after so many facts."

FORGOTTEN = 500
"Entries made for a policy before that are freed in one step."

UNUSED_S = 3600.0
"A table no call used for this long is dropped."


class Strategy(Protocol):
    """A strategy from outside: what a bench compares with."""

    def choose(self, policy: Snapshot, destination: Destination, called: str, at: float) -> Choice:
        """Order the gateways of a destination, at a Unix time."""


class Router:
    """Orders the routes of calls."""

    def __init__(self, random: Random, health: Health) -> None:
        self.random = random
        self.health = health
        self.scoreboard = Scoreboard()
        self.levels = Levels()
        self.ceilings = Ceilings()
        self.others: dict[str, Strategy] = {}
        "Strategies by name beside the product's own."
        self.watches = False
        "Keep the scoreboard even while no destination of the policy goes by it."
        self._learns = False
        self._mishearing = Mishearing()
        self._generator: np.random.Generator | None = None
        self._policy: Snapshot | None = None
        self._bands = Bands(())
        self._members: dict[str, tuple[list[Candidate], list[Gateway]]] = {}
        self._routes: dict[tuple[str, str], RouteShare | None] = {}
        self._decks: Decks | None = None
        self._reprice_at = inf
        self._written: dict[str, Written] = {}
        self._least_cost: dict[str, LeastCost] = {}
        self._experiments: dict[str, Experiment] = {}
        self._tables: dict[Segment, Table] = {}
        self._outdated: list[dict[Any, Any]] = []
        "What was made for policies before."
        self._fitting: Iterator[None] | None = None
        self._drawing: tuple[Segment, Generator[None, None, Table]] | None = None
        self._fitted_at = 0.0
        self._since_fit = 0
        self._turn: list[Segment] = []
        self._again: list[Segment] = []
        "Tables of the policy before, not drawn for this one yet; those nobody used for long are gone."

    # Deciding.

    def choose(self, policy: Snapshot, destination: Destination, called: str, now: float, at: float) -> Choice:
        """Order the gateways of a destination, at monotonic `now` and Unix time `at`, both in seconds."""
        if policy is not self._policy:
            self.follow(policy)
        if at >= self._reprice_at:
            self._reprice(at)
        strategy = destination.strategy
        if strategy in STATIC:
            written = self._written.get(destination.name)
            if written is None:
                written = self._written[destination.name] = Written(policy, destination)
            return written.choose(self.random)
        if strategy in LEARNING:
            return self._by_score(policy, destination, now, at)
        if strategy == "least_cost":
            least = self._least_cost.get(destination.name)
            if least is None:
                least = self._least_cost[destination.name] = LeastCost(policy, destination, self._decks, at)
            return least.choose(self.random, called, at)
        if strategy == "experiment":
            split = self._experiments.get(destination.name)
            if split is None:
                split = self._experiments[destination.name] = Experiment(policy, destination)
            return split.choose(called)
        return self.others[strategy].choose(policy, destination, called, at)

    def band(self, policy: Snapshot, destination: Destination, at: float) -> str:
        """The time band a call to this destination falls in."""
        if policy is not self._policy:
            self.follow(policy)
        return self._bands.at(destination.zone, at)

    def price(self, destination: str, gateway: str, called: str = "", at: float = 0.0) -> Price | None:
        """What a gateway costs at a destination, by the policy last decided with: for a called number (E.164 with +) at a Unix time exactly, where its
        carrier has a rate deck; without a number what it usually costs."""
        key = (destination, gateway)
        if key not in self._routes:  # looked up once it is asked for: a policy of thousands of destinations has too many to do it in one go
            named = self._policy.destinations.get(destination) if self._policy is not None else None
            self._routes[key] = next((route for route in named.routes if gateway in route.gateways), None) if named is not None else None
        route = self._routes[key]
        carrier = gateway.partition("/")[0]
        if not called or self._decks is None or self._decks.tariff(carrier) is None:
            return usual(route, at) if route is not None else None
        exact = self._decks.exact(carrier, called, at)
        return exact if exact is not None or route is None else route.own

    def _by_score(self, policy: Snapshot, destination: Destination, now: float, at: float) -> Choice:
        segment = (destination.name, self._bands.at(destination.zone, at))
        table = self._tables.get(segment)
        if table is None:
            table = self._tables[segment] = draw_at_once(self._drawing_of(policy, destination, segment, at, COLD_ROWS))
        unfit = closed = 0
        health = self.health
        if health.has_news():
            for i, name in enumerate(table.names):
                if health.is_out(name, destination.name, now):
                    unfit |= 1 << i
                elif health.skips(name, destination.name, now):
                    closed |= 1 << i
        full = 0
        if self.ceilings.any_full():
            for i, name in enumerate(table.names):
                if self.ceilings.is_full(name):
                    full |= 1 << i
        return table.choose(unfit, closed, self.random, full)

    def _drawing_of(
        self, policy: Snapshot, destination: Destination, segment: Segment, at: float, rows: int
    ) -> Generator[None, None, Table]:
        known = self._members.get(destination.name)
        if known is None:
            known = self._members[destination.name] = candidates(policy, destination, at)
        generator = self._generator
        if generator is None:
            generator = self._generator = np.random.default_rng(self.random.getrandbits(64))
        return drawing(
            self.scoreboard, self.levels, destination, known[0], known[1], segment, at, generator, 0 if destination.strategy == "rank" else rows,
            self._mishearing,
        )  # fmt: skip

    def follow(self, policy: Snapshot) -> None:
        """A new policy is in force: orders and tables are made anew, what was learnt stays."""
        self._policy = policy
        self._bands = Bands(policy.bands)
        self._again = list({**dict.fromkeys(self._again), **self._tables})
        # To free thousands of entries takes milliseconds: `refresh` does it, some at a time.
        self._outdated += [
            known for known in (self._members, self._written, self._least_cost, self._experiments, self._tables, self._routes) if known
        ]
        self._members, self._written, self._least_cost, self._experiments, self._tables, self._routes = {}, {}, {}, {}, {}, {}
        self._drawing = None
        self._decks = Decks(policy.decks, policy.currencies) if policy.decks else None
        self._reprice_at = 0.0 if policy.decks else inf
        self._learns = any(destination.strategy in LEARNING for destination in policy.destinations.values())
        self.scoreboard.follow(policy.destinations)

    def _reprice(self, at: float) -> None:
        """Prices have changed: what was ordered by the old ones is made anew."""
        self._members.clear()
        self._least_cost.clear()
        self._tables.clear()
        self._drawing = None
        self._reprice_at = self._decks.next_change(at) if self._decks is not None else inf

    # Learning.

    def began(self, call: str, gateway: str) -> None:
        """An attempt has its channel and is about to be sent."""
        if self._learns:
            self.ceilings.began(call, gateway)

    def apply(self, fact: Fact) -> None:
        """Learn from a fact, at its own time; costs nothing where no destination goes by what is learnt."""
        if self.ceilings.waiting and isinstance(fact, Attempt):
            self.ceilings.ended(fact, self.scoreboard.segments.get((fact.destination, fact.band), {}).get(fact.gateway))
        if self._learns or self.watches:
            self.scoreboard.apply(fact)
            self._since_fit += 1
        for other in self.others.values():
            learn = getattr(other, "apply", None)
            if learn is not None:
                learn(fact)

    def bill(self, destination: str, gateway: str, talk_s: float, called: str = "", at: float = 0.0) -> float | None:
        """What an answered call will cost; None where the policy names no price. `called` (E.164 with +) and `at`, the Unix time of the answer,
        find its price in the carrier's rate deck; without them it is what the route usually costs."""
        price = self.price(destination, gateway, called, at)
        if price is None:
            return None
        if price == UNPRICED and (self._decks is None or not called or self._decks.exact(gateway.partition("/")[0], called, at) is None):
            return None  # a deck may say that a number is free; a route without `rate` says nothing
        return bill(price, talk_s)

    def standings(self) -> dict[tuple[str, str], list[Standing]]:
        """How the routes stand, by destination and time band, where calls went lately."""
        ceilings = self.ceilings.found
        standings: dict[tuple[str, str], list[Standing]] = {}
        for segment, table in self._tables.items():
            cells = self.scoreboard.segments.get(segment, {})
            standings[segment] = [
                replace(row, ceiling=ceilings.get(row.gateway, 0), early=cells[row.gateway].early_media() if row.gateway in cells else {}) for row in table.standings()
            ]
        return standings

    def refresh(self, at: float, budget: int = 1) -> int:
        """Do at most `budget` steps of work that is due at Unix time `at`, each well under 2 ms; returns how many were done."""
        done = 0
        while done < budget and self._step(at):
            done += 1
        return done

    def _step(self, at: float) -> bool:
        if at >= self._reprice_at:
            self._reprice(at)
        if self._outdated:
            self._forget_some()
            return True
        if self._fitting is not None:
            if next(self._fitting, self) is self:
                self._fitting = None
            return True
        if self._drawing is not None:
            segment, steps = self._drawing
            try:
                next(steps)
            except StopIteration as done:
                self._tables[segment] = done.value
                self._drawing = None
            return True
        policy = self._policy
        while self._again and policy is not None:  # so that no call has to
            segment = self._again.pop()
            named = policy.destinations.get(segment[0])
            if named is not None and named.strategy in LEARNING and segment not in self._tables:
                self._drawing = (segment, self._drawing_of(policy, named, segment, at, ROWS))
                return True
        if policy is None or not self._tables:
            return False
        if self._since_fit and (at - self._fitted_at >= FIT_EVERY_S or self._since_fit >= FIT_FACTS):
            self._fitted_at, self._since_fit = at, 0
            self._fitting = self.levels.fitting(self.scoreboard, at)
            return True
        if not self._turn:
            self._turn = list(self._tables)
        while self._turn:
            segment = self._turn.pop()
            table = self._tables.get(segment)
            if table is None or not self._is_stale(segment, table, at):
                continue
            if not table.used and at - table.at > UNUSED_S:
                del self._tables[segment]
                continue
            if table.used:
                self._drawing = (segment, self._drawing_of(policy, policy.destinations[segment[0]], segment, at, ROWS))
                return True
        return False

    def _forget_some(self) -> None:
        known = self._outdated[-1]
        for _ in range(min(FORGOTTEN, len(known))):
            known.popitem()
        if not known:
            self._outdated.pop()

    def _is_stale(self, segment: Segment, table: Table, at: float) -> bool:
        news = self.scoreboard.learnt.get(segment, 0) - table.learnt
        age = at - table.at
        if table.cold and table.used:
            return True
        return news >= min(max(STALE_FACTS, STALE_SHARE * table.learnt), STALE_MOST) or (news > 0 and age >= STALE_S) or age >= IDLE_S
