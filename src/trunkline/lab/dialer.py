"""A simulated dialer: places calls at a rate, talks (with real RTP where it is given lines), hangs up, and counts what it was told."""

from collections import Counter
from collections.abc import Callable, Sequence
from enum import IntEnum
from random import Random

from trunkline.facts.refusal import OVERLOAD
from trunkline.lab.carrier import SDP, SDP_TYPE
from trunkline.lab.line import Line
from trunkline.lab.scenario import DialerBehaviour
from trunkline.lab.voices import agent, sound
from trunkline.sip.dialog import Dialog
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Acknowledged, Event, Received, Replied, TimedOut, Unreachable
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response
from trunkline.sip.transactions import ClientInvite, Server, ServerInvite


class Step(IntEnum):
    PLACE = 1
    GIVE_UP = 2
    HANG_UP = 3


class CallerLeg:
    """One call of the dialer."""

    __slots__ = ("alerted", "began", "dialer", "dialog", "generation", "invite", "leaving", "line", "number", "progressed", "up")

    def __init__(self, dialer: "Dialer", dialog: Dialog, number: str, line: Line | None, now: float) -> None:
        self.dialer = dialer
        self.dialog = dialog
        self.generation = 0
        self.began = now
        self.alerted = self.progressed = False
        self.invite: ClientInvite | None = None
        self.up = False
        self.leaving = False
        "A BYE was sent; the call is over when it is answered."
        self.number = number
        "Called."
        self.line = line

    def replied(self, response: Response, now: float) -> None:
        dialer, dialog = self.dialer, self.dialog
        if response.cseq_method == "BYE" and response.status >= 200:
            if response.status >= 300 and self.dialog.local_tag in dialer.legs:
                dialer.counts[f"bye refused {response.status}"] += 1
            dialer.over(self)
        if response.cseq_method != "INVITE" or self.up:
            return
        if self.line is not None and response.body and 100 < response.status < 300 and self.line.accept(response.body) is not None:
            dialer.counts["descriptions not understood"] += 1
        if response.status < 200:
            if response.status > 100 and not self.progressed:
                self.progressed = True
                dialer.endpoint.timers.at(now + dialer.behaviour.ring_limit_s, self, Step.GIVE_UP)
            if response.status == 180 and not self.alerted:
                self.alerted = True
                dialer.delays_ms.append((now - self.began) * 1000)
            return
        self.generation += 1
        invite, self.invite = self.invite, None
        dialer.told[response.status] += 1
        if response.status >= 300:
            dialer.counts["shed"] += OVERLOAD.code in response.first("Warning")
            dialer.over(self)
            return
        if dialog.establish(response, dialog.flow) is None and invite is not None:
            invite.settle(response.to_tag, dialog.ack(dialer.endpoint, response.cseq))
        self.up = True
        dialer.up += 1
        if self.line is not None:
            self.line.play(agent(dialer.random, dialer.behaviour.agent_after_s))
        dialer.endpoint.timers.at(now + dialer.random.uniform(0.3, 1.0) * dialer.behaviour.talk_limit_s, self, Step.HANG_UP)

    def on_timer(self, what: int, now: float) -> None:
        dialer = self.dialer
        if what == Step.GIVE_UP and self.invite is not None:
            dialer.counts["cancelled"] += 1
            dialer.endpoint.cancel(self.invite, now)
        elif what == Step.HANG_UP:
            dialer.counts["hung up"] += 1
            self.leaving = True
            self.dialog.request(dialer.endpoint, "BYE", now, user=self)


class Dialer:
    """All calls of one simulated dialer, sans-IO."""

    def __init__(
        self, endpoint: Endpoint, flow: Flow, behaviour: DialerBehaviour, random: Random, open_line: Callable[[Sequence[str]], Line] | None = None
    ) -> None:
        """`open_line(codecs)` makes the audio of a call; without it calls have none."""
        self.endpoint = endpoint
        self.flow = flow
        "Where the trunk is."
        self.behaviour = behaviour
        self.random = random
        self.open_line = open_line
        self.legs: dict[str, CallerLeg] = {}
        "Live calls by our tag."
        self.generation = 0
        self.placed = self.up = self.finished = 0
        self.told: Counter[int] = Counter()
        "Final status of every call."
        self.counts: Counter[str] = Counter()
        self.audio: Counter[str] = Counter()
        "Packets of the calls that are over."
        self.delays_ms: list[float] = []
        "Post-dial delays."

    @property
    def done(self) -> bool:
        return self.placed >= self.behaviour.calls and not self.legs

    def start(self, now: float) -> None:
        self.endpoint.timers.at(now, self, Step.PLACE)

    def on_timer(self, what: int, now: float) -> None:
        """Place a call, and come back for the next."""
        self.placed += 1
        if self.placed < self.behaviour.calls:
            self.endpoint.timers.at(now + 1 / self.behaviour.rate, self, Step.PLACE)
        tag = self.endpoint.token()
        number = f"{self.random.choice(self.behaviour.numbers)[:-2]}{self.random.randrange(100):02d}"
        uri = f"sip:{number}@{self.flow}"
        dialog = Dialog(self.endpoint.token(), f'"Lab" <sip:14155559999@{self.flow.door.sent_by}>;tag={tag}', tag, f"<{uri}>", "", uri, self.flow)
        line = self.open_line(self.behaviour.codecs) if self.open_line is not None else None
        if line is not None:
            line.play(sound("silence", self.random))
        leg = self.legs[tag] = CallerLeg(self, dialog, number, line, now)
        dialog.local_cseq = 1
        invite = self.endpoint.request(
            "INVITE", uri, self.flow, sender=dialog.local, recipient=dialog.remote, call_id=dialog.call_id, cseq=1, now=now, user=leg,
            extra=f"Contact: <{self.flow.door.contact}>\r\nX-Campaign: demo\r\nX-Lead: {self.placed}\r\n{SDP_TYPE}", body=SDP.encode() if line is None else line.offer(),
        )  # fmt: skip
        assert isinstance(invite, ClientInvite)
        leg.invite = invite

    def handle_events(self, now: float) -> None:
        while (event := self.endpoint.next_event()) is not None:
            self._handle(event, now)

    def _handle(self, event: Event, now: float) -> None:
        if isinstance(event, Replied) and isinstance(event.user, CallerLeg):
            event.user.replied(event.response, now)
        elif isinstance(event, TimedOut | Unreachable) and isinstance(event.user, CallerLeg):
            if event.user.leaving:
                self.counts["bye unanswered"] += 1
            else:
                self.told[408] += 1
            self.over(event.user)
        elif isinstance(event, Acknowledged):
            leg = self.legs.get(event.request.to_tag)
            if leg is not None and leg.line is not None and event.request.body:
                leg.line.accept(event.request.body)
        elif isinstance(event, Received):
            self._received(event.transaction, event.request, now)

    def _received(self, transaction: Server | ServerInvite, request: Request, now: float) -> None:
        leg = self.legs.get(request.to_tag)
        if leg is None:
            transaction.respond(481, "Call/Transaction Does Not Exist", "", now)
        elif request.method == "BYE":
            transaction.respond(200, "OK", "", now)
            self.counts["callee hung up"] += not leg.leaving
            self.over(leg)
        elif leg.line is not None and (request.method == "INVITE" or (request.method == "UPDATE" and request.body)):
            body = leg.line.answer(request.body) if request.body else leg.line.offer()
            if isinstance(body, Fault):
                transaction.respond(body.status, body.reason, "", now)
            else:
                transaction.respond(200, "OK", "", now, f"Contact: <{self.flow.door.contact}>\r\n{SDP_TYPE}", body)
        else:
            transaction.respond(200, "OK", "", now)

    def over(self, leg: CallerLeg) -> None:
        leg.generation += 1
        if self.legs.pop(leg.dialog.local_tag, None) is not None:
            self.finished += 1
            self.up -= leg.up
            if leg.line is not None:
                leg.line.tally(self.audio)
                leg.line.close()
