"""Retry-After: when to come back (RFC 3261 section 20.33)."""

import re

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import parse_number, parse_params, render_params, without
from trunkline.sip.uri import Params, lookup

COMMENT_DEPTH = 10
"How deep comments may nest."

_DELTA = re.compile(r"[ \t]*+([0-9]{1,20})[ \t]*+")
_INSIDE = re.compile(r"\\[^\r\n]|[^\x00-\x08\x0a-\x1f\x7f\\]")


class RetryAfter(Struct, frozen=True, gc=False):
    """A pause."""

    seconds: int
    comment: str = ""
    "As written between the outer parentheses."
    duration_s: int | None = None
    "How long the far end will be reachable once it is back."
    params: Params = ()

    def __str__(self) -> str:
        comment = f" ({self.comment})" if self.comment else ""
        duration = "" if self.duration_s is None else f";duration={self.duration_s}"
        return f"{self.seconds}{comment}{duration}{render_params(self.params)}"


def parse_retry_after(text: str) -> RetryAfter | Fault:
    text = text.strip(" \t")
    fault = Fault("Bad Retry-After", "Retry-After")
    found = _DELTA.match(text)
    seconds = parse_number(found[1], 2**32 - 1) if found else None
    if found is None or seconds is None:
        return fault
    start = found.end()
    end = _comment_end(text, start)
    if end < 0:
        return fault
    params = parse_params(text, end)
    if isinstance(params, Fault):
        return fault
    duration = lookup(params, "duration")
    duration_s = None if duration is None else parse_number(duration, 2**32 - 1)
    if duration is not None and duration_s is None:
        return fault
    return RetryAfter(seconds, text[start + 1 : end - 1], duration_s, without(params, "duration"))


def _comment_end(text: str, start: int) -> int:
    """Where a comment that begins at `start` ends; `start` when none begins there, -1 when malformed or too deep."""
    if not text.startswith("(", start):
        return start
    depth = 0
    at = start
    while at < len(text):
        found = _INSIDE.match(text, at)
        if found is None:
            return -1
        depth += {"(": 1, ")": -1}.get(found[0], 0)
        at = found.end()
        if depth == 0:
            return at
        if depth > COMMENT_DEPTH:
            return -1
    return -1
