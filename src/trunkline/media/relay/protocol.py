"""What the engine and its workers say to one another.

Between the engine and the pool a message is preceded by two bytes, the number of the worker it goes to or comes from. A worker itself
knows nothing of other workers. The commands and events of the contract travel as they are.
"""

from typing import TypeAlias

from msgspec import Struct

from trunkline.media.engine import (
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaFailed,
    MediaStatistics,
    MediaTimeout,
    Play,
    Played,
    Query,
    SendDigits,
    Stop,
    Subscribe,
)
from trunkline.media.leases import Lease, Leased, Unleased
from trunkline.media.messages import Messages, WorkerDown, WorkerUp


class Configure(Struct, frozen=True, gc=False):
    """How a worker is to work; its first message."""

    first_port: int
    last_port: int
    timeout_s: float
    "Silence after which `MediaTimeout` is reported."


class Keys(Struct, frozen=True, gc=False):
    """SRTP towards one leg (RFC 4568): the key it sends under, and ours."""

    suite: str
    theirs: bytes
    "Master key and salt."
    ours: bytes


class Worked(Struct, frozen=True, gc=False):
    """What a leg sends goes by a transcoder (`media.transcoding`)."""

    host: str
    "Of the transcoder."
    port: int
    token: int
    "SSRC of what comes back."
    masks: bool = False
    "Keys are cut out there: audio of a leg that is masked may go on."


class Returns(Struct, frozen=True, gc=False):
    """Where a worker takes back what was worked on, on the loopback address."""

    port: int


class Place(Struct, frozen=True, gc=False):
    """All that a worker knows of one leg; sent whole whenever any of it changes."""

    call: str
    leg: int
    address: str
    "Ours: with `port` it names the leased pair."
    port: int
    host: str = ""
    "The leg's, by its SDP; empty until there is one."
    rtp_port: int = 0
    rtcp_port: int = 0
    nat: bool = False
    networks: tuple[str, ...] = ()
    dscp: int = 46
    peer: int = -1
    "Leg it hears and is heard by; -1: none yet."
    sends: bool = True
    "Its SDP says that it sends."
    receives: bool = True
    answered: bool = False
    "From here on silence is worth a report."
    codec: str = ""
    payload: int = -1
    "Voice format it is sent."
    clock_rate: int = 8000
    event: int = -1
    "Telephone events as it sends them; -1: none."
    event_out: int = -1
    "Telephone events as it wants them."
    digits: str = "event"
    payload_types: dict[int, int] = {}
    "From the peer's numbers to those of this leg, where they differ."
    keys: Keys | None = None
    relearn: bool = False
    "Grant one change of source (new SDP, or 18x to 200)."
    event_rate: int = 8000
    "Clock of the telephone events it wants."
    told_event_rate: int = 8000
    "Clock of those it sends."
    law: str = ""
    "`PCMA` or `PCMU`, which what it sends becomes on its way: a table, no transcoder."
    law_payload: int = -1
    "Payload type of what it sends in the other law."
    worked: Worked | None = None
    prompt: Worked | None = None
    "What is played to it goes by a transcoder, as mu-law: it is sent no G.711."


class Relearned(Struct, frozen=True, gc=False):
    """A leg's audio comes from another source than before."""

    call: str
    leg: int
    before: str
    after: str


Message: TypeAlias = (
    Configure | Lease | Place | Delete | Query | Subscribe | Play | Stop | Block | SendDigits | Leased | Unleased | Relearned | Returns | WorkerUp | WorkerDown
    | FirstPacket | DigitHeard | Played | MediaTimeout | MediaStatistics | MediaFailed
)  # fmt: skip

KINDS: tuple[type[Message], ...] = (
    Configure,
    Lease,
    Place,
    Delete,
    Query,
    Subscribe,
    Play,
    Stop,
    Block,
    SendDigits,
    Leased,
    Unleased,
    Relearned,
    Returns,
    WorkerUp,
    WorkerDown,
    FirstPacket,
    DigitHeard,
    Played,
    MediaTimeout,
    MediaStatistics,
    MediaFailed,
)

MESSAGES: Messages[Message] = Messages(KINDS)
encode = MESSAGES.encode
decode = MESSAGES.decode
