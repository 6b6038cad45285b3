"""Signing calls: which level we may claim, with whose key, and what becomes of an Identity that came with the call (RFC 8224, 8588, 8946).

Off unless a tenant has a key slot. The level is worked out from what we know about the caller, once per call; every attempt is signed afresh
at that level, because a PASSporT is stale after a minute and each attempt may write the called number differently.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from msgspec import Struct

from trunkline.sip.fault import Fault
from trunkline.sip.headers.identity import Identity, parse_identity

from . import passport
from .clock_check import ClockCheck


class Level(StrEnum):
    """Attestation (RFC 8588 section 4)."""

    A = "A"
    "We know the customer, and that the number is theirs to call with."
    B = "B"
    "We know the customer, not the number."
    C = "C"
    "It came through a gateway; we only know where it entered."


class Origin(Struct, frozen=True, gc=False):
    """What is known of who calls."""

    tenant: str
    "Empty for traffic of a gateway."
    authenticated: bool
    "By digest, registration or a source address agreed with the tenant."
    owned: bool
    "The number is in the inventory and belongs to that tenant."
    proven: bool
    "With a proof of right that is in date."


def level_of(origin: Origin) -> Level:
    """The highest level that is true. Never A for traffic that merely passes through (ATIS-1000074)."""
    if not origin.tenant or not origin.authenticated:
        return Level.C
    return Level.A if origin.owned and origin.proven else Level.B


class Slot(Struct, frozen=True):
    """A key to sign with, and where its certificate lies."""

    x5u: str
    key: ec.EllipticCurvePrivateKey
    agreement: str = ""
    "Agreement by which a provider's own certificate is used; empty when the certificate is the operator's."

    def __repr__(self) -> str:
        return f"Slot(x5u={self.x5u!r})"


def slot(x5u: str, key_pem: bytes, agreement: str = "", *, provider: bool = False) -> Slot:
    """A slot from a PEM key. Raises ValueError: not a P-256 key, not https, or a provider's certificate without an agreement on record."""
    key = load_pem_private_key(key_pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the key is not on P-256; ES256 needs one")
    if not x5u.startswith("https://"):
        raise ValueError("x5u is not https")
    if provider and not agreement:
        raise ValueError("signing with a provider's certificate needs the agreement that allows it")
    return Slot(x5u, key, agreement)


class Unsigned(Struct, frozen=True, gc=False):
    """The call goes out without a new signature."""

    why: str


class Attestor:
    """Signs attempts; one slot per tenant, and one for what passes through."""

    def __init__(self, slots: Mapping[str, Slot], transit: Slot | None, clock: ClockCheck, node: str) -> None:
        """`slots` by tenant; `transit` signs level C and `div`; `node` names the origination point in `origid`."""
        self._slots = dict(slots)
        self._transit = transit
        self._clock = clock
        self._node = node

    def origid(self, trunk: str) -> str:
        """UUID of an origination point: the same for every call of a trunk, and says nothing about it (RFC 8588 section 4)."""
        return str(uuid5(NAMESPACE_URL, f"trunkline:{self._node}:{trunk}"))

    def sign(self, level: Level, tenant: str, trunk: str, orig: str, dest: str, at_s: int) -> Identity | Unsigned:
        """A SHAKEN Identity for one attempt; `orig` and `dest` are E.164, `at_s` UTC seconds."""
        used = self._transit if level is Level.C else self._slots.get(tenant)
        if used is None:
            return Unsigned("signing is off")
        trouble = self._clock.trouble(at_s)
        if trouble:
            return Unsigned(trouble)
        if not passport.telephone_number(orig) or not passport.telephone_number(dest):
            return Unsigned("caller or callee is not a number")
        claims = passport.shaken_claims(level.value, orig, dest, self.origid(trunk), at_s)
        return Identity(passport.write(passport.shaken_header(used.x5u), claims, used.key), used.x5u, "ES256", "shaken")

    def name(self, tenant: str, orig: str, dest: str, name: str, reason: str, at_s: int) -> Identity | Unsigned:
        """A second Identity that carries a verified name, and why one calls (RFC 9795). Optional, never without a SHAKEN one."""
        used = self._slots.get(tenant)
        if used is None:
            return Unsigned("signing is off")
        trouble = self._clock.trouble(at_s)
        if trouble:
            return Unsigned(trouble)
        claims = passport.rcd_claims(orig, dest, name, reason, at_s)
        return Identity(passport.write(passport.rcd_header(used.x5u), claims, used.key), used.x5u, "ES256", "rcd")

    def forward(self, received: Sequence[str], came: tuple[str, str], goes: tuple[str, str], at_s: int) -> tuple[str, ...] | Unsigned:
        """Identity values for a call that came with some; `came` and `goes` are (caller, called) in E.164.

        Unaltered while both are the same; with another called number a `div` PASSporT is added (RFC 8946). With another caller, or when none of
        them is about this call, they are dropped: they would state a falsehood, and the call is to be signed as any other.
        """
        before, after = tuple(map(passport.telephone_number, came)), tuple(map(passport.telephone_number, goes))
        if before[0] != after[0]:
            return Unsigned("the caller was replaced")
        if not any(_is_about(text, before[0], before[1]) for text in received):
            return Unsigned("the Identity received is about another call")
        if before[1] == after[1]:
            return tuple(received)
        if self._transit is None:
            return Unsigned("the called number was replaced and signing is off")
        trouble = self._clock.trouble(at_s)
        if trouble:
            return Unsigned(trouble)
        x5u = self._transit.x5u
        claims = passport.div_claims(goes[0], goes[1], came[1], at_s)
        added = Identity(passport.write(passport.div_header(x5u), claims, self._transit.key), x5u, "ES256", "div")
        return (*received, str(added))


def _is_about(text: str, orig: str, dest: str) -> bool:
    identity = parse_identity(text)
    if isinstance(identity, Fault):
        return False
    if identity.is_compact:
        return True
    try:
        read = passport.read(identity.passport)
    except passport.MalformedError:
        return False
    return read.orig == orig and dest in read.dest
