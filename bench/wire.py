"""The few SIP messages a load needs, as bytes.

Deliberately not Trunkline's own `sip` package: a judge that shares a parser with the accused shares its mistakes.
"""

from typing import NamedTuple

from bench.ports import Address

FIRST_NUMBER = 12127300000
"Numbers dialled count up from here, no call repeats one: a valid North American number, and 99,999 after it are."

SDP = b"v=0\r\no=bench 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"


class Message(NamedTuple):
    """A message taken apart no further than needed."""

    start: bytes
    "Request line or status line."
    fields: dict[bytes, list[bytes]]
    "Values by header name in lower case, in order."

    @property
    def status(self) -> int:
        """The status code; 0 for a request."""
        return int(self.start[8:11]) if self.start.startswith(b"SIP/2.0 ") else 0

    @property
    def method(self) -> bytes:
        """The method, for a response that of the request it answers."""
        return self.fields[b"cseq"][0].split()[1]

    @property
    def dialled(self) -> int:
        """The call's place in the order of dialling, from the end of the number: a peer may rewrite the rest."""
        user = self.start.split(b" ", 2)[1].partition(b"@")[0]
        return (int(user[-7:]) - FIRST_NUMBER) % 10_000_000


def read(data: bytes) -> Message:
    """Take a datagram apart. A ValueError says it is not SIP as any peer here sends it."""
    start, *lines = data.partition(b"\r\n\r\n")[0].split(b"\r\n")
    fields: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ValueError(f"no header: {line!r}")
        fields.setdefault(name.strip().lower(), []).append(value.strip())
    return Message(start, fields)


def write(start: bytes, fields: list[tuple[bytes, bytes]], body: bytes = b"") -> bytes:
    """Put a message together; the headers on the body are added."""
    lines = [start, *(name + b": " + value for name, value in fields)]
    if body:
        lines.append(b"Content-Type: application/sdp")
    lines += [b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(lines)


def answer(request: Message, status: bytes, at: Address, tag: bytes, body: bytes = b"") -> bytes:
    """Build a response (RFC 3261 8.2.6) with Contact and the route set."""
    fields = [(b"Via", value) for value in request.fields[b"via"]]
    fields += [(b"Record-Route", value) for value in request.fields.get(b"record-route", [])]
    to = request.fields[b"to"][0]
    fields += [
        (b"From", request.fields[b"from"][0]),
        (b"To", to if b";tag=" in to else to + b";tag=" + tag),
        (b"Call-ID", request.fields[b"call-id"][0]),
        (b"CSeq", request.fields[b"cseq"][0]),
        (b"Contact", b"<sip:%s>" % str(at).encode()),
    ]
    return write(b"SIP/2.0 " + status, fields, body)


class Dialog(NamedTuple):
    """What a dialer needs for a request of its own."""

    call_id: bytes
    number: int
    target: bytes
    "Remote target: the request URI inside the dialog."
    to: bytes
    "The far end, with its tag once there is a dialog."
    route: tuple[bytes, ...]

    def request(self, method: bytes, sequence: int, at: Address, body: bytes = b"") -> bytes:
        """Build a request. An ACK to a 2xx has a branch of its own (RFC 3261 13.2.2.4)."""
        here = str(at).encode()
        fields = [(b"Via", b"SIP/2.0/UDP %s;branch=z9hG4bK%d%s%s" % (here, self.number, method, self.call_id[:8]))]
        fields += [(b"Route", value) for value in self.route]
        fields += [
            (b"From", b"<sip:+12127299999@%s>;tag=d%d" % (here, self.number)),
            (b"To", self.to),
            (b"Call-ID", self.call_id),
            (b"CSeq", b"%d %s" % (sequence, method)),
            (b"Contact", b"<sip:bench@%s>" % here),
            (b"Max-Forwards", b"70"),
        ]
        return write(method + b" " + self.target + b" SIP/2.0", fields, body)

    def confirmed(self, response: Message) -> "Dialog":
        """Give the dialog that a 2xx makes (RFC 3261 12.1.2)."""
        contact = response.fields[b"contact"][0]
        target = contact.partition(b"<")[2].partition(b">")[0] if b"<" in contact else contact.partition(b";")[0]
        recorded = b",".join(response.fields.get(b"record-route", [])).split(b",")
        route = tuple(hop.strip() for hop in reversed(recorded) if hop.strip())
        return self._replace(target=target, to=response.fields[b"to"][0], route=route)


def first_dialog(call_id: bytes, number: int, access: Address) -> Dialog:
    """Give the dialog to be, from which the INVITE is built."""
    uri = b"sip:+%d@%s" % (FIRST_NUMBER + number, str(access).encode())
    return Dialog(call_id, number, uri, b"<" + uri + b">", ())
