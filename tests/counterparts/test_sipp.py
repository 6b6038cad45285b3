"""SIPp on both sides of a real node."""

import asyncio
from pathlib import Path

import pytest

from trunkline.lab.run import free_port

from .serving import ServedNode, needs
from .sipp import ended, listening, sipp

pytestmark = pytest.mark.counterpart


def policy(*carriers: int, trunk: str = "", gateway: str = "") -> str:
    """One dialer on loopback; carriers tried in this order."""
    gateways = "".join(f'  c{i}: {{gateways: {{g: {{host: "127.0.0.1:{port}", options: 0{gateway}}}}}}}\n' for i, port in enumerate(carriers))
    routes = ", ".join(f"{{to: c{i}}}" for i in range(len(carriers)))
    return (
        f"tenants: {{t: {{}}}}\ntrunks:\n  dialer: {{tenant: t, addresses: [127.0.0.1], number_plan: {{min_digits: 3}}{trunk}}}\n"
        f'carriers:\n{gateways}destinations:\n  all: {{prefixes: [""], strategy: priority, routes: [{routes}]}}\n'
    )


class Rig:
    """A node, SIPp carriers behind it, and a SIPp dialer in front."""

    def __init__(self, folder: Path, *carriers: str, trunk: str = "", gateway: str = "", transport: str = "udp") -> None:
        needs("sipp")
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.carriers = carriers
        self.ports = [free_port() for _ in carriers]
        self.trunk_port = free_port()
        more = f", transport: {transport}" if transport != "udp" else ""
        listen = [("trunks", transport, f"127.0.0.1:{self.trunk_port}"), ("carriers", transport, f"127.0.0.1:{free_port()}")]
        self.node = ServedNode(folder / "node", policy(*self.ports, trunk=trunk, gateway=gateway + more), listen)
        self.transport = transport
        self.options = ("-t", "t1") if transport == "tcp" else ()

    async def call(self, scenario: str, calls: int = 1, rate: int = 10, *more: str, carrier_calls: int | None = None) -> ServedNode:
        """Place calls and wait until every party is done and the node holds nothing."""
        async with self.node:
            behind = [
                sipp(name, port, *(() if name == "uas" else ("-m", str(calls))), *self.options, folder=self.folder)
                for name, port in zip(self.carriers, self.ports, strict=True)
                if name
            ]
            try:
                for name, port in zip(self.carriers, self.ports, strict=True):
                    if name:
                        await listening("127.0.0.1", port, self.transport)
                front = sipp(
                    scenario, free_port(), "-s", "14155550123", f"127.0.0.1:{self.trunk_port}", "-m", str(calls), "-r", str(rate), *self.options, *more,
                    folder=self.folder,
                )  # fmt: skip
                await asyncio.to_thread(ended, front)
                for name, process in zip([name for name in self.carriers if name], behind, strict=True):
                    if name != "uas":
                        await asyncio.to_thread(ended, process)
                async with asyncio.timeout(30):
                    while not self.node.is_clean():
                        await asyncio.sleep(0.05)
            finally:
                for process in behind:
                    if process.poll() is None:
                        process.terminate()
                        process.wait()
        return self.node


def test_sipps_own_caller_and_callee_three_hundred_times(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas").call("uac", 300, 100))
    assert [call.status for call in node.records()] == [200] * 300
    assert len(node.attempts()) == 300


@pytest.mark.verify
def test_three_thousand_calls_at_two_hundred_a_second(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas").call("uac", 3000, 200))
    assert [call.status for call in node.records()] == [200] * 3000
    assert [attempt.status for attempt in node.attempts()] == [200] * 3000


def test_503_then_success_on_carrier_two(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas-503", "uas").call("uac", 5))
    assert [(call.status, call.attempts) for call in node.records()] == [(200, 2)] * 5


def test_486_is_not_retried(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas-486", "").call("uac-486", 3))
    assert [(call.status, call.attempts) for call in node.records()] == [(486, 1)] * 3


def test_404_with_cause_1_stops_and_with_cause_3_goes_on(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path / "one", "uas-404-cause-1", "").call("uac-404"))
    assert node.records()[0].attempts == 1
    node = asyncio.run(Rig(tmp_path / "three", "uas-404-cause-3", "uas").call("uac"))
    assert (node.records()[0].status, node.records()[0].attempts) == (200, 2)


def test_a_carrier_that_does_not_answer_is_left(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "", "uas", gateway=", timers: {no_response: 500ms}").call("uac", 2))
    assert [(call.status, call.attempts) for call in node.records()] == [(200, 2)] * 2


def test_183_with_media_then_180(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas-183-180").call("uac"))
    assert node.attempts()[0].early_media == "183+sdp"


def test_hold(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas-hold").call("uac-hold"))
    assert node.records()[0].holds == 1


def test_an_invite_of_1900_bytes_reaches_a_udp_gateway_and_the_answer_comes_back(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas").call("uac-1900-bytes"))
    assert node.records()[0].status == 200


def test_a_refer_is_refused_where_policy_says_so(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas", trunk=", transfer: false").call("uac-refer-refused"))
    assert node.records()[0].transfers == 0


def test_tcp_on_both_sides(tmp_path: Path) -> None:
    node = asyncio.run(Rig(tmp_path, "uas", transport="tcp").call("uac", 20))
    assert [call.transport for call in node.records()] == ["tcp"] * 20
