"""One leg as the engine knows it: what it said, what it was told, under which keys (RFC 3264, RFC 4568).

What a leg is told has an origin of our own, stable for the leg's life; its version rises only when anything else in it changes. Once an
offer of the leg has been answered, the answer stands, whoever answers it next: an attempt that fails after early media and another that
follows leave the leg's description as it was, byte for byte, and the relay renumbers payload types where the two differ.
"""

from functools import lru_cache

from msgspec.structs import replace

from trunkline.media.engine import Side
from trunkline.media.g711 import LAWS
from trunkline.media.relay.protocol import Keys, Place, Worked
from trunkline.media.relay.settings import Interface
from trunkline.media.sdes import Crypto, answer_crypto, answered_crypto, choose_crypto, offer_crypto
from trunkline.media.sdp_media import Anchor, anchored, read_side
from trunkline.media.sdp_media import Side as Heard
from trunkline.sip.sdp import Codec, Media, Origin, Session


class DescribedLeg:
    """A leg and both its descriptions."""

    __slots__ = (
        "_id", "_last_host", "_ours", "_proto", "_theirs", "_version", "answer", "answered", "early", "heard", "interface", "is_placed", "is_worked", "keeps_digits", "law",
        "masked", "number", "offer", "peer", "port", "prompt", "relearn", "side", "token", "told", "told_bytes",
    )  # fmt: skip

    def __init__(self, number: int, side: Side, interface: Interface, port: int, identity: int) -> None:
        self.number = number
        self.side = side
        self.interface = interface
        self.port = port
        self.heard: Heard | None = None
        "Its own description."
        self.told: Heard | None = None
        "What it was told last: the numbers it sends with."
        self.told_bytes = b""
        self.offer = b""
        "Its standing offer, as it came."
        self.answer: bytes | None = None
        "What that was answered with."
        self.is_placed = False
        "Its worker knows of it."
        self.peer = -1
        self.answered = False
        self.early = False
        "It has answered in a provisional response."
        self.relearn = False
        self.keeps_digits = False
        "They go no further, by command."
        self.masked = False
        "Its keys are a secret."
        self.law = ""
        "The law of G.711 that what it sends becomes; empty: stays."
        self.is_worked = False
        "A transcoder works on what it sends."
        self.prompt: Worked | None = None
        "What is played to it goes by a transcoder."
        self.token = identity & 0xFFFF_FFFF
        "What that comes back under."
        self._id = identity
        self._version = 1
        self._ours: tuple[Crypto, ...] = ()
        self._theirs: Crypto | None = None
        self._proto = ""
        self._last_host = ""

    def hear_offer(self, session: Session) -> bool:
        """Take its offer; False when it has no audio that we can carry."""
        heard = read_side(session)
        if heard is None:
            return False
        if heard.secure:
            chosen = choose_crypto(heard.crypto)
            if chosen is None:
                return False
            if self._theirs != chosen:
                self._theirs = chosen
                self._ours = (answer_crypto(chosen),)
        else:
            self._theirs, self._ours = None, ()
        audio = session.audio
        self._proto = audio.proto if audio is not None else ""
        self._note(heard)
        return True

    def hear_answer(self, session: Session) -> bool:
        """Take its answer to what it was told; False when it refuses the audio or its keys do not fit."""
        heard = read_side(session)
        if heard is None or heard.secure != bool(self._ours):
            return False
        if heard.secure:
            found = answered_crypto(self._ours, heard.crypto)
            if found is None:
                return False
            # Kept first, so that a later offer of ours goes on with the key in use.
            self._ours = (found[0],)
            self._theirs = found[1]
        self._note(heard)
        return True

    def tell_offer(self, session: Session) -> bytes:
        """Offer it another leg's description."""
        if not self.side.secure and not (self.heard is not None and self.heard.secure):
            self._ours, self._theirs = (), None
        elif not self._ours:
            self._ours = offer_crypto()
        return self._tell(session, is_mux_wanted=_audio(session).rtcp_mux)

    def tell_answer(self, session: Session) -> bytes:
        """Answer its offer with another leg's answer; the first answer stands until there is another offer."""
        if self.answer is None:
            # An answer keeps the profile of the offer (RFC 3264 section 6), whatever the other leg speaks.
            sections = tuple(replace(media, proto=self._proto) if media is session.audio else media for media in session.media)
            self.answer = self._tell(replace(session, media=sections), is_mux_wanted=self.heard is not None and self.heard.rtcp_mux)
        return self.answer

    def voice(self) -> Codec | None:
        """The format it is sent: what was agreed, under its own number."""
        if self.heard is None:
            return None
        if self.told is None or self.answer is None or self.told.voice is None:
            return self.heard.voice
        agreed = self.told.voice
        return next((one for one in self.heard.codecs if same(one, agreed)), self.heard.voice)

    def agreed(self) -> tuple[Codec, ...]:
        """Speech formats that it sends and is sent, under its own numbers: those it named of which it was told, or told us, the same."""
        if self.heard is None:
            return ()
        return _agreed(self.heard.codecs, self.told.codecs if self.told is not None else None)

    def sends_as(self) -> dict[int, Codec]:
        """Payload types of what it sends, whichever numbers it goes by: ours (RFC 3264 section 5.1) or its own."""
        return {codec.payload: codec for described in (self.heard, self.told) if described is not None for codec in described.codecs}

    def event(self) -> Codec | None:
        """The telephone events it wants."""
        payload = self.heard.telephone_event if self.heard is not None else None
        return self.heard.codec(payload) if self.heard is not None and payload is not None else None

    def place(self, call: str, feeder: "DescribedLeg | None", worked: Worked | None = None) -> Place:
        """What its worker must know. A change of source that was granted is granted once.

        `feeder` is whom it hears; what it sends goes by a transcoder, `worked`.
        """
        heard, told = self.heard, self.told
        event, sent_event = self.event(), _event(told, heard)
        voice = self.voice()
        keys = None
        if self._theirs is not None and self._ours:
            keys = Keys(self._ours[0].suite, self._theirs.key, self._ours[0].key)
        relearn, self.relearn = self.relearn, False
        return Place(
            call=call,
            leg=self.number,
            address=self.interface.address,
            port=self.port,
            host=self._last_host,
            rtp_port=heard.port if heard is not None else 0,
            rtcp_port=heard.rtcp_port if heard is not None else 0,
            nat=self.side.nat,
            networks=self.side.networks,
            dscp=self.side.dscp,
            peer=self.peer,
            sends=heard is None or heard.sends,
            receives=heard is None or heard.receives,
            answered=self.answered,
            codec=voice.name if voice is not None else "",
            payload=voice.payload if voice is not None else -1,
            clock_rate=voice.rate if voice is not None else 8000,
            event=-1 if sent_event is None else sent_event.payload,
            event_out=-1 if event is None else event.payload,
            digits=self.side.digits,
            payload_types=renumbering(feeder, self) if feeder is not None and not feeder.is_worked else {},
            keys=keys,
            relearn=relearn,
            event_rate=8000 if event is None else event.rate,
            told_event_rate=8000 if sent_event is None else sent_event.rate,
            law=self.law,
            law_payload=LAWS[other_law(self.law)].payload_type if self.law else -1,
            worked=worked,
            prompt=self.prompt,
        )

    def _note(self, heard: Heard) -> None:
        self.heard = heard
        # The null address of an old-fashioned hold says nothing of where the audio went before.
        if heard.address not in ("0.0.0.0", "::", ""):
            self._last_host = heard.address

    def _tell(self, session: Session, *, is_mux_wanted: bool) -> bytes:
        audio = _audio(session)
        index = session.media.index(audio)
        anchor = Anchor(
            address=self.interface.shown,
            port=self.port,
            address_type=self.interface.family,
            rtcp_port=self.port + 1 if audio.attribute("rtcp") is not None else None,
            rtcp_mux=is_mux_wanted,
            crypto=tuple(line.encode() for line in self._ours),
        )
        rendered = anchored(session, [*[None] * index, anchor], Origin(str(self._id), self._version, self.interface.shown, self.interface.family))
        body = rendered.encode()
        if self.told_bytes and body != self.told_bytes:
            self._version += 1
            rendered = replace(rendered, origin=replace(rendered.origin, version=self._version))
            body = rendered.encode()
        self.told_bytes = body
        self.told = read_side(rendered)
        return body


def other_law(law: str) -> str:
    """The other of the two."""
    return "PCMU" if law == "PCMA" else "PCMA"


def renumbering(source: DescribedLeg, target: DescribedLeg) -> dict[int, int]:
    """Payload types of what `source` sends, to the numbers `target` wants, where they differ.

    A leg sends with the numbers it was told (RFC 3264 section 5.1); one that sends with its own is understood too.
    """
    if target.heard is None:
        return {}
    sent = tuple(codec for described in (source.heard, source.told) if described is not None for codec in described.codecs)
    return dict(_renumbering(sent, source.law, target.heard.codecs, target.agreed()))


# A far end names the same formats call after call, so what follows from them is mostly known already.


@lru_cache(256)
def _renumbering(sent: tuple[Codec, ...], law: str, wanted: tuple[Codec, ...], agreed: tuple[Codec, ...]) -> dict[int, int]:
    numbers: dict[int, int] = {}
    for codec in sent:
        is_turned = bool(law) and codec.is_named(other_law(law))
        becomes, known = (law, agreed) if is_turned else (codec.name, wanted)
        found = next((one for one in known if one.is_named(becomes) and (one.rate, one.channels) == (codec.rate, codec.channels)), None)
        if found is not None:
            numbers[codec.payload] = found.payload
    return {payload: number for payload, number in numbers.items() if payload != number}


@lru_cache(256)
def _agreed(heard: tuple[Codec, ...], told: tuple[Codec, ...] | None) -> tuple[Codec, ...]:
    named = tuple(codec for codec in heard if codec.is_voice)
    if told is None:
        return named
    return tuple(codec for codec in named if any(same(codec, other) for other in told)) or named


def shares_voice(one: Heard, other: Heard) -> bool:
    """Whether two descriptions have a speech format in common."""
    return any(same(codec, another) for codec in one.codecs if codec.is_voice for another in other.codecs)


def _audio(session: Session) -> Media:
    audio = session.audio
    if audio is None:
        raise ValueError("a description without audio is not carried")
    return audio


def same(one: Codec, other: Codec) -> bool:
    return one.is_named(other.name) and one.rate == other.rate and one.channels == other.channels


def _event(told: Heard | None, heard: Heard | None) -> Codec | None:
    for described in (told, heard):
        if described is not None and described.telephone_event is not None:
            return described.codec(described.telephone_event)
    return None
