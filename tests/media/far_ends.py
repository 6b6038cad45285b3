"""Far ends of a call's audio: plain UDP sockets that share no code with the engines but SRTP's."""

import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path

from trunkline.media.sdes import Crypto
from trunkline.media.srtp import SrtpSession

FRAME = 160
HEARD_S = 15.0
"Longest wait for a packet that must come."
QUIET_S = 0.15
"Wait that shows that none comes."


class Packet:
    """An RTP packet as a far end sees it."""

    def __init__(self, data: bytes) -> None:
        self.first, second, self.sequence, self.timestamp, self.ssrc = struct.unpack_from("!BBHII", data)
        self.marker, self.payload_type = bool(second & 0x80), second & 0x7F
        self.payload = data[12:]


class Phone:
    """A far end: a pair of ports, a description, and a voice that is different in every packet."""

    def __init__(self, host: str = "127.0.0.1", payloads: str = "0 101", event: int = 101) -> None:
        self.host = host
        self.family = "IP6" if ":" in host else "IP4"
        self.rtp, self.rtcp = _pair(host)
        self.port: int = self.rtp.getsockname()[1]
        self.payloads, self.event = payloads, event
        self.version = 1
        self.offered: tuple[Crypto, ...] = ()
        self.sealed: SrtpSession | None = None
        self.target: tuple[str, int] = ("", 0)
        self.ssrc = 0x1000_0000 + self.port
        self.sequence, self.timestamp = 65_500, 0xFFFF_F000
        self.waits = True
        "Whether what it says is to be read before it goes on; not where the test reads itself."
        self._voice = count(self.port)

    def sdp(self, direction: str = "sendrecv", crypto: tuple[Crypto, ...] = (), extra: str = "") -> bytes:
        proto = "RTP/SAVP" if crypto else "RTP/AVP"
        keys = "".join(f"a=crypto:{one.encode()}\r\n" for one in crypto)
        return (
            f"v=0\r\no=phone 77 {self.version} IN {self.family} {self.host}\r\ns=call\r\nc=IN {self.family} {self.host}\r\nt=0 0\r\n"
            f"m=audio {self.port} {proto} {self.payloads}\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
            f"a=rtpmap:{self.event} telephone-event/8000\r\na=fmtp:{self.event} 0-15\r\na=ptime:20\r\n{keys}{extra}a={direction}\r\n"
        ).encode()

    def heed(self, sdp: bytes) -> None:
        """Send where a description says."""
        address = re.search(rb"^c=IN IP[46] (\S+)", sdp, re.MULTILINE)
        port = re.search(rb"^m=audio (\d+)", sdp, re.MULTILINE)
        assert address is not None, sdp
        assert port is not None, sdp
        self.target = (address[1].decode(), int(port[1]))

    def say(self, packets: int = 1, payload_type: int = 0, *, pace_s: float = 0.0) -> list[bytes]:
        """Send packets, one frame apart in time stamps, and wait until they are taken; the payloads sent."""
        sent = []
        for _ in range(packets):
            payload = struct.pack("!Q", next(self._voice)) * (FRAME // 8)
            self.send(payload_type, payload)
            sent.append(payload)
            time.sleep(pace_s)
        self.until_taken()
        return sent

    def until_taken(self) -> None:
        """Wait until who we speak to has read it all: on a busy machine a command would overtake it."""
        deadline = time.monotonic() + HEARD_S
        while self.waits and is_unread(self.target) and time.monotonic() < deadline:
            time.sleep(0.001)

    def send(self, payload_type: int, payload: bytes, *, marker: bool = False, advance: int = FRAME) -> None:
        self.sequence = (self.sequence + 1) & 0xFFFF
        packet = struct.pack("!BBHII", 0x80, payload_type | marker << 7, self.sequence, self.timestamp, self.ssrc) + payload
        self.timestamp = (self.timestamp + advance) & 0xFFFF_FFFF
        if self.sealed is not None:
            sealed = self.sealed.protect(packet)
            assert isinstance(sealed, bytes), sealed
            packet = sealed
        self.rtp.sendto(packet, self.target)

    def speak(self, coded: bytes) -> None:
        """Send G.711 in the time it takes to say it; a frame that is late does not make the next one late."""
        begin = time.monotonic()
        for at in range(0, len(coded), FRAME):
            time.sleep(max(0.0, begin + at / 8000 - time.monotonic()))
            self.send(0, coded[at : at + FRAME])
        self.until_taken()

    def press(self, event: int) -> None:
        """One key for 100 ms as RFC 4733 has it, the three ends included."""
        stamp = self.timestamp
        for index in range(7):
            end = index >= 4
            self.timestamp = stamp
            self.send(self.event, struct.pack("!BBH", event, end << 7 | 10, min(index + 1, 5) * FRAME), marker=index == 0, advance=0)
        self.timestamp = (stamp + 5 * FRAME) & 0xFFFF_FFFF
        self.until_taken()

    def hear(self, packets: int = 1) -> list[Packet]:
        """The next packets; fails when they do not come."""
        heard = []
        self.rtp.settimeout(HEARD_S)
        for _ in range(packets):
            data = self.rtp.recv(2048)
            if self.sealed is not None:
                opened = self.sealed.unprotect(data)
                assert isinstance(opened, bytes), opened
                data = opened
            heard.append(Packet(data))
        return heard

    def heard(self, patience_s: float = 0.25) -> list[Packet]:
        """What has come by now, however much, until nothing comes for so long."""
        packets = []
        self.rtp.settimeout(patience_s)
        try:
            while True:
                packets.append(Packet(self.rtp.recv(2048)))
        except TimeoutError:
            return packets

    def hears_nothing(self) -> bool:
        self.rtp.settimeout(QUIET_S)
        try:
            self.rtp.recv(2048)
        except TimeoutError:
            return True
        return False

    def discard(self) -> None:
        """Forget what has come so far."""
        self.rtp.settimeout(0.1)
        try:
            while True:
                self.rtp.recv(2048)
        except TimeoutError:
            return

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def is_unread(address: tuple[str, int]) -> bool:
    """Whether the kernel holds something for a UDP socket bound to that address."""
    family, table = (socket.AF_INET6, "udp6") if ":" in address[0] else (socket.AF_INET, "udp")
    host = socket.inet_pton(family, address[0])
    local = "".join(host[at : at + 4][::-1].hex() for at in range(0, len(host), 4)).upper() + f":{address[1]:04X}"
    rows = [line.split() for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]]
    return any(row[1] == local and int(row[4].partition(":")[2], 16) for row in rows)


def _pair(host: str) -> tuple[socket.socket, socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    while True:
        rtp, rtcp = socket.socket(family, socket.SOCK_DGRAM), socket.socket(family, socket.SOCK_DGRAM)
        rtp.bind((host, 0))
        port = rtp.getsockname()[1]
        try:
            if port % 2 == 0:
                rtcp.bind((host, port + 1))
                return rtp, rtcp
        except OSError:
            pass
        rtp.close()
        rtcp.close()


@contextmanager
def phones(*made: Phone) -> Iterator[None]:
    with ExitStack() as stack:
        for phone in made:
            stack.callback(phone.close)
        yield
