"""The switchboard: takes what the endpoint reports to whom it concerns, and opens new calls.

This is the transaction user of RFC 3261 for the whole node: requests within dialogs go to their leg by our tag, replies to whoever sent
the request, a new INVITE becomes a call if the decider has a plan for it.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any, Final, Protocol

from trunkline.calls.arrivals import Arrivals
from trunkline.calls.audio import CALLER
from trunkline.calls.call import Call
from trunkline.calls.clips import Clips
from trunkline.calls.coverage import Coverage
from trunkline.calls.decider import Decider
from trunkline.calls.ear import Ear, hearing_fact
from trunkline.calls.early import manner
from trunkline.calls.events import Release
from trunkline.calls.incoming import IncomingLeg
from trunkline.calls.leg import ALLOW, Leg
from trunkline.calls.negotiation import on_media
from trunkline.calls.outgoing import OutgoingLeg
from trunkline.calls.record import leg_audio
from trunkline.calls.settings import SwitchboardSettings
from trunkline.calls.transfer import Transfers
from trunkline.decide.plan import Plan
from trunkline.facts.clock import Clock
from trunkline.facts.record import Alarm, Fact, Recording
from trunkline.facts.refusal import Refusal
from trunkline.media import MediaEngine, MediaStatistics
from trunkline.policy.snapshot import Listen
from trunkline.sip.dialog import Dialog
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Acknowledged, Cancelled, Event, Received, Replied, Stray, TimedOut, Unacknowledged, Unreachable
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response
from trunkline.sip.transactions import ServerInvite
from trunkline.studio import Heard, Recorded, Studio, StudioLost

OFF: Final = Listen()

SUPPORTED: Final = frozenset(("100rel", "timer", "replaces", "norefersub"))
"Option tags a Require may name."

METHODS: Final = frozenset(("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "INFO", "PRACK", "UPDATE", "REFER", "NOTIFY", "SUBSCRIBE", "MESSAGE", "REGISTER"))


class Registrar(Protocol):
    """Whoever serves REGISTER (`center/registrar.py`)."""

    def received(self, transaction: Any, request: Request, flow: Flow, now: float) -> None:
        """Answer a REGISTER."""


class Switchboard:
    def __init__(
        self,
        endpoint: Endpoint,
        decider: Decider,
        media: MediaEngine,
        emit: Callable[[Fact, float], None],
        clock: Clock,
        random: Random,
        settings: SwitchboardSettings,
    ) -> None:
        self.endpoint = endpoint
        self.decider = decider
        self.media = media
        self.emit = emit
        self.clock = clock
        self.random = random
        self.settings = settings
        self.legs: dict[str, Leg] = {}
        "Live legs by our tag."
        self.calls: dict[str, Call] = {}
        "Calls with a leg still open, by call id."
        self.sessions: set[str] = set()
        "Session-ID and number of every live call: how a call that returns is recognised."
        self.arrivals = Arrivals(self)
        self.transfers = Transfers(self)
        self.registrar: Registrar | None = None
        self.studio: Studio | None = None
        self.coverage = Coverage(random)
        self.clips = Clips(endpoint.timers, clock, settings.recordings, random, self.write_recording)
        self._recording_day = ""
        self.closed: Refusal | None = None
        "Why no new call is taken: overload, drain, full disk."

    # Events.

    def handle_events(self, now: float) -> None:
        """Work off everything the endpoint has to say."""
        next_event = self.endpoint.next_event
        while (event := next_event()) is not None:
            self._handle(event, now)
        self.arrivals.turn(now)

    def ear_for(self, call_id: str, plan: Plan) -> Ear | None:
        """Listening for a call, where its trunk wants it and the audio is ours."""
        trunk, studio = plan.trunk, self.studio
        settings = trunk.listen
        if studio is None or not self.media.anchored:
            return None
        if plan.direction != "outbound" or plan.emergency:
            settings = OFF
        holds = any(manner(plan, gateway) == "hold" for gateway in plan.routes)
        if settings.mode == "off" and not trunk.record and not holds:
            return None
        return Ear(studio, self.media, call_id, settings, holds)

    def recording(self, call_id: str, now: float) -> str:
        """Where a call is recorded: a folder a day."""
        day = datetime.fromtimestamp(self.clock.utc_us(now) / 1e6, UTC).strftime("%Y-%m-%d")
        folder = Path(self.settings.recordings) / day
        if day != self._recording_day:
            folder.mkdir(parents=True, exist_ok=True)
            self._recording_day = day
        return str(folder / f"{call_id}.wav")

    def handle_studio(self, now: float) -> None:
        """Work off everything the studio has to say."""
        studio = self.studio
        while studio is not None and (event := studio.next_event()) is not None:
            if isinstance(event, Heard):
                call = self.calls.get(event.call)
                if call is None or call.ear is None:
                    continue
                if event.leg != CALLER:  # what the caller's side sounds like is nobody's business but its own
                    party = call.names[event.leg] if event.leg < len(call.names) else ""
                    self.emit(hearing_fact(event, party, call.ear.settings.mode, self.clock.utc_us(now)), now)
                call.on_heard(event, now)
            elif isinstance(event, Recorded) and not self.clips.recorded(event, now):
                self.write_recording(event, "", now)
            elif isinstance(event, StudioLost):
                self.clips.lost(event.calls)
                self.alarm("studio.lost", f"{len(event.calls)} calls", "A studio worker died; its calls go on unheard, unfinished recordings: "
                           f"{', '.join(event.files) or 'none'}.", now)

    def write_recording(self, event: Recorded, purpose: str, now: float) -> None:
        self.emit(Recording(event.call, self.clock.utc_us(now), event.file, round(event.seconds, 2), event.bytes, event.why, purpose), now)

    def handle_media(self, now: float) -> None:
        """Work off everything the media engine has to say."""
        while (event := self.media.next_event()) is not None:
            call = self.calls.get(event.call)
            if isinstance(event, MediaStatistics):
                if event.final:
                    self.emit(leg_audio(event, call, self.clock.utc_us(now)), now)
            elif call is not None:
                on_media(call, event, now)

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Replied):
            if event.user is not None:
                event.user.replied(event, now)
            elif 200 <= event.response.status < 300:
                self._hang_up_stray(event.response, event.transaction.flow, now)
        elif isinstance(event, Received):
            self._received(event, now)
        elif isinstance(event, Acknowledged):
            leg = self.legs.get(event.request.to_tag)
            if leg is not None and leg.dialog.is_with(event.request):
                leg.acknowledged(event.request, now)
        elif isinstance(event, Cancelled):
            if isinstance(event.user, IncomingLeg):
                event.user.cancelled(event.reason, now)
            elif event.transaction.reply is not None and not self.arrivals.cancelled(event.transaction, now):
                event.transaction.respond(487, "Request Terminated", self.endpoint.token(), now)
        elif isinstance(event, TimedOut):
            event.user.timed_out(event.transaction, now)
        elif isinstance(event, Unreachable):
            user = event.user
            (user.unreachable if hasattr(user, "unreachable") else user.timed_out)(event.transaction, now)
        elif isinstance(event, Stray):
            self._hang_up_stray(event.response, event.flow, now)
        elif isinstance(event, Unacknowledged) and isinstance(event.user, Leg):
            event.user.unacknowledged(now)

    def _received(self, event: Received, now: float) -> None:
        request, transaction = event.request, event.transaction
        method = request.method
        if request.to_tag:
            leg = self.legs.get(request.to_tag)
            if leg is not None and (leg.dialog.is_with(request) or (isinstance(leg, OutgoingLeg) and leg.dialog.call_id == request.call_id)):
                leg.received(transaction, request, now)
            else:
                transaction.respond(481, "Call/Transaction Does Not Exist", "", now)
            return
        tag = self.endpoint.token()
        if method not in METHODS:
            transaction.respond(405, "Method Not Allowed", tag, now, ALLOW)
            return
        scheme = request.uri.partition(":")[0].lower()
        if scheme not in ("sip", "sips", "tel"):
            transaction.respond(416, "Unsupported URI Scheme", tag, now)
            return
        required = _unsupported(request)
        if required:
            transaction.respond(420, "Bad Extension", tag, now, f"Unsupported: {required}\r\n")
        elif method == "INVITE":
            assert isinstance(transaction, ServerInvite)
            self.arrivals.invited(transaction, request, tag, now)
        elif method == "OPTIONS":
            if self.closed is not None:
                transaction.respond(503, "Service Unavailable", tag, now, f"Retry-After: {self.closed.retry_after_s}\r\n")
            else:
                transaction.respond(200, "OK", tag, now, f"{ALLOW}Accept: application/sdp\r\nSupported: timer, 100rel, replaces\r\n")
        elif method == "REGISTER" and self.registrar is not None:
            self.registrar.received(transaction, request, transaction.flow, now)
        elif method == "SUBSCRIBE":
            transaction.respond(489, "Bad Event", tag, now)
        elif method in ("MESSAGE", "REGISTER"):
            transaction.respond(405, "Method Not Allowed", tag, now, ALLOW)
        elif method == "REFER":
            transaction.respond(403, "Forbidden", tag, now)
        else:
            transaction.respond(481, "Call/Transaction Does Not Exist", tag, now)

    # What calls and legs use.

    def decided(self, plan: Plan, now: float) -> None:
        """Put on record what was decided for a call that begins."""
        self.emit(plan.decision, now)
        for fact in plan.facts:
            self.emit(fact, now)

    def forget(self, leg: Leg) -> None:
        self.legs.pop(leg.dialog.local_tag, None)

    def leg_over(self, call_id: str, now: float) -> None:
        """One leg of a call is gone; with the last one only the answers to our goodbyes are still to come."""
        call = self.calls.get(call_id)
        if call is None:
            return
        call.open_legs -= 1
        if call.open_legs == 0:
            self.sessions.discard(call.seen)
            call.linger(now)

    def close(self, call: Call, now: float) -> None:
        """Nothing more is expected of this call: its ladder is complete."""
        if self.calls.pop(call.id, None) is not None:
            call.write_ladder(now)

    def close_all(self, now: float) -> None:
        """The node stops: ladders of calls that are over are written now."""
        for call in [call for call in self.calls.values() if call.ended]:
            self.close(call, now)

    def alarm(self, code: str, subject: str, text: str, now: float) -> None:
        self.emit(Alarm(self.clock.utc_us(now), code, subject, text), now)

    def hang_up_all(self, code: str, now: float) -> None:
        """End every call: the node stops."""
        for call in list(self.calls.values()):
            call.hang_up(code, now)

    def _hang_up_stray(self, response: Response, flow: Flow, now: float) -> None:
        """A 200 nobody waits for (a second fork, or from before a restart): acknowledge it and hang up (RFC 3261 section 13.2.2.4)."""
        if response.cseq_method != "INVITE" or not response.to_tag:
            return
        dialog = Dialog(response.call_id, response.first("From"), response.from_tag, response.first("To"), response.to_tag, "", flow)
        dialog.local_cseq = response.cseq
        if dialog.establish(response, flow) is None:
            dialog.ack(self.endpoint, response.cseq)
            dialog.request(self.endpoint, "BYE", now, extra='Reason: SIP;cause=487;text="answered elsewhere"\r\n')


def _unsupported(request: Request) -> str:
    """Option tags of Require (and Proxy-Require) that we do not have."""
    fields = request.fields
    if "Require" not in fields and "Proxy-Require" not in fields:
        return ""
    tags = [tag.strip() for name in ("Require", "Proxy-Require") for tag in request.every(name).split(",")]
    return ", ".join(tag for tag in tags if tag and tag.lower() not in SUPPORTED)


__all__ = ["Registrar", "Release", "Switchboard", "SwitchboardSettings"]
