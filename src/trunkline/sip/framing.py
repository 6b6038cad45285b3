"""Cutting a byte stream into SIP messages (RFC 3261 section 18.3, RFC 5626 section 3.5.1 for keep-alives)."""

from trunkline.sip.fault import Fault
from trunkline.sip.message import MESSAGE_LIMIT

HEADER_LIMIT = 32_768
"Bytes a header section may take before the stream is given up."

PING, PONG = b"\r\n\r\n", b"\r\n"


class Framer:
    """One connection's received bytes."""

    __slots__ = ("_buffer", "pings")

    def __init__(self) -> None:
        self._buffer = b""
        self.pings = 0
        "Double CRLFs since they were last answered."

    def feed(self, data: bytes) -> list[bytes] | Fault:
        """Messages completed by these bytes; a Fault means that the stream has lost its frame and must be closed."""
        buffer = self._buffer + data if self._buffer else data
        messages: list[bytes] = []
        while buffer:
            if buffer[:2] == b"\r\n":
                if buffer[:4] == PING:
                    self.pings += 1
                    buffer = buffer[4:]
                    continue
                if len(buffer) < 4:
                    break  # perhaps half a ping
                buffer = buffer[2:]
                continue
            end = buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(buffer) > HEADER_LIMIT:
                    return Fault("Header Section Too Large", status=513)
                break
            length = _content_length(buffer[: end + 2])
            if isinstance(length, Fault):
                return length
            total = end + 4 + length
            if total > MESSAGE_LIMIT:
                return Fault("Message Too Large", status=513)
            if len(buffer) < total:
                break
            messages.append(buffer[:total])
            buffer = buffer[total:]
        self._buffer = b"" if buffer == b"\r\n" else buffer
        return messages


def _content_length(head: bytes) -> int | Fault:
    """Content-Length of a header section; over a stream it is mandatory (section 20.14)."""
    found = -1
    for line in head.split(b"\r\n"):
        name, colon, value = line.partition(b":")
        if colon and name.strip().lower() in (b"content-length", b"l"):
            text = value.strip()
            if not text.isdigit() or len(text) > 7 or found >= 0:
                return Fault("Bad Content-Length", "Content-Length")
            found = int(text)
    return found if found >= 0 else Fault("Missing Content-Length", "Content-Length")
