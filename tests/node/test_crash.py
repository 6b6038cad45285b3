"""`kill -9` and a full disk (rows S3, design rules 5 and 6)."""

import asyncio
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from tests.counterparts.serving import ServedNode, needs, simple_policy, unable

pytestmark = pytest.mark.counterpart

BYE_WITHIN_S = 5.0


class Stage:
    """A dialer, a node and a carrier, each on an address of its own."""

    def __init__(self, folder: Path, policy: str = "", **node: object) -> None:
        """Of a `policy` of its own, DIALER and CARRIER are filled in."""
        self.at = loopback()
        self.dialer_at, self.carrier_at = loopback(), loopback()
        listen = [("trunks", "udp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080")]
        policy = policy.replace("DIALER", self.dialer_at).replace("CARRIER", self.carrier_at) or simple_policy(self.dialer_at, f"{self.carrier_at}:5060")
        self.node = ServedNode(folder, policy, listen, **node)
        self.dialer = Phone(user="dialer")
        self.carrier = Phone(user="carrier")

    async def __aenter__(self) -> "Stage":
        await self.dialer.udp(self.dialer_at, 5060, (self.at, 5060))
        await self.carrier.udp(self.carrier_at, 5060)
        await self.node.start()
        return self

    async def __aexit__(self, kind: object, error: object, trace: object) -> None:
        await self.dialer.close()
        await self.carrier.close()
        await self.node.__aexit__(kind, error, trace)

    def call(self, number: str = "14155550123") -> PhoneCall:
        return self.dialer.invite(number, f"{self.at}:5060")


async def crash_with_calls_up(folder: Path, count: int) -> None:
    async with Stage(folder) as stage:
        node = stage.node
        finished = [stage.call(f"1415555{1000 + i}") for i in range(count)]
        await until(lambda: all(call.status == 200 for call in finished), 20, "first calls answered")
        await asyncio.gather(*(call.hang_up() for call in finished))
        await until(lambda: all(call.bye_at for call in stage.carrier.calls.values()), 20, "first calls over on both sides")
        await until(lambda: len(node.records()) == len(node.attempts()) == count, 20, "they are on record")
        ids_before = {(call.call, call.status) for call in node.records()}
        attempts_before = {(attempt.call, attempt.position, attempt.status) for attempt in node.attempts()}
        assert len(ids_before) == len(attempts_before) == count

        calls = [stage.call(f"1415556{1000 + i}") for i in range(count)]
        await until(lambda: all(call.status == 200 for call in calls), 20, "calls up")
        held = [call for call in stage.carrier.calls.values() if not call.bye_at]
        await until(lambda: all(call.acked for call in held), 20, "carrier calls confirmed")
        stage.carrier.behaviour = "ring"
        pending = stage.call("14155557000")
        await until(lambda: 180 in pending.provisional, 20, "pending call rings")
        ringing = next(call for call in stage.carrier.calls.values() if not call.status)
        node.kill()
        await node.start()
        restarted = time.monotonic()
        await until(lambda: all(call.bye_at for call in [*calls, *held]), BYE_WITHIN_S, f"BYE on both sides; {sum(bool(c.bye_at) for c in calls)} of the dialer's")
        assert time.monotonic() - restarted < BYE_WITHIN_S
        assert all("node restarted" in call.bye.get("Reason") for call in [*calls, *held] if call.bye)
        await until(lambda: ringing.cancel_at, BYE_WITHIN_S, "CANCEL of the pending attempt")
        await until(lambda: pending.status, BYE_WITHIN_S, "a final answer to the dialer of the pending call")
        assert pending.final is not None
        assert (pending.status, "node.restarted" in pending.final.get("Warning")) == (502, True)
        await until(node.is_clean, 20, "node clean after recovery")

        records, attempts = node.records(), node.attempts()
        assert ids_before <= {(call.call, call.status) for call in records}
        assert attempts_before <= {(attempt.call, attempt.position, attempt.status) for attempt in attempts}
        assert len({call.call for call in records}) == len(records) == 2 * count + 1
        interrupted = [call for call in records if call.refusal == "node.restarted"]
        assert len(interrupted) == count + 1
        assert {call.released_by for call in interrupted} == {"trunkline"}
        assert {call.dialer_call_id for call in interrupted} == {call.call_id for call in [*calls, pending]}
        broken = [attempt for attempt in attempts if attempt.refusal == "node.restarted"]
        assert len(broken) == count + 1
        assert {attempt.released_by for attempt in broken} == {"trunkline"}
        for record in (*interrupted, *broken):
            assert (record.tenant, record.trunk, record.destination) == ("lab", "dialer", "everywhere")
            assert record.called.startswith("+141555")
            assert record.caller
        assert sum(attempt.status == 200 for attempt in broken) == count

        stage.carrier.behaviour = "answer"
        again = stage.call()
        await until(lambda: again.status == 200, 20, "a call after the restart")
        await again.hang_up()
        await until(node.is_clean, 20, "node clean")


def test_ten_calls_survive_kill_9_as_records_and_both_sides_get_bye(tmp_path: Path) -> None:
    asyncio.run(crash_with_calls_up(tmp_path, 10))


@pytest.mark.verify
def test_a_hundred_calls_survive_kill_9_as_records_and_both_sides_get_bye(tmp_path: Path) -> None:
    asyncio.run(crash_with_calls_up(tmp_path, 100))


async def crash_between_sipps(folder: Path, count: int) -> None:
    """The same with SIPp on both sides: it ends with 0 when every call of its scenario went as written, BYE from us included."""
    program = needs("sipp")
    at, dialer_at, carrier_at = loopback(), loopback(), loopback()
    doors = [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")]

    def sipp(address: str, *more: str) -> subprocess.Popen[bytes]:
        argv = [program, "-i", address, "-p", "5060", "-nostdin", "-m", str(count), "-timeout", "40s", "-timeout_error", *more]
        return subprocess.Popen(argv, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    async with ServedNode(folder / "node", simple_policy(dialer_at, f"{carrier_at}:5060"), doors) as node:
        sides = [sipp(carrier_at, "-sn", "uas")]
        try:
            scenario = Path(__file__).with_name("sipp_waits_for_bye.xml")
            sides.append(sipp(dialer_at, "-sf", str(scenario), "-s", "14155550123", "-r", "50", "-l", str(count), f"{at}:5060"))
            await until(lambda: len(node.ask("calls")) == count and all(call["state"] == "confirmed" for call in node.ask("calls")), 20, "calls up")
            assert [side.poll() for side in sides] == [None, None]
            node.kill()
            await node.start()
            await until(lambda: sides[1].poll() is not None, BYE_WITHIN_S, "SIPp's callers all got BYE")
            await until(lambda: sides[0].poll() is not None, BYE_WITHIN_S + 4, "SIPp's carrier too; it lingers 4 s after the last")
            assert [side.returncode for side in sides] == [0, 0]
            await until(node.is_clean, 20, "node clean")
            assert sum(call.refusal == "node.restarted" for call in node.records()) == count
        finally:
            for side in sides:
                if side.poll() is None:
                    side.kill()
                side.wait()


def test_sipp_on_both_sides_gets_bye_after_kill_9(tmp_path: Path) -> None:
    asyncio.run(crash_between_sipps(tmp_path, 10))


@pytest.mark.verify
def test_a_hundred_calls_of_sipp_get_bye_on_both_sides_after_kill_9(tmp_path: Path) -> None:
    asyncio.run(crash_between_sipps(tmp_path, 100))


def test_over_tcp_the_carrier_is_connected_to_again_for_its_bye(tmp_path: Path) -> None:
    """The connection died with the process; a carrier listens, so a new one can be made."""

    async def scenario() -> None:
        at, dialer_at, carrier_at = loopback(), loopback(), loopback()
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        carrier = await Phone(user="carrier").stream(carrier_at, listen=5060)
        doors = [("trunks", "udp", f"{at}:5060"), ("carriers", "tcp", f"{at}:5080")]
        try:
            async with ServedNode(tmp_path, simple_policy(dialer_at, f"{carrier_at}:5060", "transport: tcp"), doors) as node:
                calls = [dialer.invite(f"1415555{1000 + i}", "node") for i in range(5)]
                await until(lambda: all(call.status == 200 for call in calls), 20, "answered")
                await until(lambda: all(call.acked for call in carrier.calls.values()), 20, "confirmed")
                node.kill()
                await node.start()
                await until(lambda: all(call.bye_at for call in [*calls, *carrier.calls.values()]), BYE_WITHIN_S, "BYE on both sides")
                await until(node.is_clean, 20, "node clean")
        finally:
            await dialer.close()
            await carrier.close()

    asyncio.run(scenario())


def test_over_tcp_a_caller_that_waits_is_answered_where_it_listens(tmp_path: Path) -> None:
    """Its connection died with the process; the response goes to the port its Via names (RFC 3261 section 18.2.2)."""

    async def scenario() -> None:
        at, dialer_at, carrier_at = loopback(), loopback(), loopback()
        heard: list[bytes] = []

        async def listens(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while data := await reader.read(65536):
                heard.append(data)
            writer.close()

        carrier = await Phone("ring", user="carrier").udp(carrier_at, 5060)
        doors = [("trunks", "tcp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")]
        server = await asyncio.start_server(listens, dialer_at, 5070)
        try:
            async with ServedNode(tmp_path, simple_policy(dialer_at, f"{carrier_at}:5060"), doors) as node:
                dialer = await Phone(user="dialer").stream(dialer_at, route=(at, 5060))
                dialer.sent_by = f"{dialer_at}:5070"
                call = dialer.invite("14155550123", "node")
                await until(lambda: 180 in call.provisional, 5, "it rings")
                node.kill()
                await node.start()
                await until(lambda: heard, BYE_WITHIN_S, "a response")
                assert heard[0].startswith(b"SIP/2.0 502 ")
                assert call.call_id.encode() in heard[0]
                await dialer.close()
        finally:
            server.close()
            await carrier.close()

    asyncio.run(scenario())


async def kills_under_load(folder: Path, kills: int, rate: float, seconds: float) -> None:
    """Calls keep coming while the node is killed again and again; what the dialer saw end 0.3 s before a kill is on record."""
    async with Stage(folder) as stage:
        node, seen, stopped = stage.node, [], asyncio.Event()

        async def one(number: int) -> None:
            call = stage.call(f"1{4150000000 + number}")
            seen.append(call)
            deadline = time.monotonic() + 40  # longer than an INVITE is repeated: a late 200 must be hung up
            while not call.status and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
            if call.status == 200:
                await asyncio.sleep(0.05 + (number % 10) / 50)
                if not call.bye_at:
                    await call.hang_up()

        async def load() -> None:
            async with asyncio.TaskGroup() as group:
                number = 0
                while not stopped.is_set():
                    group.create_task(one(number))
                    number += 1
                    await asyncio.sleep(1 / rate)

        loading = asyncio.create_task(load())
        for kill in range(kills):
            began = time.monotonic()
            before = sum(bool(call.ended_at) for call in seen)
            # A different moment of the journal's cycle each time, and calls end between any two kills however busy the machine is.
            await until(lambda: time.monotonic() - began > seconds * (0.5 + (kill * 7 % 10) / 10), 30, "")  # noqa: B023
            await until(lambda: sum(bool(call.ended_at) for call in seen) > before, 30, f"calls end after kill {kill - 1}")  # noqa: B023
            killed = time.monotonic()
            node.kill()
            safe = {call.call_id for call in seen if call.ended_at and call.ended_at < killed - 0.3}
            recorded = {call.dialer_call_id for call in await asyncio.to_thread(node.records)}
            assert safe <= recorded, f"kill {kill}: {len(safe - recorded)} finished calls lost"
            await node.start()
        stopped.set()
        await asyncio.wait_for(loading, 90)
        await until(node.is_clean, 20, f"node clean at the end: {node.ask('status')}")
        records = node.records()
        assert len({call.call for call in records}) == len(records), "a call has two records"
        recorded = {call.dialer_call_id for call in records}
        lost = [call for call in seen if call.ended_at and call.call_id not in recorded]
        assert not lost, f"{len(lost)} of {len(seen)} calls that ended have no record"
        attempts = node.attempts()
        assert len({(a.call, a.position) for a in attempts}) == len(attempts), "an attempt has two records"
        # No ghosts: everything the carrier answered was hung up or belongs to a call it hung up itself.
        ghosts = [call for call in stage.carrier.calls.values() if call.acked and not call.bye_at]
        assert not ghosts, f"{len(ghosts)} carrier legs never got BYE"
        # Who hung up just as the node was killed, and is told 481 by the next one, has no call either.
        # Whoever heard that the call is tried heard how it ended, whenever the node was killed. Who had no 100 repeats its INVITE, and may by bad luck do
        # so only while no node runs.
        silent = [call for call in seen if call.status in (0, 408) and call.provisional]
        assert not silent, f"{len(silent)} of {len(seen)} dialers never got a final answer"
        assert sum(call.status == 408 for call in seen) < 0.1 * len(seen)
        orphans = [call for call in seen if call.status == 200 and not call.bye_at and not call.ended_at and call.bye_answer != 481]
        assert not orphans, f"{len(orphans)} dialer legs neither hung up nor were hung up"


def test_three_kills_under_load_lose_no_finished_call(tmp_path: Path) -> None:
    asyncio.run(kills_under_load(tmp_path, 3, 40, 0.8))


@pytest.mark.verify
def test_fifty_kills_under_load_lose_no_finished_call(tmp_path: Path) -> None:
    asyncio.run(kills_under_load(tmp_path, 50, 100, 1.0))


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 65536)


async def fills_up(folder: Path, data: Path) -> None:
    async with Stage(folder, data=str(data), low_water_mb=4) as stage:
        node, filler = stage.node, data / "filler"
        kept = stage.call()
        await until(lambda: kept.status == 200, 20, "a call before the disk is full")
        with pytest.raises(OSError, match="No space left"):
            fill(filler)
        await until(lambda: not node.ask("status")["admitting"], 20, "admissions stop")
        refused = stage.call()
        await until(lambda: refused.status, 20, "a new call is refused")
        assert refused.status == 503
        assert refused.final is not None
        assert int(refused.final.get("Retry-After")) > 0
        assert not kept.bye_at
        await kept.hang_up()
        assert kept.ended_at, "the call in progress can be ended while the disk is full"
        await until(lambda: all(call.bye_at for call in stage.carrier.calls.values()), 20, "the carrier's side too")
        filler.unlink()
        await until(lambda: node.ask("status")["admitting"], 20, "admissions resume")
        again = stage.call()
        await until(lambda: again.status == 200, 20, "a call after space was freed")
        await again.hang_up()
        await until(node.is_clean, 20, "node clean")
        ended = {call.dialer_call_id for call in node.records()}
        assert {kept.call_id, again.call_id} <= ended, "the call that ended on a full disk is on record"


def test_a_full_disk_stops_admissions_and_calls_go_on(tmp_path: Path) -> None:
    if os.geteuid() != 0 or shutil.which("mount") is None:
        unable("a small tmpfs needs root")
    data = tmp_path / "small"
    data.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(data)], capture_output=True, check=False)
    if mounted.returncode:
        unable(f"cannot mount a tmpfs: {mounted.stderr.decode().strip()}")
    try:
        asyncio.run(fills_up(tmp_path / "node", data))
    finally:
        subprocess.run(["umount", str(data)], check=True)


def test_below_the_low_water_no_call_is_admitted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, low_water_mb=1 << 30) as stage:
            await until(lambda: not stage.node.ask("status")["admitting"], 20, "admissions stop")
            refused = stage.call()
            await until(lambda: refused.status, 20, "an answer")
            assert refused.status == 503
            assert "low water" in stage.node.ask("status")["why_not"]

    asyncio.run(scenario())
