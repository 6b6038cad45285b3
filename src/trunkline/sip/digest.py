"""Digest authentication, both sides (RFC 3261 section 22, RFC 7616, RFC 8760; peers of RFC 2617 and 2069 work too).

The server keeps no list of nonces it gave out: a nonce is the time, random bytes and a MAC over both under a key made
at boot. What it keeps is the highest nc each nonce was used with, so that nothing can be sent twice. Retransmissions
never get here: they belong to the transaction.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Callable, Iterable
from enum import Enum
from typing import Final

from msgspec.structs import replace

from trunkline.sip.fault import Fault
from trunkline.sip.headers.auth import Challenge, Credentials, parse_challenge, parse_credentials
from trunkline.sip.uri import Uri, equivalent, parse_uri

NONCE_LIMIT = 10_000
"Nonces in use whose count is remembered."

_HASHES: Final = {"SHA-512-256": "sha512_256", "SHA-256": "sha256", "MD5": "md5"}
"Algorithm -> name in hashlib, strongest first."
ALGORITHMS = tuple(name for name, known in _HASHES.items() if known in hashlib.algorithms_available)
"What we can compute, strongest first; each also with -sess."

_TIME: Final = struct.Struct(">Q")
_RANDOM_BYTES: Final = 12
_MAC_BYTES: Final = 16
_NOBODY: Final = "\x00"
"Password tried for a user that does not exist, so that the refusal takes as long."


class Verdict(Enum):
    """Why credentials are not accepted."""

    STALE = "right, but for a nonce that is too old, unknown or used: challenge again with stale=true"
    WRONG = "wrong user, password or realm: challenge again"
    MALFORMED = "cannot be read, or made for another URI: 400"


def digest_response(credentials: Credentials, password: str, method: str, body: bytes = b"") -> str | None:
    """The response these credentials should carry (RFC 7616 section 3.4.1); None for an algorithm we do not know."""
    name, session = _split_algorithm(credentials.algorithm)
    if name not in ALGORITHMS:
        return None
    first = _hash(name, _bytes(f"{credentials.username}:{credentials.realm}:{password}"))
    if session:
        first = _hash(name, _bytes(f"{first}:{credentials.nonce}:{credentials.cnonce}"))
    subject = f"{method}:{credentials.uri}"
    if credentials.qop == "auth-int":
        subject = f"{subject}:{_hash(name, body)}"
    second = _hash(name, _bytes(subject))
    between = credentials.nonce
    if credentials.qop:
        between = f"{between}:{credentials.nc:08x}:{credentials.cnonce}:{credentials.qop}"
    return _hash(name, _bytes(f"{first}:{between}:{second}"))


def answer_challenge(
    challenges: Iterable[str], user: str, password: str, method: str, uri: str, body: bytes, cnonce: str, nc: int
) -> str | Fault:
    """Value of the Authorization (401) or Proxy-Authorization (407) header that answers the strongest challenge.

    `challenges` are the values of WWW-Authenticate or Proxy-Authenticate, one challenge each. `nc` counts the requests
    sent with this nonce, from 1. A fault when there is none we can answer.
    """
    strongest: Challenge | None = None
    for text in challenges:
        challenge = parse_challenge(text)
        if isinstance(challenge, Fault) or not _answerable(challenge):
            continue
        if strongest is None or _strength(challenge) > _strength(strongest):
            strongest = challenge
    if strongest is None:
        return Fault("No Challenge We Can Answer")
    qop = "auth" if "auth" in strongest.qop else strongest.qop[0] if strongest.qop else ""
    session = _split_algorithm(strongest.algorithm)[1]
    credentials = Credentials(
        user,
        strongest.realm,
        strongest.nonce,
        uri,
        "",
        strongest.algorithm,
        qop,
        cnonce if qop or session else "",
        nc if qop else 0,
        strongest.opaque,
    )
    response = digest_response(credentials, password, method, body)
    if response is None:
        return Fault("No Challenge We Can Answer")
    return str(replace(credentials, response=response))


class DigestServer:
    """Challenges, and checks what comes back."""

    __slots__ = ("_counts", "_forgotten_ms", "_key", "_lifetime_ms", "_random_bytes", "realm")

    def __init__(self, key: bytes, realm: str, random_bytes: Callable[[int], bytes], lifetime_s: float = 60.0) -> None:
        """`key` is made at boot: nonces of an earlier run are stale. `random_bytes(n)` is the random source."""
        self.realm = realm
        self._key = key
        self._random_bytes = random_bytes
        self._lifetime_ms = int(lifetime_s * 1000)
        self._counts: dict[bytes, int] = {}
        self._forgotten_ms = -1
        "Nonces made up to here may have been used without our remembering how often."

    def challenge(
        self, now: float, algorithms: Iterable[str] = ("SHA-256", "MD5"), stale: bool = False
    ) -> tuple[str, ...]:
        """One header value per algorithm, in the order given: by RFC 8760 that is the order of preference."""
        salt = self._random_bytes(_RANDOM_BYTES)
        return tuple(
            str(Challenge(self.realm, self._nonce(int(now * 1000), salt, name), name, ("auth",), stale=stale))
            for name in algorithms
        )

    def verify(
        self,
        authorization: str,
        method: str,
        uri: str,
        body: bytes,
        password_of: Callable[[str], str | None],
        now: float,
    ) -> str | Verdict:
        """The user these credentials prove, or why they prove nothing. `uri` is the Request-URI."""
        credentials = parse_credentials(authorization)
        if isinstance(credentials, Fault) or credentials.scheme.lower() != "digest":
            return Verdict.MALFORMED
        if credentials.realm != self.realm:
            return Verdict.WRONG
        if credentials.uri != uri and not _same(credentials.uri, uri):
            return Verdict.MALFORMED
        password = password_of(credentials.username)
        expected = digest_response(credentials, _NOBODY if password is None else password, method, body)
        if expected is None:
            return Verdict.MALFORMED
        right = hmac.compare_digest(expected.encode(), _bytes(credentials.response))
        if password is None or not right:
            return Verdict.WRONG
        nonce = _decode(credentials.nonce)
        if not self._is_ours(nonce, _split_algorithm(credentials.algorithm)[0]):
            return Verdict.STALE
        age_ms = int(now * 1000) - _time_of(nonce)
        fresh = 0 <= age_ms <= self._lifetime_ms and self._count(nonce, credentials.nc or 1)
        return credentials.username if fresh else Verdict.STALE

    def _count(self, nonce: bytes, count: int) -> bool:
        """Note the use of a nonce; False when it was used that often before."""
        highest = self._counts.get(nonce)
        if highest is None:
            if _time_of(nonce) <= self._forgotten_ms:
                return False
            if len(self._counts) >= NONCE_LIMIT:
                self._forget_oldest()
        elif count <= highest:
            return False
        self._counts[nonce] = count
        return True

    def _forget_oldest(self) -> None:
        oldest = next(iter(self._counts))
        del self._counts[oldest]
        self._forgotten_ms = max(self._forgotten_ms, _time_of(oldest))

    def _nonce(self, made_ms: int, salt: bytes, algorithm: str) -> str:
        """Bound to its algorithm, so that nobody answers with a weaker one than we asked for."""
        head = _TIME.pack(made_ms) + salt
        return base64.urlsafe_b64encode(head + self._mac(head, algorithm)).decode()

    def _is_ours(self, nonce: bytes, algorithm: str) -> bool:
        head = nonce[: _TIME.size + _RANDOM_BYTES]
        return hmac.compare_digest(nonce[len(head) :], self._mac(head, algorithm))

    def _mac(self, head: bytes, algorithm: str) -> bytes:
        return hmac.digest(self._key, head + _bytes(f"{self.realm}\x00{algorithm}"), "sha256")[:_MAC_BYTES]


def _answerable(challenge: Challenge) -> bool:
    known = challenge.scheme.lower() == "digest" and _split_algorithm(challenge.algorithm)[0] in ALGORITHMS
    return known and (not challenge.qop or "auth" in challenge.qop or "auth-int" in challenge.qop)


def _strength(challenge: Challenge) -> int:
    return -ALGORITHMS.index(_split_algorithm(challenge.algorithm)[0])


def _split_algorithm(algorithm: str) -> tuple[str, bool]:
    """Name of the hash, upper case, and whether the -sess variant is meant."""
    name = algorithm.upper()
    return name.removesuffix("-SESS"), name.endswith("-SESS")


def _same(a: str, b: str) -> bool:
    """Whether two URIs are equivalent: a proxy on the way may have rewritten the one as the other (RFC 3261, 22.4)."""
    left, right = parse_uri(a), parse_uri(b)
    return isinstance(left, Uri) and isinstance(right, Uri) and equivalent(left, right)


def _hash(name: str, data: bytes) -> str:
    return hashlib.new(_HASHES[name], data, usedforsecurity=False).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _decode(nonce: str) -> bytes:
    try:
        return base64.b64decode(_bytes(nonce), altchars=b"-_", validate=True)
    except binascii.Error:
        return b""


def _time_of(nonce: bytes) -> int:
    """When one of our nonces was made, in milliseconds."""
    return int(_TIME.unpack_from(nonce)[0])
