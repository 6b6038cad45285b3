"""The rtpengine daemon of Debian, run by hand for tests: in user space, on loopback, with ports of its own."""

import asyncio
import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from tests.media.conftest import Driver
from tests.media.in_time import before_others
from trunkline.lab.run import free_port
from trunkline.media import Block, MediaCommand, Play, Stop, Subscribe
from trunkline.media.rtpengine import Daemon, Link, Rtpengine, Settings
from trunkline.media.rtpengine.messages import datagram, ping

PROGRAM = shutil.which("rtpengine")
START_S = 30.0
FIRST_PORT = 14_000 + 2_000 * (int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 8)
"Below the ports the system hands out, and apart for tests that run at the same time."


class RunningDaemon:
    """A daemon that can be killed and started again at the same address."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.digit_log = ("127.0.0.1", free_port())
        self._log = folder / "rtpengine.log"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait for its pong."""
        assert PROGRAM is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM, "--config-file=none", "--table=-1", "--interface=127.0.0.1", f"--listen-ng=127.0.0.1:{self.port}", f"--port-min={FIRST_PORT}",
                    f"--port-max={FIRST_PORT + 1999}", f"--dtmf-log-dest=127.0.0.1:{self.digit_log[1]}", "--foreground", "--log-stderr",
                    "--num-threads=2", "--poller-per-thread", "--log-level=6", *self._options,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
            )  # fmt: skip
        deadline = time.monotonic() + START_S
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect(("127.0.0.1", self.port))
            one.settimeout(0.05)
            while True:
                assert time.monotonic() < deadline, self._log.read_text()
                try:
                    one.send(datagram(b"ready", ping()))
                    if one.recv(100).startswith(b"ready "):
                        return
                except (TimeoutError, ConnectionRefusedError):
                    time.sleep(0.02)

    def kill(self) -> None:
        """End it as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def running_daemon(folder: Path, *options: str) -> Iterator[RunningDaemon]:
    daemon = RunningDaemon(folder, *options)
    try:
        with before_others():
            daemon.start()
        yield daemon
    finally:
        daemon.kill()


class DaemonDriver(Driver):
    """The daemon is a far end of its own: what it was told is done when it says so."""

    def command(self, command: MediaCommand) -> None:
        super().command(command)
        if isinstance(command, Block | Play | Stop | Subscribe):
            self.settle(command.call)


def rtpengine_driver(daemon: RunningDaemon, **settings: object) -> AbstractContextManager[Driver]:
    """An engine of its own on a daemon that runs."""
    return driver_of(Settings((Daemon("127.0.0.1", daemon.port),), **settings), daemon.digit_log)  # type: ignore[arg-type]


@contextmanager
def driver_of(settings: Settings, *digit_log: int) -> Iterator[Driver]:
    """An engine of its own."""
    loop = asyncio.new_event_loop()
    engine = Rtpengine(settings, random.Random())
    opened: list[Link] = []

    async def start() -> None:
        link = Link(engine, *digit_log)
        opened.append(link)
        await link.start()

    try:
        loop.run_until_complete(start())
        with before_others():
            yield DaemonDriver(engine, opened[0], loop, "rtpengine")
    finally:
        opened[0].close()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
