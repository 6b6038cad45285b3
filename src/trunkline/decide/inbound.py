"""Calls from carriers: the DID decides which trunks ring, in order (row T17); a call back to one of our numbers says who called (row N14)."""

from typing import TYPE_CHECKING, Final

from trunkline.decide.places import on_path
from trunkline.decide.plan import CallRequest, Plan, Postponed, Refused, Verdict
from trunkline.facts import refusal as catalogue
from trunkline.facts.record import Decision
from trunkline.numbering import CalledFormat, NumberPlan, normalise
from trunkline.numbers import Failed, Fetch, Unjudged
from trunkline.policy.snapshot import Did, Gateway, Snapshot, Trunk
from trunkline.sip.headers.date import parse_date
from trunkline.sip.uri import user_of

if TYPE_CHECKING:
    from trunkline.decide.decisions import Decisions

TO_TRUNK: Final = "trunk/"
"Gateways that stand for a trunk are named by this and the trunk's name."

INTERNATIONAL: Final = NumberPlan()
"How carriers write who calls: country code first."


def inbound(decisions: "Decisions", request: CallRequest, now: float) -> Verdict:
    """Plan a call that a carrier delivers."""
    from trunkline.decide.decisions import caller_of

    policy = decisions.policy
    name = decisions.identity.gateway_at(request.flow.address[0]) or decisions.places.gateway_at(request.flow.address)
    if not name:
        return Refused(catalogue.UNKNOWN_SOURCE)
    gateway = on_path(policy.gateways[name], request.flow)
    called_raw = user_of(request.invite.uri)
    number = "+" + called_raw.lstrip("+")
    did = _longest_did(policy, number)
    caller, display, private = caller_of(request.invite)
    orig = normalise(caller, INTERNATIONAL) or caller
    back = decisions.numbers.callback(number, orig)
    names = did.trunks if did is not None else policy.numbers.callback.get(back.pool, ()) if back is not None else ()
    trunks = [policy.trunks[trunk] for trunk in names if trunk in policy.trunks]
    if not trunks:
        return Refused(catalogue.UNKNOWN_DID)
    first = trunks[0]
    limits = decisions.limits_of_trunk(first)
    waiting = decisions.waiting
    if waiting.has_limits(request.call, limits):
        waiting.resume(request.call)
    elif decisions.limits.take(limits, now) is not None:
        return Refused(catalogue.TRUNK_CHANNELS, first, called_raw)
    at, fields = decisions.clock.utc_us(now), request.invite.fields
    date = parse_date(request.invite.first("Date")) if "Date" in fields else None
    identities = tuple(fields.get("Identity", ()))
    verdict = decisions.attestations.judge(request.invite.call_id, orig, number, identities, date if isinstance(date, int) else None, at // 1_000_000)
    if isinstance(verdict, Fetch):
        until = waiting.certificates(request.call, first, limits, verdict.urls, decisions.attestations.wait_s, now)
        if until is not None:
            return Postponed(first, called_raw, until, number)
        verdict = Unjudged("the certificate did not come in time")
    waiting.settle(request.call)
    routes = tuple(trunk_gateway(trunk) for trunk in trunks)
    verstat = verdict.verstat if verdict is not None else ""
    decision = Decision(
        request.call, at, policy.version, f"did {did.number if did else number}", "priority",
        tuple(route.name for route in routes), {}, 0.0, (1.0,) + (0.0,) * (len(routes) - 1),
        verstat=verstat,
    )  # fmt: skip
    told = {} if back is None else {"campaign": back.campaign, "agent": back.agent, "returns": back.call}
    return Plan(
        first, "inbound", called_raw, number, caller, caller, display, private, decision.destination, "priority", routes, len(routes),
        {name: value for name, value in told.items() if value}, decision, source=gateway, identities=identities, came_from=caller, date=request.invite.first("Date"), verstat=verstat,
        distrust=str(verdict.reason()) if isinstance(verdict, Failed) and identities else "",
    )  # fmt: skip


def trunk_gateway(trunk: Trunk) -> Gateway:
    """A trunk, as something that can be called."""
    host, _, port = trunk.host.rpartition(":") if trunk.host.rpartition(":")[2].isdecimal() else (trunk.host, "", "")
    return Gateway(
        f"{TO_TRUNK}{trunk.name}", "", host.strip("[]") or "registered.invalid", int(port or 0), trunk.transport,
        called=CalledFormat(), options_s=0.0, session_expires_s=trunk.session_expires_s, media=trunk.media,
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
