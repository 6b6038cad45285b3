"""SIP user agents of our own for tests over real sockets: a dialer, a carrier or a phone, on UDP, TCP, TLS or WebSocket.

They share no code with Trunkline, so a mistake there is not made twice. A `Phone` is one socket with any number of calls; what it does
with an INVITE is its `behaviour`.
"""

import asyncio
import contextlib
import hashlib
import itertools
import os
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field

SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
REPEATS = (0.5, 1.0, 2.0, 4.0, 4.0, 4.0)

_addresses = itertools.count(os.getpid() * 1000)


def loopback() -> str:
    """An address of 127/8 that no other test uses, so that ports may be the usual ones."""
    n = next(_addresses)
    return f"127.{1 + n // 62500 % 200}.{1 + n // 250 % 250}.{1 + n % 250}"


async def until(what: Callable[[], object], seconds: float, saying: str) -> None:
    """Wait until `what` holds; AssertionError with `saying` when it does not in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, f"not within {seconds} s: {saying}"
        await asyncio.sleep(0.01)


@dataclass
class Message:
    start: str
    headers: list[tuple[str, str]]
    body: str

    @classmethod
    def parse(cls, text: str) -> "Message":
        head, _, body = text.partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        pairs = [line.partition(":") for line in lines]
        return cls(start, [(name.strip(), value.strip()) for name, _, value in pairs], body)

    def get(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    def every(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    @property
    def is_response(self) -> bool:
        return self.start.startswith("SIP/2.0 ")

    @property
    def status(self) -> int:
        return int(self.start.split(" ")[1])

    @property
    def method(self) -> str:
        return self.start.split(" ")[0]

    @property
    def uri(self) -> str:
        return self.start.split(" ")[1]

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.get("CSeq").split()
        return int(number), method


def tag_of(value: str) -> str:
    found = re.search(r";tag=([^;>\s]+)", value)
    return found[1] if found else ""


@dataclass
class PhoneCall:
    """One call as this side saw it."""

    phone: "Phone"
    call_id: str
    uri: str
    local: str
    remote: str
    to: object
    ours: bool
    status: int = 0
    "Final status of the INVITE."
    final: Message | None = None
    provisional: list[int] = field(default_factory=list)
    provisional_at: list[float] = field(default_factory=list)
    target: str = ""
    cseq: int = 1
    invite: Message | None = None
    "The INVITE, when they called."
    branch: str = ""
    began_at: float = 0.0
    answered_at: float = 0.0
    acked: bool = False
    bye_at: float = 0.0
    "When their BYE came."
    bye: Message | None = None
    cancel_at: float = 0.0
    ended_at: float = 0.0
    "When our BYE was answered with 200."
    bye_answer: int = 0
    "Status of the answer to our BYE; 481: the other side knew no such call any more."
    requests: list[Message] = field(default_factory=list)
    authorized: bool = False

    async def hang_up(self) -> None:
        self.cseq += 1
        await self.phone.ask(self, "BYE", self.cseq)

    async def cancel(self) -> None:
        await self.phone.ask(self, "CANCEL", 1, branch=self.branch)


class Phone:
    """A user agent. `behaviour(call)` is how INVITEs are met: `answer`, `ring`, `silent`, or a status code."""

    def __init__(self, behaviour: str | int = "answer", user: str = "phone", password: str = "") -> None:
        self.behaviour = behaviour
        self.user = user
        self.password = password
        self.calls: dict[str, PhoneCall] = {}
        self.transport = "UDP"
        self.sent_by = ""
        self.contact = ""
        self.route: object = None
        "Where requests outside dialogs go."
        self._raw: Callable[[bytes, object], None] = lambda data, to: None
        self._waiting: dict[str, asyncio.Future[Message]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closers: list[Callable[[], object]] = []
        self.received = 0
        self.options = 0

    # Sockets.

    async def udp(self, host: str, port: int = 0, route: tuple[str, int] | None = None) -> "Phone":
        phone = self

        class Protocol(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                if len(data) > 4:
                    phone.heard(data.decode("utf-8", "replace"), addr)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Protocol, local_addr=(host, port))
        address = transport.get_extra_info("sockname")
        self.sent_by = f"{address[0]}:{address[1]}"
        self.contact = f"sip:{self.user}@{self.sent_by}"
        self.route = route
        self._raw = lambda data, to: transport.sendto(data, to)
        self._closers.append(transport.close)
        return self

    async def stream(self, host: str, route: tuple[str, int] | None = None, listen: int | None = None, tls: ssl.SSLContext | None = None, name: str = "") -> "Phone":
        """TCP or TLS: connected to `route`, or listening on `listen`."""
        self.transport = "TLS" if tls else "TCP"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            buffer = b""
            try:
                while data := await reader.read(65536):
                    buffer += data
                    while b"\r\n\r\n" in buffer.lstrip(b"\r\n"):
                        buffer = buffer.lstrip(b"\r\n")
                        head, _, rest = buffer.partition(b"\r\n\r\n")
                        found = re.search(rb"(?im)^(?:content-length|l)\s*:\s*(\d+)", head)
                        length = int(found[1]) if found else 0
                        if len(rest) < length:
                            break
                        self.heard((head + b"\r\n\r\n" + rest[:length]).decode(), writer)
                        buffer = rest[length:]
            except (ConnectionError, ssl.SSLError):
                pass
            finally:
                writer.close()

        def send(data: bytes, to: object) -> None:
            if isinstance(to, asyncio.StreamWriter) and not to.is_closing():
                to.write(data)

        self._raw = send
        if listen is not None:
            server = await asyncio.start_server(serve, host, listen, ssl=tls)
            address = server.sockets[0].getsockname()
            self._closers.append(server.close)
        else:
            assert route is not None
            reader, writer = await asyncio.open_connection(route[0], route[1], ssl=tls, server_hostname=name or None, local_addr=(host, 0))
            address = writer.get_extra_info("sockname")
            self.route = writer
            task = asyncio.create_task(serve(reader, writer))
            self._tasks.add(task)
            self._closers.append(writer.close)
        self.sent_by = f"{address[0]}:{address[1]}"
        self.contact = f"sip:{self.user}@{self.sent_by};transport={self.transport.lower()}"
        return self

    async def websocket(self, url: str, tls: ssl.SSLContext | None = None) -> "Phone":
        """A phone of the kind browsers are (RFC 7118): no address anybody could call, only the connection."""
        from websockets.asyncio.client import connect

        socket = await connect(url, subprotocols=["sip"], ssl=tls, proxy=None)  # type: ignore[list-item]
        self.transport = "WSS" if url.startswith("wss") else "WS"
        self.sent_by = f"{os.urandom(6).hex()}.invalid"
        self.contact = f"sip:{self.user}@{self.sent_by};transport=ws"
        self.route = socket
        outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._raw = lambda data, to: outgoing.put_nowait(data)

        async def write() -> None:
            while True:
                await socket.send((await outgoing.get()).decode())

        async def read() -> None:
            async for text in socket:
                self.heard(text if isinstance(text, str) else text.decode(), socket)

        for coroutine in (write(), read()):
            self._tasks.add(asyncio.create_task(coroutine))
        self._closers.append(socket.close)
        self.subprotocol = socket.subprotocol
        return self

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for closer in reversed(self._closers):
            result = closer()
            if asyncio.iscoroutine(result):
                await result
        await asyncio.sleep(0)

    # What it does.

    async def register(self, domain: str, expires: int = 300) -> int:
        """REGISTER, with credentials when asked; the final status."""
        call_id, tag = os.urandom(8).hex(), os.urandom(4).hex()
        aor = f"sip:{self.user}@{domain}"
        extra = ""
        for cseq in (1, 2):
            lines = f"From: <{aor}>;tag={tag}\r\nTo: <{aor}>\r\nCall-ID: {call_id}\r\nCSeq: {cseq} REGISTER\r\nContact: <{self.contact}>\r\nExpires: {expires}\r\n{extra}"
            answer = await self._transact("REGISTER", f"sip:{domain}", lines, "", self.route)
            if answer is None:
                return 408
            if answer.status != 401 or extra:
                return answer.status
            extra = "Authorization: " + self.credentials(answer, "REGISTER", f"sip:{domain}") + "\r\n"
        raise AssertionError

    def credentials(self, answer: Message, method: str, uri: str) -> str:
        """Digest for the first challenge of MD5 (RFC 2617 with qop)."""
        for value in answer.every("WWW-Authenticate") + answer.every("Proxy-Authenticate"):
            given = dict(re.findall(r'(\w+)="?([^",]+)"?', value.partition(" ")[2]))
            if given.get("algorithm", "MD5").upper() == "MD5":
                break
        cnonce = os.urandom(4).hex()

        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        realm, nonce = given["realm"], given["nonce"]
        secret, asked = md5(f"{self.user}:{realm}:{self.password}"), md5(f"{method}:{uri}")
        digest = md5(f"{secret}:{nonce}:00000001:{cnonce}:auth:{asked}")
        return (
            f'Digest username="{self.user}", realm="{realm}", nonce="{nonce}", uri="{uri}", response="{digest}", '
            f'algorithm=MD5, cnonce="{cnonce}", qop=auth, nc=00000001'
        )

    def invite(self, number: str, domain: str, sdp: str = SDP, extra: str = "") -> PhoneCall:
        """Call; watch the returned call for what happens."""
        uri = f"sip:{number}@{domain}"
        call = PhoneCall(self, os.urandom(8).hex(), uri, f"<sip:{self.user}@{domain}>;tag={os.urandom(4).hex()}", f"<{uri}>", self.route, True)
        call.target = uri
        call.began_at = time.monotonic()
        self.calls[call.call_id] = call
        self._spawn(self._invite(call, sdp, extra))
        return call

    async def _invite(self, call: PhoneCall, sdp: str, extra: str) -> None:
        for _ in range(2):
            call.branch = f"z9hG4bK{os.urandom(8).hex()}"
            lines = (
                f"From: {call.local}\r\nTo: <{call.uri}>\r\nCall-ID: {call.call_id}\r\nCSeq: {call.cseq} INVITE\r\nContact: <{self.contact}>\r\n"
                f"Allow: INVITE, ACK, CANCEL, BYE, OPTIONS\r\n{extra}Content-Type: application/sdp\r\n"
            )
            answer = await self._transact("INVITE", call.uri, lines, sdp, call.to, call.branch, call)
            if answer is None:
                call.status = call.status or 408
                return
            if answer.status >= 300:
                to = answer.get("To")
                self.send(f"ACK {call.uri} SIP/2.0", f"From: {call.local}\r\nTo: {to}\r\nCall-ID: {call.call_id}\r\nCSeq: {call.cseq} ACK\r\n", "", call.to, call.branch)
                if answer.status in (401, 407) and not extra and self.password:
                    extra = ("Authorization: " if answer.status == 401 else "Proxy-Authorization: ") + self.credentials(answer, "INVITE", call.uri) + "\r\n"
                    call.cseq += 1
                    continue
            call.final = answer
            call.status = answer.status
            return

    def answered(self, call: PhoneCall, answer: Message) -> None:
        call.remote = answer.get("To")
        contact = answer.get("Contact")
        call.target = contact[contact.find("<") + 1 : contact.find(">")] if "<" in contact else contact
        if not call.answered_at:
            call.answered_at = time.monotonic()
        self.send(f"ACK {call.target} SIP/2.0", f"From: {call.local}\r\nTo: {call.remote}\r\nCall-ID: {call.call_id}\r\nCSeq: {call.cseq} ACK\r\n", "", self.next_hop(call))

    def next_hop(self, call: PhoneCall) -> object:
        """The address of the target over UDP (that is what Contact is for), the connection otherwise."""
        if self.transport != "UDP":
            return call.to
        host, _, port = re.sub(r"^sips?:(?:[^@]*@)?([^;?]*).*", r"\1", call.target).rpartition(":")
        return (host, int(port)) if host else call.to

    async def ask(self, call: PhoneCall, method: str, cseq: int, branch: str = "") -> Message | None:
        """A request within the dialog (or CANCEL)."""
        uri = call.uri if method == "CANCEL" else call.target
        lines = f"From: {call.local}\r\nTo: {f'<{call.uri}>' if method == 'CANCEL' else call.remote}\r\nCall-ID: {call.call_id}\r\nCSeq: {cseq} {method}\r\n"
        to = call.to if method == "CANCEL" else self.next_hop(call)
        answer = await self._transact(method, uri, lines, "", to, branch)
        if method == "BYE" and answer is not None:
            call.ended_at = time.monotonic() if answer.status == 200 else 0.0
            call.bye_answer = answer.status
        return answer

    # Wire.

    def send(self, start: str, lines: str, body: str, to: object, branch: str = "") -> None:
        via = f"Via: SIP/2.0/{self.transport} {self.sent_by};branch={branch or f'z9hG4bK{os.urandom(8).hex()}'};rport\r\n"
        self._raw(f"{start}\r\n{via}Max-Forwards: 70\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}".encode(), to)

    async def _transact(self, method: str, uri: str, lines: str, body: str, to: object, branch: str = "", call: PhoneCall | None = None) -> Message | None:
        """Send until there is an answer: any for an INVITE, a final one otherwise; None without a final one in 64 x T1, cut short."""
        branch = branch or f"z9hG4bK{os.urandom(8).hex()}"
        key = f"{branch} {method}"
        future = self._waiting[key] = asyncio.get_running_loop().create_future()
        try:
            for wait in REPEATS:
                if call is None or not call.provisional:
                    self.send(f"{method} {uri} SIP/2.0", lines, body, to, branch)
                if self.transport != "UDP" or (call is not None and call.provisional):
                    wait = 30.0
                with contextlib.suppress(TimeoutError):
                    return await asyncio.wait_for(asyncio.shield(future), wait)
            return None
        finally:
            self._waiting.pop(key, None)

    def reply(self, request: Message, status: int, phrase: str, to: object, tag: str = "", extra: str = "", body: str = "") -> None:
        vias = "".join(f"Via: {via}\r\n" for via in request.every("Via"))
        routes = "".join(f"Record-Route: {route}\r\n" for route in request.every("Record-Route"))
        target = request.get("To")
        if tag and not tag_of(target):
            target += f";tag={tag}"
        self._raw(
            (
                f"SIP/2.0 {status} {phrase}\r\n{vias}{routes}From: {request.get('From')}\r\nTo: {target}\r\nCall-ID: {request.get('Call-ID')}\r\n"
                f"CSeq: {request.get('CSeq')}\r\n{extra}Content-Length: {len(body)}\r\n\r\n{body}"
            ).encode(),
            to,
        )

    def heard(self, text: str, source: object) -> None:
        self.received += 1
        message = Message.parse(text)
        if message.is_response:
            self._heard_response(message)
        else:
            self._heard_request(message, source)

    def _heard_response(self, message: Message) -> None:
        call = self.calls.get(message.get("Call-ID"))
        method = message.cseq[1]
        if method == "INVITE" and call is not None and call.ours:
            if message.status < 200:
                call.provisional.append(message.status)
                call.provisional_at.append(time.monotonic())
                return
            if message.status < 300:
                self.answered(call, message)
        found = re.search(r";branch=([^;,\s]+)", message.get("Via"))
        future = self._waiting.get(f"{found[1] if found else ''} {method}")
        if future is not None and not future.done() and message.status >= 200:
            future.set_result(message)

    def _heard_request(self, request: Message, source: object) -> None:
        method = request.method
        call = self.calls.get(request.get("Call-ID"))
        if call is not None:
            call.requests.append(request)
        if method == "INVITE":
            if call is None:
                self._called(request, source)
            elif call.invite is not None and request.cseq[0] == call.invite.cseq[0]:
                return  # a repeat: our answers repeat themselves
            else:
                self.reply(request, 200, "OK", source, extra=f"Contact: <{self.contact}>\r\nContent-Type: application/sdp\r\n", body=SDP)
        elif method == "ACK":
            if call is not None:
                call.acked = True
        elif method == "BYE":
            if call is None:
                self.reply(request, 481, "Call/Transaction Does Not Exist", source)
                return
            if not call.bye_at:
                call.bye_at = time.monotonic()
                call.bye = request
            self.reply(request, 200, "OK", source)
        elif method == "CANCEL":
            self.reply(request, 200, "OK", source, tag="cancelled")
            if call is not None and call.invite is not None and not call.status:
                call.cancel_at = time.monotonic()
                call.status = 487
                self.reply(call.invite, 487, "Request Terminated", source, tag_of(call.local))
        elif method == "OPTIONS":
            self.options += 1
            self.reply(request, 200, "OK", source, "options")
        else:
            self.reply(request, 200, "OK", source, "other")

    def _called(self, request: Message, source: object) -> None:
        tag = os.urandom(4).hex()
        contact = request.get("Contact")
        call = PhoneCall(self, request.get("Call-ID"), request.uri, f"{request.get('To')};tag={tag}", request.get("From"), source, False)
        call.target = contact[contact.find("<") + 1 : contact.find(">")]
        call.invite = request
        call.began_at = time.monotonic()
        call.cseq = 0
        call.requests.append(request)
        self.calls[call.call_id] = call
        behaviour = self.behaviour
        if behaviour == "silent":
            return
        if isinstance(behaviour, int):
            call.status = behaviour
            self.reply(request, behaviour, "Refused", source, tag)
            return
        self.reply(request, 180, "Ringing", source, tag, f"Contact: <{self.contact}>\r\n")
        if behaviour == "answer":
            self._spawn(self._answer(call, request, source, tag))

    async def _answer(self, call: PhoneCall, request: Message, source: object, tag: str) -> None:
        """200 until the ACK comes."""
        call.status = 200
        call.answered_at = time.monotonic()
        for wait in REPEATS:
            self.reply(request, 200, "OK", source, tag, f"Contact: <{self.contact}>\r\nContent-Type: application/sdp\r\n", SDP)
            deadline = time.monotonic() + wait
            while time.monotonic() < deadline:
                if call.acked or call.bye_at:
                    return
                await asyncio.sleep(0.05)

    def _spawn(self, coroutine) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
