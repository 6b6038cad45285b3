"""Policies change while calls come in: none is lost, each goes by the policy it began with."""

import asyncio
import signal
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from tests.counterparts.serving import ServedNode
from tests.node.test_operations import run
from trunkline.facts.record import PolicyApplied

pytestmark = pytest.mark.sockets

CALLS_A_SECOND = 25
DESTINATIONS = 400
"Of the larger policy: enough for many steps."


PATIENCE_S = 90.0
"A busy machine compiles slowly; calls do not wait for it."


async def command(node: ServedNode, *words: str) -> None:
    """`trunkline policy ...` while phones go on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trunkline", "policy", *words, cwd=node.folder, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        raise
    assert process.returncode == 0, said.decode()


def policy(dialer: str, first: str, second: str, to: str, destinations: int = 0) -> str:
    text = f"""
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{country_code: "1", min_digits: 3}}}}
carriers:
  first: {{gateways: {{main: {{host: "{first}", options: 0}}}}}}
  second: {{gateways: {{main: {{host: "{second}", options: 0}}}}}}
destinations:
  us: {{prefixes: ["1"], routes: [{{to: {to}}}]}}
"""
    return text + "".join(f'  d{n}: {{prefixes: ["{200000 + n}"], strategy: performance, routes: [{{to: first}}, {{to: second}}]}}\n' for n in range(destinations))


def test_apply_and_rollback_under_load_lose_no_call(tmp_path: Path) -> None:
    async def whole() -> None:
        at, dialer_at, first_at, second_at = (loopback() for _ in range(4))
        listen = [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")]
        node = ServedNode(tmp_path / "node", policy(dialer_at, first_at, second_at, "first"), listen)
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        first = await Phone(user="first").udp(first_at, 5060, (at, 5080))
        second = await Phone(user="second").udp(second_at, 5060, (at, 5080))
        calls: list[PhoneCall] = []
        running = True

        async def one(call: PhoneCall) -> None:
            await until(lambda: call.status, 20, "an answer")
            await asyncio.sleep(0.3)
            if call.status == 200:
                await call.hang_up()

        async def load() -> None:
            under_way = []
            while running:
                calls.append(dialer.invite(f"1415555{len(calls):04}", "node"))
                under_way.append(asyncio.ensure_future(one(calls[-1])))
                await asyncio.sleep(1 / CALLS_A_SECOND)
            await asyncio.gather(*under_way)

        def in_force() -> str:
            version: str = node.ask("status")["policy"]
            return version

        try:
            await node.start()
            long_call = dialer.invite("14155559999", "node")
            await until(lambda: long_call.status == 200, 20, "answered")
            started = in_force()
            loading = asyncio.ensure_future(load())
            (tmp_path / "large.yaml").write_text(policy(dialer_at, first_at, second_at, "second", DESTINATIONS))
            await command(node, "apply", "../large.yaml", "--reason", "the other carrier")
            large = in_force()
            await asyncio.sleep(0.5)
            await command(node, "rollback", "--reason", "and back")
            assert in_force() == started
            await asyncio.sleep(0.5)
            (node.folder / "policy.yaml").write_text(policy(dialer_at, first_at, second_at, "second"))
            assert node.process is not None
            node.process.send_signal(signal.SIGHUP)
            await until(lambda: in_force() not in (started, large), PATIENCE_S, "the file by signal")
            signalled = in_force()
            await asyncio.sleep(0.5)
            running = False
            await loading
            await long_call.hang_up()
            assert long_call.ended_at, "the call that was up all the while"
            await until(node.is_clean, 20, "the node is clean")

            assert Counter(call.status for call in calls) == {200: len(calls)}, "every call was answered"
            records = {record.dialer_call_id: record for record in node.records()}
            assert len(records) == len(calls) + 1, "and is on record"
            assert records[long_call.call_id].policy == started
            by_policy = Counter(records[call.call_id].policy for call in calls)
            assert set(by_policy) == {started, large, signalled}, by_policy
            wanted = {started: "first", large: "second", signalled: "second"}
            assert {(record.policy, record.carrier) for record in records.values()} == set(wanted.items()), "each by the policy it began with"
            assert [fact.version for fact in node.facts() if isinstance(fact, PolicyApplied)] == [started, large, started, signalled]
        finally:
            running = False
            node.stop()
            for phone in (dialer, first, second):
                await phone.close()

    run(whole)
