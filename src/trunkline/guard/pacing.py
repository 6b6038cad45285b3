"""Pacing: a call that comes too early waits a moment instead of being refused.

A dialer that is refused for its rate dials again at once, or files the lead; one that hears 100 Trying and waits half a second notices
nothing. So where a rate is used up a call may wait, as long as its trunk allows and far below the dialer's own no-response timer. Calls of one
trunk go in the order they came; between trunks that share a rate, each gets its part however many the others have waiting (start-time fair
queueing: Goyal, Vin, Cheng, SIGCOMM 1996). A call that could not go in time is refused when it comes, not when its time is up. Who does not
wait leaves a rate to those who do (`free`).

Sans-IO: `ask` answers at once, `timer` says when to call `due`, and `due` says who may go. Nothing here waits for a channel.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias

from trunkline.guard.limits import Limit, Limits
from trunkline.policy.snapshot import Pace


@dataclass(frozen=True)
class Go:
    """Place the call now; its limits are taken."""


@dataclass(frozen=True)
class Wait:
    """The call is in the queue."""

    until: float
    "It is let go or refused by then, monotonic seconds."


@dataclass(frozen=True)
class Full:
    """Refuse the call; nothing is taken."""

    name: str
    "The limit."
    why: str
    "channels or cps."
    again_s: int
    "Seconds after which to try again."


Answer: TypeAlias = Go | Wait | Full
GO: Final = Go()


class Ticket:
    """A call that waits."""

    __slots__ = ("asked", "call", "flow", "limits", "queue", "until")

    def __init__(self, call: str, queue: str, flow: "Flow", limits: tuple[Limit, ...], asked: float, until: float) -> None:
        self.call, self.queue, self.flow, self.limits, self.asked, self.until = call, queue, flow, limits, asked, until


class Flow:
    """Waiting calls of one trunk under the same limits, first come first."""

    __slots__ = ("owner", "tag", "waiting", "weight")

    def __init__(self, owner: str, tag: float) -> None:
        self.owner = owner
        self.waiting: deque[Ticket] = deque()
        self.tag = tag
        "What it has had, in calls by weight; the least goes next. Calls that were refused cost nothing."
        self.weight = 1.0


class Line:
    """Trunks that wait for one shared rate."""

    __slots__ = ("flows", "virtual")

    def __init__(self) -> None:
        self.flows: dict[str, Flow] = {}
        self.virtual = 0.0
        "Tag of the flow that went last: who comes back from idleness begins there, and cannot catch up on what it left."


class Pacer:
    """Every queue of a node."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._lines: dict[str, Line] = {}
        self._waiting: dict[str, Ticket] = {}
        self._released: list[tuple[str, Go | Full]] = []
        self._owned: dict[str, int] = {}
        "Calls that wait, by whose they are, in every line."
        self._awaited: dict[str, int] = {}
        "Calls that wait, by the rates they need."
        self._next: float | None = None
        self._dirty = False
        "`_next` is to be worked out anew."

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, call: str) -> bool:
        """Whether a call waits: it was neither let go nor refused."""
        return call in self._waiting

    def ask(self, call: str, queue: str, flow: str, limits: tuple[Limit, ...], pace: Pace, now: float, lane: str = "") -> Answer:
        """May this call go? `queue` names the rate it shares (`tenant acme`, `carrier alpha`), `flow` whose call it is (`trunk vici-1`), `lane`
        what tells its limits from others of that flow in the queue (a gateway)."""
        line = self._lines.get(queue)
        if line is None:
            full = self._limits.take(limits, now)
            if full is None:
                return GO
            if full[1] != "cps" or not pace.wait_s:
                return self._full(*full, limits, now)
            line = self._lines[queue] = Line()
        elif not pace.wait_s and self._limits.ready_at(limits, now) > now:
            return self._full(*self._slowest(limits, now), limits, now)
        own = line.flows.get(flow + lane)
        if own is None:
            own = line.flows[flow + lane] = Flow(flow, line.virtual)
        elif not own.waiting:
            own.tag = max(own.tag, line.virtual)
        own.weight = pace.weight
        ticket = Ticket(call, queue, own, limits, now, now + pace.wait_s)
        if self._owned.get(flow, 0) >= max(pace.queue, 1) or self._expected(line, own, limits, now) > ticket.until + 1e-9:
            self._tidy(queue, line)
            return self._full(*self._slowest(limits, now), limits, now)
        own.waiting.append(ticket)
        self._waiting[call] = ticket
        self._count(ticket, 1)
        self._serve(queue, line, now)
        if call in self._waiting:
            if pace.wait_s:
                return Wait(ticket.until)
            self.leave(call)  # others who wait were first
            return self._full(*self._slowest(limits, now), limits, now)
        place = next(at for at, (released, _) in enumerate(self._released) if released == call)
        return self._released.pop(place)[1]

    def free(self, limits: tuple[Limit, ...], now: float) -> str:
        """Empty where these rates allow a call besides all that wait for them; else the name of one that does not."""
        for limit in limits:
            if limit.cps and not self._limits.spares(limit, self._awaited.get(limit.name, 0), now):
                return limit.name
        return ""

    def expected(self, queue: str, flow: str, lane: str, limits: tuple[Limit, ...], weight: float, now: float) -> float:
        """When a call would go that asked now."""
        line = self._lines.get(queue)
        if line is None:
            return self._limits.ready_at(limits, now)
        own = line.flows.get(flow + lane)
        if own is None:
            own = Flow(flow, line.virtual)
            own.weight = weight
        return self._expected(line, own, limits, now)

    def due(self, now: float) -> list[tuple[str, Go | Full]]:
        """Calls whose wait is over, in the order they are to be placed or refused."""
        for name, line in list(self._lines.items()):
            self._serve(name, line, now)
        released, self._released = self._released, []
        return released

    def timer(self) -> float | None:
        """When to call `due`; None while nobody waits."""
        if self._released:
            return 0.0
        if self._dirty:
            self._dirty = False
            self._next = min([
                min(flow.waiting[0].until, self._limits.ready_at(flow.waiting[0].limits, flow.waiting[0].asked))
                for line in self._lines.values() for flow in line.flows.values() if flow.waiting
            ], default=None)  # fmt: skip
        return self._next

    def changed(self) -> None:
        """A rate was given back: somebody may go earlier than was said."""
        self._dirty = True

    def repace(self, wanted: Mapping[str, tuple[str, tuple[Limit, ...]]]) -> None:
        """Calls wait for other rates from now on, by call: its queue and its limits, as for `ask`. Nobody loses its place in its flow."""
        for call, (_, limits) in wanted.items():
            ticket = self._waiting[call]
            self._count(ticket, -1)
            ticket.limits = limits
            self._count(ticket, 1)
        for name, line in list(self._lines.items()):
            for key, flow in list(line.flows.items()):
                queue = next((wanted[ticket.call][0] for ticket in flow.waiting if ticket.call in wanted), name)
                if queue != name:
                    self._move(line, self._lines.setdefault(queue, Line()), key, queue)
            self._tidy(name, line)
        self._dirty = True

    def _move(self, line: Line, to: Line, key: str, queue: str) -> None:
        """A flow goes to another line."""
        flow = line.flows.pop(key)
        there = to.flows.get(key)
        if there is None:
            flow.tag = to.virtual + max(0.0, flow.tag - line.virtual)
            to.flows[key] = there = flow
        else:
            there.waiting.extend(flow.waiting)
        for ticket in flow.waiting:
            ticket.queue, ticket.flow = queue, there

    def leave(self, call: str) -> None:
        """The call is gone: its caller hung up."""
        ticket = self._waiting.pop(call, None)
        if ticket is not None:
            ticket.flow.waiting.remove(ticket)
            self._count(ticket, -1)
            self._tidy(ticket.queue, self._lines[ticket.queue])
        if self._released:
            self._released = [(released, answer) for released, answer in self._released if released != call]

    def give_up(self, call: str, now: float) -> Full:
        """Refuse a call that waits: its time is up."""
        limits = self._waiting[call].limits
        self.leave(call)
        return self._full(*self._slowest(limits, now), limits, now)

    def _serve(self, name: str, line: Line, now: float) -> None:
        """Let go whoever may, in fair order; refuse whoever waited too long."""
        self._dirty = True
        moved = True
        while moved:
            moved = False
            for flow in sorted((flow for flow in line.flows.values() if flow.waiting), key=_tag):
                head = flow.waiting[0]
                if self._limits.ready_at(head.limits, now) <= now + 1e-9:
                    full = self._limits.take(head.limits, now + 1e-9)
                    answer: Go | Full = GO if full is None else self._full(*full, head.limits, now)
                    if full is None:
                        line.virtual = max(line.virtual, flow.tag)
                        flow.tag += 1.0 / flow.weight
                elif head.until <= now:
                    answer = self._full(*self._slowest(head.limits, now), head.limits, now)
                else:
                    continue
                flow.waiting.popleft()
                del self._waiting[head.call]
                self._count(head, -1)
                self._released.append((head.call, answer))
                moved = True
                break
        self._tidy(name, line)

    def _tidy(self, name: str, line: Line) -> None:
        if not any(flow.waiting for flow in line.flows.values()):
            del self._lines[name]

    def _count(self, ticket: Ticket, by: int) -> None:
        self._dirty = True
        counts = [(self._owned, ticket.flow.owner), *[(self._awaited, limit.name) for limit in ticket.limits if limit.cps]]
        for counted, name in counts:
            count = counted.get(name, 0) + by
            if count:
                counted[name] = count
            else:
                del counted[name]

    def _expected(self, line: Line, own: Flow, limits: tuple[Limit, ...], now: float) -> float:
        """When one more call of a flow would go, were nobody to come before it any more."""
        expected = now
        tag = own.tag + len(own.waiting) / own.weight
        for limit in limits:
            if limit.cps:
                before = 0
                for flow in line.flows.values():
                    if flow.waiting and limit in flow.waiting[0].limits:
                        turns = inf if flow is own else (tag - flow.tag) * flow.weight + 1.0
                        before += min(len(flow.waiting), int(min(max(turns, 0.0), 1e9)))
                expected = max(expected, self._limits.ready_at((limit,), now) + before / limit.cps)
        return expected

    def _slowest(self, limits: tuple[Limit, ...], now: float) -> tuple[str, str]:
        return max(((self._limits.ready_at((limit,), now), limit.name) for limit in limits if limit.cps), default=(now, ""))[1], "cps"

    def _full(self, name: str, why: str, limits: tuple[Limit, ...], now: float) -> Full:
        return Full(name, why, 2 if why == "channels" else max(1, round(self._limits.ready_at(limits, now) - now + 0.5)))


def _tag(flow: Flow) -> float:
    return flow.tag
