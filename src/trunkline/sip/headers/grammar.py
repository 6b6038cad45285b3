"""What the headers' grammars share: tokens, quoted strings, parameters, lists (RFC 3261 section 25.1).

A parameter's value is kept as written, quotes included, so that what we do not know goes out as it came in. Where the
grammar is stricter than the field, the field wins: an empty value (`;rport=`) and anything printable is read.
Values are read after folding is undone: a control character outside a quoted pair is a fault, so nothing read here can
break a line when it is written.

A repeated group that must not backtrack is written as an atomic group: Python 3.11.2, which Debian 12 ships, matches possessive
quantifiers over groups wrongly (python/cpython#106052).
"""

import re

from trunkline.sip.fault import Fault
from trunkline.sip.uri import Params

LIST_LIMIT = 64
"Entries in one header, and parameters in one entry."

TOKEN = r"[A-Za-z0-9.!%*_+`'~-]++"
QUOTED = r'"(?>(?:[^"\\\x00-\x08\x0a-\x1f\x7f]|\\[^\r\n])*)"'
VALUE = rf'(?:{QUOTED}|<[^\x00-\x20\x7f"<>]*+>|[^\x00-\x20\x7f;,"<>]*+)'

_TOKEN = re.compile(rf"{TOKEN}\Z")
_PARAM = re.compile(rf"[ \t]*+;[ \t]*+({TOKEN})(?:[ \t]*+=[ \t]*+({VALUE}))?[ \t]*+")
_ENTRY = re.compile(rf'(?>(?:[^",<]|{QUOTED}|<[^<>]*+>)*)')
_QUOTED = re.compile(rf"{QUOTED}\Z")
_PAIR = re.compile(r"\\(.)", re.DOTALL)
_UNSAFE = re.compile(r'(["\\\x00-\x08\x0b\x0c\x0e-\x1f\x7f])')
_LINE_BREAK = re.compile(r"[\r\n]+")


def is_token(text: str) -> bool:
    return _TOKEN.match(text) is not None


def quote(text: str) -> str:
    """Text as a quoted string; line breaks become spaces, since a quoted string has none."""
    return f'"{_UNSAFE.sub(_escaped, _LINE_BREAK.sub(" ", text))}"'


def unquote(text: str) -> str:
    """What a quoted string says; text that is not quoted says itself."""
    if not _QUOTED.match(text):
        return text
    inner = text[1:-1]
    return _PAIR.sub(r"\1", inner) if "\\" in inner else inner


def parse_params(text: str, start: int = 0) -> Params | Fault:
    """Read `;name=value ...` from `start` to the end of the text."""
    params: list[tuple[str, str | None]] = []
    end = len(text)
    while start < end:
        found = _PARAM.match(text, start)
        if found is None or len(params) == LIST_LIMIT:
            return Fault("Bad Parameter" if found is None else "Too Many Parameters")
        params.append((found[1], found[2]))
        start = found.end()
    return tuple(params)


def render_params(params: Params) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def split_list(text: str) -> list[str] | Fault:
    """Entries of a comma-separated header, stripped; commas in quotes and angle brackets do not separate."""
    if "," not in text:
        return [text.strip(" \t")]
    entries: list[str] = []
    start = 0
    while True:
        found = _ENTRY.match(text, start)
        end = found.end() if found else start
        entries.append(text[start:end].strip(" \t"))
        if end == len(text):
            return entries
        if text[end] != ",":
            return Fault("Unbalanced Quotes")
        if len(entries) == LIST_LIMIT:
            return Fault("Too Many Values")
        start = end + 1


def parse_number(text: str, limit: int = 2**31 - 1) -> int | None:
    """A decimal number in ASCII digits up to `limit`; None when it is none."""
    digits = text.strip(" \t")
    if not digits.isascii() or not digits.isdecimal() or len(digits) > 20:
        return None
    number = int(digits)
    return number if number <= limit else None


def without(params: Params, *names: str) -> Params:
    """Parameters but for the named ones."""
    return tuple(param for param in params if param[0].lower() not in names)


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[1]
