"""Secrets on the line: keys nobody but their owner may see, and moments no recording may hold (row C5).

Masking a leg keeps its keys from the other side in all three forms they come in (telephone-events, INFO, tones) and from every fact; what is
recorded meanwhile is silence on both sides, for tones are audio. Messages of the call are in its ladder by their start lines alone.
"""

from typing import TYPE_CHECKING

from trunkline.calls.audio import CALLER
from trunkline.calls.events import Info
from trunkline.media.info_digits import parse_info

if TYPE_CHECKING:
    from trunkline.calls.call import Call
    from trunkline.calls.leg import Leg


def mask(call: "Call", side: str, on: bool, now: float) -> None:
    """Keep the keys of one side from everybody, or no longer; `side` is `caller` or `callee`."""
    leg = CALLER if side == "caller" else call.callee_number
    call.masked = call.masked | {leg} if on else call.masked - {leg}
    call.audio.mask(leg, on, now)
    _record_or_not(call, now)


def side_of(call: "Call", on: bool) -> str:
    """The side that is meant where none is named: whoever is not on our trunk; to be let go, the one that is masked (after a transfer, the caller)."""
    if not on and len(call.masked) == 1:
        return "caller" if CALLER in call.masked else "callee"
    return "callee" if call.plan.direction == "outbound" else "caller"


def pause(call: "Call", on: bool, now: float) -> None:
    """Record silence, or what is said again."""
    call.paused = on
    _record_or_not(call, now)


def follow(call: "Call", now: float) -> None:
    """A recording has begun, or what is said of it came from elsewhere: it obeys what was said before."""
    if call.paused or call.masked:
        _record_or_not(call, now)


def pass_on(call: "Call", to: "Call", now: float) -> None:
    """A call was transferred into another, whose caller is now the side that stayed: what was masked or paused stays so until somebody says
    otherwise. Where it was the parting side, whoever stands in its place is masked."""
    for masked, leg in ((call.callee_number, CALLER), (CALLER, to.callee_number)):
        if masked in call.masked:
            to.masked |= {leg}
            to.audio.mask(leg, True, now)
    to.paused |= call.paused
    follow(to, now)


def hides(call: "Call", leg: "Leg", event: Info) -> bool:
    """Whether an INFO carries a key of a masked side: it ends here."""
    number = CALLER if leg is call.caller else call.callee_number
    return number in call.masked and parse_info(event.content_type, event.body) is not None


def _record_or_not(call: "Call", now: float) -> None:
    studio = call.board.studio
    if studio is None:
        return
    if call.paused or call.masked:
        studio.pause(call.id, now)
    else:
        studio.resume(call.id, now)
