"""What reports of the daemon mean: a first packet, silence, packets passed on.

The daemon tells nothing by itself, so what happened is seen when it is asked: a `FirstPacket` and the first packet's time are late by up to
the time between two queries, a `MediaTimeout` by up to one query. Packets sent to a leg are not counted by version 10.5 at all: they are what
its peer was seen to send while it was not blocked.
"""

from collections.abc import Iterator

from trunkline.media.engine import FirstPacket, MediaEvent, MediaTimeout
from trunkline.media.rtpengine.call import Call, Leg
from trunkline.media.rtpengine.replies import Report


def observe(call: Call, reports: dict[str, Report], silence_s: float, now: float) -> Iterator[MediaEvent]:
    """Take what the daemon says of a call's legs, and say what is new."""
    for number, leg in call.legs.items():
        report = reports.get(str(number))
        if report is None:
            continue
        grown = report.received - leg.last.received
        leg.last = report
        if grown > 0:
            leg.grew_at = now
            leg.silent = False
            peer = call.legs.get(leg.peer)
            if peer is not None and not leg.blocked_audio:
                peer.sent += grown
        if report.received and leg.heard_at < 0:
            leg.heard_at = now
            if not leg.abandoned:
                yield FirstPacket(call.id, number)
        silent_s = _silent_s(call, leg, now)
        if silent_s >= silence_s and not leg.silent:
            leg.silent = True
            yield MediaTimeout(call.id, number, silent_s)


def is_unheard(call: Call) -> bool:
    """A leg is still to be heard for the first time."""
    return any(leg.heard_at < 0 <= leg.known_at and not leg.abandoned for leg in call.legs.values())


def _silent_s(call: Call, leg: Leg, now: float) -> float:
    if leg.abandoned or leg.answered_at < 0:
        return 0.0
    if not call.is_heard(leg):
        leg.grew_at = now
        return 0.0
    return now - max(leg.grew_at, leg.answered_at)
