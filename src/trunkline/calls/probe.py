"""OPTIONS to every gateway: is anybody there? (RFC 3261 section 11)

Any reply but 503 says yes. Silence, a transport error or 503 says no, and calls skip the gateway until it answers again.
"""

from collections.abc import Callable
from random import Random
from typing import Protocol

from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact, GatewayState
from trunkline.policy.snapshot import Gateway, Snapshot
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Replied
from trunkline.sip.flow import Flow
from trunkline.sip.transactions import Client, ClientInvite


class Reachable(Protocol):
    """The part of gateway health that probing writes."""

    up: bool
    registered: bool


class HealthBook(Protocol):
    def condition(self, gateway: str) -> Reachable:
        """What is known of a gateway."""


class Ways(Protocol):
    def flow_to(self, gateway: Gateway, now: float) -> Flow | None:
        """A flow to the gateway, or None while its name has no address."""


PROBE = 1
FAILURES = 2
"Probes in a row that must fail before a gateway is down: one lost datagram is no outage."


class Probe:
    """The probing of one gateway."""

    __slots__ = ("failed", "gateway", "generation", "prober")

    def __init__(self, prober: "Prober", gateway: Gateway) -> None:
        self.prober = prober
        self.gateway = gateway
        self.generation = 0
        self.failed = 0

    def on_timer(self, what: int, now: float) -> None:
        prober, gateway = self.prober, self.gateway
        prober.endpoint.timers.at(now + gateway.options_s, self, PROBE)
        flow = prober.places.flow_to(gateway, now)
        if flow is None:
            self.missed("no address for its host name", now)
            return
        token = prober.endpoint.token()
        host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
        uri = f"sip:{host}:{gateway.port}" if gateway.port else f"sip:{host}"
        prober.endpoint.request(
            "OPTIONS", uri, flow, sender=f"<sip:probe@{flow.door.sent_by}>;tag={token[:8]}", recipient=f"<{uri}>", call_id=token, cseq=1, now=now,
            user=self, extra=f"Contact: <{flow.door.contact}>\r\nAccept: application/sdp\r\n",
        )  # fmt: skip

    def replied(self, event: Replied, now: float) -> None:
        status = event.response.status
        if status < 200:
            return
        if status == 503:
            self.missed("answers OPTIONS with 503", now)
        else:
            self.failed = 0
            self.prober.mark(self.gateway, True, f"answers OPTIONS with {status}", now)

    def timed_out(self, transaction: Client | ClientInvite, now: float) -> None:
        self.missed("does not answer OPTIONS", now)

    def unreachable(self, transaction: Client | ClientInvite, now: float) -> None:
        self.missed("its transport fails", now)

    def missed(self, why: str, now: float) -> None:
        self.failed += 1
        if self.failed >= FAILURES:
            self.prober.mark(self.gateway, False, why, now)


class Prober:
    def __init__(self, endpoint: Endpoint, places: Ways, health: HealthBook, emit: Callable[[Fact, float], None], clock: Clock, random: Random) -> None:
        self.endpoint = endpoint
        self.places = places
        self.health = health
        self.emit = emit
        self.clock = clock
        self.random = random
        self.probes: dict[str, Probe] = {}

    def follow(self, policy: Snapshot, now: float) -> None:
        """Probe the gateways of this policy, spread over their interval, and no others."""
        for probe in self.probes.values():
            probe.generation += 1
        before, self.probes = self.probes, {}
        for gateway in policy.gateways.values():
            if gateway.options_s > 0:
                probe = self.probes[gateway.name] = Probe(self, gateway)
                known = before.get(gateway.name)
                probe.failed = known.failed if known is not None else 0
                self.endpoint.timers.at(now + self.random.random() * min(gateway.options_s, 5.0), probe, PROBE)
            elif gateway.name in before:
                self.mark(gateway, True, "no longer probed", now)

    def mark(self, gateway: Gateway, up: bool, why: str, now: float) -> None:
        condition = self.health.condition(gateway.name)
        if condition.up != up:
            condition.up = up
            self.emit(GatewayState(gateway.name, self.clock.utc_us(now), "up" if up else "down", why), now)
