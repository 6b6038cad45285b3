"""Server INVITE transactions (RFC 3261 section 17.2.1, with RFC 6026).

The caller repeats its INVITE until it hears something, then waits for us; whatever final answer we give is repeated until its ACK comes.
RFC 3261 leaves repeating a 200 to the transaction user (section 13.3.1.4); here the machine does it too, because it already has the
bytes and the timers, and the user says `acknowledged` when the dialog sees the ACK.
"""

from enum import IntEnum, auto

from trunkline.sip.build import ReplyHead
from trunkline.sip.events import Unacknowledged
from trunkline.sip.flow import Flow
from trunkline.sip.message import Message, Request
from trunkline.sip.transactions.machine import Host, Machine, Table


class State(IntEnum):
    PROCEEDING = auto()
    ACCEPTED = auto()
    "A 200 was sent and waits for its ACK."
    ABSORBING = auto()
    "The 200 was acknowledged; only repeats of the INVITE may still arrive."
    COMPLETED = auto()
    CONFIRMED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    TIMER_G = auto()
    TIMER_H = auto()
    TIMER_I = auto()
    TIMER_L = auto()
    INVITE = auto()
    ACK = auto()
    SEND_PROVISIONAL = auto()
    SEND_SUCCESS = auto()
    SEND_FAILURE = auto()
    TRANSPORT_ERROR = auto()


class ServerInvite(Machine):
    """One INVITE we received."""

    __slots__ = ("merge", "reply", "request")

    TERMINATED = State.TERMINATED

    def __init__(self, host: Host, key: str, flow: Flow, request: Request) -> None:
        super().__init__(host, key, flow, State.PROCEEDING)
        self.request: Request | None = request
        "Dropped once a final response is out."
        self.reply: ReplyHead | None = ReplyHead(request)
        self.merge = ""
        "Key under which a merged copy of the request is recognised (RFC 3261 section 8.2.2.2)."

    def respond(self, status: int, phrase: str, to_tag: str, now: float, extra: str = "", body: bytes = b"") -> None:
        """Send a response; `extra` is whole header lines, each ending in CRLF."""
        if self.reply is None:
            return
        self.last = self.reply.response(status, phrase, to_tag, extra, body)
        if self.trace is not None:
            self.trace.add(True, f"{status} {phrase}", self.reply.cseq, "", now)
        self.feed(Input.SEND_PROVISIONAL if status < 200 else Input.SEND_SUCCESS if status < 300 else Input.SEND_FAILURE, None, now)

    def receive(self, request: Request, now: float) -> None:
        """A repeat of the INVITE, or the ACK of a refusal."""
        if self.trace is not None:
            note = "" if request.method == "ACK" else "retransmission"
            self.trace.add(False, request.start[:-8], f"{request.cseq} {request.method}", note, now)
        self.feed(Input.ACK if request.method == "ACK" else Input.INVITE, request, now)

    def acknowledged(self, now: float) -> None:
        """The ACK of our 200 arrived in the dialog."""
        if self.state is State.ACCEPTED:
            self.feed(Input.ACK, None, now)

    def on_timer(self, what: int, now: float) -> None:
        self.feed(Input(what), None, now)

    @property
    def lingering(self) -> bool:
        return self.state in (State.ABSORBING, State.CONFIRMED, State.COMPLETED)

    def _arm(self, now: float) -> None:
        if now + self.interval >= self.deadline:
            self.host.timers.at(self.deadline, self, Input.TIMER_H)
        else:
            self.host.timers.at(now + self.interval, self, Input.TIMER_G)

    # Actions.

    def send(self, message: Message | None, now: float) -> None:
        self.host.send(self.flow, self.last)

    def arm_g(self, message: Message | None, now: float) -> None:
        """Repeat a refusal over UDP until its ACK; over TCP only wait for it."""
        settings = self.host.settings
        self.reply = self.request = None
        self.deadline = now + settings.give_up
        self.interval = settings.give_up if self.flow.door.reliable else settings.t1
        self._arm(now)

    def arm_success(self, message: Message | None, now: float) -> None:
        """Repeat a 200 until its ACK, over every transport: a proxy further on may speak UDP."""
        settings = self.host.settings
        self.reply = self.request = None
        self.deadline = now + settings.give_up
        self.interval = settings.t1
        self._arm(now)

    def rearm_g(self, message: Message | None, now: float) -> None:
        self.interval = min(self.interval * 2, self.host.settings.t2)
        self._arm(now)

    def arm_i(self, message: Message | None, now: float) -> None:
        self.last = b""
        self.user = self.trace = None
        self.host.timers.at(now if self.flow.door.reliable else now + self.host.settings.t4, self, Input.TIMER_I)

    def arm_l(self, message: Message | None, now: float) -> None:
        self.last = b""
        self.user = self.trace = None
        self.host.timers.at(self.deadline, self, Input.TIMER_L)

    def report_unacknowledged(self, message: Message | None, now: float) -> None:
        if self.user is not None:
            self.host.emit(Unacknowledged(self, self.user))


S = ServerInvite
TRANSITIONS: Table = {
    State.PROCEEDING: {
        Input.INVITE:           (State.PROCEEDING, (S.resend,)),
        Input.SEND_PROVISIONAL: (State.PROCEEDING, (S.send,)),
        Input.SEND_SUCCESS:     (State.ACCEPTED,   (S.send, S.arm_success)),
        Input.SEND_FAILURE:     (State.COMPLETED,  (S.send, S.arm_g)),
    },
    State.ACCEPTED: {
        Input.INVITE:           (State.ACCEPTED,   (S.resend,)),
        Input.ACK:              (State.ABSORBING,  (S.arm_l,)),
        Input.TIMER_G:          (State.ACCEPTED,   (S.resend, S.rearm_g)),
        Input.TIMER_H:          (State.TERMINATED, (S.report_unacknowledged,)),
    },
    State.ABSORBING: {
        Input.TIMER_L:          (State.TERMINATED, ()),
    },
    State.COMPLETED: {
        Input.INVITE:           (State.COMPLETED,  (S.resend,)),
        Input.ACK:              (State.CONFIRMED,  (S.arm_i,)),
        Input.TIMER_G:          (State.COMPLETED,  (S.resend, S.rearm_g)),
        Input.TIMER_H:          (State.TERMINATED, ()),
        Input.TRANSPORT_ERROR:  (State.TERMINATED, ()),
    },
    State.CONFIRMED: {
        Input.TIMER_I:          (State.TERMINATED, ()),
    },
    State.TERMINATED: {},
}  # fmt: skip
ServerInvite.TRANSITIONS = TRANSITIONS
