"""RAck and RSeq: acknowledging provisional responses (RFC 3262 section 7)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import TOKEN, parse_number

_RACK = re.compile(rf"[ \t]*+([0-9]{{1,20}})[ \t]++([0-9]{{1,20}})[ \t]++({TOKEN})[ \t]*+\Z")


class RAck(Struct, frozen=True, gc=False):
    """Which provisional response a PRACK acknowledges."""

    response: int
    "RSeq of the response, below 2**32."
    cseq: int
    "CSeq number of the request, below 2**31."
    method: str

    def __str__(self) -> str:
        return f"{self.response} {self.cseq} {self.method}"


def parse_rack(text: str) -> RAck | Fault:
    found = _RACK.match(text)
    if found is not None:
        response, cseq = parse_number(found[1], 2**32 - 1), parse_number(found[2])
        if response is not None and cseq is not None:
            return RAck(response, cseq, found[3])
    return Fault("Bad RAck", "RAck")


def parse_rseq(text: str) -> int | Fault:
    """Number of a reliable provisional response, 1 to 2**32 - 1."""
    number = parse_number(text, 2**32 - 1)
    return number if number else Fault("Bad RSeq", "RSeq")
