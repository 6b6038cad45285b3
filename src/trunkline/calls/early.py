"""What the caller is told and hears before the answer (RFC 3960; rows T10, L1).

    pass    what the carrier sends, as it sends it
    ring    ringing of its own: every 18x with SDP becomes a 180 without, and nothing is heard
    hold    a 180 of the carrier without its SDP, and nothing of a 183, until what plays was heard to be ringback or an announcement; then a 180
            (for ringback) or 183 with SDP, and the audio

A 183 alone is no alerting, whatever it carries. Ringback in the audio is: the post-dial delay ends there where no 180 came before. Which of the
three holds is the stricter of what the trunk and the gateway say. Where the audio is not ours `hold` never hears anything, so no 18x takes
SDP along.

An attempt after one of which the caller was told anything keeps to the manner of that one: it is heard no more than that, and a gateway of which less
may be heard is passed over once the caller hears early media, which it would lose.

A carrier that says P-Early-Media `inactive` or `recvonly` (RFC 5009) has described audio that is none as yet: of such a 18x the caller gets no SDP and hears
nothing, until a later one says otherwise. Only 18x are read for it, no UPDATE and no PRACK.
"""

from typing import TYPE_CHECKING, Final

from trunkline.calls.audio import CALLER, Told
from trunkline.calls.events import EarlyMedia, Progress, Ring
from trunkline.calls.state import advance
from trunkline.decide.plan import Plan
from trunkline.listen import Hearing, Kind, Phase
from trunkline.media import MediaReady
from trunkline.policy.snapshot import Gateway
from trunkline.sip.headers.p_early_media import AUDIBLE

if TYPE_CHECKING:
    from trunkline.calls.attempt import Attempt
    from trunkline.calls.call import Call

STRICTNESS: Final = ("pass", "hold", "ring")
WAITING: Final = frozenset((Kind.RINGBACK, Kind.MUSIC))
"A phone rings somewhere; music in its place is the callee's choice, and ringing all the same where a detector says so with code `custom`."
PASSED: Final = frozenset((Kind.RINGBACK, Kind.MUSIC, Kind.ANNOUNCEMENT, Kind.SPEECH, Kind.BUSY, Kind.UNOBTAINABLE, Kind.CONGESTION, Kind.SIT))
"Worth hearing by a person who waits for an answer."


def manner(plan: Plan, gateway: Gateway) -> str:
    """`pass`, `hold` or `ring`: the stricter of what trunk and gateway say; of emergency and inbound calls nothing is kept back."""
    if plan.emergency or plan.direction != "outbound":
        return "pass"
    if gateway.early_media == "trunk":
        return plan.trunk.early_media
    return max(plan.trunk.early_media, gateway.early_media, key=STRICTNESS.index)


def how(call: "Call", gateway: Gateway) -> str:
    """`manner` of an attempt: no more than of the first gateway the caller was told anything of."""
    own = manner(call.plan, gateway)
    return max(own, call.manner or own, key=STRICTNESS.index)


def takes_away(call: "Call", gateway: Gateway) -> bool:
    """Whether the caller hears a call's early media already, and would hear less of this gateway's."""
    return call.given and how(call, gateway) != call.manner


def progressed(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia | Progress, now: float) -> None:
    """The callee's side works on it: tell the caller as much as it may know."""
    if isinstance(event, Ring):
        call.alerting_at = call.alerting_at or now
        call.state = advance(call.state, "ring")
    may_be_heard = _allow(attempt, event)
    sdp = b"" if isinstance(event, Progress) else event.sdp
    if sdp:
        attempt.early_sdp = sdp
    elif may_be_heard and attempt.early_sdp:  # described earlier
        sdp = attempt.early_sdp
        event = Ring(sdp, event.allows) if isinstance(event, Ring) else EarlyMedia(event.status, event.phrase, sdp, event.allows)
    if not sdp or attempt.barred:
        _progressed_unheard(call, attempt, event, now)
        return
    call.early_at = call.early_at or now
    call.state = advance(call.state, "media")
    call.listen_to(attempt, sdp, now)
    manner = how(call, attempt.gateway)
    if manner == "hold" and call.verified == attempt.number:
        manner = "pass"
    anchored = call.audio.anchored
    if manner == "ring" or (manner == "hold" and isinstance(event, Ring)):
        _tell(call, attempt, Ring(), now)
    elif manner == "pass" and not anchored:
        _tell(call, attempt, event, now)
    if not anchored:
        return
    if manner != "pass":
        call.hold_back(attempt.number, now)
    elif call.held_leg == attempt.number:
        call.let_through(now)
    call.audio.answer(attempt.number, CALLER, sdp, lambda told, later: _described(call, attempt, event, manner, told, later), now, early=True)


def _allow(attempt: "Attempt", event: Ring | EarlyMedia | Progress) -> bool:
    """Take in what P-Early-Media says, which stands until it says otherwise; whether it lets audio be heard that was not to be."""
    if not event.allows:
        return False
    was_barred, attempt.barred = attempt.barred, event.allows not in AUDIBLE
    return was_barred and not attempt.barred


def _progressed_unheard(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia | Progress, now: float) -> None:
    """Nothing to hear comes with it: it has no description, or one of audio that nobody may hear as yet."""
    if isinstance(event, Ring):
        _tell(call, attempt, Ring(allows=event.allows), now)
    elif isinstance(event, Progress) or how(call, attempt.gateway) != "hold":
        _tell(call, attempt, Progress(event.status, event.phrase, event.allows), now)
    if attempt.barred and attempt.early_sdp and call.audio.anchored:
        call.hold_back(attempt.number, now)
        if not isinstance(event, Progress) and event.sdp:
            call.audio.answer(attempt.number, CALLER, event.sdp, lambda told, later: None, now, early=True)


def _tell(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia | Progress, now: float) -> None:
    """Tell the caller; from the first time on it is to be given neither more nor less."""
    if call.caller is None:
        return
    call.manner = call.manner or how(call, attempt.gateway)
    call.given = call.given or (not isinstance(event, Progress) and bool(event.sdp))
    call.caller.take(event, now)


def _described(call: "Call", attempt: "Attempt", event: Ring | EarlyMedia | Progress, manner: str, media: Told, now: float) -> None:
    """The caller's side of early media is ready."""
    sdp = media.sdp if isinstance(media, MediaReady) else b""
    if attempt is not call.attempt or attempt.answer_at:
        return
    if manner == "pass" and not attempt.barred:
        if isinstance(event, Ring):
            _tell(call, attempt, Ring(sdp, event.allows), now)
        elif sdp:
            _tell(call, attempt, EarlyMedia(event.status, event.phrase, sdp, event.allows), now)
        else:  # a description that is of no use is no ringing either
            _tell(call, attempt, Progress(event.status, event.phrase, event.allows), now)
    elif manner == "hold":
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
    if hearing.kind not in PASSED or call.held_leg != attempt.number or attempt.barred or how(call, attempt.gateway) != "hold":
        return
    call.verified = attempt.number
    call.let_through(now)
    sdp = call.held_sdp
    if sdp:
        _tell(call, attempt, Ring(sdp) if rings else EarlyMedia(183, "Session Progress", sdp), now)
