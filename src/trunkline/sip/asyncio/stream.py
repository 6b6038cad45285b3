"""TCP and TLS doors: connections accepted and opened, each cut into messages by Content-Length.

A connection is known by the far address. Sending to an address without one opens it; until it is up, and while it is slow, bytes wait in a
bounded queue. A connection whose reader falls behind is not read from (back-pressure reaches the sender by TCP itself).
"""

import asyncio
import ssl
from collections.abc import Callable

from trunkline.sip.asyncio.settings import PeerNames, TlsSettings
from trunkline.sip.asyncio.udp import bind_error
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Address, Door, Flow
from trunkline.sip.framing import PONG, Framer

CONNECT_TIMEOUT_S = 4.0
QUEUE_LIMIT = 1 << 20
"Bytes that may wait for a connection; a peer slower than that is closed."

CONNECTION_LIMIT = 20_000


class Connection(asyncio.Protocol):
    """One stream."""

    def __init__(self, door: "StreamDoor") -> None:
        self.owner = door
        self.framer = Framer()
        self.transport: asyncio.Transport | None = None
        self.flow: Flow | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "write")
        self.transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        address = (peer[0], peer[1])
        if not self.owner.admit(address, self):
            self.transport.abort()  # type: ignore[union-attr]
            return
        self.flow = Flow(self.owner.door, address)

    def data_received(self, data: bytes) -> None:
        flow = self.flow
        if flow is None or self.transport is None:
            return
        messages = self.framer.feed(data)
        if isinstance(messages, Fault):
            self.transport.write(f"SIP/2.0 {messages.status} {messages.reason}\r\nContent-Length: 0\r\n\r\n".encode())
            self.transport.close()
            return
        if self.framer.pings:
            self.transport.write(PONG * self.framer.pings)
            self.framer.pings = 0
        for message in messages:
            self.owner.receive(message, flow)

    def pause_writing(self) -> None:
        """The peer reads slowly: take nothing more from it either."""
        if self.transport is not None:
            self.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.transport is not None:
            self.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.flow is not None:
            self.owner.lost(self.flow, self)
        self.flow = self.transport = None


class StreamDoor:
    def __init__(
        self, door: Door, receive: Callable[[bytes, Flow], None], accept: Callable[[Door, Address], bool], failed: Callable[[Flow], None], tls: TlsSettings
    ) -> None:
        self.door = door
        self.receive = receive
        self.accept = accept
        self.failed = failed
        self.tls = tls
        self.server: asyncio.Server | None = None
        self.connections: dict[Address, Connection] = {}
        self._opening: dict[Address, list[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.names: PeerNames = {}
        self.trouble: Callable[[Flow, str], None] = lambda flow, why: None
        "Told why a connection could not be opened."
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._from = None if door.local in ("0.0.0.0", "::") else (door.local, 0)
        "What connections leave by: the door's own address, and so its provider."
        door.send = self.send

    def admit(self, address: Address, connection: Connection) -> bool:
        if address not in self._opening and (not self.accept(self.door, address) or len(self.connections) >= CONNECTION_LIMIT):
            return False
        self.connections[address] = connection
        return True

    def forget_sources(self) -> None:
        """Connections that a new policy does not know are closed."""
        for address, connection in list(self.connections.items()):
            if not self.accept(self.door, address) and connection.transport is not None:
                connection.transport.close()

    def send(self, data: bytes, address: Address) -> None:
        connection = self.connections.get(address)
        if connection is not None and connection.transport is not None and not connection.transport.is_closing():
            connection.transport.write(data)
            if connection.transport.get_write_buffer_size() > QUEUE_LIMIT:
                connection.transport.abort()
            return
        waiting = self._opening.get(address)
        if waiting is not None:
            if sum(map(len, waiting)) < QUEUE_LIMIT:
                waiting.append(data)
            return
        self._opening[address] = [data]
        task = asyncio.get_running_loop().create_task(self._connect(address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def open_ahead(self, address: Address) -> None:
        """Have a connection ready before the first call needs it."""
        if address not in self.connections and address not in self._opening:
            self.send(b"", address)

    async def _connect(self, address: Address) -> None:
        context: ssl.SSLContext | None = None
        name, verify = None, True
        if self.door.transport == "tls":
            name, verify = self.names.get(address, (address[0], True))
        try:
            if name is not None:
                context = self._contexts.get(verify) or self._contexts.setdefault(verify, self.tls.client(verify))
            loop = asyncio.get_running_loop()
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(
                    lambda: Connection(self), address[0], address[1], ssl=context, server_hostname=name, local_addr=self._from
                )
        except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors too
            self._opening.pop(address, None)
            flow = Flow(self.door, address)
            self.trouble(flow, str(error) or f"no connection within {CONNECT_TIMEOUT_S:g} s")
            self.failed(flow)
            return
        connection = self.connections.get(address)
        for data in self._opening.pop(address, ()):
            if data and connection is not None and connection.transport is not None:
                connection.transport.write(data)

    def lost(self, flow: Flow, connection: Connection) -> None:
        if self.connections.get(flow.address) is connection:
            del self.connections[flow.address]
        self.failed(flow)

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        for task in self._tasks:
            task.cancel()
        for connection in list(self.connections.values()):
            if connection.transport is not None:
                connection.transport.abort()
        if self.server is not None:
            await self.server.wait_closed()


async def open_stream(
    door: Door, receive: Callable[[bytes, Flow], None], accept: Callable[[Door, Address], bool], failed: Callable[[Flow], None], tls: TlsSettings
) -> StreamDoor:
    """Bind a TCP or TLS door. Raises ListenError."""
    opened = StreamDoor(door, receive, accept, failed, tls)
    context = tls.server() if door.transport == "tls" else None
    try:
        opened.server = await asyncio.get_running_loop().create_server(
            lambda: Connection(opened), door.local, door.port, ssl=context, reuse_address=True, backlog=1024
        )
    except OSError as error:
        raise bind_error(door, error) from error
    return opened
