"""The RTP socket of one leg: open to whoever the source rule admits, or connected to the one it has locked.

Connected, the kernel drops strangers before they cost us anything and needs no route look-up per packet. It is connected only when the
far end sends from where it is sent to; an asymmetric far end is checked packet by packet for the whole call.
"""

import ctypes
import os
import socket

from trunkline.media.relay.source import Address, Source

SIZE_LIMIT = 2048
"Bytes of one datagram; larger ones are refused."
BUFFER = bytearray(SIZE_LIMIT + 1)
"Every packet of the worker passes through here, one at a time."
VIEWS = tuple(memoryview(BUFFER)[:size] for size in range(SIZE_LIMIT + 1))
"The buffer cut to every length there is: slicing it anew for each packet costs more than keeping these."

_LIBC = ctypes.CDLL(None, use_errno=True)
_NO_ADDRESS = bytes(16)
"A `sockaddr` of AF_UNSPEC: connecting to it takes a connection back and leaves the port bound (connect(2))."


class Door:
    """The socket, where it sends to, and whether it is connected there."""

    __slots__ = ("_is_v6", "destination", "is_connected", "socket", "source")

    def __init__(self, bound: socket.socket, source: Source, is_v6: bool = False) -> None:
        self.socket = bound
        self._is_v6 = is_v6
        self.source = source
        self.destination: Address | None = None
        self.is_connected = False

    def mark(self, dscp: int) -> None:
        """Mark what is sent with a DSCP (RFC 2474)."""
        if self._is_v6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, dscp << 2)
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, dscp << 2)

    def aim(self) -> None:
        """Settle where to send: where the SDP says, behind a NAT where the audio comes from."""
        source = self.source
        destination = source.locked if source.nat and source.locked is not None else source.expected
        if destination != self.destination:
            self.disconnect()
            self.destination = destination

    def connect(self) -> bool:
        """Connect if the source is where we send to. What had queued up before still carries its source, and must be read by it."""
        if self.destination is None or self.source.locked != self.destination:
            return False
        try:
            self.socket.connect(self.destination)
        except OSError:
            # No route now: each packet will say so, and one of them will find the route that comes back.
            return False
        self.is_connected = True
        return True

    def disconnect(self) -> None:
        if self.is_connected:
            if _LIBC.connect(self.socket.fileno(), _NO_ADDRESS, len(_NO_ADDRESS)):
                raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
            self.is_connected = False

    def send(self, packet: bytes | bytearray | memoryview) -> None:
        """Send where the leg is, connected or not. Raises `OSError` like any socket."""
        if self.destination is not None:
            self.socket.sendto(packet, self.destination)
