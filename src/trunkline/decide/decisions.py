"""The decision for one call: who calls, what number that is, where it may go, in which order (rule 8: it explains itself).

classify the number -> emergency? -> admit -> candidates in order. Gateways are asked for room and health only when an attempt is about to
be sent, because a call may wait a minute between two attempts.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from msgspec.structs import replace

from trunkline.decide.attestations import Attestations
from trunkline.decide.callers import Callers
from trunkline.decide.inbound import inbound
from trunkline.decide.places import Places
from trunkline.decide.plan import CallRequest, Plan, Postponed, Refused, Verdict, Way
from trunkline.decide.waiting import Held, Waiting, cps_of, rate_of
from trunkline.facts import refusal as catalogue
from trunkline.facts.clock import Clock
from trunkline.facts.record import AnswerLabelled, Attempt, Call, Decision, Fact, GatewayState
from trunkline.facts.refusal import Refusal
from trunkline.guard import Challenge, Compliance, Identity, Known, Limits
from trunkline.guard.limits import Limit
from trunkline.guard.pacing import Full, Wait
from trunkline.guard.sharing import at_carrier, shares
from trunkline.numbering import longest, normalise
from trunkline.numbering.dip import Waiting as Asked
from trunkline.numbering.world import world
from trunkline.numbers import Nobody, NumberBook
from trunkline.policy.snapshot import Destination, Gateway, Snapshot, Trunk
from trunkline.routing import Health, Router
from trunkline.routing.refine import Refine
from trunkline.routing.refine import rated as rated_number
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.headers.date import render_date
from trunkline.sip.headers.name_addr import parse_name_addr
from trunkline.sip.message import Request
from trunkline.sip.uri import user_of


class Decisions:
    """`calls.decider.Decider` over a policy snapshot and live state."""

    def __init__(
        self, policy: Snapshot, identity: Identity, places: Places, health: Health, limits: Limits, clock: Clock, random: Random,
        lists: Path | None = None,
    ) -> None:
        """`lists` is the folder of do-not-call lists."""
        self.policy = policy
        self.identity = identity
        self.places = places
        self.health = health
        self.limits = limits
        self.clock = clock
        self.random = random
        self.router = Router(random, health)
        self.numbers = NumberBook()
        self.callers = Callers(self.numbers, random)
        self.waiting = Waiting(limits)
        self.attestations = Attestations(self.numbers, landed=self.waiting.answered)
        self.compliance = Compliance(lists)
        self.suspect: Callable[[Gateway, Flow, float], None] = lambda gateway, flow, now: None
        "Told of a path by which a call heard nothing."
        self._follow(policy)
        self._limits_of: dict[str, tuple[Limit, ...]] = {}
        self._paced: dict[str, list[Gateway]] = {}
        "Destination -> its gateways, where any has a rate; else nothing."

    def apply_policy(self, policy: Snapshot, identity: Identity, now: float) -> None:
        """A new policy is in force for calls that begin from now on, and for those that wait."""
        before, self.policy = self.policy, policy
        self.identity = identity
        self._follow(policy)
        self._limits_of.clear()
        self._paced.clear()
        self.limits.repace(partial(cps_of, before), partial(cps_of, policy), now)
        if self.waiting.held:
            self.waiting.repace(self._wanted)

    def _wanted(self, held: Held) -> tuple[str, tuple[Limit, ...]] | None:
        """Queue and limits of a call that waits, by the policy in force; None where that names its trunk or gateway no more."""
        trunk, gateway = self.policy.trunks.get(held.trunk), self.policy.gateways.get(held.gateway)
        if trunk is None or (held.gateway and gateway is None):
            return None
        if gateway is None:
            return f"tenant {trunk.tenant}", self.limits_of_trunk(trunk)
        limits = self._limits_of_gateway(gateway, trunk.tenant)
        return rate_of(gateway, limits), limits

    def _follow(self, policy: Snapshot) -> None:
        self.router.follow(policy)
        self.callers.follow(policy)
        self.attestations.follow(policy.attestation)
        self.compliance.follow(policy)
        self.waiting.follow(policy)
        self.limits.guarantee(shares(policy))
        self._refine = Refine(policy, _country_of) if policy.dips else None

    # Deciding.

    def decide(self, request: CallRequest, now: float) -> Verdict:
        policy = self.policy
        call, invite, from_trunk = request.call, request.invite, request.trunk
        if not from_trunk and request.flow.door.purpose == "carriers":
            return inbound(self, request, now)
        held = self.waiting.resume(call) if self.waiting.held else None
        if from_trunk or held is not None:
            trunk = policy.trunks.get(held.trunk if held is not None else from_trunk)
            if trunk is None:
                return Refused(catalogue.UNKNOWN_SOURCE)
            called_raw = request.called if from_trunk else user_of(invite.uri)
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
        number_plan = trunk.plan
        called = normalise(called_raw, number_plan)
        if called is None:
            return Refused(catalogue.INVALID_NUMBER, trunk, called_raw)
        patient = not from_trunk  # the new call of a transfer is decided on at once
        rated, name = called, longest(policy.prefixes, called[1:], policy.longest_prefix)
        if self._refine is not None:
            found = self.waiting.looked_up(call, trunk, called, now, patient)
            if isinstance(found, Asked):
                return Postponed(trunk, called_raw, found.until, called)
            if found is not None:
                if found.refuse:
                    return Refused(catalogue.DIP_SILENT, trunk, called_raw, number=called)
                rated, name = rated_number(called, found), self._refine.destination(called, found)
        if name is None:
            return Refused(catalogue.NO_DESTINATION, trunk, called_raw, number=called)
        at = self.clock.utc_us(now)
        metadata = metadata_of(trunk, invite) if trunk.metadata else {}
        denied = self.compliance.refuses(trunk, called, name, metadata, at)
        if denied is not None:
            return Refused(denied.refusal, trunk, called_raw, number=called, metadata=metadata, text=denied.text)
        turn = self.waiting.turn(call, trunk, self.limits_of_trunk(trunk), now, patient)
        if isinstance(turn, Wait):
            return Postponed(trunk, called_raw, turn.until, called)
        if isinstance(turn, Full):
            return Refused(_limit_refusal((turn.name, turn.why), trunk), trunk, called_raw, number=called, metadata=metadata)
        destination = policy.destinations[name]
        if trunk.pace.wait_s and patient:
            until = self._gateway_ready(call, trunk, destination, now)
            if until is not None:
                return Postponed(trunk, called_raw, until, called)
        if self.waiting.held:
            self.waiting.settle(call)
        choice = self.router.choose(policy, destination, rated, now, at / 1e6)
        band = self.router.band(policy, destination, at / 1e6) if policy.bands else ""
        gateways, strategy = choice.gateways, destination.strategy
        decision = Decision(
            call, at, policy.version, name, strategy, tuple([gateway.name for gateway in gateways]),
            {}, choice.draw, choice.propensity, choice.scores, band, choice.holdout,
        )  # fmt: skip
        caller_raw, display, private = caller_of(invite)
        caller = normalise(caller_raw, number_plan) or caller_raw
        plan = Plan(
            trunk, "outbound", called_raw, called, caller_raw, caller, display, private, name, strategy, gateways,
            destination.max_attempts, metadata, decision, rated=rated,
        )  # fmt: skip
        if trunk.caller_id.use != "pass":
            numbered = self._with_number(plan, at)
            if isinstance(numbered, Refused):
                return numbered
            plan = numbered
        return self._attested(plan, invite, caller, at) if self.attestations.signs or "Identity" in invite.fields else plan

    def _gateway_ready(self, call: str, trunk: Trunk, destination: Destination, now: float) -> float | None:
        """Until when a call waits because every gateway that could take it has used up its rate; None where it goes on.

        Asked before the router draws an order and a number is taken: a call that waits has used neither.
        """
        paced = self._paced.get(destination.name)
        if paced is None:
            gateways = [self.policy.gateways[name] for name in dict.fromkeys([name for route in destination.routes for name in route.gateways])]
            has_rate = any([limit.cps for gateway in gateways for limit in self._limits_of_gateway(gateway, trunk.tenant)])
            paced = self._paced[destination.name] = gateways if has_rate else []
        late: list[tuple[Gateway, tuple[Limit, ...]]] = []
        takes_calls: list[str] = []
        for gateway in paced:
            limits = self._limits_of_gateway(gateway, trunk.tenant)
            if not self._takes_calls(gateway, destination, now):
                continue
            takes_calls.append(gateway.name)
            if not self.limits.has_room(limits):
                continue
            if not self.waiting.pacer.free(limits, now):
                if self.waiting.held and (held := self.waiting.held.get(call)) is not None and held.gateway:
                    self.waiting.goes_on(call, any(known.name == held.gateway and self._takes_calls(known, destination, now) for known in paced))
                return None
            late.append((gateway, limits))
        if not late and not self.waiting.held:
            return None
        return self.waiting.at_gateway(call, trunk, self.limits_of_trunk(trunk), late, takes_calls, now)

    def _takes_calls(self, gateway: Gateway, destination: Destination, now: float) -> bool:
        """Whether a gateway leads somewhere and is not known to be out or failing."""
        health = self.health
        if self.places.way(gateway, now) is None:
            return False
        return not health.has_news() or not (health.is_out(gateway.name, destination.name, now) or health.skips(gateway.name, destination.name, now))

    def _with_number(self, plan: Plan, at: int) -> Plan | Refused:
        """The plan with a number that may be called with now, or none: never one that should rest because no other is left (rule 9)."""
        trunk, call, campaign = plan.trunk, plan.decision.call, plan.metadata.get("campaign", "")
        chosen = self.callers.choose(trunk, plan.called, plan.caller, campaign, plan.routes, at)
        if isinstance(chosen, Nobody):
            self.limits.give(*[limit.name for limit in self.limits_of_trunk(trunk)])
            decision = replace(plan.decision, numberless=chosen.excluded)
            return Refused(chosen.refusal, trunk, plan.called_raw, decision=decision, number=plan.called, metadata=plan.metadata)
        taken = self.numbers.take(chosen, call, plan.called, campaign, plan.metadata.get("agent", ""), at)
        return replace(plan, caller=chosen.number, shown=self.callers.shown(plan.called, plan.routes, at), facts=(taken,))

    def _attested(self, plan: Plan, invite: Request, came_from: str, at: int) -> Plan:
        """The plan with what may be said about its caller: every attempt at the same level."""
        level = self.attestations.level(plan.trunk, plan.caller, at)
        return replace(
            plan, attest=level, identities=tuple(invite.fields.get("Identity", ())), came_from=came_from, date=invite.first("Date"),
            decision=replace(plan.decision, attest=level),
        )  # fmt: skip

    def signature(self, plan: Plan, gateway: Gateway, now: float) -> str:
        """Identity and Date lines of one attempt; empty where the call is not signed."""
        if not plan.attest and not plan.identities:
            return ""
        at_s = self.clock.utc_us(now) // 1_000_000
        values = self.attestations.identities(plan, gateway, at_s)
        if not values:
            return ""
        lines = "".join([f"Identity: {value}\r\n" for value in values])
        return f"{lines}Date: {plan.date if values[0] in plan.identities and plan.date else render_date(at_s)}\r\n"

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
            trunk, "outbound", called, "", caller, trunk.emergency.callback or normalise(caller, trunk.plan) or caller, display, False, "emergency", "priority", gateways,
            len(gateways), metadata_of(trunk, request.invite), decision, emergency=True,
        )  # fmt: skip

    def due(self, now: float) -> list[str]:
        """Postponed calls to decide on now."""
        return self.waiting.due(now)

    def next_due(self) -> float | None:
        """When to ask for them, where nothing else wakes us."""
        return self.waiting.next_due()

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
        limits = self._limits_of_gateway(gateway, plan.trunk.tenant)
        if plan.emergency:
            self.limits.hold(tuple(limit.name for limit in limits))
            return way
        waiting = self.waiting
        if not (waiting.held and waiting.has_turn(plan.decision.call, gateway.name)):
            rate = waiting.pacer.free(limits, now) if waiting.held else ""
            full = (rate, "cps") if rate else self.limits.take(limits, now)
            if full is not None:
                return _gateway_refusal(full, gateway)
            if waiting.held:
                waiting.left(plan.decision.call)  # it needs no turn anywhere else
        self.router.began(plan.decision.call, gateway.name)
        return way

    def ahead(self, gateway: Gateway, now: float) -> Flow | None:
        return self.places.flow_to(gateway, now)

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0, silent: bool = False) -> bool:
        another = self.places.avoid(gateway, flow, now, since)
        if silent:
            self.suspect(gateway, flow, now)
        return another

    def bill(self, destination: str, gateway: str, talk_s: float, called: str = "", at: float = 0.0) -> float | None:
        return self.router.bill(destination, gateway, talk_s, called, at)

    # Learning.

    def observe(self, fact: Fact, now: float) -> None:
        self.numbers.apply(fact)
        self.compliance.apply(fact)
        learn = _LEARNS.get(type(fact))
        if learn is not None:
            learn(self, fact, now)

    def _attempted(self, fact: Attempt, now: float) -> None:
        gateway, carrier = fact.gateway, fact.carrier
        self.limits.give(f"gateway {gateway}", f"carrier {carrier}", at_carrier(fact.tenant, carrier))
        changed = self.health.apply(fact, now, fact.outcome == "route" and self.places.spares(gateway, fact.local, fact.remote, now))
        self.router.apply(fact)
        if self.waiting.held and (changed or fact.retry_after_s):
            self.waiting.reconsider()

    def _labelled(self, fact: AnswerLabelled, now: float) -> None:
        self.router.apply(fact)

    def _ended(self, fact: Call, now: float) -> None:
        if fact.policy:
            self.limits.give(f"trunk {fact.trunk}", f"tenant {fact.tenant}")
        if self.waiting.held:
            self.waiting.left(fact.call)

    def _moved(self, fact: GatewayState, now: float) -> None:
        if self.waiting.held:
            self.waiting.reconsider()

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

    def _limits_of_gateway(self, gateway: Gateway, tenant: str) -> tuple[Limit, ...]:
        key = f"gateway {gateway.name} {tenant}"
        known = self._limits_of.get(key)
        if known is None:
            carrier = self.policy.carriers.get(gateway.carrier)
            known = (
                Limit(f"gateway {gateway.name}", gateway.channels, gateway.cps),
                Limit(f"carrier {gateway.carrier}", carrier.channels if carrier else 0, carrier.cps if carrier else 0.0),
            )
            if carrier is not None and carrier.guaranteed:
                known = (*known, Limit(at_carrier(tenant, gateway.carrier)))
            self._limits_of[key] = known
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


def _country_of(digits: str) -> str:
    return world().kind(digits).country


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


_Learn: TypeAlias = Callable[[Decisions, Any, float], None]
_LEARNS: Final[dict[type, _Learn]] = {
    Attempt: Decisions._attempted, AnswerLabelled: Decisions._labelled, Call: Decisions._ended, GatewayState: Decisions._moved,
}  # fmt: skip
"Fact -> what is learnt from it beside what numbers and rules of contact learn."

__all__ = ["Decisions", "caller_of", "metadata_of"]
