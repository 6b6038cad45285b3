"""A simulated carrier: answers INVITEs the way its scenario says, on real SIP."""

from collections import Counter
from enum import IntEnum
from random import Random

from trunkline.lab.scenario import CarrierBehaviour, Failure
from trunkline.sip.build import phrase_of
from trunkline.sip.dialog import Dialog
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Acknowledged, Cancelled, Event, Received, Unacknowledged
from trunkline.sip.fault import Fault
from trunkline.sip.message import Request
from trunkline.sip.transactions import Server, ServerInvite

SDP = "v=0\r\no=lab 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
SDP_TYPE = "Content-Type: application/sdp\r\n"


class Step(IntEnum):
    """What a call does next."""

    PROGRESS = 1
    RING = 2
    ANSWER = 3
    REFUSE = 4
    HANG_UP = 5


class CalleeLeg:
    """One call at the carrier."""

    __slots__ = ("answers", "carrier", "dialog", "ended", "failure", "generation", "invite", "ring_s", "talk_s")

    def __init__(self, carrier: "Carrier", invite: ServerInvite, dialog: Dialog, failure: Failure | None) -> None:
        behaviour, random = carrier.behaviour, carrier.random
        self.carrier = carrier
        self.invite = invite
        self.dialog = dialog
        self.failure = failure
        self.generation = 0
        self.answers = random.random() < behaviour.answer_share
        self.ring_s = random.uniform(*behaviour.ring_s)
        self.talk_s = random.uniform(*behaviour.talk_s) if random.random() < behaviour.hangs_up_share else 0.0
        self.ended = False

    def on_timer(self, what: int, now: float) -> None:
        carrier, tag = self.carrier, self.dialog.local_tag
        timers, early = carrier.endpoint.timers, carrier.behaviour.early_media
        contact = f"Contact: <{self.dialog.flow.door.contact}>\r\n"
        if what == Step.REFUSE and self.failure is not None:
            failure = self.failure
            extra = f"Reason: {failure.reason}\r\n" if failure.reason else ""
            extra += f"Retry-After: {failure.retry_after}\r\n" if failure.retry_after else ""
            carrier.counts[f"refused {failure.status}"] += 1
            self.end()
            self.invite.respond(failure.status, phrase_of(failure.status), tag, now, extra)
        elif what == Step.PROGRESS:
            if early.startswith("183+sdp"):
                self.invite.respond(183, "Session Progress", tag, now, contact + SDP_TYPE, SDP.encode())
            elif early == "183":
                self.invite.respond(183, "Session Progress", tag, now, contact)
            timers.at(now + (0.0 if early in ("180", "none") else 0.1), self, Step.RING)
        elif what == Step.RING:
            if early not in ("none", "183+sdp only"):
                self.invite.respond(180, "Ringing", tag, now, contact)
            if self.answers:
                timers.at(now + self.ring_s, self, Step.ANSWER)
        elif what == Step.ANSWER:
            carrier.counts["answered"] += 1
            self.invite.respond(200, "OK", tag, now, contact + SDP_TYPE, SDP.encode())
            if self.talk_s:
                timers.at(now + self.talk_s, self, Step.HANG_UP)
        elif what == Step.HANG_UP and not self.ended:
            carrier.counts["hung up"] += 1
            self.dialog.request(carrier.endpoint, "BYE", now)
            self.end()

    def end(self) -> None:
        if not self.ended:
            self.ended = True
            self.generation += 1
            self.carrier.calls.pop(self.dialog.local_tag, None)


class Carrier:
    """All calls of one simulated carrier, sans-IO."""

    def __init__(self, name: str, endpoint: Endpoint, behaviour: CarrierBehaviour, random: Random) -> None:
        self.name = name
        self.endpoint = endpoint
        self.behaviour = behaviour
        self.random = random
        self.calls: dict[str, CalleeLeg] = {}
        "Live calls by our tag."
        self.counts: Counter[str] = Counter()

    def handle_events(self, now: float) -> None:
        while (event := self.endpoint.next_event()) is not None:
            self._handle(event, now)

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Received):
            self._received(event.transaction, event.request, now)
        elif isinstance(event, Acknowledged):
            leg = self.calls.get(event.request.to_tag)
            if leg is not None:
                leg.invite.acknowledged(now)
        elif isinstance(event, Cancelled) and isinstance(event.user, CalleeLeg):
            self.counts["cancelled"] += 1
            event.user.end()
            event.transaction.respond(487, "Request Terminated", event.user.dialog.local_tag, now)
        elif isinstance(event, Unacknowledged) and isinstance(event.user, CalleeLeg):
            event.user.end()

    def _received(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        leg = self.calls.get(request.to_tag) if request.to_tag else None
        if isinstance(transaction, ServerInvite) and not request.to_tag:
            self._invited(transaction, request, now)
        elif request.method == "OPTIONS":
            transaction.respond(200, "OK", self.endpoint.token(), now)
        elif leg is None:
            transaction.respond(481, "Call/Transaction Does Not Exist", "", now)
        elif request.method == "BYE":
            transaction.respond(200, "OK", "", now)
            leg.end()
        elif isinstance(transaction, ServerInvite):
            leg.invite = transaction
            transaction.respond(200, "OK", "", now, f"Contact: <{leg.dialog.flow.door.contact}>\r\n{SDP_TYPE}", SDP.encode())
        else:
            transaction.respond(200, "OK", "", now)

    def _invited(self, transaction: ServerInvite, request: Request, now: float) -> None:
        self.counts["invites"] += 1
        behaviour = self.behaviour
        draw = self.random.random()
        if draw < behaviour.silence_share:
            self.counts["silent"] += 1
            return
        draw -= behaviour.silence_share
        dialog = Dialog.serving(request, self.endpoint.token(), transaction.flow)
        if isinstance(dialog, Fault):
            transaction.respond(dialog.status, dialog.reason, self.endpoint.token(), now)
            return
        failure = None
        for candidate in behaviour.failures:
            if 0 <= draw < candidate.share:
                failure = candidate
            draw -= candidate.share
        leg = CalleeLeg(self, transaction, dialog, failure)
        transaction.user = leg
        self.calls[dialog.local_tag] = leg
        transaction.respond(100, "Trying", "", now)
        wait = self.random.uniform(*behaviour.setup_ms) / 1000
        self.endpoint.timers.at(now + wait, leg, Step.REFUSE if failure is not None else Step.PROGRESS)
