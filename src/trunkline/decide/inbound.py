"""Calls from carriers: the DID decides which trunks ring, in order (row T17)."""

from typing import TYPE_CHECKING

from trunkline.decide.plan import CallRequest, Plan, Refused, Verdict
from trunkline.facts import refusal as catalogue
from trunkline.facts.record import Decision
from trunkline.guard.limits import Limit
from trunkline.numbering import CalledFormat
from trunkline.policy.snapshot import Did, Gateway, Snapshot, Trunk
from trunkline.sip.uri import user_of

if TYPE_CHECKING:
    from trunkline.decide.decisions import Decisions

TO_TRUNK = "trunk/"
"Gateways that stand for a trunk are named by this and the trunk's name."


def inbound(decisions: "Decisions", request: CallRequest, now: float) -> Verdict:
    """Plan a call that a carrier delivers."""
    from trunkline.decide.decisions import caller_of

    policy = decisions.policy
    name = decisions.identity.gateway_at(request.flow.address[0]) or decisions.places.gateway_at(request.flow.address)
    if not name:
        return Refused(catalogue.UNKNOWN_SOURCE)
    gateway = policy.gateways[name]
    called_raw = user_of(request.invite.uri)
    number = "+" + called_raw.lstrip("+")
    did = _longest_did(policy, number)
    trunks = [policy.trunks[trunk] for trunk in did.trunks if trunk in policy.trunks] if did is not None else []
    if not trunks:
        return Refused(catalogue.UNKNOWN_DID)
    first = trunks[0]
    full = decisions.limits.take((*decisions.limits_of_trunk(first), Limit(f"inbound {gateway.name}")), now)
    if full is not None:
        return Refused(catalogue.TRUNK_CHANNELS, first, called_raw)
    decisions.limits.give(f"inbound {gateway.name}")
    routes = tuple(trunk_gateway(trunk) for trunk in trunks)
    decision = Decision(
        request.call, decisions.clock.utc_us(now), policy.version, f"did {did.number if did else ''}", "priority",
        tuple(route.name for route in routes), {}, 0.0, (1.0,) + (0.0,) * (len(routes) - 1),
    )  # fmt: skip
    caller, display, private = caller_of(request.invite)
    return Plan(
        first, "inbound", called_raw, number, caller, caller, display, private, decision.destination, "priority", routes, len(routes), {}, decision
    )  # fmt: skip


def trunk_gateway(trunk: Trunk) -> Gateway:
    """A trunk, as something that can be called."""
    host, _, port = trunk.host.rpartition(":") if trunk.host.rpartition(":")[2].isdecimal() else (trunk.host, "", "")
    return Gateway(
        f"{TO_TRUNK}{trunk.name}", "", host.strip("[]") or "registered.invalid", int(port or 0), trunk.transport,
        called=CalledFormat(), options_s=0.0, session_expires_s=trunk.session_expires_s,
    )  # fmt: skip


def _longest_did(policy: Snapshot, number: str) -> Did | None:
    """The DID itself, else the longest `prefix*`."""
    exact = policy.dids.get(number)
    if exact is not None:
        return exact
    for length in range(len(number), 0, -1):
        ranged = policy.dids.get(number[:length] + "*")
        if ranged is not None:
            return ranged
    return None
