"""baresip (Debian): a phone that registers, calls and is called, over UDP, TCP and TLS."""

import asyncio
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.counterparts.certificates import Authority
from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode, needs

pytestmark = pytest.mark.counterpart

PASSWORD = "a-long-enough-secret"
PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Baresip:
    """One baresip, driven over its `ctrl_tcp` module (netstrings of JSON); its audio goes round in a bridge."""

    def __init__(self, folder: Path, account: str, address: str, ca: Path, certificate: tuple[Path, Path]) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.address = address
        both = folder / "both.pem"
        both.write_bytes(certificate[0].read_bytes() + certificate[1].read_bytes())
        (folder / "accounts").write_text(account + "\n")
        (folder / "contacts").write_text("")
        (folder / "config").write_text(
            f"sip_listen {address}:5060\nsip_certificate {both}\nsip_cafile {ca}\nnet_interface {address}\nrtp_ports 11000-11999\n"
            "audio_player aubridge,phone\naudio_source aubridge,phone\naudio_alert aubridge,alert\n"
            "module_path /usr/lib/baresip/modules\nmodule g711.so\nmodule aubridge.so\n"
            f"module_app account.so\nmodule_app menu.so\nmodule_app ctrl_tcp.so\nctrl_tcp_listen {address}:4444\n"
        )
        self.events: list[dict[str, Any]] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    async def __aenter__(self) -> "Baresip":
        program = needs("baresip")
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([program, "-f", str(self.folder), "-s"], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "HOME": str(self.folder)})
        deadline = asyncio.get_running_loop().time() + 10
        while True:
            try:
                reader, self.writer = await asyncio.open_connection(self.address, 4444)
                break
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                assert asyncio.get_running_loop().time() < deadline, self.log.read_text()
                await asyncio.sleep(0.02)
        self.task = asyncio.create_task(self._read(reader))
        return self

    async def _read(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                self.events.append(json.loads(await reader.readexactly(length)))
                await reader.readexactly(1)
        except asyncio.IncompleteReadError:
            pass

    def tell(self, command: str, params: str = "") -> None:
        text = json.dumps({"command": command, "params": params})
        self.writer.write(f"{len(text)}:{text},".encode())

    def saw(self, kind: str) -> int:
        return sum(event.get("type") == kind for event in self.events)

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        assert self.process is not None
        self.writer.close()
        self.process.terminate()
        try:
            await asyncio.to_thread(self.process.wait, 5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        await self.task
        if error is not None:
            print("\n".join(map(str, self.events)), self.log.read_text()[-6000:])


def policy(carrier: str) -> str:
    return f"""
tenants: {{lab: {{}}}}
trunks:
  alice: {{tenant: lab, registers: true, auth: {{user: alice, password: "env:ALICE"}}, number_plan: {{min_digits: 3}}}}
carriers:
  carrier: {{gateways: {{main: {{host: "{carrier}:5060", options: 0, addresses: ["{carrier}"]}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: carrier}}]}}
dids:
  "+14155550199": {{trunks: [alice]}}
"""


async def scenario(folder: Path, transport: str) -> None:
    authority = Authority(folder / "ca")
    at, phone_at, carrier_at = loopback(), loopback(), loopback()
    doors = [("registrations", transport, f"{at}:{PORTS[transport]}"), ("carriers", "udp", f"{at}:5080")]
    account = f"<sip:alice@{at}:{PORTS[transport]};transport={transport}>;auth_user=alice;auth_pass={PASSWORD};regint=60;answermode=auto;audio_codecs=PCMU,PCMA"
    carrier = Phone(user="carrier")
    node = ServedNode(folder / "node", policy(carrier_at), doors, authority.settings(at) + '[sip]\nt1_ms = 100\ndigest = ["MD5"]  # baresip 1.0 gives up at SHA-256\n')
    try:
        await carrier.udp(carrier_at, 5060, (at, 5080))
        await node.start(ALICE=PASSWORD)
        async with Baresip(folder / "baresip", account, phone_at, authority.pem, authority.issue(phone_at)) as phone:
            await until(lambda: "[1 binding]" in phone.log.read_text(), 20, "baresip registers")

            phone.tell("dial", "14155550123")
            await until(lambda: phone.saw("CALL_ESTABLISHED") == 1, 20, "baresip's call is answered")
            (first,) = carrier.calls.values()
            assert first.uri.startswith("sip:+14155550123@")
            await until(lambda: first.acked, 20, "ACK reaches the carrier")
            phone.tell("hangup")
            await until(lambda: first.bye_at, 20, "BYE reaches the carrier")

            phone.tell("dial", "14155550124")
            await until(lambda: phone.saw("CALL_ESTABLISHED") == 2, 20, "a second call")
            second = list(carrier.calls.values())[-1]
            await until(lambda: second.acked, 20, "ACK")
            closed = phone.saw("CALL_CLOSED")
            await second.hang_up()
            await until(lambda: phone.saw("CALL_CLOSED") > closed, 20, "the carrier's BYE reaches baresip")

            inbound = carrier.invite("14155550199", f"{at}:5080")
            await until(lambda: inbound.status, 20, "an inbound call is answered by baresip")
            assert inbound.status == 200
            await until(lambda: phone.saw("CALL_ESTABLISHED") == 3, 20, "established")
            phone.tell("hangup")
            await until(lambda: inbound.bye_at, 20, "baresip's BYE reaches the carrier")

            inbound = carrier.invite("14155550199", f"{at}:5080")
            await until(lambda: inbound.status == 200, 20, "an inbound call again")
            closed = phone.saw("CALL_CLOSED")
            await inbound.hang_up()
            await until(lambda: phone.saw("CALL_CLOSED") > closed, 20, "the carrier's BYE reaches baresip")
            await until(node.is_clean, 20, "node clean")

            # A restart: UDP bindings are kept; a phone over TCP or TLS has lost its connection and registers again in its own time.
            if transport == "udp":
                node.kill()
                await node.start(ALICE=PASSWORD)
                inbound = carrier.invite("14155550199", f"{at}:5080")
                await until(lambda: inbound.status == 200, 20, "the binding outlives a crash")
                await inbound.hang_up()
                await until(node.is_clean, 20, "node clean")
        await until(node.is_clean, 20, "node clean")
        assert {call.transport for call in node.records() if call.direction == "outbound"} == {transport}
    except BaseException as error:
        await node.__aexit__(type(error), error, None)
        raise
    else:
        await node.__aexit__(None, None, None)
    finally:
        await carrier.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
def test_baresip_registers_calls_and_is_called(tmp_path: Path, transport: str) -> None:
    needs("baresip")
    asyncio.run(scenario(tmp_path, transport))
