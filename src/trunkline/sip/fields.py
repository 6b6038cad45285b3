"""Header field names, and the fast readers for the few headers that every message is judged by.

Each reader has a short path for the form that practically all traffic has, and falls back to the full grammar in `sip/headers/`.
"""

import re
from typing import Final

from trunkline.sip.fault import Fault
from trunkline.sip.headers.cseq import parse_cseq
from trunkline.sip.headers.name_addr import parse_name_addr
from trunkline.sip.headers.via import parse_vias

NAME_LIMIT = 256
"Characters in a header field name."

_NAMES = ["Accept", "Accept-Encoding", "Accept-Language", "Alert-Info", "Allow", "Allow-Events", "Authentication-Info", "Authorization", "Call-ID", "Call-Info", "Contact", "Content-Disposition", "Content-Encoding", "Content-Language", "Content-Length", "Content-Type", "CSeq", "Date", "Diversion", "Error-Info", "Event", "Expires", "From", "History-Info", "Identity", "In-Reply-To", "Info-Package", "Max-Forwards", "Min-Expires", "Min-SE", "MIME-Version", "Organization", "P-Asserted-Identity", "P-Early-Media", "P-Preferred-Identity", "Path", "Priority", "Privacy", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Require", "RAck", "Reason", "Record-Route", "Recv-Info", "Refer-To", "Refer-Sub", "Referred-By", "Remote-Party-ID", "Replaces", "Reply-To", "Require", "Retry-After", "Route", "RSeq", "Server", "Service-Route", "Session-Expires", "Session-ID", "Subject", "Subscription-State", "Supported", "Target-Dialog", "Timestamp", "To", "Unsupported", "User-Agent", "Via", "Warning", "WWW-Authenticate"]

_COMPACT = {
    "a": "Accept-Contact", "b": "Referred-By", "c": "Content-Type", "d": "Request-Disposition", "e": "Content-Encoding", "f": "From",
    "i": "Call-ID", "j": "Reject-Contact", "k": "Supported", "l": "Content-Length", "m": "Contact", "o": "Event", "r": "Refer-To",
    "s": "Subject", "t": "To", "u": "Allow-Events", "v": "Via", "x": "Session-Expires", "y": "Identity",
}  # fmt: skip
"Compact forms: the IANA registry of SIP header fields."

_FOLDED_CASE: Final = {name.lower(): name for name in _NAMES} | _COMPACT

CANONICAL = {name: name for name in _NAMES} | _COMPACT | {name.upper(): name for name in _COMPACT.values()}
"Spelling on the wire -> canonical name, for the spellings that are common enough to skip folding case."

SINGLE = frozenset(("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type", "RAck", "RSeq", "Session-Expires", "Min-SE", "Replaces", "Refer-To"))  # fmt: skip
"Headers that may stand once in a message."

REMEMBERED: Final = 4096
"Values of CSeq, addresses, and what stands around branches, whose reading is remembered."

_CSEQS: Final[dict[str, tuple[int, str]]] = {}
_SENT_BY: Final[dict[str, str]] = {}
_ADDRESSES: Final[set[str]] = set()

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+\Z")
_VIA: Final = re.compile(r"SIP/2\.0/[A-Z]+ ([A-Za-z0-9.-]+(?::\d{1,5})?|\[[0-9A-Fa-f:.]+\](?::\d{1,5})?)((?:;[A-Za-z0-9-]+(?:=[^;,\s\"<>]*)?)*)\Z")
_NAME_ADDR: Final = re.compile(r"(?:\"[^\"\\]*\"[ ]?|[A-Za-z0-9.!%*_+`'~ -]*)<[a-z]+:[^<>\s\"]+>\Z")


def canonical(name: str) -> str:
    """Canonical spelling of a header field name; empty when it is no token."""
    stripped = name.rstrip(" \t")
    known = _FOLDED_CASE.get(stripped.lower())
    if known is not None:
        return known
    return stripped if _TOKEN.match(stripped) else ""


def via_of(value: str) -> tuple[str, str] | Fault:
    """Sent-by and branch of the top Via (RFC 3261 section 20.42); the branch may be empty.

    What stands before and behind the branch is the same in every message of a peer, so that is read once.
    """
    at = value.find(";branch=") + 8
    if at > 7:
        end = value.find(";", at)
        branch = value[at:] if end < 0 else value[at:end]
        if _plain(branch):
            around = value[:at] if end < 0 else value[:at] + value[end:]
            sent_by = _SENT_BY.get(around)
            if sent_by is not None:
                return sent_by, branch
            found = _VIA.match(around)
            if found is not None:
                if len(_SENT_BY) >= REMEMBERED:
                    _SENT_BY.clear()
                sent_by = _SENT_BY[around] = str(found[1])
                return sent_by, branch
    vias = parse_vias(value)
    if isinstance(vias, Fault):
        return vias
    top = vias[0]
    return top.sent_by, top.branch or ""


def tag_of(value: str, header: str) -> str | Fault:
    """Tag of a From or To value (RFC 3261 section 19.3); empty when there is none.

    The address itself is the same in every message of a call, so whether it can be taken for one is remembered.
    """
    end = value.rfind(">") + 1
    tag = ""
    if end == len(value) or (value.startswith(";tag=", end) and _plain(tag := value[end + 5 :])):
        address = value[:end]
        if address in _ADDRESSES:
            return tag
        if _NAME_ADDR.match(address) is not None:
            if len(_ADDRESSES) >= REMEMBERED:
                _ADDRESSES.clear()
            _ADDRESSES.add(address)
            return tag
    parsed = parse_name_addr(value)
    if isinstance(parsed, Fault):
        return Fault(parsed.reason, header)
    return parsed.tag or ""


def _plain(token: str) -> bool:
    """Letters and digits, perhaps with the marks that tags and branches are made with; other tokens take the long way."""
    return token.isalnum() or token.replace("-", "").replace(".", "").isalnum()


def cseq_of(value: str) -> tuple[int, str] | Fault:
    """Number and method of CSeq (RFC 3261 section 20.16)."""
    known = _CSEQS.get(value)
    if known is not None:
        return known
    cseq = _read_cseq(value)
    if not isinstance(cseq, Fault):
        if len(_CSEQS) >= REMEMBERED:
            _CSEQS.clear()
        _CSEQS[value] = cseq
    return cseq


def _read_cseq(value: str) -> tuple[int, str] | Fault:
    number, _, method = value.partition(" ")
    if number.isdecimal() and number.isascii() and len(number) < 10 and method.isalpha():
        return int(number), method
    cseq = parse_cseq(value)
    return cseq if isinstance(cseq, Fault) else (cseq.number, cseq.method)
