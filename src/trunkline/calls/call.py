"""A call: the controller between the caller's leg and whoever answers.

It hunts through the routes of its plan until one answers or the outcome table says stop, passes events between the two legs, and writes
the `Call` record and the ladder. It knows call events only; everything of SIP's machinery stays in the legs.
"""

from typing import TYPE_CHECKING, Final

from trunkline.calls import early, gate, masking
from trunkline.calls.attempt import Attempt
from trunkline.calls.audio import CALLER, Audio, Told
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
from trunkline.calls.hunt import hunt
from trunkline.calls.leg import Leg, State
from trunkline.calls.negotiation import joined, pressed, redescribe
from trunkline.calls.record import call_fact, told_lines
from trunkline.calls.state import CallState, advance
from trunkline.calls.trace import Row, ladder_rows
from trunkline.decide.plan import Plan
from trunkline.facts import refusal as catalogue
from trunkline.facts.outcome import Next, Outcome
from trunkline.facts.record import Ladder
from trunkline.facts.refusal import CATALOGUE, Refusal, Result
from trunkline.facts.told import told
from trunkline.media import MediaFailed
from trunkline.sip.sdp import direction_of
from trunkline.studio import Heard

if TYPE_CHECKING:
    from trunkline.calls.switchboard import Switchboard

SETUP, LADDER = 1, 2
"Timers: the whole set-up took too long; the last goodbyes have been answered. The gate has its own."

LADDER_DELAY_T1: Final = 2.0
"How many T1 a call's ladder waits for the answers to BYE and CANCEL."


class Call:
    __slots__ = (
        "abandoned",
        "alerting_at",
        "answer_at",
        "attempt",
        "audio",
        "await_reinvite",
        "began",
        "board",
        "callee",
        "callee_number",
        "caller",
        "ear",
        "early_at",
        "ended",
        "excluded",
        "generation",
        "given",
        "held_by",
        "held_leg",
        "held_sdp",
        "holds",
        "id",
        "last",
        "legs",
        "manner",
        "masked",
        "max_forwards",
        "message",
        "names",
        "next_route",
        "offer_wanted",
        "open_legs",
        "paused",
        "plan",
        "policy",
        "position",
        "redirects",
        "rows",
        "screening",
        "seen",
        "session_id",
        "silent",
        "source",
        "state",
        "timer_moved_on",
        "transfers",
        "user_agent",
        "verified",
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
        self.callee_number = 0
        self.audio = Audio(board.media, call_id)
        self.silent: frozenset[int] = frozenset()
        "Legs the media engine hears nothing from."
        self.ear = board.ear_for(call_id, plan)
        self.screening: gate.Screening | None = None
        "The callee's answer, while the caller's waits for a verdict, or a machine for its message."
        self.held_leg = self.verified = 0
        "Attempt whose early media is held back; the one whose early media was found worth passing."
        self.held_sdp = b""
        "What the caller would have been told of it."
        self.manner = ""
        "How much the caller is given of early media (`early.manner`), once it was told anything."
        self.given = False
        "It was told of early media's audio."
        self.masked: frozenset[int] = frozenset()
        "Legs whose keys nobody else may see."
        self.paused = False
        "The recording is to hold silence."
        self.abandoned = False
        self.message = ""
        self.offer_wanted = False
        "One side was asked to make the next offer."
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
        hunt(self, catalogue.NO_ROUTE.result, catalogue.NO_ROUTE.code, now)
        self.excluded = len(self.plan.decision.excluded)

    def attempt_failed(self, attempt: Attempt, outcome: Outcome, event: Fail, now: float) -> None:
        """The outcome table has spoken."""
        self.attempt = None
        self.audio.forget(attempt.number, now)
        if self.held_leg == attempt.number:
            self.held_leg = 0
        if self.ear is not None:
            self.ear.forget(attempt.number, now)
        if self.ended:
            return
        if outcome.alarm:
            self.board.alarm(f"outcome.{outcome.evidence}", attempt.gateway.name, f"{event.status} {event.phrase} {event.reason}".strip(), now)
        if event.silent:
            self.timer_moved_on = True
        if outcome.next is Next.ROUTE_ON and attempt.flow is not None and (event.status == 503 or not attempt.first_at):
            # With no other route left, a path that failed for calls before this one is better than none.
            another = self.board.decider.avoid(attempt.gateway, attempt.flow, now, self.began if self.next_route >= len(self.plan.routes) else 0.0, not attempt.first_at)
            if another and not self.redirects:
                self.next_route -= 1  # the same gateway once more, at its next address
        early_media_passed = self.given and not self.audio.anchored
        if outcome.next is Next.ROUTE_ON and not early_media_passed:
            hunt(self, outcome.result, catalogue.ROUTES_EXHAUSTED.code, now)
        elif self.plan.emergency and self.next_route < len(self.plan.routes):
            hunt(self, outcome.result, catalogue.EMERGENCY_NO_ROUTE.code, now)
        else:
            self.fail(outcome.result, event.refusal, now)

    def redirected(self, attempt: Attempt, event: Redirect, now: float) -> bool:
        """A declared redirect server named other targets; they are tried by the same gateway's flow."""
        if len(self.redirects) + self.position > 8:
            return False
        self.redirects.extend(event.contacts[:4])
        self.attempt = None
        hunt(self, Result.UNREACHABLE, catalogue.ROUTES_EXHAUSTED.code, now)
        return True

    def fail(self, result: Result, code: str, now: float) -> None:
        """Tell the caller no."""
        caller, self.caller = self.caller, None
        answer = told(self.plan.trunk.profile, result)
        self.state = advance(self.state, "timeout" if code in ("call.no_answer", "call.setup_timeout") else "fail")
        if caller is not None:
            refusal = CATALOGUE.get(code)
            caller.take(Fail(answer.status, answer.phrase, refusal=code, extra=told_lines(answer, refusal)), now)
        self.write(answer.status, answer.cause, result.value, code, "trunkline" if code else "carrier", now)
        self._leg_over(now)

    def on_timer(self, what: int, now: float) -> None:
        if what == LADDER:
            self.board.close(self, now)
            return
        if what != SETUP:
            gate.on_timer(self, what, now)
            return
        # Set-up took too long; a phone that rings may go on ringing.
        attempt = self.attempt
        if self.answer_at or self.ended or (attempt is not None and (attempt.progress_at or attempt.answer_at)):
            return
        self.attempt = None
        if attempt is not None:
            attempt.abandon(Release(text="set-up timer", refusal=catalogue.SETUP_TIMEOUT.code), now)
        self.fail(Result.UNREACHABLE, catalogue.SETUP_TIMEOUT.code, now)

    # What the callee's side does before the answer.

    def progressed(self, attempt: Attempt, event: Ring | EarlyMedia | Progress, now: float) -> None:
        early.progressed(self, attempt, event, now)

    def hold_back(self, leg: int, now: float) -> None:
        """The caller is not to hear what an attempt sends, as yet."""
        self.held_leg = leg
        self.audio.hold_back(leg, True, now)

    def let_through(self, now: float) -> None:
        """The caller may hear everything."""
        if self.held_leg:
            self.audio.hold_back(self.held_leg, False, now)
            self.held_leg = 0

    def listen_to(self, attempt: Attempt, sdp: bytes, now: float) -> None:
        """Hear what an attempt sends, if it was drawn for that."""
        ear = self.ear
        if ear is None:
            return
        if attempt.listened < 0.0:
            attempt.listened = self.board.coverage.draw(attempt.gateway.name, attempt.destination, ear.settings, now) if ear.settings.mode != "off" else 0.0
        ear.attach(attempt.number, sdp, "", attempt.listened, now)

    def answered(self, attempt: Attempt, event: Answer, now: float) -> None:
        self.callee, self.callee_number = attempt.leg, attempt.number
        self.listen_to(attempt, event.sdp, now)
        ear = self.ear
        if ear is not None:
            ear.answered(attempt.number, now - attempt.alerting_at if attempt.alerting_at else None, bool(attempt.early_at), now)
            self.board.clips.answered(self, ear, now)
        caller = self.caller
        if caller is None or not self.audio.anchored:
            self.connect(event, now)
        elif caller.remote_sdp:
            self.audio.answer(attempt.number, CALLER, event.sdp, self._ready, now)
        else:  # a late offer: the callee made it, and the caller's ACK will answer it
            self.audio.offer(attempt.number, attempt.gateway.media, CALLER, self.plan.media, event.sdp, self._ready, now)

    def _ready(self, media: Told, now: float) -> None:
        """The caller's side of the answer is ready: it is told now, or when the verdict is there."""
        attempt, ear = self.attempt, self.ear
        if self.ended or attempt is None:
            return
        if isinstance(media, MediaFailed):
            self.let_go(attempt, CATALOGUE[media.code], now)
        elif ear is not None and ear.gates and ear.leg == attempt.number:
            gate.screen(self, Answer(media.sdp), ear.settings.wait_s, now)
            if ear.verdict:
                gate.decide(self, attempt, ear.verdict, now)
        else:
            self.connect(Answer(media.sdp), now)

    def connect(self, event: Answer, now: float) -> None:
        """Tell the caller of the answer."""
        self.answer_at = now
        self.screening = None
        self.generation += 1
        self.state = advance(self.state, "answer")
        caller = self.caller
        if caller is None:
            return
        self.let_through(now)
        if self.ear is not None:
            if self.plan.trunk.record:
                self.ear.record(caller.remote_sdp, self.board.recording(self.id, now), now)
                masking.follow(self, now)
            self.ear.await_voice(caller.remote_sdp, now)
        caller.take(event, now)

    def let_go(self, attempt: Attempt, refusal: Refusal, now: float) -> None:
        """The callee answered and the caller is told no."""
        self.screening = self.attempt = self.callee = None
        attempt.hang_up("trunkline", Release(cause=16, text=refusal.code, refusal=refusal.code), now)
        self.fail(refusal.result, refusal.code, now)

    # What the ear hears.

    def on_heard(self, event: Heard, now: float) -> None:
        """What the studio heard of the callee: it may end the attempt, or the caller's wait."""
        ear, attempt = self.ear, self.attempt
        if ear is not None and event.leg == CALLER:
            ear.heard_caller(event.hearing, now)
        if ear is None or attempt is None or event.leg != attempt.number:
            return
        outcome = ear.heard(event)
        attempt.heard = ear.verdict
        if not attempt.answer_at:
            attempt.early_heard = ear.early
        if ear.verdict == "false":
            self.board.clips.judged_false(self.id, now)
        if self.screening is not None:
            gate.heard(self, attempt, event.hearing, now)
            return
        if outcome is not None and not attempt.answer_at:
            attempt.give_up(outcome, Fail(0, outcome.evidence, silent=True), now)
        else:
            early.heard_early(self, attempt, event.hearing, ear.began + event.hearing.began_s, now)

    # Between the legs of an answered call.

    def hear(self, leg: Leg, event: CallEvent, now: float) -> None:
        if isinstance(event, Release):
            self._released(leg, event, now)
            return
        other = self.callee if leg is self.caller else self.caller
        if isinstance(event, Info) and masking.hides(self, leg, event):
            return
        if leg is self.await_reinvite and isinstance(event, Updated | UpdateRefused):
            joined(self, event, now)
            return
        if other is None:
            if isinstance(event, Update):
                leg.take(UpdateRefused(491, "Request Pending"), now)
            return
        if isinstance(event, Update):
            self._hold(leg, event.sdp)
        if isinstance(event, Update | Updated | Confirm) and self.audio.anchored:
            redescribe(self, leg, other, event, now)
        elif isinstance(event, Info) and self.audio.anchored and pressed(self, other, event, now):
            return
        elif isinstance(event, Update | Updated | UpdateRefused | Confirm | Info):
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
                    self.abandoned = not self.answer_at
                    attempt.hang_up(by, event, now)
                else:
                    attempt.abandon(event, now)
            elif self.callee is not None and self.callee.state is State.CONFIRMED:
                self.callee.take(event, now)
        else:
            by = "trunkline" if event.refusal else "carrier"
            screening, self.screening = self.screening, None
            if screening is not None:
                self.callee = None
                if screening.told is not None:
                    gate.gone(self, screening, now)
                    return
                self.fail(Result.NO_ANSWER, "", now)
                return
            caller, self.caller = self.caller, None
            if caller is not None:
                self._say_goodbye(caller, by, event, now)
                self._leg_over(now)
        self.callee = self.screening = None
        self.state = advance(self.state, "release")
        if self.answer_at:
            self.write(200, 16, "answered", event.refusal, by, now)
        else:
            self.write(487, 0, Result.CANCELLED.value, event.refusal or catalogue.CANCELLED.code, by, now)

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

    def refuse_session(self, min_se_s: int, now: float) -> None:
        """422: the caller's session interval is too small (RFC 4028 section 6)."""
        caller, self.caller = self.caller, None
        if caller is not None:
            caller.take(Fail(422, "Session Interval Too Small", extra=f"Min-SE: {min_se_s}\r\n"), now)
        self.state = advance(self.state, "fail")
        self.write(422, 0, Result.BAD_REQUEST.value, "sip.session_interval", "trunkline", now)
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
            self._end_message(code, now)
            return
        if self.answer_at:
            self._say_goodbye(caller, "trunkline", Release(cause=31, text="ended by Trunkline", refusal=code), now)
            self._released(caller, Release(cause=31, text="ended by Trunkline", refusal=code), now)
        else:
            attempt, self.attempt = self.attempt, None
            if attempt is not None:
                attempt.abandon(Release(text="ended by Trunkline", refusal=code), now)
            self.fail(Result.UNREACHABLE, code, now)

    def _end_message(self, code: str, now: float) -> None:
        """Trunkline ends what is left of a call whose caller is gone: a machine that is to be left a message."""
        attempt, screening = self.attempt, self.screening
        if attempt is not None and screening is not None and screening.told is not None:
            self.attempt = self.callee = None
            attempt.hang_up("trunkline", Release(cause=31, text="ended by Trunkline", refusal=code), now)
            gate.gone(self, screening, now)

    # Records.

    def write(self, status: int, cause: int, result: str, code: str, released_by: str, now: float) -> None:
        if self.ended:
            return
        self.ended = True
        if len(self.plan.decision.excluded) > self.excluded:
            self.board.emit(self.plan.decision, now)  # said again, complete: later attempts had to skip more
        self.audio.over(now)
        if self.ear is not None:
            self.ear.over(now)
            self.board.clips.over(self.id, now)
        self.board.emit(call_fact(self, status, cause, result, code, released_by, now), now)

    def _leg_over(self, now: float) -> None:
        self.board.leg_over(self.id, now)

    def linger(self, now: float) -> None:
        """Every leg is over: wait a moment for the answers to our goodbyes, which belong into the ladder."""
        endpoint = self.board.endpoint
        endpoint.timers.at(now + LADDER_DELAY_T1 * endpoint.settings.t1, self, LADDER)

    def write_ladder(self, now: float) -> None:
        """The ladder is complete."""
        self.board.emit(Ladder(self.id, self.board.clock.utc_us(self.began), tuple(self.names), ladder_rows(self.rows, self.began)), now)
