"""SIP messages: bytes in, a typed value out (RFC 3261 sections 7 and 25).

On receipt only what every element must trust is parsed and checked: start line, top Via, From, To, Call-ID, CSeq, Max-Forwards,
Content-Length. The rest stays text until somebody reads it; `check(message)` reads everything. A message that can be answered but not
trusted carries its `fault`, so that a malformed request gets its 400 instead of silence.

Text is UTF-8 with surrogate escapes: bytes that are not UTF-8 survive a round trip.
"""

from collections.abc import Iterator
from typing import TypeAlias

from trunkline.sip.fault import Fault
from trunkline.sip.fields import CANONICAL, NAME_LIMIT, SINGLE, canonical, cseq_of, tag_of, via_of
from trunkline.sip.multipart import session_description

MESSAGE_LIMIT = 65_535
"Bytes in one message; what a UDP datagram can carry."

FIELD_LIMIT = 256
"Header fields in one message."


class Message:
    """What requests and responses share."""

    __slots__ = (
        "body",
        "branch",
        "call_id",
        "cseq",
        "cseq_method",
        "fault",
        "fields",
        "from_tag",
        "raw",
        "sent_by",
        "start",
        "to_tag",
    )

    start: str
    "Start line as received."
    fields: dict[str, list[str]]
    "Canonical header name -> values, in order of first appearance."
    body: bytes
    raw: bytes
    branch: str
    "Branch of the top Via; empty when it has none."
    sent_by: str
    "Host and port of the top Via, as written."
    call_id: str
    cseq: int
    cseq_method: str
    from_tag: str
    to_tag: str
    fault: Fault | None
    "First thing found wrong; None when the message can be trusted so far."

    @property
    def sdp(self) -> bytes:
        """The session description: the body, or that part of a multipart one; empty where there is none."""
        if not self.body:
            return b""
        said = self.fields.get("Content-Type")
        if said is None:
            return b""
        return self.body if said[0] == "application/sdp" else session_description(said[0], self.body)

    def first(self, name: str, default: str = "") -> str:
        """First value of a header by its canonical name."""
        values = self.fields.get(name)
        return values[0] if values else default

    def every(self, name: str) -> str:
        """All values of a header joined by commas (RFC 3261 section 7.3.1)."""
        return ", ".join(self.fields.get(name, ()))

    def has_option(self, header: str, option: str) -> bool:
        """Whether an option tag stands in Supported, Require and the like."""
        values = self.fields.get(header)
        return values is not None and any(option == tag.strip().lower() for value in values for tag in value.split(","))

    def lines(self) -> Iterator[tuple[str, str]]:
        """Header fields in the order and spelling they arrived, folding undone."""
        head = self.raw.partition(b"\r\n\r\n")[0]
        for line in _unfold(head.decode("utf-8", "surrogateescape")).split("\r\n")[1:]:
            name, _, value = line.partition(":")
            yield name.strip(), value.strip()


class Request(Message):
    __slots__ = ("max_forwards", "method", "uri")

    method: str
    uri: str
    max_forwards: int
    "70 when the header is absent (RFC 2543 elements do not send it)."

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri}>"


class Response(Message):
    __slots__ = ("phrase", "status")

    status: int
    phrase: str

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.phrase} to {self.cseq_method}>"


Parsed: TypeAlias = Request | Response | Fault


def parse(data: bytes) -> Parsed:
    """Read one message.

    A `Fault` comes back only for what cannot even be answered: no start line, no header section. Everything else is a message, whose
    `fault` says what is wrong with it.
    """
    if len(data) > MESSAGE_LIMIT:
        return Fault("Message Too Large", status=513)
    head, blank, body = data.partition(b"\r\n\r\n")
    text = head.decode("utf-8", "surrogateescape")
    if not blank:
        if not text.endswith("\r\n"):
            return Fault("Header Section Not Terminated")
        text = text[:-2]
    if "\r\n " in text or "\r\n\t" in text:
        text = _unfold(text)
    lines = text.split("\r\n")
    start = lines[0]
    message: Request | Response
    fault: Fault | None = None
    if start.startswith("SIP/2.0 "):
        message = Response()
        _, _, rest = start.partition(" ")
        code, _, message.phrase = rest.partition(" ")
        if len(code) != 3 or not code.isdecimal() or not "100" <= code <= "699":
            return Fault("Bad Status Code")
        message.status = int(code)
    else:
        message = Request()
        parts = start.split(" ")
        if len(parts) == 3 and parts[2] == "SIP/2.0" and parts[1]:
            message.method, message.uri = parts[0], parts[1]
            if parts[1][0] == "<":
                fault = Fault("Request-URI In Angle Brackets")
        else:
            verdict = _odd_request_line(start)
            if verdict is None:
                return Fault("Bad Start Line")
            message.method, message.uri, fault = verdict
    message.raw = data
    message.start = start
    fields: dict[str, list[str]] = {}
    message.fields = fields
    known = CANONICAL
    if len(lines) > FIELD_LIMIT:
        fault = fault or Fault("Too Many Header Fields", status=513)
        del lines[FIELD_LIMIT:]
    del lines[0]
    repeated = False
    for line in lines:
        name, colon, value = line.partition(":")
        key = known.get(name)
        if key is None:
            key = canonical(name)
            if not colon or not key or len(name) > NAME_LIMIT:
                fault = fault or Fault("Bad Header Field")
                continue
        if key in fields:
            fields[key].append(value.strip())
            repeated = repeated or key in SINGLE
        else:
            fields[key] = [value.strip()]
    message.fault = fault
    _read(message, body, repeated)
    return message


def _read(message: Request | Response, body: bytes, repeated: bool) -> None:
    """Fill in what is read from every message; the first thing wrong becomes its fault."""
    fields = message.fields
    fault = message.fault
    try:
        via, sender, recipient = fields["Via"][0], fields["From"][0], fields["To"][0]
        message.call_id = fields["Call-ID"][0]
        cseq = fields["CSeq"][0]
    except KeyError as missing:
        name = missing.args[0]
        fault = fault or Fault(f"Missing {name}", name)
        via = fields.get("Via", ("",))[0]
        sender = fields.get("From", ("",))[0]
        recipient = fields.get("To", ("",))[0]
        message.call_id = fields.get("Call-ID", ("",))[0]
        cseq = fields.get("CSeq", ("",))[0]
    top = via_of(via)
    if isinstance(top, Fault):
        fault = fault or top
        message.branch = message.sent_by = ""
    else:
        message.sent_by, message.branch = top
    tag = tag_of(sender, "From")
    if isinstance(tag, Fault):
        fault = fault or tag
        tag = ""
    message.from_tag = tag
    tag = tag_of(recipient, "To")
    if isinstance(tag, Fault):
        fault = fault or tag
        tag = ""
    message.to_tag = tag
    count = cseq_of(cseq)
    if isinstance(count, Fault):
        fault = fault or count
        message.cseq, message.cseq_method = 0, ""
    else:
        message.cseq, message.cseq_method = count
    lengths = fields.get("Content-Length")
    if lengths is not None:
        length = lengths[0]
        if len(lengths) > 1 or not length.isdecimal() or not length.isascii() or len(length) > 9:
            fault = fault or Fault("Bad Content-Length", "Content-Length")
            message.body = b""
        elif (size := int(length)) > len(body):
            fault = fault or Fault("Content-Length Exceeds Message", "Content-Length")
            message.body = body
        else:
            message.body = body[:size]
    else:
        message.body = body
    if isinstance(message, Request):
        hops = fields.get("Max-Forwards")
        if hops is None:
            message.max_forwards = 70
        elif hops[0].isdecimal() and hops[0].isascii() and len(hops[0]) <= 9 and len(hops) == 1 and int(hops[0]) <= 255:
            message.max_forwards = int(hops[0])
        else:
            message.max_forwards = 0
            fault = fault or Fault("Bad Max-Forwards", "Max-Forwards")
        if message.method != message.cseq_method and fault is None:
            fault = Fault("CSeq Method Mismatch", "CSeq")
    if repeated and fault is None:
        name = next(name for name, values in fields.items() if len(values) > 1 and name in SINGLE)
        fault = Fault(f"Repeated {name}", name)
    message.fault = fault


def _odd_request_line(start: str) -> tuple[str, str, Fault | None] | None:
    """A request line that is not three words; enough of it to answer, or None."""
    words = start.split()
    if len(words) < 2 or not words[-1].upper().startswith("SIP/"):
        return None
    method, uri = words[0], " ".join(words[1:-1])
    if not uri:
        return None
    if words[-1].upper() != "SIP/2.0":
        return method, uri, Fault("Version Not Supported", status=505)
    if words[-1] == "SIP/2.0" or start == " ".join(words):
        return method, uri, Fault("Bad Request Line")
    return method, uri, Fault("Bad Request Line")


def _unfold(text: str) -> str:
    """Undo header folding (RFC 3261 section 7.3.1): a line that begins with white space continues the one before."""
    if "\r\n " not in text and "\r\n\t" not in text:
        return text
    lines: list[str] = []
    for line in text.split("\r\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = f"{lines[-1].rstrip()} {line.strip()}"
        else:
            lines.append(line)
    return "\r\n".join(lines)
