"""Two nodes that route to each other: a call must end soon, with 482 or 483, and leave nothing behind (RFC 3261 16.3, RFC 5393)."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode

pytestmark = pytest.mark.sockets


def pointed_at(other: str, dialer: str, gateways: int) -> str:
    """Calls from the dialer and from the other node go to the other node."""
    points = ", ".join(f'g{i}: {{host: "{other}:5060", options: 0, timers: {{no_response: 15s}}}}' for i in range(gateways))
    return f"""
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}}}
  other: {{tenant: lab, addresses: [{other}], number_plan: {{min_digits: 3}}}}
carriers:
  other: {{gateways: {{{points}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: other}}]}}
"""


async def loop_through(folder: Path, gateways: int, extra: str, calls: int) -> None:
    first, second, dialer_at = loopback(), loopback(), loopback()
    dialer = await Phone(user="dialer").udp(dialer_at, 5060, (first, 5060))
    nodes = [
        ServedNode(folder / name, pointed_at(other, dialer_at, gateways), [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")])
        for name, at, other in (("first", first, second), ("second", second, first))
    ]
    try:
        async with nodes[0], nodes[1]:
            began = time.monotonic()
            looped = [dialer.invite(f"1415555{1000 + i}", "first", extra=extra) for i in range(calls)]
            await until(lambda: all(call.status for call in looped), 20, "every call ended")
            assert time.monotonic() - began < 6, "a loop has to be noticed at once, not by a timer"
            assert {call.status for call in looped} <= {482, 483}, {call.status for call in looped}
            for node in nodes:
                await until(node.is_clean, 20, f"clean: {node.ask('status')}")
            attempts = [attempt for node in nodes for attempt in node.attempts()]
            assert len(attempts) <= 4 * calls * max(gateways, 1), f"{len(attempts)} INVITEs for {calls} calls: a storm"
    finally:
        await dialer.close()


@pytest.mark.parametrize("gateways", [1, 3])
def test_a_call_that_comes_back_is_refused_at_its_first_return(tmp_path: Path, gateways: int) -> None:
    asyncio.run(loop_through(tmp_path, gateways, "", 20))


def test_a_caller_without_hops_left_gets_483(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, carrier_at = loopback(), loopback(), loopback()
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        carrier = await Phone(user="carrier").udp(carrier_at, 5060)
        node = ServedNode(tmp_path, pointed_at(carrier_at, dialer_at, 1), [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")])
        send = dialer._raw
        dialer._raw = lambda data, to: send(data.replace(b"Max-Forwards: 70", b"Max-Forwards: 0"), to)
        try:
            async with node:
                call = dialer.invite("14155550123", "node")
                await until(lambda: call.status, 20, "an answer")
                assert call.status == 483
                assert not carrier.calls
                await until(node.is_clean, 20, "clean")
        finally:
            await dialer.close()
            await carrier.close()

    asyncio.run(scenario())
