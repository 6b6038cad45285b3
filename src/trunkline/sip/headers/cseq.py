"""CSeq: which request of a dialog this is (RFC 3261 section 20.16)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import TOKEN, parse_number

_CSEQ = re.compile(rf"[ \t]*+([0-9]{{1,20}})[ \t]++({TOKEN})[ \t]*+\Z")


class CSeq(Struct, frozen=True, gc=False):
    """Sequence number and method."""

    number: int
    "Below 2**31 (section 8.1.1.5)."
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


def parse_cseq(text: str) -> CSeq | Fault:
    found = _CSEQ.match(text)
    number = parse_number(found[1]) if found else None
    return Fault("Bad CSeq", "CSeq") if found is None or number is None else CSeq(number, found[2])
