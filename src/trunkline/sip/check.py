"""Reading a message whole: every header we have a parser for, and the body. For tests, tools and fuzzing; calls read what they need."""

from collections.abc import Callable
from typing import Any

from trunkline.sip import headers
from trunkline.sip.fault import Fault
from trunkline.sip.message import Message
from trunkline.sip.sdp import parse_sdp

PARSERS: dict[str, Callable[[str], Any]] = {
    "Via": headers.parse_vias, "From": headers.parse_name_addr, "To": headers.parse_name_addr, "Contact": headers.parse_contacts,
    "Route": headers.parse_name_addrs, "Record-Route": headers.parse_name_addrs, "CSeq": headers.parse_cseq, "RAck": headers.parse_rack,
    "RSeq": headers.parse_rseq, "Reason": headers.parse_reasons, "Session-Expires": headers.parse_session_expires,
    "Min-SE": headers.parse_min_se, "Refer-To": headers.parse_name_addr, "Referred-By": headers.parse_name_addr,
    "Replaces": headers.parse_replaces, "P-Asserted-Identity": headers.parse_name_addrs, "Remote-Party-ID": headers.parse_name_addrs,
    "Diversion": headers.parse_name_addrs, "Privacy": headers.parse_privacy, "Identity": headers.parse_identity, "Date": headers.parse_date,
    "Retry-After": headers.parse_retry_after, "Max-Forwards": headers.parse_max_forwards, "WWW-Authenticate": headers.parse_challenge,
    "Proxy-Authenticate": headers.parse_challenge, "Authorization": headers.parse_credentials, "Proxy-Authorization": headers.parse_credentials,
    "Require": headers.parse_tokens, "Supported": headers.parse_tokens, "Allow": headers.parse_tokens,
}  # fmt: skip


def check(message: Message) -> Fault | None:
    """The first thing wrong anywhere in the message; None when all of it can be read."""
    if message.fault is not None:
        return message.fault
    for name, values in message.fields.items():
        parser = PARSERS.get(name)
        if parser is None:
            continue
        for value in values:
            read = parser(value)
            if isinstance(read, Fault):
                return read
    if message.body and message.first("Content-Type").lower().startswith("application/sdp"):
        body = parse_sdp(message.body)
        if isinstance(body, Fault):
            return body
    return None
