"""`performance` on the wire: a route whose answers are nobody loses its calls, and `trunkline routes` says why."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode

pytestmark = pytest.mark.sockets

POLICY = """
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}}}
carriers:
  good: {{gateways: {{main: {{host: "{good}:5060", options: 0}}}}}}
  bad: {{gateways: {{main: {{host: "{bad}:5060", options: 0}}}}}}
destinations:
  everywhere:
    prefixes: [""]
    strategy: performance
    scoring: {{value: 1.0}}
    routes: [{{to: bad, rate: 0.01}}, {{to: good, rate: 0.01}}]
"""


def test_a_route_that_refuses_loses_its_calls_and_the_bill_is_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, good_at, bad_at = (loopback() for _ in range(4))
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        good = await Phone(user="good").udp(good_at, 5060)
        bad = await Phone(480, user="bad").udp(bad_at, 5060)
        listen = [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")]
        try:
            async with ServedNode(tmp_path, POLICY.format(dialer=dialer_at, good=good_at, bad=bad_at), listen) as node:

                async def calls(count: int) -> dict[str, int]:
                    before = len(good.calls), len(bad.calls)
                    placed = []
                    for number in range(count):
                        call = dialer.invite(f"1415555{1000 + number}", "node")
                        placed.append(call)
                        await until(lambda: call.status, 20, "an end")  # noqa: B023
                        if call.status == 200:
                            await call.hang_up()
                    return {"good": len(good.calls) - before[0], "bad": len(bad.calls) - before[1]}

                first = await calls(80)
                later = await calls(60)
                assert later["good"] > 3 * later["bad"], f"{first} then {later}"
                assert later["good"] / 60 > first["good"] / 80
                await until(node.is_clean, 20, "node clean")
                attempts = node.attempts()
                assert {attempt.cost for attempt in attempts if attempt.answer_ms is not None} == {0.01}, "a minute, begun"
                assert {attempt.cost for attempt in attempts if attempt.answer_ms is None} == {None}
                done = subprocess.run(
                    [sys.executable, "-m", "trunkline", "routes", "--data", str(node.data), "--json"], capture_output=True, text=True, check=True
                )
                rows = {row["gateway"]: row for row in json.loads(done.stdout)}
                assert rows["good/main"]["share"] > 0.8
                assert rows["good/main"]["answers"]["low"] > rows["bad/main"]["answers"]["high"]
                shown = subprocess.run([sys.executable, "-m", "trunkline", "routes", "--data", str(node.data)], capture_output=True, text=True, check=True)
                assert "good/main" in shown.stdout.splitlines()[2]

                node.kill()
                await node.start()
                again = await calls(20)
                assert again["good"] >= 17, f"what was learnt outlives a crash: {again}"
        finally:
            for phone in (dialer, good, bad):
                await phone.close()

    asyncio.run(scenario())


@pytest.mark.verify
def test_a_route_degraded_in_mid_run_loses_its_calls_and_gets_them_back_by_canaries(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, good_at, bad_at = (loopback() for _ in range(4))
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        good = await Phone(user="good").udp(good_at, 5060)
        bad = await Phone(user="bad").udp(bad_at, 5060)
        listen = [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")]
        policy = POLICY.format(dialer=dialer_at, good=good_at, bad=bad_at).replace("strategy: performance\n    scoring: {value: 1.0}", "strategy: priority")
        try:
            async with ServedNode(tmp_path, policy, listen):

                async def calls(count: int) -> int:
                    """Place calls; how many were offered to the route in question. All are answered, by it or by the other."""
                    before = len(bad.calls)
                    for number in range(count):
                        call = dialer.invite(f"1415555{1000 + number}", "node")
                        await until(lambda: call.status, 20, "an end")  # noqa: B023
                        assert call.status == 200
                        await call.hang_up()
                    return len(bad.calls) - before

                assert await calls(10) == 10, "the first route takes all"
                bad.behaviour = 503
                await calls(25)
                assert await calls(40) <= 6, "only canaries reach a route that fails"
                bad.behaviour = "answer"
                began = time.monotonic()
                while await calls(10) < 10:
                    assert time.monotonic() - began < 180, "canaries never brought its calls back"
                    await asyncio.sleep(1.0)
        finally:
            for phone in (dialer, good, bad):
                await phone.close()

    asyncio.run(scenario())
