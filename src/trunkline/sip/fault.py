"""What is wrong with something the far end sent.

A fault is a value, not an exception: a malformed header is an everyday event on a public socket, and whoever reads a header must
say what to do about one that cannot be read. `mypy --strict` keeps readers honest, since a parser returns `Header | Fault`.
"""

from msgspec import Struct


class Fault(Struct, frozen=True, gc=False):
    """A message, or a part of one, that the grammar or a limit refuses."""

    reason: str
    "What is wrong, in words fit for a reason phrase: no line break, no byte of the offending text."
    header: str = ""
    "Canonical name of the header at fault; empty for the start line and the message as a whole."
    status: int = 400
    "SIP status to answer a request with (RFC 3261 section 21)."
