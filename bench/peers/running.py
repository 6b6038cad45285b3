"""A peer as a process: started, awaited until it answers SIP, weighed, and stopped with all it has started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.ports import Address
from bench.tree import adopt_orphans, cpu_seconds, tree

START_S = 20.0
STOP_S = 30.0


class PeerError(Exception):
    """A peer is missing, did not start, or did not stop: the message says which and shows the end of its output."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How to start a peer."""

    argv: Sequence[str]
    access: Address
    "Where callers send their requests."
    environment: Mapping[str, str] = field(default_factory=dict)
    "Added to our own environment."


class Running:
    """A peer that answers."""

    def __init__(self, launch: Launch, folder: Path) -> None:
        self.access = launch.access
        self._output = folder / "output.log"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                launch.argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env={**os.environ, **launch.environment},
                start_new_session=True,
            )
        self._life_s: float | None = None

    @property
    def pid(self) -> int:
        """The first process; `bench.tree` finds the others."""
        return self._process.pid

    def cpu_seconds(self) -> float:
        """CPU time of the whole tree so far."""
        return cpu_seconds(self.pid)

    def wait_until_it_answers(self) -> None:
        """Send OPTIONS until any final answer comes; 501 proves as well as 200 that requests are read and answered."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            probe.settimeout(0.2)
            deadline = time.monotonic() + START_S
            for attempt in range(1_000_000):
                if self._process.poll() is not None:
                    raise PeerError(f"{self._process.args!r} ended at once:\n{self.last_output()}")
                if time.monotonic() > deadline:
                    raise PeerError(f"no answer to OPTIONS at {self.access} in {START_S:.0f} s:\n{self.last_output()}")
                try:
                    probe.sendto(options(self.access, Address(*probe.getsockname()), attempt), self.access)
                    if probe.recv(65535).split(b" ", 2)[1] >= b"200":
                        return
                except ConnectionRefusedError:
                    time.sleep(0.05)
                except TimeoutError:
                    continue

    def stop(self) -> float:
        """Send SIGTERM, wait until the whole tree has ended, and give the CPU seconds of its life."""
        if self._life_s is None:
            others = tree(self.pid)[1:]
            self._process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + STOP_S
            self._life_s = self._ended(self.pid, deadline) + sum(self._ended(pid, deadline) for pid in others)
        return self._life_s

    def _ended(self, pid: int, deadline: float) -> float:
        """Wait for one process; 0 if its parent reaped it, who then carries its time."""
        killed = False
        while True:
            try:
                reaped, status, usage = os.wait4(pid, os.WNOHANG)
            except ChildProcessError:
                if not Path(f"/proc/{pid}").exists():
                    return 0.0
                reaped = 0
            if reaped:
                if pid == self.pid:
                    self._process.returncode = os.waitstatus_to_exitcode(status)
                if killed:
                    raise PeerError(f"{self._process.args!r}: process {pid} ignored SIGTERM for {STOP_S:.0f} s")
                return usage.ru_utime + usage.ru_stime
            if time.monotonic() > deadline and not killed:
                os.kill(pid, signal.SIGKILL)
                killed = True
            time.sleep(0.01)

    def last_output(self) -> str:
        """Give the last lines the peer printed."""
        return "\n".join(self._output.read_text(errors="replace").splitlines()[-15:])


def options(target: Address, source: Address, attempt: int) -> bytes:
    """Build an OPTIONS request, new in each attempt."""
    return (
        f"OPTIONS sip:{target} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {source};branch=z9hG4bKprobe{source.port}x{attempt};rport\r\n"
        f"From: <sip:probe@{source}>;tag=probe{attempt}\r\n"
        f"To: <sip:{target}>\r\n"
        f"Call-ID: probe-{source.port}-{attempt}\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 70\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


@contextmanager
def running(launch: Launch, folder: Path) -> Iterator[Running]:
    """Start a peer in `folder`, wait until it answers, and stop it in the end whatever happens."""
    adopt_orphans()
    peer = Running(launch, folder)
    try:
        peer.wait_until_it_answers()
        yield peer
    finally:
        peer.stop()
