"""Addresses (RFC 3261 sections 20.10 and 25.1).

From, To, Contact, Route, Record-Route, Refer-To, Referred-By, P-Asserted-Identity, Diversion, Remote-Party-ID: without
angle brackets, what follows a semicolon belongs to the header and not to the URI, and a question mark may not stand.
"""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import (
    QUOTED,
    parse_number,
    parse_params,
    quote,
    render_params,
    split_list,
    unquote,
    without,
)
from trunkline.sip.uri import Params, Uri, lookup, parse_uri

_BRACKETED = re.compile(
    rf'[ \t]*+(?:({QUOTED})|([^"<>,;\x00-\x08\x0a-\x1f\x7f]*+))[ \t]*+<[ \t]*+([^<>"\x00-\x20\x7f]++)[ \t]*+>[ \t]*+'
)
_BARE = re.compile(r'[ \t]*+([^<>"\x00-\x20\x7f;,?]++)[ \t]*+')
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+:.")


class NameAddr(Struct, frozen=True, gc=False):
    """A URI with a display name and header parameters."""

    uri: str
    "As written; `target` reads it."
    display: str = ""
    "Display name, quotes and escapes undone; empty when there is none."
    params: Params = ()

    def __str__(self) -> str:
        if self.uri == "*":
            return "*"
        text = f"{quote(self.display)} <{self.uri}>" if self.display else f"<{self.uri}>"
        return text + render_params(self.params) if self.params else text

    @property
    def target(self) -> Uri | Fault:
        return parse_uri(self.uri)

    @property
    def tag(self) -> str | None:
        return lookup(self.params, "tag")

    @property
    def is_star(self) -> bool:
        """The Contact of a REGISTER that removes every binding (RFC 3261 section 10.2.2)."""
        return self.uri == "*"

    @property
    def expires_s(self) -> int | None:
        """Seconds a Contact is good for; None when absent or unreadable."""
        return parse_number(lookup(self.params, "expires") or "", 2**32 - 1)

    def param(self, name: str) -> str | None:
        """Value of a header parameter, quotes undone; empty when it has none, None when the parameter is absent."""
        value = lookup(self.params, name)
        return None if value is None else unquote(value)

    def with_param(self, name: str, value: str | None) -> "NameAddr":
        """The same address with one parameter set."""
        return NameAddr(self.uri, self.display, (*without(self.params, name.lower()), (name, value)))


def parse_name_addr(text: str) -> NameAddr | Fault:
    """Read one address."""
    display = ""
    found = _BRACKETED.match(text)
    if found is not None:
        quoted, words, uri = found.groups()
        display = unquote(quoted) if quoted else words.rstrip(" \t") if words else ""
    else:
        found = _BARE.match(text)
        if found is None:
            return Fault("Bad Address")
        uri = found[1]
    if not _SCHEME.match(uri):
        return Fault("Bad Address")
    end = found.end()
    if end == len(text):
        return NameAddr(uri, display)
    params = parse_params(text, end)
    return params if isinstance(params, Fault) else NameAddr(uri, display, params)


def parse_name_addrs(text: str) -> tuple[NameAddr, ...] | Fault:
    """Read a comma-separated list of one or more addresses."""
    entries = split_list(text)
    if isinstance(entries, Fault):
        return entries
    addresses: list[NameAddr] = []
    for entry in entries:
        address = parse_name_addr(entry)
        if isinstance(address, Fault):
            return address
        addresses.append(address)
    return tuple(addresses)


def parse_contacts(text: str) -> tuple[NameAddr, ...] | Fault:
    """Read Contact: a list of addresses, or `*` alone."""
    return (NameAddr("*"),) if text.strip(" \t") == "*" else parse_name_addrs(text)
