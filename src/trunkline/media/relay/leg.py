"""One leg of a call in a worker: whose packets it takes, what has arrived, and the one stream it is sent.

Nearly every packet takes the short way: it looks like the one before, so its header is noted for later and it is sent on as it is. The
notes are settled some thirty at a time, for it is not the arithmetic that costs but fetching a stream's state into the processor's cache,
with hundreds of streams in turn. Whatever is unlike the packet before (digits, another source, a marker), and every packet of a leg
with a copy, a block or a conversion, takes the long way.
"""

import struct
from collections.abc import Callable
from random import getrandbits
from typing import Final, Protocol

from trunkline.media.engine import Block, FirstPacket, MediaStatistics, MediaTimeout
from trunkline.media.g711 import A_TO_MU, MU_TO_A
from trunkline.media.relay.control import passed_on
from trunkline.media.relay.door import BUFFER, SIZE_LIMIT, VIEWS, Door
from trunkline.media.relay.passage import Passage
from trunkline.media.relay.ports import Pair
from trunkline.media.relay.protocol import Keys, Message, Place, Relearned
from trunkline.media.relay.source import SILENCE_S, Address, Source, canonical
from trunkline.media.relay.tally import Tally
from trunkline.media.relay.watch import Watch
from trunkline.media.rewrite import OutgoingStream
from trunkline.media.rtp import FIXED, HEADER_SIZE, MARKER, Datagram, is_rtcp, payload_bounds
from trunkline.media.sdes import Crypto
from trunkline.media.srtp import SrtpSession

DRAIN_LIMIT: Final = 512
"More packets than a receive buffer holds."

NOTES = 32
"Packets noted before they are settled."
_NOTE: Final = struct.Struct("dIHH")
"Arrival, timestamp, sequence number, size."
_NOTE_SIZE: Final = _NOTE.size
_NOTES_END: Final = NOTES * _NOTE_SIZE

_unpack = FIXED.unpack_from
_glance = struct.Struct("!HHII").unpack_from
"The fixed header with its first two bytes as one."
_note = _NOTE.pack_into
Reader = Callable[[float], None]


class Worker(Protocol):
    """What a leg asks of the worker it lives in."""

    readers: dict[int, Reader]

    def tell(self, message: Message) -> None:
        """Report to the engine."""

    def copy(self, packet: memoryview, address: Address) -> None:
        """Send a copy of a packet to the studio."""

    def convey(self, speaker: Place, digit: str, duration_ms: int, now: float) -> None:
        """Let the peer of a leg hear a key as tones, if it takes no events."""


class Leg:
    """A leg. `place` says what it is; `read` takes a packet whenever its socket has one."""

    __slots__ = (
        "_account", "_answered_at", "_control_to", "_event", "_is_silence_reported", "_known", "_noted", "_notes", "_plain_send",
        "_recv_into", "_recvfrom_into", "_sealed_in", "_sealed_out", "_table", "_usual", "_watch", "_worker", "door", "feeder", "fileno", "is_played_to", "outgoing", "pair", "passage", "place", "send",
        "source", "tally", "target", "unsent", "worked_at",
    )  # fmt: skip

    def __init__(self, worker: Worker, pair: Pair, place: Place, now: float) -> None:
        self._worker = worker
        self.pair = pair
        self.place = place
        self.source = Source()
        self.door = Door(pair.rtp, self.source, ":" in pair.address)
        self.fileno = pair.rtp.fileno()
        self._recv_into = pair.rtp.recv_into
        self._recvfrom_into = pair.rtp.recvfrom_into
        self.tally = Tally(now, place.clock_rate)
        self._account = self.tally.account.receive
        self._known = -1
        "SSRC whose packets are counted and passed on."
        self._usual = -1
        "First two bytes of a packet that may take the short way; -1: none may."
        self._notes = bytearray(_NOTES_END)
        self._noted = 0
        "Bytes of notes not settled yet; each is of a packet that was passed to the target unchanged."
        self.passage = Passage()
        "What this leg was sent unchanged."
        self._event = -1
        self._control_to: Address | None = None
        "Where this leg's RTCP goes."
        self.target: Leg | None = None
        "Leg that hears this one; None while nobody does."
        self.feeder: Leg | None = None
        "Leg that this one hears."
        self.outgoing: OutgoingStream | None = None
        "What this leg is sent once it is not sent one source unchanged."
        self._sealed_in: SrtpSession | None = None
        self._sealed_out: SrtpSession | None = None
        "Apart, because a new key in one direction must leave the other's roll-over counter alone."
        self._plain_send: Callable[[Datagram], object] = self.door.send
        self.send: Callable[[Datagram], object] = self.door.send
        "Sends RTP in the clear, or sealed if the leg wants it so. Raises `OSError`."
        self.unsent = 0
        self.is_played_to = False
        "Packets of our own take the place of what others send."
        self._watch = Watch(worker, place)
        "Sees to packets that need more than to be passed on."
        self._table: bytes | None = None
        "Turns what it sends into the other law of G.711."
        self.worked_at: Address | None = None
        "Transcoder that what it sends goes by."
        self._answered_at = -1.0
        self._is_silence_reported = False
        worker.readers[pair.rtcp.fileno()] = self.read_control
        self.describe(place, now)

    def describe(self, place: Place, now: float) -> None:
        """Take what signalling says of the leg; the first time too."""
        self.look_again()
        before, self.place = self.place, place
        if self.source.describe(place.host, place.rtp_port, place.nat, place.networks) or place.relearn:
            self.source.grant(now)
        if place.host and not before.host:
            self.tally.restart(now)
        if place.dscp != before.dscp or before is place:
            self.door.mark(place.dscp)
        if self.outgoing is not None:
            self.outgoing.map_payload_types(place.payload_types)
            self.outgoing.clock_rate, self.outgoing.frame_units = place.clock_rate, place.clock_rate // 50
        self._table = {"PCMU": A_TO_MU, "PCMA": MU_TO_A}.get(place.law)
        self.worked_at = (place.worked.host, place.worked.port) if place.worked is not None else None
        self._watch.place = place
        if place.answered and self._answered_at < 0:
            self._answered_at = now
        self._set_keys(before.keys if before is not place else None, place.keys)
        self._event = place.event
        self._control_to = (canonical(place.host), place.rtcp_port) if place.rtcp_port else None
        self.door.aim()
        if self.source.is_open(now):
            self._open()
        else:
            self._connect(now)

    def link(self, target: "Leg | None", feeder: "Leg | None") -> None:
        """Say who hears this leg, and whom it hears."""
        self.look_again()
        self.target = target
        if feeder is not self.feeder:
            if self.feeder is not None:
                self.feeder.settle()
            self.feeder = feeder
            if self.passage.packets or self.outgoing is not None:
                self.begin_stream().switch()

    def read_open(self, now: float) -> None:
        """Take one packet from whoever it is, if the source rule admits it."""
        try:
            size, address = self._recvfrom_into(BUFFER)
        except OSError:
            return
        self._judge(size, address[:2], now)
        if not self.source.is_open(now):
            self._connect(now)

    def read_locked(self, now: float) -> None:
        """Take one packet from a connected socket."""
        try:
            size = self._recv_into(BUFFER)
        except OSError:
            # An ICMP error about what we sent earlier (far end not listening yet, or not any more) is reported here.
            return
        word, sequence, timestamp, ssrc = _glance(BUFFER)
        if word == self._usual and ssrc == self._known and HEADER_SIZE <= size <= SIZE_LIMIT:
            if self._sealed_in is not None:  # its header is in the clear: what looks like the packet before is one once it is opened
                size = self._unseal(self._sealed_in, size, now)
                if size < 0:
                    return
            noted = self._noted
            _note(self._notes, noted, now, timestamp, sequence, size)
            noted += _NOTE_SIZE
            self._noted = noted
            try:
                self.target.send(VIEWS[size])  # type: ignore[union-attr]
            except OSError:
                self.target.unsent += 1  # type: ignore[union-attr]
            if noted == _NOTES_END:
                self.settle()
        else:
            self._take(size, now)

    def settle(self) -> None:
        """Count what was noted. Everything that reads or changes what the notes are about calls this first."""
        noted, self._noted = self._noted, 0
        target = self.target
        if not noted or target is None:
            return
        account, note, ssrc = self._account, target.passage.note, self._known
        for at, timestamp, sequence, size in _NOTE.iter_unpack(memoryview(self._notes)[:noted]):
            account(sequence, timestamp, at)
            note(ssrc, sequence, timestamp, size, at)

    def read_control(self, now: float) -> None:
        """Take one RTCP packet."""
        try:
            data, address = self.pair.rtcp.recvfrom(SIZE_LIMIT)
        except OSError:
            return
        if not self.source.admits_control(address[0]) or not is_rtcp(data):
            self.tally.refused += 1
            return
        if self._sealed_in is not None:
            opened = self._sealed_in.unprotect_rtcp(data)
            if not isinstance(opened, bytes):
                self.tally.refused += 1
                return
            data = opened
        if self.place.nat:
            self._control_to = address[:2]
        self._pass_control(data, now)

    def _judge(self, size: int, address: Address, now: float) -> None:
        source = self.source
        before = source.locked
        if not source.admits(address, now):
            self.tally.refused += 1
            return
        if source.locked != before:
            if before is not None:
                self._worker.tell(Relearned(self.place.call, self.place.leg, f"{before[0]}:{before[1]}", f"{address[0]}:{address[1]}"))
            self.door.aim()
        self._take(size, now)

    def _take(self, size: int, now: float) -> None:
        if self._sealed_in is not None:
            size = self._unseal(self._sealed_in, size, now)
            if size < 0:
                return
        first, second, sequence, timestamp, ssrc = _unpack(BUFFER)
        if size < HEADER_SIZE or first & 0xC0 != 0x80 or size > SIZE_LIMIT:
            self.tally.refused += 1
            return
        self.settle()
        if ssrc != self._known and not self._begin(size, ssrc, now):
            return
        self._account(sequence, timestamp, now)
        target = self.target
        is_event = second & 0x7F == self._event
        is_passed = self._watch.sees(VIEWS[size], is_event, target, now) if is_event or self._watch.is_on else True
        if self.worked_at is not None:
            if not is_passed:
                # What is kept back goes as a header, lest its absence look like a loss.
                BUFFER[0] = 0x80
            self._worker.copy(VIEWS[size if is_passed else HEADER_SIZE], self.worked_at)
            return  # even while nobody hears: it may be listened to for keys
        if target is None:
            return
        packet = VIEWS[size]
        if self._table is not None and second & 0x7F == self.place.law_payload:
            bounds = payload_bounds(packet)
            if bounds is not None:
                packet[bounds[0] : bounds[1]] = bytes(packet[bounds[0] : bounds[1]]).translate(self._table)
        stream = target.outgoing
        if stream is None and (not is_passed or target.place.payload_types or target.passage.ssrc not in (-1, ssrc)):
            stream = target.begin_stream(ssrc, sequence, timestamp)
        if not is_passed:
            stream.withhold(sequence, timestamp, ssrc, now)  # type: ignore[union-attr]
            return
        if stream is None:
            target.passage.note(ssrc, sequence, timestamp, size, now)
            if not (self._watch.is_on or is_event or second & MARKER):
                self._usual = first << 8 | second
        elif not stream.forward(packet, sequence, timestamp, ssrc, now):
            return
        try:
            target.send(packet)
        except OSError:
            target.unsent += 1

    def take_back(self, size: int, now: float) -> None:
        """Pass on what a transcoder has made of a packet of ours; it is in the buffer."""
        if self.target is not None:
            self.target.take_own(size, now)

    def take_own(self, size: int, now: float) -> None:
        """Send the leg the packet in the buffer, as the next of its stream."""
        packet = VIEWS[size]
        _, _, sequence, timestamp, ssrc = _unpack(BUFFER)
        if self.begin_stream().forward(packet, sequence, timestamp, ssrc, now):
            try:
                self.send(packet)
            except OSError:
                self.unsent += 1

    def _begin(self, size: int, ssrc: int, now: float) -> bool:
        """Look at a packet in full; False for RTCP on the same port (RFC 5761)."""
        if is_rtcp(VIEWS[size]):
            self._pass_control(bytes(VIEWS[size]), now)
            return False
        tally, place = self.tally, self.place
        if tally.ssrc < 0:
            self._worker.tell(FirstPacket(place.call, place.leg))
        if ssrc != tally.ssrc:
            tally.begin(ssrc, place.clock_rate, now)
            self._account = tally.account.receive
        self._known = ssrc
        return True

    def _pass_control(self, data: bytes, now: float) -> None:
        target = self.target
        if target is None:
            return
        out = passed_on(data, self.tally.ssrc, target.outgoing, target.tally.ssrc, self.outgoing, now - self.tally.last_at)
        if out:
            target.send_control(out)

    def send_control(self, data: bytes) -> None:
        """Send RTCP to the leg: beside RTP, or among it where both share a port (RFC 5761)."""
        if self._control_to is None:
            return
        if self._sealed_out is not None:
            sealed = self._sealed_out.protect_rtcp(data)
            if not isinstance(sealed, bytes):
                self.unsent += 1
                return
            data = sealed
        try:
            if self.place.rtcp_port == self.place.rtp_port:
                self._plain_send(data)
            else:
                self.pair.rtcp.sendto(data, self._control_to)
        except OSError:
            self.unsent += 1

    def begin_stream(self, ssrc: int = -1, sequence: int = 0, timestamp: int = 0) -> OutgoingStream:
        """The stream the leg is sent: it goes on from what has passed, else begins with the packet given, else at random."""
        if self.feeder is not None:
            self.feeder.look_again()
        if self.outgoing is None:
            types, rate = self.place.payload_types, self.place.clock_rate
            if self.passage.packets:
                self.outgoing = self.passage.stream(types, rate)
            elif ssrc >= 0:
                self.outgoing = OutgoingStream(ssrc, sequence, timestamp, payload_types=types, clock_rate=rate)
            else:
                # A random first number in the lower half of its range: wrapping at once upsets some receivers (RFC 3711 section 3.3.1).
                self.outgoing = OutgoingStream(getrandbits(32), getrandbits(15), getrandbits(32), payload_types=types, clock_rate=rate)
            self.outgoing.frame_units = rate // 50
        return self.outgoing

    def look_again(self) -> None:
        """Let the next packet take the long way: something about it is not as it was."""
        self.settle()
        self._usual = -1

    def prompt(self, packet: bytes) -> None:
        """Send a packet of our own by way of the transcoder that knows the leg's codec."""
        worked = self.place.prompt
        if worked is not None:
            self._worker.copy(memoryview(packet), (worked.host, worked.port))

    def transmit(self, packet: bytes) -> None:
        """Send a packet of our own."""
        try:
            self.send(packet)
        except OSError:
            self.unsent += 1

    def copy_to(self, address: Address | None) -> None:
        """Copy what arrives from the leg to an address; None ends it."""
        self._watch.copy_to(address)
        self.look_again()

    def block(self, blocks: Block) -> None:
        """Keep digits, audio or both of this leg from the others."""
        self._watch.block(blocks)
        self.look_again()

    def check(self, timeout_s: float, now: float) -> None:
        """See to a source that has fallen silent; called several times a second."""
        self._watch.time_passed(now)
        last = _NOTE.unpack_from(self._notes, self._noted - _NOTE_SIZE)[0] if self._noted else self.tally.last_at
        if now - last < SILENCE_S:
            self._is_silence_reported = False
            return
        source = self.source
        if source.locked is not None and not source.silent:
            source.silent = True
            self._open()
        place = self.place
        if self._answered_at >= 0 and place.sends and not self._is_silence_reported:
            silent_s = now - max(last, self._answered_at)
            if silent_s >= timeout_s:
                self._is_silence_reported = True
                self._worker.tell(MediaTimeout(place.call, place.leg, silent_s))

    def statistics(self, now: float, final: bool = False) -> MediaStatistics:
        """What was received and sent so far."""
        self.settle()
        if self.feeder is not None:
            self.feeder.settle()
        tally, place = self.tally, self.place
        sent = self.outgoing.packets if self.outgoing is not None else self.passage.packets
        return MediaStatistics(
            call=place.call,
            leg=place.leg,
            received=tally.received,
            sent=sent - self.unsent,
            lost=tally.lost(now),
            jitter_ms=tally.jitter_s(now) * 1000,
            mos=tally.mos(place.codec, now),
            codec=place.codec,
            refused=tally.refused + self._watch.faults,
            first_s=tally.first_s,
            final=final,
        )

    def close(self) -> None:
        """Give the ports back, and let go of the other legs."""
        for one in (self.pair.rtp, self.pair.rtcp):
            self._worker.readers.pop(one.fileno(), None)
        self.pair.close()
        self.target = self.feeder = None
        self._usual = -1

    def _unseal(self, sealed: SrtpSession, size: int, now: float) -> int:
        """Decrypt what is in the buffer; its size then, -1 when it goes no further."""
        if size > SIZE_LIMIT:
            self.tally.refused += 1
            return -1
        packet = VIEWS[size]
        if is_rtcp(packet):
            compound = sealed.unprotect_rtcp(packet)
            if isinstance(compound, bytes):
                self._pass_control(compound, now)
            else:
                self.tally.refused += 1
            return -1
        opened = sealed.open(packet)
        if not isinstance(opened, memoryview):
            self.tally.refused += 1
            return -1
        size = len(opened)
        VIEWS[size][:] = opened
        return size

    def _send_sealed(self, packet: Datagram) -> None:
        sealed = self._sealed_out.seal(packet) if self._sealed_out is not None else None
        if not isinstance(sealed, memoryview):
            self.unsent += 1
            return
        self._plain_send(sealed)

    def _set_keys(self, before: Keys | None, keys: Keys | None) -> None:
        if keys is None:
            self._sealed_in = self._sealed_out = None
        elif keys != before:
            session = SrtpSession(Crypto(1, keys.suite, keys.ours), Crypto(1, keys.suite, keys.theirs))
            if before is None or (before.suite, before.theirs) != (keys.suite, keys.theirs):
                self._sealed_in = session
            if before is None or (before.suite, before.ours) != (keys.suite, keys.ours):
                self._sealed_out = session
        self._set_send(self._plain_send)

    def _set_send(self, plain: Callable[[Datagram], object]) -> None:
        self._plain_send = plain
        self.send = plain if self._sealed_out is None else self._send_sealed

    def _open(self) -> None:
        self.door.disconnect()
        self._set_send(self.door.send)
        self._worker.readers[self.fileno] = self.read_open

    def _connect(self, now: float) -> None:
        if self.door.is_connected or not self.door.connect():
            return
        # What strangers sent before the connection is still queued and would be read as the far end's.
        for _ in range(DRAIN_LIMIT):
            try:
                size, address = self._recvfrom_into(BUFFER)
            except OSError:
                break
            self._judge(size, address[:2], now)
        self._set_send(self.pair.rtp.send)
        self._worker.readers[self.fileno] = self.read_locked
