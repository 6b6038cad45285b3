"""Signing calls and judging signed ones (STIR/SHAKEN): keys by tenant, roots, hosts (rows N9, N12)."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Literal

from trunkline.policy import snapshot
from trunkline.policy.problem import Finding, Location, unknown
from trunkline.policy.scalars import FileName, Kind, Name, Secret, Text, _matching
from trunkline.policy.section import Section, key
from trunkline.policy.sharing import ShortWait

if TYPE_CHECKING:
    from trunkline.policy.document import Document

Url = Annotated[str, _matching(r"https://[A-Za-z0-9.-]+(:(443|8443))?/[^\s\"<>;,]*", "no address of a certificate", "write https://HOST/PATH, port 443 or 8443"), Kind("https URL")]
HostPattern = Annotated[
    str, _matching(r"\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", "no host", "write a host, or `.example.org` for every host below it"), Kind("host, or `.domain`")
]  # fmt: skip


class SigningKey(Section):
    """A key to sign with, and where its certificate lies."""

    x5u: Url = key(example="https://certificates.example.org/acme.pem")
    "Where verifiers fetch the certificate."
    private_key: Secret = key(example='"file:acme-signing.pem"')
    "The private key, PEM, on P-256."
    provider: Name | None = key(None, example="alpha")
    "The carrier whose certificate this is; without it the certificate is your own."
    agreement: Text = key("", example="alpha-2026-03")
    "Agreement by which `provider` lets you sign with its certificate; needed with `provider`."
    caller_name: Text = key("", example="Acme Ltd")
    "Verified name shown to callees (RFC 9795); empty sends none."


class Attestation(Section):
    """Nothing is signed unless a tenant has a key here; nothing is judged without roots."""

    sign: dict[Name, SigningKey] = key({}, example='{acme: {x5u: "https://certificates.example.org/acme.pem", private_key: "file:acme.pem"}}')
    "Keys by tenant."
    transit: SigningKey | None = key(None, example='{x5u: "https://certificates.example.org/transit.pem", private_key: "file:transit.pem"}')
    "Key for what only passes through (level C) and for diverted calls (`div`)."
    roots: FileName | None = key(None, example="sti-roots.pem")
    "Certificates of the authorities whose signers are believed, PEM."
    hosts: tuple[HostPattern, ...] = key((), example='[".example.org"]')
    "Hosts certificates may be fetched from."
    wait: ShortWait = key(1.0, example="500ms")
    """Longest wait of a call for its signer's certificate when that is not at hand, counted from the first call that wanted it; after it the call
    goes on unjudged (`No-TN-Validation`). 0 waits for none."""
    clock: Literal["kernel", "trusted"] = key("kernel", example="trusted")
    """How it is known that the clock is right: by the kernel's own record of its synchronisation, or because you vouch for it. With a wrong clock
    nothing is signed or judged."""


def keys_of(document: "Document") -> Iterator[tuple[Location, SigningKey]]:
    """Every signing key and where it is written."""
    section = document.attestation
    for name, signing in section.sign.items():
        yield ("attestation", "sign", name), signing
    if section.transit is not None:
        yield ("attestation", "transit"), section.transit


def check_attestation(document: "Document") -> Iterator[Finding]:
    """What the section alone cannot know."""
    for path, signing in keys_of(document):
        if path[1] == "sign" and path[2] not in document.tenants:
            yield unknown(path, "tenant", str(path[2]), document.tenants)
        if signing.provider is not None and not signing.agreement:
            yield Finding((*path, "provider"), "signing with a provider's certificate needs its agreement", "add `agreement`, a reference to the document")
        if signing.provider is not None and signing.provider not in document.carriers:
            yield unknown((*path, "provider"), "carrier", signing.provider, document.carriers)
    if document.attestation.roots and not document.attestation.hosts:
        yield Finding(("attestation", "roots"), "calls are to be judged, and no host may be asked for certificates", "add `hosts`")


def check_keys(document: "Document", secrets: Mapping[str, str]) -> Iterator[Finding]:
    """Keys that cannot be signed with; secrets that are not at hand are not looked at."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    for path, signing in keys_of(document):
        secret = secrets.get(signing.private_key)
        if secret is None:
            continue
        try:
            loaded = load_pem_private_key(secret.encode(), None)
            good = isinstance(loaded, ec.EllipticCurvePrivateKey) and isinstance(loaded.curve, ec.SECP256R1)
        except (ValueError, TypeError):
            good = False
        if not good:
            yield Finding((*path, "private_key"), "it holds no private key on P-256", "make one: openssl ecparam -name prime256v1 -genkey -noout")


def compile_attestation(section: Attestation, secrets: Mapping[str, str], files: Mapping[str, bytes]) -> snapshot.Attestation:
    """As calls use it."""
    return snapshot.Attestation(
        sign={name: _slot(signing, secrets) for name, signing in section.sign.items()},
        transit=_slot(section.transit, secrets) if section.transit is not None else None,
        roots=files.get(section.roots, b"") if section.roots else b"",
        hosts=section.hosts,
        clock=section.clock,
        wait_s=section.wait,
    )


def _slot(signing: SigningKey, secrets: Mapping[str, str]) -> snapshot.SigningKey:
    return snapshot.SigningKey(signing.x5u, secrets.get(signing.private_key, ""), signing.provider or "", signing.agreement, signing.caller_name)
