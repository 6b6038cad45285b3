"""Messages we send, as bytes.

A B2BUA writes more messages than it reads, so they are put together from strings that are kept with the transaction or the dialog, in
one pass. `extra` is whole header lines, each ending in CRLF; nothing that comes from outside goes in without having been parsed.
"""

from typing import Final

from trunkline.sip.message import Request

PHRASES: Final[dict[int, str]] = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 199: "Early Dialog Terminated",
    200: "OK", 202: "Accepted", 300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout", 410: "Gone",
    413: "Request Entity Too Large", 414: "Request-URI Too Long", 415: "Unsupported Media Type", 416: "Unsupported URI Scheme",
    420: "Bad Extension", 421: "Extension Required", 422: "Session Interval Too Small", 423: "Interval Too Brief",
    428: "Use Identity Header", 433: "Anonymity Disallowed", 436: "Bad Identity Info", 437: "Unsupported Credential",
    438: "Invalid Identity Header", 469: "Bad Info Package", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here", 487: "Request Terminated",
    488: "Not Acceptable Here", 489: "Bad Event", 491: "Request Pending", 493: "Undecipherable", 494: "Security Agreement Required",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out",
    505: "Version Not Supported", 513: "Message Too Large", 580: "Precondition Failure", 600: "Busy Everywhere", 603: "Decline",
    604: "Does Not Exist Anywhere", 606: "Not Acceptable", 607: "Unwanted", 608: "Rejected",
}  # fmt: skip
"Reason phrase by status: the IANA registry of SIP response codes."


def phrase_of(status: int) -> str:
    return PHRASES.get(status, "Unknown")


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


class Head:
    """What an ACK and a CANCEL repeat of their INVITE (RFC 3261 sections 9.1 and 17.1.1.3)."""

    __slots__ = ("call_id", "cseq", "recipient", "route", "sender", "uri", "via")

    def __init__(self, uri: str, via: str, sender: str, recipient: str, call_id: str, cseq: int, route: str) -> None:
        self.uri = uri
        self.via = via
        self.sender = sender
        self.recipient = recipient
        self.call_id = call_id
        self.cseq = cseq
        self.route = route
        "Route lines, each ending in CRLF."

    def ack(self, recipient: str) -> bytes:
        """ACK of a refusal; `recipient` is the refusal's To."""
        return self._repeat("ACK", recipient)

    def cancel(self) -> bytes:
        return self._repeat("CANCEL", self.recipient)

    def _repeat(self, method: str, recipient: str) -> bytes:
        return encode(
            f"{method} {self.uri} SIP/2.0\r\nVia: {self.via}\r\nMax-Forwards: 70\r\n{self.route}From: {self.sender}\r\nTo: {recipient}\r\n"
            f"Call-ID: {self.call_id}\r\nCSeq: {self.cseq} {method}\r\nContent-Length: 0\r\n\r\n"
        )


def request(method: str, head: Head, extra: str, body: bytes, max_forwards: int = 70) -> bytes:
    """A request as bytes."""
    return (
        encode(
            f"{method} {head.uri} SIP/2.0\r\nVia: {head.via}\r\nMax-Forwards: {max_forwards}\r\n{head.route}From: {head.sender}\r\n"
            f"To: {head.recipient}\r\nCall-ID: {head.call_id}\r\nCSeq: {head.cseq} {method}\r\n{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        + body
    )


class ReplyHead:
    """What every response repeats of its request (RFC 3261 section 8.2.6.2)."""

    __slots__ = ("cseq", "recipient", "record_route", "rest", "tagged", "vias")

    def __init__(self, request: Request) -> None:
        fields = request.fields
        vias = fields.get("Via")
        routes = fields.get("Record-Route")
        self.cseq = f"{request.cseq} {request.cseq_method}"
        self.vias = _lines("Via", vias) if vias is not None else ""
        self.recipient = request.first("To")
        self.rest = f"From: {request.first('From')}\r\nCall-ID: {request.call_id}\r\nCSeq: {self.cseq}\r\n"
        "From, Call-ID and CSeq lines."
        self.record_route = _lines("Record-Route", routes) if routes is not None else ""
        "Echoed where a response can make a dialog (section 12.1.1)."
        self.tagged = request.to_tag != ""

    def response(self, status: int, phrase: str, to_tag: str, extra: str, body: bytes) -> bytes:
        """A response as bytes; `to_tag` is added unless the request had one or this is a 100."""
        recipient = self.recipient if self.tagged or not to_tag or status == 100 else f"{self.recipient};tag={to_tag}"
        routes = self.record_route if 100 < status < 300 else ""
        head = encode(
            f"SIP/2.0 {status} {phrase}\r\n{self.vias}{routes}To: {recipient}\r\n{self.rest}{extra}Content-Length: {len(body)}\r\n\r\n"
        )
        return head + body if body else head


def _lines(name: str, values: list[str]) -> str:
    if len(values) == 1:
        return f"{name}: {values[0]}\r\n"
    return "".join([f"{name}: {value}\r\n" for value in values])
