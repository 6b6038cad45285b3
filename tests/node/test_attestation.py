"""Signed calls through a running node: the level, failover at the same level, what came signed, and whom a carrier's signature makes us believe."""

import asyncio
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.counterparts.phones import PhoneCall, until
from tests.counterparts.serving import needs
from tests.node.test_numbers import Stage
from trunkline.decide.attestations import Attestations
from trunkline.facts.record import Decision
from trunkline.node.signing import Signing, kernel_offset_s
from trunkline.numbers import Attestor, ClockCheck, Fetch, Level, NumberBook, Verified, slot
from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.policy.snapshot import Attestation
from trunkline.sip.headers.identity import Identity, parse_identity

pytestmark = pytest.mark.sockets

X5U = "https://certificates.example.org/lab.pem"
SIGN = f"""
attestation:
  clock: trusted
  sign: {{lab: {{x5u: "{X5U}", private_key: "file:lab.pem"}}}}
  transit: {{x5u: "{X5U}", private_key: "file:lab.pem"}}
"""
ROWS = "+14155550100,lab,geographic,US,sales,sales,loa-1,2026-01-01,production,\n"


class SigningStage(Stage):
    """The same stage, with a key for its tenant."""

    def __init__(self, folder: Path, issued: Issued, use: str = "replace", more: str = SIGN) -> None:
        super().__init__(folder, use)
        path = folder / "node" / "policy.yaml"
        path.write_text(path.read_text() + more)
        (folder / "node" / "lab.pem").write_bytes(issued.key)


def identities(call: PhoneCall) -> list[Identity]:
    """Identity headers of an INVITE."""
    found = [parse_identity(value) for value in call.invite.every("Identity")]
    assert all(isinstance(one, Identity) for one in found)
    return found  # type: ignore[return-value]


def claims(identity: Identity) -> dict[str, object]:
    from trunkline.numbers import passport

    return passport.read(identity.passport).claims


def secsipidx(folder: Path, identity: Identity, issued: Issued) -> str:
    """What Debian's secsipidx says of a signature."""
    key = x509.load_pem_x509_certificates(issued.chain)[0].public_key()
    (folder / "identity").write_text(str(identity))
    (folder / "public.pem").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    argv = [needs("secsipidx"), "-check", "-fidentity", str(folder / "identity"), "-fpubkey", str(folder / "public.pem"), "-expire", "60"]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False).stdout


def test_both_attempts_of_a_call_are_signed_afresh_at_the_same_level_and_another_implementation_believes_them(tmp_path: Path, issued: Issued) -> None:
    async def scenario() -> None:
        async with SigningStage(tmp_path, issued).running(ROWS) as stage:
            stage.first.behaviour = 503
            assert (await stage.call("12125550123")).status == 200
            (before,), (after,) = stage.first.calls.values(), stage.second.calls.values()
            (one,), (other,) = identities(before), identities(after)
            assert one.passport != other.passport
            for identity in (one, other):
                said = claims(identity)
                assert (said["attest"], said["orig"], said["dest"]) == ("A", {"tn": "14155550100"}, {"tn": ["12125550123"]})
                assert "ok" in (await asyncio.to_thread(secsipidx, tmp_path, identity, issued)).lower()
            assert before.invite.get("Date")
            assert [fact.attest for fact in stage.node.facts() if isinstance(fact, Decision)] == ["A"]

    asyncio.run(scenario())


def test_a_caller_id_nobody_proved_is_signed_b(tmp_path: Path, issued: Issued) -> None:
    async def scenario() -> None:
        async with SigningStage(tmp_path, issued, "pass").running(ROWS) as stage:
            stage.dialer.user = "+14155550177"
            assert (await stage.call()).status == 200
            (call,) = stage.first.calls.values()
            assert claims(identities(call)[0])["attest"] == "B"

    asyncio.run(scenario())


def test_an_identity_that_came_with_the_call_goes_on_unaltered_and_is_dropped_when_the_caller_is_replaced(tmp_path: Path, issued: Issued) -> None:
    at_s = int(time.time())
    clock = ClockCheck()
    clock.compared(0.0, "test", at_s)
    upstream = Attestor({}, slot(X5U, issued.key), clock, "upstream").sign(Level.C, "", "gateway", "+14155550177", "+12125550123", at_s)

    async def scenario(folder: Path, use: str) -> list[Identity]:
        async with SigningStage(folder, issued, use).running(ROWS) as stage:
            stage.dialer.user = "+14155550177"
            assert (await stage.call("12125550123", extra=f"Identity: {upstream}\r\n")).status == 200
            (call,) = stage.first.calls.values()
            return identities(call)

    passed = asyncio.run(scenario(tmp_path / "pass", "pass"))
    assert [str(one) for one in passed] == [str(upstream)]
    replaced = asyncio.run(scenario(tmp_path / "replace", "replace"))
    assert [claims(one)["attest"] for one in replaced] == ["A"]
    assert str(replaced[0]) != str(upstream)


def test_without_a_key_nothing_is_signed(tmp_path: Path, issued: Issued) -> None:
    async def scenario() -> None:
        async with SigningStage(tmp_path, issued, more="").running(ROWS) as stage:
            assert (await stage.call()).status == 200
            (call,) = stage.first.calls.values()
            assert not call.invite.every("Identity")

    asyncio.run(scenario())


def test_a_call_from_a_carrier_whose_signature_cannot_be_believed_says_so_both_ways(tmp_path: Path, authority: LabCa, issued: Issued) -> None:
    more = 'dids: {"+14155550100": {trunks: [office]}}\nattestation: {clock: trusted, roots: roots.pem, hosts: [certificates.example.org]}\n'

    async def scenario() -> None:
        stage = SigningStage(tmp_path, issued, more=more)
        (tmp_path / "node" / "roots.pem").write_bytes(authority.root)
        async with stage.running(ROWS):
            stage.first.user = "+12125550123"
            forged = 'eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.AAAA;info=<https://elsewhere.example.com/c.pem>;alg=ES256;ppt="shaken"'
            call = stage.first.invite("+14155550100", f"{stage.at}:5080", extra=f"Identity: {forged}\r\n")
            await until(lambda: call.status == 200, 20, "the call goes on")
            received = list(stage.dialer.calls.values())[-1]
            assert ";verstat=TN-Validation-Failed@" in received.invite.get("From")
            assert call.final is not None
            assert call.final.get("Reason").startswith("STIR;cause=43")
            await call.hang_up()
            assert [fact.verstat for fact in stage.node.facts() if isinstance(fact, Decision)] == ["TN-Validation-Failed"]

    asyncio.run(scenario())


@asynccontextmanager
async def certificate_server(folder: Path, body: bytes) -> AsyncIterator[tuple[int, ssl.SSLContext]]:
    """An https server for certificates.example.org on loopback; its port, and a context that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
        .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False).sign(key, SHA256())
    )  # fmt: skip
    (folder / "tls.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM))
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "tls.pem")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=server_side)
    client_side = ssl.create_default_context(cadata=made.public_bytes(Encoding.PEM).decode())
    async with server:
        yield server.sockets[0].getsockname()[1], client_side


def test_a_certificate_is_fetched_over_tls_and_never_from_inside(tmp_path: Path, issued: Issued) -> None:
    async def scenario() -> None:
        async with certificate_server(tmp_path, issued.chain) as (port, tls):
            url = f"https://localhost:{port}/lab.pem"
            attestations = Attestations(NumberBook())
            assert await Signing(attestations, lambda address: True, tls).fetch(url) == issued.chain
            with pytest.raises(ValueError, match="may not be asked"):
                await Signing(attestations, tls=tls).fetch(url)
            with pytest.raises(OSError, match=r"(?i)certificate.verify.failed"):
                await Signing(attestations, lambda address: True).fetch(url)
        async with certificate_server(tmp_path, b"x" * 100_000) as (port, tls):
            with pytest.raises(ValueError, match="more than"):
                await Signing(attestations, lambda address: True, tls).fetch(f"https://localhost:{port}/")

    asyncio.run(scenario())


def test_a_signer_once_fetched_is_believed(authority: LabCa, issued: Issued) -> None:
    at_s = int(time.time())
    attestations = Attestations(NumberBook())
    attestations.follow(Attestation(roots=authority.root, hosts=("certificates.example.org",), clock="trusted"))
    attestations.vouch(at_s)
    signed = Attestor({"acme": slot(X5U, issued.key)}, None, attestations.clock, "far").sign(Level.A, "acme", "trunk", "+12155551212", "+12155551213", at_s)
    call = ("c1", "+12155551212", "+12155551213", (str(signed),), None, at_s)
    assert attestations.judge(*call) == Fetch((X5U,))
    assert attestations.wanted == {X5U}
    attestations.fetched(X5U, issued.chain)
    verdict = attestations.judge(*call)
    assert isinstance(verdict, Verified)
    assert verdict.verstat == "TN-Validation-Passed"
    assert attestations.wanted == set()


def test_the_kernel_says_how_far_the_clock_may_be_off_or_that_it_cannot_tell() -> None:
    offset = kernel_offset_s()
    assert offset is None or 0 <= offset < 16.0


