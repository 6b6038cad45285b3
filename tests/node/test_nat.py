"""A dialer behind NAT (network namespace with masquerade): what comes back finds it (RFC 3581, and dialogs to a private Contact).

    dialer 10.99.0.2 --- 10.99.0.1 router 203.0.113.1 --- 203.0.113.2 node and carrier

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
from typing import Any

import pytest

from tests.counterparts.phones import until
from tests.counterparts.serving import ServedNode, unable

pytestmark = pytest.mark.counterpart

INSIDE, ROUTER_IN, ROUTER_OUT, NODE = "10.99.0.2", "10.99.0.1", "203.0.113.1", "203.0.113.2"


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


@pytest.fixture
def network() -> Iterator[tuple[str, str]]:
    """Names of the namespaces of the dialer and of the node."""
    if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nft"):
        unable("network namespaces need root, iproute2 and nftables")
    mark = f"tl{os.getpid() % 100000}"
    inside, router, outside = (f"{mark}{part}" for part in "dro")
    try:
        for name in (inside, router, outside):
            made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
            if made.returncode:
                unable(f"no network namespaces here: {made.stderr.strip()}")
            run("ip", "-n", name, "link", "set", "lo", "up")
        for end, near, far, address, gateway in ((inside, f"{mark}a", f"{mark}b", INSIDE, ROUTER_IN), (outside, f"{mark}c", f"{mark}e", NODE, ROUTER_OUT)):
            run("ip", "-n", router, "link", "add", far, "type", "veth", "peer", "name", near, "netns", end)
            run("ip", "-n", end, "addr", "add", f"{address}/24", "dev", near)
            run("ip", "-n", router, "addr", "add", f"{gateway}/24", "dev", far)
            run("ip", "-n", end, "link", "set", near, "up")
            run("ip", "-n", router, "link", "set", far, "up")
        run("ip", "-n", inside, "route", "add", "default", "via", ROUTER_IN)
        run("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1")
        rules = (
            f'table ip nat {{ chain out {{ type nat hook postrouting priority 100; oifname "{mark}e" masquerade random; }}; }}\n'
            f'table ip filter {{ chain across {{ type filter hook forward priority 0; policy drop; ct state established,related accept; iifname "{mark}b" accept; }}; }}\n'
        )
        masqueraded = subprocess.run(["ip", "netns", "exec", router, "nft", "-f", "-"], input=rules, text=True, capture_output=True, check=False)
        if masqueraded.returncode:
            unable(f"no masquerade here: {masqueraded.stderr.strip()}")
        yield inside, outside
    finally:
        for name in (inside, router, outside):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


DIALER = """
import asyncio, json, sys
sys.path.insert(0, sys.argv[1])
from tests.counterparts.phones import Phone, until

async def main(transport, node, port, inside):
    phone = Phone(user="alice", password="a long enough secret")
    if transport == "udp":
        await phone.udp(inside, 5060, (node, port))
    else:
        await phone.stream(inside, (node, port))
    said = {"register": await phone.register("trunkline")}
    first = phone.invite("14155550101", "trunkline")
    await until(lambda: first.status, 20, "first call")
    said["first"] = first.status
    said["via"] = first.final.get("Via")
    # The node is public: in-dialog requests go to its Contact, the answers come back through the NAT.
    await first.hang_up()
    said["our_bye_answered"] = bool(first.ended_at)
    second = phone.invite("14155550102", "trunkline")
    await until(lambda: second.status, 20, "second call")
    await until(lambda: any(request.method == "INVITE" for request in second.requests), 20, "the carrier's re-INVITE")
    said["their_reinvite"] = True
    await until(lambda: second.bye_at, 20, "the carrier's BYE")
    said["their_bye"] = True
    await until(lambda: any(not call.ours for call in phone.calls.values()), 20, "an inbound call")
    third = next(call for call in phone.calls.values() if not call.ours)
    await until(lambda: third.acked, 20, "its ACK")
    said["inbound_to"] = third.uri
    await third.hang_up()
    said["inbound_bye_answered"] = bool(third.ended_at)
    print(json.dumps(said))
    await phone.close()

asyncio.run(main(sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]))
"""

CARRIER = """
import asyncio, sys
sys.path.insert(0, sys.argv[1])
from tests.counterparts.phones import Phone, SDP, until

async def main(address, node):
    carrier = await Phone(user="carrier").udp(address, 5070, (node, 5080))
    await until(lambda: len(carrier.calls) == 2 and all(call.acked for call in carrier.calls.values()), 30, "two calls")
    second = list(carrier.calls.values())[1]
    second.cseq += 1
    lines = f"From: {second.local}\\r\\nTo: {second.remote}\\r\\nCall-ID: {second.call_id}\\r\\nCSeq: {second.cseq} INVITE\\r\\nContact: <{carrier.contact}>\\r\\n"
    hold = SDP.replace("m=audio", "a=sendonly\\r\\nm=audio")
    branch = "z9hG4bKreinvite"
    answer = await carrier._transact("INVITE", second.target, lines + "Content-Type: application/sdp\\r\\n", hold, carrier.next_hop(second), branch)
    assert answer is not None and answer.status == 200, answer
    carrier.send(f"ACK {second.target} SIP/2.0", f"From: {second.local}\\r\\nTo: {second.remote}\\r\\nCall-ID: {second.call_id}\\r\\nCSeq: {second.cseq} ACK\\r\\n", "", carrier.next_hop(second))
    await second.hang_up()
    assert second.ended_at
    inbound = carrier.invite("14155550199", f"{node}:5080")
    await until(lambda: inbound.status, 20, "the inbound call")
    assert inbound.status == 200, inbound.final
    await until(lambda: inbound.bye_at, 20, "the phone's BYE")
    await carrier.close()

asyncio.run(main(sys.argv[2], sys.argv[3]))
"""

POLICY = f"""
tenants: {{lab: {{}}}}
trunks:
  alice: {{tenant: lab, registers: true, auth: {{user: alice, password: "env:ALICE"}}, number_plan: {{min_digits: 3}}}}
carriers:
  carrier: {{gateways: {{main: {{host: "{NODE}:5070", options: 0, addresses: ["{NODE}"]}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: carrier}}]}}
dids:
  "+14155550199": {{trunks: [alice]}}
"""


async def through_nat(folder: Path, inside: str, outside: str, transport: str) -> dict[str, Any]:
    tests = str(Path(__file__).resolve().parents[2])
    doors = [("registrations", transport, f"{NODE}:5060"), ("carriers", "udp", f"{NODE}:5080")]
    async with ServedNode(folder / "node", POLICY, doors, prefix=("ip", "netns", "exec", outside)) as node:
        carrier = await asyncio.create_subprocess_exec("ip", "netns", "exec", outside, sys.executable, "-c", CARRIER, tests, NODE, NODE)
        dialer = await asyncio.create_subprocess_exec(
            "ip", "netns", "exec", inside, sys.executable, "-c", DIALER, tests, transport, NODE, "5060", INSIDE, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(40):
                said, _ = await dialer.communicate()
                assert dialer.returncode == 0, node.log.read_text()
                assert await carrier.wait() == 0
        finally:
            for process in (carrier, dialer):
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        await until(node.is_clean, 20, "node clean")
        told: dict[str, Any] = json.loads(said)
        return told


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_phone_behind_nat_calls_and_is_called(tmp_path: Path, network: tuple[str, str], transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALICE", "a long enough secret")
    said = asyncio.run(through_nat(tmp_path, *network, transport))
    assert said["register"] == said["first"] == 200
    assert f"received={ROUTER_OUT}" in said["via"]
    rport = re.search(r";rport=(\d+)", said["via"])
    assert rport, "the response says which port it was sent to"
    if transport == "udp":
        assert int(rport[1]) != 5060, "the NAT gave another port, or this test tests nothing"
    assert said["our_bye_answered"]
    assert said["their_reinvite"]
    assert said["their_bye"]
    assert said["inbound_to"].startswith(f"sip:alice@{INSIDE}")
    assert said["inbound_bye_answered"]


