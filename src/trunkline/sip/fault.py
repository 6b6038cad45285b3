"""What is wrong with something the far end sent.

A fault is a value, not an exception: a malformed header is an everyday event on a public socket, and whoever reads a header must
say what to do about one that cannot be read. `mypy --strict` keeps readers honest, since a parser returns `Header | Fault`.
"""


class Fault:
    """A message, or a part of one, that the grammar or a limit refuses."""

    __slots__ = ("header", "reason", "status")

    def __init__(self, reason: str, header: str = "", status: int = 400) -> None:
        self.reason = reason
        "What is wrong, in words fit for a reason phrase: no line break, no byte of the offending text."
        self.header = header
        "Canonical name of the header at fault; empty for the start line and the message as a whole."
        self.status = status
        "SIP status to answer a request with (RFC 3261 section 21)."

    def __repr__(self) -> str:
        return f"<Fault {self.status} {self.reason}>"
