"""A simulated carrier: answers INVITEs the way its scenario says, on real SIP, and with real RTP where it is given lines."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import IntEnum
from random import Random

from trunkline.lab.line import Line
from trunkline.lab.scenario import CarrierBehaviour, Failure
from trunkline.lab.truth import Truth, Truths
from trunkline.lab.voices import Sound, sound
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


class Silent:
    """An INVITE that gets no response: forgotten when its caller has given up."""

    __slots__ = ("carrier", "generation", "invite")

    def __init__(self, carrier: "Carrier", invite: ServerInvite) -> None:
        self.carrier = carrier
        self.invite = invite
        self.generation = 0

    def on_timer(self, what: int, now: float) -> None:
        self.carrier.endpoint.forget(self.invite)


class CalleeLeg:
    """One call at the carrier."""

    __slots__ = (
        "answers", "body", "callee", "carrier", "dialog", "early", "ended", "failure", "false_answer", "generation", "invite", "line", "ring_s",
        "talk_s", "truth",
    )  # fmt: skip

    def __init__(self, carrier: "Carrier", invite: ServerInvite, dialog: Dialog, failure: Failure | None, line: Line | None, body: bytes) -> None:
        """`body` is the description to be sent; `line` None leaves it at that."""
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
        self.line = line
        self.body = body
        self.callee = self.early = ""
        self.false_answer = False
        self.truth: Truth | None = None
        if line is not None:
            self._cast()

    def _cast(self) -> None:
        """Draw what is heard on this call."""
        behaviour, random = self.carrier.behaviour, self.carrier.random
        self.truth = self.carrier.truths.begin(self.dialog.call_id)
        if self.failure is not None:
            self.early = self.failure.early
        elif behaviour.early_media.startswith("183+sdp"):
            self.early = drawn(behaviour.early_audio, random) or "ringback"
        self.false_answer = random.random() < behaviour.false_answer_share
        self.callee = drawn(behaviour.false_answers if self.false_answer else behaviour.callees, random) or "human"
        if self.false_answer:
            # Such a carrier holds on to the call for as long as it is paid for.
            self.answers, self.talk_s = True, 0.0
            self.ring_s = random.uniform(*behaviour.false_answer_after_s) if behaviour.false_answer_after_s is not None else self.ring_s

    def _play(self, kind: str) -> Sound | None:
        """Play `kind` from now on."""
        assert self.line is not None
        playing = sound(kind, self.carrier.random, self.carrier.behaviour.country)
        self.line.play(playing)
        return playing

    def on_timer(self, what: int, now: float) -> None:
        carrier, tag = self.carrier, self.dialog.local_tag
        timers, early = carrier.endpoint.timers, carrier.behaviour.early_media
        contact = f"Contact: <{self.dialog.flow.door.contact}>\r\n"
        if what == Step.REFUSE and self.failure is not None:
            failure = self.failure
            if self.truth is not None:
                self.truth.status = failure.status
            extra = f"Reason: {failure.reason}\r\n" if failure.reason else ""
            extra += f"Retry-After: {failure.retry_after}\r\n" if failure.retry_after else ""
            carrier.counts[f"refused {failure.status}"] += 1
            self.end()
            self.invite.respond(failure.status, phrase_of(failure.status), tag, now, extra)
        elif what == Step.PROGRESS:
            if self.failure is not None or early.startswith("183+sdp"):
                self.invite.respond(183, "Session Progress", tag, now, contact + SDP_TYPE, self.body)
                playing = None
                if self.line is not None and self.truth is not None:
                    self.truth.early = self.early
                    playing = self._play(self.early)
                if self.failure is not None:
                    timers.at(now + (self.failure.early_s or (playing.seconds if playing is not None else 0.0)), self, Step.REFUSE)
                    return
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
            self.invite.respond(200, "OK", tag, now, contact + SDP_TYPE, self.body)
            if self.truth is not None:
                self.truth.status, self.truth.callee, self.truth.false_answer = 200, self.callee, self.false_answer
                self._play(self.callee)
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
            if self.line is not None:
                self.line.tally(self.carrier.audio)
                self.line.close()

    def described(self, body: bytes) -> bytes | Fault:
        """Our description in reply to theirs, or to none (RFC 3261 section 14.2)."""
        if self.line is None:
            return SDP.encode()
        return self.line.answer(body) if body else self.line.offer()


def drawn(kinds: dict[str, float], random: Random) -> str:
    """One of `kinds` by their shares; empty where there are none."""
    return random.choices(list(kinds), list(kinds.values()))[0] if kinds else ""


class Carrier:
    """All calls of one simulated carrier, sans-IO."""

    def __init__(
        self, name: str, endpoint: Endpoint, behaviour: CarrierBehaviour, random: Random, open_line: Callable[[Sequence[str]], Line] | None = None
    ) -> None:
        """`open_line(codecs)` makes the audio of a call; without it, or where the scenario has no audio, calls have none."""
        self.name = name
        self.endpoint = endpoint
        self.behaviour = behaviour
        self.random = random
        self.open_line = open_line if behaviour.talks else None
        self.truths = Truths()
        "What was played on each call that could be heard."
        self.calls: dict[str, CalleeLeg] = {}
        "Live calls by our tag."
        self.counts: Counter[str] = Counter()
        self.audio: Counter[str] = Counter()
        "Packets of the calls that are over."

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
                if leg.line is not None and event.request.body:
                    leg.line.accept(event.request.body)
        elif isinstance(event, Cancelled) and isinstance(event.user, Silent):
            event.user.generation += 1
            event.transaction.respond(487, "Request Terminated", self.endpoint.token(), now)
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
            self._renegotiated(leg, transaction, request, now)
        elif request.method == "UPDATE" and request.body:
            self._renegotiated(leg, transaction, request, now)
        else:
            transaction.respond(200, "OK", "", now)

    def _renegotiated(self, leg: CalleeLeg, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        body = leg.described(request.body)
        if isinstance(body, Fault):
            transaction.respond(body.status, body.reason, "", now)
            return
        transaction.respond(200, "OK", "", now, f"Contact: <{leg.dialog.flow.door.contact}>\r\n{SDP_TYPE}", body)

    def _invited(self, transaction: ServerInvite, request: Request, now: float) -> None:
        self.counts["invites"] += 1
        behaviour = self.behaviour
        draw = self.random.random()
        if draw < behaviour.silence_share:
            self.counts["silent"] += 1
            transaction.user = silent = Silent(self, transaction)
            self.endpoint.timers.at(now + self.endpoint.settings.give_up, silent, Step.REFUSE)
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
        line = self.open_line(behaviour.codecs) if self.open_line is not None else None
        body = SDP.encode() if line is None else line.answer(request.body) if request.body else line.offer()
        if isinstance(body, Fault):
            assert line is not None
            line.close()
            self.counts[f"refused {body.status}"] += 1
            transaction.respond(body.status, body.reason, dialog.local_tag, now)
            return
        leg = CalleeLeg(self, transaction, dialog, failure, line, body)
        transaction.user = leg
        self.calls[dialog.local_tag] = leg
        transaction.respond(100, "Trying", "", now)
        wait = self.random.uniform(*behaviour.setup_ms) / 1000
        self.endpoint.timers.at(now + wait, leg, Step.REFUSE if failure is not None and not leg.early else Step.PROGRESS)
