"""The audio of an answered call: renegotiations, keys, and what the media engine reports."""

from typing import TYPE_CHECKING

from trunkline.calls import gate
from trunkline.calls.audio import CALLER, Told, media_of
from trunkline.calls.events import Confirm, Info, Update, Updated, UpdateRefused
from trunkline.calls.leg import Leg
from trunkline.facts import refusal as catalogue
from trunkline.media import DigitHeard, MediaEvent, MediaFailed, MediaLost, MediaReady, MediaTimeout, Played, Side
from trunkline.media.info_digits import DTMF_RELAY, InfoDigit, build_info, parse_info

if TYPE_CHECKING:
    from trunkline.calls.call import Call


def redescribe(call: "Call", leg: Leg, other: Leg, event: Update | Updated | Confirm, now: float) -> None:
    """A renegotiation of an anchored call: each side hears of our addresses only."""
    if not event.sdp:
        call.offer_wanted = isinstance(event, Update)
        other.take(event, now)
        return
    source, target = number_of(call, leg), number_of(call, other)
    is_offer = isinstance(event, Update) or (isinstance(event, Updated) and call.offer_wanted)
    call.offer_wanted = False

    def say(media: Told, later: float) -> None:
        if isinstance(media, MediaReady):
            other.take(event.__class__(media.sdp), later)
        elif isinstance(event, Update):
            leg.take(UpdateRefused(488, "Not Acceptable Here"), later)
        else:
            call.hang_up(media.code, later)

    if is_offer:
        call.audio.offer(source, side_of(call, source), target, side_of(call, target), event.sdp, say, now)
    else:
        call.audio.answer(source, target, event.sdp, say, now)


def joined(call: "Call", event: Updated | UpdateRefused, now: float) -> None:
    """The side that stayed in a transfer took the target's SDP, or did not."""
    call.await_reinvite = None
    if isinstance(event, UpdateRefused):
        call.board.alarm("transfer.refused_media", call.id, f"re-INVITE answered {event.status}", now)
        return
    if call.callee is None or not event.sdp:
        return

    def say(media: Told, later: float) -> None:
        """The target hears of the staying side's audio where it is not what it heard before."""
        target = call.callee
        if target is not None and isinstance(media, MediaReady) and media_of(media.sdp) != media_of(target.local_sdp):
            target.take(Update(media.sdp), later)

    if call.audio.anchored:
        call.audio.offer(CALLER, side_of(call, CALLER), call.callee_number, side_of(call, 1), event.sdp, say, now)
    else:
        say(MediaReady(call.id, call.callee_number, event.sdp), now)


def pressed(call: "Call", other: Leg, event: Info, now: float) -> bool:
    """A key told by INFO reaches a side that wants keys in its audio as that."""
    number = number_of(call, other)
    digit = parse_info(event.content_type, event.body)
    if not isinstance(digit, InfoDigit) or side_of(call, number).digits == "info":
        return False
    call.audio.press(number, digit.digit, digit.duration_ms, now)
    return True


def on_media(call: "Call", event: MediaEvent, now: float) -> None:
    """What the media engine reports of this call."""
    if isinstance(event, MediaReady | MediaFailed):
        call.audio.ready(event, now)
    elif isinstance(event, Played):
        gate.played(call, event.leg, event.why, now)
    elif isinstance(event, MediaLost):
        call.hang_up(catalogue.MEDIA_LOST.code, now)
    elif isinstance(event, MediaTimeout) and call.screening is None:  # who records a message, or waits for a pick-up, may send nothing
        call.silent |= {event.leg}
        if call.silent >= {CALLER, call.callee_number}:
            call.hang_up(catalogue.MEDIA_TIMEOUT.code, now)
    elif isinstance(event, DigitHeard) and event.leg not in call.masked:
        other = call.callee if event.leg == CALLER else call.caller
        if other is not None and side_of(call, number_of(call, other)).digits == "info":
            other.take(Info("INFO", DTMF_RELAY, build_info(InfoDigit(event.digit, event.duration_ms))), now)


def number_of(call: "Call", leg: Leg) -> int:
    """What the media engine knows a leg as."""
    return CALLER if leg is call.caller else call.callee_number


def side_of(call: "Call", number: int) -> Side:
    attempt = call.attempt
    return attempt.gateway.media if number and attempt is not None else call.plan.media
