"""What passed over the loopback interface: a packet socket of our own, which neither far end nor node knows of.

It judges RTP by what was on the wire, whoever the far ends are. Reading packets needs CAP_NET_RAW, which root has.
"""

import socket
import struct
import threading
from typing import NamedTuple, Self

from tests.counterparts.serving import unable

IPV4 = 0x0800
TO_US = 0
"PACKET_HOST of packet(7): over loopback each packet is seen as it leaves and as it arrives; one of the two is enough."
SO_TIMESTAMPNS = 35
"Of socket(7): each packet comes with the time it passed, however late it is read."
STAMP = struct.Struct("@qq")
CONTROL = range(192, 224)
"Second byte of RTCP where it shares a look with RTP (RFC 5761 section 4)."


class Rtp(NamedTuple):
    """One RTP packet seen."""

    at: float
    "When it passed, by the kernel's clock, s."
    source: tuple[str, int]
    to: tuple[str, int]
    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class Wiretap:
    """Collects RTP to or from `hosts` while entered; all audio ports are above `first_port`."""

    def __init__(self, *hosts: str, first_port: int = 6000) -> None:
        self._hosts = {socket.inet_aton(host) for host in hosts}
        self._first_port = first_port
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self.seen: list[Rtp] = []

    def __enter__(self) -> Self:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(IPV4))
        except PermissionError:
            unable("audio on the wire: no packet socket without CAP_NET_RAW")
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind(("lo", IPV4))
        self._socket.settimeout(0.1)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        while not self._over.is_set():
            try:
                packet, marks, _, where = self._socket.recvmsg(65535, socket.CMSG_SPACE(STAMP.size))
            except TimeoutError:
                continue
            if where[2] != TO_US or packet[9] != socket.IPPROTO_UDP or not {packet[12:16], packet[16:20]} & self._hosts:
                continue
            udp = packet[(packet[0] & 15) * 4 :]
            data = udp[8 : int.from_bytes(udp[4:6])]
            ports = int.from_bytes(udp[:2]), int.from_bytes(udp[2:4])
            if len(data) < 12 or data[0] >> 6 != 2 or data[1] in CONTROL or min(ports) < self._first_port:
                continue
            self.seen.append(
                Rtp(
                    _passed_at(marks), (socket.inet_ntoa(packet[12:16]), ports[0]), (socket.inet_ntoa(packet[16:20]), ports[1]), data[1] & 0x7F, data[1] > 127,
                    int.from_bytes(data[2:4]), int.from_bytes(data[4:8]), int.from_bytes(data[8:12]), data[12 + 4 * (data[0] & 15) :],
                )
            )  # fmt: skip

    def heard_by(self, host: str, payload_type: int | None = None) -> list[Rtp]:
        """What arrived at `host`, in order."""
        return [packet for packet in list(self.seen) if packet.to[0] == host and payload_type in (None, packet.payload_type)]

    def said_by(self, host: str, payload_type: int | None = None) -> list[Rtp]:
        """What `host` sent, in order; from the port it hears on where its socket is bound to no address."""
        ears = {("127.0.0.1", packet.to[1]) for packet in self.heard_by(host)}
        return [packet for packet in list(self.seen) if (packet.source[0] == host or packet.source in ears) and payload_type in (None, packet.payload_type)]


def _passed_at(marks: list[tuple[int, int, bytes]]) -> float:
    (mark,) = [data for level, kind, data in marks if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS)]
    seconds, nanoseconds = STAMP.unpack(mark)
    return float(seconds + nanoseconds / 1e9)
