"""An attempt: one INVITE to one gateway, timed, judged and written down.

It owns the outgoing leg. While the call waits for an answer it turns what the leg hears into progress for the call or into an outcome;
once the call has moved on, it only waits for the leg to be properly over.
"""

from enum import IntEnum
from typing import TYPE_CHECKING, Final

from trunkline.calls.events import Answer, CallEvent, EarlyMedia, Fail, Progress, Redirect, Release, Ring
from trunkline.calls.incoming import IncomingLeg
from trunkline.calls.leg import Leg
from trunkline.calls.outgoing import OutgoingLeg
from trunkline.calls.record import asked_of, ms_since
from trunkline.facts.clock import milliseconds
from trunkline.facts.outcome import Class, Next, Outcome, Reply, is_alerting, judge, judge_wait
from trunkline.facts.record import Attempt as AttemptFact
from trunkline.facts.record import AttemptStarted
from trunkline.facts.refusal import Result
from trunkline.policy.snapshot import Gateway
from trunkline.sip.flow import Flow
from trunkline.sip.headers.reason import cause_of
from trunkline.sip.sdp import first_codec

if TYPE_CHECKING:
    from trunkline.calls.call import Call
    from trunkline.calls.switchboard import Switchboard


class Wait(IntEnum):
    """Timers of an attempt, each the gateway's own."""

    RESPONSE = 1
    PROGRESS = 2
    ANSWER = 3


SLOW: Final = {Wait.RESPONSE: "no response", Wait.PROGRESS: "no progress"}
"Evidence against the route."


class Attempt:
    __slots__ = (
        "alerted_by",
        "alerting_at",
        "ambiguous",
        "answer_at",
        "band",
        "barred",
        "began",
        "board",
        "call",
        "call_id",
        "called",
        "caller",
        "codec",
        "destination",
        "e164",
        "early",
        "early_at",
        "early_heard",
        "early_sdp",
        "first_at",
        "flow",
        "gateway",
        "generation",
        "heard",
        "leg",
        "listened",
        "number",
        "position",
        "progress_at",
        "rated",
        "released_by",
        "session_id",
        "tenant",
        "trunk",
        "written",
    )  # fmt: skip

    def __init__(self, board: "Switchboard", call: "Call", gateway: Gateway, position: int, number: int, called: str, caller: str) -> None:
        self.board = board
        self.call: Call | None = call
        self.call_id = call.id
        self.gateway = gateway
        self.position = position
        self.number = number
        "The leg's number within its call: 1 and up, over transfers too."
        self.called = called
        self.e164 = call.plan.called
        self.rated = call.plan.rated or call.plan.called
        self.caller = caller
        self.tenant = call.plan.trunk.tenant
        self.trunk = call.plan.trunk.name
        self.destination = call.plan.destination
        self.band = call.plan.decision.band
        self.session_id = call.session_id
        self.leg: OutgoingLeg | None = None
        self.flow: Flow | None = None
        "Where the INVITE went."
        self.generation = 0
        self.began = 0.0
        self.first_at = self.progress_at = self.alerting_at = self.early_at = self.answer_at = 0.0
        "Monotonic times of what happened; 0 when it did not."
        self.alerted_by = ""
        self.early = "none"
        self.early_heard = ""
        "What listening made of the time before the answer."
        self.listened = -1.0
        "Probability with which it was drawn to be listened to; 0 when it was not, -1 before it was asked."
        self.heard = ""
        "What listening took the answer for."
        self.barred = False
        "Its carrier says that nothing of it may be heard before the answer."
        self.early_sdp = b""
        "Its newest description before the answer."
        self.codec = ""
        self.released_by = ""
        self.ambiguous = False
        self.written = False

    def start(self, leg: OutgoingLeg, now: float) -> None:
        """Send the INVITE, on record."""
        self.leg = leg
        self.began = now
        leg.start(now)
        invite = leg.invite
        assert invite is not None
        head = invite.head
        assert head is not None
        flow = self.flow = invite.flow
        call, asked = self.call, None
        if self.position == 1 and call is not None and isinstance(caller := call.caller, IncomingLeg) and caller.invite is not None:
            asked = asked_of(caller.invite, caller.dialog.local_tag, call.source[0])
        self.board.emit(
            AttemptStarted(
                self.call_id, self.position, self.board.clock.utc_us(now), self.gateway.carrier, self.gateway.name, flow.door.name,
                flow.door.transport, str(flow),
                f"{head.uri}\r\nVia: {head.via}\r\n{head.route}From: {head.sender}\r\nTo: {head.recipient}\r\nCall-ID: {head.call_id}\r\nCSeq: {head.cseq}",
                self.trunk, self.called, self.caller, self.destination, self.tenant, self.session_id, self.e164, asked,
            ),
            now,
        )  # fmt: skip
        self.board.endpoint.timers.at(now + self.gateway.timers.no_response_s, self, Wait.RESPONSE)

    # What the leg hears.

    def hear(self, leg: Leg, event: CallEvent, now: float) -> None:
        if self.answer_at or self.written:
            self._after_answer(leg, event, now)
        elif isinstance(event, Ring | EarlyMedia | Progress):
            self._progress(event, now)
        elif isinstance(event, Answer):
            self.generation += 1
            self.first_at = self.first_at or now
            self.answer_at = now
            if not event.sdp:
                event = Answer(self.early_sdp)  # described in a reliable 18x, of which the caller may have been told nothing
            self.codec = first_codec(event.sdp)
            if self.call is not None:
                self.call.answered(self, event, now)
        elif isinstance(event, Fail):
            self._failed(event, now)
        elif isinstance(event, Redirect):
            self._redirected(event, now)
        elif self.call is not None:
            if isinstance(event, Release):
                self._failed(Fail(487, "Request Terminated", event.reason), now)
            else:
                self.call.hear(leg, event, now)

    def _progress(self, event: Ring | EarlyMedia | Progress, now: float) -> None:
        timers = self.gateway.timers
        if not self.first_at:
            self.first_at = now
            self.generation += 1
            self.board.endpoint.timers.at(self.began + timers.no_progress_s, self, Wait.PROGRESS)
        if isinstance(event, Progress) and event.status == 100:
            return
        if not self.progress_at:
            self.progress_at = now
            self.generation += 1
            self.board.endpoint.timers.at(now + timers.no_answer_s, self, Wait.ANSWER)
            self.early = _showed(event)
        if isinstance(event, Ring) and not self.alerting_at:
            self.alerting_at, self.alerted_by = now, "180"
        if not isinstance(event, Progress) and event.sdp and not self.early_at:
            self.early_at = now
        if self.call is not None:
            self.call.progressed(self, event, now)

    def _failed(self, event: Fail, now: float) -> None:
        """A final response, or silence."""
        if not self.first_at and not event.silent:
            self.first_at = now
        cause = cause_of(event.reason) if event.reason else 0
        if self.call is None:
            self._write(self._abandoned_outcome(), event, cause, now)
            self._leave(now)
            return
        reply = Reply(
            event.status, cause, event.reason, alerted=self._alerts(), credentials_sent=event.credentials_sent,
            redirect_server=self.gateway.redirect, silent=event.silent, heard=self.early_heard,
        )  # fmt: skip
        outcome = judge(reply, dict(self.gateway.overrides) if self.gateway.overrides else None)
        self._conclude(outcome, event, cause, now)

    def _redirected(self, event: Redirect, now: float) -> None:
        """3xx: a route failure, unless the gateway is declared a redirect server."""
        if self.gateway.redirect and self.call is not None and self.call.redirected(self, event, now):
            outcome = Outcome(Class.ROUTE, Next.SAME_AGAIN, "redirect server", Result.UNREACHABLE)
            self._write(outcome, Fail(event.status, "Redirected"), 0, now)
            self._leave(now)
            return
        self._failed(Fail(event.status, "Redirected"), now)

    def _conclude(self, outcome: Outcome, event: Fail, cause: int, now: float) -> None:
        self.released_by = "trunkline" if event.silent else "carrier"
        self._write(outcome, event, cause, now)
        call, self.call = self.call, None
        self._leave(now)
        if call is not None:
            call.attempt_failed(self, outcome, event, now)

    def on_timer(self, what: int, now: float) -> None:
        """The gateway was too slow: move on, and clean up behind."""
        if what == Wait.ANSWER:
            outcome, refusal = judge_wait("no answer", self._alerts(), self.early_heard), "call.no_answer"
        else:
            outcome, refusal = Outcome(Class.ROUTE, Next.ROUTE_ON, SLOW[Wait(what)], Result.UNREACHABLE), ""
        self.give_up(outcome, Fail(408, outcome.evidence, silent=True, refusal=refusal), now)

    def give_up(self, outcome: Outcome, event: Fail, now: float) -> None:
        """Conclude without the carrier's word: too slow, or a tone said enough."""
        call, self.call = self.call, None
        self.released_by = "trunkline"
        self._write(outcome, event, 0, now)
        self.generation += 1
        if self.leg is not None:
            self.leg.give_up(now)
        if call is not None:
            call.attempt_failed(self, outcome, event, now)

    def _after_answer(self, leg: Leg, event: CallEvent, now: float) -> None:
        if isinstance(event, Release):
            self.end((event.refusal and "trunkline") or "carrier", now, event)
            if self.call is not None:
                self.call.hear(leg, event, now)
            self._leave(now)
        elif isinstance(event, Fail):
            self._leave(now)
        elif self.call is not None:
            self.call.hear(leg, event, now)

    # What the call says.

    def abandon(self, event: Release, now: float) -> None:
        """The caller gave up: cancel, and write the attempt down when the carrier has said its last word."""
        self.generation += 1
        self.call = None
        self.released_by = "dialer" if not event.refusal else "trunkline"
        if self.leg is not None:
            self.leg.take(event, now)

    def end(self, released_by: str, now: float, event: Release | None = None) -> None:
        """The answered attempt is over."""
        if self.written:
            return
        self.released_by = released_by
        reason = event.reason if event is not None else ""
        self._write(
            Outcome(Class.ANSWERED, Next.STOP, "answered", Result.CANCELLED), Fail(200, "OK", reason, refusal=event.refusal if event else ""),
            cause_of(reason) if reason else 0, now,
        )  # fmt: skip

    def hang_up(self, released_by: str, event: Release, now: float) -> None:
        """The other side of the answered call is gone."""
        self.call = None
        self.end(released_by, now, event if event.refusal else None)
        if self.leg is not None:
            self.leg.take(event, now)
        self._leave(now)

    def _leave(self, now: float) -> None:
        """The leg is over."""
        self.generation += 1
        self.leg = None
        self.board.leg_over(self.call_id, now)

    def _alerts(self) -> bool:
        return is_alerting(bool(self.alerting_at), bool(self.progress_at), self.early_heard)

    def _abandoned_outcome(self) -> Outcome:
        if self.progress_at:
            return judge_wait("ring, no answer", self._alerts(), self.early_heard)
        return Outcome(Class.CALLER, Next.STOP, "cancelled before alerting", Result.CANCELLED)

    def _write(self, outcome: Outcome, event: Fail, cause: int, now: float) -> None:
        if self.written:
            return
        self.written = True
        leg, gateway, began, clock = self.leg, self.gateway, self.began, self.board.clock
        flow = leg.dialog.flow if leg is not None else None
        retransmissions = 0
        if leg is not None and leg.invite is not None:
            retransmissions = leg.invite.repeats
        self.board.emit(
            AttemptFact(
                call=self.call_id, position=self.position, at=clock.utc_us(began), tenant=self.tenant, trunk=self.trunk,
                destination=self.destination, carrier=gateway.carrier, gateway=gateway.name,
                transport=flow.door.transport if flow is not None else gateway.transport, remote=str(flow) if flow is not None else "", local=flow.door.bound if flow is not None else "",
                called=self.called, caller=self.caller, carrier_call_id=leg.dialog.call_id if leg is not None else "",
                status=0 if event.silent else event.status, phrase=event.phrase, reason=event.reason, cause=cause, outcome=outcome.cls.value,
                evidence=outcome.evidence, next="answered" if self.answer_at else outcome.next.value, refusal=event.refusal,
                released_by=self.released_by, first_reply_ms=ms_since(began, self.first_at), progress_ms=ms_since(began, self.progress_at),
                alerting_ms=ms_since(began, self.alerting_at), early_media_ms=ms_since(began, self.early_at), answer_ms=ms_since(began, self.answer_at),
                talk_ms=milliseconds(now - self.answer_at) if self.answer_at else None, total_ms=milliseconds(now - began),
                early_media=self.early, codec=self.codec, server="", retransmissions=retransmissions,
                censored=outcome.cls is Class.CALLER, ambiguous=self.ambiguous, retry_after_s=event.retry_after_s, session_id=self.session_id,
                heard=self.heard, band=self.band, alerted_by=self.alerted_by, early_heard=self.early_heard, listened=max(0.0, self.listened),
                cost=self.board.decider.bill(self.destination, gateway.name, now - self.answer_at, self.rated, clock.utc_us(self.answer_at) / 1e6) if self.answer_at else None,
            ),
            now,
        )  # fmt: skip


def _showed(event: Ring | EarlyMedia | Progress) -> str:
    """How the far end first showed progress."""
    if isinstance(event, Ring):
        return "180+sdp" if event.sdp else "180"
    return "183+sdp" if isinstance(event, EarlyMedia) else "183"
