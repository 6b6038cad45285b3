"""The registrar: a minimal location store, so that phones and dialers can register (RFC 3261 section 10.3).

A trunk that registers has one live binding per contact; calls to it go where its latest REGISTER came from, which is what works through
NAT. Bindings are a fold of `Binding` facts and so survive a restart.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from trunkline.decide.inbound import TO_TRUNK
from trunkline.decide.places import Places
from trunkline.decide.plan import Way
from trunkline.facts.clock import Clock
from trunkline.facts.record import Binding, Fact
from trunkline.facts.told import told
from trunkline.guard import Challenge, Known
from trunkline.policy.snapshot import Gateway
from trunkline.records import in_pieces
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Address, Door, Flow
from trunkline.sip.headers.name_addr import parse_contacts
from trunkline.sip.message import Request
from trunkline.sip.transactions import Server
from trunkline.sip.uri import user_of

if TYPE_CHECKING:
    from trunkline.decide.decisions import Decisions

SHORTEST_S, LONGEST_S, DEFAULT_S = 30, 3600, 600
CONTACT_LIMIT = 8
"Bindings of one trunk."


class Registrar:
    """Bindings by trunk, and the way to each (`decide.Places`)."""

    def __init__(self, clock: Clock, emit: Callable[[Fact, float], None], places: Places) -> None:
        self.clock = clock
        self.emit = emit
        self.places = places
        self.decisions: Decisions | None = None
        self.doors: dict[str, Door] = {}
        self.bindings: dict[str, dict[str, Binding]] = {}
        "Trunk -> contact URI -> binding."

    # Serving REGISTER.

    def received(self, transaction: Server, request: Request, flow: Flow, now: float) -> None:
        assert self.decisions is not None
        tag = f"{self.decisions.random.getrandbits(32):08x}"
        known = self.decisions.identity.caller(request, flow, now)
        if isinstance(known, Challenge):
            lines = "".join([f"WWW-Authenticate: {header}\r\n" for header in known.headers])
            transaction.respond(401, "Unauthorized", tag, now, lines)
            return
        if not isinstance(known, Known):
            answer = told("generic", known.result)
            transaction.respond(answer.status, answer.phrase, tag, now)
            return
        trunk = known.trunk
        if not trunk.registers:
            transaction.respond(403, "Forbidden", tag, now)
            return
        problem = self._bind(trunk.name, request, flow, now)
        if problem is not None:
            transaction.respond(problem[0], problem[1], tag, now, problem[2])
            return
        at = self.clock.utc_us(now)
        contacts = "".join(
            [f"Contact: <{b.contact}>;expires={max((b.expires - at) // 1_000_000, 0)}\r\n" for b in self.bindings.get(trunk.name, {}).values()]
        )
        transaction.respond(200, "OK", tag, now, contacts)

    def _bind(self, trunk: str, request: Request, flow: Flow, now: float) -> tuple[int, str, str] | None:
        """Apply a REGISTER; (status, phrase, lines) when it cannot be."""
        at = self.clock.utc_us(now)
        wanted = _seconds(request.first("Expires"), DEFAULT_S)
        contacts = parse_contacts(request.every("Contact")) if "Contact" in request.fields else ()
        if isinstance(contacts, Fault):
            return 400, contacts.reason, ""
        held = self.bindings.get(trunk, {})
        if contacts and contacts[0].is_star:
            if len(contacts) != 1 or wanted != 0:
                return 400, "Bad Contact", ""
            for binding in list(held.values()):
                self._store(msgspec.structs.replace(binding, at=at, expires=0), now)
            return None
        if len(contacts) > CONTACT_LIMIT:
            return 400, "Too Many Contacts", ""
        for contact in contacts:
            uri = str(contact.uri)
            seconds = wanted if contact.expires_s is None else contact.expires_s
            if 0 < seconds < SHORTEST_S:
                return 423, "Interval Too Brief", f"Min-Expires: {SHORTEST_S}\r\n"
            before = held.get(uri)
            if before is not None and before.call_id == request.call_id and before.cseq >= request.cseq:
                return 500, "CSeq Out Of Order", ""
            expires = at + min(seconds, LONGEST_S) * 1_000_000 if seconds else 0
            self._store(
                Binding(
                    at, trunk, user_of(request.first("To")), uri, flow.door.name, str(flow), flow.door.transport, expires, request.call_id, request.cseq,
                    request.first("User-Agent"),
                ),
                now,
            )  # fmt: skip
        return None

    def _store(self, binding: Binding, now: float) -> None:
        self.apply(binding)
        self.emit(binding, now)

    # The fold.

    def apply(self, fact: Fact) -> None:
        if not isinstance(fact, Binding):
            return
        held = self.bindings.setdefault(fact.trunk, {})
        held.pop(fact.contact, None)
        for contact in [contact for contact, binding in held.items() if binding.expires <= fact.at]:
            del held[contact]
        if fact.expires:
            if len(held) >= CONTACT_LIMIT:
                del held[next(iter(held))]  # the one renewed longest ago
            held[fact.contact] = fact
        if not held:
            del self.bindings[fact.trunk]

    def dump(self) -> Iterator[bytes]:
        return in_pieces([binding for held in self.bindings.values() for binding in held.values()])

    def load(self, pieces: Sequence[bytes]) -> None:
        self.bindings = {}
        for piece in pieces:
            for binding in msgspec.msgpack.decode(piece, type=list[Binding]):
                self.apply(binding)

    # Looking up.

    def live(self, trunk: str, now: float) -> list[Binding]:
        """Bindings that have not lapsed, newest first."""
        at = self.clock.utc_us(now)
        held = self.bindings.get(trunk, {})
        return sorted((binding for binding in held.values() if binding.expires > at), key=lambda binding: -binding.at)

    def bound_from(self, trunk: str, flow: Flow, now: float) -> bool:
        """Whether the trunk is registered from this very source; port included, since one NAT hides many."""
        held = self.bindings.get(trunk)
        if held is None:
            return False
        at, remote = self.clock.utc_us(now), str(flow)
        return any(binding.remote == remote and binding.expires > at for binding in held.values())

    def way(self, gateway: Gateway, now: float) -> Way | None:
        """`decide.Places`: a registered trunk at its binding, everything else where the resolver says."""
        if not gateway.name.startswith(TO_TRUNK) or gateway.host != "registered.invalid":
            return self.places.way(gateway, now)
        for binding in self.live(gateway.name.removeprefix(TO_TRUNK), now):
            door = self.doors.get(binding.door)
            host, _, port = binding.remote.rpartition(":")
            if door is not None:
                return Way(Flow(door, (host.strip("[]"), int(port))), None, binding.contact)
        return None

    def gateway_at(self, address: Address) -> str:
        return self.places.gateway_at(address)

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0) -> bool:
        return self.places.avoid(gateway, flow, now, since)

    def spares(self, gateway: str, local: str, remote: str, now: float) -> bool:
        return self.places.spares(gateway, local, remote, now)

    def flow_to(self, gateway: Gateway, now: float) -> Flow | None:
        way = self.way(gateway, now)
        return way.flow if way is not None else None


def _seconds(text: str, default: int) -> int:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 10 else default
