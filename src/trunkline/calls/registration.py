"""Outbound REGISTER to carriers, kept alive and watched (RFC 3261 section 10.2; row T5).

A lost registration is a fact and an alarm at once; retries back off up to a minute (RFC 5626 section 4.5 in spirit), a refused password is
retried slowly because trying it again quickly only gets the address banned.

A gateway with several paths is registered by the first that works: calls come in by the Contact, so one that names a dead path is renewed
by another at once.
"""

from collections.abc import Callable

from trunkline.calls.probe import HealthBook, Ways
from trunkline.facts.clock import Clock
from trunkline.facts.record import Alarm, Fact, GatewayState
from trunkline.policy.snapshot import Gateway, Registration, Snapshot
from trunkline.sip.digest import answer_challenge
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Replied
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.headers.name_addr import parse_name_addrs
from trunkline.sip.message import Response
from trunkline.sip.transactions import Client, ClientInvite

REGISTER = 1
BACK_OFF_S = (2.0, 4.0, 8.0, 16.0, 32.0, 60.0)
REFUSED_S = 300.0


class Watch:
    """The registration of one gateway."""

    __slots__ = ("auth_line", "call_id", "challenged", "cseq", "expires_s", "failures", "flow", "gateway", "generation", "keeper", "registered", "tag", "tried")

    def __init__(self, keeper: "Registrations", gateway: Gateway) -> None:
        self.keeper = keeper
        self.gateway = gateway
        self.call_id = keeper.endpoint.token()
        self.tag = keeper.endpoint.token()[:8]
        self.cseq = 0
        self.generation = 0
        self.failures = 0
        self.registered: bool | None = None
        self.auth_line = ""
        self.challenged = False
        self.flow: Flow | None = None
        self.tried: set[Flow] = set()
        "Paths that failed since it last worked or was given up for a while."
        self.expires_s = self.registration.expires_s

    @property
    def registration(self) -> Registration:
        assert self.gateway.registration is not None
        return self.gateway.registration

    def on_timer(self, what: int, now: float) -> None:
        self.challenged = False
        self.send(now)

    def send(self, now: float, expires_s: int | None = None) -> None:
        keeper, registration = self.keeper, self.registration
        self.flow = keeper.places.flow_to(self.gateway, now)
        if self.flow is None:
            self.lost("its host name has no address", now)
            return
        self.cseq += 1
        contact = self.flow.door.contact
        user = registration.contact_user or registration.aor.partition(":")[2].partition("@")[0]
        contact = contact.replace("sip:", f"sip:{user}@", 1)
        domain = registration.aor.rpartition("@")[2]
        keeper.endpoint.request(
            "REGISTER", f"sip:{domain}", self.flow, sender=f"<{registration.aor}>;tag={self.tag}", recipient=f"<{registration.aor}>",
            call_id=self.call_id, cseq=self.cseq, now=now, user=self,
            extra=f"Contact: <{contact}>\r\nExpires: {self.expires_s if expires_s is None else expires_s}\r\n{self.auth_line}",
        )  # fmt: skip

    def replied(self, event: Replied, now: float) -> None:
        response = event.response
        if response.status < 200:
            return
        if response.status < 300:
            self._won(response, now)
        elif response.status in (401, 407) and not self.challenged and self._authorize(response):
            self.challenged = True
            self.send(now)
        elif response.status == 423:
            wanted = response.first("Min-Expires")
            self.expires_s = int(wanted) if wanted.isdecimal() and len(wanted) < 7 else self.expires_s * 2
            self.send(now)
        elif response.status in (401, 403, 407):
            self.lost(f"refused with {response.status}: compare `auth` with what the carrier gave you", now, REFUSED_S)
        else:
            self.lost(f"refused with {response.status} {response.phrase}", now)

    def _authorize(self, response: Response) -> bool:
        auth = self.gateway.auth
        if auth is None:
            return False
        proxy = response.status == 407
        challenges = tuple(response.fields.get("Proxy-Authenticate" if proxy else "WWW-Authenticate", ()))
        uri = f"sip:{self.registration.aor.rpartition('@')[2]}"
        answer = answer_challenge(challenges, auth.user, auth.password, "REGISTER", uri, b"", self.keeper.endpoint.token(), 1)
        if isinstance(answer, Fault):
            return False
        self.auth_line = f"{'Proxy-Authorization' if proxy else 'Authorization'}: {answer}\r\n"
        return True

    def _won(self, response: Response, now: float) -> None:
        granted = self.expires_s
        for value in response.fields.get("Contact", ()):
            addresses = parse_name_addrs(value)
            if not isinstance(addresses, Fault):
                granted = next((address.expires_s for address in addresses if address.expires_s), granted)
        self.failures = 0
        self.tried.clear()
        self.auth_line = ""
        self.keeper.endpoint.timers.at(now + max(granted * 0.5, granted - 60.0) if granted > 2 else now + 1.0, self, REGISTER)
        if not self.registered:
            self.registered = True
            self.keeper.changed(self.gateway, True, "registered", now)

    def timed_out(self, transaction: Client | ClientInvite, now: float) -> None:
        self._failed_by(transaction.flow, "the carrier does not answer REGISTER", now)

    def unreachable(self, transaction: Client | ClientInvite, now: float) -> None:
        self._failed_by(transaction.flow, "the transport to the carrier fails", now)

    def _failed_by(self, flow: Flow, why: str, now: float) -> None:
        """This path is no good; lost is the registration where there is no other."""
        places = self.keeper.places
        self.tried.add(flow)
        if places.avoid(self.gateway, flow, now) and places.flow_to(self.gateway, now) not in self.tried:
            self.send(now)
        else:
            self.lost(why, now)

    def lost(self, why: str, now: float, wait_s: float = 0.0) -> None:
        self.tried.clear()
        self.auth_line = ""
        wait = wait_s or BACK_OFF_S[min(self.failures, len(BACK_OFF_S) - 1)]
        self.failures += 1
        self.keeper.endpoint.timers.at(now + wait, self, REGISTER)
        if self.registered is not False:
            self.registered = False
            self.keeper.changed(self.gateway, False, why, now)


class Registrations:
    """Every registration the policy asks for."""

    def __init__(self, endpoint: Endpoint, places: Ways, health: HealthBook, emit: Callable[[Fact, float], None], clock: Clock) -> None:
        self.endpoint = endpoint
        self.places = places
        self.health = health
        self.emit = emit
        self.clock = clock
        self.watches: dict[str, Watch] = {}

    def follow(self, policy: Snapshot, now: float) -> None:
        """Keep what the policy names; let go of the rest."""
        wanted = {gateway.name: gateway for gateway in policy.gateways.values() if gateway.registration is not None}
        for name in [name for name, watch in self.watches.items() if wanted.get(name) != watch.gateway]:
            watch = self.watches.pop(name)
            watch.generation += 1
            if watch.registered:
                watch.send(now, 0)
        for name, gateway in wanted.items():
            if name not in self.watches:
                watch = self.watches[name] = Watch(self, gateway)
                self.endpoint.timers.at(now, watch, REGISTER)

    def moved(self, gateway: Gateway, now: float) -> None:
        """Calls to a gateway may take another path: let the carrier know where to call us."""
        watch = self.watches.get(gateway.name)
        if watch is not None and watch.registered and self.places.flow_to(gateway, now) != watch.flow:
            watch.generation += 1
            watch.on_timer(REGISTER, now)

    def changed(self, gateway: Gateway, registered: bool, why: str, now: float) -> None:
        self.health.condition(gateway.name).registered = registered
        at = self.clock.utc_us(now)
        self.emit(GatewayState(gateway.name, at, "registered" if registered else "registration lost", why), now)
        if not registered:
            self.emit(Alarm(at, "registration.lost", gateway.name, why), now)
