"""What an engine asks of whoever works on audio: decode it, listen for keys in it, encode it another way.

A leg's packets go to an address that the transcoder names, and come back to one that the engine names, one for one as far as the two formats
allow: frames of 20 ms, sequence numbers with the gaps that losses left, timestamps on the clock of the new format. They come back under an SSRC
that the engine chose, by which it knows them; telephone-events (RFC 4733) come back among them, in order, their durations on the new clock. A packet
without payload is one that is kept back: it closes the gap that its absence would leave.
"""

from typing import Protocol, TypeAlias

from msgspec import Struct

Address: TypeAlias = tuple[str, int]

TELL = "tell"
MASK = "mask"


class Conversion(Struct, frozen=True, gc=False):
    """One direction: what a leg sends, and what it is to become."""

    call: str
    leg: int
    "Leg it comes from."
    formats: dict[int, str]
    "Encoding of each payload type that the leg sends (SDP names)."
    rates: dict[int, int]
    "RTP clock of each, in Hz."
    codec: str
    "What it becomes: `PCMU`, `PCMA`, `G722` or `opus`."
    payload: int
    clock_rate: int
    token: int
    "SSRC of what comes back."
    host: str
    "Where it comes back to."
    port: int
    event: int = -1
    "Payload type of telephone-events that come back; -1: none do."
    event_rate: int = 8000
    keys: str = ""
    "Keys in the audio: empty leaves them; `tell` tells them and cuts them out; `mask` cuts them out and tells nobody."


class ConversionUser(Protocol):
    """Who has audio worked on."""

    def conversions_lost(self, lost: list[tuple[str, int]], now: float) -> None:
        """These (call, leg) are worked on no longer: their worker died."""

    def key_heard(self, call: str, leg: int, digit: str, duration_ms: int) -> None:
        """A key was pressed, in audio whose `keys` are to be told."""


class Transcoder(Protocol):
    """Who works on audio; the studio."""

    def attach(self, user: ConversionUser) -> None:
        """Say who is told of losses and keys."""

    def can_convert(self, source: str, target: str) -> bool:
        """Whether it has what both formats take (SDP names, in whichever case)."""

    def room(self) -> int:
        """Conversions that could begin now."""

    def convert(self, wish: Conversion, now: float) -> Address | None:
        """Begin, or change what was begun for that call and leg; where to send the packets. None: no room."""

    def end(self, call: str, leg: int, now: float) -> None:
        """It is over; with -1 all of the call are. Unknown ones are ignored."""
