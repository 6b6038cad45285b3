"""Client transactions of every method but INVITE (RFC 3261 section 17.1.2).

The far end must answer at once, so the machine repeats the request, ever slower, until a final answer or 64 x T1.
"""

from enum import IntEnum, auto

from trunkline.sip.events import Replied, TimedOut, Unreachable
from trunkline.sip.flow import Flow
from trunkline.sip.message import Message, Response
from trunkline.sip.transactions.machine import Host, Machine, Table


class State(IntEnum):
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    TIMER_E = auto()
    TIMER_F = auto()
    TIMER_K = auto()
    PROVISIONAL = auto()
    FINAL = auto()
    TRANSPORT_ERROR = auto()
    ABANDON = auto()


class Client(Machine):
    """One request we sent that is not an INVITE."""

    __slots__ = ("method",)

    TERMINATED = State.TERMINATED

    def __init__(self, host: Host, key: str, flow: Flow, method: str) -> None:
        super().__init__(host, key, flow, State.TRYING)
        self.method = method

    def start(self, data: bytes, now: float) -> None:
        """Send it, and arm timers E and F."""
        self.last = data
        self.host.send(self.flow, data)
        settings = self.host.settings
        self.interval = settings.t1
        self.deadline = now + settings.give_up
        self._arm(now)

    def _arm(self, now: float) -> None:
        if self.flow.door.reliable or now + self.interval >= self.deadline:
            self.host.timers.at(self.deadline, self, Input.TIMER_F)
        else:
            self.host.timers.at(now + self.interval, self, Input.TIMER_E)

    def receive(self, response: Response, now: float) -> None:
        if self.trace is not None:
            self.trace.add(False, response.start[8:], f"{response.cseq} {self.method}", response.first("Reason"), now)
        self.feed(Input.PROVISIONAL if response.status < 200 else Input.FINAL, response, now)

    def on_timer(self, what: int, now: float) -> None:
        self.feed(Input(what), None, now)

    @property
    def lingering(self) -> bool:
        return self.state is State.COMPLETED

    # Actions.

    def rearm_e(self, message: Message | None, now: float) -> None:
        t2 = self.host.settings.t2
        self.interval = t2 if self.state is State.PROCEEDING else min(self.interval * 2, t2)
        self._arm(now)

    def keep_waiting(self, message: Message | None, now: float) -> None:
        self.interval = self.host.settings.t2
        self._arm(now)

    def pass_up(self, message: Message | None, now: float) -> None:
        assert isinstance(message, Response)
        if self.user is not None:
            self.host.emit(Replied(self, self.user, message))

    def arm_k(self, message: Message | None, now: float) -> None:
        self.last = b""
        self.user = self.trace = None
        self.host.timers.at(now if self.flow.door.reliable else now + self.host.settings.t4, self, Input.TIMER_K)

    def report_timeout(self, message: Message | None, now: float) -> None:
        if self.user is not None:
            self.host.emit(TimedOut(self, self.user))

    def report_unreachable(self, message: Message | None, now: float) -> None:
        if self.user is not None:
            self.host.emit(Unreachable(self, self.user))


C = Client
TRANSITIONS: Table = {
    State.TRYING: {
        Input.TIMER_E:         (State.TRYING,     (C.resend, C.rearm_e)),
        Input.TIMER_F:         (State.TERMINATED, (C.report_timeout,)),
        Input.PROVISIONAL:     (State.PROCEEDING, (C.keep_waiting, C.pass_up)),
        Input.FINAL:           (State.COMPLETED,  (C.pass_up, C.arm_k)),
        Input.TRANSPORT_ERROR: (State.TERMINATED, (C.report_unreachable,)),
        Input.ABANDON:         (State.TERMINATED, ()),
    },
    State.PROCEEDING: {
        Input.TIMER_E:         (State.PROCEEDING, (C.resend, C.rearm_e)),
        Input.TIMER_F:         (State.TERMINATED, (C.report_timeout,)),
        Input.PROVISIONAL:     (State.PROCEEDING, (C.pass_up,)),
        Input.FINAL:           (State.COMPLETED,  (C.pass_up, C.arm_k)),
        Input.TRANSPORT_ERROR: (State.TERMINATED, (C.report_unreachable,)),
        Input.ABANDON:         (State.TERMINATED, ()),
    },
    State.COMPLETED: {
        Input.TIMER_K:         (State.TERMINATED, ()),
    },
    State.TERMINATED: {},
}  # fmt: skip
Client.TRANSITIONS = TRANSITIONS
