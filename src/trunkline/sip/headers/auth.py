"""WWW-Authenticate, Proxy-Authenticate, Authorization, Proxy-Authorization (RFC 3261 section 22, RFC 7616 section 3).

One challenge or one set of credentials in a value. Fields of the Digest scheme are read; another scheme keeps its name
and its parameters.
"""

import re
from typing import TypeAlias

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import LIST_LIMIT, TOKEN, VALUE, quote, unquote

AuthParams: TypeAlias = tuple[tuple[str, str], ...]
"Parameters in order; values as written, quotes included."

_SCHEME = re.compile(rf"[ \t]*+({TOKEN})[ \t]++")
_PARAM = re.compile(rf"[ \t]*+({TOKEN})[ \t]*+=[ \t]*+({VALUE})[ \t]*+(?:,|\Z)")
_NC = re.compile(r"[0-9A-Fa-f]{8}\Z")


class Challenge(Struct, frozen=True, gc=False):
    """A demand for credentials."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    "As written; MD5 when not stated."
    qop: tuple[str, ...] = ()
    "Qualities of protection on offer, lower case; empty for a server of RFC 2069."
    opaque: str | None = None
    stale: bool = False
    "The credentials were right, only the nonce was too old: try again without asking anybody."
    params: AuthParams = ()
    "Everything else, in order: domain, charset, userhash ..."
    scheme: str = "Digest"

    def __str__(self) -> str:
        if self.scheme.lower() != "digest":
            return _render(self.scheme, self.params)
        listed = [("realm", quote(self.realm)), ("nonce", quote(self.nonce))]
        if self.opaque is not None:
            listed.append(("opaque", quote(self.opaque)))
        if self.stale:
            listed.append(("stale", "true"))
        listed.append(("algorithm", self.algorithm))
        if self.qop:
            listed.append(("qop", quote(",".join(self.qop))))
        return _render(self.scheme, (*listed, *self.params))


class Credentials(Struct, frozen=True, gc=False):
    """The answer to a challenge."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    "Lower case hex."
    algorithm: str = "MD5"
    "As written; MD5 when not stated."
    qop: str = ""
    "auth or auth-int; empty when the client knows RFC 2069 only."
    cnonce: str = ""
    nc: int = 0
    "How many requests this nonce has served, this one included; 0 without qop."
    opaque: str | None = None
    params: AuthParams = ()
    scheme: str = "Digest"

    def __str__(self) -> str:
        if self.scheme.lower() != "digest":
            return _render(self.scheme, self.params)
        listed = [
            ("username", quote(self.username)),
            ("realm", quote(self.realm)),
            ("nonce", quote(self.nonce)),
            ("uri", quote(self.uri)),
            ("response", quote(self.response)),
            ("algorithm", self.algorithm),
        ]
        if self.opaque is not None:
            listed.append(("opaque", quote(self.opaque)))
        if self.qop:
            listed += [("qop", self.qop), ("nc", f"{self.nc:08x}")]
        if self.qop or self.cnonce:
            listed.append(("cnonce", quote(self.cnonce)))
        return _render(self.scheme, (*listed, *self.params))


def parse_challenge(text: str) -> Challenge | Fault:
    read = _parse(text)
    if isinstance(read, Fault):
        return read
    scheme, params = read
    if scheme.lower() != "digest":
        return Challenge("", "", "", params=params, scheme=scheme)
    known = {name.lower(): unquote(value) for name, value in params}
    if "realm" not in known or not known.get("nonce"):
        return Fault("Incomplete Challenge")
    algorithm = known.get("algorithm", "MD5")
    if not re.fullmatch(TOKEN, algorithm):
        return Fault("Bad Authentication Parameter")
    offered = (option.strip(" \t").lower() for option in known.get("qop", "").split(","))
    return Challenge(
        known["realm"],
        known["nonce"],
        algorithm,
        tuple(option for option in offered if option),
        known.get("opaque"),
        known.get("stale", "").lower() == "true",
        _rest(params, ("realm", "nonce", "algorithm", "qop", "opaque", "stale")),
        scheme,
    )


def parse_credentials(text: str) -> Credentials | Fault:
    read = _parse(text)
    if isinstance(read, Fault):
        return read
    scheme, params = read
    if scheme.lower() != "digest":
        return Credentials("", "", "", "", "", "", params=params, scheme=scheme)
    known = {name.lower(): unquote(value) for name, value in params}
    missing = next((name for name in ("username", "realm", "nonce", "uri", "response") if name not in known), None)
    if missing is not None:
        return Fault("Incomplete Credentials")
    algorithm, qop, nc = known.get("algorithm", "MD5"), known.get("qop", "").lower(), known.get("nc", "")
    if not re.fullmatch(TOKEN, algorithm) or qop not in ("", "auth", "auth-int"):
        return Fault("Bad Authentication Parameter")
    if qop and not (_NC.match(nc) and "cnonce" in known):
        return Fault("Incomplete Credentials")
    return Credentials(
        known["username"],
        known["realm"],
        known["nonce"],
        known["uri"],
        known["response"].lower(),
        algorithm,
        qop,
        known.get("cnonce", ""),
        int(nc, 16) if qop else 0,
        known.get("opaque"),
        _rest(params, ("username", "realm", "nonce", "uri", "response", "algorithm", "qop", "cnonce", "nc", "opaque")),
        scheme,
    )


def _parse(text: str) -> tuple[str, AuthParams] | Fault:
    found = _SCHEME.match(text)
    if found is None:
        return Fault("Bad Authentication Scheme")
    scheme = found[1]
    params: list[tuple[str, str]] = []
    seen: set[str] = set()
    start = found.end()
    while start < len(text):
        found = _PARAM.match(text, start)
        if found is None or len(params) == LIST_LIMIT:
            return Fault("Bad Authentication Parameter")
        name = found[1].lower()
        if name in seen:
            return Fault("Repeated Authentication Parameter")
        seen.add(name)
        params.append((found[1], found[2]))
        start = found.end()
    return scheme, tuple(params)


def _rest(params: AuthParams, known: tuple[str, ...]) -> AuthParams:
    return tuple(param for param in params if param[0].lower() not in known)


def _render(scheme: str, params: AuthParams) -> str:
    return f"{scheme} " + ", ".join(f"{name}={value}" for name, value in params)
