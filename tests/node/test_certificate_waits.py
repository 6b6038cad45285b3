"""A node that judges calls, and a real https server of certificates: the first call of a signer is judged, a dead server costs the deadline."""

import asyncio
import gc
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from trunkline.facts.record import Decision
from trunkline.node.serve import Node
from trunkline.node.settings import load_settings
from trunkline.numbers import Attestor, ClockCheck, Level, slot
from trunkline.numbers.lab_ca import Issued, LabCa
from trunkline.records.read import Reading

pytestmark = pytest.mark.sockets

HOST = "certificates.example.org"
CALLER, CALLED = "+12125550123", "+14155550100"
POLICY = """
tenants: {lab: {}}
trunks:
  office: {tenant: lab, addresses: [OFFICE], host: "OFFICE:5060"}
carriers:
  carrier: {gateways: {gateway: {host: "FAR", options: 0, addresses: [FAR]}}}
destinations: {us: {prefixes: ["1"], routes: [{to: carrier}]}}
dids: {"+14155550100": {trunks: [office]}}
attestation: {clock: trusted, roots: roots.pem, hosts: [certificates.example.org], wait: WAIT}
"""


class CertificateServer:
    """https://certificates.example.org:8443/ on a loopback address; None as body says nothing at all."""

    def __init__(self, folder: Path, body: bytes | None) -> None:
        self.at = loopback()
        self.body = body
        self.asked: list[str] = []
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False).sign(key, SHA256())
        )  # fmt: skip
        pem = made.public_bytes(Encoding.PEM)
        (folder / "tls.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
        self.ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ours.load_cert_chain(folder / "tls.pem")
        self.theirs = ssl.create_default_context(cadata=pem.decode())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode().split(" ")[1])
        if self.body is None:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(self.body) + self.body)
            await writer.drain()
        writer.close()

    async def __aenter__(self) -> "CertificateServer":
        self.server = await asyncio.start_server(self._serve, self.at, 8443, ssl=self.ours)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.close()


class Stage:
    """A node in this process, so that it may be told to trust a loopback address; the office it delivers to, and the carrier that calls."""

    def __init__(self, folder: Path, authority: LabCa, issued: Issued, server: CertificateServer, monkeypatch: pytest.MonkeyPatch, wait: str = "1s") -> None:
        self.folder, self.issued, self.server = folder, issued, server
        self.at, self.office_at, self.far_at = loopback(), loopback(), loopback()
        (folder / "roots.pem").write_bytes(authority.root)
        (folder / "policy.yaml").write_text(POLICY.replace("OFFICE", self.office_at).replace("FAR", self.far_at).replace("WAIT", wait))
        (folder / "trunkline.toml").write_text(
            f'[node]\nname = "n1"\ndata = "{folder}/data"\nshed_at_ms = 10000\npolicy = "{folder}/policy.yaml"\n'
            f'[[listen]]\nfor = "trunks"\naddress = "{self.at}:5060"\n[[listen]]\nfor = "carriers"\naddress = "{self.at}:5080"\n'
        )
        self.node = Node(load_settings(folder / "trunkline.toml"))
        self.office, self.far = Phone(user="office"), Phone(user=CALLER)
        known = socket.getaddrinfo

        def names(host: Any, *rest: Any, **more: Any) -> Any:
            return known(server.at if host == HOST else host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", names)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stage"]:
        await self.office.udp(self.office_at, 5060, (self.at, 5060))
        await self.far.udp(self.far_at, 5060, (self.at, 5080))
        usual = gc.get_threshold()
        await self.node.start()
        gc.set_threshold(*usual)
        gc.unfreeze()
        signing = self.node.signing
        signing.may, signing.tls = lambda address: address == self.server.at, self.server.theirs
        await signing.prepare()
        try:
            yield self
        finally:
            await self.node.stop()
            await self.office.close()
            await self.far.close()

    def call(self, path: str = "lab.pem") -> PhoneCall:
        at_s = int(time.time())
        clock = ClockCheck()
        clock.compared(0.0, "test", at_s)
        key = slot(f"https://{HOST}:8443/{path}", self.issued.key)
        identity = Attestor({"far": key}, None, clock, "far").sign(Level.A, "far", "trunk", CALLER, CALLED, at_s)
        return self.far.invite(CALLED, f"{self.at}:5080", extra=f"Identity: {identity}\r\n")

    def verstats(self) -> list[str]:
        return [fact.verstat for fact in Reading(self.folder / "data" / "journal") if isinstance(fact, Decision)]


def test_the_first_call_of_a_signer_is_judged_by_its_certificate(
    tmp_path: Path, authority: LabCa, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with CertificateServer(tmp_path, issued.chain) as server, Stage(tmp_path, authority, issued, server, monkeypatch, "5s").running() as stage:
            calls = [stage.call() for _ in range(3)]
            await until(lambda: all(call.status == 200 for call in calls), 20, "the calls are answered")
            assert server.asked == ["/lab.pem"], "one fetch for all of them"
            assert all(";verstat=TN-Validation-Passed@" in call.invite.get("From") for call in stage.office.calls.values())
            assert all(100 in call.provisional for call in calls)
            await asyncio.gather(*[call.hang_up() for call in calls])
            assert stage.verstats() == ["TN-Validation-Passed"] * 3

    asyncio.run(scenario())


def test_a_dead_server_costs_a_call_the_deadline_and_not_more(
    tmp_path: Path, authority: LabCa, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with CertificateServer(tmp_path, None) as server, Stage(tmp_path, authority, issued, server, monkeypatch, "3s").running() as stage:
            began = time.monotonic()
            call = stage.call()
            await until(lambda: call.status == 200, 20, "the call goes on")
            first_s = time.monotonic() - began
            assert 2.99 <= first_s < 4.9, first_s
            again = time.monotonic()
            later = stage.call()
            await until(lambda: later.status == 200, 20, "so does the next")
            assert time.monotonic() - again < 2.9, "it does not wait for what did not come"
            assert server.asked == ["/lab.pem"]
            await asyncio.gather(call.hang_up(), later.hang_up())
            assert stage.verstats() == ["No-TN-Validation"] * 2

    asyncio.run(scenario())


def test_a_server_that_refuses_the_connection_releases_the_call_at_once(
    tmp_path: Path, authority: LabCa, issued: Issued, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        server = CertificateServer(tmp_path, None)
        async with Stage(tmp_path, authority, issued, server, monkeypatch, "5s").running() as stage:
            began = time.monotonic()
            call = stage.call()
            await until(lambda: call.status == 200, 20, "the call goes on")
            assert time.monotonic() - began < 4.9
            await call.hang_up()
            assert stage.verstats() == ["TN-Validation-Failed"]

    asyncio.run(scenario())
