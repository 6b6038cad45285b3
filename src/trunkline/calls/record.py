"""What is written down of a call, and said to a caller who is refused."""

from typing import TYPE_CHECKING

from trunkline.decide.plan import Refused
from trunkline.facts.clock import milliseconds
from trunkline.facts.record import Asked, LegAudio
from trunkline.facts.record import Call as CallFact
from trunkline.facts.refusal import Refusal
from trunkline.facts.told import Told
from trunkline.media import MediaStatistics
from trunkline.sip.transactions import ServerInvite
from trunkline.sip.uri import user_of

if TYPE_CHECKING:
    from trunkline.calls.arrivals import Arrival
    from trunkline.calls.call import Call
    from trunkline.calls.switchboard import Switchboard


def call_fact(call: "Call", status: int, cause: int, result: str, code: str, released_by: str, now: float) -> CallFact:
    """The `Call` record."""
    board, plan, began = call.board, call.plan, call.began
    address, transport, dialer_call_id, user_agent = call.source
    return CallFact(
        call=call.id, at=board.clock.utc_us(began), node=board.settings.node, policy=call.policy, direction=plan.direction,
        tenant=plan.trunk.tenant, trunk=plan.trunk.name, source=address, transport=transport, dialer_call_id=dialer_call_id,
        user_agent=user_agent, called_raw=plan.called_raw, called=plan.called, caller_raw=plan.caller_raw, caller=plan.caller,
        destination=plan.destination, strategy=plan.strategy, metadata=plan.metadata, state=call.state.value, status=status, cause=cause,
        result=result, refusal=code, released_by=released_by, attempts=call.position, carrier=call.last[0], gateway=call.last[1],
        alerting_ms=ms_since(began, call.alerting_at), early_media_ms=ms_since(began, call.early_at), answer_ms=ms_since(began, call.answer_at),
        talk_ms=milliseconds(now - call.answer_at) if call.answer_at else None, total_ms=milliseconds(now - began),
        holds=call.holds, transfers=call.transfers, emergency=plan.emergency, session_id=call.session_id, abandoned=call.abandoned,
        message=call.message, dead_air_ms=call.ear.dead_air_ms() if call.ear is not None else None,
    )  # fmt: skip


def refused_fact(
    board: "Switchboard", arrival: "Arrival", verdict: Refused, status: int, cause: int, released_by: str, now: float
) -> CallFact:
    """The `Call` record of a call that was never planned."""
    refusal, trunk, flow, request = verdict.refusal, verdict.trunk, arrival.transaction.flow, arrival.request
    return CallFact(
        call=arrival.call, at=board.clock.utc_us(arrival.at), node=board.settings.node, policy="", direction=arrival.direction, tenant=trunk.tenant if trunk else "",
        trunk=trunk.name if trunk else "", source=str(flow), transport=flow.door.transport, dialer_call_id=request.call_id,
        user_agent=request.first("User-Agent"), called_raw=verdict.called, called=verdict.number, caller_raw=user_of(request.fields["From"][0]), caller="",
        destination=verdict.decision.destination if verdict.decision else "", strategy=verdict.decision.strategy if verdict.decision else "", metadata=verdict.metadata, state="failed", status=status, cause=cause, result=refusal.result.value,
        refusal=refusal.code, released_by=released_by, attempts=0, carrier="", gateway="", alerting_ms=None, early_media_ms=None,
        answer_ms=None, talk_ms=None, total_ms=milliseconds(now - arrival.at), holds=0, transfers=0, emergency=False, session_id=arrival.session_id,
        why=verdict.text,
    )  # fmt: skip


def asked_of(transaction: ServerInvite, tag: str, source: str) -> Asked | None:
    """What a restart needs to answer this INVITE; None where it is answered."""
    reply, request, door = transaction.reply, transaction.request, transaction.flow.door
    if reply is None or request is None:
        return None
    return Asked(door.name, door.transport, source, tag, f"{request.uri}\r\n{reply.vias}To: {reply.recipient}\r\n{reply.rest}")


def leg_audio(heard: MediaStatistics, call: "Call | None", at: int) -> LegAudio:
    """The record of one leg's audio; `call` is None when its ladder was written before the media engine had counted."""
    party = call.names[heard.leg] if call is not None and heard.leg < len(call.names) else ""
    return LegAudio(
        heard.call, heard.leg, at, party, heard.codec, heard.received, heard.sent, heard.lost, round(heard.jitter_ms, 2),
        round(heard.mos, 2) if heard.mos else None, heard.refused, milliseconds(heard.first_s) if heard.first_s >= 0 else None,
    )  # fmt: skip


def told_lines(answer: Told, refusal: Refusal | None, text: str = "") -> str:
    """Reason, Warning and Retry-After lines of a refusal to the dialer; `text` says more than its code (no quotes, no controls)."""
    lines = f"Reason: Q.850;cause={answer.cause}\r\n" if answer.cause else ""
    if refusal is not None:
        lines += f'Warning: 399 trunkline "{refusal.code}{": " + text if text else ""}"\r\n'
        if answer.retry_after and refusal.retry_after_s:
            lines += f"Retry-After: {refusal.retry_after_s}\r\n"
    return lines


def ms_since(began: float, at: float) -> float | None:
    """Milliseconds from `began` to `at`; None for what never happened."""
    return milliseconds(at - began) if at else None
