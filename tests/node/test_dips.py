"""Dips asked of a real name server and a real HTTP server on loopback."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable

import pytest

from tests.counterparts.names import NameServer
from tests.counterparts.phones import loopback
from trunkline.node.dips import DipClient
from trunkline.numbering.dip import Answer, Dip, Dips, Waiting

pytestmark = pytest.mark.sockets

NUMBER = "+14155550123"
NAME = "3.2.1.0.5.5.5.5.1.4.1.lnp.test"

Server = Callable[[str, dict[str, str]], Awaitable[tuple[int, bytes]]]


class Web:
    """An HTTP/1.1 server that answers as told."""

    def __init__(self, answer: Server) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.connections = 0
        self.at_once = self.most_at_once = 0

    async def serve(self, host: str) -> "Web":
        self.server = await asyncio.start_server(self._serve, host, 8080)
        return self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
                self.asked.append((head[0].split(" ")[1], headers))
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                status, body = await self.answer(self.asked[-1][0], headers)
                self.at_once -= 1
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nSet-Cookie: who=you; Path=/\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


class Asking:
    """Dips and their client, and calls that wait."""

    def __init__(self, *dips: Dip, nameserver: str = "") -> None:
        self.dips = Dips(dips)
        self.known = dips
        self.news = asyncio.Event()
        self.client = DipClient(self.dips, self._settled, (nameserver,) if nameserver else (), 5353)

    def _settled(self, numbers: list[str]) -> None:
        self.news.set()

    async def __aenter__(self) -> "Asking":
        await self.client.prepare(self.known)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()

    async def ask(self, number: str = NUMBER) -> Answer:
        """As a call does: wait until told, at the latest until the deadline."""
        loop = asyncio.get_running_loop()
        while True:
            found = self.dips.ask(number, loop.time())
            self.client.send()
            if not isinstance(found, Waiting):
                assert found is not None
                return found
            self.news.clear()
            try:
                async with asyncio.timeout_at(found.until):
                    await self.news.wait()
            except TimeoutError:
                pass


def api(host: str, **changed: object) -> Dip:
    values: dict[str, object] = {
        "name": "api", "url": f"http://{host}:8080/v1/{{number}}", "headers": (("Authorization", "Bearer hush"),),
        "fields": (("routing_number", "lrn"), ("operator", "spid"), ("type", "kind")), "deadline_s": 2.0,
    }  # fmt: skip
    return Dip(**{**values, **changed})  # type: ignore[arg-type]


def test_enum_finds_ported_numbers_and_keeps_what_it_found() -> None:
    async def scenario() -> None:
        at = loopback()
        names = await NameServer({(NAME, "NAPTR"): ['100 10 "u" "E2U+pstn:tel" "!^.*$!tel:+14155550123;npdi;rn=+14045550000;spn=6529!" .']}, ttl=600).serve(at)
        try:
            async with Asking(Dip(name="lnp", enum="lnp.test", deadline_s=2.0), nameserver=at) as asking:
                ported = Answer("+14045550000", "6529", "", "lnp")
                assert await asking.ask() == ported
                assert await asking.ask() == ported
                assert await asking.ask("+14155550124") == Answer(source="lnp")  # NXDOMAIN: not known
                assert await asking.ask("+14155550124") == Answer(source="lnp")
            assert names.asked == [(NAME, "NAPTR"), ("4" + NAME[1:], "NAPTR")]
        finally:
            names.die()

    asyncio.run(scenario())


def test_a_silent_name_server_costs_the_deadline_and_no_more() -> None:
    async def scenario() -> None:
        at = loopback()
        black_hole, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(at, 5353))
        try:
            async with Asking(Dip(name="lnp", enum="lnp.test", deadline_s=0.2, silence="refuse"), nameserver=at) as asking:
                began = time.monotonic()
                assert await asking.ask() == Answer(source="lnp", silent=True, refuse=True)
                assert 0.19 <= time.monotonic() - began < 5.0
        finally:
            black_hole.close()

    asyncio.run(scenario())


def test_http_answers_with_the_key_policy_gives_over_one_connection() -> None:
    async def answer(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        if headers.get("authorization") != "Bearer hush":
            return 401, b"{}"
        if path.endswith("0124"):
            return 404, b"{}"
        return 200, json.dumps({"lrn": "4045550000", "spid": "6529", "kind": "wireless"}).encode()

    async def scenario() -> None:
        at = loopback()
        web = await Web(answer).serve(at)
        async with Asking(api(at)) as asking:
            assert await asking.ask() == Answer("+14045550000", "6529", "mobile", "api")
            assert await asking.ask("+14155550124") == Answer(source="api")
            assert await asking.ask("+14155550124") == Answer(source="api")
        assert [path for path, _ in web.asked] == ["/v1/14155550123", "/v1/14155550124"]
        assert web.connections == 1
        assert not [headers for _, headers in web.asked if "cookie" in headers], "what a server would have remembered is not"
        web.server.close()

    asyncio.run(scenario())


@pytest.mark.parametrize(("status", "body"), [(500, b"{}"), (200, b"<html>"), (302, b""), (200, b'"' + b"x" * 100_000 + b'"')], ids=["500", "no_json", "redirect", "huge"])
def test_an_answer_that_makes_no_sense_is_silence_at_once(status: int, body: bytes) -> None:
    async def answer(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        return status, body

    async def scenario() -> None:
        at = loopback()
        web = await Web(answer).serve(at)
        async with Asking(api(at, deadline_s=1.0)) as asking:
            await asking.ask()  # is asked again while it waits, and counted
            assert asking.dips.counts["silent"] == 1
        web.server.close()

    asyncio.run(scenario())


def test_a_slow_answer_serves_the_next_call_and_questions_are_bounded() -> None:
    gate = asyncio.Event()

    async def answer(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        await gate.wait()
        return 200, b'{"spid": "slow"}'

    async def scenario() -> None:
        at = loopback()
        web = await Web(answer).serve(at)
        async with Asking(api(at, deadline_s=0.2, at_once=4)) as asking:
            answers = await asyncio.gather(*(asking.ask(f"+1415555{number:04}") for number in range(12)))
            assert all(found.silent for found in answers)
            assert asking.dips.counts["asked"] == 4
            gate.set()
            while asking.dips.counts["late"] < 4:
                asking.news.clear()
                await asyncio.wait_for(asking.news.wait(), 15)
            assert (await asking.ask("+14155550000")).operator == "slow"
        assert web.most_at_once <= 4
        web.server.close()

    asyncio.run(scenario())


def test_nobody_listening_is_silence() -> None:
    async def scenario() -> None:
        async with Asking(api(loopback())) as asking:
            await asking.ask()
            assert asking.dips.counts["silent"] == 1

    asyncio.run(scenario())
