"""A simulated dialer: places calls at a rate, talks, hangs up, and counts what it was told."""

from collections import Counter
from enum import IntEnum
from random import Random

from trunkline.lab.carrier import SDP, SDP_TYPE
from trunkline.lab.scenario import DialerBehaviour
from trunkline.sip.dialog import Dialog
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.events import Event, Received, Replied, TimedOut, Unreachable
from trunkline.sip.flow import Flow
from trunkline.sip.message import Response
from trunkline.sip.transactions import ClientInvite


class Step(IntEnum):
    PLACE = 1
    GIVE_UP = 2
    HANG_UP = 3


class CallerLeg:
    """One call of the dialer."""

    __slots__ = ("alerted", "began", "dialer", "dialog", "generation", "invite", "progressed", "up")

    def __init__(self, dialer: "Dialer", dialog: Dialog, now: float) -> None:
        self.dialer = dialer
        self.dialog = dialog
        self.generation = 0
        self.began = now
        self.alerted = self.progressed = False
        self.invite: ClientInvite | None = None
        self.up = False

    def replied(self, response: Response, now: float) -> None:
        dialer, dialog = self.dialer, self.dialog
        if response.cseq_method != "INVITE":
            return
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
            dialer.over(self)
            return
        if dialog.establish(response, dialog.flow) is None and invite is not None:
            invite.settle(response.to_tag, dialog.ack(dialer.endpoint, response.cseq))
        self.up = True
        dialer.up += 1
        dialer.endpoint.timers.at(now + dialer.random.uniform(0.3, 1.0) * dialer.behaviour.talk_limit_s, self, Step.HANG_UP)

    def on_timer(self, what: int, now: float) -> None:
        dialer = self.dialer
        if what == Step.GIVE_UP and self.invite is not None:
            dialer.counts["cancelled"] += 1
            dialer.endpoint.cancel(self.invite, now)
        elif what == Step.HANG_UP:
            dialer.counts["hung up"] += 1
            self.dialog.request(dialer.endpoint, "BYE", now)
            dialer.over(self)


class Dialer:
    """All calls of one simulated dialer, sans-IO."""

    def __init__(self, endpoint: Endpoint, flow: Flow, behaviour: DialerBehaviour, random: Random) -> None:
        self.endpoint = endpoint
        self.flow = flow
        "Where the trunk is."
        self.behaviour = behaviour
        self.random = random
        self.legs: dict[str, CallerLeg] = {}
        "Live calls by our tag."
        self.generation = 0
        self.placed = self.up = self.finished = 0
        self.told: Counter[int] = Counter()
        "Final status of every call."
        self.counts: Counter[str] = Counter()
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
        leg = self.legs[tag] = CallerLeg(self, dialog, now)
        dialog.local_cseq = 1
        invite = self.endpoint.request(
            "INVITE", uri, self.flow, sender=dialog.local, recipient=dialog.remote, call_id=dialog.call_id, cseq=1, now=now, user=leg,
            extra=f"Contact: <{self.flow.door.contact}>\r\nX-Campaign: demo\r\nX-Lead: {self.placed}\r\n{SDP_TYPE}", body=SDP.encode(),
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
            self.told[408] += 1
            self.over(event.user)
        elif isinstance(event, Received):
            request = event.request
            leg = self.legs.get(request.to_tag)
            if leg is None:
                event.transaction.respond(481, "Call/Transaction Does Not Exist", "", now)
                return
            event.transaction.respond(200, "OK", "", now)
            if request.method == "BYE":
                self.counts["callee hung up"] += 1
                self.over(leg)

    def over(self, leg: CallerLeg) -> None:
        leg.generation += 1
        if self.legs.pop(leg.dialog.local_tag, None) is not None:
            self.finished += 1
            self.up -= leg.up
