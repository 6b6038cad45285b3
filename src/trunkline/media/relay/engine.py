"""The embedded relay's half in the signalling process: descriptions in, descriptions out, workers told what to move.

Offers and answers are answered from memory in the step in which they come, with port pairs that a worker has bound ahead. What a worker
needs to know of a leg is sent to it whole whenever it changes; messages to one worker keep their order, so it knows of a leg before
the far end can.
"""

import logging
from collections import deque
from collections.abc import Callable
from secrets import randbits

from msgspec import Struct

from trunkline.media.engine import (
    PLAIN,
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaAnswer,
    MediaCommand,
    MediaEvent,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaResult,
    MediaStatistics,
    MediaTimeout,
    Play,
    Played,
    Query,
    SendDigits,
    Side,
)
from trunkline.media.leases import Leased, Unleased, WorkerLeases
from trunkline.media.messages import WorkerDown, WorkerUp
from trunkline.media.relay.described import DescribedLeg, shares_voice
from trunkline.media.relay.keys import answered_keys, offered_keys
from trunkline.media.relay.leases import Workers
from trunkline.media.relay.protocol import Configure, Message, Relearned, Returns, decode, encode
from trunkline.media.relay.settings import Interface, RelaySettings
from trunkline.media.relay.translation import CanConvert, answered, choice, offered, usable
from trunkline.media.relay.treatment import Treatments
from trunkline.media.sdp_media import read_side
from trunkline.media.transcoding import Transcoder
from trunkline.sip.sdp import Session, filter_codecs, parse_sdp

_log = logging.getLogger(__name__)

NO_SHARED_CODEC = "media.no_shared_codec"


class AnchoredCall(Struct):
    """A call and where it is carried."""

    worker: WorkerLeases
    legs: dict[int, DescribedLeg]


class Relay:
    """A `MediaEngine`. Its link is the `RelayPool`, which starts the workers."""

    anchored = True

    def __init__(self, settings: RelaySettings, random_bits: Callable[[int], int] = randbits) -> None:
        self.garbage = 0
        "Messages that were none."
        self._settings = settings
        self._random_bits = random_bits
        self._workers = Workers(settings)
        self._treatments = Treatments()
        self._calls: dict[str, AnchoredCall] = {}
        self._outbox: deque[bytes] = deque()
        self._events: deque[MediaEvent] = deque()

    def offer(self, offer: MediaOffer, now: float) -> MediaResult:
        failed = MediaFailed(offer.call, offer.leg, "media.failed")
        if not offer.sdp:
            # A late offer: the far end makes it, and the call is anchored then.
            return MediaReady(offer.call, offer.leg, b"")
        heard = self._read(offer, offer.source_side.codecs)
        if not isinstance(heard, Session):
            return heard
        call = self._calls.get(offer.call) or self._begin(offer)
        if call is None:
            return failed
        source = self._leg(call, offer.source, offer.source_side, heard)
        target = self._leg(call, offer.leg, offer.side, None)
        if source is None or target is None or not source.hear_offer(heard):
            self._give_back(offer.call, call)
            return failed
        if target.answered or source.answered or offer.sdp != source.offer:
            # A new negotiation, whose answer is another. What follows a failed attempt is none: the first answer stands.
            source.answer = None
        source.offer = offer.sdp
        session = self._choose(offer, heard, source, target, self._treatments.converts(call.legs.values()))
        if not isinstance(session, Session):
            self._give_back(offer.call, call)
            return session
        body = target.tell_offer(offered_keys(session, source.side.digits, target.side.digits))
        if not self._place(offer.call, call, (source, target), now):
            return MediaFailed(offer.call, offer.leg, NO_SHARED_CODEC)
        self._lease(now)
        return MediaReady(offer.call, offer.leg, body)

    def answer(self, answer: MediaAnswer, now: float) -> MediaResult:
        failed = MediaFailed(answer.call, answer.leg, "media.failed")
        call = self._calls.get(answer.call)
        source = call.legs.get(answer.source) if call is not None else None
        target = call.legs.get(answer.leg) if call is not None else None
        if not answer.sdp and (source is None or source.heard is None):
            return MediaReady(answer.call, answer.leg, b"")
        if call is None or source is None or target is None or target.heard is None:
            return failed
        if answer.sdp:
            session = parse_sdp(answer.sdp)
            if not isinstance(session, Session) or not source.hear_answer(session) or source.heard is None:
                return failed
            asked = target.told if target.answer is not None and target.told is not None else target.heard
            if not shares_voice(source.heard, asked):
                chosen = choice(asked.codecs, source.agreed(), self._treatments.converts(call.legs.values()))
                if chosen is None and target.answer is not None:
                    return MediaFailed(answer.call, answer.leg, NO_SHARED_CODEC)
                session = answered(session, asked, chosen) if chosen is not None else session
            body = target.tell_answer(answered_keys(session, target.heard, source.side.digits, target.side.digits))
        else:
            body = target.told_bytes
        if not answer.early:
            # Far ends often change their media server together with 18x to 200.
            source.relearn = source.early
            source.answered = target.answered = True
        source.early = answer.early
        source.peer, target.peer = target.number, source.number
        if not self._place(answer.call, call, (source, target), now):
            return MediaFailed(answer.call, answer.leg, NO_SHARED_CODEC)
        return MediaReady(answer.call, answer.leg, body)

    def command(self, command: MediaCommand, now: float) -> None:
        call = self._calls.get(command.call)
        if call is None or (not isinstance(command, Query) and command.leg not in call.legs and not (isinstance(command, Delete) and command.leg < 0)):
            return
        if isinstance(command, Block):
            call.legs[command.leg].keeps_digits = command.digits
        if isinstance(command, Block) and command.masked != call.legs[command.leg].masked:
            self._mask(call, command, now)
            return
        if isinstance(command, Play):
            self._treatments.prompt(command.call, call.worker.number, call.legs[command.leg], now)
            self._place(command.call, call, (call.legs[command.leg],), now)
        self._send(call.worker, command)
        if isinstance(command, Delete):
            gone = [leg for leg in call.legs.values() if command.leg in (-1, leg.number)]
            self._treatments.end(command.call, gone, now)
            for leg in gone:
                del call.legs[leg.number]
            self._forget_if_empty(command.call)

    # Work on the audio: `media.transcoding.ConversionUser`.

    def join(self, transcoder: Transcoder) -> None:
        """Let `transcoder` do what the relay cannot: convert between codecs other than G.711's two laws, and hear keys in the audio."""
        self._treatments.join(transcoder, self)

    def conversions_lost(self, lost: list[tuple[str, int]], now: float) -> None:
        """Somebody else is to go on with them; a call whose codecs need it and who finds nobody has lost its audio."""
        for name in dict.fromkeys(name for name, _ in lost):
            call = self._calls.get(name)
            for leg in call.legs.values() if call is not None else ():
                leg.prompt = None
            if call is not None and not self._place(name, call, tuple(call.legs.values()), now):
                self._events.append(MediaLost(name))

    def key_heard(self, call: str, leg: int, digit: str, duration_ms: int) -> None:
        """A leg pressed a key as tones. The other is sent it as it wants it, but for INFO, which is signalling's to send."""
        found = self._calls.get(call)
        speaker = found.legs.get(leg) if found is not None else None
        hearer = found.legs.get(speaker.peer) if found is not None and speaker is not None else None
        if found is None or speaker is None or speaker.masked:
            return
        self._events.append(DigitHeard(call, leg, digit, duration_ms))
        if hearer is not None and hearer.side.digits == "event" and not speaker.keeps_digits:
            self._send(found.worker, SendDigits(call, hearer.number, digit, duration_ms))

    def next_event(self) -> MediaEvent | None:
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> bytes | None:
        return self._outbox.popleft() if self._outbox else None

    def receive_data(self, data: bytes, now: float) -> None:
        number, message = int.from_bytes(data[:2]), decode(data[2:])
        match message:
            case WorkerUp():
                self._send(self._workers.started(number), Configure(self._settings.first_port, self._settings.last_port, self._settings.timeout_s))
                self._lease(now)
            case WorkerDown():
                self._bury(number)
            case Leased(address=address, ports=ports):
                worker = self._workers.get(number)
                if worker is not None:
                    worker.arrived(address, ports)
                    self._lease(now)
            case Unleased(address=address, count=count, reason=reason):
                worker = self._workers.get(number)
                if worker is not None:
                    worker.refused(address, count, now)
                    _log.error("no port pairs on %s: %s", address, reason)
            case Returns(port=port):
                self._treatments.returns(number, port)
            case Relearned():
                _log.info("call %s leg %d: audio from %s, before from %s", message.call, message.leg, message.after, message.before)
            case FirstPacket() | DigitHeard() | Played() | MediaTimeout() | MediaStatistics() | MediaFailed():
                self._events.append(message)
            case _:
                self.garbage += 1

    def get_timer(self) -> float | None:
        return self._workers.retry_at()

    def handle_timer(self, now: float) -> None:
        self._workers.forget_refusals(now)
        self._lease(now)

    def ready_pairs(self) -> int:
        """Port pairs ready on the default address, over all workers."""
        address = self._settings.interfaces[0].address
        return sum(worker.ready(address) for number in range(self._settings.workers) if (worker := self._workers.get(number)) is not None)

    def worker_of(self, call: str) -> int | None:
        """Number of the worker that carries a call; None for an unknown call."""
        found = self._calls.get(call)
        return found.worker.number if found is not None else None

    def _read(self, offer: MediaOffer, *policies: tuple[str, ...]) -> Session | MediaFailed:
        """The offer, cut down to the codecs that each policy allows, in the order of the last."""
        sdp: bytes | None = offer.sdp
        for codecs in policies:
            if codecs and sdp is not None:
                sdp = filter_codecs(sdp, codecs)
        if sdp is None:
            return MediaFailed(offer.call, offer.leg, NO_SHARED_CODEC)
        session = parse_sdp(sdp)
        if not isinstance(session, Session) or session.audio is None:
            return MediaFailed(offer.call, offer.leg, "media.failed")
        return session

    def _choose(self, offer: MediaOffer, heard: Session, source: DescribedLeg, target: DescribedLeg, can_convert: CanConvert) -> Session | MediaFailed:
        """What to offer: what both policies, and a standing answer, allow; where that is nothing, what `target` takes and audio can be made into."""
        spoken = tuple(codec.name for codec in source.heard.codecs if codec.is_voice) if source.heard is not None else ()
        policies: tuple[tuple[str, ...], ...] = (offer.side.codecs,)
        if source.answer is not None and source.told is not None:
            spoken = tuple(codec.name for codec in source.told.codecs if codec.is_voice)
            policies = (*policies, spoken)
        session = self._read(offer, offer.source_side.codecs, *policies) if any(policies) else heard
        known = target.heard
        if isinstance(session, Session):
            if known is None:
                return session
            described = read_side(session)
            if described is None or shares_voice(known, described):
                return session
        wanted = tuple(codec.name for codec in known.codecs if codec.is_voice) if known is not None else offer.side.codecs
        names = usable(wanted, spoken, can_convert)
        return offered(heard, names) if names else session

    def _mask(self, call: AnchoredCall, command: Block, now: float) -> None:
        """Begin or end to keep a leg's keys secret. In between, either way, its audio is kept back rather than let through."""
        leg = call.legs[command.leg]
        leg.masked = command.masked
        if command.masked:
            self._send(call.worker, command)
        self._place(command.call, call, tuple(call.legs.values()), now)
        if not command.masked:
            self._send(call.worker, command)

    def _begin(self, offer: MediaOffer) -> AnchoredCall | None:
        worker = self._workers.least_busy(self._interface(offer.side, None).address)
        if worker is None:
            return None
        worker.calls.add(offer.call)
        call = self._calls[offer.call] = AnchoredCall(worker, {})
        return call

    def _leg(self, call: AnchoredCall, number: int, side: Side, session: Session | None) -> DescribedLeg | None:
        """The leg, new if need be; None when no port pair is ready for it."""
        leg = call.legs.get(number)
        if leg is not None:
            if side is not PLAIN:
                leg.side = side
            return leg
        interface = self._interface(side, session)
        port = call.worker.take(interface.address)
        if port is None:
            return None
        leg = call.legs[number] = DescribedLeg(number, side, interface, port, self._random_bits(62))
        return leg

    def _interface(self, side: Side, session: Session | None) -> Interface:
        """The address named by policy; else the first of the family the leg itself speaks; else the first."""
        interfaces = self._settings.interfaces
        named = next((one for one in interfaces if one.name == side.interface), None) if side.interface else None
        audio = session.audio if session is not None else None
        connection = session.connection_of(audio) if session is not None and audio is not None else None
        if named is not None or connection is None:
            return named or interfaces[0]
        return next((one for one in interfaces if one.family == connection.address_type), interfaces[0])

    def _place(self, name: str, call: AnchoredCall, legs: tuple[DescribedLeg, ...], now: float) -> bool:
        """Tell the worker of legs as they are now; False when audio between two must be worked on and nobody can."""
        number = call.worker.number
        worked = [self._treatments.treat(name, number, leg, call.legs.get(leg.peer), now) for leg in legs]
        for leg, work in zip(legs, worked, strict=True):
            leg.is_placed = True
            self._send(call.worker, leg.place(name, call.legs.get(leg.peer), work or None))
        return all(work is not False for work in worked)

    def _send(self, worker: WorkerLeases, message: Message) -> None:
        self._outbox.append(worker.number.to_bytes(2) + encode(message))

    def _lease(self, now: float) -> None:
        for number, wish in self._workers.wishes(now):
            self._outbox.append(number.to_bytes(2) + encode(wish))

    def _bury(self, number: int) -> None:
        worker = self._workers.ended(number)
        for name in sorted(worker.calls) if worker is not None else ():
            self._calls.pop(name, None)
            self._events.append(MediaLost(name))

    def _give_back(self, name: str, call: AnchoredCall) -> None:
        """Take back legs that no worker has heard of yet, with their ports."""
        for leg in [leg for leg in call.legs.values() if not leg.is_placed]:
            call.worker.give_back(leg.interface.address, leg.port)
            del call.legs[leg.number]
        self._forget_if_empty(name)

    def _forget_if_empty(self, name: str) -> None:
        call = self._calls.get(name)
        if call is not None and not call.legs:
            call.worker.calls.discard(name)
            del self._calls[name]
