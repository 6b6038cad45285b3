"""Calls that cannot be decided on yet: they wait for their turn under a rate, for a portability look-up, or for a signer's certificate.

What was taken for a call that waits is kept by its `Held` and given back when its `Call` fact is observed, unless the call has gone on with it:
the turn under its trunk's rates is taken once, however often the call waits for something else afterwards (rows T7, N12, R13).
"""

from collections.abc import Callable, Collection, Sequence
from itertools import islice
from typing import Final

from trunkline.guard.limits import Limit, Limits
from trunkline.guard.pacing import GO, Full, Go, Pacer, Wait
from trunkline.numbering.dip import Answer, Dips
from trunkline.numbering.dip import Waiting as Asked
from trunkline.policy.snapshot import Gateway, Pace, Snapshot, Trunk

SILENT: Final = Answer()
"What a call goes by that may not wait and finds nothing."

AT_ONCE: Final = Pace()

MOST_AGAIN: Final = 32
"Calls decided on again in one turn of the loop: a millisecond or two."

MOST_CALLS = 1_000
"That wait for certificates."


class Held:
    """A call that was postponed, until it is placed or refused."""

    __slots__ = ("asks", "full", "gateway", "limits", "reserved", "since", "trunk", "wants")

    def __init__(self, trunk: str, since: float) -> None:
        self.trunk = trunk
        "It is known who calls: credentials are good for one look."
        self.since = since
        "When it came, monotonic seconds."
        self.asks: tuple[str, ...] = ()
        "Number or certificates it waits for."
        self.wants: tuple[Limit, ...] = ()
        "Limits it stands in a queue for."
        self.full: Full | None = None
        "Its turn did not come in time."
        self.limits: tuple[Limit, ...] = ()
        "Of its trunk, taken for it."
        self.gateway = ""
        "Whose rate it waits for, or has its turn under."
        self.reserved: tuple[Limit, ...] = ()
        "Of that gateway, taken for it."


class Waiting:
    """Who waits for what."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.pacer = Pacer(limits)
        self.dips = Dips()
        self.held: dict[str, Held] = {}
        "By call."
        self._asking: dict[str, list[str]] = {}
        "Number, or URL of a certificate -> calls that wait for what is known of it."
        self._known: list[str] = []
        "Numbers and URLs that need not be waited for any longer."
        self._fetched_since: dict[str, float] = {}
        "URL -> when the first call began to wait for it."
        self._for_certificates: set[str] = set()
        "Calls that wait for one."
        self._again: dict[str, None] = {}
        "Calls that wait for a gateway's rate, and may have lost it or another be free."

    def follow(self, policy: Snapshot) -> None:
        """A new policy is in force."""
        self.dips.follow(policy.dips)

    def repace(self, wanted: Callable[[Held], tuple[str, tuple[Limit, ...]] | None]) -> None:
        """Rates have changed. `wanted` says in which queue a call waits from now on, and for what; None where its trunk or gateway is no more."""
        for held in self.held.values():
            if held.gateway and held.reserved and (now := wanted(held)) is not None:
                held.reserved = self._renamed(held.reserved, now[1])
        renewed = {call: now for call, held in self.held.items() if call in self.pacer and (now := wanted(held)) is not None}
        for call, (_, limits) in renewed.items():
            self.held[call].wants = limits
        self.pacer.repace(renewed)
        self.reconsider()

    def reconsider(self) -> None:
        """A gateway takes calls, or takes none any more: those that wait for one are decided on again."""
        self._again.update(dict.fromkeys([call for call, held in self.held.items() if held.gateway and call in self.pacer]))

    def resume(self, call: str) -> Held | None:
        """What is held for a call that is decided on again; None where it never waited."""
        held = self.held.get(call)
        if held is not None and held.asks:
            held.asks = ()
            self._for_certificates.discard(call)
        return held

    # Look-ups.

    def looked_up(self, call: str, trunk: Trunk, number: str, now: float, patient: bool) -> Answer | Asked | None:
        """What the databases know of a number in E.164; None where none is asked about it."""
        found = self.dips.ask(number, now)
        if not isinstance(found, Asked):
            return found
        if not patient:
            return SILENT
        self._ask(self._hold(call, trunk, now), call, (number,))
        return found

    def certificates(self, call: str, trunk: Trunk, limits: tuple[Limit, ...], urls: tuple[str, ...], wait_s: float, now: float) -> float | None:
        """Until when a call waits for certificates that are being fetched, its trunk's limits taken; None where it does not.

        The wait counts from the first call that wanted one: a signer's server that is dead holds up the calls of `wait_s`, not one after another.
        """
        held = self.held.get(call)
        since = min([self._fetched_since.get(url, now) for url in urls])
        if held is not None:
            since = min(since, held.since)
        if now >= since + wait_s or len(self._for_certificates) >= MOST_CALLS:
            return None
        for url in urls:
            self._fetched_since.setdefault(url, now)
        held = self._hold(call, trunk, now)
        held.limits = limits
        self._for_certificates.add(call)
        self._ask(held, call, urls)
        return since + wait_s

    def answered(self, names: Sequence[str]) -> None:
        """These numbers or certificates need not be waited for any longer: they are known, or will not be."""
        self._known += names

    # Rates.

    def turn(self, call: str, trunk: Trunk, limits: tuple[Limit, ...], now: float, patient: bool) -> Go | Wait | Full:
        """Whether a call may go under its trunk's rates; with Go its channels and rates are taken."""
        held = self.held.get(call) if self.held else None
        if held is None:
            answer = self.pacer.ask(call, f"tenant {trunk.tenant}", f"trunk {trunk.name}", limits, trunk.pace if patient else AT_ONCE, now)
            if isinstance(answer, Wait):
                self._hold(call, trunk, now).wants = limits
            return answer
        if self.has_limits(call, limits):
            return GO
        if held.full is None and held.wants:
            held.full = self.pacer.give_up(call, now)
        if held.full is not None:
            return held.full
        answer = self.pacer.ask(call, f"tenant {trunk.tenant}", f"trunk {trunk.name}", limits, trunk.pace, now)
        if isinstance(answer, Wait):
            held.wants = limits
        elif isinstance(answer, Go):
            held.limits = limits
        return answer

    def at_gateway(
        self, call: str, trunk: Trunk, limits: tuple[Limit, ...], ways: list[tuple[Gateway, tuple[Limit, ...]]], open_: Collection[str], now: float
    ) -> float | None:
        """Until when a call, its trunk's limits taken, waits for the gateway whose rate is ready first; None where it does not, and goes on.

        `ways` are gateways that lack nothing but a free rate, `open_` names all that take calls: a turn at another is worth nothing any more.
        """
        held = self.held.get(call)
        if held is not None and held.gateway and held.gateway not in open_:
            self._lose_turn(held, call)
        pace = trunk.pace
        left_s = pace.wait_s - (now - held.since) if held is not None else pace.wait_s
        if held is not None and held.gateway:
            if held.wants:
                if left_s > 1e-9:
                    return held.since + pace.wait_s  # asked again before its time: it stays where it is
                self.pacer.leave(call)
                held.wants = ()
            return None
        if left_s <= 0.0 or not ways:
            return None
        flow = f"trunk {trunk.name}"
        gateway, at_it = min(ways, key=lambda way: self.pacer.expected(rate_of(*way), flow, way[0].name, way[1], pace.weight, now))
        answer = self.pacer.ask(call, rate_of(gateway, at_it), flow, at_it, Pace(left_s, pace.queue, pace.weight), now, gateway.name)
        if isinstance(answer, Full):
            return None
        held = self._hold(call, trunk, now)
        held.limits, held.gateway = limits, gateway.name
        if isinstance(answer, Go):
            held.reserved = at_it
            return None
        held.wants = at_it
        return answer.until

    def goes_on(self, call: str, open_: bool) -> None:
        """A gateway is free, so the call stands in no queue any more; a turn it has is worth keeping where its gateway takes calls (`open_`)."""
        held = self.held.get(call)
        if held is None or not held.gateway:
            return
        if held.wants or not open_:
            self._lose_turn(held, call)

    def has_limits(self, call: str, limits: tuple[Limit, ...]) -> bool:
        """Whether these limits of a trunk were taken for this call before it waited."""
        held = self.held.get(call) if self.held else None
        if held is None or not held.limits:
            return False
        if held.limits is not limits:
            held.limits = self._renamed(held.limits, limits)
        return True

    def _renamed(self, before: tuple[Limit, ...], limits: tuple[Limit, ...]) -> tuple[Limit, ...]:
        """What was taken under the names of the policy before is held under those of the one in force."""
        self.limits.give(*[limit.name for limit in before])
        self.limits.hold(tuple([limit.name for limit in limits]))
        return limits

    def settle(self, call: str) -> None:
        """The call goes on: its trunk's limits are its own now, its turn at a gateway is kept until it gets there."""
        held = self.held.get(call)
        if held is None:
            return
        held.limits = ()
        if held.wants:  # it went on before its turn
            self._lose_turn(held, call)
        if not held.reserved:
            del self.held[call]

    def has_turn(self, call: str, gateway: str) -> bool:
        """Whether the limits of a gateway were taken for this call already; they are its attempt's from now on."""
        held = self.held.get(call)
        if held is None or held.gateway != gateway or not held.reserved:
            return False
        del self.held[call]
        return True

    # Waking.

    def due(self, now: float) -> list[str]:
        """Calls to decide on now, in the order they are to be placed."""
        calls: list[str] = []
        if self._known:
            for name in self._known:
                self._fetched_since.pop(name, None)
                calls += [call for call in self._asking.pop(name, ()) if call in self.held and name in self.held[call].asks]
            calls = list(dict.fromkeys(calls))  # who waited for two is told once
            self._known.clear()
        timer = self.pacer.timer()
        if timer is not None and timer <= now + 1e-9:
            calls += self._released(now)
        if self._again:
            again = list(islice(self._again, MOST_AGAIN))
            for call in again:
                del self._again[call]
            calls += [call for call in again if call in self.pacer]
        return calls

    def _released(self, now: float) -> list[str]:
        """Calls whose turn came, or will not come."""
        calls = []
        for call, answer in self.pacer.due(now):
            held = self.held[call]
            wanted, held.wants = held.wants, ()
            if isinstance(answer, Full):
                if not held.gateway:
                    held.full = answer
            elif held.gateway:
                held.reserved = wanted
            else:
                held.limits = wanted
            calls.append(call)
        return calls

    def next_due(self) -> float | None:
        """When to ask; None where nobody waits for a turn."""
        return 0.0 if self._again else self.pacer.timer()

    def left(self, call: str) -> None:
        """The call is over; what was taken for it and is not its own is given back."""
        held = self.resume(call)
        if held is None:
            return
        del self.held[call]
        self._lose_turn(held, call)
        self.limits.give(*[limit.name for limit in held.limits])

    def _lose_turn(self, held: Held, call: str) -> None:
        """What it stands in a queue for, and what it has for a gateway, is given up."""
        if held.wants:
            self.pacer.leave(call)
        if held.reserved:
            self.limits.undo(held.reserved)
            self.pacer.changed()
        held.wants, held.reserved, held.gateway = (), (), ""

    def _hold(self, call: str, trunk: Trunk, now: float) -> Held:
        held = self.held.get(call)
        if held is None:
            held = self.held[call] = Held(trunk.name, now)
        return held

    def _ask(self, held: Held, call: str, names: tuple[str, ...]) -> None:
        held.asks = names
        for name in names:
            self._asking.setdefault(name, []).append(call)


def cps_of(policy: Snapshot, name: str) -> float:
    """Calls per second a policy allows under the name of a limit; 0 is unlimited."""
    kind, _, whose = name.partition(" ")
    if kind == "gateway":
        gateway = policy.gateways.get(whose)
        return gateway.cps if gateway is not None else 0.0
    if kind == "carrier":
        carrier = policy.carriers.get(whose)
        return carrier.cps if carrier is not None else 0.0
    known = policy.trunks.get(whose) if kind == "trunk" else policy.tenants.get(whose) if kind == "tenant" else None
    return known.cps if known is not None else 0.0


def rate_of(gateway: Gateway, limits: tuple[Limit, ...]) -> str:
    """Name of the queue for a gateway's rate: its carrier's, where that has one for all its gateways."""
    return limits[1].name if limits[1].cps else limits[0].name
