"""Header values: one file per header, `parse_x(text) -> X | Fault` reads and `str(x)` writes."""

from trunkline.sip.headers.auth import Challenge, Credentials, parse_challenge, parse_credentials
from trunkline.sip.headers.cseq import CSeq, parse_cseq
from trunkline.sip.headers.date import parse_date, render_date
from trunkline.sip.headers.identity import Identity, parse_identity
from trunkline.sip.headers.max_forwards import parse_max_forwards
from trunkline.sip.headers.name_addr import NameAddr, parse_contacts, parse_name_addr, parse_name_addrs
from trunkline.sip.headers.p_early_media import PEarlyMedia, parse_p_early_media
from trunkline.sip.headers.privacy import Privacy, parse_privacy
from trunkline.sip.headers.rack import RAck, parse_rack, parse_rseq
from trunkline.sip.headers.reason import Reason, parse_reasons
from trunkline.sip.headers.replaces import Replaces, parse_replaces, replaces_in
from trunkline.sip.headers.retry_after import RetryAfter, parse_retry_after
from trunkline.sip.headers.session_expires import MinSE, SessionExpires, parse_min_se, parse_session_expires
from trunkline.sip.headers.tokens import parse_tokens
from trunkline.sip.headers.via import Via, parse_via, parse_vias

__all__ = [
    "CSeq",
    "Challenge",
    "Credentials",
    "Identity",
    "MinSE",
    "NameAddr",
    "PEarlyMedia",
    "Privacy",
    "RAck",
    "Reason",
    "Replaces",
    "RetryAfter",
    "SessionExpires",
    "Via",
    "parse_challenge",
    "parse_contacts",
    "parse_credentials",
    "parse_cseq",
    "parse_date",
    "parse_identity",
    "parse_max_forwards",
    "parse_min_se",
    "parse_name_addr",
    "parse_name_addrs",
    "parse_p_early_media",
    "parse_privacy",
    "parse_rack",
    "parse_reasons",
    "parse_replaces",
    "parse_retry_after",
    "parse_rseq",
    "parse_session_expires",
    "parse_tokens",
    "parse_via",
    "parse_vias",
    "render_date",
    "replaces_in",
]
