"""A studio worker: one process, one tick of 20 ms, all lines.

It wakes once a tick, reads what has come to every port, obeys what signalling said, and lets the room tick. A flood on one port costs the
others nothing but a few packets' time. A tick that is late is made up for; a worker that has stood still for long leaves out what nobody
waits for any more. A fault in handling one packet or message is reported and ends neither the worker nor the line.
"""

import contextlib
import select
import socket
import sys
import time

from trunkline.listen import TICK_S
from trunkline.media.inherited import Link, lease
from trunkline.media.leases import Lease
from trunkline.studio.booth import Booth
from trunkline.studio.converter import Converter
from trunkline.studio.formats import can_decode_wide
from trunkline.studio.line import Line
from trunkline.studio.protocol import MESSAGES, Answered, Configure, Convert, EndConversion, Finish, Forget, Message, Open, Pause, Record
from trunkline.studio.room import Room
from trunkline.studio.voice import load_codecs

PACKETS_PER_TICK = 8
"Read of one port in a tick; eight times what a stream brings, so that a burst is soon read."
CATCH_UP_S = 0.8
"A worker that is later than this goes on with the present; the ring of the lines is a little longer."
MESSAGES_PER_TICK = 64
RECEIVE_BUFFER = 1 << 17
"Bytes: 200 packets of G.711 with the kernel's overhead."
SIZE_LIMIT = 2048
"Bytes of one datagram."
END_S = 1.5
"What the disk has to take the last of all recordings."
IDLE_MS = 1000
"Longest sleep of a worker without lines; a signal may have told it to stop."

BUFFER = bytearray(SIZE_LIMIT)
VIEW = memoryview(BUFFER)


class Worker:
    """All lines of one process. `run` returns when the link closes, or after `stop`."""

    def __init__(self, link: socket.socket) -> None:
        self.skipped = 0
        "Ticks left out."
        self._link = Link(link, MESSAGES)
        self.tell = self._link.tell
        "Reports to the engine, at the end of the tick."
        self._room: Room | None = None
        self._booth = Booth(0, self.tell)
        self._poll = select.epoll()
        self._leased: dict[int, socket.socket] = {}
        "Bound, and nobody's yet; by port."
        self._sockets: dict[int, tuple[socket.socket, Line | Converter]] = {}
        "By descriptor."
        self._by_port: dict[int, socket.socket] = {}
        self._told = select.poll()
        self._told.register(link, select.POLLIN)

    def stop(self) -> None:
        """End recordings and return from `run`; may be called by a signal handler."""
        self._link.is_open = False

    def run(self) -> None:
        """Serve until the link closes."""
        link, clock = self._link, time.monotonic
        due = clock()
        while link.is_open:
            room = self._room
            if (room is None or room.is_idle) and not self._booth.converters:
                # Nobody to listen to: only signalling can change that.
                self._told.poll(IDLE_MS)
                link.obey(self._obey, MESSAGES_PER_TICK)
                link.flush()
                due = clock() + TICK_S
                continue
            spare = due - clock()
            if spare > 0:
                time.sleep(spare)
            behind = clock() - due
            if behind > CATCH_UP_S:
                ticks = int(behind / TICK_S)
                self.skipped += ticks
                print(f"studio: stood still for {behind:.1f} s, {ticks} ticks left out", file=sys.stderr)
                if room is not None:
                    room.skip(ticks)
                due += ticks * TICK_S
                self._discard()
            self._read(PACKETS_PER_TICK + max(0, int(behind / TICK_S)))
            link.obey(self._obey, MESSAGES_PER_TICK)
            while due <= clock() and link.is_open:
                try:
                    if room is not None and not room.is_idle:
                        room.tick(due)
                except Exception:
                    link.fault()
                due += TICK_S
            self._convert()
            link.flush()
        self._close()

    def _read(self, passes: int) -> None:
        """Take in what has come, one packet of each port in turn."""
        sockets, room = self._sockets, self._room
        if not sockets:
            return
        now = time.monotonic()
        for _ in range(passes):
            ready = self._poll.poll(0, len(sockets))
            if not ready:
                return
            for descriptor, _ in ready:
                one, taker = sockets[descriptor]
                try:
                    size = one.recv_into(BUFFER)
                except OSError:
                    continue
                try:
                    if isinstance(taker, Converter):
                        taker.take(VIEW[:size], now)
                    elif room is not None:
                        room.receive(taker, VIEW[:size])
                except Exception:
                    self._link.fault()

    def _convert(self) -> None:
        """Send what conversions have made."""
        try:
            for converter, packet in self._booth.tick():
                with contextlib.suppress(OSError):  # a relay that is gone is its engine's business
                    self._by_port[converter.port].sendto(packet, (converter.wish.host, converter.wish.port))
        except Exception:
            self._link.fault()

    def _discard(self) -> None:
        """Drop what came while we stood still: its time is over."""
        for one, _ in self._sockets.values():
            try:
                while True:
                    one.recv_into(BUFFER)
            except OSError:
                continue

    def _obey(self, message: Message | None) -> None:
        if isinstance(message, Configure):
            self._booth = Booth(message.conversions, self.tell)
            if message.conversions and can_decode_wide():
                # It takes longer than a tick: now, when nobody is kept waiting, rather than with the first call that needs it.
                load_codecs()
            self._room = Room(message.lines, self.tell)
        elif isinstance(message, Lease):
            self._lease(message)
        elif isinstance(message, Convert):
            converter = self._booth.open(message.wish, message.port)
            if converter is not None:
                self._admit(message.port, converter)
        elif isinstance(message, EndConversion):
            for converter in self._booth.end(message.call, message.leg):
                self._drop(converter)
        room = self._room
        if room is None:
            return
        match message:
            case Open():
                self._open(room, message)
            case Answered():
                room.answered(message)
            case Forget():
                for line in room.forget(message):
                    self._drop(line)
            case Record():
                room.record(message)
            case Pause():
                room.pause(message)
            case Finish(call=call):
                room.finish(call)

    def _open(self, room: Room, wish: Open) -> None:
        line = room.open(wish)
        if line is not None:
            self._admit(line.port, line)

    def _admit(self, port: int, taker: Line | Converter) -> None:
        one = self._by_port[port] = self._leased.pop(port)
        self._sockets[one.fileno()] = (one, taker)
        self._poll.register(one.fileno(), select.EPOLLIN)

    def _drop(self, taker: Line | Converter) -> None:
        one = self._by_port.pop(taker.port)
        del self._sockets[one.fileno()]
        one.close()

    def _lease(self, wish: Lease) -> None:
        def bind() -> int:
            one = socket.socket(socket.AF_INET6 if ":" in wish.address else socket.AF_INET, socket.SOCK_DGRAM)
            try:
                one.setblocking(False)
                one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
                one.bind((wish.address, 0))
            except OSError:
                one.close()
                raise
            port: int = one.getsockname()[1]
            self._leased[port] = one
            return port

        for said in lease(wish, bind):
            self.tell(said)

    def _close(self) -> None:
        if self._room is not None:
            self._room.close(END_S)
        self._link.flush()
        for one in (*self._leased.values(), *self._by_port.values()):
            one.close()
        self._link.socket.close()
