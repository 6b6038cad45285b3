"""What the studio and its workers say to one another."""

from typing import TypeAlias

from msgspec import Struct

from trunkline.media.leases import Lease, Leased, Unleased
from trunkline.media.messages import Messages, WorkerDown, WorkerUp
from trunkline.media.transcoding import Conversion
from trunkline.studio.contract import Heard, Recorded, Undecodable


class Open(Struct, frozen=True, gc=False):
    """A leg's audio will come to a leased port; for a leg that has one, what its payload types mean from here on."""

    call: str
    leg: int
    port: int
    at: float
    "Seconds on the monotonic clock of this machine, which all its processes share."
    formats: dict[int, str] = {}
    hears: bool = False
    country: str = ""


class Answered(Struct, frozen=True, gc=False):
    """A leg was answered."""

    call: str
    leg: int
    at: float
    ring_time_s: float | None
    early_media: bool


class Forget(Struct, frozen=True, gc=False):
    """A leg, or with -1 the call, is over."""

    call: str
    leg: int


class Record(Struct, frozen=True, gc=False):
    """Begin a recording, or give one that goes on other legs."""

    call: str
    legs: tuple[int, ...]
    "One to a channel: left and right, or one leg alone."
    file: str


class Pause(Struct, frozen=True, gc=False):
    """Write silence, or with `on` false the audio again."""

    call: str
    on: bool


class Finish(Struct, frozen=True, gc=False):
    """End a recording, the call goes on."""

    call: str


class Convert(Struct, frozen=True, gc=False):
    """Begin a conversion at a leased port, or change the one that is there."""

    wish: Conversion
    port: int


class EndConversion(Struct, frozen=True, gc=False):
    """A conversion, or with -1 all of the call, is over."""

    call: str
    leg: int


class KeyHeard(Struct, frozen=True, gc=False):
    """A key was pressed, in audio that is being converted."""

    call: str
    leg: int
    digit: str
    duration_ms: int


class Configure(Struct, frozen=True, gc=False):
    """How a worker is to work; its first message."""

    lines: int
    conversions: int = 0


Message: TypeAlias = (
    Configure | Lease | Open | Answered | Forget | Record | Pause | Finish | Leased | Unleased | WorkerUp | WorkerDown | Heard | Recorded | Undecodable
    | Convert | EndConversion | KeyHeard
)  # fmt: skip

KINDS: tuple[type[Message], ...] = (
    Configure, Lease, Open, Answered, Forget, Record, Pause, Finish, Leased, Unleased, WorkerUp, WorkerDown, Heard, Recorded, Undecodable,
    Convert, EndConversion, KeyHeard,
)  # fmt: skip

MESSAGES: Messages[Message] = Messages(KINDS)
encode = MESSAGES.encode
decode = MESSAGES.decode
