"""A call over a running node has the price of its own number on record."""

import asyncio
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode

pytestmark = pytest.mark.sockets


def test_an_attempts_cost_is_that_of_its_number_in_the_deck(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, carrier_at = loopback(), loopback(), loopback()
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        carrier = await Phone(user="carrier").udp(carrier_at, 5060)
        policy = f"""
tenants: {{lab: {{}}}}
trunks: {{dialer: {{tenant: lab, addresses: [{dialer_at}]}}}}
currency: USD
currencies: {{EUR: 1.5}}
carriers: {{alpha: {{gateways: {{main: {{host: "{carrier_at}:5060", called: {{style: national, country_code: "1"}}}}}}, rates: alpha.csv}}}}
destinations: {{us: {{prefixes: ["1"], strategy: least_cost, routes: [{{to: alpha}}]}}}}
"""
        node = ServedNode(tmp_path, policy, [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")], "")
        (node.folder / "alpha.csv").write_text("prefix,rate,increments,currency\n1,0.60,60/60,USD\n1415,0.40,6/6,EUR\n")
        try:
            async with node:
                for number in ("14155550123", "12125550123"):
                    placed = dialer.invite(number, "node")
                    await until(lambda: placed.status == 200, 20, "answered")  # noqa: B023
                    await placed.hang_up()
                await until(node.is_clean, 20, "node clean")
                costs = {attempt.called: attempt.cost for attempt in node.attempts()}
                assert costs == {"4155550123": pytest.approx(0.40 * 1.5 * 6 / 60), "2125550123": pytest.approx(0.60)}
        finally:
            await dialer.close()
            await carrier.close()

    asyncio.run(scenario())
