"""Phones over WebSocket (RFC 7118), as browsers are: WS and WSS.

The phone is the client of the `websockets` library with a SIP user agent of our own on top; the judge of handshake and framing is that
library, which Trunkline's server side shares only in its sans-IO half. Chromium, where installed, opens the same door as a second judge.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import ssl
import subprocess
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.counterparts.certificates import Authority
from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode

pytestmark = pytest.mark.counterpart

PASSWORD = "a long enough secret"


def policy(carrier: str) -> str:
    return f"""
tenants: {{lab: {{}}}}
trunks:
  alice:
    tenant: lab
    kind: dialer
    registers: true
    auth: {{user: alice, password: "env:ALICE"}}
    number_plan: {{min_digits: 3}}
carriers:
  carrier: {{gateways: {{main: {{host: "{carrier}:5060", options: 0, addresses: ["{carrier}"]}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: carrier}}]}}
dids:
  "+14155550199": {{trunks: [alice]}}
"""


class Stage:
    def __init__(self, folder: Path, transport: str) -> None:
        self.authority = Authority(folder / "ca")
        self.transport = transport
        self.at, self.carrier_at = loopback(), loopback()
        doors = [("registrations", transport, f"{self.at}:8080"), ("carriers", "udp", f"{self.at}:5060")]
        self.node = ServedNode(folder / "node", policy(self.carrier_at), doors, self.authority.settings(self.at, "localhost"))
        self.carrier = Phone(user="carrier")
        self.url = f"{transport}://{self.at}:8080/sip"
        self.tls: ssl.SSLContext | None = self.authority.calling() if transport == "wss" else None

    async def __aenter__(self) -> "Stage":
        await self.carrier.udp(self.carrier_at, 5060, (self.at, 5060))
        await self.node.start(ALICE=PASSWORD)
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await self.carrier.close()
        await self.node.__aexit__(kind, error, trace)


@pytest.mark.parametrize("transport", ["ws", "wss"])
def test_a_websocket_phone_registers_calls_and_is_called(tmp_path: Path, transport: str) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, transport) as stage:
            node, carrier = stage.node, stage.carrier
            phone = await Phone(user="alice", password=PASSWORD).websocket(stage.url, stage.tls)
            assert phone.subprotocol == "sip"
            assert await phone.register("trunkline") == 200

            out = phone.invite("14155550123", "trunkline")
            await until(lambda: out.status == 200, 20, "the phone's call is answered")
            assert 180 in out.provisional
            await until(lambda: all(call.acked for call in carrier.calls.values()), 20, "ACK reaches the carrier")
            await out.hang_up()
            await until(lambda: all(call.bye_at for call in carrier.calls.values()), 20, "BYE reaches the carrier")

            out = phone.invite("14155550124", "trunkline")
            await until(lambda: out.status == 200, 20, "answered")
            theirs = next(call for call in carrier.calls.values() if not call.bye_at)
            await until(lambda: theirs.acked, 20, "ACK")
            await theirs.hang_up()
            await until(lambda: out.bye_at, 20, "the carrier's BYE reaches the phone")

            called = carrier.invite("14155550199", f"{stage.at}:5060")
            await until(lambda: called.status == 200, 20, "the phone answers an inbound call")
            here = next(call for call in phone.calls.values() if not call.ours)
            assert here.uri.startswith("sip:alice@"), "Request-URI is the registered contact"
            await until(lambda: here.acked, 20, "ACK reaches the phone")
            await here.hang_up()
            await until(lambda: called.bye_at, 20, "the phone's BYE reaches the carrier")
            await until(node.is_clean, 20, "node clean")
            await phone.close()

            gone = carrier.invite("14155550199", f"{stage.at}:5060")
            await until(lambda: gone.status, 6, "a call to a phone whose connection is gone ends before a timeout would")
            assert gone.status == 502
            await until(node.is_clean, 20, "node clean")

    asyncio.run(scenario())


def test_a_wrong_password_does_not_register(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "ws") as stage:
            phone = await Phone(user="alice", password="guess").websocket(stage.url)
            assert await phone.register("trunkline") == 403
            await phone.close()

    asyncio.run(scenario())


def test_the_connection_breaking_in_a_call_hangs_up_only_when_signalling_needs_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "ws") as stage:
            phone = await Phone(user="alice", password=PASSWORD).websocket(stage.url)
            assert await phone.register("trunkline") == 200
            out = phone.invite("14155550123", "trunkline")
            await until(lambda: out.status == 200, 20, "answered")
            await phone.close()
            (theirs,) = stage.carrier.calls.values()
            await until(lambda: theirs.acked, 20, "ACK")
            assert not theirs.bye_at
            await theirs.hang_up()
            assert theirs.ended_at
            await until(stage.node.is_clean, 20, f"clean: {stage.node.ask('status')}")

    asyncio.run(scenario())


@pytest.mark.parametrize("noise", ["not SIP at all", "\r\n\r\n", "INVITE sip:x SIP/2.0\r\n\r\n", b"\x00\xff" * 400])
def test_noise_on_the_socket_harms_nobody(tmp_path: Path, noise: str | bytes) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "ws") as stage:
            async with connect(stage.url, subprotocols=["sip"], proxy=None) as socket:  # type: ignore[list-item]
                for _ in range(20):
                    await socket.send(noise)
                await socket.ping()
            phone = await Phone(user="alice", password=PASSWORD).websocket(stage.url)
            assert await phone.register("trunkline") == 200
            await phone.close()

    asyncio.run(scenario())


def test_a_client_that_does_not_speak_sip_is_turned_away(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "ws") as stage:
            with pytest.raises(InvalidStatus) as refused:
                await connect(stage.url, subprotocols=["chat"], proxy=None)  # type: ignore[list-item]
            assert refused.value.response.status_code == 400

    asyncio.run(scenario())


def test_a_message_over_the_limit_closes_the_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "ws") as stage, connect(stage.url, subprotocols=["sip"], proxy=None) as socket:  # type: ignore[list-item]
            with contextlib.suppress(ConnectionClosed):
                await socket.send("x" * 10_000_000)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(socket.recv(), 5)
            assert stage.node.ask("status")["admitting"]

    asyncio.run(scenario())


PAGE = Path(__file__).with_name("chromium_phone.html")


@pytest.mark.parametrize("transport", ["ws", "wss"])
def test_chromium_registers_calls_and_is_called(tmp_path: Path, transport: str) -> None:
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is not installed (apt-get install chromium, 80 MB)")

    async def scenario() -> None:
        async with Stage(tmp_path, transport) as stage:
            page = tmp_path / "phone.html"
            page.write_text(PAGE.read_text().replace("SERVER", stage.url))
            log = tmp_path / "chromium.log"
            # A certificate of a test's own authority: Chromium is not the judge of it here, `test_tls` is.
            argv = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--ignore-certificate-errors", "--enable-logging=stderr", "--v=0"]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [*argv, f"--user-data-dir={tmp_path / 'profile'}", page.as_uri()], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )

            def says(text: str) -> bool:
                return f"PHONE {text}" in log.read_text("utf-8", "replace")

            try:
                await until(lambda: says("registered"), 30, "Chromium registers")
                await until(lambda: says("answered"), 20, "Chromium's call is answered")
                (out,) = stage.carrier.calls.values()
                await until(lambda: out.acked, 20, "ACK reaches the carrier")
                await until(lambda: out.bye_at, 20, "Chromium's BYE reaches the carrier")
                inbound = stage.carrier.invite("14155550199", f"{stage.at}:5060")
                await until(lambda: inbound.status == 200, 20, "Chromium answers")
                await until(lambda: says("confirmed"), 20, "ACK reaches Chromium")
                await inbound.hang_up()
                assert inbound.ended_at
                await until(lambda: says("hung up"), 20, "BYE reaches Chromium")
                await until(stage.node.is_clean, 20, "node clean")
            finally:
                os.killpg(process.pid, signal.SIGKILL)  # the group is this browser's own
                process.wait()

    asyncio.run(scenario())
