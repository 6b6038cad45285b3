"""Port pairs bound ahead (RFC 3550 section 11: RTP on an even port, RTCP on the next).

Ports are drawn at random from the range: a stranger cannot guess the next call's, and a port just given back rests for a while.
"""

import errno
import socket
from collections.abc import Callable
from random import Random

from msgspec import Struct

RECEIVE_BUFFER = 1 << 17
"Bytes: 200 packets of G.711 with the kernel's overhead, two seconds of stall."
TRIES = 200
"Draws for one pair before the range counts as used up."


class Pair(Struct, gc=False):
    """Two bound sockets."""

    address: str
    port: int
    rtp: socket.socket
    rtcp: socket.socket

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def bind_pair(address: str, first: int, last: int, random: Random) -> Pair | None:
    """Bind one pair within the range, ends included; None when none was free. Raises `OSError` when the address is not ours."""
    draw: Callable[[], int] = lambda: random.randrange((first + 1) // 2, (last + 1) // 2) * 2  # noqa: E731
    for _ in range(TRIES):
        port = draw()
        rtp = _bound(address, port)
        if rtp is None:
            continue
        rtcp = _bound(address, port + 1)
        if rtcp is None:
            rtp.close()
            continue
        return Pair(address, port, rtp, rtcp)
    return None


def _bound(address: str, port: int) -> socket.socket | None:
    is_v6 = ":" in address
    one = socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        one.setblocking(False)
        if is_v6:
            one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        one.bind((address, port))
    except OSError as error:
        one.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            return None
        raise
    return one
