"""A relay worker: one process, one loop, bytes only.

Each turn of the loop takes at most one packet from each socket, so a flood on one port costs the others nothing but its share of the
processor, and waits out the rest of a short turn: many packets are then found by one poll, which is cheaper than a poll for each.
A fault in handling one packet or one message is reported and ends neither the worker nor the call.
"""

import contextlib
import select
import socket
import sys
import time
from collections.abc import Callable
from random import SystemRandom
from typing import Final

from trunkline.media.engine import Block, Delete, MediaFailed, Play, Played, Query, SendDigits, Stop, Subscribe
from trunkline.media.inherited import Link, lease
from trunkline.media.leases import Lease
from trunkline.media.relay.door import BUFFER, SIZE_LIMIT
from trunkline.media.relay.leg import Leg, Reader
from trunkline.media.relay.player import TICK_S, Announcement, Keys, Player, UnplayableError, announce, press
from trunkline.media.relay.ports import Pair, bind_pair
from trunkline.media.relay.protocol import MESSAGES, Configure, Message, Place, Returns
from trunkline.media.relay.source import Address
from trunkline.media.relay.watch import takes_events
from trunkline.media.rtp import HEADER_SIZE

TURN_S: Final = 0.002
"""Shortest turn of the loop: what a packet may wait, a tenth of its 20 ms, and what jitter measured here is accurate to. A turn costs as much
as two or three packets, most of it in waking up with cold caches; at 200 calls one of 2 ms finds 40 packets."""
CHECK_S: Final = 0.1
MESSAGES_PER_TURN: Final = 32
RETURN_BUFFER: Final = 1 << 20
"Bytes: a second of 100 streams, with what the kernel adds."
RETURNS_PER_TURN: Final = 128
"Packets taken back from transcoders, which send those of all their calls on one tick."
LOOPBACK: Final = "127.0.0.1"


class Worker:
    """All calls of one process. `run` returns when the link closes."""

    def __init__(self, link: socket.socket) -> None:
        self.readers: dict[int, Reader] = {}
        self._link = Link(link, MESSAGES)
        self.tell = self._link.tell
        "Reports to the engine, at the end of the turn."
        self._poll = select.epoll()
        self._pairs: dict[Address, Pair] = {}
        "Bound, and not yet any leg's."
        self._calls: dict[str, dict[int, Leg]] = {}
        self._players: list[Player] = []
        self._worked: dict[int, Leg] = {}
        "By the SSRC under which what they send comes back from a transcoder."
        self._tick_at = 0.0
        self._settings = Configure(10_000, 60_000, 30.0)
        self._random = SystemRandom()
        self._copies = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._copies_v6: socket.socket | None = None
        self._copies.setblocking(False)
        self._returns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._returns.setblocking(False)
        self._returns.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RETURN_BUFFER)
        self._returns.bind((LOOPBACK, 0))
        self._watch(self._returns, self._read_returns)
        self._watch(link, self._read_link)

    def run(self) -> None:
        """Serve until the link closes."""
        link, poll, readers, clock = self._link, self._poll.poll, self.readers, time.monotonic
        control = (link.socket.fileno(), select.EPOLLIN)
        link_poll = select.poll()
        link_poll.register(link.socket, select.POLLIN)
        check_at = clock() + CHECK_S
        while link.is_open:
            ready = poll(self._patience(clock))
            now = clock()
            if control in ready and len(ready) > 1:
                # Signalling told us of a leg before it told the far end: its first packet must find the leg known.
                ready.remove(control)
                ready.insert(0, control)
            for descriptor, _ in ready:
                try:
                    readers[descriptor](now)
                except KeyError:
                    if descriptor in readers:
                        link.fault()
                except Exception:
                    link.fault()
            if self._players and now >= self._tick_at:
                self._tick(now)
            if now >= check_at:
                self._check(now)
                check_at = now + CHECK_S
            if link.outbox:
                link.flush()
            spare = TURN_S - (clock() - now)
            if spare > 0 and link.is_open:
                link_poll.poll(spare * 1000)  # packets may wait for company; signalling must be heard at once
        self._close()

    def copy(self, packet: memoryview, address: Address) -> None:
        """Send a copy to the studio; a studio that is not there loses it."""
        try:
            (self._copies if ":" not in address[0] else self._v6_copies()).sendto(packet, address)
        except OSError:
            return

    def _read_returns(self, now: float) -> None:
        """Take back what transcoders have worked on; of each leg from the one that has it, and nobody else."""
        for _ in range(RETURNS_PER_TURN):
            try:
                size, address = self._returns.recvfrom_into(BUFFER)
            except OSError:
                return
            token = int.from_bytes(BUFFER[8:12])
            leg = self._worked.get(token) if HEADER_SIZE < size <= SIZE_LIMIT else None
            if leg is None:
                continue
            prompt = leg.place.prompt
            if leg.worked_at == address and leg.place.worked is not None and leg.place.worked.token == token:
                leg.take_back(size, now)
            elif leg.is_played_to and prompt is not None and (prompt.token, (prompt.host, prompt.port)) == (token, address):
                leg.take_own(size, now)

    def convey(self, speaker: Place, digit: str, duration_ms: int, now: float) -> None:
        """Let the peer of a leg hear a key that takes no events, as tones; one that wants INFO is signalling's to tell."""
        leg = self._calls.get(speaker.call, {}).get(speaker.peer)
        if leg is None or leg.place.peer != speaker.leg or not leg.place.receives or leg.place.digits == "info" or takes_events(leg.place):
            return
        with contextlib.suppress(UnplayableError):
            self._start(press(leg, digit, duration_ms), now)

    def _patience(self, clock: Callable[[], float]) -> float | None:
        """Seconds that a poll may wait."""
        if self._players:
            return min(CHECK_S, max(0.0, self._tick_at - clock()))
        return CHECK_S if self._calls or self._link.outbox else None

    def _tick(self, now: float) -> None:
        """Let every player send; one that is late by a stall catches up tick by tick."""
        self._tick_at += TICK_S
        for player in tuple(self._players):
            if not player.tick(now):
                self._stop(player.leg, "")

    def _start(self, player: Player, now: float) -> None:
        """Play to a leg, in place of what played to it before; keys are pressed after those that still are."""
        if isinstance(player, Keys):
            pressed = next((one for one in self._players if one.leg is player.leg and isinstance(one, Keys)), None)
            if pressed is not None:
                pressed.then(player)
                return
        self._stop(player.leg)
        if not self._players:
            self._tick_at = now
        self._players.append(player)
        player.leg.is_played_to = True
        self._link_legs(self._calls[player.leg.place.call])

    def _stop(self, leg: Leg, why: str = "stopped") -> None:
        if leg.is_played_to:
            ended = [player for player in self._players if player.leg is leg]
            self._players = [player for player in self._players if player.leg is not leg]
            leg.is_played_to = False
            self._link_legs(self._calls[leg.place.call])
            for player in ended:
                if isinstance(player, Announcement):
                    self.tell(Played(leg.place.call, leg.place.leg, player.file, why))

    def _silence(self, leg: Leg) -> None:
        """End what plays to a leg that is over; nobody waits to be told."""
        self._players = [player for player in self._players if player.leg is not leg]
        leg.is_played_to = False

    def _read_link(self, now: float) -> None:
        self._link.obey(lambda message: self._obey(message, now), MESSAGES_PER_TURN)

    def _obey(self, message: Message | None, now: float) -> None:
        match message:
            case Place():
                self._place(message, now)
            case Delete():
                self._delete(message, now)
            case Lease():
                self._lease(message)
            case Configure():
                self._settings = message
                self.tell(Returns(self._returns.getsockname()[1]))
            case Query(call=call):
                for leg in self._calls.get(call, {}).values():
                    self.tell(leg.statistics(now))
            case Subscribe() | Block() | Play() | Stop() | SendDigits():
                found = self._calls.get(message.call, {}).get(message.leg)
                if found is not None:
                    self._command(found, message, now)

    def _command(self, leg: Leg, command: Subscribe | Block | Play | Stop | SendDigits, now: float) -> None:
        match command:
            case Subscribe(host=host, port=port):
                leg.copy_to((host, port) if port else None)
            case Block():
                leg.block(command)
            case Stop():
                self._stop(leg)
            case Play() | SendDigits():
                try:
                    player: Player = (
                        announce(leg, command.file, command.repeat) if isinstance(command, Play) else press(leg, command.digits, command.duration_ms)
                    )
                except UnplayableError as error:
                    print(f"{command.call} leg {command.leg}: {error}", file=sys.stderr)
                    self.tell(
                        Played(command.call, command.leg, command.file, str(error))
                        if isinstance(command, Play)
                        else MediaFailed(command.call, command.leg, "media.failed")
                    )
                else:
                    self._start(player, now)

    def _place(self, place: Place, now: float) -> None:
        legs = self._calls.setdefault(place.call, {})
        leg = legs.get(place.leg)
        if leg is None:
            pair = self._pairs.pop((place.address, place.port), None)
            if pair is None:
                self.tell(MediaFailed(place.call, place.leg, "media.failed"))
                return
            leg = legs[place.leg] = Leg(self, pair, place, now)
            self._poll.register(pair.rtp.fileno(), select.EPOLLIN)
            self._poll.register(pair.rtcp.fileno(), select.EPOLLIN)
        else:
            self._forget_work(leg)
            leg.describe(place, now)
        for worked in (place.worked, place.prompt):
            if worked is not None:
                self._worked[worked.token] = leg
        self._link_legs(legs)

    def _forget_work(self, leg: Leg) -> None:
        for worked in (leg.place.worked, leg.place.prompt):
            if worked is not None:
                self._worked.pop(worked.token, None)

    def _link_legs(self, legs: dict[int, Leg]) -> None:
        """Let those legs hear each other that name each other, as far as each wants to hear."""
        for number, leg in legs.items():
            other = legs.get(leg.place.peer)
            if other is None or other.place.peer != number:
                leg.link(None, None)
                continue
            leg.link(
                other if other.place.receives and not other.is_played_to else None,
                other if leg.place.receives and not leg.is_played_to else None,
            )

    def _delete(self, command: Delete, now: float) -> None:
        legs = self._calls.get(command.call, {})
        for number in [command.leg] if command.leg >= 0 else list(legs):
            leg = legs.get(number)
            if leg is not None:
                self._silence(leg)
                self._forget_work(leg)
                del legs[number]
                self.tell(leg.statistics(now, final=True))
                leg.close()
        if legs:
            self._link_legs(legs)
        else:
            self._calls.pop(command.call, None)

    def _lease(self, wish: Lease) -> None:
        def bind() -> int:
            pair = bind_pair(wish.address, self._settings.first_port, self._settings.last_port, self._random)
            if pair is None:
                raise OSError("no port free in the range")
            self._pairs[wish.address, pair.port] = pair
            return pair.port

        for said in lease(wish, bind):
            self.tell(said)

    def _check(self, now: float) -> None:
        timeout_s = self._settings.timeout_s
        for legs in self._calls.values():
            for leg in legs.values():
                leg.check(timeout_s, now)

    def _watch(self, one: socket.socket, reader: Reader) -> None:
        self.readers[one.fileno()] = reader
        self._poll.register(one.fileno(), select.EPOLLIN)

    def _v6_copies(self) -> socket.socket:
        if self._copies_v6 is None:
            self._copies_v6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
            self._copies_v6.setblocking(False)
        return self._copies_v6

    def _close(self) -> None:
        for legs in self._calls.values():
            for leg in legs.values():
                leg.close()
        for pair in self._pairs.values():
            pair.close()
        self._returns.close()
        self._link.socket.close()
