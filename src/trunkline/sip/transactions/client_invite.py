"""Client INVITE transactions (RFC 3261 section 17.1.1, with RFC 6026).

An INVITE is the only request a person may take a minute to answer, so it has a machine of its own: it retransmits until anything comes
back, then waits, and keeps absorbing 200s after the first so that a forked or repeated answer still gets its ACK. The machine sends the
ACK for a refusal itself; the ACK for a 200 belongs to the dialog.
"""

from enum import IntEnum, auto

from trunkline.sip.build import Head
from trunkline.sip.events import Replied, TimedOut, Unreachable
from trunkline.sip.flow import Flow
from trunkline.sip.message import Message, Response
from trunkline.sip.transactions.machine import Host, Machine, Table


class State(IntEnum):
    CALLING = auto()
    PROCEEDING = auto()
    ACCEPTED = auto()
    COMPLETED = auto()
    TERMINATED = auto()


class Input(IntEnum):
    TIMER_A = auto()
    TIMER_B = auto()
    TIMER_D = auto()
    TIMER_M = auto()
    PROVISIONAL = auto()
    SUCCESS = auto()
    FAILURE = auto()
    TRANSPORT_ERROR = auto()
    ABANDON = auto()


class ClientInvite(Machine):
    """One INVITE we sent."""

    __slots__ = ("acknowledgement", "cancel_wanted", "cancelled", "head", "repeats", "settled_tag")

    TERMINATED = State.TERMINATED

    def __init__(self, host: Host, key: str, flow: Flow, head: Head) -> None:
        super().__init__(host, key, flow, State.CALLING)
        self.head: Head | None = head
        "What ACK and CANCEL repeat."
        self.cancelled = False
        self.cancel_wanted = False
        "CANCEL waits for the first provisional response (RFC 3261 section 9.1)."
        self.repeats = 0
        self.acknowledgement = b""
        "ACK of the 200 that won, repeated for its repeats."
        self.settled_tag = ""

    def settle(self, to_tag: str, acknowledgement: bytes) -> None:
        """The user took the 200 with this tag: its repeats get the same ACK, and only a forked 200 is still news."""
        self.settled_tag = to_tag
        self.acknowledgement = acknowledgement
        self.user = self.trace = None

    def start(self, data: bytes, now: float) -> None:
        """Send it, and arm timers A and B."""
        self.last = data
        self.host.send(self.flow, data)
        settings = self.host.settings
        self.interval = settings.t1
        self.deadline = now + settings.give_up
        self._arm(now)

    def _arm(self, now: float) -> None:
        if self.flow.door.reliable or now + self.interval >= self.deadline:
            self.host.timers.at(self.deadline, self, Input.TIMER_B)
        else:
            self.host.timers.at(now + self.interval, self, Input.TIMER_A)

    def receive(self, response: Response, now: float) -> None:
        status = response.status
        what = Input.PROVISIONAL if status < 200 else Input.SUCCESS if status < 300 else Input.FAILURE
        if self.trace is not None:
            self.trace.add(False, response.start[8:], f"{response.cseq} INVITE", response.first("Reason"), now)
        self.feed(what, response, now)

    def on_timer(self, what: int, now: float) -> None:
        self.feed(Input(what), None, now)

    @property
    def lingering(self) -> bool:
        return self.state in (State.ACCEPTED, State.COMPLETED)

    # Actions.

    def rearm_a(self, message: Message | None, now: float) -> None:
        self.interval *= 2
        self.repeats += 1
        self._arm(now)

    def stop_resend(self, message: Message | None, now: float) -> None:
        self.last = b""

    def pass_up(self, message: Message | None, now: float) -> None:
        assert isinstance(message, Response)
        self.host.emit(Replied(self, self.user, message))

    def send_ack(self, message: Message | None, now: float) -> None:
        assert isinstance(message, Response)
        assert self.head is not None
        self.last = self.head.ack(message.fields["To"][0])
        self.host.send(self.flow, self.last)
        if self.trace is not None:
            self.trace.add(True, f"ACK {self.head.uri}", f"{message.cseq} ACK", "", now)

    def repeat_ack(self, message: Message | None, now: float) -> None:
        self.host.send(self.flow, self.last)

    def absorb(self, message: Message | None, now: float) -> None:
        """A 200 after the first: a repeat gets its ACK again, a fork goes to whoever cleans up."""
        assert isinstance(message, Response)
        if self.acknowledgement and message.to_tag == self.settled_tag:
            self.host.send(self.flow, self.acknowledgement)
        else:
            self.host.emit(Replied(self, self.user, message))

    def arm_d(self, message: Message | None, now: float) -> None:
        self.user = self.trace = self.head = None
        self.host.timers.at(now if self.flow.door.reliable else now + self.host.settings.give_up, self, Input.TIMER_D)

    def arm_m(self, message: Message | None, now: float) -> None:
        self.head = None
        self.host.timers.at(now + self.host.settings.give_up, self, Input.TIMER_M)

    def report_timeout(self, message: Message | None, now: float) -> None:
        self.host.emit(TimedOut(self, self.user))

    def report_unreachable(self, message: Message | None, now: float) -> None:
        self.host.emit(Unreachable(self, self.user))


C = ClientInvite
TRANSITIONS: Table = {
    State.CALLING: {
        Input.TIMER_A:         (State.CALLING,    (C.resend, C.rearm_a)),
        Input.TIMER_B:         (State.TERMINATED, (C.report_timeout,)),
        Input.PROVISIONAL:     (State.PROCEEDING, (C.stop_resend, C.pass_up)),
        Input.SUCCESS:         (State.ACCEPTED,   (C.stop_resend, C.pass_up, C.arm_m)),
        Input.FAILURE:         (State.COMPLETED,  (C.send_ack, C.pass_up, C.arm_d)),
        Input.TRANSPORT_ERROR: (State.TERMINATED, (C.report_unreachable,)),
        Input.ABANDON:         (State.TERMINATED, ()),
    },
    State.PROCEEDING: {
        Input.TIMER_B:         (State.TERMINATED, (C.report_timeout,)),
        Input.PROVISIONAL:     (State.PROCEEDING, (C.pass_up,)),
        Input.SUCCESS:         (State.ACCEPTED,   (C.pass_up, C.arm_m)),
        Input.FAILURE:         (State.COMPLETED,  (C.send_ack, C.pass_up, C.arm_d)),
        Input.TRANSPORT_ERROR: (State.TERMINATED, (C.report_unreachable,)),
        Input.ABANDON:         (State.TERMINATED, ()),
    },
    State.ACCEPTED: {
        Input.SUCCESS:         (State.ACCEPTED,   (C.absorb,)),
        Input.TIMER_M:         (State.TERMINATED, ()),
    },
    State.COMPLETED: {
        Input.FAILURE:         (State.COMPLETED,  (C.repeat_ack,)),
        Input.TIMER_D:         (State.TERMINATED, ()),
        Input.TRANSPORT_ERROR: (State.TERMINATED, ()),
    },
    State.TERMINATED: {},
}  # fmt: skip
ClientInvite.TRANSITIONS = TRANSITIONS
