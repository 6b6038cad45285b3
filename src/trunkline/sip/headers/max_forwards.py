"""Max-Forwards: hops left (RFC 3261 section 20.22)."""

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import parse_number


def parse_max_forwards(text: str) -> int | Fault:
    """0 to 255; leading zeros are allowed."""
    hops = parse_number(text, 255)
    return Fault("Bad Max-Forwards", "Max-Forwards") if hops is None else hops
