"""The seam between signalling and media: what signalling asks of whatever carries the audio, and what it is told.

The vocabulary is that of rtpengine's NG protocol, so that an embedded relay and a relay on another machine are one thing to a call. Offers
and answers go out as requests; an engine that knows at once returns `MediaReady` or `MediaFailed`, one that must ask somebody returns None
and reports later by `next_event`. Everything else is a command without a result: what comes of it is an event.

A call has numbered legs. Leg 0 is the caller's; every attempt towards a carrier has a number of its own, so that an abandoned attempt can be
forgotten while the caller's side (address, port, SSRC, sequence, timestamps) stays what it was.

An engine is sans-IO. `node/` moves its bytes: `data_to_send` to its link, what the link says to `receive_data`, and its timer.
"""

from typing import Protocol, TypeAlias

from msgspec import Struct

from trunkline.sip.sdp import filter_codecs


class Side(Struct, frozen=True, gc=False):
    """How audio is handled towards one leg: from the trunk's or the gateway's policy."""

    codecs: tuple[str, ...] = ()
    """Ordered codec policy; empty passes everything. An offer is cut down to what both sides' policies allow, in the target's order. Where that
    leaves nothing, an engine that can transcode offers the target's own list (or, to a leg in conversation, what it speaks)."""
    interface: str = ""
    "Name of the media address to use; empty: the first."
    secure: bool = False
    "SRTP with SDES keys (RFC 4568) towards this leg."
    nat: bool = False
    "Latch on the source of the first RTP rather than believe the SDP."
    networks: tuple[str, ...] = ()
    "Networks RTP may come from besides the SDP's address (CIDR)."
    dscp: int = 46
    "DSCP of what is sent (RFC 2474); 46 is expedited forwarding."
    digits: str = "event"
    "How this leg sends and wants DTMF: `event` (RFC 4733), `info` (SIP INFO) or `audio` (in-band)."


PLAIN = Side()


class MediaOffer(Struct, frozen=True, gc=False):
    """SDP of leg `source` that is to be offered to leg `leg`."""

    call: str
    leg: int
    "Leg the offer goes to."
    sdp: bytes
    side: Side = PLAIN
    "How audio is handled towards that leg."
    source: int = 0
    "Leg the SDP came from."
    source_side: Side = PLAIN
    "How audio is handled towards the leg it came from."


class MediaAnswer(Struct, frozen=True, gc=False):
    """SDP of leg `source` that answers an offer of leg `leg`, on its way back there."""

    call: str
    leg: int
    sdp: bytes
    source: int = 1
    early: bool = False
    "It came in a provisional response: the leg is not answered."


class MediaReady(Struct, frozen=True, gc=False):
    """The SDP to send on to `leg`."""

    call: str
    leg: int
    sdp: bytes


class MediaFailed(Struct, frozen=True, gc=False):
    """The media engine cannot take this offer or answer."""

    call: str
    leg: int
    code: str
    "Refusal code: `media.no_shared_codec` or `media.failed`."


MediaResult: TypeAlias = MediaReady | MediaFailed | None
"None: the result comes later, as an event."


class Delete(Struct, frozen=True, gc=False):
    """The call, or one leg of it, is over. Final `MediaStatistics` follow."""

    call: str
    leg: int = -1
    "-1: the whole call."


class Query(Struct, frozen=True, gc=False):
    """Ask for `MediaStatistics` of every leg now."""

    call: str


class Subscribe(Struct, frozen=True, gc=False):
    """Send a copy of what arrives from a leg to a local UDP address (the studio's), as RTP in the clear."""

    call: str
    leg: int
    host: str
    port: int
    "0 ends the subscription."


class Play(Struct, frozen=True, gc=False):
    """Play a file towards a leg, in place of what the other leg sends. `Played` says when it is over; another `Play` takes its place."""

    call: str
    leg: int
    file: str
    "WAV, 8 kHz, 16 bit, mono, at most 5 minutes; `studio.prepare` makes one of whatever else there is."
    repeat: int = 1
    "How often; 0: until `Stop`, for music on hold."


class Stop(Struct, frozen=True, gc=False):
    """Stop playing towards a leg."""

    call: str
    leg: int


class Block(Struct, frozen=True, gc=False):
    """Suppress what a leg sends towards the others: its digits, its audio, or both. Takes the place of the `Block` before it."""

    call: str
    leg: int
    digits: bool = False
    "Telephone-events go no further; `DigitHeard` still tells them."
    audio: bool = False
    masked: bool = False
    """Keys of this leg are a secret (a card number): in no event, no copy (`Subscribe`) and nothing the others are sent. Telephone-events stop;
    tones are cut out of the audio where the engine has a `Transcoder` with room, else the audio stops too. Nothing of the leg is copied meanwhile."""


class SendDigits(Struct, frozen=True, gc=False):
    """Press keys towards a leg, as its `Side` wants them (telephone-events, or audio)."""

    call: str
    leg: int
    digits: str
    duration_ms: int = 100


MediaCommand: TypeAlias = Delete | Query | Subscribe | Play | Stop | Block | SendDigits


class FirstPacket(Struct, frozen=True, gc=False):
    """RTP arrives from a leg for the first time."""

    call: str
    leg: int


class DigitHeard(Struct, frozen=True, gc=False):
    """A leg pressed a key (RFC 4733; with `Side.digits` `audio` also as tones, where the engine has a `Transcoder`).

    The engine passes it on by itself to a leg that takes events or audio; to one that takes INFO signalling does.
    """

    call: str
    leg: int
    digit: str
    duration_ms: int


class Played(Struct, frozen=True, gc=False):
    """What `Play` began is over. Told once for each, but for those that end with their leg."""

    call: str
    leg: int
    file: str
    why: str = ""
    "Empty: played to its end. Else `stopped` (by `Stop`, or another `Play`), or why it could not be played."


class MediaTimeout(Struct, frozen=True, gc=False):
    """No RTP from a leg that should send, for longer than the engine's limit (not while it is on hold)."""

    call: str
    leg: int
    silent_s: float


class MediaStatistics(Struct, frozen=True, gc=False):
    """What was received from one leg, and sent to it."""

    call: str
    leg: int
    received: int
    "RTP packets from the leg."
    sent: int
    "RTP packets to the leg."
    lost: int
    "Packets of the leg that never arrived (RFC 3550 A.3); -1 where not known."
    jitter_ms: float
    "Interarrival jitter (RFC 3550 A.8)."
    mos: float
    "Estimated by ITU-T G.107; 0.0: no standard estimate."
    codec: str
    refused: int
    "Packets dropped: wrong source, failed authentication, not RTP."
    first_s: float
    "Seconds from the leg's first SDP to its first packet; -1 where none came."
    final: bool
    "The leg is over."


class MediaLost(Struct, frozen=True, gc=False):
    """The media of a call is gone for good: its worker died, or the one that transcoded it."""

    call: str


MediaEvent: TypeAlias = MediaReady | MediaFailed | FirstPacket | DigitHeard | Played | MediaTimeout | MediaStatistics | MediaLost


class MediaEngine(Protocol):
    """What carries the audio of calls."""

    anchored: bool
    "Audio passes through us: it can be heard, and a failed attempt can be followed by another after early media."

    def offer(self, offer: MediaOffer, now: float) -> MediaResult:
        """Prepare a leg for an offer; a second offer to a leg renegotiates it."""

    def answer(self, answer: MediaAnswer, now: float) -> MediaResult:
        """Complete what `offer` began; the two legs hear each other from here."""

    def command(self, command: MediaCommand, now: float) -> None:
        """Ask for something that has no answer; commands for unknown calls and legs are ignored."""

    def next_event(self) -> MediaEvent | None:
        """The next thing signalling should know; None when there is nothing."""

    def data_to_send(self) -> bytes | None:
        """The next datagram or message for the engine's link; None when there is nothing."""

    def receive_data(self, data: bytes, now: float) -> None:
        """What the link said. Garbage is counted and ignored."""

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""

    def handle_timer(self, now: float) -> None:
        """Time passes: repeat what was not answered, give up what never will be."""


class Bypass:
    """Media flows between dialer and carrier directly; codecs are filtered by policy, and none is transcoded."""

    anchored = False

    def offer(self, offer: MediaOffer, now: float) -> MediaResult:
        sdp: bytes | None = offer.sdp
        for codecs in (offer.source_side.codecs, offer.side.codecs):
            if sdp and codecs:
                sdp = filter_codecs(sdp, codecs)
        if sdp is None:
            return MediaFailed(offer.call, offer.leg, "media.no_shared_codec")
        return MediaReady(offer.call, offer.leg, sdp)

    def answer(self, answer: MediaAnswer, now: float) -> MediaResult:
        return MediaReady(answer.call, answer.leg, answer.sdp)

    def command(self, command: MediaCommand, now: float) -> None:
        return None

    def next_event(self) -> MediaEvent | None:
        return None

    def data_to_send(self) -> bytes | None:
        return None

    def receive_data(self, data: bytes, now: float) -> None:
        return None

    def get_timer(self) -> float | None:
        return None

    def handle_timer(self, now: float) -> None:
        return None
