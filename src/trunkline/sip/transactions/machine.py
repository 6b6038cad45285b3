"""What the four transaction machines share.

A machine is a table `TRANSITIONS[state][input] = (next state, actions)`. An action is a method of the machine; effects (bytes to send,
events for the user, timers) go to the endpoint that owns it. An input the table does not name is ignored in that state, which is what
RFC 3261 asks for every stray message. Leaving a state cancels its timers.
"""

from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeAlias

from trunkline.sip.flow import Flow
from trunkline.sip.message import Message
from trunkline.sip.timers import Timers
from trunkline.sip.transactions.settings import TimerSettings

if TYPE_CHECKING:
    from trunkline.sip.events import Event

Action: TypeAlias = Callable[[Any, Message | None, float], None]
Table: TypeAlias = Mapping[IntEnum, Mapping[IntEnum, tuple[IntEnum, tuple[Action, ...]]]]


class Trace(Protocol):
    """Where the messages of a leg are written down: its ladder."""

    def add(self, sent: bool, text: str, cseq: str, note: str, now: float) -> None:
        """Record one message."""


class Host:
    """The endpoint, as its machines see it."""

    __slots__ = ("settings", "timers")

    def __init__(self, timers: Timers, settings: TimerSettings) -> None:
        self.timers = timers
        self.settings = settings

    def send(self, flow: Flow, data: bytes) -> None:
        """Queue bytes for a flow."""
        raise NotImplementedError

    def emit(self, event: "Event") -> None:
        """Queue an event for the transaction user."""
        raise NotImplementedError

    def forget(self, machine: "Machine") -> None:
        """Drop a terminated machine from the tables."""
        raise NotImplementedError


class Machine:
    """A transaction: key, state, and the last message it may have to repeat."""

    __slots__ = ("deadline", "flow", "generation", "host", "interval", "key", "last", "state", "trace", "user")

    TRANSITIONS: ClassVar[Table]
    TERMINATED: ClassVar[IntEnum]

    def __init__(self, host: Host, key: str, flow: Flow, state: IntEnum) -> None:
        self.host = host
        self.key = key
        self.flow = flow
        self.state = state
        self.generation = 0
        self.interval = 0.0
        "Current retransmission interval, seconds."
        self.deadline = 0.0
        "When the transaction gives up."
        self.last = b""
        self.user: Any = None
        "Whoever the events are for; the endpoint never looks inside."
        self.trace: Trace | None = None

    def feed(self, what: IntEnum, message: Message | None, now: float) -> None:
        """One input through the table."""
        row = self.TRANSITIONS[self.state].get(what)
        if row is None:
            return
        state, actions = row
        if state is not self.state:
            self.state = state
            self.generation += 1
        for action in actions:
            action(self, message, now)
        if state is self.TERMINATED:
            self.host.forget(self)
            self.user = self.trace = None

    def on_timer(self, what: int, now: float) -> None:
        raise NotImplementedError("a machine names its own timers")

    @property
    def lingering(self) -> bool:
        """Only absorbing repeats: its work is done."""
        return False

    # Actions that more than one machine uses.

    def linger(self, message: Message | None, now: float) -> None:
        """Nothing more to tell: keep key and last message only."""
        self.user = self.trace = None

    def resend(self, message: Message | None, now: float) -> None:
        if self.last:
            self.host.send(self.flow, self.last)
            if self.trace is not None:
                self.trace.add(True, *describe(self.last), "retransmission", now)


def describe(data: bytes) -> tuple[str, str]:
    """Start line without the version, and CSeq, of a message we built."""
    end = data.find(b"\r\n")
    start = data[:end].decode("utf-8", "replace")
    at = data.find(b"\r\nCSeq: ")
    cseq = data[at + 8 : data.find(b"\r\n", at + 8)].decode("utf-8", "replace") if at >= 0 else ""
    return (start[8:] if start.startswith("SIP/2.0 ") else start.removesuffix(" SIP/2.0")), cseq
