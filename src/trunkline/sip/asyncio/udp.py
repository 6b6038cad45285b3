"""UDP doors."""

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import Callable

from trunkline.sip.asyncio.settings import ListenError
from trunkline.sip.flow import Address, Door, Flow

RECEIVE_BUFFER = 4 << 20
"Bytes the kernel may hold for a door: a burst of 5,000 INVITEs."

NO_WAY_OUT = frozenset((
    errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL, errno.ENODEV, errno.EINVAL, errno.EPERM,
))  # fmt: skip
"""Errors of sending that mean this door does not lead there now: no route, the link down, the address taken away (EINVAL on Linux), a firewall
of this machine. Others pass (ENOBUFS) or are about the datagram (EMSGSIZE)."""

BACKLOG_LIMIT = 1 << 20
"Bytes a door may have unsent before it drops; UDP repeats by itself."


class UdpDoor(asyncio.DatagramProtocol):
    """One UDP socket."""

    def __init__(
        self, door: Door, receive: Callable[[bytes, Flow], None], accept: Callable[[Door, Address], bool], unsent: Callable[[Flow, str], None]
    ) -> None:
        self.door = door
        self.receive = receive
        self.accept = accept
        self.unsent = unsent
        "Told, in a turn of its own, what could not leave."
        self._sending: Address | None = None
        "Set while the kernel takes a datagram: what it says then is about that one."
        self._told: set[Address] = set()
        self.transport: asyncio.DatagramTransport | None = None
        self.backlog: Callable[[], int] = lambda: 0
        "Bytes the transport has not sent yet."
        self.refused = 0
        self.dropped = 0
        self._flows: dict[Address, Flow] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport) or hasattr(transport, "sendto")
        self.transport = transport  # type: ignore[assignment]
        self.backlog = transport.get_write_buffer_size  # type: ignore[attr-defined]
        self.door.send = self.send

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        flow = self._flows.get(addr)
        if flow is None:
            address = (addr[0], addr[1])
            if not self.accept(self.door, address):
                self.refused += 1
                return
            if len(self._flows) > 4096:
                self._flows.clear()
            flow = self._flows[addr] = Flow(self.door, address)
        if len(data) <= 4:
            return  # keep-alive: CRLF, or the zero bytes some phones send
        self.receive(data, flow)

    def forget_sources(self) -> None:
        """A new policy may know other sources."""
        self._flows.clear()

    def send(self, data: bytes, address: Address) -> None:
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        if self.backlog() > BACKLOG_LIMIT:
            self.dropped += 1
            return
        self._sending = address
        transport.sendto(data, address)
        self._sending = None

    def error_received(self, exc: Exception) -> None:
        """The kernel would not send, or ICMP said no; of the latter the transaction's timers decide what it means."""
        address = self._sending
        if address is None or not isinstance(exc, OSError) or exc.errno not in NO_WAY_OUT or address in self._told:
            return
        self._told.add(address)
        asyncio.get_running_loop().call_soon(self._tell, address, f"from {self.door.local}: {os.strerror(exc.errno)}")

    def _tell(self, address: Address, why: str) -> None:
        self._told.discard(address)
        self.unsent(Flow(self.door, address), why)

    async def close(self) -> None:
        if self.transport is not None:
            self.transport.close()


async def open_udp(
    door: Door,
    receive: Callable[[bytes, Flow], None],
    accept: Callable[[Door, Address], bool],
    unsent: Callable[[Flow, str], None] = lambda flow, why: None,
) -> UdpDoor:
    """Bind a UDP door; port 0 takes a free one and the door learns it. Raises ListenError."""
    family = socket.AF_INET6 if ":" in door.local else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    if family == socket.AF_INET6:  # as TCP doors do it: IPv4 has doors of its own, and its senders their own addresses
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        sock.bind((door.local, door.port))
    except OSError as error:
        sock.close()
        raise bind_error(door, error) from error
    protocol = UdpDoor(door, receive, accept, unsent)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: protocol, sock=sock)
    return protocol


def bind_error(door: Door, error: OSError) -> ListenError:
    """Why a door could not be opened, and what to do."""
    where = f"{door.transport} {door.bound} ({door.name})"
    if error.errno == errno.EADDRINUSE:
        return ListenError(f"cannot listen on {where}: the port is in use; stop the other program or change [[listen]] address in trunkline.toml")
    if error.errno == errno.EADDRNOTAVAIL:
        return ListenError(f"cannot listen on {where}: this machine has no such address; change [[listen]] address in trunkline.toml")
    if error.errno == errno.EACCES:
        return ListenError(f"cannot listen on {where}: no permission; use a port above 1023 or run with CAP_NET_BIND_SERVICE")
    return ListenError(f"cannot listen on {where}: {error.strerror}")
