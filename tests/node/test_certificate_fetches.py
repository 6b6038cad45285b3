"""Fetches of signers' certificates from real https servers: a slow host holds up its own signers and nobody else's, and few are under way at once."""

import asyncio
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.counterparts.phones import loopback, until
from trunkline.decide.attestations import Attestations
from trunkline.node import signing as module
from trunkline.node.signing import AT_ONCE, AT_ONE_HOST, Signing

pytestmark = pytest.mark.sockets

PORT = 8443


class Servers:
    """https servers for h0.example.org, h1..., each on an address of its own; those in `slow` say nothing until `release` is set."""

    def __init__(self, folder: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = {f"h{i}.example.org": loopback() for i in range(count)}
        self.slow: set[str] = set()
        self.stuck: set[str] = set()
        "Names whose look-up hangs until `answer` is set."
        self.answer = threading.Event()
        self.lookups: Counter[str] = Counter()
        self.release = asyncio.Event()
        self.open: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        "Requests under way at once, by host; `all` for all of them."
        self.asked: list[str] = []
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "example.org")])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
            .not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("*.example.org")]), critical=False).sign(key, SHA256())
        )  # fmt: skip
        pem = made.public_bytes(Encoding.PEM)
        (folder / "tls.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + pem)
        self.ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ours.load_cert_chain(folder / "tls.pem")
        self.theirs = ssl.create_default_context(cadata=pem.decode())
        known = socket.getaddrinfo

        def names(host: Any, *rest: Any, **more: Any) -> Any:
            self.lookups[host] += 1
            if host in self.stuck:
                self.answer.wait(10)
            return known(self.at.get(host, host), *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", names)

    async def _serve(self, host: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(host + head.decode().split(" ")[1])
        for name in (host, "all"):
            self.open[name] += 1
            self.most[name] = max(self.most[name], self.open[name])
        if host in self.slow:
            await self.release.wait()
        for name in (host, "all"):
            self.open[name] -= 1
        body = host.encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Servers"]:
        async with AsyncExitStack() as stack:
            for host, at in self.at.items():
                async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str = host) -> None:
                    await self._serve(host, reader, writer)

                await stack.enter_async_context(await asyncio.start_server(serve, at, PORT, ssl=self.ours))
            try:
                yield self
            finally:
                self.release.set()
                self.answer.set()


class Wanted:
    """What is wanted, and what came; in the place of `Attestations`, which is compiled and has no heirs."""

    def __init__(self) -> None:
        self.wanted: set[str] = set()
        self.came: dict[str, bytes | None] = {}

    def want(self, *urls: str) -> None:
        self.wanted |= set(urls)

    def fetched(self, url: str, pem: bytes | None) -> None:
        self.wanted.discard(url)
        self.came[url] = pem


def url(host: int, path: str = "c.pem") -> str:
    return f"https://h{host}.example.org:{PORT}/{path}"


def signing_of(servers: Servers) -> tuple[Wanted, Signing]:
    wanted = Wanted()
    return wanted, Signing(cast(Attestations, wanted), lambda address: address in servers.at.values(), servers.theirs)


def test_a_slow_host_does_not_hold_up_the_signers_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Servers(tmp_path, 8, monkeypatch).running() as servers:
            wanted, signing = signing_of(servers)
            servers.slow = {"h0.example.org", "h1.example.org"}
            slow = [url(0, f"{i}.pem") for i in range(5)] + [url(1, f"{i}.pem") for i in range(5)]
            wanted.want(*slow)
            signing.send()
            await until(lambda: servers.open["all"] == 2 * AT_ONE_HOST, 5, "two are under way at each slow host")
            rest = [url(host, f"{i}.pem") for host in range(2, 8) for i in range(3)]
            wanted.want(*rest)
            signing.send()
            await until(lambda: set(rest) <= set(wanted.came), 4, "all others are there")
            assert all(wanted.came[one] for one in rest)
            assert not set(slow) & set(wanted.came)
            assert servers.most["all"] <= AT_ONCE
            servers.release.set()
            await until(lambda: set(slow) <= set(wanted.came), 4, "the slow ones too, in time")
            assert all(wanted.came[one] for one in slow)
            assert max(servers.most[host] for host in servers.at) <= AT_ONE_HOST
            assert sorted(servers.asked) == sorted(f"{one.split('/')[2].partition(':')[0]}/{one.rpartition('/')[2]}" for one in slow + rest), "each was asked for once"
            await until(lambda: not signing._fetching, 2, "nothing is under way")
            assert not (signing._known)
            assert not (signing._queues)
            assert not signing._busy
            assert not signing._lookups

    asyncio.run(scenario())


def test_of_many_slow_hosts_no_more_than_the_bound_are_asked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Servers(tmp_path, 12, monkeypatch).running() as servers:
            wanted, signing = signing_of(servers)
            servers.slow = set(servers.at)
            urls = [url(host) for host in range(12)]
            wanted.want(*urls)
            signing.send()
            await until(lambda: servers.open["all"] == AT_ONCE, 5, "so many are under way")
            signing.send()
            await asyncio.sleep(0.1)
            assert servers.open["all"] == AT_ONCE
            servers.release.set()
            await until(lambda: set(wanted.came) == set(urls), 5, "all of them, in the end")
            assert servers.most["all"] == AT_ONCE

    asyncio.run(scenario())


def test_a_name_whose_look_up_hangs_takes_one_thread_and_none_of_the_loops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FETCH_S", 0.3)

    async def scenario() -> None:
        async with Servers(tmp_path, 2, monkeypatch).running() as servers:
            wanted, signing = signing_of(servers)
            servers.stuck = {"h0.example.org"}
            stuck = [url(0, f"{i}.pem") for i in range(6)]
            wanted.want(*stuck)
            signing.send()
            began = time.monotonic()
            await until(lambda: set(stuck) <= set(wanted.came), 5, "they are given up, two after two")
            assert time.monotonic() - began >= 0.85
            assert wanted.came == dict.fromkeys(stuck)
            assert servers.lookups["h0.example.org"] == 1
            await asyncio.wait_for(asyncio.gather(*[asyncio.to_thread(time.sleep, 0) for _ in range(20)]), 2)
            wanted.want(url(1))
            signing.send()
            await until(lambda: wanted.came.get(url(1)), 2, "others are found")
            servers.answer.set()
            await until(lambda: not signing._lookups, 2, "the look-up came back")

    asyncio.run(scenario())


def test_what_is_wanted_no_more_is_not_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with Servers(tmp_path, 1, monkeypatch).running() as servers:
            wanted, signing = signing_of(servers)
            servers.slow = set(servers.at)
            urls = [url(0, f"{i}.pem") for i in range(5)]
            wanted.want(*urls)
            signing.send()
            await until(lambda: servers.open["all"] == AT_ONE_HOST, 5, "two are under way")
            wanted.wanted.clear()  # a policy with other roots
            servers.release.set()
            await until(lambda: not signing._fetching, 5, "they end")
            assert len(servers.asked) == AT_ONE_HOST
            assert not (signing._known)
            assert not (signing._queues)
            assert not signing._busy
            wanted.want(urls[0])
            signing.send()
            await until(lambda: servers.asked[AT_ONE_HOST:], 5, "asked again where it is wanted again")
            await until(lambda: not signing._fetching, 5, "that ends too")

    asyncio.run(scenario())
