"""OPTIONS to every gateway: is anybody there? (RFC 3261 section 11)

Any reply but 503 says yes. Silence for as long as a call would wait, a transport error or 503 says no, and calls skip the gateway until it
answers again, however late. A gateway that is reached by several doors is asked by each of its paths: calls leave a silent path aside, and the gateway is up while any path answers.
A path by which a call heard nothing is asked at once, and every few seconds while not even that can be sent, besides its turns: a reply brings it back.
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

    def avoid(self, gateway: Gateway, flow: Flow, now: float) -> bool:
        """This path failed: take the gateway's others first for a while. True where there is one."""

    def paths(self, gateway: Gateway, now: float) -> list[Flow]:
        """What to probe: every path where policy names several doors, else the flow calls take."""

    def heard(self, flow: Flow, answers: bool) -> None:
        """Whether a path answers: calls take it last while it does not."""

    def returned(self, flow: Flow, now: float) -> bool:
        """A path that failed a call answers: calls take it again. False where they do not."""


PROBE = 1
SILENCE = 2
AGAIN = 3

HURRY_S = 2.0
"Between two probes of a path out of turn."

SUSPECT_S = 30.0
"How long a path that failed a call is asked out of turn; calls try it again by then (`node/places.py`)."

FAILURES = 2
"Probes in a row that must fail before a gateway is down: one lost datagram is no outage."


class Asked:
    """One path that is probed; without a flow, whichever calls take."""

    __slots__ = ("failed", "flow", "generation", "hurried", "probe", "suspected", "waiting")

    def __init__(self, probe: "Probe", flow: Flow | None) -> None:
        self.probe = probe
        self.flow = flow
        self.failed = 0
        self.generation = 0
        self.waiting = False
        "The last probe has no reply yet, and was not missed."
        self.suspected = self.hurried = 0.0
        "When it failed a call, 0 where it answered since; and when it was last asked out of turn."

    def begin(self, now: float) -> None:
        """The next probe leaves."""
        if self.waiting:
            self.missed("does not answer OPTIONS", now)
        gateway = self.probe.gateway
        self.waiting = True
        if gateway.timers.no_response_s < gateway.options_s:
            self.probe.prober.endpoint.timers.at(now + gateway.timers.no_response_s, self, SILENCE)

    def on_timer(self, what: int, now: float) -> None:
        if what == AGAIN:
            self.hurry(now)
        else:
            self.missed("does not answer OPTIONS", now)

    def suspect(self, now: float) -> None:
        """A call heard nothing by this path."""
        self.suspected = now
        if now - self.hurried >= HURRY_S:
            self.hurry(now)

    def hurry(self, now: float) -> None:
        """Ask out of turn; a probe that is under way is repeated as it is, for as long as a transaction lasts."""
        self.hurried = now
        if self.flow is not None and not self.waiting:
            self.probe.ask(self, self.flow, now)

    def replied(self, event: Replied, now: float) -> None:
        status = event.response.status
        if status < 200:
            return
        if status == 503:
            self.missed("answers OPTIONS with 503", now)
        else:
            self._settle()
            was, self.failed = self.failed, 0
            self.probe.learned(self, was, f"answers OPTIONS with {status}", now)
            if self.suspected:
                self.suspected = 0.0
                self.probe.returned(self, now)

    def timed_out(self, transaction: Client | ClientInvite, now: float) -> None:
        """It was missed long ago."""

    def unreachable(self, transaction: Client | ClientInvite, now: float) -> None:
        self.missed("its transport fails", now)
        if self.suspected and now - self.suspected < SUSPECT_S:
            self.probe.prober.endpoint.timers.at(now + HURRY_S, self, AGAIN)

    def missed(self, why: str, now: float) -> None:
        self._settle()
        was, self.failed = self.failed, self.failed + 1
        self.probe.learned(self, was, why, now)

    def _settle(self) -> None:
        self.waiting = False
        self.generation += 1


class Probe:
    """The probing of one gateway."""

    __slots__ = ("asked", "gateway", "generation", "prober")

    def __init__(self, prober: "Prober", gateway: Gateway) -> None:
        self.prober = prober
        self.gateway = gateway
        self.generation = 0
        self.asked: dict[Flow | None, Asked] = {}

    def on_timer(self, what: int, now: float) -> None:
        prober, gateway = self.prober, self.gateway
        prober.endpoint.timers.at(now + gateway.options_s, self, PROBE)
        flows = prober.places.paths(gateway, now)
        several = len(flows) > 1
        self._keep({flow if several else None for flow in flows} or {None})
        if not flows:
            self.asked[None].missed("no address for its host name", now)
        for flow in flows:
            self.ask(self.asked[flow if several else None], flow, now)

    def _keep(self, wanted: set[Flow | None]) -> None:
        """Remember of each path how it did, and forget those that are no more."""
        for flow in [flow for flow in self.asked if flow not in wanted]:
            del self.asked[flow]
            if flow is not None:
                self.prober.places.heard(flow, True)
        for flow in wanted:
            if flow not in self.asked:
                self.asked[flow] = Asked(self, flow)

    def ask(self, asked: Asked, flow: Flow, now: float) -> None:
        """Send OPTIONS by one path."""
        endpoint, gateway = self.prober.endpoint, self.gateway
        asked.begin(now)
        token = endpoint.token()
        host = f"[{gateway.host}]" if ":" in gateway.host else gateway.host
        uri = f"sip:{host}:{gateway.port}" if gateway.port else f"sip:{host}"
        endpoint.request(
            "OPTIONS", uri, flow, sender=f"<sip:probe@{flow.door.sent_by}>;tag={token[:8]}", recipient=f"<{uri}>", call_id=token, cseq=1, now=now,
            user=asked, extra=f"Contact: <{flow.door.contact}>\r\nAccept: application/sdp\r\n",
        )  # fmt: skip

    def returned(self, asked: Asked, now: float) -> None:
        """A path that failed a call answers."""
        flow = asked.flow
        if flow is not None and self.asked.get(flow) is asked and self.prober.places.returned(flow, now):
            self.prober.moved(self.gateway, now)

    def learned(self, asked: Asked, was: int, why: str, now: float) -> None:
        """A path answered or did not; `was` is how often in a row it had not."""
        if self.asked.get(asked.flow) is not asked:
            return  # the path is no more
        prober, gateway, flow = self.prober, self.gateway, asked.flow
        silent = asked.failed >= FAILURES
        if flow is not None and silent != (was >= FAILURES):
            prober.places.heard(flow, not silent)
            prober.tell(gateway, "path down" if silent else "path up", f"by {flow.door.name} to {flow}: {why}", now)
            prober.moved(gateway, now)
        if silent and all(other.failed >= FAILURES for other in self.asked.values()):
            prober.mark(gateway, False, why, now)
        elif not asked.failed:
            prober.mark(gateway, True, why, now)


class Prober:
    def __init__(self, endpoint: Endpoint, places: Ways, health: HealthBook, emit: Callable[[Fact, float], None], clock: Clock, random: Random) -> None:
        self.endpoint = endpoint
        self.places = places
        self.health = health
        self.emit = emit
        self.clock = clock
        self.random = random
        self.probes: dict[str, Probe] = {}
        self.moved: Callable[[Gateway, float], None] = lambda gateway, now: None
        "Told that calls to a gateway may take another path from now on."

    def follow(self, policy: Snapshot, now: float) -> None:
        """Probe the gateways of this policy, spread over their interval, and no others."""
        for probe in self.probes.values():
            probe.generation += 1
        before, self.probes = self.probes, {}
        for gateway in policy.gateways.values():
            if gateway.options_s > 0:
                probe = self.probes[gateway.name] = Probe(self, gateway)
                known = before.pop(gateway.name, None)
                if known is not None:
                    probe.asked = known.asked
                    for asked in probe.asked.values():
                        asked.probe = probe
                self.endpoint.timers.at(now + self.random.random() * min(gateway.options_s, 5.0), probe, PROBE)
            elif gateway.name in before:
                self.mark(gateway, True, "no longer probed", now)
        for probe in before.values():
            for flow in probe.asked:
                if flow is not None:
                    self.places.heard(flow, True)

    def suspect(self, gateway: Gateway, flow: Flow, now: float) -> None:
        """A call heard nothing by one of a gateway's paths."""
        probe = self.probes.get(gateway.name)
        asked = probe.asked.get(flow) if probe is not None else None
        if asked is not None:
            asked.suspect(now)

    def mark(self, gateway: Gateway, up: bool, why: str, now: float) -> None:
        condition = self.health.condition(gateway.name)
        if condition.up != up:
            condition.up = up
            self.tell(gateway, "up" if up else "down", why, now)

    def tell(self, gateway: Gateway, state: str, why: str, now: float) -> None:
        self.emit(GatewayState(gateway.name, self.clock.utc_us(now), state, why), now)
