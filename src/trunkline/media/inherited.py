"""A worker's end of its link: what the relay's and the studio's workers have in common.

The link is one inherited Unix socket that keeps message bounds (`media/workers.py` holds the other end). A worker ends when it closes, so
it cannot outlive the signalling process, however that one ends.
"""

import gc
import resource
import signal
import socket
import sys
import traceback
from collections import deque
from collections.abc import Callable
from typing import Generic, Protocol

from trunkline.media.leases import Lease, Leased, Unleased
from trunkline.media.messages import MESSAGE_LIMIT, Message, Messages, bundle, unbundle

FAULTS_REPORTED = 20
"Tracebacks written; more of the same would only fill a disk."


class Link(Generic[Message]):
    """Messages both ways, and what went wrong in handling one."""

    def __init__(self, ours: socket.socket, messages: Messages[Message]) -> None:
        ours.setblocking(False)
        self.socket = ours
        self.is_open = True
        self.outbox: deque[bytes] = deque()
        self.faults = 0
        self._messages = messages

    def tell(self, message: Message) -> None:
        """Report to the engine, with the next `flush`."""
        self.outbox.append(self._messages.encode(message))

    def flush(self) -> None:
        """Hand over what there is to say; what the engine does not take now waits, for audio does not wait for signalling."""
        outbox = self.outbox
        while outbox:
            datagram, count = bundle(outbox)
            try:
                self.socket.send(datagram)
            except BlockingIOError:
                return
            except OSError:
                self.is_open = False
                return
            for _ in range(count):
                outbox.popleft()

    def obey(self, obey: Callable[[Message | None], None], most: int) -> None:
        """Do what the engine has said, until `most` messages are done; a fault in one is reported and ends nothing else."""
        done = 0
        while done < most:
            try:
                data = self.socket.recv(MESSAGE_LIMIT)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.is_open = False
                return
            for message in unbundle(data):
                done += 1
                try:
                    obey(self._messages.decode(message))
                except Exception:
                    self.fault()

    def fault(self) -> None:
        """Report the exception being handled."""
        self.faults += 1
        if self.faults <= FAULTS_REPORTED:
            traceback.print_exc(file=sys.stderr)


def lease(wish: Lease, bind: Callable[[], int]) -> list[Leased | Unleased]:
    """Bind as many ports as are wished for, and what to say of it; `bind` raises OSError when there is none."""
    ports: list[int] = []
    reason = ""
    for _ in range(wish.count):
        try:
            ports.append(bind())
        except OSError as error:
            reason = str(error)
            break
    said: list[Leased | Unleased] = [Leased(wish.address, tuple(ports))] if ports else []
    if reason:
        said.append(Unleased(wish.address, wish.count - len(ports), reason))
    return said


class Worker(Protocol):
    """What a worker's process runs."""

    def run(self) -> None:
        """Serve until the link closes."""


def inherit() -> socket.socket:
    """The link whose descriptor the command line names, in a process that may open as many files as the system lets it."""
    # Ctrl-C reaches the whole process group; calls in progress are signalling's to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return socket.socket(fileno=int(sys.argv[1]))


def run(worker: Worker) -> None:
    """Run a worker that is complete; what it is made of is no garbage."""
    gc.collect()
    gc.freeze()
    worker.run()
