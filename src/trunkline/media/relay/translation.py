"""Descriptions for two legs that share no codec: what each is offered or answered in the other's stead, and what has to be done to their audio.

Only the formats change hands; address, direction and whatever else a description says are those of the leg that wrote it. Telephone-events are
kept apart from codecs: they pass, whatever carries the speech.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from trunkline.media.sdp_media import Side as Heard
from trunkline.sip.sdp import TELEPHONE_EVENT, Codec, Media, Session, static_codec

RATES = {"opus": (48_000, 2)}
"RTP clock and channels of formats without a payload type of their own (RFC 7587: always 48000/2)."
DYNAMIC = range(96, 128)

CanConvert = Callable[[str, str], bool]


def usable(wanted: Iterable[str], spoken: Iterable[str], can_convert: CanConvert) -> tuple[str, ...]:
    """Of the codecs wanted, those that one of the spoken can become."""
    voices = tuple(spoken)
    return tuple(name for name in wanted if any(can_convert(voice, name) for voice in voices))


def choice(asked: Iterable[Codec], given: Sequence[Codec], can_convert: CanConvert) -> Codec | None:
    """The speech format to answer with, of those asked for, when the other leg has chosen `given`."""
    return next((one for one in asked if one.is_voice and any(can_convert(other.name, one.name) for other in given)), None)


def offered(session: Session, names: Sequence[str]) -> Session:
    """An offer with its speech formats replaced by these. Raises `ValueError` where it has no audio."""
    audio = _audio(session)
    events = [codec for codec in audio.codecs if codec.is_named(TELEPHONE_EVENT)]
    kept = {codec.payload for codec in events}
    codecs = [_numbered(name, kept) for name in names]
    wanted = list(dict.fromkeys((8000, *(codec.rate for codec in codecs)))) if events else []
    # The clock of telephone-events is that of the speech they come among (RFC 4733 section 2.6); every one in question is offered.
    for rate in wanted:
        found = next((codec for codec in events if codec.rate == rate), None)
        if found is None:
            found = Codec(_free({*kept, *(codec.payload for codec in codecs)}), TELEPHONE_EVENT, rate, 1, events[0].fmtp)
        kept.add(found.payload)
        codecs.append(found)
    return _with(session, audio, codecs)


def answered(session: Session, asked: Heard, voice: Codec) -> Session:
    """An answer with its formats replaced by one that was asked for, and the telephone-events that were, if it has any at all."""
    audio = _audio(session)
    codecs = [voice]
    if any(codec.is_named(TELEPHONE_EVENT) for codec in audio.codecs):
        events = [codec for codec in asked.codecs if codec.is_named(TELEPHONE_EVENT)]
        codecs += sorted(events, key=lambda codec: codec.rate != voice.rate)[:1]
    return _with(session, audio, codecs)


def _with(session: Session, audio: Media, codecs: Sequence[Codec]) -> Session:
    lines = [line for line in audio.lines if line[0] != "a" or line[1].partition(":")[0].strip() not in ("rtpmap", "fmtp", "rtcp-fb", "ptime", "maxptime")]
    for codec in codecs:
        lines.append(("a", f"rtpmap:{codec.payload} {codec.rtpmap}"))
        if codec.fmtp:
            lines.append(("a", f"fmtp:{codec.payload} {codec.fmtp}"))
    lines.append(("a", "ptime:20"))
    changed = Media(audio.kind, audio.port, audio.proto, tuple(str(codec.payload) for codec in codecs), tuple(lines), audio.port_count)
    return replace(session, media=tuple(changed if media is audio else media for media in session.media))


def _numbered(name: str, taken: set[int]) -> Codec:
    known = static_codec(name)
    if known is not None:
        return known
    rate, channels = RATES.get(name.lower(), (8000, 1))
    return Codec(_free(taken), name, rate, channels)


def _free(taken: set[int]) -> int:
    number = next(number for number in DYNAMIC if number not in taken)
    taken.add(number)
    return number


def _audio(session: Session) -> Media:
    audio = session.audio
    if audio is None:
        raise ValueError("a description without audio is not carried")
    return audio
