"""The control socket against what a script gone wrong sends: every request gets an answer, and nothing it says keeps the node from starting again."""

import asyncio
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from tests.counterparts.phones import loopback, until
from tests.counterparts.serving import ServedNode, simple_policy
from trunkline.facts.numbers import NumberAdded, NumberLabelled, NumberTransition

pytestmark = pytest.mark.sockets

OURS = "+14155550100"


def said(node: ServedNode, line: bytes) -> dict[str, Any]:
    """The answer to one line, whatever it holds."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(30)
        folder = os.open(node.data, os.O_PATH)
        try:
            control.connect(f"/proc/self/fd/{folder}/control.sock")
        finally:
            os.close(folder)
        try:
            control.sendall(line)
            with control.makefile("rb") as reply:
                answer: dict[str, Any] = json.loads(reply.readline())
        except ConnectionError:  # hung up on in the middle of a line that is too long
            assert len(line) > 1 << 20
            return {"ok": False}
        return answer


def told(node: ServedNode, *facts: dict[str, Any]) -> dict[str, Any]:
    return said(node, json.dumps({"do": "numbers", "facts": facts}).encode() + b"\n")


def fact(kind: str, **more: Any) -> dict[str, Any]:
    return {"fact": kind, "at": time.time_ns() // 1000, "number": OURS, **more}


def added(number: str = OURS, **more: str) -> dict[str, Any]:
    row = {"owner": "lab", "type": "geographic", "country": "US", "area": "", "use": "sales", "pool": "sales", "provider": "", "proof": "loa", "proof_from": "2026-01-01", "proof_until": "", "callback": ""}
    return {**fact("number_added", author="me", **{**row, **more}), "number": number}


def step(before: str = "stock", after: str = "production", event: str = "promote") -> dict[str, Any]:
    return fact("number_transition", before=before, after=after, event=event, reason="why", evidence={}, author="me")


BAD = {
    "an event no table has": step(event="nonsense"),
    "a state no table has": step(after="nonsense"),
    "a step no table has": step("stock", "released", "release"),
    "another century": {**step(), "at": 1 << 62},
    "a number that is none": added("+1999"),
    "a proof without a date": added("+14155550101", proof_from="soon"),
    "a cell that cannot be shown": added("+14155550101", provider="\x1b[2J"),
    "another owner": fact("number_changed", changes={"owner": "other"}, author="me"),
    "no column": fact("number_changed", changes={"first_day": "0"}, author="me"),
    "a pool that is no name": fact("number_changed", changes={"pool": ""}, author="me"),
    "no label": fact("number_labelled", seen=0, label="awful", engine="hiya", source="probe"),
    "a label of the future": fact("number_labelled", seen=1 << 62, label="spam", engine="hiya", source="probe"),
    "an alarm of no pool": {"fact": "pool_alarm", "at": time.time_ns() // 1000, "pool": "nowhere", "raised": True, "reason": "", "evidence": {}, "author": "me"},
}

LINES = {
    "bytes": b"\x00\xff\n", "no UTF-8": b'{"do":"\xff"}\n', "deep": b'{"do":"status","more":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n",
    "deep facts": b'{"do":"numbers","facts":[' + b"[" * 100_000 + b"]" * 100_000 + b"]}\n", "too long": b"x" * ((1 << 20) + 2), "facts of no type": b'{"do":"numbers","facts":[1,{},"x"]}\n',
    "somebody's file": b'{"do":"apply","version":"../../../etc/passwd"}\n',
}  # fmt: skip


def test_whatever_is_said_is_answered_nothing_waits_and_the_node_starts_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        at = loopback()
        node = ServedNode(tmp_path, simple_policy(loopback(), f"{loopback()}:5060"), [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")])
        async with node:
            for name, line in LINES.items():
                assert said(node, line)["ok"] is False, name
            assert told(node, added(), step())["ok"]
            for name, one in BAD.items():
                assert told(node, one)["ok"] is False, name
                assert told(node, added("+14155550105"), one)["ok"] is False, f"{name}: all of a request or none"
            assert [one.number for one in node.facts() if isinstance(one, NumberAdded)] == [OURS]
            an_observation_sent_again_is_no_second_one(node)
            await two_hundred_who_say_half_a_line(node)
            node.kill()
            await node.start()
            assert [one.after for one in node.facts() if isinstance(one, NumberTransition) and one.author == "me"] == ["production"]

    asyncio.run(scenario())


def an_observation_sent_again_is_no_second_one(node: ServedNode) -> None:
    seen = time.time_ns() // 1000 - 60_000_000
    for _ in range(3):
        assert told(node, fact("number_labelled", seen=seen, label="spam", engine="hiya", source="probe"))["ok"]
    assert sum(isinstance(one, NumberLabelled) for one in node.facts()) == 1


async def two_hundred_who_say_half_a_line(node: ServedNode) -> None:
    folder = os.open(node.data, os.O_PATH)
    idle = []
    try:
        for at_once in range(200):
            if at_once % 50 == 49:
                await asyncio.sleep(0.1)  # the kernel queues a hundred
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(30)
            one.connect(f"/proc/self/fd/{folder}/control.sock")
            one.sendall(b'{"do":"sta')
            idle.append(one)
        await until(node.is_clean, 20, "somebody else is answered")
        idle[0].sendall(b'tus"}\n')
        with idle[0].makefile("rb") as line:
            assert json.loads(line.readline())["ok"]
    finally:
        os.close(folder)
        for one in idle:
            one.close()
    assert node.is_clean()
