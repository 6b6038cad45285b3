"""The network: doors open, one endpoint behind them, one timer.

Whatever arrives goes into the endpoint; then `work` lets the user of the endpoint handle its events, everything queued is sent, and the
loop is asked to come back when the next timer is due.
"""

import asyncio
from collections.abc import Callable
from typing import TypeAlias

from trunkline.sip.asyncio.settings import PeerNames, TlsSettings
from trunkline.sip.asyncio.stream import StreamDoor, open_stream
from trunkline.sip.asyncio.udp import UdpDoor, open_udp
from trunkline.sip.asyncio.websocket import WebSocketDoor, open_websocket
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.flow import Address, Door, Flow

OpenDoor: TypeAlias = UdpDoor | StreamDoor | WebSocketDoor


class Network:
    def __init__(
        self,
        endpoint: Endpoint,
        work: Callable[[float], None],
        accept: Callable[[Door, Address], bool] = lambda door, address: True,
        tls: TlsSettings | None = None,
        names: PeerNames | None = None,
        trouble: Callable[[Flow, str], None] = lambda flow, why: None,
    ) -> None:
        """`work(now)` handles the endpoint's events; `accept` is asked about a source before anything it sent is parsed.

        `names` tells whose certificate is expected at an address, `trouble` hears why a connection could not be opened or nothing left a door.
        """
        self.endpoint = endpoint
        self.work = work
        self.accept = accept
        self.tls = tls or TlsSettings()
        self.names = names if names is not None else {}
        self.trouble = trouble
        self.doors: list[OpenDoor] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._early: list[tuple[bytes, Flow]] | None = None
        "What came in between `hold` and `start`."

    def hold(self) -> None:
        """Keep what comes in until `start`: an answer may have to leave by a door that is not open yet."""
        self._early = []

    def start(self) -> None:
        """Every door is open: work off what came in meanwhile."""
        early, self._early = self._early, None
        for data, flow in early or ():
            self.receive(data, flow)

    async def open(self, door: Door) -> None:
        """Open one door. Raises ListenError with the fix."""
        self._loop = asyncio.get_running_loop()
        opened: OpenDoor
        if door.transport == "udp":
            opened = await open_udp(door, self.receive, self.accept, self.unsent)
        elif door.transport in ("tcp", "tls"):
            opened = await open_stream(door, self.receive, self.accept, self.failed, self.tls)
            opened.names, opened.trouble = self.names, self.trouble
        elif door.transport in ("ws", "wss"):
            opened = await open_websocket(door, self.receive, self.accept, self.failed, self.tls)
        else:
            raise ValueError(f"no such transport: {door.transport}")
        self.doors.append(opened)

    def now(self) -> float:
        assert self._loop is not None
        return self._loop.time()

    def receive(self, data: bytes, flow: Flow) -> None:
        """One message came in."""
        if self._early is not None:
            self._early.append((data, flow))
            return
        assert self._loop is not None
        now = self._loop.time()
        self.endpoint.receive(data, flow, now)
        self.turn(now)

    def failed(self, flow: Flow) -> None:
        """A connection could not be made or broke with requests on it."""
        now = self.now()
        self.endpoint.transport_failed(flow, now)
        self.turn(now)

    def unsent(self, flow: Flow, why: str) -> None:
        """The kernel would not send a datagram."""
        now = self.now()
        self.trouble(flow, why)
        self.endpoint.unsent(flow, now)
        self.turn(now)

    def turn(self, now: float) -> None:
        """Handle events, send what is queued, arm the timer."""
        self.work(now)
        for flow, data in self.endpoint.datagrams_to_send():
            flow.door.send(data, flow.address)
        due = self.endpoint.get_timer()
        if due is not None and (self._timer is None or due < self._timer_at):
            if self._timer is not None:
                self._timer.cancel()
            assert self._loop is not None
            self._timer_at = due
            self._timer = self._loop.call_at(due, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self.now()
        self.endpoint.handle_timer(now)
        self.turn(now)

    def forget_sources(self) -> None:
        """Ask `accept` again about everybody: the policy changed."""
        for door in self.doors:
            door.forget_sources()

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for door in self.doors:
            await door.close()
        self.doors.clear()
