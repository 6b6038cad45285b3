"""PASSporTs: signed statements of who calls whom (RFC 8225), with the SHAKEN (RFC 8588), div (RFC 8946) and rcd (RFC 9795) claims.

A PASSporT is two JSON objects and an ES256 signature over their base64url forms. Both objects are written in one canonical form (keys in
lexicographic order, no white space: RFC 8225 section 9), so that a verifier who only has the call can rebuild them.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from msgspec import Struct

LENGTH_LIMIT = 16_384
"Characters of a PASSporT that is read at all."

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*\Z")
_ES256 = ec.ECDSA(SHA256())


class MalformedError(ValueError):
    """What was received is no PASSporT."""


class Passport(Struct, frozen=True):
    """Header and claims; the signature is of their canonical bytes as sent."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signature: bytes = b""
    "64 octets: R and S (RFC 7518 section 3.4)."
    signed: bytes = b""
    "What was signed, as received: a sender's own bytes decide, not our idea of them."

    @property
    def ppt(self) -> str:
        """Type: shaken, div, rcd; empty for the base type."""
        return str(self.header.get("ppt", ""))

    @property
    def orig(self) -> str:
        """Calling number, digits alone; empty when it is a URI."""
        orig = self.claims.get("orig")
        return str(orig.get("tn", "")) if isinstance(orig, dict) else ""

    @property
    def dest(self) -> tuple[str, ...]:
        """Called numbers, digits alone."""
        dest = self.claims.get("dest")
        numbers = dest.get("tn", ()) if isinstance(dest, dict) else ()
        return tuple(str(number) for number in numbers) if isinstance(numbers, list) else (str(numbers),) if numbers else ()

    @property
    def diverted_from(self) -> str:
        """Number a `div` PASSporT says the call was for before (RFC 8946 section 3); empty when it says none."""
        div = self.claims.get("div")
        return str(div.get("tn", "")) if isinstance(div, dict) else ""

    @property
    def iat(self) -> int | None:
        """When it was made, UTC seconds; None when it does not say so in a whole number."""
        iat = self.claims.get("iat")
        return iat if isinstance(iat, int) and not isinstance(iat, bool) else None


def canonical(value: dict[str, Any]) -> bytes:
    """JSON as RFC 8225 section 9 wants it: keys in lexicographic order of their code points, no white space, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def telephone_number(number: str) -> str:
    """A number as a `tn` claim holds it (RFC 8224 section 8.3): digits, `*` and `#`; the + and everything else is dropped."""
    return "".join(c for c in number.partition(";")[0] if c in "0123456789*#")


def encode(data: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The octets behind base64url without padding; raises MalformedError."""
    if not _BASE64URL.match(text) or len(text) % 4 == 1:
        raise MalformedError("not base64url")
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except Base64Error as error:
        raise MalformedError("not base64url") from error


def sign_bytes(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    """ES256: 64 octets, R and S (RFC 7518 section 3.4)."""
    r, s = decode_dss_signature(key.sign(data, _ES256))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify_bytes(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    """Whether `signature` (64 octets) is of `data` by `key`."""
    if len(signature) != 64:
        return False
    der = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(der, data, _ES256)
    except InvalidSignature:
        return False
    return True


def write(header: dict[str, Any], claims: dict[str, Any], key: ec.EllipticCurvePrivateKey, *, compact: bool = False) -> str:
    """Sign; full form `header.claims.signature`, or compact form `..signature` (RFC 8225 section 7)."""
    first, second = encode(canonical(header)), encode(canonical(claims))
    signature = encode(sign_bytes(key, f"{first}.{second}".encode()))
    return f"..{signature}" if compact else f"{first}.{second}.{signature}"


def read(text: str) -> Passport:
    """A full-form PASSporT, its signature not yet checked; raises MalformedError."""
    if len(text) > LENGTH_LIMIT:
        raise MalformedError("too long")
    parts = text.split(".")
    if len(parts) != 3 or not all(parts):
        raise MalformedError("not header.claims.signature")
    header, claims = _object(parts[0]), _object(parts[1])
    signature = decode(parts[2])
    if len(signature) != 64:
        raise MalformedError("an ES256 signature has 64 octets")
    return Passport(header, claims, signature, f"{parts[0]}.{parts[1]}".encode())


def rebuild(text: str, header: dict[str, Any], claims: dict[str, Any]) -> Passport:
    """A compact PASSporT with header and claims put back by the verifier (RFC 8224 section 4.1.1); raises MalformedError."""
    if len(text) > LENGTH_LIMIT or not text.startswith(".."):
        raise MalformedError("not ..signature")
    signature = decode(text[2:])
    if len(signature) != 64:
        raise MalformedError("an ES256 signature has 64 octets")
    return Passport(header, claims, signature, f"{encode(canonical(header))}.{encode(canonical(claims))}".encode())


def shaken_header(x5u: str) -> dict[str, Any]:
    """Protected header of a SHAKEN PASSporT (RFC 8588 section 6)."""
    return {"alg": "ES256", "ppt": "shaken", "typ": "passport", "x5u": x5u}


def shaken_claims(attest: str, orig: str, dest: str, origid: str, iat: int) -> dict[str, Any]:
    """Claims of a SHAKEN PASSporT: `attest` is A, B or C, `origid` a UUID, `iat` UTC seconds (RFC 8588 section 4)."""
    return {
        "attest": attest, "dest": {"tn": [telephone_number(dest)]}, "iat": iat, "orig": {"tn": telephone_number(orig)}, "origid": origid,
    }  # fmt: skip


def div_header(x5u: str) -> dict[str, Any]:
    return {"alg": "ES256", "ppt": "div", "typ": "passport", "x5u": x5u}


def div_claims(orig: str, dest: str, before: str, iat: int) -> dict[str, Any]:
    """Claims for a call now sent to `dest` that was for `before` (RFC 8946 section 3)."""
    return {"dest": {"tn": [telephone_number(dest)]}, "div": {"tn": telephone_number(before)}, "iat": iat, "orig": {"tn": telephone_number(orig)}}


def rcd_header(x5u: str) -> dict[str, Any]:
    return {"alg": "ES256", "ppt": "rcd", "typ": "passport", "x5u": x5u}


def rcd_claims(orig: str, dest: str, name: str, reason: str, iat: int) -> dict[str, Any]:
    """Claims that show the called party a name (`rcd.nam`) and, if given, why one calls (`crn`) (RFC 9795 sections 5 and 7)."""
    claims: dict[str, Any] = {"dest": {"tn": [telephone_number(dest)]}, "iat": iat, "orig": {"tn": telephone_number(orig)}, "rcd": {"nam": name}}
    if reason:
        claims["crn"] = reason
    return claims


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(decode(text), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise MalformedError("not a JSON object") from error
    if not isinstance(value, dict):
        raise MalformedError("not a JSON object")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key said twice may be read either way; two readers must not disagree about who calls."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found
