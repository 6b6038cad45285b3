"""Which codecs a leg is offered by way of a daemon, and when the daemon is to transcode."""

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.sdp import filter_codecs, parse_sdp

TRANSCODED = {"PCMU", "PCMA", "G722", "OPUS"}
"What version 10.5 of Debian both decodes and encodes, of what Trunkline speaks of, in capitals."


class Choice(Struct, frozen=True, gc=False):
    """An offer for the daemon to make fit."""

    sdp: bytes
    masked: tuple[str, ...] = ()
    "Codecs of the source that the leg is not to see, and that the daemon answers for."
    added: tuple[str, ...] = ()
    "Codecs it is offered in their stead."


def voices(sdp: bytes) -> tuple[str, ...]:
    """Names of the speech formats of a description, in order; none of what is no description."""
    session = parse_sdp(sdp)
    audio = session.audio if not isinstance(session, Fault) else None
    return tuple(codec.name for codec in audio.codecs if codec.is_voice) if audio is not None else ()


def choose(sdp: bytes, spoken: tuple[str, ...], policy: tuple[str, ...], known: tuple[str, ...]) -> Choice | None:
    """What to offer a leg; None where its side shares nothing with the source and nothing can be transcoded.

    `spoken` are the codecs the source may go on with (empty: all), `policy` those of the leg's side, `known` those of its own description.
    """
    own = filter_codecs(sdp, spoken) if spoken else sdp
    if own is None:
        return None
    shared = filter_codecs(own, policy) if policy else own
    if shared is not None and (not known or {name.upper() for name in voices(shared)} & {name.upper() for name in known}):
        return Choice(shared)
    names = voices(own)
    added = tuple(name for name in known or policy if name.upper() in TRANSCODED)
    if not added or not any(name.upper() in TRANSCODED for name in names):
        return None if shared is None else Choice(shared)
    return Choice(own, names, added)
