"""Workers as processes: started, watched, replaced when one dies. The I/O half beside an engine that is sans-IO.

A worker is started by exec with one end of a socket pair that keeps message bounds. That socket is the whole relation: the worker ends
when it closes, and when it closes here the worker is dead, whatever it died of. Its calls are lost, and another takes its place.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from msgspec import Struct, field

from trunkline.media.messages import MESSAGE_LIMIT, bundle, unbundle

MESSAGES_PER_CALLBACK = 64
"Read at one go: no callback of the signalling loop may last."
RESTART_S = 0.2
"Pause before a worker is replaced; a worker that dies at once must not take the machine with it."
END_S = 2.0
LINK_BUFFER = 1 << 20
"Bytes, so that a burst of calls fits while a worker is busy with audio."

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"A second thread, even an idle one, makes every system call dearer: the kernel then counts references to each open file."

_log = logging.getLogger(__name__)


class Engine(Protocol):
    """What workers work for. What it says to a worker, and hears of one, is preceded by two bytes: the worker's number."""

    def data_to_send(self) -> bytes | None:
        """The next message; None when there is nothing."""

    def receive_data(self, data: bytes, now: float) -> None:
        """What a worker said, or the pool in its name."""

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""

    def handle_timer(self, now: float) -> None:
        """Time passes."""


class Program(Struct, frozen=True, gc=False):
    """What a worker runs."""

    module: str
    "Run as `python -m module FD`."
    name: str
    "In the log."
    up: bytes
    "What the engine is told when one has started."
    down: bytes
    "What it is told when one has ended."
    environment: Mapping[str, str] = field(default_factory=lambda: ONE_THREAD)


class WorkerPool:
    """Runs the workers of one engine on the running asyncio loop."""

    def __init__(self, engine: Engine, program: Program, count: int, is_ready: Callable[[], bool], wake: Callable[[], None] = lambda: None) -> None:
        """`is_ready` says whether `start` may return; `wake` is called after the engine was given something: it may have events."""
        self._engine = engine
        self._program = program
        self._count = count
        self._is_ready = is_ready
        self._wake = wake
        self._links: dict[int, socket.socket] = {}
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._waiting: dict[int, deque[bytes]] = {}
        "Datagrams that a link would not take at once."
        self._timer: asyncio.TimerHandle | None = None
        self._restarts: dict[int, asyncio.TimerHandle] = {}
        self._is_closing = False

    async def start(self, within_s: float = 10.0) -> None:
        """Start the workers and wait until the engine can use them. Raises `TimeoutError`."""
        for number in range(self._count):
            self._spawn(number)
        async with asyncio.timeout(within_s):
            while not self._is_ready():
                await asyncio.sleep(0.005)

    @property
    def pids(self) -> dict[int, int]:
        """Process id of each worker that runs."""
        return {number: process.pid for number, process in self._processes.items() if number in self._links}

    def flush(self) -> None:
        """Send what the engine has to say; to be called after each use of it."""
        engine = self._engine
        said: dict[int, list[bytes]] = {}
        while (data := engine.data_to_send()) is not None:
            said.setdefault(int.from_bytes(data[:2]), []).append(data[2:])
        for number, messages in said.items():
            while messages:
                datagram, count = bundle(messages)
                self._send(number, datagram)
                del messages[:count]
        self._set_timer()

    async def close(self) -> None:
        """End all workers and wait for them."""
        self._is_closing = True
        for handle in (*self._restarts.values(), *([self._timer] if self._timer else [])):
            handle.cancel()
        for number in tuple(self._links):
            self._unlink(number)
        deadline = asyncio.get_running_loop().time() + END_S
        for process in self._processes.values():
            while process.poll() is None and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(0.005)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def _spawn(self, number: int) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for one in (ours, theirs):
            one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LINK_BUFFER)
        ours.setblocking(False)
        with theirs:
            self._processes[number] = subprocess.Popen(
                [sys.executable, "-m", self._program.module, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={**os.environ, **self._program.environment},
            )
        self._links[number] = ours
        self._waiting[number] = deque()
        loop = asyncio.get_running_loop()
        loop.add_reader(ours.fileno(), self._read, number)
        self._tell_engine(number, self._program.up)
        self.flush()

    def _read(self, number: int) -> None:
        link = self._links[number]
        heard = 0
        while heard < MESSAGES_PER_CALLBACK:
            try:
                data = link.recv(MESSAGE_LIMIT)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._bury(number)
                break
            for message in unbundle(data):
                self._tell_engine(number, message)
                heard += 1
        self.flush()
        self._wake()

    def _bury(self, number: int) -> None:
        self._unlink(number)
        process = self._processes[number]
        # Its socket is closed, so it is dead or about to be; one that hangs would keep its ports.
        process.kill()
        process.wait()
        _log.error("%s worker %d ended with status %s", self._program.name, number, process.returncode)
        self._tell_engine(number, self._program.down)
        if not self._is_closing:
            self._restarts[number] = asyncio.get_running_loop().call_later(RESTART_S, self._spawn, number)

    def _unlink(self, number: int) -> None:
        link = self._links.pop(number)
        asyncio.get_running_loop().remove_reader(link.fileno())
        asyncio.get_running_loop().remove_writer(link.fileno())
        self._waiting.pop(number).clear()
        link.close()

    def _send(self, number: int, datagram: bytes) -> None:
        link = self._links.get(number)
        if link is None:
            return
        waiting = self._waiting[number]
        if not waiting:
            try:
                link.send(datagram)
            except BlockingIOError:
                asyncio.get_running_loop().add_writer(link.fileno(), self._drain, number)
            except OSError:
                # The reader finds the end of the link, and buries the worker once.
                return
            else:
                return
        waiting.append(datagram)

    def _drain(self, number: int) -> None:
        link, waiting = self._links[number], self._waiting[number]
        while waiting:
            try:
                link.send(waiting[0])
            except BlockingIOError:
                return
            except OSError:
                waiting.clear()
                break
            waiting.popleft()
        asyncio.get_running_loop().remove_writer(link.fileno())

    def _tell_engine(self, number: int, message: bytes) -> None:
        self._engine.receive_data(number.to_bytes(2) + message, asyncio.get_running_loop().time())

    def _set_timer(self) -> None:
        at = self._engine.get_timer()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if at is not None and not self._is_closing:
            self._timer = asyncio.get_running_loop().call_at(at, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._engine.handle_timer(asyncio.get_running_loop().time())
        self.flush()
        self._wake()
