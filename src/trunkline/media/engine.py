"""The seam between signalling and media: an offer goes out as a request, readiness comes back as a result or, later, as an event.

`bypass` leaves the audio to the two ends: SDP passes through, with codecs filtered by policy. An engine that must ask somebody else
returns None and delivers `MediaReady` or `MediaFailed` when it knows.
"""

from typing import Protocol, TypeAlias

from msgspec import Struct

from trunkline.sip.sdp import filter_codecs


class MediaOffer(Struct, frozen=True, gc=False):
    """SDP of one side that is to be offered to the other."""

    call: str
    leg: int
    "Leg the offer goes to."
    sdp: bytes
    codecs: tuple[str, ...]
    "Ordered codec policy towards that leg; empty passes everything."


class MediaAnswer(Struct, frozen=True, gc=False):
    """SDP that answers an earlier offer, on its way back."""

    call: str
    leg: int
    sdp: bytes


class MediaReady(Struct, frozen=True, gc=False):
    """The SDP to send on."""

    call: str
    leg: int
    sdp: bytes


class MediaFailed(Struct, frozen=True, gc=False):
    """The media engine cannot take this offer."""

    call: str
    leg: int
    code: str
    "Refusal code: `media.no_shared_codec` or `media.failed`."


MediaResult: TypeAlias = MediaReady | MediaFailed | None
"None: the result comes later, as an event."


class MediaEngine(Protocol):
    def offer(self, offer: MediaOffer) -> MediaResult:
        """Prepare for an offer."""

    def answer(self, answer: MediaAnswer) -> MediaResult:
        """Complete it."""

    def close(self, call: str) -> None:
        """The call is over."""


class Bypass:
    """Media flows between dialer and carrier directly."""

    def offer(self, offer: MediaOffer) -> MediaResult:
        sdp = offer.sdp
        if offer.codecs and sdp:
            filtered = filter_codecs(sdp, offer.codecs)
            if filtered is None:
                return MediaFailed(offer.call, offer.leg, "media.no_shared_codec")
            sdp = filtered
        return MediaReady(offer.call, offer.leg, sdp)

    def answer(self, answer: MediaAnswer) -> MediaResult:
        return MediaReady(answer.call, answer.leg, answer.sdp)

    def close(self, call: str) -> None:
        return None
