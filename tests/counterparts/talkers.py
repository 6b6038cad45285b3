"""Far ends that speak and hear: SIP by hand on one UDP socket, RTP on another (`tests.media.far_ends.Phone`)."""

import os
import re
import socket
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.counterparts.phones import loopback
from tests.counterparts.serving import ServedNode
from tests.media.far_ends import Phone
from tests.media.in_time import before_others

WAIT_S = 15.0
"Longest wait for a message that must come."


class Heard:
    """One SIP message, as it came."""

    def __init__(self, data: bytes, source: tuple[str, int]) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        self.lines = head.decode().split("\r\n")
        self.start = self.lines[0]
        self.source = source

    def get(self, name: str) -> str:
        return next((line.partition(":")[2].strip() for line in self.lines[1:] if line.lower().startswith(name.lower() + ":")), "")

    def every(self, name: str) -> list[str]:
        return [line for line in self.lines[1:] if line.lower().startswith(name.lower() + ":")]

    @property
    def what(self) -> str:
        """The method, or the status."""
        return self.start.split(" ")[1] if self.start.startswith("SIP/2.0") else self.start.split(" ")[0]


class Talker:
    """A dialer or carrier at `host`:5060 with a voice."""

    def __init__(self, host: str, payloads: str = "0 101", event: int = 101) -> None:
        self.host = host
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind((host, 5060))
        self.sip.settimeout(WAIT_S)
        self.audio = Phone(host, payloads, event)
        self.tag = os.urandom(4).hex()
        self.invite: Heard | None = None
        "The latest INVITE of the other side."
        self.dialog: dict[str, str] = {}
        self.to: tuple[str, int] = ("", 0)
        self.cseq = 0
        self._before: set[bytes] = set()

    def close(self) -> None:
        self.sip.close()
        self.audio.close()

    def __enter__(self) -> "Talker":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # Requests of ours.

    def call(self, number: str, to: str, sdp: bytes | None = None) -> None:
        self.to = (to, 5060)
        self.dialog = {"uri": f"sip:{number}@{to}", "from": f"<sip:5550100@{self.host}>;tag={self.tag}", "to": f"<sip:{number}@{to}>", "id": os.urandom(6).hex()}
        self.ask("INVITE", self.audio.sdp() if sdp is None else sdp)

    def ask(self, method: str, body: bytes = b"", kind: str = "application/sdp") -> None:
        if method not in ("ACK", "CANCEL"):
            self.cseq += 1
        d = self.dialog
        content = f"Content-Type: {kind}\r\n" if body else ""
        self.sip.sendto(
            f"{method} {d['uri']} SIP/2.0\r\nVia: SIP/2.0/UDP {self.host}:5060;branch=z9hG4bK{self.tag}{self.cseq}{method if method == 'ACK' else ''}\r\n"
            f"From: {d['from']}\r\nTo: {d['to']}\r\nCall-ID: {d['id']}\r\nCSeq: {self.cseq} {method}\r\nContact: <sip:x@{self.host}:5060>\r\n"
            f"Max-Forwards: 70\r\n{content}Content-Length: {len(body)}\r\n\r\n".encode() + body, self.to,
        )  # fmt: skip

    # What comes in.

    def hear(self) -> Heard:
        """The next message; a request or a final response that came before is passed over: who waits for an answer repeats itself, sooner than a busy machine lets us give it."""
        while True:
            data, source = self.sip.recvfrom(65535)
            if data not in self._before or data.startswith(b"SIP/2.0 1"):
                self._before.add(data)
                return Heard(data, source)

    def expect(self, what: str) -> Heard:
        """The next message of that kind; 100 and repeats before it are passed over."""
        while True:
            heard = self.hear()
            if heard.what == what:
                if what.startswith("2") and "INVITE" in heard.get("CSeq"):
                    self.dialog["to"] = heard.get("To")
                    self.dialog["uri"] = re.sub(r".*<([^>]*)>.*", r"\1", heard.get("Contact"))
                    self.to = _address(self.dialog["uri"])
                    self.ask("ACK")
                if what == "INVITE":
                    self.invite = heard
                return heard
            assert heard.what in ("100", "180", "183", "ACK", "200"), f"{heard.start} while waiting for {what}"

    def reply(self, status: str, sdp: bytes = b"", to: Heard | None = None) -> None:
        request = to or self.invite
        assert request is not None
        recipient = request.get("To")
        if "tag=" not in recipient and not status.startswith("100"):
            recipient += f";tag={self.tag}"
        self.dialog = self.dialog or {"uri": re.sub(r".*<([^>]*)>.*", r"\1", request.get("Contact")), "from": recipient, "to": request.get("From"), "id": request.get("Call-ID")}
        self.to = request.source
        content = "Content-Type: application/sdp\r\n" if sdp else ""
        vias = "".join(f"{line}\r\n" for line in request.every("Via"))
        self.sip.sendto(
            f"SIP/2.0 {status}\r\n{vias}From: {request.get('From')}\r\nTo: {recipient}\r\nCall-ID: {request.get('Call-ID')}\r\nCSeq: {request.get('CSeq')}\r\n"
            f"Contact: <sip:x@{self.host}:5060>\r\n{content}Content-Length: {len(sdp)}\r\n\r\n".encode() + sdp, request.source,
        )  # fmt: skip

    def serve(self, what: str) -> Heard:
        """Expect a request and answer it with 200."""
        heard = self.expect(what)
        self.reply("200 OK", to=heard)
        return heard


class TalkingStage:
    """A served node with a dialer and two carriers that have voices."""

    def __init__(self, folder: Path, policy: str, media: str, second: tuple[str, int] = ("0 101", 101), **values: str) -> None:
        """`policy` is a template with the hosts as `{dialer}`, `{first}` and `{second}`; `media` is a part of trunkline.toml."""
        self.at = loopback()
        self.dialer, self.first, self.second = Talker(loopback()), Talker(loopback()), Talker(loopback(), *second)
        self.node = ServedNode(
            folder, policy.format(dialer=self.dialer.host, first=self.first.host, second=self.second.host, **values),
            [("trunks", "udp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080")], media,
        )  # fmt: skip

    async def __aenter__(self) -> Self:
        with ExitStack() as stack:
            for talker in (self.dialer, self.first, self.second):
                stack.callback(talker.close)
            stack.enter_context(before_others())
            await self.node.start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        self._stack.close()
        await self.node.__aexit__(kind, error, trace)


def _address(uri: str) -> tuple[str, int]:
    host, _, port = re.sub(r"^sips?:(?:[^@]*@)?([^;?]*).*", r"\1", uri).rpartition(":")
    return host, int(port)
