"""An actor of a flow: one far end with just enough SIP to say its lines correctly."""

import re

from trunkline.sip.build import phrase_of
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request, Response

SDP = "v=0\r\no=- {id} {version} IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"


class Actor:
    """One call of one far end; `name/2` is a second call of the same one."""

    def __init__(self, name: str, flow: Flow, number: int) -> None:
        self.name = name
        self.flow = flow
        "Its own address, behind the node's door it talks to."
        self.host = f"{flow.address[0]}:{flow.address[1]}"
        self.call_id = f"{name}-call"
        self.tag = f"{name}-tag"
        self.remote = ""
        "To (or From) of the node, tag included."
        self.local = f"<sip:{name.partition('/')[0]}@{flow.address[0]}>"
        self.target = ""
        self.cseq = 0
        self.number = number
        self.version = 0
        self.requests: dict[str, Request] = {}
        "Last request heard, by method."
        self.responses: dict[str, Response] = {}
        self.sent: dict[str, bytes] = {}
        "Last request said, by method."
        self.last = b""
        self.rack = ""
        self.invite_uri = ""

    # Hearing.

    def hear(self, message: Request | Response) -> None:
        if isinstance(message, Request):
            self.requests[message.method] = message
            if message.method == "INVITE" and not message.to_tag:
                self.call_id = message.call_id
                self.local, self.remote = message.first("To"), message.first("From")
            if "Contact" in message.fields:
                self.target = message.first("Contact").strip("<>")
            return
        self.responses[message.cseq_method] = message
        if message.cseq_method == "INVITE" and message.to_tag:
            self.remote = message.first("To")
            if "Contact" in message.fields:
                self.target = message.first("Contact").strip("<>")
            if "RSeq" in message.fields:
                self.rack = f"{message.first('RSeq')} {message.cseq} INVITE"

    # Saying.

    def say(self, what: str, details: list[str], node: str) -> bytes:
        """The bytes of a line: a request, a response to the last request of a kind, or `again`."""
        if what == "again":
            return self.last
        word, _, rest = what.partition(" ")
        self.last = self._response(int(word), rest, details) if word.isdecimal() else self._request(word, rest.strip(), details, node)
        return self.last

    def sdp(self, details: list[str]) -> bytes:
        self.version += 1
        text = SDP.format(id=self.number, version=self.version, host=self.flow.address[0])
        for line in (detail.partition(":")[2].strip() for detail in details if detail.startswith("sdp:")):
            text = re.sub(r"m=audio.*\r\n", line + "\r\n", text) if line.startswith("m=") else f"{text}{line}\r\n"
        return text.encode()

    def _response(self, status: int, rest: str, details: list[str]) -> bytes:
        named = re.search(r"\((\w+)\)", rest)
        method = named[1] if named else "INVITE"
        request = self.requests[method]
        body = b""
        if "no sdp" not in rest and ("sdp" in rest or (status == 200 and method == "INVITE") or (status == 200 and method == "UPDATE" and request.body)):
            body = self.sdp(details)
        tag = next((detail.partition(":")[2].strip() for detail in details if detail.startswith("tag:")), self.tag)
        to = request.first("To") if request.to_tag else f"{request.first('To')};tag={tag}"
        lines = [f"SIP/2.0 {status} {phrase_of(status)}", f"Via: {request.first('Via')}", f"From: {request.first('From')}", f"To: {to}"]
        lines += [f"Call-ID: {request.call_id}", f"CSeq: {request.cseq} {request.method}", f"Contact: <sip:{self.host}>"]
        if not request.to_tag and method == "INVITE":
            self.local = to
        return self._finish(lines, details, body)

    def _request(self, method: str, rest: str, details: list[str], node: str) -> bytes:
        body = b""
        renewed = method == "re-INVITE"
        method = "INVITE" if renewed else method
        opening = method in ("INVITE", "REGISTER", "OPTIONS") and not renewed
        retry = opening and "retry" in rest
        user = rest.split(" ")[0] if rest else ""
        if opening:
            self.cseq += 1
            uri = f"sip:{user}@{node}" if user and not user.startswith("sip:") else user or f"sip:{node}"
            if not retry or method != "INVITE":
                self.remote = f"<{uri}>" if method != "REGISTER" else self.local
                self.invite_uri = uri
            elif retry:
                uri, self.remote = self.invite_uri, f"<{self.invite_uri}>"
        elif method in ("CANCEL", "ACK"):
            uri = self.target or self.invite_uri
            if method == "CANCEL":
                uri = self.invite_uri
        else:
            self.cseq += 1
            uri = self.target
        if method == "INVITE" and "no sdp" not in rest:
            body = self.sdp(details)
        if (method == "UPDATE" or method == "ACK") and "sdp" in rest:
            body = self.sdp(details)
        cseq = self.cseq
        via = f"SIP/2.0/UDP {self.host};branch=z9hG4bK-{self.name.replace('/', '-')}-{cseq}-{method}-{len(self.sent)}"
        to = self.remote
        if method == "CANCEL":
            invite = self.sent["INVITE"].decode()
            via = re.search(r"\r\nVia: ([^\r]*)", invite)[1]  # type: ignore[index]
            to = re.search(r"\r\nTo: ([^\r]*)", invite)[1]  # type: ignore[index]
        refused = self.responses.get("INVITE")
        if method == "ACK" and refused is not None and refused.status >= 300:
            via = re.search(r"\r\nVia: ([^\r]*)", self.sent["INVITE"].decode())[1]  # type: ignore[index]
            uri, to = self.invite_uri or uri, refused.first("To")
        sender = self.local if ";tag=" in self.local else f"{self.local};tag={self.tag}"
        lines = [f"{method} {uri} SIP/2.0", f"Via: {via}", "Max-Forwards: 70", f"From: {sender}", f"To: {to}", f"Call-ID: {self.call_id}"]
        lines += [f"CSeq: {cseq} {method}"]
        if method in ("INVITE", "UPDATE", "REGISTER", "REFER"):
            lines.append(f"Contact: <sip:{self.host}>")
        if method == "PRACK":
            lines.append(f"RAck: {self.rack}")
        data = self._finish(lines, details, body)
        self.sent[method] = data
        return data

    def _finish(self, lines: list[str], details: list[str], body: bytes) -> bytes:
        for detail in details:
            name, _, value = detail.partition(": ")
            if name in ("sdp", "tag"):
                continue
            if detail.startswith("text:"):
                body = detail.partition(":")[2].strip().encode()
                continue
            lines = [line for line in lines if not line.startswith(f"{name}: ") or name == "Via"]
            lines.append(f"{name}: {value}")
        if body and not any(line.startswith("Content-Type") for line in lines):
            lines.append("Content-Type: application/sdp")
        if not any(line.startswith("Content-Length") for line in lines):
            lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
