"""Two providers' lines to one carrier, in network namespaces: one line goes dead or down, calls go by the other, and come back.

    node 203.0.113.1  --- isp-1 --- 203.0.113.2 .
                                                 carrier, 192.0.2.10
    node 198.51.100.1 --- isp-2 --- 198.51.100.2 '

Everything lives in namespaces that the test makes and takes away; the machine's own network is not touched.
"""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from tests.counterparts.serving import ServedNode, unable
from tests.node.test_operations import command
from trunkline.facts.record import Alarm, GatewayState
from trunkline.sip.asyncio import Network
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.flow import Door

pytestmark = pytest.mark.sockets

CARRIER, DIALER, INSIDE = "192.0.2.10", "127.0.0.8", "127.0.0.9"
LINES = {"isp-1": ("203.0.113.1", "203.0.113.2", "101"), "isp-2": ("198.51.100.1", "198.51.100.2", "102")}
"Our address, the provider's, and the routing table of what we send from ours."

POLICY = f"""
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{DIALER}], number_plan: {{country_code: "1", min_digits: 3}}}}
carriers:
  carrier:
    defaults: {{local: [isp-1, isp-2]}}
    gateways: {{main: {{host: "{CARRIER}:5060", options: 500ms, timers: {{no_response: 500ms}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: carrier}}]}}
"""
DOORS = "".join(
    f'[[listen]]\nfor = "carriers"\nname = "{name}"\naddress = "{ours}:5080"\nmedia = "{name}"\n[[media.interface]]\nname = "{name}"\naddress = "{ours}"\n'
    for name, (ours, _, _) in LINES.items()
)


def ip(*argv: str) -> None:
    subprocess.run(["ip", *argv], check=True, capture_output=True, text=True)


def route(namespace: str, line: str) -> None:
    """What leaves from our address at this provider goes by its line, and nowhere else."""
    ip("-n", namespace, "route", "replace", "default", "via", LINES[line][1], "table", LINES[line][2])


@pytest.fixture
def network() -> Iterator[tuple[str, str]]:
    """Names of the namespaces of the node and of the carrier."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        unable("network namespaces need root and iproute2")
    mark = f"tp{os.getpid() % 100000}"
    node, carrier = f"{mark}n", f"{mark}c"
    try:
        for name in (node, carrier):
            made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
            if made.returncode:
                unable(f"no network namespaces here: {made.stderr.strip()}")
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", carrier, "addr", "add", f"{CARRIER}/32", "dev", "lo")
        for line, (ours, theirs, table) in LINES.items():
            ip("-n", node, "link", "add", line, "type", "veth", "peer", "name", line, "netns", carrier)
            for name, address in ((node, ours), (carrier, theirs)):
                ip("-n", name, "addr", "add", f"{address}/24", "dev", line)
                ip("-n", name, "link", "set", line, "up")
            ip("-n", node, "rule", "add", "from", ours, "lookup", table)
            route(node, line)
        yield node, carrier
    finally:
        for name in (node, carrier):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


async def answer() -> None:
    """The carrier's process: answers every call until it is ended, and prints where each says it comes from."""
    carrier = await Phone(user="carrier").udp(CARRIER, 5060)
    seen: set[str] = set()
    while True:
        for name, call in list(carrier.calls.items()):
            if name not in seen and call.invite is not None:
                seen.add(name)
                audio = re.search(r"^c=IN IP4 (\S+)", call.invite.body, re.MULTILINE)
                print(json.dumps([call.invite.get("Via").split(";")[0].split()[-1], audio[1] if audio else "", call.target]), flush=True)
        await asyncio.sleep(0.02)


class Lab:
    """What the test does in the node's namespace."""

    def __init__(self, node: ServedNode, dialer: Phone, here: str, there: str) -> None:
        self.node, self.dialer, self.here, self.there = node, dialer, here, there

    async def call(self) -> PhoneCall:
        placed = self.dialer.invite("14155550123", "node")
        await until(lambda: placed.status, 20, "answered")
        assert placed.status == 200, placed.final
        await placed.hang_up()
        await until(lambda: not self.node.ask("status")["calls"], 20, "the call is over")
        return placed

    async def calls_by(self, line: str, attempts: int = 1) -> float:
        """A call is answered by this line, after so many attempts: milliseconds to the answer."""
        before = len(self.node.attempts())
        placed = await self.call()
        made = self.node.attempts()[before:]
        assert len(made) == attempts, made
        assert (made[-1].outcome, made[-1].local) == ("answered", f"{LINES[line][0]}:5080")
        return (placed.answered_at - placed.began_at) * 1000

    async def path_is(self, line: str, *states: str) -> None:
        def state() -> str:
            (row,) = self.node.ask("gateways")
            assert row["up"], "the gateway is up while one path is"
            return str({path["door"]: path["state"] for path in row["paths"]}[line])

        await until(lambda: state() in states, 20, f"{line} is {' or '.join(states)}")


async def scenario(folder: Path, here: str, there: str) -> None:
    """Runs in the node's namespace."""
    more = f'[media]\nengine = "relay"\nfirst_port = 31000\nlast_port = 35000\n[studio]\nworkers = 0\n{DOORS}'
    dialer = await Phone(user="dialer").udp(DIALER, 5060, (INSIDE, 5060))
    async with ServedNode(folder / "node", POLICY, [("trunks", "udp", f"{INSIDE}:5060")], more, t1_ms=20) as node:
        lab = Lab(node, dialer, here, there)
        await until(lambda: [path["state"] for path in node.ask("gateways")[0]["paths"]] == ["up", "up"], 20, "both paths up")
        await lab.calls_by("isp-1")

        # The line goes dead: nothing says so, what is sent is lost.
        ip("-n", there, "link", "set", "isp-1", "down")
        assert await lab.calls_by("isp-2", attempts=2) > 400, "the first call finds out"
        first = node.attempts()[-2]
        assert (first.local, first.evidence, first.gateway) == ("203.0.113.1:5080", "no response", "carrier/main")
        for _ in range(3):
            assert await lab.calls_by("isp-2") < 400, "later calls go by the other line at once"
        await lab.path_is("isp-1", "silent")
        told = command(node.folder, "gateways", "--data", str(node.data), code=0)
        assert re.search(r"carrier/main +isp-1 +203\.0\.113\.1:5080 +192\.0\.2\.10:5060 +SILENT", told), told
        assert re.search(r"carrier/main +isp-2 +198\.51\.100\.1:5080 +192\.0\.2\.10:5060 +up", told), told
        shown = command(node.folder, "call", first.call, "--data", str(node.data), code=0)
        assert "203.0.113.1:5080" in shown, shown
        assert "198.51.100.1:5080" in shown, shown

        # It is back: OPTIONS finds out, no call has to.
        ip("-n", there, "link", "set", "isp-1", "up")
        await lab.path_is("isp-1", "up")
        assert await lab.calls_by("isp-1") < 400

        # The interface itself goes down: the kernel says so with the first datagram, and no call waits.
        ip("-n", here, "link", "set", "isp-1", "down")
        assert await lab.calls_by("isp-2", attempts=2) < 400
        failed = node.attempts()[-2]
        assert (failed.local, failed.phrase) == ("203.0.113.1:5080", "Transport Failed")
        assert failed.total_ms < 100
        await lab.calls_by("isp-2")
        ip("-n", here, "link", "set", "isp-1", "up")
        route(here, "isp-1")
        await lab.path_is("isp-1", "up", "avoided")
        states = [fact for fact in node.facts() if isinstance(fact, GatewayState)]
        assert {fact.state for fact in states} <= {"path down", "path up"}, states
        assert states[0].reason.startswith("by isp-1 to 192.0.2.10:5060: ")
        alarms = [fact for fact in node.facts() if isinstance(fact, Alarm) and fact.code == "transport.cannot_connect"]
        assert [(fact.subject, fact.text) for fact in alarms] == [("udp 192.0.2.10:5060", "from 203.0.113.1: Network is unreachable")]
    await dialer.close()


def test_calls_fail_over_between_two_providers_lines(tmp_path: Path, network: tuple[str, str]) -> None:
    here, there = network
    said = tmp_path / "carrier"
    with said.open("w") as out:
        carrier = subprocess.Popen(in_namespace(there, "answer()"), stdout=out)
        try:
            done = subprocess.run(in_namespace(here, f"scenario(Path({str(tmp_path)!r}), {here!r}, {there!r})"), capture_output=True, text=True, timeout=100)
        finally:
            carrier.kill()
            carrier.wait()
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    invites: list[list[Any]] = [json.loads(line) for line in said.read_text().splitlines()]
    assert {invite[0] for invite in invites} == {"203.0.113.1:5080", "198.51.100.1:5080"}
    for via, audio, contact in invites:
        assert audio == via.removesuffix(":5080"), "the audio's address is of the line the call took"
        assert contact == f"sip:{via}"


def in_namespace(name: str, what: str) -> list[str]:
    """A function of this file, run in a namespace."""
    root = str(Path(__file__).resolve().parents[2])
    code = f"import asyncio, sys; sys.path.insert(0, {root!r})\nfrom pathlib import Path\nfrom tests.node.test_access_paths import *\nasyncio.run({what})"
    return ["ip", "netns", "exec", name, sys.executable, "-c", code]


def test_a_policy_that_names_a_door_the_node_does_not_have_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        policy = POLICY.replace(CARRIER, "127.0.0.10").replace("[isp-1, isp-2]", "[isp-1]")
        door = '[[listen]]\nfor = "carriers"\nname = "isp-1"\naddress = "127.0.0.11:5080"\n'
        async with ServedNode(tmp_path / "node", policy, [("trunks", "udp", "127.0.0.11:5060")], door) as node:
            file = node.folder / "policy.yaml"
            file.write_text(policy.replace("[isp-1]", "[isp-1, isp-2]"))
            said = await asyncio.to_thread(command, node.folder, "policy", "apply", str(file), "--reason", "test", "--data", str(node.data), code=1)
            assert "carrier/main: local: `isp-2`: no [[listen]] of this node bears that name; doors for carriers by udp are: isp-1" in said, said
            assert [path["state"] for path in node.ask("gateways")[0]["paths"]] == [], "one door: one path"
        settings = node.folder / "trunkline.toml"
        settings.write_text(settings.read_text().replace('name = "isp-1"', 'name = "isp-7"'))
        said = await asyncio.to_thread(command, node.folder, "serve", code=2)
        assert "carrier/main: local: `isp-1`" in said, said
        assert "doors for carriers by udp are: isp-7" in said, said

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("doors", "says"),
    [
        ('name = "a"\n[[listen]]\nfor = "carriers"\naddress = "127.0.0.1:5081"\nname = "a"', "two doors bear that name"),
        ('name = "carriers-udp-1"\n[[listen]]\nfor = "carriers"\naddress = "127.0.0.1:5081"', "two doors bear that name"),
        ('name = "isp 1"', "not usable in a policy"),
        ('media = "wan-2"\n[[media.interface]]\nname = "wan-1"\naddress = "127.0.0.1"', "no such [[media.interface]]; there are wan-1"),
    ],
)
def test_wrong_names_of_doors_are_refused(doors: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "trunkline.toml").write_text(f'[[listen]]\nfor = "carriers"\naddress = "127.0.0.1:5080"\n{doors}\n')
    said = command(tmp_path, "serve", code=2)
    assert says in said, said
    assert "[[listen]]" in said


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_door_on_every_ipv6_address_leaves_ipv4_to_another(transport: str) -> None:
    async def scenario() -> None:
        network = Network(Endpoint(Random(1)), lambda now: None)
        first = Door("isp-1", transport, "0.0.0.0", 0)
        try:
            await network.open(first)
            await network.open(Door("isp-2", transport, "::", first.port))
        finally:
            await network.close()

    asyncio.run(scenario())


def test_a_door_on_every_ipv6_address_is_known_by_one_in_brackets(tmp_path: Path) -> None:
    async def scenario() -> None:
        at = loopback()
        carrier = await Phone(user="carrier").udp("::1", 0)
        port = carrier.sent_by.rpartition(":")[2]
        policy = POLICY.replace(f"{CARRIER}:5060", f"[::1]:{port}").replace("local: [isp-1, isp-2]", "local: [six]").replace(DIALER, at)
        door = '[[listen]]\nfor = "carriers"\nname = "six"\naddress = "[::]:0"\n'
        async with ServedNode(tmp_path / "node", policy, [("trunks", "udp", f"{at}:5060")], door):
            await until(lambda: carrier.options > 1, 20, "OPTIONS came")
        assert re.search(r"six: udp \[::\]:0, known as \[[0-9a-f:]+\]:", (tmp_path / "node" / "log").read_text())
        await carrier.close()

    asyncio.run(scenario())


def test_a_tcp_connection_leaves_from_the_address_of_its_door() -> None:
    async def scenario() -> None:
        at, far = loopback(), loopback()
        sources: list[str] = []

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            sources.append(writer.get_extra_info("peername")[0])
            writer.close()

        server = await asyncio.start_server(connected, far, 5060)
        network = Network(Endpoint(Random(1)), lambda now: None)
        door = Door("isp-2", "tcp", at, 5080)
        await network.open(door)
        try:
            door.send(b"\r\n\r\n", (far, 5060))
            await until(lambda: sources, 20, "connected")
            assert sources == [at]
        finally:
            await network.close()
            server.close()
            await server.wait_closed()

    asyncio.run(scenario())
