"""Certificates of signers: where one may be fetched, whether it leads to a trusted root, and for which numbers it speaks.

Certificates for STIR carry no host name and no TLS usage (RFC 8226), so a TLS verifier refuses them all: the chain is built here, under the
rules RFC 5280 section 6 sets for signatures, dates, basic constraints and key usage. Fetching is someone else's: this says what to fetch, from
which addresses it must not come, and keeps what came.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from .tn_auth import TnAuth, read_tn_auth

MAX_BYTES = 65_536
"Longest certificate file a fetch may bring."
PATH_LIMIT = 4
"Certificates from a signer to its root."
CACHE_LIMIT = 1_024

NAT64 = ip_network("64:ff9b::/96")
"IPv4 addresses as a translator writes them (RFC 6052 section 2.1)."


class UntrustedError(ValueError):
    """The certificate cannot be believed; the text says why."""


class Signer(Struct, frozen=True):
    """A certificate that leads to a root."""

    key: ec.EllipticCurvePublicKey
    subject: str
    speaks_for: TnAuth
    expires_s: int
    "UTC seconds when the first certificate of its path lapses."


class Trust:
    """Roots, hosts a certificate may be fetched from, and the certificates fetched so far.

    `hosts` are names, or `.example.org` for every name below; empty trusts no host at all. Fetched certificates are kept `keep_s` seconds, a
    failed fetch `retry_s`, and never longer than they are valid.
    """

    def __init__(self, roots_pem: bytes, hosts: Iterable[str], keep_s: int = 3_600, retry_s: int = 30) -> None:
        """Raises ValueError when a root cannot be read."""
        self._roots = x509.load_pem_x509_certificates(roots_pem) if roots_pem.strip() else []
        self._hosts = tuple(host.lower() for host in hosts)
        self._keep_s, self._retry_s = keep_s, retry_s
        self._known: dict[str, tuple[int, Signer | str]] = {}
        "URL -> (UTC seconds to forget it at, signer or why there is none)."

    def refuses_url(self, url: str) -> str:
        """Why this URL may not be fetched; empty when it may: https, an allowed host by name, no user, port 443 or 8443 (ATIS-1000074)."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            return "not a URL"
        host = (parts.hostname or "").rstrip(".")
        if parts.scheme != "https":
            return "not https"
        if parts.username is not None or parts.password is not None:
            return "holds a user"
        if port not in (None, 443, 8443):
            return "port is not 443 or 8443"
        if _is_address(host):
            return "names an address, not a host"
        if not any(host == allowed or (allowed.startswith(".") and host.endswith(allowed)) for allowed in self._hosts):
            return "host is not on the list"
        return ""

    def known(self, url: str, at_s: int) -> Signer | str | None:
        """The signer at `url`, or why there is none, or None when it must be fetched."""
        found = self._known.get(url)
        if found is None or found[0] <= at_s:
            return None
        return found[1]

    def fetched(self, url: str, pem: bytes | None, at_s: int) -> Signer | str:
        """Keep what a fetch brought: certificate first, then its issuers; None when it brought nothing."""
        signer: Signer | str
        if pem is None:
            signer = "could not be fetched"
        else:
            try:
                signer = self.trusted(pem, at_s)
            except (UntrustedError, x509.InvalidVersion, x509.DuplicateExtension) as error:
                signer = str(error)
        if len(self._known) >= CACHE_LIMIT:
            self._known.clear()
        until = min(at_s + self._keep_s, signer.expires_s) if isinstance(signer, Signer) else at_s + self._retry_s
        self._known[url] = (until, signer)
        return signer

    def trusted(self, pem: bytes, at_s: int) -> Signer:
        """The signer whose certificate comes first in `pem`; raises UntrustedError."""
        if len(pem) > MAX_BYTES:
            raise UntrustedError("certificate file is too long")
        try:
            given = x509.load_pem_x509_certificates(pem)
        except ValueError as error:
            raise UntrustedError("certificate cannot be read") from error
        leaf = given[0]
        key = _key_of(leaf)
        if not _usage(leaf, "digital_signature"):
            raise UntrustedError("certificate is not for signatures")
        path = self._path(leaf, given[1:], datetime.fromtimestamp(at_s, UTC))
        try:
            speaks_for = read_tn_auth(leaf)
        except ValueError as error:
            raise UntrustedError("TNAuthList cannot be read") from error
        if speaks_for is None:
            raise UntrustedError("certificate has no TNAuthList (RFC 8226 section 9)")
        expires = min(int(one.not_valid_after_utc.timestamp()) for one in path)
        return Signer(key, leaf.subject.rfc4514_string(), speaks_for, expires)

    def _path(self, leaf: x509.Certificate, others: list[x509.Certificate], moment: datetime) -> list[x509.Certificate]:
        """From the leaf to a root; of several issuers of one name the first that signed is taken."""
        path = [leaf]
        while len(path) <= PATH_LIMIT:
            last = path[-1]
            if not last.not_valid_before_utc <= moment <= last.not_valid_after_utc:
                raise UntrustedError("certificate is not valid today")
            if last in self._roots and len(path) > 1:
                return path
            issuer = next((one for one in (*self._roots, *others) if one not in path and _issued(one, last, len(path) - 1)), None)
            if issuer is None:
                raise UntrustedError("certificate leads to no root")
            path.append(issuer)
        raise UntrustedError("certificate path is too long")


def is_public(address: str) -> bool:
    """Whether a certificate may be fetched from this IP address; a name that leads inside is refused after it was resolved."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if parsed in NAT64:
        parsed = ip_address(int(parsed) & 0xFFFF_FFFF)
    mapped = getattr(parsed, "ipv4_mapped", None) or parsed
    return bool(mapped.is_global and not mapped.is_multicast)


def _issued(issuer: x509.Certificate, subject: x509.Certificate, below: int) -> bool:
    """Whether `issuer` may sign certificates, with `below` authorities between it and the leaf, and signed `subject`."""
    try:
        constraints = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not constraints.ca or (constraints.path_length is not None and constraints.path_length < below) or not _usage(issuer, "key_cert_sign"):
            return False
        subject.verify_directly_issued_by(issuer)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _usage(certificate: x509.Certificate, what: str) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return bool(getattr(usage, what))


def _key_of(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UntrustedError("certificate's key cannot be read") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise UntrustedError("certificate's key is not on P-256")
    return key


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return not host or host.replace(".", "").isdigit() or host.startswith("0x")
    return True
