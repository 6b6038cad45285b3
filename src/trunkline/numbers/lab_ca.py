"""A certificate authority for laboratories: root, issuer and signers with TNAuthList, as STI certificates are made (RFC 8226, ATIS-1000080).

For tests and for trying signing out; no carrier trusts its root.
"""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from .tn_auth import OID, TnAuth, render


class Issued(Struct, frozen=True, gc=False):
    """A signer's files, PEM."""

    chain: bytes
    "Its certificate, then the issuer's: what `x5u` serves."
    key: bytes
    "PKCS 8."


class LabCa:
    """Root and one issuer below it; `at_s` (UTC seconds) is today for every certificate."""

    def __init__(self, at_s: int, days: int = 365) -> None:
        self._today = datetime.fromtimestamp(at_s, UTC)
        self._days = days
        root_key, self._key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root_name, self._name = _name("Trunkline lab STI root"), _name("Trunkline lab STI issuer")
        root = self._certificate(root_name, root_name, root_key.public_key(), root_key, ca=1)
        issuer = self._certificate(self._name, root_name, self._key.public_key(), root_key, ca=0)
        self.root = root.public_bytes(serialization.Encoding.PEM)
        self._issuer = issuer.public_bytes(serialization.Encoding.PEM)

    def issue(self, name: str, speaks_for: TnAuth | None, *, days: int | None = None, began_days: int = 0) -> Issued:
        """A signer; without `speaks_for` one that no verifier should believe. `began_days` ago it became valid, for `days`."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(_name(name), self._name, key.public_key(), self._key, tn_auth=speaks_for, days=days, began_days=began_days)
        chain = certificate.public_bytes(serialization.Encoding.PEM) + self._issuer
        return Issued(chain, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))

    def _certificate(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, signed_by: ec.EllipticCurvePrivateKey, *,
        ca: int | None = None, tn_auth: TnAuth | None = None, days: int | None = None, began_days: int = 0,
    ) -> x509.Certificate:  # fmt: skip
        """`ca` is the number of authorities allowed below; None makes a signer."""
        is_ca = ca is not None
        usage = x509.KeyUsage(not is_ca, False, False, False, False, is_ca, is_ca, False, False)
        began = self._today - timedelta(days=began_days, hours=1)
        builder = (
            x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key).serial_number(x509.random_serial_number())
            .not_valid_before(began).not_valid_after(began + timedelta(days=self._days if days is None else days))
            .add_extension(x509.BasicConstraints(is_ca, ca), True).add_extension(usage, True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by.public_key()), False)
        )  # fmt: skip
        if tn_auth is not None:
            builder = builder.add_extension(x509.UnrecognizedExtension(OID, render(tn_auth)), False)
        return builder.sign(signed_by, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COUNTRY_NAME, "US"), x509.NameAttribute(NameOID.COMMON_NAME, common)])
