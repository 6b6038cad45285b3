"""Calls that wait, through a running node: at a carrier's rate, and when the node is killed meanwhile."""

import asyncio
from pathlib import Path

import pytest

from tests.counterparts.phones import PhoneCall, until
from tests.node.test_crash import Stage
from trunkline.facts.record import Parked

pytestmark = pytest.mark.sockets

POLICY = """
tenants: {lab: {}}
trunks:
  dialer: {tenant: lab, addresses: [DIALER], pacing: {wait: 5s}, number_plan: {country_code: "1", min_digits: 3}@TRUNK@}
carriers:
  carrier: {@RATE@ gateways: {gateway: {host: "CARRIER", options: 0, addresses: [CARRIER]}}}
@MORE@
destinations:
  us: {prefixes: ["1"], routes: [{to: carrier}@ROUTE@]}
"""


class Waiting(Stage):
    """A dialer whose calls may wait, and a carrier that refuses every call as busy."""

    def __init__(self, folder: Path, trunk: str = "", carrier: str = "", more: str = "", route: str = "") -> None:
        super().__init__(folder, POLICY.replace("@TRUNK@", trunk).replace("@RATE@", carrier).replace("@MORE@", more).replace("@ROUTE@", route))
        self.dialer.user, self.carrier.behaviour = "+12125550177", 486


def test_twenty_calls_at_once_to_a_carrier_of_five_a_second_are_all_placed_and_none_too_early(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Waiting(tmp_path, carrier="cps: 5,") as stage:
            calls = [stage.dialer.invite(f"1415555{1000 + i}", f"{stage.at}:5060") for i in range(20)]
            await until(lambda: all(call.status for call in calls), 20, "every call was answered")
            assert [call.status for call in calls] == [486] * 20
            await until(stage.node.is_clean, 20, "node clean")
            attempts = stage.node.attempts()
            assert len(attempts) == len(stage.carrier.calls) == 20
            began = sorted(attempt.at / 1e6 for attempt in attempts)
            for i in range(6, 21):  # five at once, then one more every 200 ms
                assert began[i - 1] - began[0] >= (i - 5) * 0.2 - 0.02
            assert not [call.refusal for call in stage.node.records() if call.refusal]
            assert len([fact for fact in stage.node.facts() if isinstance(fact, Parked)]) == 15

    asyncio.run(scenario())


def test_calls_that_waited_when_the_node_was_killed_are_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Waiting(tmp_path, trunk=", cps: 0.5") as stage:
            node = stage.node
            calls = [stage.dialer.invite(f"1415555{1000 + i}", f"{stage.at}:5060") for i in range(3)]
            await until(lambda: all(100 in call.provisional for call in calls) and any(call.status for call in calls), 20, "one is placed, two wait")
            node.kill()
            facts = node.facts()
            assert len([fact for fact in facts if isinstance(fact, Parked)]) == 2
            assert len(node.records()) == 1
            await node.start()
            await until(lambda: len(node.records()) == 3, 20, "their records are written")
            await until(lambda: all(call.status for call in calls), 20, "their callers are told")
            broken = [call for call in node.records() if call.refusal == "node.restarted"]
            waited = [call for call in calls if call.status == 502]
            assert len(waited) == 2
            assert {call.dialer_call_id for call in broken} == {call.call_id for call in waited}
            for record in broken:
                assert (record.tenant, record.trunk, record.direction, record.caller_raw) == ("lab", "dialer", "outbound", "+12125550177")
                assert record.called == f"+{record.called_raw}"
                assert record.source == f"{stage.dialer_at}:5060"
                assert (record.state, record.status, record.attempts, record.released_by) == ("failed", 502, 0, "trunkline")
                assert record.total_ms > 0
            node.kill()
            await node.start()
            again = stage.dialer.invite("14155559999", f"{stage.at}:5060")
            await until(lambda: again.status == 486, 20, "a call after the restarts")
            await until(node.is_clean, 20, "node clean")
            assert len(node.records()) == 4, "each has one record, however often the node starts"

    asyncio.run(scenario())


def test_a_policy_that_raises_the_rate_is_felt_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Waiting(tmp_path, carrier="cps: 1,") as stage:
            calls, policy = await one_placed_and_four_waiting(stage), tmp_path / "policy.yaml"
            policy.write_text(policy.read_text().replace("cps: 1,", "cps: 20,"))
            await asyncio.to_thread(stage.node.ask, "reload")
            await until(lambda: all(call.status for call in calls), 0.8, "all are placed")
            await until(stage.node.is_clean, 5, "node clean")

    asyncio.run(scenario())


def test_a_gateway_that_takes_calls_again_gets_those_that_wait(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Waiting(tmp_path, carrier="cps: 1,", more='  spare: {gateways: {gateway: {host: "CARRIER", options: 0}}}', route=", {to: spare}") as stage:
            await asyncio.to_thread(stage.node.ask, "drain", gateway="spare/gateway")
            calls = await one_placed_and_four_waiting(stage)
            await asyncio.to_thread(stage.node.ask, "undrain", gateway="spare/gateway")
            await until(lambda: all(call.status for call in calls), 0.8, "all are placed")
            await until(stage.node.is_clean, 5, "node clean")
            assert sorted(attempt.gateway for attempt in stage.node.attempts()) == ["carrier/gateway"] + ["spare/gateway"] * 4

    asyncio.run(scenario())


async def one_placed_and_four_waiting(stage: Waiting) -> list[PhoneCall]:
    calls = [stage.dialer.invite(f"1415555{1000 + i}", f"{stage.at}:5060") for i in range(5)]
    await until(lambda: all(100 in call.provisional for call in calls) and any(call.status for call in calls), 5, "one is placed, four wait")
    assert sum(bool(call.status) for call in calls) == 1
    return calls
