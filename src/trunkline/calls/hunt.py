"""Hunting: one route after another, until one takes the call or none is left."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from trunkline.calls.attempt import Attempt
from trunkline.calls.audio import CALLER, Told, side_towards
from trunkline.calls.early import takes_away
from trunkline.calls.incoming import IncomingLeg
from trunkline.calls.outgoing import OutgoingLeg
from trunkline.calls.record import asked_of
from trunkline.calls.rendering import invitation
from trunkline.calls.trace import LegTrace
from trunkline.decide.places import on_path
from trunkline.decide.plan import Way
from trunkline.facts.record import Parked
from trunkline.facts.refusal import CATALOGUE, EARLY_MEDIA_LOST, Refusal, Result
from trunkline.media import MediaOffer, MediaReady
from trunkline.policy.snapshot import Gateway

if TYPE_CHECKING:
    from trunkline.calls.call import Call


def hunt(call: "Call", result: Result, code: str, now: float) -> None:
    """Try routes until one takes the INVITE; with none left, tell the caller `result`."""
    plan = call.plan
    routes = plan.routes
    while call.redirects or (call.next_route < len(routes) and call.position < plan.max_attempts):
        if call.redirects:
            target, gateway = call.redirects.pop(0), routes[call.next_route - 1]
        else:
            target, gateway = "", routes[call.next_route]
            call.next_route += 1
        if takes_away(call, gateway):
            refused: Refusal | None = EARLY_MEDIA_LOST
            plan.decision.excluded[gateway.name] = EARLY_MEDIA_LOST.code
        else:
            refused = _try(call, gateway, target, now)
        if refused is None:
            return
        if not call.position:
            result, code = refused.result, refused.code
    if plan.emergency:
        call.board.alarm("emergency.failed", call.id, "No emergency route took the call.", now)
    call.fail(result, code, now)


def _try(call: "Call", gateway: Gateway, target: str, now: float) -> Refusal | None:
    """Offer the call to this gateway, or say why not."""
    caller = call.caller
    assert caller is not None
    if call.audio.anchored:
        gateway = on_path(gateway, call.board.decider.ahead(gateway, now))
    ours, number = call.plan.media, len(call.names)
    side = side_towards(ours, gateway.media)
    media = call.board.media.offer(MediaOffer(call.id, number, caller.remote_sdp, side, CALLER, ours), now)
    if media is None:
        call.names.append(gateway.name)
        if number == 1:
            _park(call, now)
        call.audio.wait(number, lambda told, later: _offered(call, gateway, target, number, told, later))
        return None
    refused = _send(call, gateway, target, number, media, now)
    if refused is not None:
        call.audio.forget(number, now)
    return refused


def _park(call: "Call", now: float) -> None:
    """On record while nothing else is: a restart answers the caller."""
    plan, caller, board = call.plan, call.caller, call.board
    if isinstance(caller, IncomingLeg) and caller.invite is not None:
        source, transport, dialer_call_id, _ = call.source
        board.emit(
            Parked(
                call.id, board.clock.utc_us(call.began), plan.direction, plan.trunk.tenant, plan.trunk.name, source, transport, dialer_call_id,
                plan.called_raw, plan.called, plan.caller_raw, call.session_id, asked_of(caller.invite, caller.dialog.local_tag, source),
            ),
            now,
        )  # fmt: skip


def _offered(call: "Call", gateway: Gateway, target: str, number: int, media: Told, now: float) -> None:
    """The media engine has got the attempt ready, while the caller waited."""
    if call.ended or call.caller is None:
        return
    refused = _send(call, gateway, target, number, media, now)
    if refused is not None:
        call.audio.forget(number, now)
        hunt(call, refused.result, refused.code, now)


def _send(call: "Call", gateway: Gateway, target: str, number: int, media: Told, now: float) -> Refusal | None:
    """Send the INVITE of an attempt, or say why not."""
    board, plan = call.board, call.plan
    if not isinstance(media, MediaReady):
        return CATALOGUE[media.code]
    way = board.decider.reserve(plan, gateway, now)
    if not isinstance(way, Way):
        return way
    says, called, number_shown = invitation(plan, gateway, way, media.sdp, call.max_forwards - 1, call.session_id, board.decider.signature(plan, gateway, now))
    if target:
        says = replace(says, uri=target)
    call.position += 1
    attempt = Attempt(board, call, gateway, call.position, number, called, number_shown)
    attempt.ambiguous = call.timer_moved_on
    leg = OutgoingLeg(board, attempt, call.id, number, LegTrace(call.rows, number), says)
    board.legs[leg.dialog.local_tag] = leg
    if number == len(call.names):
        call.names.append(gateway.name)
    call.last = (gateway.carrier, gateway.name)
    call.attempt = attempt
    call.open_legs += 1
    attempt.start(leg, now)
    return None
