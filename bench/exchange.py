"""A dialer and a carrier in one process, on both sides of a peer: both ends of its work are stamped by one clock.

A message leaves with the time just before `sendto`; it arrives with the time the kernel took it in (SO_TIMESTAMPNS),
whenever this process gets to read it. So what is measured is the peer and the loopback, not our own queue. Nothing is
retransmitted: loopback loses nothing unless a buffer overflows, and then the call fails and is counted.
"""

import heapq
import os
import random
import select
import socket
import struct
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from bench import wire
from bench.ports import Address

SO_TIMESTAMPNS = 35
BUFFER_BYTES = 8 * 2**20
RING_S = 0.02
"Time the carrier rings: a peer with several workers may swap a 180 and a 200 sent back to back."


class Call:
    """One call and its four stamps, nanoseconds since 1970, 0 until it happens."""

    __slots__ = (
        "acknowledged",
        "answer_in",
        "answer_out",
        "dialog",
        "done",
        "failed",
        "hold_s",
        "invite_in",
        "invite_out",
    )

    def __init__(self, dialog: wire.Dialog, hold_s: float) -> None:
        self.dialog = dialog
        self.hold_s = hold_s
        self.invite_out = self.invite_in = self.answer_out = self.answer_in = 0
        self.acknowledged = self.done = False
        self.failed = ""

    @property
    def up(self) -> bool:
        """Answered at the dialer and not ended."""
        return bool(self.answer_in) and not self.done and not self.failed


class Exchange:
    """Both sides of a peer. The carrier's address exists from the start, for the peer must be told it."""

    def __init__(self) -> None:
        self._dialer, self.dialer = open_socket()
        self._carrier, self.carrier = open_socket()
        self._sockets = {
            self._dialer.fileno(): (self._dialer, self._at_dialer),
            self._carrier.fileno(): (self._carrier, self._at_carrier),
        }
        self._poll = select.epoll()
        for descriptor in self._sockets:
            self._poll.register(descriptor, select.EPOLLIN)
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._timer_count = 0
        self._nonce = os.urandom(4).hex().encode()
        self.access = self.carrier
        "Where calls are sent; the carrier itself unless a peer is put between."
        self.calls: list[Call] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._poll.close()
        self._dialer.close()
        self._carrier.close()

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Do something at a `time.monotonic()`."""
        self._timer_count += 1
        heapq.heappush(self._timers, (when, self._timer_count, action))

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Carry calls for some time, or until `until()`; say whether that came true. It is asked after each wake-up."""
        deadline = time.monotonic() + seconds
        while not until():
            now = time.monotonic()
            if now >= deadline:
                return False
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2]()
            wake = min(deadline, self._timers[0][0]) if self._timers else deadline
            for descriptor, _ in self._poll.poll(max(0.0, wake - time.monotonic())):
                self._drain(*self._sockets[descriptor])
        return True

    def place(self, count: int, rate: float, hold_s: float, dice: random.Random) -> float:
        """Plan `count` calls as a Poisson stream of `rate` a second from now; give the monotonic time of the last."""
        when = time.monotonic()
        for _ in range(count):
            when += dice.expovariate(rate)
            self.at(when, lambda: self._invite(hold_s))
        return when

    def hang_up(self, rate: float) -> float:
        """Plan the end of every call that is up, at `rate` a second; give the monotonic time of the last."""
        when = time.monotonic()
        for call in [call for call in self.calls if call.up]:
            when += 1 / rate
            self.at(when, lambda call=call: self._bye(call))  # type: ignore[misc]
        return when

    def failures(self) -> list[str]:
        """Say of each call placed that has not ended well how far it came."""
        found = []
        for call in self.calls:
            if call.failed:
                found.append(call.failed)
            elif not call.done:
                stamps = ("answer_in", "answer_out", "invite_in", "invite_out")
                found.append("stuck after " + next(name for name in stamps if getattr(call, name)))
            elif not call.acknowledged:
                found.append("no ACK at the carrier")
        return found

    def _drain(self, source: socket.socket, handle: Callable[[wire.Message, int, Address], None]) -> None:
        """Read all a socket has; look at the time only after the kernel's stamp."""
        while True:
            try:
                data, ancillary, _, sender = source.recvmsg(65535, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
            if data.strip():
                handle(wire.read(data), seconds * 1_000_000_000 + nanoseconds, Address(*sender))

    def _invite(self, hold_s: float) -> None:
        number = len(self.calls)
        dialog = wire.first_dialog(b"%s-%d" % (self._nonce, number), number, self.access)
        call = Call(dialog, hold_s)
        self.calls.append(call)
        data = dialog.request(b"INVITE", 1, self.dialer, wire.SDP)
        call.invite_out = time.time_ns()
        self._dialer.sendto(data, self.access)

    def _bye(self, call: Call) -> None:
        self._dialer.sendto(call.dialog.request(b"BYE", 2, self.dialer), self.access)

    def _at_dialer(self, message: wire.Message, stamp: int, sender: Address) -> None:
        number = message.fields[b"call-id"][0].partition(b"-")[2]
        if not number.isdigit() or int(number) >= len(self.calls):
            return
        call = self.calls[int(number)]
        status = message.status
        if not status:
            self._asked_at_dialer(call, message, sender)
        elif message.method == b"BYE" and status >= 200:
            call.done = True
        elif message.method == b"INVITE" and status >= 300:
            call.failed = message.start.decode(errors="replace")
            refused = call.dialog._replace(to=message.fields[b"to"][0])
            self._dialer.sendto(refused.request(b"INVITE", 1, self.dialer).replace(b"INVITE", b"ACK"), self.access)
        elif message.method == b"INVITE" and status >= 200:
            if not call.answer_in:
                call.answer_in = stamp
                call.dialog = call.dialog.confirmed(message)
                self.at(time.monotonic() + call.hold_s, lambda: self._bye(call))
            self._dialer.sendto(call.dialog.request(b"ACK", 1, self.dialer), self.access)

    def _asked_at_dialer(self, call: Call, request: wire.Message, sender: Address) -> None:
        if request.method == b"BYE":
            call.failed = "ended by the peer"
        if request.method != b"ACK":
            body = wire.SDP if request.method == b"INVITE" else b""
            self._dialer.sendto(wire.answer(request, b"200 OK", self.dialer, b"d", body), sender)

    def _at_carrier(self, request: wire.Message, stamp: int, sender: Address) -> None:
        method = request.method
        if request.status:
            return
        if method == b"INVITE" and b";tag=" not in request.fields[b"to"][0]:
            self._ring(self.calls[request.dialled], request, stamp, sender)
        elif method == b"ACK":
            self._acknowledged(request)
        else:
            body = wire.SDP if method == b"INVITE" else b""
            self._carrier.sendto(wire.answer(request, b"200 OK", self.carrier, b"c", body), sender)

    def _ring(self, call: Call, request: wire.Message, stamp: int, sender: Address) -> None:
        if call.invite_in:
            return
        call.invite_in = stamp
        tag = b"c%d" % call.dialog.number
        self._carrier.sendto(wire.answer(request, b"180 Ringing", self.carrier, tag), sender)
        accepted = wire.answer(request, b"200 OK", self.carrier, tag, wire.SDP)
        self.at(time.monotonic() + RING_S, lambda: self._accept(call, accepted, sender))

    def _accept(self, call: Call, accepted: bytes, sender: Address) -> None:
        call.answer_out = time.time_ns()
        self._carrier.sendto(accepted, sender)

    def _acknowledged(self, request: wire.Message) -> None:
        number = request.fields[b"to"][0].partition(b";tag=c")[2].partition(b";")[0]
        if number.isdigit():
            self.calls[int(number)].acknowledged = True


def open_socket() -> tuple[socket.socket, Address]:
    """Open a socket that stamps what it receives and holds a burst of thousands of messages."""
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
    opened.bind(("127.0.0.1", 0))
    opened.setblocking(False)
    return opened, Address(*opened.getsockname())
