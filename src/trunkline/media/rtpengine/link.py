"""Moves the engine's datagrams: the only I/O of this package.

One connected UDP socket for each daemon, so that the kernel drops what comes from elsewhere, and one for the log of keys, which takes datagrams
from the daemons' hosts alone.
"""

import asyncio
from collections.abc import Callable

from trunkline.media.rtpengine.conversation import destination
from trunkline.media.rtpengine.engine import Rtpengine


class Link:
    """Runs one `Rtpengine` on the running asyncio loop."""

    def __init__(self, engine: Rtpengine, digit_log: tuple[str, int] | None = None, wake: Callable[[], None] = lambda: None) -> None:
        """`digit_log` is the address the daemons' `--dtmf-log-dest` names; `wake` is called after the engine was given something."""
        self._engine = engine
        self._digit_log = digit_log
        self._wake = wake
        self._loop = asyncio.get_running_loop()
        self._doors: list[asyncio.DatagramTransport] = []
        self._log: asyncio.DatagramTransport | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Open the sockets; does not wait for the daemons. Raises OSError where an address cannot be had."""
        daemons = self._engine.settings.daemons
        for daemon in daemons:
            door, _ = await self._loop.create_datagram_endpoint(lambda: _Door(self), remote_addr=(daemon.host, daemon.port))
            self._doors.append(door)
        if self._digit_log is not None:
            hosts = frozenset(daemon.host for daemon in daemons)
            self._log, _ = await self._loop.create_datagram_endpoint(lambda: _Door(self, hosts), local_addr=self._digit_log)
        self.flush()

    def close(self) -> None:
        """Close the sockets; what the daemons say from here on is not heard."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for door in (*self._doors, *([self._log] if self._log else [])):
            door.close()
        self._doors.clear()
        self._log = None

    def flush(self) -> None:
        """Send what the engine has to say; to be called after each use of it."""
        while (data := self._engine.data_to_send()) is not None:
            place = destination(data)
            if place is not None and place < len(self._doors):
                self._doors[place].sendto(data)
        if self._timer is not None:
            self._timer.cancel()
        at = self._engine.get_timer()
        self._timer = self._loop.call_at(at, self._ring, at) if at is not None and self._doors else None

    def _receive(self, data: bytes) -> None:
        self._engine.receive_data(data, self._loop.time())
        self.flush()
        self._wake()

    def _ring(self, at: float) -> None:
        # The loop may call early by the resolution of its clock.
        self._engine.handle_timer(max(self._loop.time(), at))
        self.flush()
        self._wake()


class _Door(asyncio.DatagramProtocol):
    def __init__(self, link: Link, hosts: frozenset[str] | None = None) -> None:
        self._link = link
        self._hosts = hosts
        "Whom to hear; None where the kernel sees to it."

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if self._hosts is None or addr[0] in self._hosts:
            self._link._receive(data)

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there now (ICMP). The deadline says as much, and a daemon that restarts is not gone."""
