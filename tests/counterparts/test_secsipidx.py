"""secsipidx, another implementation of RFC 8224 and 8588, verifies our signatures, and we verify its."""

import subprocess
from pathlib import Path

import pytest

from tests.counterparts.serving import needs
from trunkline.numbers.attestation import Attestor, Level, slot
from trunkline.numbers.certificates import Signer, Trust
from trunkline.numbers.clock_check import ClockCheck
from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.numbers.verification import Arrived, Failed, Verified, Verifier
from trunkline.sip.headers.identity import Identity

pytestmark = pytest.mark.counterpart

X5U = "https://certificates.example.org/trunkline.pem"
ORIG, DEST = "+12155551212", "+12155551213"


def now_s() -> int:
    import time

    return int(time.time())


def synchronised(at_s: int) -> ClockCheck:
    clock = ClockCheck()
    clock.compared(0.0, "test", at_s)
    return clock


def check(folder: Path, identity: str, issued: Issued, expire_s: int = 60) -> subprocess.CompletedProcess[str]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificates(issued.chain)[0].public_key()
    (folder / "identity").write_text(identity)
    (folder / "public.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    command = [needs("secsipidx"), "-check", "-fidentity", str(folder / "identity"), "-fpubkey", str(folder / "public.pem"), "-expire", str(expire_s)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("level", list(Level))
def test_it_verifies_our_signature(tmp_path: Path, issued: Issued, level: Level) -> None:
    at_s = now_s()
    used = slot(X5U, issued.key)
    identity = Attestor({"acme": used}, used, synchronised(at_s), "n1").sign(level, "acme", "dialer", ORIG, DEST, at_s)
    assert isinstance(identity, Identity)
    result = check(tmp_path, str(identity), issued)
    assert (result.returncode, result.stdout.strip()) == (0, "ok"), result.stderr


def test_it_refuses_ours_when_one_letter_differs(tmp_path: Path, issued: Issued) -> None:
    at_s = now_s()
    identity = Attestor({"acme": slot(X5U, issued.key)}, None, synchronised(at_s), "n1").sign(Level.A, "acme", "dialer", ORIG, DEST, at_s)
    assert isinstance(identity, Identity)
    head, _, signature = identity.passport.rpartition(".")
    forged = Identity(f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}", identity.info, identity.alg, identity.ppt)
    assert check(tmp_path, str(forged), issued).stdout.strip() != "ok"


def test_it_refuses_ours_when_stale(tmp_path: Path, issued: Issued) -> None:
    at_s = now_s() - 120
    identity = Attestor({"acme": slot(X5U, issued.key)}, None, synchronised(at_s), "n1").sign(Level.A, "acme", "dialer", ORIG, DEST, at_s)
    assert check(tmp_path, str(identity), issued).stdout.strip() != "ok"


def signed_by_it(folder: Path, issued: Issued, attest: str) -> str:
    (folder / "key.pem").write_bytes(issued.key)
    command = [needs("secsipidx"), "-sign-full", "-k", str(folder / "key.pem"), "-a", attest, "-o", ORIG[1:], "-d", DEST[1:], "-x5u", X5U]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return result.stdout.strip()


@pytest.mark.parametrize("attest", ["A", "B", "C"])
def test_we_verify_its_signature(tmp_path: Path, authority: LabCa, issued: Issued, attest: str) -> None:
    identity = signed_by_it(tmp_path, issued, attest)
    at_s = now_s()
    trust = Trust(authority.root, ["certificates.example.org"])
    assert isinstance(trust.fetched(X5U, issued.chain, at_s), Signer)
    verdict = Verifier(trust, synchronised(at_s)).verify(Arrived("1@it", ORIG, DEST, (identity,)), at_s)
    assert isinstance(verdict, Verified)
    assert (verdict.attest, verdict.signer) == (attest, "CN=SHAKEN 709J,C=US")


def test_we_refuse_its_signature_for_another_call(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    identity = signed_by_it(tmp_path, issued, "A")
    at_s = now_s()
    trust = Trust(authority.root, ["certificates.example.org"])
    trust.fetched(X5U, issued.chain, at_s)
    verdict = Verifier(trust, synchronised(at_s)).verify(Arrived("1@it", "+12155559999", DEST, (identity,)), at_s)
    assert isinstance(verdict, Failed)
    assert verdict.status == 438
