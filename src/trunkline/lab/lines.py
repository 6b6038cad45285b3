"""The sockets under the lab's lines, and the one clock of 20 ms that they share.

Every tick first takes in what has arrived on any line, then lets each send its frame: a hundred calls wake the process fifty times a second,
not ten thousand times. A late tick is made up for, so that the average stays 50 a second.
"""

import asyncio
import contextlib
import resource
import selectors
import socket
from collections.abc import Callable, Sequence
from random import Random

from trunkline.lab.line import CODECS, Line
from trunkline.listen import TICK_S

BEHIND_LIMIT = 10
"Ticks made up for at once; of a longer standstill the rest is left out."
DATAGRAM_SIZE = 2048
BATCH = 20
"Datagrams taken from one socket in a tick: a flood on one does not hold up the others."


def allow_files() -> None:
    """Raise this process's soft limit of open files to the hard one: a call takes two sockets, and a shell allows 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Lines:
    """All lines of one process; to be used within a running loop."""

    def __init__(self, seed: int, address: str = "127.0.0.1") -> None:
        self.address = address
        self.open_lines: dict[Line, None] = {}
        "In the order of their opening."
        self.listener: Callable[[float], None] | None = None
        "Called with the time at the end of every tick, for who listens along by `Line.take`."
        self._random = Random(seed)
        self._selector = selectors.DefaultSelector()
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def open(self, codecs: Sequence[str] = CODECS) -> Line:
        """A line on a port that the system chooses. Raises OSError when there is no socket to be had."""
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            opened.setblocking(False)
            opened.bind((self.address, 0))
        except OSError:
            opened.close()
            raise

        def send(datagram: bytes, to: tuple[str, int]) -> None:
            # A full buffer or a far side that is gone loses the packet, as a network would.
            with contextlib.suppress(OSError):
                opened.sendto(datagram, to)

        def close() -> None:
            if not line.closed:
                line.closed = True
                del self.open_lines[line]
                self._selector.unregister(opened)
                opened.close()

        line = Line(opened.getsockname(), send, close, self._random, codecs)
        self._selector.register(opened, selectors.EVENT_READ, (line, opened.recvfrom))
        self.open_lines[line] = None
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._due = loop.time() + TICK_S
            self._timer = loop.call_at(self._due, self._tick)
        return line

    def close(self) -> None:
        """Close every line that is still open."""
        for line in list(self.open_lines):
            line.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._selector.close()

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._take_in(now)
        behind = int((now - self._due) / TICK_S)
        if behind > BEHIND_LIMIT:
            self._due += (behind - BEHIND_LIMIT) * TICK_S
            behind = BEHIND_LIMIT
        for _ in range(behind + 1):
            for line in self.open_lines:
                line.tick()
        self._due += (behind + 1) * TICK_S
        if self.listener is not None:
            self.listener(now)
        self._timer = loop.call_at(self._due, self._tick) if self.open_lines else None

    def _take_in(self, now: float) -> None:
        for key, _ in self._selector.select(0):
            line, recvfrom = key.data
            with contextlib.suppress(OSError):
                for _ in range(BATCH):
                    datagram, source = recvfrom(DATAGRAM_SIZE)
                    line.receive(datagram, source, now)
