"""What a person at the desk asks of a node that runs, and of one that stands still: names, Call-IDs, exit codes, doors."""

import json
from pathlib import Path

import pytest

from tests.counterparts.phones import until
from tests.node.test_operations import Lab, command, command_beside, run

pytestmark = pytest.mark.sockets


def test_calls_are_found_by_any_call_id_and_names_are_checked(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            call = lab.dialer.invite("14155550123", "node")
            await until(lambda: call.status == 200, 5, "answered")
            (carrier_call_id,) = lab.first.calls
            (live,) = json.loads(await command_beside(node.folder, "calls", "--destination", "us", "--json", code=0))["in_progress"]
            assert (live["destination"], live["gateway"]) == ("us", "first/main")
            assert f"Call {live['call']} in progress" in await command_beside(node.folder, "call", call.call_id, code=0)
            await call.hang_up()
            await until(lambda: node.records(), 3, "the record")
            assert f"Call {live['call']} disconnected" in await command_beside(node.folder, "call", carrier_call_id, code=0)
            assert f"Call {live['call']}, began" in await command_beside(node.folder, "ladder", call.call_id, code=0)
            assert f"{live['call']}: " in await command_beside(node.folder, "explain", carrier_call_id, code=0)
            assert "There is no call nosuch" in await command_beside(node.folder, "call", "nosuch", code=1)
            assert "There is no trunk dailer: the policy in force has none of that name; did you mean `dialer`?" in await command_beside(node.folder, "calls", "--trunk", "dailer", code=1)
            assert "There is no destination mars" in await command_beside(node.folder, "routes", "--destination", "mars", code=1)
            assert "Nothing is learnt of destination us yet" in await command_beside(node.folder, "routes", "--destination", "us", code=0)
            assert "There is no call nosuch" in await command_beside(node.folder, "listen", "label", "nosuch", "human", code=1)
            assert f"call {live['call']} labelled human" in await command_beside(node.folder, "listen", "label", call.call_id, "human", code=0)
            assert "nothing was kept of call" in await command_beside(node.folder, "listen", "clip", call.call_id, "--json", code=1)

    run(scenario)


def test_the_exit_code_of_status_says_whether_calls_are_admitted(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            assert "admitting new calls" in await command_beside(node.folder, "status", code=0)
            assert "did you mean `first/main`?" in await command_beside(node.folder, "drain", "first/mian", code=1)
            await command_beside(node.folder, "drain", code=0)
            assert "NOT admitting new calls: node.draining" in await command_beside(node.folder, "status", code=1)
            await command_beside(node.folder, "undrain", code=0)
            assert json.loads(await command_beside(node.folder, "status", "--json", code=0))["admitting"]
        assert "No node runs with data directory" in await command_beside(lab.node.folder, "status", code=2)

    run(scenario)


def test_a_policy_applied_again_is_not_what_a_rollback_goes_back_to(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            first = node.ask("status")["policy"]
            (node.folder / "policy.yaml").write_text(lab.policy() + "# another\n")
            await command_beside(node.folder, "policy", "apply", "--reason", "another", code=0)
            second = node.ask("status")["policy"]
            assert "it means what is in force already" in await command_beside(node.folder, "policy", "apply", "--reason", "a new password", code=0)
            said = await command_beside(node.folder, "policy", "rollback", "--reason", "no", code=0)
            assert f"policy {first} is in force again, in place of {second}" in said

    run(scenario)


def test_a_door_that_is_not_there_is_refused_while_the_node_stands_still(tmp_path: Path) -> None:
    """As a running node would, and before it is what the node starts with."""
    lab = Lab(tmp_path)

    async def scenario() -> None:
        async with lab.running() as node:
            before = node.ask("status")["policy"]
            doors = list(node.ask("status")["doors"])
        policy = node.folder / "policy.yaml"
        apply = ("policy", "apply", "--next-start", "--reason", "a second line")
        policy.write_text(lab.policy(more=", local: [isp-1]"))
        said = command(node.folder, *apply, code=1)
        assert "carriers.first.gateways.main.local[0]: door `isp-1`: no [[listen]] of this node bears that name; doors for carriers by udp are: carriers-udp-2" in said
        policy.write_text(lab.policy(more=f", local: [{doors[2]}]"))
        command(node.folder, *apply, code=0)
        async with lab.running() as again:
            assert again.ask("status")["policy"] != before

    run(scenario)
