"""SIP messages: bytes in, a typed value out (RFC 3261 sections 7 and 25).

On receipt only what every element must trust is parsed and checked: start line, top Via, From, To, Call-ID, CSeq, Max-Forwards,
Content-Length. The rest stays text until somebody reads it; `check(message)` reads everything. A message that can be answered but not
trusted carries its `fault`, so that a malformed request gets its 400 instead of silence.

Text is UTF-8 with surrogate escapes: bytes that are not UTF-8 survive a round trip.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from trunkline.sip.fault import Fault
from trunkline.sip.fields import CANONICAL, NAME_LIMIT, SINGLE, canonical, cseq_of, tag_of, via_of
from trunkline.sip.multipart import session_description

MESSAGE_LIMIT: Final = 65_535
"Bytes in one message; what a UDP datagram can carry."

FIELD_LIMIT: Final = 256
"Header fields in one message."

STATUSES: Final = {str(status): status for status in range(100, 700)}
SMALL: Final = {str(number): number for number in range(2000)}
"Lengths and hops as they are written; looking one up is cheaper than reading it."


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
    lines = text.split("\r\n")
    start = lines[0]
    message: Message
    fault: Fault | None = None
    if start.startswith("SIP/2.0 "):
        status = STATUSES.get(start[8:11])
        if status is None or start[11:12] not in ("", " "):
            return Fault("Bad Status Code")
        response = Response()
        response.status = status
        response.phrase = start[12:]
        message = response
    else:
        request = Request()
        end, last = start.find(" "), start.rfind(" ")
        if 0 < end < last - 1 and start.endswith(" SIP/2.0") and start.find(" ", end + 1) == last:
            request.method, request.uri = start[:end], start[end + 1 : last]
            if request.uri[0] == "<":
                fault = Fault("Request-URI In Angle Brackets")
        else:
            verdict = _odd_request_line(start)
            if verdict is None:
                return Fault("Bad Start Line")
            request.method, request.uri, fault = verdict
        message = request
    if len(lines) > FIELD_LIMIT:
        if _folded(text):
            lines = _unfold(text).split("\r\n")
        if len(lines) > FIELD_LIMIT:
            fault = fault or Fault("Too Many Header Fields", status=513)
            del lines[FIELD_LIMIT:]
    _fill(message, data, lines, body, fault)
    return message


def _fill(message: Message, data: bytes, lines: list[str], body: bytes, fault: Fault | None) -> None:
    """Everything behind the start line."""
    message.raw = data
    message.start = lines[0]
    message.fault = fault
    _read(message, body, _split(message, lines))


def _split(message: Message, lines: list[str]) -> bool:
    """Fill in the header fields; whether one is repeated that may stand once."""
    fields: dict[str, list[str]] = {}
    message.fields = fields
    known = CANONICAL
    repeated = False
    for at in range(1, len(lines)):
        line = lines[at]
        colon = line.find(":")
        key = known.get(line[:colon])
        if key is None:
            if line[:1] in (" ", "\t"):  # folding: begin again without it
                if at == 1:
                    message.fault = message.fault or Fault("Folded Start Line")
                return _split(message, _unfold("\r\n".join(lines)).split("\r\n"))
            key = canonical(line[:colon]) if 0 < colon <= NAME_LIMIT else ""
            if not key:
                message.fault = message.fault or Fault("Bad Header Field")
                continue
        value = line[colon + 1 :].strip()
        values = fields.get(key)
        if values is None:
            fields[key] = [value]
        else:
            values.append(value)
            repeated = repeated or key in SINGLE
    return repeated


def _read(message: Message, body: bytes, repeated: bool) -> None:
    """Fill in what is read from every message; the first thing wrong becomes its fault."""
    fields = message.fields
    fault = message.fault
    vias, senders, recipients = fields.get("Via"), fields.get("From"), fields.get("To")
    calls, counts = fields.get("Call-ID"), fields.get("CSeq")
    if vias is None or senders is None or recipients is None or calls is None or counts is None:
        name = next(name for name in ("Via", "From", "To", "Call-ID", "CSeq") if name not in fields)
        fault = fault or Fault(f"Missing {name}", name)
    message.call_id = calls[0] if calls is not None else ""
    top = via_of(vias[0] if vias is not None else "")
    if isinstance(top, Fault):
        fault = fault or top
        message.branch = message.sent_by = ""
    else:
        message.sent_by, message.branch = top
    tag = tag_of(senders[0] if senders is not None else "", "From")
    if isinstance(tag, Fault):
        fault = fault or tag
        tag = ""
    message.from_tag = tag
    tag = tag_of(recipients[0] if recipients is not None else "", "To")
    if isinstance(tag, Fault):
        fault = fault or tag
        tag = ""
    message.to_tag = tag
    count = cseq_of(counts[0] if counts is not None else "")
    if isinstance(count, Fault):
        fault = fault or count
        message.cseq, message.cseq_method = 0, ""
    else:
        message.cseq, message.cseq_method = count
    message.body = body
    lengths = fields.get("Content-Length")
    if lengths is not None:
        size = _number(lengths)
        if size < 0:
            fault = fault or Fault("Bad Content-Length", "Content-Length")
            message.body = b""
        elif size > len(body):
            fault = fault or Fault("Content-Length Exceeds Message", "Content-Length")
        elif size < len(body):
            message.body = body[:size]
    if isinstance(message, Request):
        hops = fields.get("Max-Forwards")
        left = 70 if hops is None else _number(hops)
        if not 0 <= left <= 255:
            left = 0
            fault = fault or Fault("Bad Max-Forwards", "Max-Forwards")
        message.max_forwards = left
        if message.method != message.cseq_method and fault is None:
            fault = Fault("CSeq Method Mismatch", "CSeq")
    if repeated and fault is None:
        name = next(name for name, values in fields.items() if len(values) > 1 and name in SINGLE)
        fault = Fault(f"Repeated {name}", name)
    message.fault = fault


def _number(values: list[str]) -> int:
    """The one decimal number a field holds; -1 where that is not what it holds."""
    if len(values) > 1:
        return -1
    value = values[0]
    small = SMALL.get(value)
    if small is not None:
        return small
    return int(value) if len(value) <= 9 and value.isdecimal() and value.isascii() else -1


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
    if not _folded(text):
        return text
    lines: list[str] = []
    for line in text.split("\r\n"):
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = f"{lines[-1].rstrip()} {line.strip()}"
        else:
            lines.append(line)
    return "\r\n".join(lines)


def _folded(text: str) -> bool:
    return "\r\n " in text or "\r\n\t" in text
