"""URIs (RFC 3261 section 19.1, RFC 3966 for tel).

Every part is kept as written, escapes included, so that a URI goes out as it came in; `unescape` undoes %HH when
somebody needs the meaning. One regular expression reads a whole SIP URI: the usual `sip:user@host:port` is never taken
apart any further.
"""

import re
from ipaddress import IPv6Address
from typing import TypeAlias
from urllib.parse import quote, unquote

from msgspec import Struct

from trunkline.sip.fault import Fault

Params: TypeAlias = tuple[tuple[str, str | None], ...]
"Parameters in order, name and value as written; None for a parameter without `=`."

PARAM_LIMIT = 64
"Parameters, or headers, in one URI."

_NEVER = r"\x00-\x20\x7f<>\""
"What no part of a URI may hold raw; what the grammar does not name but dialers send (`#`, `^`, UTF-8) is let through."

_SIP = re.compile(
    rf"([sS][iI][pP][sS]?):(?:([^@:{_NEVER}]++)(?::([^@{_NEVER}]*+))?@)?([A-Za-z0-9_.-]++|\[[0-9A-Fa-f:.]++\])"
    rf"(?::([0-9]{{1,5}}))?((?>(?:;[^;?{_NEVER}]*+)*))(?:\?([^{_NEVER}]*+))?\Z"
)
_TEL = re.compile(rf"[tT][eE][lL]:(\+?[0-9A-Fa-f*#().%-]++)((?>(?:;[^;{_NEVER}]*+)*))\Z")
_OTHER = re.compile(rf"([A-Za-z][A-Za-z0-9+.-]*+):([^{_NEVER}]++)\Z")
_USER = re.compile(rf"[sS][iI][pP][sS]?:(?:([^@:;{_NEVER}]++)[^@{_NEVER}]*+@)?|[tT][eE][lL]:([^;?,{_NEVER}]*+)")
"Matches at the first scheme, user or not: a search that went on would be quadratic in what strangers send."
_QUOTED = re.compile(r'\s*"(?>(?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile("%([0-9A-Fa-f]{2})")
_SEPARATORS = str.maketrans("", "", "-.() ")
_RESERVED = ";/?:@&=+$,%"
_DECISIVE = ("user", "ttl", "method", "maddr", "transport")
"Parameters that make two URIs differ when only one of them has it (RFC 3261 section 19.1.4)."


class Uri(Struct, frozen=True, gc=False):
    """Where a request goes, or whom it concerns."""

    scheme: str
    "Lower case."
    user: str = ""
    "As written, user parameters (`;phone-context`, `;tgrp`) included; for tel the number; empty when absent."
    password: str | None = None
    host: str = ""
    "Name or address, an IPv6 address in its brackets; empty for schemes other than sip and sips."
    port: int | None = None
    params: Params = ()
    headers: Params = ()
    "What follows the question mark."
    opaque: str = ""
    "What follows the scheme when it is none of sip, sips and tel."

    def __str__(self) -> str:
        if self.opaque:
            return f"{self.scheme}:{self.opaque}"
        password = "" if self.password is None else f":{self.password}"
        user = f"{self.user}{password}@" if self.host and self.user else self.user
        port = "" if self.port is None else f":{self.port}"
        text = f"{self.scheme}:{user}{self.host}{port}"
        if self.params:
            text += "".join(f";{name}" if value is None else f";{name}={value}" for name, value in self.params)
        if self.headers:
            text += "?" + "&".join(name if value is None else f"{name}={value}" for name, value in self.headers)
        return text

    def param(self, name: str) -> str | None:
        """Value of a parameter, empty when it has none, None when the parameter is absent."""
        return lookup(self.params, name)

    def header(self, name: str) -> str | None:
        """Unescaped value of a header carried in the URI."""
        value = lookup(self.headers, name)
        return None if value is None else unescape(value)

    @property
    def number(self) -> str:
        """User part as a dialable number: unescaped, without visual separators and user parameters (RFC 3966, 4904)."""
        return unescape(self.user.partition(";")[0]).translate(_SEPARATORS)

    @property
    def phone_context(self) -> str:
        """Where a local number is valid (RFC 3966 section 5.1.5); empty for a global one."""
        user_params = (part.partition("=") for part in self.user.split(";")[1:])
        inside = next((value for name, _, value in user_params if name.lower() == "phone-context"), "")
        return inside or self.param("phone-context") or ""

    @property
    def is_phone(self) -> bool:
        """Whether the user part is declared a telephone number."""
        return self.scheme == "tel" or (self.param("user") or "").lower() == "phone"

    @property
    def loose(self) -> bool:
        """Loose routing, `;lr`."""
        return self.param("lr") is not None

    @property
    def transport(self) -> str:
        """Lower case; empty when not stated."""
        return (self.param("transport") or "").lower()

    @property
    def maddr(self) -> str:
        return self.param("maddr") or ""

    @property
    def address(self) -> str:
        """Host without the brackets of an IPv6 address."""
        return self.host.strip("[]")


def parse_uri(text: str) -> Uri | Fault:
    """Read a URI; white space around it is the caller's to strip."""
    found = _SIP.match(text)
    if found is None:
        return _parse_other(text)
    scheme, user, password, host, port, params, headers = found.groups()
    number = None if port is None else int(port)
    if number is not None and not 0 < number <= 65_535:
        return Fault("Bad URI Port")
    if host[0] == "[" and not _is_ipv6(host):
        return Fault("Bad URI Host")
    if not params and headers is None:
        return Uri(scheme if scheme == "sip" else scheme.lower(), user or "", password, host, number)
    listed, carried = _split(params, ";"), _split(headers or "", "&")
    if listed is None or carried is None:
        return Fault("Bad URI Parameters")
    return Uri(scheme.lower(), user or "", password, host, number, listed, carried)


def user_of(text: str) -> str:
    """Number or name in the first SIP or tel URI of a header value, without a full parse.

    Unescaped, without password and user parameters; empty when there is none.
    """
    start = 0
    if '"' in text:
        quoted = _QUOTED.match(text)
        start = quoted.end() if quoted else 0
    found = _USER.search(text, start)
    return unescape(found[1] or found[2] or "") if found else ""


def equivalent(a: Uri, b: Uri) -> bool:
    """Whether two URIs name the same thing (RFC 3261 section 19.1.4, RFC 3966 section 4). Not transitive."""
    if a.scheme != b.scheme or a.opaque != b.opaque:
        return False
    if a.scheme == "tel":
        return a.number.lower() == b.number.lower() and _folded(a.params) == _folded(b.params)
    if _plain(a.user) != _plain(b.user) or _plain(a.password or "") != _plain(b.password or ""):
        return False
    if a.host.lower() != b.host.lower() or a.port != b.port:
        return False
    ours, theirs = dict(_folded(a.params)), dict(_folded(b.params))
    return (
        all(ours[name] == theirs[name] for name in ours.keys() & theirs.keys())
        and all((name in ours) == (name in theirs) for name in _DECISIVE)
        and sorted((name.lower(), _plain(value or "")) for name, value in a.headers)
        == sorted((name.lower(), _plain(value or "")) for name, value in b.headers)
    )


def lookup(params: Params, name: str) -> str | None:
    """Value of a parameter by its name in lower case, empty when it has none, None when the parameter is absent."""
    for key, value in params:
        if key == name or key.lower() == name:
            return "" if value is None else value
    return None


def unescape(text: str) -> str:
    """Undo %HH; an escape that is none stays as it is."""
    return unquote(text, errors="surrogateescape") if "%" in text else text


def escape(text: str, allowed: str = "") -> str:
    """Write anything as part of a URI; `allowed` names reserved characters that may stand."""
    return quote(text, safe="-_.!~*'()" + allowed, errors="surrogateescape")


def _parse_other(text: str) -> Uri | Fault:
    found = _TEL.match(text)
    if found is not None:
        params = _split(found[2], ";")
        if params is None or not any(c in "0123456789*#%abcdefABCDEF" for c in found[1]):
            return Fault("Bad Telephone Number")
        return Uri("tel", found[1], params=params)
    found = _OTHER.match(text)
    if found is None or found[1].lower() in ("sip", "sips", "tel"):
        return Fault("Bad URI")
    return Uri(found[1].lower(), opaque=found[2])


def _split(text: str, mark: str) -> Params | None:
    """Parameters or headers; an empty one (a trailing `;`) is dropped."""
    parts = [part.partition("=") for part in text.split(mark) if part]
    if len(parts) > PARAM_LIMIT or any(not name for name, _, _ in parts):
        return None
    return tuple((name, value if equals else None) for name, equals, value in parts)


def _is_ipv6(host: str) -> bool:
    try:
        IPv6Address(host[1:-1])
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    """Escapes of unreserved characters undone, so that equal parts become equal text."""
    return _ESCAPE.sub(_unescape_unreserved, text) if "%" in text else text


def _unescape_unreserved(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if " " < character < "\x7f" and character not in _RESERVED else found[0].upper()


def _folded(params: Params) -> list[tuple[str, str]]:
    return sorted((_plain(name).lower(), _plain(value or "").lower()) for name, value in params)
