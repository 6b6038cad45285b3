"""A call: the controller between the caller's leg and whoever answers.

It hunts through the routes of its plan until one answers or the outcome table says stop, passes events between the two legs, and writes
the `Call` record and the ladder. It knows call events only; everything of SIP's machinery stays in the legs.
"""

from typing import TYPE_CHECKING

from trunkline.calls.attempt import Attempt
from trunkline.calls.events import (
    Answer,
    CallEvent,
    Confirm,
    EarlyMedia,
    Fail,
    Info,
    Progress,
    Redirect,
    Release,
    Ring,
    Update,
    Updated,
    UpdateRefused,
)
from trunkline.calls.incoming import IncomingLeg
from trunkline.calls.leg import Leg, State
from trunkline.calls.outgoing import OutgoingLeg
from trunkline.calls.rendering import invitation
from trunkline.calls.state import CallState, advance
from trunkline.calls.trace import LegTrace, Row, ladder_rows
from trunkline.decide.plan import Plan, Way
from trunkline.facts import refusal as catalogue
from trunkline.facts.outcome import Next, Outcome
from trunkline.facts.record import Call as CallFact
from trunkline.facts.record import Ladder
from trunkline.facts.refusal import CATALOGUE, Refusal, Result
from trunkline.facts.told import Told, told
from trunkline.media import Delete, MediaAnswer, MediaOffer, MediaReady, Side
from trunkline.media.engine import PLAIN
from trunkline.policy.snapshot import Gateway
from trunkline.sip.sdp import direction_of

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard

SETUP, LADDER = 1, 2
"Timers: the whole set-up took too long; the last goodbyes have been answered."

LADDER_DELAY_T1 = 2.0
"How many T1 a call's ladder waits for the answers to BYE and CANCEL."


class Call:
    __slots__ = (
        "alerting_at",
        "answer_at",
        "attempt",
        "await_reinvite",
        "began",
        "board",
        "callee",
        "caller",
        "early_at",
        "ended",
        "excluded",
        "generation",
        "held_by",
        "holds",
        "id",
        "last",
        "legs",
        "max_forwards",
        "names",
        "next_route",
        "open_legs",
        "plan",
        "policy",
        "position",
        "redirects",
        "rows",
        "seen",
        "session_id",
        "source",
        "state",
        "timer_moved_on",
        "transfers",
        "user_agent",
    )  # fmt: skip

    def __init__(self, board: "Switchboard", call_id: str, plan: Plan, rows: list[Row], began: float, max_forwards: int, session_id: str) -> None:
        self.board = board
        self.id = call_id
        self.plan = plan
        self.policy = plan.decision.policy
        self.rows = rows
        self.began = began
        self.max_forwards = max_forwards
        self.session_id = session_id
        self.seen = ""
        "Key in the switchboard's `sessions`."
        self.await_reinvite: Leg | None = None
        "Leg whose re-INVITE joins a transferred call; its answer goes no further unless it changed."
        self.caller: Leg | None = None
        self.callee: Leg | None = None
        self.source = ("", "", "", "")
        "Address, transport, Call-ID of the caller; and its user agent."
        self.attempt: Attempt | None = None
        self.names = [plan.trunk.name]
        self.next_route = 0
        self.position = 0
        self.redirects: list[str] = []
        self.open_legs = 1
        self.state = CallState.CALLING
        self.alerting_at = self.early_at = self.answer_at = 0.0
        self.holds = self.transfers = 0
        self.held_by: Leg | None = None
        self.last: tuple[str, str] = ("", "")
        "Carrier and gateway of the latest attempt."
        self.timer_moved_on = False
        self.ended = False
        self.excluded = 0
        "How many exclusions the decision had when it was first written down."
        self.generation = 0

    # Hunting.

    def begin(self, now: float) -> None:
        """Try the first route."""
        if not self.plan.emergency:
            self.board.endpoint.timers.at(now + self.plan.trunk.setup_s, self, SETUP)
        self.hunt(catalogue.NO_ROUTE.result, catalogue.NO_ROUTE.code, now)
        self.excluded = len(self.plan.decision.excluded)

    def hunt(self, result: Result, code: str, now: float) -> None:
        """Try routes until one takes the INVITE; with none left, tell the caller `result`."""
        plan = self.plan
        routes = plan.routes
        while self.redirects or (self.next_route < len(routes) and self.position < plan.max_attempts):
            if self.redirects:
                target, gateway = self.redirects.pop(0), routes[self.next_route - 1]
            else:
                target, gateway = "", routes[self.next_route]
                self.next_route += 1
            refused = self._try(gateway, target, now)
            if refused is None:
                return
            if not self.position:
                result, code = refused.result, refused.code
        if plan.emergency:
            self.board.alarm("emergency.failed", self.id, "No emergency route took the call.", now)
        self.fail(result, code, now)

    def _try(self, gateway: Gateway, target: str, now: float) -> Refusal | None:
        """Send an attempt by this gateway, or say why not."""
        board, plan = self.board, self.plan
        caller = self.caller
        assert caller is not None
        number = len(self.names)
        codecs = _codecs(plan.trunk.codecs, gateway.codecs)
        media = board.media.offer(MediaOffer(self.id, number, caller.remote_sdp, Side(codecs) if codecs else PLAIN), now)
        if not isinstance(media, MediaReady):
            return CATALOGUE[media.code] if media is not None else catalogue.MEDIA_FAILED
        way = board.decider.reserve(plan, gateway, now)
        if not isinstance(way, Way):
            return way
        says, called, number_shown = invitation(plan, gateway, way, media.sdp, self.max_forwards - 1, self.session_id)
        if target:
            says = says.__class__(target, *[getattr(says, name) for name in says.__struct_fields__[1:]])
        self.position += 1
        attempt = Attempt(board, self, gateway, self.position, number, called, number_shown)
        attempt.ambiguous = self.timer_moved_on
        leg = OutgoingLeg(board, attempt, self.id, number, LegTrace(self.rows, number), says)
        board.legs[leg.dialog.local_tag] = leg
        self.names.append(gateway.name)
        self.last = (gateway.carrier, gateway.name)
        self.attempt = attempt
        self.open_legs += 1
        attempt.start(leg, now)
        return None

    def attempt_failed(self, attempt: Attempt, outcome: Outcome, event: Fail, now: float) -> None:
        """The outcome table has spoken."""
        self.attempt = None
        if self.ended:
            return
        if outcome.alarm:
            self.board.alarm(f"outcome.{outcome.evidence}", attempt.gateway.name, f"{event.status} {event.phrase} {event.reason}".strip(), now)
        if event.silent:
            self.timer_moved_on = True
        if outcome.next is Next.ROUTE_ON and attempt.flow is not None and (event.status == 503 or not attempt.first_at):
            another = self.board.decider.avoid(attempt.gateway, attempt.flow, now)
            if another and not self.redirects:
                self.next_route -= 1  # the same gateway once more, at its next address
        early_media_passed = self.early_at and self.board.media_anchored is False
        if outcome.next is Next.ROUTE_ON and not early_media_passed:
            self.hunt(outcome.result, catalogue.ROUTES_EXHAUSTED.code, now)
        elif self.plan.emergency and self.next_route < len(self.plan.routes):
            self.hunt(outcome.result, catalogue.EMERGENCY_NO_ROUTE.code, now)
        else:
            self.fail(outcome.result, event.refusal, now)

    def redirected(self, attempt: Attempt, event: Redirect, now: float) -> bool:
        """A declared redirect server named other targets; they are tried by the same gateway's flow."""
        if len(self.redirects) + self.position > 8:
            return False
        self.redirects.extend(event.contacts[:4])
        self.attempt = None
        self.hunt(Result.UNREACHABLE, catalogue.ROUTES_EXHAUSTED.code, now)
        return True

    def fail(self, result: Result, code: str, now: float) -> None:
        """Tell the caller no."""
        caller, self.caller = self.caller, None
        answer = told(self.plan.trunk.profile, result)
        self.state = advance(self.state, "timeout" if code in ("call.no_answer", "call.setup_timeout") else "fail")
        if caller is not None:
            refusal = CATALOGUE.get(code)
            caller.take(Fail(answer.status, answer.phrase, refusal=code, extra=told_lines(answer, refusal)), now)
        self._write(answer.status, answer.cause, result.value, code, "trunkline" if code else "carrier", now)
        self._leg_over(now)

    def on_timer(self, what: int, now: float) -> None:
        if what == LADDER:
            self.board.close(self, now)
            return
        # Set-up took too long; a phone that rings may go on ringing.
        attempt = self.attempt
        if self.answer_at or self.ended or (attempt is not None and attempt.progress_at):
            return
        self.attempt = None
        if attempt is not None:
            attempt.abandon(Release(text="set-up timer", refusal=catalogue.SETUP_TIMEOUT.code), now)
        self.fail(Result.UNREACHABLE, catalogue.SETUP_TIMEOUT.code, now)

    # What the callee's side does before the answer.

    def progressed(self, attempt: Attempt, event: Ring | EarlyMedia | Progress, now: float) -> None:
        if isinstance(event, Ring):
            self.alerting_at = self.alerting_at or now
            self.state = advance(self.state, "ring")
        if not isinstance(event, Progress) and event.sdp:
            media = self.board.media.answer(MediaAnswer(self.id, 0, event.sdp, attempt.number, early=True), now)
            if isinstance(media, MediaReady):
                self.early_at = self.early_at or now
                self.state = advance(self.state, "media")
                event = Ring(media.sdp) if isinstance(event, Ring) else EarlyMedia(event.status, event.phrase, media.sdp)
        if self.caller is not None:
            self.caller.take(event, now)

    def answered(self, attempt: Attempt, event: Answer, now: float) -> None:
        media = self.board.media.answer(MediaAnswer(self.id, 0, event.sdp, attempt.number), now)
        self.answer_at = now
        self.generation += 1
        self.state = advance(self.state, "answer")
        self.callee = attempt.leg
        if self.caller is not None:
            self.caller.take(Answer(media.sdp) if isinstance(media, MediaReady) else event, now)

    # Between the legs of an answered call.

    def hear(self, leg: Leg, event: CallEvent, now: float) -> None:
        if isinstance(event, Release):
            self._released(leg, event, now)
            return
        other = self.callee if leg is self.caller else self.caller
        if leg is self.await_reinvite and isinstance(event, Updated | UpdateRefused):
            self._joined(leg, event, now)
            return
        if other is None:
            if isinstance(event, Update):
                leg.take(UpdateRefused(491, "Request Pending"), now)
            return
        if isinstance(event, Update):
            self._hold(leg, event.sdp)
            other.take(event, now)
        elif isinstance(event, Updated | UpdateRefused | Confirm | Info):
            other.take(event, now)

    def _hold(self, leg: Leg, sdp: bytes) -> None:
        if not sdp:
            return
        if direction_of(sdp) in ("sendonly", "inactive"):
            if self.held_by is None:
                self.holds += 1
                self.held_by = leg
                self.state = advance(self.state, "hold")
        elif self.held_by is leg:
            self.held_by = None
            self.state = advance(self.state, "resume")

    def _released(self, leg: Leg, event: Release, now: float) -> None:
        """One side is gone: release the other."""
        attempt, self.attempt = self.attempt, None
        if leg is self.caller:
            self.caller = None
            by = "trunkline" if event.refusal else "dialer"
            self._leg_over(now)
            if attempt is not None:
                if attempt.answer_at:
                    attempt.hang_up(by, event, now)
                else:
                    attempt.abandon(event, now)
            elif self.callee is not None and self.callee.state is State.CONFIRMED:
                self.callee.take(event, now)
        else:
            by = "trunkline" if event.refusal else "carrier"
            caller, self.caller = self.caller, None
            if caller is not None:
                self._say_goodbye(caller, by, event, now)
                self._leg_over(now)
        self.callee = None
        self.state = advance(self.state, "release")
        if self.answer_at:
            self._write(200, 16, "answered", event.refusal, by, now)
        else:
            self._write(487, 0, Result.CANCELLED.value, event.refusal or catalogue.CANCELLED.code, by, now)

    # Transfers.

    def hand_over(self, now: float) -> Attempt | None:
        """The callee's leg leaves for another call; the caller's leg stays only to be told and hung up."""
        attempt, self.attempt = self.attempt, None
        self.callee = None
        self.transfers += 1
        self.state = advance(self.state, "transfer")
        return attempt

    def replace_caller(self, leg: Leg, now: float) -> None:
        """Somebody else takes the caller's place (attended transfer); the old caller is hung up."""
        before, self.caller = self.caller, leg
        self.transfers += 1
        if before is not None:
            before.take(Release(text="transferred"), now)

    def _joined(self, leg: Leg, event: Updated | UpdateRefused, now: float) -> None:
        """The side that stayed in a transfer took the target's SDP, or did not."""
        self.await_reinvite = None
        if isinstance(event, UpdateRefused):
            self.board.alarm("transfer.refused_media", self.id, f"re-INVITE answered {event.status}", now)
            return
        target = self.callee
        if target is not None and event.sdp and _media_of(event.sdp) != _media_of(target.local_sdp):
            target.take(Update(event.sdp), now)

    def refuse_session(self, min_se_s: int, now: float) -> None:
        """422: the caller's session interval is too small (RFC 4028 section 6)."""
        caller, self.caller = self.caller, None
        if caller is not None:
            caller.take(Fail(422, "Session Interval Too Small", extra=f"Min-SE: {min_se_s}\r\n"), now)
        self.state = advance(self.state, "fail")
        self._write(422, 0, Result.BAD_REQUEST.value, "sip.session_interval", "trunkline", now)
        self._leg_over(now)

    def _say_goodbye(self, leg: Leg, released_by: str, event: Release, now: float) -> None:
        """Hang up the caller's side; after a transfer that is a carrier's leg, whose attempt ends with it."""
        if isinstance(leg.owner, Attempt):
            leg.owner.hang_up(released_by, event, now)
        else:
            leg.take(event, now)

    def hang_up(self, code: str, now: float) -> None:
        """Trunkline ends the call."""
        caller = self.caller
        if caller is None:
            return
        if self.answer_at:
            self._say_goodbye(caller, "trunkline", Release(cause=31, text="ended by Trunkline", refusal=code), now)
            self._released(caller, Release(cause=31, text="ended by Trunkline", refusal=code), now)
        else:
            attempt, self.attempt = self.attempt, None
            if attempt is not None:
                attempt.abandon(Release(text="ended by Trunkline", refusal=code), now)
            self.fail(Result.UNREACHABLE, code, now)

    # Records.

    def _write(self, status: int, cause: int, result: str, code: str, released_by: str, now: float) -> None:
        if self.ended:
            return
        self.ended = True
        if len(self.plan.decision.excluded) > self.excluded:
            self.board.emit(self.plan.decision, now)  # said again, complete: later attempts had to skip more
        board, plan, began = self.board, self.plan, self.began
        board.media.command(Delete(self.id), now)
        address, transport, dialer_call_id, user_agent = self.source
        board.emit(
            CallFact(
                call=self.id, at=board.clock.utc_us(began), node=board.settings.node, policy=self.policy, direction=plan.direction,
                tenant=plan.trunk.tenant, trunk=plan.trunk.name, source=address, transport=transport, dialer_call_id=dialer_call_id,
                user_agent=user_agent, called_raw=plan.called_raw, called=plan.called, caller_raw=plan.caller_raw, caller=plan.caller,
                destination=plan.destination, strategy=plan.strategy, metadata=plan.metadata, state=self.state.value, status=status, cause=cause,
                result=result, refusal=code, released_by=released_by, attempts=self.position, carrier=self.last[0], gateway=self.last[1],
                alerting_ms=_ms(self.alerting_at, began), early_media_ms=_ms(self.early_at, began), answer_ms=_ms(self.answer_at, began),
                talk_ms=round((now - self.answer_at) * 1000, 1) if self.answer_at else None, total_ms=round((now - began) * 1000, 1),
                holds=self.holds, transfers=self.transfers, emergency=plan.emergency, session_id=self.session_id,
            ),
            now,
        )  # fmt: skip

    def _leg_over(self, now: float) -> None:
        self.board.leg_over(self.id, now)

    def linger(self, now: float) -> None:
        """Every leg is over: wait a moment for the answers to our goodbyes, which belong into the ladder."""
        endpoint = self.board.endpoint
        endpoint.timers.at(now + LADDER_DELAY_T1 * endpoint.settings.t1, self, LADDER)

    def write_ladder(self, now: float) -> None:
        """The ladder is complete."""
        self.board.emit(Ladder(self.id, self.board.clock.utc_us(self.began), tuple(self.names), ladder_rows(self.rows, self.began)), now)


def _codecs(trunk: tuple[str, ...], gateway: tuple[str, ...]) -> tuple[str, ...]:
    """The gateway's ordered list, narrowed to what the trunk allows; empty passes everything."""
    if not trunk or not gateway or trunk == gateway:
        return gateway or trunk
    return tuple(codec for codec in gateway if codec in trunk) or ("-",)


def _media_of(sdp: bytes) -> list[bytes]:
    """An SDP without its origin line, whose version may grow while the media stays."""
    return [line for line in sdp.split(b"\r\n") if not line.startswith(b"o=")]


def told_lines(answer: Told, refusal: Refusal | None) -> str:
    """Reason and Retry-After lines of a refusal to the dialer."""
    lines = f"Reason: Q.850;cause={answer.cause}\r\n" if answer.cause else ""
    if refusal is not None:
        lines += f'Warning: 399 trunkline "{refusal.code}"\r\n'
        if answer.retry_after and refusal.retry_after_s:
            lines += f"Retry-After: {refusal.retry_after_s}\r\n"
    return lines


def _ms(at: float, began: float) -> float | None:
    return round((at - began) * 1000, 1) if at else None


__all__ = ["Call", "IncomingLeg", "told_lines"]
