"""Server transactions of every method but INVITE (RFC 3261 section 17.2.2).

One answer, kept for 64 x T1 over UDP so that a repeated request gets the same answer again and reaches nobody twice.
"""

from enum import IntEnum, auto

from trunkline.sip.build import ReplyHead
from trunkline.sip.flow import Flow
from trunkline.sip.message import Message, Request
from trunkline.sip.transactions.machine import Host, Machine, Table


class State(IntEnum):
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    TIMER_J = auto()
    REQUEST = auto()
    SEND_PROVISIONAL = auto()
    SEND_FINAL = auto()
    TRANSPORT_ERROR = auto()


class Server(Machine):
    """One request we received that is not an INVITE."""

    __slots__ = ("reply", "request")

    TERMINATED = State.TERMINATED

    def __init__(self, host: Host, key: str, flow: Flow, request: Request) -> None:
        super().__init__(host, key, flow, State.TRYING)
        self.request: Request | None = request
        self.reply: ReplyHead | None = ReplyHead(request)

    def respond(self, status: int, phrase: str, to_tag: str, now: float, extra: str = "", body: bytes = b"") -> None:
        """Send a response; `extra` is whole header lines, each ending in CRLF."""
        if self.reply is None:
            return
        self.last = self.reply.response(status, phrase, to_tag, extra, body)
        if self.trace is not None:
            self.trace.add(True, f"{status} {phrase}", self.reply.cseq, "", now)
        self.feed(Input.SEND_PROVISIONAL if status < 200 else Input.SEND_FINAL, None, now)

    def receive(self, request: Request, now: float) -> None:
        """A repeat of the request."""
        self.feed(Input.REQUEST, request, now)

    def on_timer(self, what: int, now: float) -> None:
        self.feed(Input(what), None, now)

    @property
    def lingering(self) -> bool:
        return self.state is State.COMPLETED

    # Actions.

    def send(self, message: Message | None, now: float) -> None:
        self.host.send(self.flow, self.last)

    def arm_j(self, message: Message | None, now: float) -> None:
        self.reply = self.request = self.user = self.trace = None
        self.host.timers.at(now if self.flow.door.reliable else now + self.host.settings.give_up, self, Input.TIMER_J)


S = Server
TRANSITIONS: Table = {
    State.TRYING: {
        Input.SEND_PROVISIONAL: (State.PROCEEDING, (S.send,)),
        Input.SEND_FINAL:       (State.COMPLETED,  (S.send, S.arm_j)),
    },
    State.PROCEEDING: {
        Input.REQUEST:          (State.PROCEEDING, (S.resend,)),
        Input.SEND_PROVISIONAL: (State.PROCEEDING, (S.send,)),
        Input.SEND_FINAL:       (State.COMPLETED,  (S.send, S.arm_j)),
    },
    State.COMPLETED: {
        Input.REQUEST:          (State.COMPLETED,  (S.resend,)),
        Input.TIMER_J:          (State.TERMINATED, ()),
        Input.TRANSPORT_ERROR:  (State.TERMINATED, ()),
    },
    State.TERMINATED: {},
}  # fmt: skip
Server.TRANSITIONS = TRANSITIONS
