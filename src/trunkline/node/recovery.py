"""After a crash: hang up what cannot be carried on, tell callers who wait, and write down that it ended (design rule 6, row S3)."""

from collections.abc import Iterable, Mapping

from trunkline.calls.record import told_lines
from trunkline.facts.clock import Clock
from trunkline.facts.record import Asked, Attempt, AttemptStarted, Call, DialogClosed, DialogOpened, Fact
from trunkline.facts.refusal import CATALOGUE, RESTARTED
from trunkline.facts.told import Told, told
from trunkline.policy.snapshot import Trunk
from trunkline.records import OpenCall
from trunkline.sip.build import Head, phrase_of
from trunkline.sip.dialog import Dialog, host_port
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Received
from trunkline.sip.flow import Door, Flow
from trunkline.sip.transactions import ServerInvite

REASON = 'Reason: Q.850;cause=41;text="node restarted"\r\n'


def hang_up(endpoint: Endpoint, dialogs: Iterable[DialogOpened], pending: Iterable[AttemptStarted], doors: Mapping[str, Door], now: float) -> int:
    """Send BYE in every dialog and CANCEL for every pending INVITE; how many were sent."""
    sent = 0
    for fact in dialogs:
        flow = _flow(fact.door, fact.transport, fact.remote, doors)
        if flow is None:
            continue
        flow = _reconnected(flow, fact)
        dialog = Dialog(fact.call_id, fact.local, "", fact.peer, "", fact.target, flow)
        dialog.route = fact.route
        dialog.local_cseq = fact.cseq
        dialog.request(endpoint, "BYE", now, extra=REASON)
        sent += 1
    for attempt in pending:
        flow = _flow(attempt.door, attempt.transport, attempt.remote, doors)
        head = _head(attempt.invite)
        if flow is None or head is None:
            continue
        branch = head.via.partition(";branch=")[2].partition(";")[0]
        endpoint.send_cancel(head, branch, flow, now, REASON)
        sent += 1
    return sent


def answer(endpoint: Endpoint, calls: Iterable[OpenCall], trunks: Mapping[str, Trunk], doors: Mapping[str, Door], now: float) -> int:
    """Give the INVITE of every caller who waits a final answer, repeated until its ACK; how many. Call it before anything is received.

    A caller who may have heard one is told the same again.
    """
    sent = 0
    for call in calls:
        asked = call.asked
        flow = _flow(asked.door, asked.transport, asked.source, doors) if asked is not None else None
        transaction = _asked_again(endpoint, asked, flow, now) if asked is not None and flow is not None else None
        if asked is None or transaction is None:
            continue
        transaction.flow = _connected_to(transaction.flow, asked)
        status, cause, code = call.told
        verdict = Told(status, phrase_of(status), cause, retry_after=True) if status else _restarted(call, trunks)
        transaction.respond(verdict.status, verdict.phrase, asked.tag, now, told_lines(verdict, CATALOGUE.get(code or RESTARTED.code)))
        sent += 1
    return sent


def records(calls: Iterable[OpenCall], trunks: Mapping[str, Trunk], clock: Clock, node: str, now: float) -> list[Fact]:
    """The facts that close what a crash left open."""
    facts: list[Fact] = []
    at = clock.utc_us(now)
    for call in calls:
        for position, started in call.started.items():
            facts.append(_attempt(call, position, started, at))
        facts += [DialogClosed(call.call, leg, at) for leg in call.dialogs]
        if not call.recorded:
            facts.append(_call(call, trunks, node, at))
    return facts


def _attempt(call: OpenCall, position: int, started: AttemptStarted, at: int) -> Attempt:
    answered = call.dialogs.get(position)
    return Attempt(
        call=call.call, position=position, at=started.at, tenant=started.tenant, trunk=started.trunk, destination=started.destination, carrier=started.carrier,
        gateway=started.gateway, transport=started.transport, remote=started.remote, called=started.called, caller=started.caller,
        carrier_call_id=_line(started.invite, "Call-ID"), status=200 if answered else 0, phrase="", reason="", cause=41,
        outcome="answered" if answered else "ours", evidence="node restarted", next="stop", refusal=RESTARTED.code, released_by="trunkline",
        first_reply_ms=None, progress_ms=None, alerting_ms=None, early_media_ms=None,
        answer_ms=round((answered.at - started.at) / 1000, 1) if answered else None,
        talk_ms=round((at - answered.at) / 1000, 1) if answered else None, total_ms=round((at - started.at) / 1000, 1), early_media="none",
        codec="", server="", retransmissions=0, censored=not answered, ambiguous=False, retry_after_s=0, session_id=started.session_id,
    )  # fmt: skip


def _call(call: OpenCall, trunks: Mapping[str, Trunk], node: str, at: int) -> Call:
    first = next(iter(call.started.values()), None)
    caller = call.dialogs.get(0)
    parked = call.parked
    times = [parked.at] if parked is not None else []
    times += [started.at for started in call.started.values()] + [dialog.at for dialog in call.dialogs.values()] + [a.at for a in call.attempts.values()]
    began = min(times, default=at)
    last = first or (call.attempts[max(call.attempts)] if call.attempts else None)
    whose = last or parked
    asked = call.asked
    refused = _restarted(call, trunks) if asked is not None else None
    return Call(
        call=call.call, at=began, node=node, policy="", direction=parked.direction if parked else "outbound", tenant=whose.tenant if whose else "",
        trunk=whose.trunk if whose else "", source=caller.remote if caller else asked.source if asked else parked.source if parked else "",
        transport=caller.transport if caller else asked.transport if asked else parked.transport if parked else "",
        dialer_call_id=caller.call_id if caller else _line(asked.invite, "Call-ID") if asked else parked.dialer_call_id if parked else "",
        user_agent="", called_raw=parked.called_raw if parked else "", called=(first.e164 if first else "") or (whose.called if whose else ""),
        caller_raw=parked.caller_raw if parked else "", caller=last.caller if last else "", destination=last.destination if last else "", strategy="", metadata={},
        state="disconnected" if caller else "failed", status=200 if caller else refused.status if refused else 0,
        cause=refused.cause if refused and not caller else 41, result="unreachable", refusal=RESTARTED.code,
        released_by="trunkline", attempts=len(call.started) + len(call.attempts), carrier=last.carrier if last else "",
        gateway=last.gateway if last else "", alerting_ms=None, early_media_ms=None,
        answer_ms=round((caller.at - began) / 1000, 1) if caller else None, talk_ms=round((at - caller.at) / 1000, 1) if caller else None,
        total_ms=round((at - began) / 1000, 1), holds=0, transfers=0, emergency=False, session_id=whose.session_id if whose else "",
    )  # fmt: skip


def _restarted(call: OpenCall, trunks: Mapping[str, Trunk]) -> Told:
    """What the caller is told, by the profile its trunk has now."""
    named = [whose.trunk for whose in (call.parked, *call.started.values(), *call.attempts.values()) if whose is not None]
    trunk = trunks.get(named[0]) if named else None
    return told(trunk.profile if trunk is not None else "generic", RESTARTED.result)


def _asked_again(endpoint: Endpoint, asked: Asked, flow: Flow, now: float) -> ServerInvite | None:
    """The transaction of an INVITE, as if its caller had sent it a second time; None where it cannot be read any more."""
    uri, _, lines = asked.invite.partition("\r\n")
    top, _, rest = lines.partition("\r\n")
    endpoint.receive(f"INVITE {uri} SIP/2.0\r\n{_as_sent(top, flow)}\r\n{rest}\r\n".encode("utf-8", "surrogateescape"), flow, now)
    event = endpoint.next_event()
    return event.transaction if isinstance(event, Received) and isinstance(event.transaction, ServerInvite) else None


def _as_sent(via: str, flow: Flow) -> str:
    """A Via line without what was noted of its source on receipt (RFC 3581 section 4)."""
    top, comma, others = via.partition(",")
    host, port = flow.address
    return f"{top.removesuffix(f';received={host}').replace(f';rport={port}', ';rport', 1)}{comma}{others}"


def _connected_to(flow: Flow, asked: Asked) -> Flow:
    """Over TCP and TLS the connection died with the process: a response goes to where the INVITE came from, at the port its Via names (RFC 3261 section 18.2.2)."""
    if not flow.door.reliable:
        return flow
    _, port = host_port(f"sip:{_line(asked.invite, 'Via').partition(' ')[2].partition(';')[0]}")
    return Flow(flow.door, (flow.address[0], port or (5061 if flow.door.transport == "tls" else 5060)))


def _flow(door: str, transport: str, remote: str, doors: Mapping[str, Door]) -> Flow | None:
    """By the door it was, or one of its transport where the settings have changed."""
    opened = doors.get(door)
    if opened is None or opened.transport != transport:
        opened = next((other for other in doors.values() if other.transport == transport), None)
    host, _, port = remote.rpartition(":")
    return Flow(opened, (host.strip("[]"), int(port))) if opened is not None and port.isdecimal() else None


def _reconnected(flow: Flow, fact: DialogOpened) -> Flow:
    """Over TCP and TLS the connection died with the process: connect to where the far end listens, which its Contact or first route tells
    (RFC 3261 section 12.2.1.1), when that is the machine the connection came from."""
    host, port = host_port(fact.route[0] if fact.route else fact.target)
    if not flow.door.reliable or host != flow.address[0]:
        return flow
    return Flow(flow.door, (host, port or (5061 if flow.door.transport == "tls" else 5060)))


def _line(invite: str, name: str) -> str:
    return next((line.partition(": ")[2] for line in invite.split("\r\n") if line.startswith(f"{name}: ")), "")


def _head(invite: str) -> Head | None:
    """The INVITE's own lines back from its fact."""
    cseq = _line(invite, "CSeq")
    if not cseq.isdecimal():
        return None
    route = "".join(f"{line}\r\n" for line in invite.split("\r\n") if line.startswith("Route: "))
    uri = invite.partition("\r\n")[0]
    return Head(uri, _line(invite, "Via"), _line(invite, "From"), _line(invite, "To"), _line(invite, "Call-ID"), int(cseq), route)
