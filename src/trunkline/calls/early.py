"""What the caller is told and hears before the answer (RFC 3960; rows T10, L1).

    pass    what the carrier sends, as it sends it
    ring    ringing of its own: every 18x with SDP becomes a 180 without, and nothing is heard
    hold    a 180 of the carrier without its SDP, and nothing of a 183, until what plays was heard to be ringback or an announcement; then a 180
            (for ringback) or 183 with SDP, and the audio

A 183 alone is no alerting, whatever it carries. Ringback in the audio is: the post-dial delay ends there where no 180 came before. Which of the
three holds is the stricter of what the trunk and the gateway say. Where the audio is not ours `hold` never hears anything, so no 18x takes
SDP along.
"""

from typing import TYPE_CHECKING

from trunkline.calls.audio import CALLER, Told
from trunkline.calls.events import EarlyMedia, Progress, Ring
from trunkline.calls.state import advance
from trunkline.decide.plan import Plan
from trunkline.listen import Hearing, Kind, Phase
from trunkline.media import MediaReady
from trunkline.policy.snapshot import Gateway

if TYPE_CHECKING:
    from trunkline.calls.attempt import Attempt
    from trunkline.calls.call import Call

STRICTNESS = ("pass", "hold", "ring")
WAITING = frozenset((Kind.RINGBACK, Kind.MUSIC))
"A phone rings somewhere; music in its place is the callee's choice, and ringing all the same where a detector says so with code `custom`."
PASSED = frozenset((Kind.RINGBACK, Kind.MUSIC, Kind.ANNOUNCEMENT, Kind.SPEECH, Kind.BUSY, Kind.UNOBTAINABLE, Kind.CONGESTION, Kind.SIT))
"Worth hearing by a person who waits for an answer."


def manner(plan: Plan, gateway: Gateway) -> str:
    """`pass`, `hold` or `ring`: the stricter of what trunk and gateway say; of emergency and inbound calls nothing is kept back."""
    if plan.emergency or plan.direction != "outbound":
        return "pass"
    if gateway.early_media == "trunk":
        return plan.trunk.early_media
    return max(plan.trunk.early_media, gateway.early_media, key=STRICTNESS.index)


def progressed(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia | Progress, now: float) -> None:
    """The callee's side works on it: tell the caller as much as it may know."""
    if isinstance(event, Ring):
        call.alerting_at = call.alerting_at or now
        call.state = advance(call.state, "ring")
    if isinstance(event, Progress) or not event.sdp:
        if call.caller is not None:
            call.caller.take(event, now)
        return
    call.early_at = call.early_at or now
    call.state = advance(call.state, "media")
    call.listen_to(attempt, event.sdp, now)
    how = manner(call.plan, attempt.gateway)
    if how == "hold" and call.verified == attempt.number:
        how = "pass"
    anchored = call.audio.anchored
    if call.caller is not None:
        if how == "ring" or (how == "hold" and isinstance(event, Ring)):
            call.caller.take(Ring(), now)
        elif how == "pass" and not anchored:
            call.caller.take(event, now)
    if not anchored:
        return
    if how != "pass":
        call.hold_back(attempt.number, now)
    call.audio.answer(attempt.number, CALLER, event.sdp, lambda told, later: _described(call, attempt, event, how, told, later), now, early=True)


def _described(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia, how: str, media: Told, now: float) -> None:
    """The caller's side of early media is ready."""
    sdp = media.sdp if isinstance(media, MediaReady) else b""
    if call.caller is None or attempt is not call.attempt or attempt.answer_at:
        return
    if how == "pass":
        call.caller.take(Ring(sdp) if isinstance(event, Ring) or not sdp else EarlyMedia(event.status, event.phrase, sdp), now)
    elif how == "hold":
        call.held_sdp = sdp


def heard_early(call: "Call", attempt: "Attempt", hearing: Hearing, at: float, now: float) -> None:
    """Something sounded in an attempt's early media at `at`: it may be ringing, and it may be worth hearing."""
    if hearing.phase is not Phase.EARLY or attempt.answer_at:
        return
    rings = hearing.kind in WAITING
    if rings and not attempt.alerting_at:
        attempt.alerting_at, attempt.alerted_by = at, "ringback"
        call.alerting_at = call.alerting_at or at
        call.state = advance(call.state, "ring")
    if hearing.kind not in PASSED or call.held_leg != attempt.number or manner(call.plan, attempt.gateway) != "hold":
        return
    call.verified = attempt.number
    call.let_through(now)
    caller, sdp = call.caller, call.held_sdp
    if caller is not None and sdp:
        caller.take(Ring(sdp) if rings else EarlyMedia(183, "Session Progress", sdp), now)
