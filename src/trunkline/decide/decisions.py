"""The decision for one call: who calls, what number that is, where it may go, in which order (rule 8: it explains itself).

classify the number -> emergency? -> admit -> candidates in order. Gateways are asked for room and health only when an attempt is about to
be sent, because a call may wait a minute between two attempts.
"""

from random import Random

from trunkline.decide.inbound import inbound
from trunkline.decide.places import Places
from trunkline.decide.plan import CallRequest, Plan, Refused, Verdict, Way
from trunkline.facts import refusal as catalogue
from trunkline.facts.clock import Clock
from trunkline.facts.record import Attempt, Call, Decision, Fact
from trunkline.facts.refusal import Refusal
from trunkline.guard import Challenge, Identity, Known, Limits
from trunkline.guard.limits import Limit
from trunkline.numbering import longest, normalise
from trunkline.policy.snapshot import Gateway, Snapshot, Trunk
from trunkline.routing import Health, Router
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.headers.name_addr import parse_name_addr
from trunkline.sip.message import Request
from trunkline.sip.uri import user_of


class Decisions:
    """`calls.decider.Decider` over a policy snapshot and live state."""

    def __init__(self, policy: Snapshot, identity: Identity, places: Places, health: Health, limits: Limits, clock: Clock, random: Random) -> None:
        self.policy = policy
        self.identity = identity
        self.places = places
        self.health = health
        self.limits = limits
        self.clock = clock
        self.random = random
        self.router = Router(random, health)
        self.router.follow(policy)
        self._limits_of: dict[str, tuple[Limit, ...]] = {}

    def apply_policy(self, policy: Snapshot, identity: Identity) -> None:
        """A new policy is in force for calls that begin from now on."""
        self.policy = policy
        self.identity = identity
        self.router.follow(policy)
        self._limits_of.clear()

    # Deciding.

    def decide(self, request: CallRequest, now: float) -> Verdict:
        policy = self.policy
        invite = request.invite
        if not request.trunk and request.flow.door.name.startswith("carriers"):
            return inbound(self, request, now)
        if request.trunk:
            trunk = policy.trunks.get(request.trunk)
            if trunk is None:
                return Refused(catalogue.UNKNOWN_SOURCE)
            called_raw = request.called
        else:
            known = self.identity.caller(invite, request.flow, now)
            if isinstance(known, Challenge):
                return known
            if not isinstance(known, Known):
                return Refused(known)
            trunk = known.trunk
            called_raw = user_of(invite.uri)
        if called_raw in policy.emergency.numbers:
            return self._emergency(request, trunk, called_raw, now)
        called = normalise(called_raw, trunk.plan)
        if called is None:
            return Refused(catalogue.INVALID_NUMBER, trunk, called_raw)
        name = longest(policy.prefixes, called[1:], policy.longest_prefix)
        if name is None:
            return Refused(catalogue.NO_DESTINATION, trunk, called_raw)
        limits = self.limits_of_trunk(trunk)
        full = self.limits.take(limits, now)
        if full is not None:
            return Refused(_limit_refusal(full, trunk), trunk, called_raw)
        destination = policy.destinations[name]
        at = self.clock.utc_us(now)
        choice = self.router.choose(policy, destination, called, now, at / 1e6)
        band = self.router.band(policy, destination, at / 1e6) if policy.bands else ""
        decision = Decision(
            request.call, at, policy.version, name, destination.strategy, tuple([gateway.name for gateway in choice.gateways]),
            {}, choice.draw, choice.propensity, choice.scores, band, choice.holdout,
        )  # fmt: skip
        caller_raw, display, private = caller_of(invite)
        return Plan(
            trunk, "outbound", called_raw, called, caller_raw, normalise(caller_raw, trunk.plan) or caller_raw, display, private, name,
            destination.strategy, choice.gateways, destination.max_attempts, metadata_of(trunk, invite) if trunk.metadata else {}, decision,
        )  # fmt: skip

    def _emergency(self, request: CallRequest, trunk: Trunk, called: str, now: float) -> Verdict:
        """Past every limit; a dialer may not (row T16)."""
        policy = self.policy
        if trunk.kind == "dialer":
            return Refused(catalogue.EMERGENCY_REFUSED, trunk, called)
        gateways = tuple(policy.gateways[name] for name in policy.emergency.gateways)
        if not gateways:
            return Refused(catalogue.EMERGENCY_NO_ROUTE, trunk, called, alarm=True)
        self.limits.hold(tuple(limit.name for limit in self.limits_of_trunk(trunk)))
        decision = Decision(
            request.call, self.clock.utc_us(now), policy.version, "emergency", "priority", tuple(gateway.name for gateway in gateways), {}, 0.0,
            (1.0,) + (0.0,) * (len(gateways) - 1),
        )  # fmt: skip
        caller, display, _ = caller_of(request.invite)
        return Plan(
            trunk, "outbound", called, "", caller, normalise(caller, trunk.plan) or caller, display, False, "emergency", "priority", gateways,
            len(gateways), metadata_of(trunk, request.invite), decision, emergency=True,
        )  # fmt: skip

    def reserve(self, plan: Plan, gateway: Gateway, now: float) -> Way | Refusal:
        if not plan.emergency:
            refused = self.health.refuses(gateway.name, plan.destination, now)
            if refused is not None:
                plan.decision.excluded[gateway.name] = refused.code
                return refused
        way = self.places.way(gateway, now)
        if way is None:
            plan.decision.excluded[gateway.name] = catalogue.GATEWAY_UNRESOLVED.code
            return catalogue.GATEWAY_UNRESOLVED
        limits = self._limits_of_gateway(gateway)
        if plan.emergency:
            self.limits.hold(tuple(limit.name for limit in limits))
            return way
        full = self.limits.take(limits, now)
        if full is not None:
            return _gateway_refusal(full, gateway)
        return way

    def avoid(self, gateway: Gateway, flow: Flow, now: float) -> bool:
        return self.places.avoid(gateway, flow.address, now)

    def bill(self, destination: str, gateway: str, talk_s: float) -> float | None:
        return self.router.bill(destination, gateway, talk_s)

    # Learning.

    def observe(self, fact: Fact, now: float) -> None:
        if isinstance(fact, Attempt):
            self.limits.give(f"gateway {fact.gateway}", f"carrier {fact.carrier}")
            self.health.apply(fact, now)
            self.router.apply(fact)
        elif isinstance(fact, Call) and fact.policy:
            self.limits.give(f"trunk {fact.trunk}", f"tenant {fact.tenant}")

    def refresh(self, now: float, budget: int = 1) -> int:
        """Bring what strategies know up to date, `budget` steps of at most 2 ms; call it when the loop has a moment. Returns the steps done."""
        return self.router.refresh(self.clock.utc_us(now) / 1e6, budget)

    # Limits by name.

    def limits_of_trunk(self, trunk: Trunk) -> tuple[Limit, ...]:
        key = f"trunk {trunk.name}"
        known = self._limits_of.get(key)
        if known is None:
            tenant = self.policy.tenants.get(trunk.tenant)
            known = self._limits_of[key] = (
                Limit(key, trunk.channels, trunk.cps),
                Limit(f"tenant {trunk.tenant}", tenant.channels if tenant else 0, tenant.cps if tenant else 0.0),
            )
        return known

    def _limits_of_gateway(self, gateway: Gateway) -> tuple[Limit, ...]:
        key = f"gateway {gateway.name}"
        known = self._limits_of.get(key)
        if known is None:
            carrier = self.policy.carriers.get(gateway.carrier)
            known = self._limits_of[key] = (
                Limit(key, gateway.channels, gateway.cps),
                Limit(f"carrier {gateway.carrier}", carrier.channels if carrier else 0, carrier.cps if carrier else 0.0),
            )
        return known


def caller_of(invite: Request) -> tuple[str, str, bool]:
    """Number, display name and wish for privacy of whoever calls (RFC 3323, RFC 3325)."""
    fields = invite.fields
    sender = fields["From"][0]
    privacy = fields.get("Privacy")
    private = privacy is not None and "none" not in privacy[0].lower()
    user = user_of(sender)
    if user.lower() == "anonymous" or not user:
        private = True
        asserted = fields.get("P-Asserted-Identity") or fields.get("P-Preferred-Identity")
        user = user_of(asserted[0]) if asserted else user
    display = ""
    if sender[:1] == '"' and not private:
        address = parse_name_addr(sender)
        if not isinstance(address, Fault):
            display = address.display.replace("\\", "").replace('"', "")
    return user, display, private


def metadata_of(trunk: Trunk, invite: Request) -> dict[str, str]:
    """What the dialer sent along, by the trunk's map (row T20)."""
    found: dict[str, str] = {}
    for name, source in trunk.metadata:
        kind, _, argument = source.partition(":")
        if source.startswith("="):
            found[name] = source[1:]
        elif kind == "header":
            values = invite.fields.get(argument)
            if values:
                found[name] = values[0][:256]
        elif kind == "user":
            found[name] = user_of(invite.fields["From"][0])
        elif kind == "from":
            address = parse_name_addr(invite.fields["From"][0])
            if not isinstance(address, Fault) and address.display:
                found[name] = address.display
        elif kind == "param":
            value = next((part.partition("=")[2] for part in invite.uri.split(";")[1:] if part.partition("=")[0] == argument), "")
            if value:
                found[name] = value[:256]
    return found


def _limit_refusal(full: tuple[str, str], trunk: Trunk) -> Refusal:
    own = full[0] == f"trunk {trunk.name}"
    if full[1] == "cps":
        return catalogue.TRUNK_CPS if own else catalogue.TENANT_CPS
    return catalogue.TRUNK_CHANNELS if own else catalogue.TENANT_CHANNELS


def _gateway_refusal(full: tuple[str, str], gateway: Gateway) -> Refusal:
    own = full[0] == f"gateway {gateway.name}"
    if full[1] == "cps":
        return catalogue.GATEWAY_CPS if own else catalogue.CARRIER_CPS
    return catalogue.GATEWAY_CHANNELS if own else catalogue.CARRIER_CHANNELS


__all__ = ["Decisions", "caller_of", "metadata_of"]
