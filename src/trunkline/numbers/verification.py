"""Verifying the Identity of calls that come in (RFC 8224 section 6.2, RFC 8588 section 5, RFC 8946 section 5).

Sans-IO: `verify` answers with a verdict, or with the certificates it needs. A failed verification does not end a call here; what it means is
policy, and the reason travels in `Reason: STIR` (RFC 9410).
"""

from collections import deque
from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.grammar import quote
from trunkline.sip.headers.identity import Identity, parse_identity
from trunkline.sip.headers.reason import Reason

from . import passport
from .certificates import Signer, Trust
from .clock_check import ClockCheck
from .passport import Passport

FRESHNESS_S = 60
"How old, or how far ahead, `iat` may be: what verifiers commonly use."
IDENTITY_LIMIT = 8
"Identity headers of one call that are read; more is no honest call."
REPLAY_LIMIT = 200_000
"Signatures remembered: a minute at 3,000 calls/s."

TEXTS = {
    403: "Stale Date", 428: "Use Identity Header", 436: "Bad Identity Info", 437: "Unsupported Credential", 438: "Invalid Identity Header",
}  # fmt: skip
"Codes of RFC 8224 section 6.2.2 and their phrases."


class Verified(Struct, frozen=True, gc=False):
    """The caller is who the signer says."""

    attest: str
    "A, B or C; empty for a PASSporT without SHAKEN."
    origid: str
    signer: str
    "Subject of the certificate."
    diverted: int = 0
    "How many `div` PASSporTs lie between the call as signed and as it came."

    @property
    def verstat(self) -> str:
        """For P-Asserted-Identity or From (3GPP TS 24.229 section 7.2A.20)."""
        return "TN-Validation-Passed"


class Failed(Struct, frozen=True, gc=False):
    """It is not proven; the call may go on, its caller is not to be believed."""

    status: int
    "403, 428, 436, 437 or 438 (RFC 8224 section 6.2.2)."
    why: str
    "For a person."
    ppi: str = ""
    "The PASSporT it is about, compact form (RFC 9410 section 4)."

    @property
    def verstat(self) -> str:
        return "No-TN-Validation" if self.status == 428 else "TN-Validation-Failed"

    def reason(self) -> Reason:
        """`Reason: STIR;cause=436;text="Bad Identity Info";ppi="..."`."""
        params = (("ppi", quote(self.ppi)),) if self.ppi else ()
        return Reason("STIR", self.status, TEXTS[self.status], params)


class Unjudged(Struct, frozen=True, gc=False):
    """Our own clock may not be relied on, so nothing is said about the caller."""

    why: str

    @property
    def verstat(self) -> str:
        return "No-TN-Validation"


class Fetch(Struct, frozen=True, gc=False):
    """Certificates to fetch (and hand to `Trust.fetched`) before asking again; each from public addresses only (`is_public`)."""

    urls: tuple[str, ...]


Verdict: TypeAlias = Verified | Failed | Unjudged | Fetch


class Arrived(Struct, frozen=True, gc=False):
    """A call, as far as its signature is concerned."""

    call_id: str
    orig: str
    "Caller in E.164."
    dest: str
    "Called number in E.164."
    identities: tuple[str, ...]
    "Identity values as received."
    date_s: int | None = None
    "Date header, UTC seconds; needed for the compact form."


class Verifier:
    """Verdicts over one trust store; remembers signatures for as long as they are fresh."""

    def __init__(self, trust: Trust, clock: ClockCheck, freshness_s: int = FRESHNESS_S) -> None:
        self.trust = trust
        self._clock = clock
        self._freshness_s = freshness_s
        self._seen: dict[bytes, str] = {}
        "Signature -> Call-ID it came with."
        self._order: deque[tuple[int, bytes]] = deque()

    def verify(self, call: Arrived, at_s: int) -> Verdict:
        """Judge the call's signatures at UTC second `at_s`."""
        if not call.identities:
            return Failed(428, "the call is not signed")
        trouble = self._clock.trouble(at_s)
        if trouble:
            return Unjudged(trouble)
        if len(call.identities) > IDENTITY_LIMIT:
            return Failed(438, "too many Identity headers")
        orig, called = passport.telephone_number(call.orig), passport.telephone_number(call.dest)
        read: list[tuple[Identity, Passport]] = []
        failed: Failed | None = None
        for text in call.identities:
            found = self._read(text, orig, called, call.date_s)
            if isinstance(found, Failed):
                failed = failed or found
            else:
                read.append(found)
        chain = _chain(read, orig, called)
        if chain is None:
            return failed or Failed(438, "no PASSporT is about this call", _ppi(read))
        missing = [url for url in dict.fromkeys(one.info for one, _ in chain) if not self.trust.refuses_url(url) and self.trust.known(url, at_s) is None]
        if missing:
            return Fetch(tuple(missing))
        signer: Signer | None = None
        for identity, one in chain:
            judged = self._judge(identity, one, call, at_s)
            if isinstance(judged, Failed):
                return judged
            signer = judged
        assert signer is not None
        for _, one in chain:
            self._remember(one.signature, call.call_id, at_s)
        claims = chain[-1][1].claims
        return Verified(str(claims.get("attest", "")), str(claims.get("origid", "")), signer.subject, len(chain) - 1)

    def _read(self, text: str, orig: str, called: str, date_s: int | None) -> tuple[Identity, Passport] | Failed:
        identity = parse_identity(text)
        if isinstance(identity, Fault):
            return Failed(438, "the Identity header cannot be read")
        if not identity.info:
            return Failed(436, "the Identity header has no info", _compact(identity.passport))
        try:
            if identity.is_compact:
                return identity, _rebuilt(identity, orig, called, date_s)
            one = passport.read(identity.passport)
        except passport.MalformedError as error:
            return Failed(438, str(error), _compact(identity.passport))
        return identity, one

    def _judge(self, identity: Identity, one: Passport, call: Arrived, at_s: int) -> Signer | Failed:
        ppi = _compact(identity.passport)
        if (identity.alg or "ES256") != "ES256" or one.header.get("alg") != "ES256":
            return Failed(437, "signed with another algorithm than ES256", ppi)
        if one.header.get("typ") != "passport" or (identity.ppt and identity.ppt != one.ppt):
            return Failed(438, "header and PASSporT differ about its type", ppi)
        if one.header.get("x5u") != identity.info:
            return Failed(436, "info and x5u differ", ppi)
        if one.ppt == "shaken" and (one.claims.get("attest") not in ("A", "B", "C") or not isinstance(one.claims.get("origid"), str)):
            return Failed(438, "attest or origid is missing (RFC 8588 section 4)", ppi)
        iat = one.iat
        if iat is None:
            return Failed(438, "iat is missing", ppi)
        if abs(at_s - iat) > self._freshness_s:
            return Failed(403, f"signed {at_s - iat} s ago", ppi)
        refused = self.trust.refuses_url(identity.info)
        if refused:
            return Failed(436, f"certificate URL {refused}", ppi)
        signer = self.trust.known(identity.info, at_s)
        if not isinstance(signer, Signer):
            why = signer or "certificate is not at hand"
            return Failed(436 if why == "could not be fetched" or signer is None else 437, f"certificate: {why}", ppi)
        if not passport.verify_bytes(signer.key, one.signature, one.signed):
            return Failed(438, "the signature is not of this PASSporT", ppi)
        if not signer.speaks_for.covers(one.diverted_from if one.ppt == "div" else one.orig):
            return Failed(437, "the certificate does not speak for this number", ppi)
        if self._seen.get(one.signature, call.call_id) != call.call_id:
            return Failed(438, "the PASSporT was used for another call before", ppi)
        return signer

    def _remember(self, signature: bytes, call_id: str, at_s: int) -> None:
        while self._order and (self._order[0][0] <= at_s or len(self._order) >= REPLAY_LIMIT):
            self._seen.pop(self._order.popleft()[1], None)
        if signature not in self._seen:
            self._seen[signature] = call_id
            self._order.append((at_s + 2 * self._freshness_s + 1, signature))


def _chain(read: Sequence[tuple[Identity, Passport]], orig: str, called: str) -> list[tuple[Identity, Passport]] | None:
    """From the call as it came back to the call as signed: `div` after `div`, then the SHAKEN (or base) PASSporT; None when they do not link."""
    chain: list[tuple[Identity, Passport]] = []
    target, left = called, [pair for pair in read if pair[1].orig == orig]
    while True:
        for ppt in ("shaken", ""):
            found = next((pair for pair in left if pair[1].ppt == ppt and target in pair[1].dest), None)
            if found is not None:
                return [*chain, found]
        step = next((pair for pair in left if pair[1].ppt == "div" and target in pair[1].dest and pair[1].diverted_from), None)
        if step is None:
            return None
        left.remove(step)
        chain.append(step)
        target = step[1].diverted_from


def _rebuilt(identity: Identity, orig: str, called: str, date_s: int | None) -> Passport:
    if identity.ppt not in ("",):
        raise passport.MalformedError("only a base PASSporT may be compact")
    if date_s is None:
        raise passport.MalformedError("the compact form needs a Date header")
    header: dict[str, Any] = {"alg": "ES256", "typ": "passport", "x5u": identity.info}
    claims: dict[str, Any] = {"dest": {"tn": [called]}, "iat": date_s, "orig": {"tn": orig}}
    return passport.rebuild(identity.passport, header, claims)


def _compact(text: str) -> str:
    """`..signature`: enough to know it again, without repeating it whole (RFC 9410 section 4)."""
    return ".." + text.rpartition(".")[2][:128]


def _ppi(read: Sequence[tuple[Identity, Passport]]) -> str:
    return _compact(read[0][0].passport) if read else ""
