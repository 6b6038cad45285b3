"""What the engine knows of a call: its legs, and the requests that wait for one another."""

from collections import deque
from enum import Enum, auto

from msgspec import Struct

from trunkline.media.engine import PLAIN, MediaOffer, MediaStatistics, Side
from trunkline.media.rtpengine.codecs import Choice, choose
from trunkline.media.rtpengine.conversation import Conversation
from trunkline.media.rtpengine.messages import Request
from trunkline.media.rtpengine.replies import Report


class Purpose(Enum):
    """What a reply is waited for."""

    OFFER = auto()
    ANSWER = auto()
    SUBSCRIBE = auto()
    PLAY = auto()
    ORDER = auto()
    "Nothing: the reply only lets the next request go."
    QUERY = auto()
    POLL = auto()
    LEAVE = auto()
    "A query that stands for the deletion of a leg the daemon must keep."
    DELETE_LEG = auto()
    LAST_QUERY = auto()
    "Before the call is deleted: the reply to a deletion of the whole call says nothing of its legs."
    DELETE_CALL = auto()


class Ask(Struct):
    """A request of a call, sent or waiting."""

    purpose: Purpose
    leg: int
    request: Request
    deadline: float = 0.0
    "0: counted from when it is sent."
    host: str = ""
    "Where the copy goes, of `SUBSCRIBE`."
    port: int = 0
    play: int = 0
    "Number of the play, of `PLAY`."
    repeat: int = 1


class Leg:
    """One party of a call, and what was last heard of it."""

    __slots__ = (
        "abandoned", "agreed", "answered_at", "blocked_audio", "blocked_digits", "confirmed", "copy", "direction", "file", "grew_at", "heard_at", "known_at",
        "last", "masked", "offer", "peer", "playing", "sent", "side", "silent", "spoken", "told", "wants_blocked",
    )  # fmt: skip

    def __init__(self) -> None:
        self.side: Side = PLAIN
        self.direction = "sendrecv"
        "By its newest SDP."
        self.peer = -1
        "The leg it last exchanged an offer or an answer with."
        self.known_at = -1.0
        "When its first SDP came; -1: not yet."
        self.answered_at = -1.0
        self.heard_at = -1.0
        self.grew_at = 0.0
        "When its packet count was last seen to grow."
        self.silent = False
        "Reported as silent, and not heard since."
        self.sent = 0
        self.last = Report(0, 0, "", -1, 0.0, 0.0)
        self.copy = b""
        "Tag of the subscription to it."
        self.wants_blocked = (False, False)
        "Audio and digits, as `Block` says."
        self.blocked_audio = False
        self.blocked_digits = False
        self.playing = 0
        "Number of the play towards it; 0: none. Grows, so that the end of an old one ends no new one."
        self.spoken: tuple[str, ...] = ()
        "Codecs of its newest description."
        self.offer = b""
        "Its newest offer, as it came."
        self.agreed: tuple[str, ...] = ()
        "Codecs it was answered with."
        self.file = ""
        "What plays."
        self.masked = False
        "Its keys are a secret."
        self.confirmed = False
        "The daemon took an offer from it or for it."
        self.told = False
        "Its final statistics were reported."
        self.abandoned = False
        "Over for signalling; kept only because the daemon would delete the call with it."


class Call:
    """A call on one daemon."""

    __slots__ = (
        "daemon", "fast_until", "id", "legs", "offers", "over", "plays", "polls", "queue", "waiting",
    )  # fmt: skip

    def __init__(self, identity: str, daemon: Conversation) -> None:
        self.id = identity
        self.daemon = daemon
        self.legs: dict[int, Leg] = {}
        self.offers: set[tuple[int, int]] = set()
        "(source, leg) of every offer: what an answer answers."
        self.waiting: Ask | None = None
        self.queue: deque[Ask] = deque()
        self.plays = 0
        self.polls = 0
        "Generation of the poll that is due; 0: none was yet."
        self.fast_until = 0.0
        self.over = False
        "Deleted for signalling; the daemon is being told."

    def leg(self, number: int) -> Leg:
        """A leg by its number, made when it is new."""
        leg = self.legs.get(number)
        if leg is None:
            leg = self.legs[number] = Leg()
        return leg

    def live(self, number: int) -> Leg | None:
        """A leg that is not over."""
        leg = self.legs.get(number)
        return None if leg is None or leg.abandoned else leg

    @property
    def is_taken(self) -> bool:
        """The daemon has it: it took an offer."""
        return any(leg.confirmed for leg in self.legs.values())

    def choice(self, offer: MediaOffer) -> Choice | None:
        """What the leg of an offer is to be offered; None where its side and the source share nothing and the daemon cannot transcode."""
        if not offer.sdp:
            return Choice(b"")
        source, target = self.legs.get(offer.source), self.legs.get(offer.leg)
        # An attempt after one that failed: the source's answer stands, and its codec with it.
        stands = source is not None and source.answered_at < 0 and source.offer == offer.sdp
        spoken = source.agreed if source is not None and stands and source.agreed else offer.source_side.codecs
        return choose(offer.sdp, spoken, offer.side.codecs, target.spoken if target is not None else ())

    def is_heard(self, leg: Leg) -> bool:
        """By the descriptions a leg sends and its peer receives: neither is on hold."""
        peer = self.legs.get(leg.peer)
        return leg.direction in ("sendrecv", "sendonly") and (peer is None or peer.direction in ("sendrecv", "recvonly"))

    def can_spare(self, number: int) -> bool:
        """Whether the daemon would keep the call, and the caller's ports, without this leg."""
        return number != 0 and any(leg.confirmed for other, leg in self.legs.items() if other not in (0, number))

    def statistics(self, number: int, final: bool) -> MediaStatistics:
        """What is known of a leg."""
        leg = self.legs[number]
        return MediaStatistics(
            call=self.id, leg=number, received=leg.last.received, sent=leg.sent, lost=leg.last.lost, jitter_ms=leg.last.jitter_ms,
            mos=leg.last.mos, codec=leg.last.codec, refused=leg.last.refused,
            first_s=leg.heard_at - leg.known_at if leg.heard_at >= 0 <= leg.known_at else -1.0, final=final,
        )  # fmt: skip
