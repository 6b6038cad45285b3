"""WebSocket doors (RFC 7118): one SIP message per WebSocket message, subprotocol `sip`, over TCP or TLS.

The protocol itself is websockets' sans-IO implementation; here it only meets the socket. We accept WebSocket connections; phones and
browsers open them, carriers do not ask us to.
"""

import asyncio
from collections.abc import Callable

from websockets.frames import Frame, Opcode
from websockets.http11 import Request as HandshakeRequest
from websockets.protocol import State
from websockets.server import ServerProtocol

from trunkline.sip.asyncio.settings import TlsSettings
from trunkline.sip.asyncio.udp import bind_error
from trunkline.sip.flow import Address, Door, Flow
from trunkline.sip.message import MESSAGE_LIMIT

QUEUE_LIMIT = 1 << 20
HANDSHAKE_TIMEOUT_S = 10.0


class WebSocketConnection(asyncio.Protocol):
    def __init__(self, door: "WebSocketDoor") -> None:
        self.owner = door
        self.protocol = ServerProtocol(subprotocols=["sip"], max_size=MESSAGE_LIMIT)  # type: ignore[list-item]
        self.transport: asyncio.Transport | None = None
        self.flow: Flow | None = None
        self._handshake: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        peer = transport.get_extra_info("peername")
        address = (peer[0], peer[1])
        if not self.owner.accept(self.owner.door, address):
            self.transport.abort()  # type: ignore[union-attr]
            return
        self.flow = Flow(self.owner.door, address)
        self._handshake = asyncio.get_running_loop().call_later(HANDSHAKE_TIMEOUT_S, self._no_handshake)

    @property
    def open(self) -> bool:
        """The handshake is done and nobody has begun to close."""
        return self.protocol.state is State.OPEN and self.transport is not None

    def _no_handshake(self) -> None:
        if self.protocol.state is State.CONNECTING and self.transport is not None:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, HandshakeRequest):
                response = self.protocol.accept(event)
                self.protocol.send_response(response)
                if response.status_code == 101 and self.flow is not None:
                    self.owner.connections[self.flow.address] = self
            elif isinstance(event, Frame) and event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
                self._parts.append(bytes(event.data))
                if event.fin:
                    message, self._parts = b"".join(self._parts), []
                    if len(message) > 4 and self.flow is not None:
                        self.owner.receive(message, self.flow)
        self.flush()

    def send(self, data: bytes) -> None:
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            self.protocol.send_binary(data)
        else:
            self.protocol.send_text(text.encode())
        self.flush()

    def flush(self) -> None:
        transport = self.transport
        if transport is None:
            return
        for data in self.protocol.data_to_send():
            if data:
                transport.write(data)
            else:
                transport.close()
        if transport.get_write_buffer_size() > QUEUE_LIMIT:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._handshake is not None:
            self._handshake.cancel()
        self.protocol.receive_eof()
        flow, self.flow, self.transport = self.flow, None, None
        if flow is not None and self.owner.connections.get(flow.address) is self:
            del self.owner.connections[flow.address]
            self.owner.failed(flow)


class WebSocketDoor:
    def __init__(
        self, door: Door, receive: Callable[[bytes, Flow], None], accept: Callable[[Door, Address], bool], failed: Callable[[Flow], None]
    ) -> None:
        self.door = door
        self.receive = receive
        self.accept = accept
        self.failed = failed
        self.server: asyncio.Server | None = None
        self.connections: dict[Address, WebSocketConnection] = {}
        door.send = self.send

    def send(self, data: bytes, address: Address) -> None:
        connection = self.connections.get(address)
        if connection is not None and connection.open:
            connection.send(data)
        else:
            asyncio.get_running_loop().call_soon(self.failed, Flow(self.door, address))

    def forget_sources(self) -> None:
        for address, connection in list(self.connections.items()):
            if not self.accept(self.door, address) and connection.transport is not None:
                connection.transport.close()

    async def close(self) -> None:
        if self.server is not None:
            self.server.close()
        for connection in list(self.connections.values()):
            if connection.transport is not None:
                connection.transport.abort()
        if self.server is not None:
            await self.server.wait_closed()


async def open_websocket(
    door: Door, receive: Callable[[bytes, Flow], None], accept: Callable[[Door, Address], bool], failed: Callable[[Flow], None], tls: TlsSettings
) -> WebSocketDoor:
    """Bind a WS or WSS door. Raises ListenError."""
    opened = WebSocketDoor(door, receive, accept, failed)
    context = tls.server() if door.transport == "wss" else None
    try:
        opened.server = await asyncio.get_running_loop().create_server(lambda: WebSocketConnection(opened), door.local, door.port, ssl=context, reuse_address=True)
    except OSError as error:
        raise bind_error(door, error) from error
    return opened
