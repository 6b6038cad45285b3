"""The rtpengine engine on a virtual clock, and daemons that answer as a test says."""

from collections.abc import Callable
from random import Random

from trunkline.media import (
    MediaAnswer,
    MediaEvent,
    MediaOffer,
    MediaReady,
    Side,
)
from trunkline.media.engine import PLAIN
from trunkline.media.rtpengine import Daemon, Rtpengine, Settings
from trunkline.media.rtpengine.bencode import Value, decode, encode
from trunkline.media.rtpengine.conversation import destination

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\n"
SDP += b"a=rtpmap:101 telephone-event/8000\r\n"
OK: dict[bytes, Value] = {b"result": b"ok"}
READY: dict[bytes, Value] = {b"result": b"ok", b"sdp": b"v=0 ours"}
UNKNOWN: dict[bytes, Value] = {b"result": b"error", b"error-reason": b"Unknown call-id"}

Answerer = Callable[[dict[bytes, Value]], dict[bytes, Value] | None]


def tags(**received: int) -> dict[bytes, Value]:
    """A query's reply; `leg0=5` is five packets of leg 0."""
    return {
        b"result": b"ok",
        b"tags": {
            name.removeprefix("leg").encode(): {
                b"medias": [{b"type": b"audio", b"codec": b"PCMU/8000", b"streams": [{b"stats": {b"packets": packets, b"errors": 0}}]}]
            }
            for name, packets in received.items()
        },
    }


class World:
    """An engine, daemons that answer as the test says, and a clock that jumps from timer to timer."""

    def __init__(self, daemons: int = 1, **settings: object) -> None:
        known = tuple(Daemon("192.0.2.9", 2223 + place) for place in range(daemons))
        self.engine = Rtpengine(Settings(known, **settings), Random(1))  # type: ignore[arg-type]
        self.now = 0.0
        self.requests: list[tuple[float, int, dict[bytes, Value]]] = []
        self.datagrams: list[bytes] = []
        self.answer: Answerer = lambda request: {b"result": b"pong"} if request[b"command"] == b"ping" else None
        self.down: set[int] = set()

    def settle(self) -> None:
        """Deliver what is under way."""
        while (data := self.engine.data_to_send()) is not None:
            place = destination(data)
            assert place is not None
            cookie, _, body = data.partition(b" ")
            request = decode(body)
            assert isinstance(request, dict)
            self.datagrams.append(data)
            self.requests.append((self.now, place, request))
            reply = None if place in self.down else self.answer(request)
            if reply is not None:
                self.engine.receive_data(cookie + b" " + encode(reply), self.now)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        self.settle()
        while (at := self.engine.get_timer()) is not None and at <= end:
            self.now = max(self.now, at)
            self.engine.handle_timer(self.now)
            self.settle()
        self.now = end

    def asked(self, command: bytes) -> list[float]:
        """When a command was sent."""
        return [at for at, _, request in self.requests if request[b"command"] == command]

    def commands(self) -> list[bytes]:
        """All that was sent but pings and queries."""
        return [bytes(name) for _, _, request in self.requests if isinstance(name := request[b"command"], bytes) and name not in (b"ping", b"query")]

    def events(self) -> list[MediaEvent]:
        found = []
        while (event := self.engine.next_event()) is not None:
            found.append(event)
        return found

    def willing(self, **replies: dict[bytes, Value]) -> None:
        """The daemon takes everything; `query=...` replies otherwise to one command."""

        def answer(request: dict[bytes, Value]) -> dict[bytes, Value]:
            command = request[b"command"]
            assert isinstance(command, bytes)
            default = READY if command in (b"offer", b"answer") else OK
            return replies.get(command.decode().replace(" ", "_"), default)

        self.answer = answer

    def connect(self, call: str = "c", leg: int = 1, side: Side = PLAIN) -> None:
        assert self.engine.offer(MediaOffer(call, leg, SDP, side), self.now) is None
        self.settle()
        assert self.engine.answer(MediaAnswer(call, 0, SDP, leg), self.now) is None
        self.settle()
        assert self.events()[-2:] == [MediaReady(call, leg, b"v=0 ours"), MediaReady(call, 0, b"v=0 ours")]
