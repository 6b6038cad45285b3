"""Lists of tokens: Require, Supported, Allow, Unsupported, Proxy-Require (RFC 3261 section 20)."""

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import LIST_LIMIT, is_token


def parse_tokens(text: str) -> tuple[str, ...] | Fault:
    """Tokens as written; an empty header is an empty list, and an empty entry between commas is passed over."""
    entries = [entry.strip(" \t") for entry in text.split(",", LIST_LIMIT * 2)]
    tokens = tuple(entry for entry in entries if entry)
    if len(tokens) > LIST_LIMIT:
        return Fault("Too Many Values")
    return tokens if all(is_token(token) for token in tokens) else Fault("Bad Token")
