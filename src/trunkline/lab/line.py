"""One side of one call's audio: what is described, what is sent every 20 ms, what comes in. Sans-IO.

A line is opened before its description is made, because the description names its port. It sends once it knows where to, has something to
play and the far side wants to hear it; its clock runs on while it is quiet (RFC 3550 section 5.1).
"""

from collections import Counter, deque
from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from trunkline.lab.voices import Sound
from trunkline.listen import FRAME
from trunkline.media.g711 import LAWS, MU_LAW
from trunkline.media.rtp import FIXED, Malformed, is_rtp, payload_bounds, sequence_distance
from trunkline.media.sdp_media import read_side
from trunkline.media.telephone_event import Digit, DigitReceiver, parse_event
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Address
from trunkline.sip.offer_answer import UNACCEPTABLE, Terms, answer, make_offer
from trunkline.sip.sdp import Session, parse_sdp

CODECS = ("PCMU", "PCMA")
KEPT = 10
"Frames that wait for `take`; of more, the oldest are let go."


class Line:
    """The audio of one call side."""

    __slots__ = (
        "_at", "_clock", "_coded", "_digits", "_first", "_heard", "_highest", "_marker", "_send", "_sequence", "_sound", "_ssrc", "_version",
        "close", "closed", "codecs", "digits", "event_type", "law", "payload_type", "port", "received", "remote", "sends", "sent", "strangers",
        "terms",
    )  # fmt: skip

    def __init__(self, address: Address, send: Callable[[bytes, Address], None], close: Callable[[], None], random: Random, codecs: Sequence[str] = CODECS) -> None:
        """`address` is ours; `send(datagram, to)` and `close()` are the socket's."""
        self.port = address[1]
        self.terms = Terms(address[0], address[1], tuple(codecs), session_id=str(random.getrandbits(31)))
        self.close = close
        self.closed = False
        self.remote: Address | None = None
        "Where the far side wants its audio."
        self.law = MU_LAW
        self.payload_type = 0
        self.event_type: int | None = None
        "Payload type of telephone events, None where they were not agreed."
        self.sends = False
        "Whether the far side wants to hear us: not on hold."
        self.sent = self.received = self.strangers = 0
        "Packets; those from elsewhere than `remote` count as strangers and are not heard."
        self.digits = ""
        "Pressed at the far end (RFC 4733)."
        self._send = send
        self._ssrc, self._sequence, self._clock = random.getrandbits(32), random.getrandbits(16), random.getrandbits(32)
        self._sound: Sound | None = None
        self._coded = b""
        self._at = 0
        self._marker = True
        self._first = self._highest = -1
        self._heard: deque[bytes] = deque(maxlen=KEPT)
        self._digits = DigitReceiver()
        self._version = b""

    # Descriptions.

    def offer(self) -> bytes:
        """Our description, for who has none of theirs yet."""
        made = make_offer(self.terms)
        assert isinstance(made, Session), "codecs of a line are G.711"
        return self._described(made)

    def answer(self, body: bytes) -> bytes | Fault:
        """Our answer to an offer, which is in force at once; a fault (400, 488) where it is none or nothing fits."""
        offered = parse_sdp(body)
        if isinstance(offered, Fault):
            return offered
        made = answer(offered, self.terms)
        if isinstance(made, Fault):
            return made
        self._point(offered, made)
        return self._described(made)

    def accept(self, body: bytes) -> Fault | None:
        """Their answer to our offer, in force at once; a fault where it cannot be used."""
        theirs = parse_sdp(body)
        if isinstance(theirs, Fault):
            return theirs
        return None if self._point(theirs, theirs) else UNACCEPTABLE

    def _described(self, made: Session) -> bytes:
        """As it goes out: with a version of its own when anything is new (RFC 3264 section 8)."""
        body = made.encode()
        if self._version and body != self._version:
            self.terms = replace(self.terms, version=self.terms.version + 1)
            body = Session(self.terms.origin, made.media, made.lines, made.name).encode()
        self._version = body
        return body

    def _point(self, theirs: Session, agreed: Session) -> bool:
        """Send where `theirs` says, in the first format of `agreed`."""
        side, formats = read_side(theirs), read_side(agreed)
        if side is None or formats is None or formats.voice is None or formats.voice.name.upper() not in LAWS:
            return False
        self.law = LAWS[formats.voice.name.upper()]
        self.payload_type = formats.voice.payload
        self.event_type = formats.telephone_event
        self.remote = (side.address, side.port)
        self.sends = side.receives
        if self._sound is not None:
            self._coded = self._sound.coded(self.law)
        return True

    # Sound.

    def play(self, sound: Sound | None) -> None:
        """From the next tick on; None sends nothing."""
        self._sound = sound
        self._coded = b"" if sound is None else sound.coded(self.law)
        self._at = 0
        self._marker = True

    def tick(self) -> None:
        """20 ms have passed: send the frame that is due."""
        self._clock = self._clock + FRAME & 0xFFFF_FFFF
        sound = self._sound
        if sound is None:
            return
        at = self._at
        self._at = at + FRAME
        if self._at >= len(self._coded) and sound.loop_from is not None:
            self._at = sound.loop_from
        if self.remote is None or not self.sends:
            self._marker = True
            return
        frame = self._coded[at : at + FRAME] or bytes([self.law.silence]) * FRAME
        self._sequence = self._sequence + 1 & 0xFFFF
        self.sent += 1
        self._send(FIXED.pack(0x80, self._marker << 7 | self.payload_type, self._sequence, self._clock, self._ssrc) + frame, self.remote)
        self._marker = False

    def receive(self, datagram: bytes, source: Address, now: float) -> None:
        """One datagram came in."""
        if not is_rtp(datagram) or (bounds := payload_bounds(datagram)) is None:
            return
        if self.remote is not None and source != self.remote:
            self.strangers += 1
            return
        _, second, sequence, timestamp, _ = FIXED.unpack_from(datagram)
        self.received += 1
        if self._first < 0:
            self._first = self._highest = sequence
        ahead = sequence_distance(sequence, self._highest & 0xFFFF)
        self._highest += max(ahead, 0)
        payload_type, payload = second & 0x7F, datagram[bounds[0] : bounds[1]]
        if payload_type == self.payload_type:
            self._heard.append(payload)
        elif payload_type == self.event_type:
            event = parse_event(payload)
            if not isinstance(event, Malformed):
                self.digits += "".join(press.digit for press in self._digits.receive(event, timestamp, now) if isinstance(press, Digit))

    @property
    def lost(self) -> int:
        """Packets of the far side that have not arrived, by their sequence numbers."""
        return max(0, self._highest - self._first + 1 - self.received) if self._first >= 0 else 0

    def tally(self, counts: Counter[str]) -> None:
        """Add what went over the line to `counts`."""
        counts["packets sent"] += self.sent
        counts["packets received"] += self.received
        counts["packets lost"] += self.lost
        counts["packets of strangers"] += self.strangers

    def take(self) -> bytes | None:
        """The oldest frame heard and not taken yet, in `law`; for who listens along."""
        return self._heard.popleft() if self._heard else None
