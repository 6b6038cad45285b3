"""The sans-IO node on a virtual clock, between callers and far ends that answer everything at once."""

from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from random import Random

from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Call, Decision, Fact, Parked
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Request, Response, parse

TRUNKS, CARRIERS = Door("trunks", "udp", "10.0.0.254", 5060), Door("carriers", "udp", "10.1.0.254", 5060)
SDP = "v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
START_S = 1000.0
DELAY_S = 0.001
"Of an answer."


class Stage:
    """Whoever is sent an INVITE says `behaviour`; whoever is answered 200 hangs up when told."""

    def __init__(self, policy: str, start_utc_us: int = 1_780_000_000_000_000, base: Path | None = None) -> None:
        self.base = base
        self.now = START_S
        self.facts: list[Fact] = []
        self.core = Core(load(policy, base), StaticPlaces({"udp": CARRIERS}), self.facts.append, Clock(START_S, start_utc_us), Random(4), key=b"k" * 32)
        self.core.registrar.doors = {"trunks": TRUNKS, "carriers": CARRIERS}
        self.behaviour = "486 Busy Here"
        self.sent: list[tuple[float, str, Request]] = []
        "Requests that left: when, to which host."
        self.told: dict[str, list[int]] = {}
        "Call-ID -> statuses its caller got."
        self.headers: dict[str, Response] = {}
        "Call-ID -> the last response its caller got."
        self._branches = count(1)
        self._wire: list[tuple[float, int, bytes, Flow]] = []

    def change(self, policy: str) -> None:
        self.core.apply_policy(load(policy, self.base), "test", "", self.now)
        self.turn()

    def invite(self, number: str, host: str = "10.0.0.1", door: Door = TRUNKS, caller: str = "12125550123", extra: str = "", cseq: int = 1, call_id: str = "") -> str:
        """A new call; its Call-ID."""
        n = next(self._branches)
        call_id = call_id or f"call-{n}@{host}"
        self.core.receive(
            f"INVITE sip:{number}@{door.host} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{caller}@{host}>;tag=f{n}\r\nTo: <sip:{number}@{door.host}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} INVITE\r\n"
            f"Contact: <sip:{host}:5060>\r\n{extra}Content-Type: application/sdp\r\nContent-Length: {len(SDP)}\r\n\r\n{SDP}".encode(),
            Flow(door, (host, 5060)), self.now,
        )  # fmt: skip
        self._collect()
        return call_id

    def cancel(self, call_id: str, host: str = "10.0.0.1", number: str = "14155550101") -> None:
        n = int(call_id.partition("@")[0].removeprefix("call-"))
        self.core.receive(
            f"CANCEL sip:{number}@{TRUNKS.host} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK{n};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:12125550123@{host}>;tag=f{n}\r\nTo: <sip:{number}@{TRUNKS.host}>\r\nCall-ID: {call_id}\r\nCSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n".encode(),
            Flow(TRUNKS, (host, 5060)), self.now,
        )  # fmt: skip
        self._collect()

    def turn(self) -> None:
        """What a node does when something outside SIP has happened."""
        self.core.board.handle_events(self.now)
        self._collect()

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        steps = 0
        while True:
            steps += 1
            assert steps < 20_000, "time stands still"
            timer = self.core.get_timer()
            arrival = self._wire[0][0] if self._wire else None
            at = min((moment for moment in (timer, arrival) if moment is not None), default=until + 1.0)
            if at > until:
                break
            self.now = max(self.now, at)
            if arrival is not None and arrival <= self.now:
                _, _, data, flow = heappop(self._wire)
                self.core.receive(data, flow, self.now)
            else:
                self.core.handle_timer(self.now)
            self._collect()
        self.now = until

    def _collect(self) -> None:
        for flow, data in self.core.datagrams_to_send():
            message = parse(data)
            assert not isinstance(message, Fault)
            if isinstance(message, Response):
                if message.cseq_method == "INVITE":
                    self.told.setdefault(message.call_id, []).append(message.status)
                    self.headers[message.call_id] = message
                    if message.status >= 300:
                        self._ack(message, flow)
                continue
            self.sent.append((self.now, flow.address[0], message))
            if message.method == "INVITE" and self.behaviour:
                self._answer(message, self.behaviour, flow)
            elif message.method in ("BYE", "CANCEL"):
                self._answer(message, "200 OK", flow)

    def _answer(self, request: Request, line: str, flow: Flow) -> None:
        fields = request.fields
        head = "".join(f"{name}: {value}\r\n" for name in ("Via", "From", "Call-ID", "CSeq") for value in fields[name])
        self._say(f"SIP/2.0 {line}\r\n{head}To: {fields['To'][0]};tag=far\r\nContent-Length: 0\r\n\r\n", flow)

    def _ack(self, response: Response, flow: Flow) -> None:
        fields = response.fields
        head = "".join(f"{name}: {fields[name][0]}\r\n" for name in ("Via", "From", "To", "Call-ID"))
        self._say(f"ACK sip:{flow.door.host} SIP/2.0\r\n{head}Max-Forwards: 70\r\nCSeq: {fields['CSeq'][0].split()[0]} ACK\r\nContent-Length: 0\r\n\r\n", flow)

    def _say(self, text: str, flow: Flow) -> None:
        heappush(self._wire, (self.now + DELAY_S, next(self._branches), text.encode(), flow))

    # What came of it.

    def invites(self, host: str = "") -> list[tuple[float, str]]:
        """INVITEs that left: seconds since the start, called number."""
        return [(round(at - START_S, 3), request.uri.partition(":")[2].partition("@")[0]) for at, to, request in self.sent if request.method == "INVITE" and host in ("", to)]

    def calls(self) -> list[Call]:
        return [fact for fact in self.facts if isinstance(fact, Call)]

    def decisions(self) -> list[Decision]:
        return [fact for fact in self.facts if isinstance(fact, Decision)]

    def parked(self) -> list[Parked]:
        return [fact for fact in self.facts if isinstance(fact, Parked)]

    def check_clean(self) -> None:
        self.run(60.0)
        board, waiting = self.core.board, self.core.decisions.waiting
        assert not board.calls
        assert not board.arrivals.waiting
        assert not board.sessions
        assert not self.core.limits.used, self.core.limits.used
        assert not waiting.held
        assert not len(waiting.pacer)
        assert waiting.next_due() is None
        assert len(self.calls()) == len(self.told), "every call has its record"


def load(policy: str, base: Path | None = None) -> Snapshot:
    loaded = load_policy(policy, environment={"SECRET": "correct-horse-battery-7"}, base=base)
    assert isinstance(loaded, Snapshot), loaded
    return loaded
