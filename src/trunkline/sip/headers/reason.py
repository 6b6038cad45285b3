"""Reason: why a call ended or was refused (RFC 3326; 6432 in responses, 8606 location, 9366 several values).

The values that matter most come from equipment that follows its own grammar: unquoted text with spaces, quoted causes.
An entry that can be read is read, one that cannot is left out; only a header without any readable entry is a fault.
"""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import (
    LIST_LIMIT,
    QUOTED,
    VALUE,
    is_token,
    parse_number,
    quote,
    render_params,
    unquote,
)
from trunkline.sip.uri import Params, lookup

_PIECE = re.compile(rf'(?>(?:{QUOTED}|[^;,"\x00-\x08\x0a-\x1f\x7f])*)')
_VALUE = re.compile(rf"{VALUE}\Z")
_ANALYTICS = re.compile(r"v=analytics[0-9]*(?=;|\Z)", re.IGNORECASE)


class Reason(Struct, frozen=True, gc=False):
    """One reason."""

    protocol: str
    "SIP, Q.850, STIR, RELEASE_CAUSE ... as written."
    cause: int | None = None
    "Status code, Q.850 cause ... by protocol; None when absent or no number."
    text: str = ""
    "What it says for humans, quotes undone."
    params: Params = ()
    "Everything else, in order: location, ppi ..."

    def __str__(self) -> str:
        cause = "" if self.cause is None else f";cause={self.cause}"
        text = f";text={quote(self.text)}" if self.text else ""
        return f"{self.protocol}{cause}{text}{render_params(self.params)}"

    @property
    def location(self) -> str:
        """Where in the network it was decided (RFC 8606): LN, RLN, TN ...; empty when not stated."""
        return unquote(lookup(self.params, "location") or "")

    @property
    def analytics(self) -> Params:
        """What a 603+ block says (ATIS-1000099): `v`, then `url`, `tel` or `email`; empty for another reason.

        It stands in `text`; some send it as parameters of the header.
        """
        if _ANALYTICS.match(self.text):
            parts = (part.strip().partition("=") for part in self.text.split(";")[:LIST_LIMIT])
            return tuple((name.strip(), value.strip()) for name, _, value in parts if name)
        if (lookup(self.params, "v") or "").lower().startswith("analytics"):
            return tuple((name, unquote(value or "")) for name, value in self.params)
        return ()


def parse_reasons(text: str) -> tuple[Reason, ...] | Fault:
    """Read one or more reasons."""
    reasons: list[Reason] = []
    start = 0
    for _ in range(LIST_LIMIT):
        pieces: list[str] = []
        while True:
            found = _PIECE.match(text, start)
            end = found.end() if found else start
            pieces.append(text[start:end].strip(" \t"))
            start = end + 1
            if end == len(text) or text[end] != ";":
                break
        reason = _read(pieces[: LIST_LIMIT + 1])
        if reason is not None:
            reasons.append(reason)
        if text[end : end + 1] != ",":
            break
    return tuple(reasons) or Fault("Bad Reason", "Reason")


def _read(pieces: list[str]) -> Reason | None:
    protocol = pieces[0]
    if not is_token(protocol):
        return None
    cause: int | None = None
    text = ""
    params: list[tuple[str, str | None]] = []
    for piece in pieces[1:]:
        name, equals, value = piece.partition("=")
        name, value = name.rstrip(" \t"), value.lstrip(" \t")
        number = parse_number(unquote(value)) if cause is None and name.lower() == "cause" else None
        if number is not None:
            cause = number
        elif name.lower() == "text" and not text:
            text = unquote(value)
        elif is_token(name):
            params.append((name, _tidy(value) if equals else None))
    return Reason(protocol, cause, text, tuple(params))


def _tidy(value: str) -> str:
    """A value as it may be written: quoted when it holds what a bare one cannot."""
    return value if _VALUE.match(value) else quote(value)


def cause_of(text: str) -> int:
    """Q.850 cause among the reasons of a header (RFC 6432); 0 when it names none or cannot be read."""
    reasons = parse_reasons(text)
    if not isinstance(reasons, Fault):
        for reason in reasons:
            if reason.protocol.upper() == "Q.850" and reason.cause is not None:
                return reason.cause
    return 0
