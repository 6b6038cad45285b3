"""Telephone-events in descriptions that pass between legs which press keys differently (`Side.digits`).

A leg that presses by INFO or by tones often knows no telephone-events (RFC 4733), so its description names none. The other leg, whose keys or
whose ears they are, must be told of them all the same: by us, since it is we who send and take them.
"""

from msgspec.structs import replace

from trunkline.media.sdp_media import Side as Heard
from trunkline.sip.sdp import TELEPHONE_EVENT, Codec, Media, Session

USUAL = 101
"Payload type most equipment gives telephone-events."
DIGITS = "0-15"
"The sixteen keys (RFC 4733 section 2.4.1)."


def offered_keys(session: Session, pressed: str, wanted: str) -> Session:
    """An offer of a leg whose keys are `pressed`, to one that wants them as `wanted`: with telephone-events where we are to make them."""
    audio = session.audio
    if pressed == "event" or wanted != "event" or audio is None or audio.telephone_event is not None:
        return session
    rate = next((codec.rate for codec in audio.codecs if codec.is_voice), 8000)
    number = next(number for number in (USUAL, *range(96, 128)) if str(number) not in audio.formats)
    return _with(session, audio, Codec(number, TELEPHONE_EVENT, rate, 1, DIGITS))


def answered_keys(session: Session, asked: Heard, pressed: str, wanted: str) -> Session:
    """An answer of a leg whose keys are `pressed`, to one that wants them as `wanted` and `asked`.

    It names telephone-events where the asker did, to be turned into what the other takes; never where it did not (RFC 3264 section 6.1).
    """
    audio = session.audio
    if audio is None:
        return session
    number = asked.telephone_event
    if number is None:
        return session if wanted == "event" else _without(session, audio)
    event = asked.codec(number)
    if pressed == "event" or wanted != "event" or audio.telephone_event is not None or event is None:
        return session
    return _with(session, audio, event)


def _with(session: Session, audio: Media, event: Codec) -> Session:
    lines = (*audio.lines, ("a", f"rtpmap:{event.payload} {event.rtpmap}"), ("a", f"fmtp:{event.payload} {event.fmtp or DIGITS}"))
    return _changed(session, audio, (*audio.formats, str(event.payload)), lines)


def _without(session: Session, audio: Media) -> Session:
    gone = {str(codec.payload) for codec in audio.codecs if codec.is_named(TELEPHONE_EVENT)}
    lines = tuple(line for line in audio.lines if line[0] != "a" or _payload_of(line[1]) not in gone)
    return _changed(session, audio, tuple(one for one in audio.formats if one not in gone), lines) if gone else session


def _payload_of(attribute: str) -> str:
    name, _, value = attribute.partition(":")
    return value.split(" ", 1)[0] if name.strip() in ("rtpmap", "fmtp") else ""


def _changed(session: Session, audio: Media, formats: tuple[str, ...], lines: tuple[tuple[str, str], ...]) -> Session:
    return replace(session, media=tuple(replace(media, formats=formats, lines=lines) if media is audio else media for media in session.media))
