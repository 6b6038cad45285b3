"""Offers and answers (RFC 3264, RFC 6337 for what may go in which message).

Which description may be sent next is a table of four states, the same for both sides. What goes into an offer or an
answer is a function of what was offered and of our `Terms`; the far end's payload type numbers are kept, the order of
codecs is ours: an operator's list is the "specific reason" for which RFC 3264 section 6.1 lets an answer leave the
offerer's order.
"""

from enum import Enum
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from trunkline.sip.fault import Fault
from trunkline.sip.sdp import TELEPHONE_EVENT, Codec, Connection, Media, Origin, Session, static_codec


class State(Enum):
    IDLE = "nothing agreed yet"
    LOCAL_OFFER = "we have offered and wait"
    REMOTE_OFFER = "they have offered and wait"
    STABLE = "agreed"


class Move(Enum):
    LOCAL_OFFER = "we offer"
    REMOTE_OFFER = "they offer"
    LOCAL_ANSWER = "we answer"
    REMOTE_ANSWER = "they answer"
    REFUSED = "the offer is turned down, or its request failed"


GLARE = Fault("Request Pending", status=491)
"Both sides offer at once (RFC 3261 section 14.2, RFC 3311 section 5.2)."
OVERLAP = Fault("Offer Already Pending", status=500)
"The same side offers twice; answered with a Retry-After of 0 to 10 seconds (RFC 3311 section 5.2)."
UNASKED = Fault("Answer Without Offer")
UNACCEPTABLE = Fault("Not Acceptable Here", status=488)

TRANSITIONS: dict[State, dict[Move, State | Fault]] = {
    State.IDLE: {
        Move.LOCAL_OFFER: State.LOCAL_OFFER,
        Move.REMOTE_OFFER: State.REMOTE_OFFER,
        Move.LOCAL_ANSWER: UNASKED,
        Move.REMOTE_ANSWER: UNASKED,
        Move.REFUSED: State.IDLE,
    },
    State.LOCAL_OFFER: {
        Move.LOCAL_OFFER: OVERLAP,
        Move.REMOTE_OFFER: GLARE,
        Move.LOCAL_ANSWER: UNASKED,
        Move.REMOTE_ANSWER: State.STABLE,
        Move.REFUSED: State.IDLE,
    },
    State.REMOTE_OFFER: {
        Move.LOCAL_OFFER: GLARE,
        Move.REMOTE_OFFER: OVERLAP,
        Move.LOCAL_ANSWER: State.STABLE,
        Move.REMOTE_ANSWER: UNASKED,
        Move.REFUSED: State.IDLE,
    },
    State.STABLE: {
        Move.LOCAL_OFFER: State.LOCAL_OFFER,
        Move.REMOTE_OFFER: State.REMOTE_OFFER,
        Move.LOCAL_ANSWER: UNASKED,
        Move.REMOTE_ANSWER: UNASKED,
        Move.REFUSED: State.STABLE,
    },
}
"What either side does -> the state it leads to. A refused offer falls back to what was agreed before, if anything was."


class Carrier(Enum):
    """A message that can carry a description."""

    INVITE = "INVITE"
    RELIABLE_PROVISIONAL = "101-199 to INVITE with Require: 100rel"
    UNRELIABLE_PROVISIONAL = "101-199 to INVITE"
    INVITE_SUCCESS = "2xx to INVITE"
    ACK = "ACK"
    PRACK = "PRACK"
    PRACK_SUCCESS = "2xx to PRACK"
    UPDATE = "UPDATE"
    UPDATE_SUCCESS = "2xx to UPDATE"


class Role(Enum):
    OFFER = "offer"
    ANSWER = "answer"
    PREVIEW = "preview"
    "A copy of the answer to come, or of one given: may be used, changes nothing (RFC 6337 section 3.1.1)."


ROLES: dict[Carrier, tuple[bool, bool]] = {
    Carrier.INVITE: (True, False),
    Carrier.RELIABLE_PROVISIONAL: (True, True),
    Carrier.UNRELIABLE_PROVISIONAL: (False, False),
    Carrier.INVITE_SUCCESS: (True, True),
    Carrier.ACK: (False, True),
    Carrier.PRACK: (True, True),
    Carrier.PRACK_SUCCESS: (False, True),
    Carrier.UPDATE: (True, False),
    Carrier.UPDATE_SUCCESS: (False, True),
}
"Whether a message may carry an offer, and whether it may carry an answer (RFC 6337 table 1)."

_LATE = (Carrier.RELIABLE_PROVISIONAL, Carrier.INVITE_SUCCESS)
"May offer only when the INVITE they respond to carried nothing."


class Negotiation:
    """Where one dialog stands with its offers and answers."""

    __slots__ = ("_agreed", "state")

    def __init__(self) -> None:
        self.state = State.IDLE
        self._agreed = False

    def local_offer(self) -> Fault | None:
        return self._move(Move.LOCAL_OFFER)

    def remote_offer(self) -> Fault | None:
        return self._move(Move.REMOTE_OFFER)

    def local_answer(self) -> Fault | None:
        return self._move(Move.LOCAL_ANSWER)

    def remote_answer(self) -> Fault | None:
        return self._move(Move.REMOTE_ANSWER)

    def refused(self) -> None:
        """The pending offer came to nothing; what was agreed before holds."""
        self._move(Move.REFUSED)

    def role_of(self, carrier: Carrier, ours: bool, late: bool = False) -> Role:
        """What a description in this message is: `ours` says who sends it, `late` that the INVITE carried none."""
        may_offer, may_answer = ROLES[carrier]
        pending = State.REMOTE_OFFER if ours else State.LOCAL_OFFER
        if may_answer and self.state is pending:
            return Role.ANSWER
        if may_offer and (carrier not in _LATE or late):
            return Role.OFFER
        return Role.PREVIEW

    def _move(self, move: Move) -> Fault | None:
        target = TRANSITIONS[self.state][move]
        if isinstance(target, Fault):
            return target
        self._agreed = self._agreed or target is State.STABLE
        self.state = State.STABLE if target is State.IDLE and self._agreed else target
        return None


Direction: TypeAlias = str
"One of `sdp.DIRECTIONS`."

HELD: dict[Direction, Direction] = {
    "sendrecv": "sendonly",
    "sendonly": "sendonly",
    "recvonly": "inactive",
    "inactive": "inactive",
}
"A direction -> the one that puts it on hold (RFC 3264 section 8.4)."

MIRRORED: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
"What one side says -> what the other may at most answer (RFC 3264 section 6.1)."


class Terms(Struct, frozen=True):
    """What we are ready to talk with."""

    address: str
    port: int
    codecs: tuple[str, ...]
    "Encoding names in order of preference."
    session_id: str = "1"
    version: int = 1
    direction: Direction = "sendrecv"
    ptime_ms: int = 20
    telephone_event: bool = True
    rtcp_mux: bool = False
    protos: tuple[str, ...] = ("RTP/AVP",)
    "Transports we can speak; an offer names the first."
    dynamic: tuple[Codec, ...] = (Codec(111, "opus", 48_000, 2), Codec(97, "iLBC", 8000, 1, "mode=30"))
    "How to offer codecs that have no payload type of their own."

    @property
    def origin(self) -> Origin:
        return Origin(self.session_id, self.version, self.address, self._address_type)

    @property
    def connection(self) -> Connection:
        return Connection(self.address, self._address_type)

    @property
    def _address_type(self) -> str:
        return "IP6" if ":" in self.address else "IP4"


def make_offer(terms: Terms, telephone_event_payload: int = 101) -> Session | Fault:
    """An offer of our codecs in our order; a fault (500) when none of them can be offered."""
    known = (static_codec(name) or _named(terms.dynamic, name) for name in terms.codecs)
    codecs = [codec for codec in known if codec is not None]
    if not codecs:
        return Fault("No Codec To Offer", status=500)
    if terms.telephone_event:
        codecs.append(Codec(telephone_event_payload, TELEPHONE_EVENT, fmtp="0-16"))
    media = _section(terms, terms.protos[0], codecs, terms.direction, terms.ptime_ms, terms.rtcp_mux)
    return Session(terms.origin, (media,), (("c", str(terms.connection)), ("t", "0 0")))


def answer(offer: Session, terms: Terms) -> Session | Fault:
    """Our answer: the first audio section we can speak is taken, the others refused; a fault (488) when none fits."""
    sections: list[Media] = []
    accepted = False
    for media in offer.media:
        codecs = _shared(media, terms) if not accepted and _speakable(media, terms) else []
        if codecs:
            accepted = True
            direction = _answered(offer.direction_of(media), terms.direction)
            mux = terms.rtcp_mux and media.rtcp_mux
            sections.append(_section(terms, media.proto, codecs, direction, media.ptime_ms or terms.ptime_ms, mux))
        else:
            sections.append(media.refused())
    if not accepted:
        return UNACCEPTABLE
    timing = next((value for letter, value in offer.lines if letter == "t"), "0 0")
    return Session(terms.origin, tuple(sections), (("c", str(terms.connection)), ("t", timing)))


def held(session: Session) -> Session:
    """Our description as a new offer that puts the far end on hold."""
    return _redirected(session, [HELD[session.direction_of(media)] for media in session.media])


def resumed(session: Session, direction: Direction = "sendrecv") -> Session:
    """Our description as a new offer that takes the far end off hold."""
    return _redirected(session, [direction] * len(session.media))


def _redirected(session: Session, directions: list[Direction]) -> Session:
    media = [
        one.with_direction(direction) if one.port else one
        for one, direction in zip(session.media, directions, strict=True)
    ]
    origin = replace(session.origin, version=session.origin.version + 1)
    return replace(session, origin=origin, media=tuple(media))


def _speakable(media: Media, terms: Terms) -> bool:
    return media.kind == "audio" and media.port > 0 and media.proto in terms.protos


def _shared(media: Media, terms: Terms) -> list[Codec]:
    """Offered formats we want, in our order, with the telephone events that fit them."""
    codecs = media.codecs
    chosen = [codec for name in terms.codecs for codec in codecs if codec.is_named(name)]
    rates = {codec.rate for codec in chosen}
    if chosen and terms.telephone_event:
        chosen += [codec for codec in codecs if codec.is_named(TELEPHONE_EVENT) and codec.rate in rates]
    return chosen


def _answered(offered: Direction, ours: Direction) -> Direction:
    """The most that both sides want."""
    possible = MIRRORED[offered]
    sends = possible in ("sendrecv", "sendonly") and ours in ("sendrecv", "sendonly")
    receives = possible in ("sendrecv", "recvonly") and ours in ("sendrecv", "recvonly")
    return {(True, True): "sendrecv", (True, False): "sendonly", (False, True): "recvonly"}.get(
        (sends, receives), "inactive"
    )


def _section(
    terms: Terms, proto: str, codecs: list[Codec], direction: Direction, ptime_ms: int, rtcp_mux: bool
) -> Media:
    lines: list[tuple[str, str]] = []
    for codec in codecs:
        lines.append(("a", f"rtpmap:{codec.payload} {codec.rtpmap}"))
        if codec.fmtp:
            lines.append(("a", f"fmtp:{codec.payload} {codec.fmtp}"))
    lines += [("a", f"ptime:{ptime_ms}"), ("a", direction)]
    if rtcp_mux:
        lines.append(("a", "rtcp-mux"))
    return Media("audio", terms.port, proto, tuple(str(codec.payload) for codec in codecs), tuple(lines))


def _named(codecs: tuple[Codec, ...], name: str) -> Codec | None:
    return next((codec for codec in codecs if codec.is_named(name)), None)
