"""Signing and verifying: published vectors, levels, what is forwarded, and every way a signature can be wrong."""

import contextlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from hypothesis import given
from hypothesis import strategies as st

from trunkline.numbers import (
    Arrived,
    Attestor,
    ClockCheck,
    Failed,
    Fetch,
    Level,
    Origin,
    Trust,
    Unjudged,
    Unsigned,
    Verified,
    Verifier,
    is_public,
    level_of,
    passport,
    slot,
)
from trunkline.numbers.attestation import Slot
from trunkline.numbers.certificates import Signer
from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.numbers.tn_auth import TnAuth, parse, render
from trunkline.numbers.verification import Verdict
from trunkline.sip.headers.identity import Identity, parse_identity
from trunkline.sip.headers.reason import parse_reasons

NOW = 1_772_366_400
X5U = "https://certificates.example.org/acme.pem"
TRANSIT = "https://certificates.example.org/transit.pem"
ORIG, DEST = "+12155551212", "+12155551213"

# RFC 8225 appendix A: the key, and header and claims as they are to be written.
RFC8225_KEY = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi7q2TZvN9VDFg8Vy
qCP06bETrR2v8MRvr89rn4i+UAahRANCAAQWfaj1HUETpoNCrOtp9KA8o0V79IuW
ARKt9C1cFPkyd3FBP4SeiNZxQhDrD0tdBHls3/wFe8++K2FrPyQF9vuh
-----END PRIVATE KEY-----
"""
RFC8225_HEADER = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9"
RFC8225_CLAIMS = "eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI6eyJ0biI6IjEyMTU1NTUxMjEyIn19"

# RFC 7515 appendix A.3: an ES256 signature somebody else made.
RFC7515_X, RFC7515_Y = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
RFC7515_SIGNED = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
RFC7515_SIGNATURE = "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"


def synchronised(at_s: int = NOW, offset_s: float = 0.0) -> ClockCheck:
    clock = ClockCheck()
    clock.compared(offset_s, "test", at_s)
    return clock


AUTHORITY = LabCa(NOW)
ACME = AUTHORITY.issue("SHAKEN 709J", TnAuth(("709J",)))
TRANSIT_CERTIFICATE = AUTHORITY.issue("SHAKEN 123T", TnAuth(("123T",)))


def attestor(clock: ClockCheck | None = None) -> Attestor:
    return Attestor({"acme": slot(X5U, ACME.key)}, slot(TRANSIT, TRANSIT_CERTIFICATE.key), clock or synchronised(), "n1")


def verifier(clock: ClockCheck | None = None) -> Verifier:
    trust = Trust(AUTHORITY.root, ["certificates.example.org"])
    trust.fetched(X5U, ACME.chain, NOW)
    trust.fetched(TRANSIT, TRANSIT_CERTIFICATE.chain, NOW)
    return Verifier(trust, clock or synchronised())


def signed(level: Level = Level.A, orig: str = ORIG, dest: str = DEST, at_s: int = NOW) -> Identity:
    identity = attestor(synchronised(at_s)).sign(level, "acme", "dialer", orig, dest, at_s)
    assert isinstance(identity, Identity)
    return identity


def arrived(*identities: Identity | str, call_id: str = "1@peer", orig: str = ORIG, dest: str = DEST, date_s: int | None = None) -> Arrived:
    return Arrived(call_id, orig, dest, tuple(map(str, identities)), date_s)


def status_of(verdict: Verdict) -> int:
    assert isinstance(verdict, Failed), verdict
    return verdict.status


# Canonical form and primitive.


def test_header_and_claims_are_written_as_rfc_8225_appendix_a_writes_them() -> None:
    header = {"typ": "passport", "alg": "ES256", "x5u": "https://cert.example.org/passport.cer"}
    claims = {"orig": {"tn": "12155551212"}, "iat": 1471375418, "dest": {"uri": ["sip:alice@example.com"]}}
    key = load_pem_private_key(RFC8225_KEY, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    text = passport.write(header, claims, key)
    first, second, _ = text.split(".")
    assert (first, second) == (RFC8225_HEADER, RFC8225_CLAIMS)
    read = passport.read(text)
    assert passport.verify_bytes(key.public_key(), read.signature, read.signed)


def test_the_signature_of_rfc_7515_appendix_a_3_verifies_and_one_bit_less_does_not() -> None:
    x, y = (int.from_bytes(passport.decode(part), "big") for part in (RFC7515_X, RFC7515_Y))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    signature = passport.decode(RFC7515_SIGNATURE)
    assert passport.verify_bytes(key, signature, RFC7515_SIGNED.encode())
    assert not passport.verify_bytes(key, signature[:-1] + bytes([signature[-1] ^ 1]), RFC7515_SIGNED.encode())
    assert not passport.verify_bytes(key, signature, RFC7515_SIGNED.encode() + b"x")
    assert not passport.verify_bytes(key, signature[:-1], RFC7515_SIGNED.encode())


def test_shaken_claims_stand_in_the_order_of_rfc_8588() -> None:
    claims = passport.shaken_claims("A", ORIG, DEST, "123e4567-e89b-12d3-a456-426655440000", 1443208345)
    assert passport.canonical(claims) == (
        b'{"attest":"A","dest":{"tn":["12155551213"]},"iat":1443208345,"orig":{"tn":"12155551212"},"origid":"123e4567-e89b-12d3-a456-426655440000"}'
    )


def test_numbers_are_digits_alone_whatever_trails_them() -> None:
    assert [passport.telephone_number(text) for text in ("+1 (215) 555-1212", "12155551212;tgrp=x;trunk-context=y", "*67#", "alice")] == ["12155551212", "12155551212", "*67#", ""]


@given(st.text(max_size=300))
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(passport.MalformedError):
        passport.read(text)


@given(st.dictionaries(st.text(max_size=8), st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3))))
def test_canonical_form_says_the_same_and_does_not_depend_on_order(value: dict[str, Any]) -> None:
    written = passport.canonical(value)
    assert json.loads(written) == value
    assert passport.canonical(dict(reversed(value.items()))) == written


def test_a_key_said_twice_is_no_passport() -> None:
    _, claims, signature = signed().passport.split(".")
    header = passport.encode(b'{"alg":"ES256","alg":"none","typ":"passport"}')
    with pytest.raises(passport.MalformedError):
        passport.read(f"{header}.{claims}.{signature}")


# Levels and signing.


@pytest.mark.parametrize(
    ("origin", "level"),
    [
        (Origin("acme", True, True, True), Level.A),
        (Origin("acme", True, True, False), Level.B),
        (Origin("acme", True, False, True), Level.B),
        (Origin("acme", True, False, False), Level.B),
        (Origin("acme", False, True, True), Level.C),
        (Origin("", True, True, True), Level.C),
    ],
)
def test_the_level_is_the_highest_that_is_true(origin: Origin, level: Level) -> None:
    assert level_of(origin) is level


def test_signing_is_off_for_a_tenant_without_a_key() -> None:
    assert attestor().sign(Level.A, "other", "dialer", ORIG, DEST, NOW) == Unsigned("signing is off")
    assert Attestor({}, None, synchronised(), "n1").sign(Level.C, "acme", "dialer", ORIG, DEST, NOW) == Unsigned("signing is off")


def test_every_attempt_is_signed_afresh_at_the_same_level_with_the_trunks_origid() -> None:
    first, second = (passport.read(signed(at_s=at_s).passport) for at_s in (NOW, NOW + 20))
    assert (first.iat, second.iat) == (NOW, NOW + 20)
    assert first.claims["origid"] == second.claims["origid"] == attestor().origid("dialer")
    assert first.claims["origid"] != attestor().origid("another")
    assert first.claims["attest"] == second.claims["attest"] == "A"


@pytest.mark.parametrize("offset_s", [6.0, -6.0])
def test_nothing_is_signed_and_nobody_judged_by_a_clock_that_is_off(offset_s: float) -> None:
    assert isinstance(attestor(synchronised(offset_s=offset_s)).sign(Level.A, "acme", "dialer", ORIG, DEST, NOW), Unsigned)
    verdict = verifier(synchronised(offset_s=offset_s)).verify(arrived(signed()), NOW)
    assert isinstance(verdict, Unjudged)
    assert verdict.verstat == "No-TN-Validation"


def test_a_clock_nobody_compared_lately_is_off() -> None:
    assert ClockCheck().trouble(NOW)
    assert not synchronised().trouble(NOW + 3_600)
    assert synchronised().trouble(NOW + 3_601)


def test_a_slot_needs_a_p256_key_https_and_an_agreement_for_a_providers_certificate() -> None:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    other = ec.generate_private_key(ec.SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for arguments in ((X5U, other), ("http://certificates.example.org/a.pem", ACME.key)):
        with pytest.raises(ValueError, match=r"P-256|https"):
            slot(*arguments)
    with pytest.raises(ValueError, match="agreement"):
        slot(X5U, ACME.key, provider=True)
    kept = slot(X5U, ACME.key, "contract of 2026-01-05", provider=True)
    assert kept.agreement == "contract of 2026-01-05"
    assert repr(kept) == f"Slot(x5u='{X5U}')"
    assert isinstance(kept, Slot)


# What came with the call.


def test_a_received_identity_goes_on_unaltered_while_caller_and_called_are_the_same() -> None:
    received = (str(signed()), "..garbled;alg=ES256")
    assert attestor().forward(received, (ORIG, DEST), ("12155551212", DEST), NOW) == received


def test_another_called_number_adds_a_div_that_links_the_two() -> None:
    forwarded = attestor().forward((str(signed()),), (ORIG, DEST), (ORIG, "+14155550100"), NOW + 5)
    assert not isinstance(forwarded, Unsigned)
    verdict = verifier().verify(arrived(*forwarded, dest="+14155550100"), NOW + 5)
    assert isinstance(verdict, Verified)
    assert (verdict.attest, verdict.diverted) == ("A", 1)
    added = parse_identity(forwarded[1])
    assert isinstance(added, Identity)
    assert passport.read(added.passport).claims == {"dest": {"tn": ["14155550100"]}, "div": {"tn": "12155551213"}, "iat": NOW + 5, "orig": {"tn": "12155551212"}}


def test_two_diversions_are_followed_and_a_missing_link_is_not() -> None:
    once = attestor().forward((str(signed()),), (ORIG, DEST), (ORIG, "+14155550100"), NOW)
    assert not isinstance(once, Unsigned)
    twice = attestor().forward(once, (ORIG, "+14155550100"), (ORIG, "+14155550200"), NOW)
    assert not isinstance(twice, Unsigned)
    verdict = verifier().verify(arrived(*twice, dest="+14155550200"), NOW)
    assert isinstance(verdict, Verified)
    assert verdict.diverted == 2
    assert status_of(verifier().verify(arrived(twice[0], twice[2], dest="+14155550200"), NOW)) == 438


def test_with_another_caller_the_received_identity_is_dropped() -> None:
    received = (str(signed()),)
    assert attestor().forward(received, (ORIG, DEST), ("+14155550100", DEST), NOW) == Unsigned("the caller was replaced")
    assert attestor().forward(received, (ORIG, "+14155550100"), (ORIG, "+14155550100"), NOW) == Unsigned("the Identity received is about another call")


# Verifying.


@pytest.mark.parametrize("level", list(Level))
def test_what_we_sign_verifies_with_its_level(level: Level) -> None:
    verdict = verifier().verify(arrived(signed(level)), NOW + 59)
    assert isinstance(verdict, Verified)
    assert (verdict.attest, verdict.verstat) == (level.value, "TN-Validation-Passed")


def test_an_unsigned_call_is_428_and_not_called_a_failure() -> None:
    verdict = verifier().verify(arrived(), NOW)
    assert isinstance(verdict, Failed)
    assert (verdict.status, verdict.verstat, str(verdict.reason())) == (428, "No-TN-Validation", 'STIR;cause=428;text="Use Identity Header"')


@pytest.mark.parametrize("seconds", [61, -61])
def test_a_stale_or_future_signature_is_403(seconds: int) -> None:
    assert status_of(verifier().verify(arrived(signed(at_s=NOW)), NOW + seconds)) == 403


def test_another_caller_or_called_number_is_438() -> None:
    assert status_of(verifier().verify(arrived(signed(), orig="+12155559999"), NOW)) == 438
    assert status_of(verifier().verify(arrived(signed(), dest="+12155559999"), NOW)) == 438


def test_a_changed_claim_is_438_although_it_reads_well() -> None:
    identity = signed(Level.C)
    header, _, signature = identity.passport.split(".")
    claims = passport.encode(passport.canonical(passport.shaken_claims("A", ORIG, DEST, attestor().origid("dialer"), NOW)))
    forged = Identity(f"{header}.{claims}.{signature}", identity.info, identity.alg, identity.ppt)
    assert status_of(verifier().verify(arrived(forged), NOW)) == 438


def test_a_signature_serves_one_call_and_its_retransmissions() -> None:
    judge, identity = verifier(), signed()
    for _ in range(2):
        assert isinstance(judge.verify(arrived(identity, call_id="1@peer"), NOW), Verified)
    assert status_of(judge.verify(arrived(identity, call_id="2@peer"), NOW + 1)) == 438


def test_info_and_x5u_must_agree_and_info_must_be_there() -> None:
    identity = signed()
    assert status_of(verifier().verify(arrived(Identity(identity.passport, TRANSIT, "ES256", "shaken")), NOW)) == 436
    assert status_of(verifier().verify(arrived(Identity(identity.passport, "", "ES256", "shaken")), NOW)) == 436
    assert status_of(verifier().verify(arrived(Identity(identity.passport, X5U, "RS256", "shaken")), NOW)) == 437
    assert status_of(verifier().verify(arrived(Identity(identity.passport, X5U, "ES256", "div")), NOW)) == 438
    assert status_of(verifier().verify(arrived("nonsense;;;=<"), NOW)) == 438


def test_the_reason_names_code_phrase_and_the_passport_it_is_about() -> None:
    identity = signed()
    verdict = verifier().verify(arrived(identity), NOW + 100)
    assert isinstance(verdict, Failed)
    reasons = parse_reasons(str(verdict.reason()))
    assert isinstance(reasons, tuple)
    (reason,) = reasons
    assert (reason.protocol, reason.cause, reason.text) == ("STIR", 403, "Stale Date")
    assert reason.params == (("ppi", f'"..{identity.passport.rpartition(".")[2]}"'),)


def test_a_base_passport_in_compact_form_is_rebuilt_from_the_call() -> None:
    key = load_pem_private_key(ACME.key, None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    claims = {"dest": {"tn": [DEST[1:]]}, "iat": NOW, "orig": {"tn": ORIG[1:]}}
    text = passport.write({"alg": "ES256", "typ": "passport", "x5u": X5U}, claims, key, compact=True)
    identity = Identity(text, X5U, "ES256")
    assert isinstance(verifier().verify(arrived(identity, date_s=NOW), NOW), Verified)
    assert status_of(verifier().verify(arrived(identity, date_s=NOW, orig="+12155559999"), NOW)) == 438
    assert status_of(verifier().verify(arrived(identity), NOW)) == 438


def test_a_name_is_signed_with_rcd_claims() -> None:
    identity = attestor().name("acme", ORIG, DEST, "Acme Repairs", "Your appointment", NOW)
    assert isinstance(identity, Identity)
    read = passport.read(identity.passport)
    assert (read.ppt, read.claims["rcd"], read.claims["crn"]) == ("rcd", {"nam": "Acme Repairs"}, "Your appointment")
    assert isinstance(verifier().verify(arrived(signed(), identity), NOW), Verified)


# Certificates.


def issued_verdict(issued: Issued | None, orig: str = ORIG, hosts: tuple[str, ...] = ("certificates.example.org",), roots: bytes = AUTHORITY.root, x5u: str = X5U) -> Verdict:
    key = issued.key if issued else ACME.key
    identity = Attestor({"acme": slot(x5u, key)}, None, synchronised(), "n1").sign(Level.A, "acme", "dialer", orig, DEST, NOW)
    assert isinstance(identity, Identity)
    judge = Verifier(Trust(roots, hosts), synchronised())
    first = judge.verify(arrived(identity, orig=orig), NOW)
    if not isinstance(first, Fetch):
        return first
    assert first.urls == (x5u,)
    judge.trust.fetched(x5u, issued.chain if issued else None, NOW)
    return judge.verify(arrived(identity, orig=orig), NOW)


def test_a_certificate_is_fetched_once_and_kept() -> None:
    trust = Trust(AUTHORITY.root, ["certificates.example.org"], keep_s=3_600, retry_s=30)
    assert trust.known(X5U, NOW) is None
    assert isinstance(trust.fetched(X5U, ACME.chain, NOW), Signer)
    assert isinstance(trust.known(X5U, NOW + 3_599), Signer)
    assert trust.known(X5U, NOW + 3_600) is None
    assert trust.fetched(X5U, None, NOW) == "could not be fetched"
    assert trust.known(X5U, NOW + 30) is None


def test_one_that_cannot_be_fetched_is_436() -> None:
    assert status_of(issued_verdict(None)) == 436


@pytest.mark.parametrize(
    "issued",
    [
        AUTHORITY.issue("SHAKEN 1", None),
        AUTHORITY.issue("SHAKEN 2", TnAuth(("2",)), days=10, began_days=20),
        AUTHORITY.issue("SHAKEN 3", TnAuth(("3",)), days=10, began_days=-5),
        AUTHORITY.issue("SHAKEN 4", TnAuth(ones=("12155550000",))),
        LabCa(NOW).issue("SHAKEN 5", TnAuth(("5",))),
        Issued(ACME.chain.partition(b"-----END CERTIFICATE-----\n")[0] + b"-----END CERTIFICATE-----\n", ACME.key),
        Issued(b"no certificate", ACME.key),
        Issued(TRANSIT_CERTIFICATE.chain.replace(b"MII", b"MIJ", 1), ACME.key),
    ],
    ids=["no TNAuthList", "lapsed", "not yet valid", "another number", "another root", "issuer missing", "no certificate", "garbled"],
)
def test_one_that_cannot_be_believed_is_437(issued: Issued) -> None:
    assert status_of(issued_verdict(issued)) == 437


def test_an_authoritys_own_certificate_signs_no_calls() -> None:
    issuer = b"-----BEGIN CERTIFICATE-----" + ACME.chain.split(b"-----BEGIN CERTIFICATE-----")[2]
    assert status_of(issued_verdict(Issued(issuer, ACME.key))) == 437


def test_a_signer_cannot_issue_certificates_of_its_own() -> None:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, mine = load_pem_private_key(ACME.key, None), ec.generate_private_key(ec.SECP256R1())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    leaf = x509.load_pem_x509_certificates(ACME.chain)[0]
    today = datetime.fromtimestamp(NOW, UTC)
    forged = (
        x509.CertificateBuilder().subject_name(leaf.subject).issuer_name(leaf.subject).public_key(mine.public_key()).serial_number(7)
        .not_valid_before(today - timedelta(days=1)).not_valid_after(today + timedelta(days=1))
        .add_extension(x509.KeyUsage(True, False, False, False, False, False, False, False, False), True)
        .add_extension(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.26"), render(TnAuth(("709J",)))), False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    chain = forged.public_bytes(Encoding.PEM) + ACME.chain
    assert status_of(issued_verdict(Issued(chain, mine.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())))) == 437


def test_a_certificate_for_a_range_speaks_for_its_numbers_alone() -> None:
    issued = AUTHORITY.issue("range", TnAuth(ranges=(("12155551200", 100),)))
    assert isinstance(issued_verdict(issued), Verified)
    assert status_of(issued_verdict(issued, orig="+12155551300")) == 437


@pytest.mark.parametrize(
    "url",
    [
        "http://certificates.example.org/a.pem", "https://evil.example/a.pem", "https://certificates.example.org.evil.example/a.pem", "https://192.0.2.1/a.pem",
        "https://[::1]/a.pem", "https://127.1/a.pem", "https://0x7f000001/a.pem", "https://user@certificates.example.org/a.pem", "https://certificates.example.org:22/a.pem",
        "https://certificates.example.org:999999/a.pem", "https:///a.pem",
    ],
)  # fmt: skip
def test_a_certificate_is_fetched_by_https_from_a_listed_host_alone(url: str) -> None:
    assert Trust(AUTHORITY.root, ["certificates.example.org"]).refuses_url(url)


def test_a_host_list_may_name_a_domain() -> None:
    trust = Trust(AUTHORITY.root, [".example.org"])
    assert not trust.refuses_url("https://a.b.example.org:8443/x")
    assert trust.refuses_url("https://example.org/x")
    assert trust.refuses_url("https://badexample.org/x")


def test_a_refused_url_is_never_fetched_and_is_436() -> None:
    assert status_of(issued_verdict(ACME, hosts=())) == 436
    assert status_of(issued_verdict(ACME, x5u="https://127.0.0.1/a.pem")) == 436


def test_addresses_inside_are_not_public() -> None:
    inside = ("10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "172.16.0.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "name")
    assert not any(map(is_public, inside))
    assert is_public("8.8.8.8")
    assert is_public("2606:4700::1111")


@given(st.lists(st.text("0123456789ABC", min_size=1, max_size=6), max_size=3), st.lists(st.tuples(st.text("0123456789", min_size=1, max_size=15), st.integers(1, 10**6)), max_size=30), st.lists(st.text("0123456789", min_size=1, max_size=15), max_size=20))
def test_a_tn_auth_list_comes_back_as_it_was_written(codes: list[str], ranges: list[tuple[str, int]], ones: list[str]) -> None:
    listed = TnAuth(tuple(codes), tuple(ranges), tuple(ones))
    if codes or ranges or ones:
        assert parse(render(listed)) == listed


def test_a_service_provider_code_is_the_der_others_write() -> None:
    assert render(TnAuth(("709J",))) == bytes.fromhex("3008a00616043730394a")


@given(st.binary(max_size=60))
def test_no_bytes_break_the_der_reader(der: bytes) -> None:
    with contextlib.suppress(ValueError):
        parse(der)
