"""Caller IDs on the wire: the number a call is made with, its caps, a refusal rather than a wrong number, and what a restart knows."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from tests.counterparts.serving import ServedNode
from trunkline.facts.numbers import NumberTaken, NumberTransition
from trunkline.facts.record import Attempt, Call, Decision
from trunkline.numbers import NumberBook
from trunkline.policy.number_rules import Rules
from trunkline.records import Reading, load

pytestmark = pytest.mark.sockets

POLICY = """
tenants: {lab: {}}
trunks:
  dialer: {tenant: lab, addresses: [DIALER], number_plan: {country_code: "1", min_digits: 3}, metadata: {campaign: header:X-Campaign, agent: header:X-Agent},
           caller_id: {use: USE, pool: sales, pools: {dunning: collections}}}
  office: {tenant: lab, kind: dialer, addresses: [127.250.0.9], host: "DIALER:5060"}
carriers:
  first: {gateways: {main: {host: "FIRST", options: 0, addresses: [FIRST], codecs: [PCMU, PCMA], timers: {no_response: 1500ms}, caller: {header: pai}}}}
  second: {gateways: {main: {host: "SECOND", options: 0, codecs: [PCMU, PCMA], timers: {no_response: 1500ms}, caller: {header: pai}}}}
destinations:
  us: {prefixes: ["1"], strategy: priority, routes: [{to: first}, {to: second}]}
pools:
  sales: {per_hour: 3, per_minute: 3, callback: [office]}
"""

HEADER = "number,owner,type,country,use,pool,proof,proof_from,start,callback\n"
ROWS = "".join(f"+1415555010{i},lab,geographic,US,sales,sales,loa-1,2026-01-01,production,spring\n" for i in range(4))
ROWS += "+12125550199,lab,geographic,US,collections,collections,loa-2,2026-01-01,production,\n"


class Stage:
    """A dialer, a node with five numbers, two carriers."""

    def __init__(self, folder: Path, use: str = "replace") -> None:
        self.folder = folder
        self.at, self.dialer_at, self.first_at, self.second_at = (loopback() for _ in range(4))
        self.dialer, self.first, self.second = (Phone(user=name) for name in ("dialer", "first", "second"))
        policy = POLICY.replace("DIALER", self.dialer_at).replace("FIRST", self.first_at).replace("SECOND", self.second_at).replace("USE", use)
        self.node = ServedNode(folder / "node", policy, [("trunks", "udp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080")], t1_ms=100)

    @asynccontextmanager
    async def running(self, rows: str = ROWS) -> AsyncIterator["Stage"]:
        await self.dialer.udp(self.dialer_at, 5060, (self.at, 5060))
        await self.first.udp(self.first_at, 5060, (self.at, 5080))
        await self.second.udp(self.second_at, 5060, (self.at, 5080))
        try:
            async with self.node:
                if rows:
                    (self.folder / "numbers.csv").write_text(HEADER + rows)
                    await asyncio.to_thread(self.trunkline, "import", str(self.folder / "numbers.csv"))
                yield self
        finally:
            for phone in (self.dialer, self.first, self.second):
                await phone.close()

    def trunkline(self, *args: str, code: int = 0) -> str:
        done = subprocess.run([sys.executable, "-m", "trunkline", "numbers", *args, "--data", str(self.node.data)], capture_output=True, text=True, timeout=120, env={**os.environ, "COLUMNS": "200"})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    async def call(self, number: str = "14155559999", extra: str = "", hang_up: bool = True) -> PhoneCall:
        call = self.dialer.invite(number, f"{self.at}:5060", extra=extra)
        await until(lambda: call.status, 20, "the call is answered or refused")
        if call.status == 200 and hang_up:
            await call.hang_up()
        return call

    def taken(self) -> list[NumberTaken]:
        return [fact for fact in self.node.facts() if isinstance(fact, NumberTaken)]


def shown(carrier: Phone) -> list[str]:
    """Caller IDs a carrier saw."""
    return [call.invite.get("From").partition("sip:")[2].partition("@")[0] for call in carrier.calls.values()]


def test_every_call_shows_a_number_of_the_pool_and_a_callee_sees_the_same_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            for number in ("14155559001", "14155559002", "14155559001", "14155559003", "14155559001"):
                assert (await stage.call(number)).status == 200
            numbers = shown(stage.first)
            assert set(numbers) <= {f"+1415555010{i}" for i in range(4)}
            assert numbers[0] == numbers[2] == numbers[4]
            assert [fact.chosen for fact in stage.taken()] == ["local", "local", "sticky", "local", "sticky"]
            assert (await stage.call(extra="X-Campaign: dunning\r\n")).status == 200
            assert shown(stage.first)[-1] == "+12125550199"
            records = [fact for fact in stage.node.facts() if isinstance(fact, Call)]
            assert records[-1].caller == "+12125550199"

    asyncio.run(scenario())


def test_with_every_number_capped_the_call_is_refused_and_no_other_number_is_shown(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            statuses = [(await stage.call(f"1415555{2000 + i}")).status for i in range(14)]
            assert statuses == [200] * 12 + [statuses[12]] * 2
            assert statuses[12] >= 400
            assert sorted(shown(stage.first)) == sorted([f"+1415555010{i}" for i in range(4)] * 3)
            facts = stage.node.facts()
            last = [fact for fact in facts if isinstance(fact, Call)][-1]
            assert (last.refusal, last.attempts) == ("numbers.none_left", 0)
            assert [fact for fact in facts if isinstance(fact, Decision)][-1].numberless == {"minute cap": 4} or [fact for fact in facts if isinstance(fact, Decision)][-1].numberless == {"hour cap": 4}
            assert stage.node.ask("status")["channels"] == {}
            rows = json.loads(await asyncio.to_thread(stage.trunkline, "list", "--pool", "sales", "--json"))
            assert {row["closed"] for row in rows} <= {"minute cap", "hour cap"}
            assert [row["today"] for row in rows] == [3, 3, 3, 3]

    asyncio.run(scenario())


def test_a_restart_keeps_caps_and_the_journal_rebuilds_what_the_checkpoint_held(tmp_path: Path) -> None:
    async def scenario() -> None:
        stage = Stage(tmp_path)
        async with stage.running():
            for i in range(10):
                assert (await stage.call(f"1415555{2000 + i}")).status == 200
            stage.node.kill()
            await stage.node.start()
            statuses = [(await stage.call(f"1415555{3000 + i}")).status for i in range(4)]
            assert [status == 200 for status in statuses] == [True, True, False, False]
            stage.node.stop()
            saved = load(stage.node.data / "checkpoints").checkpoint
            assert saved is not None
            rules = {"sales": Rules(per_hour=3, per_minute=3)}
            rebuilt, loaded = (NumberBook(lambda pool: rules.get(pool, Rules())) for _ in range(2))
            for fact in Reading(stage.node.data / "journal"):
                rebuilt.apply(fact)
            loaded.load(saved.folds["numbers"])
            for number in loaded.inventory.holdings:
                assert rebuilt.life(number) == loaded.life(number)
            assert rebuilt.inventory.holdings == loaded.inventory.holdings
            await stage.node.start()

    asyncio.run(scenario())


def test_failover_keeps_the_caller_id_the_codecs_and_the_way_it_is_asserted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            stage.first.behaviour = 503
            assert (await stage.call()).status == 200
            (before,), (after,) = stage.first.calls.values(), stage.second.calls.values()
            for name in ("From", "P-Asserted-Identity"):
                assert number_in(before.invite.get(name)) == number_in(after.invite.get(name)) != ""
            assert media_of(before.invite.body) == media_of(after.invite.body)
            attempts = [fact for fact in stage.node.facts() if isinstance(fact, Attempt)]
            assert [attempt.caller for attempt in attempts] == [attempts[0].caller] * 2
            assert len(stage.taken()) == 1

    asyncio.run(scenario())


def number_in(header: str) -> str:
    return header.partition("sip:")[2].partition("@")[0]


def media_of(body: str) -> list[str]:
    return [line for line in body.split("\r\n") if line[:2] in ("m=", "a=")]


def test_a_dialer_that_sends_a_number_it_does_not_own_is_refused_under_honour_and_corrected_under_prefer(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path / "honour", "honour").running() as stage:
            assert (await stage.call()).status >= 400
            records = [fact for fact in stage.node.facts() if isinstance(fact, Call)]
            assert records[-1].refusal in ("numbers.invalid_caller", "numbers.not_owned")
        async with Stage(tmp_path / "prefer", "prefer").running() as stage:
            own = Phone(user="+14155550102")
            stage.dialer.user = own.user
            assert (await stage.call()).status == 200
            assert shown(stage.first) == ["+14155550102"]

    asyncio.run(scenario())


def test_a_person_rests_a_number_and_it_is_not_called_with_until_reinstated(tmp_path: Path) -> None:
    async def scenario() -> None:
        rows = "+14155550100,lab,geographic,US,sales,sales,loa-1,2026-01-01,production,\n"
        async with Stage(tmp_path).running(rows) as stage:
            said = await asyncio.to_thread(stage.trunkline, "override", "+14155550100", "rest", code=2)
            assert "--reason" in said
            await asyncio.to_thread(stage.trunkline, "override", "+14155550100", "rest", "--reason", "customer asked")
            assert (await stage.call()).status >= 400
            rested = [fact for fact in stage.node.facts() if isinstance(fact, NumberTransition)][-1]
            assert (rested.after, rested.reason) == ("cooling", "customer asked")
            assert "cooling" in await asyncio.to_thread(stage.trunkline, "show", "+14155550100")

    asyncio.run(scenario())


def test_two_labels_put_a_number_to_rest_by_rule(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            csv = tmp_path / "labels.csv"
            csv.write_text("number,label,engine,source,seen\n+14155550100,spam,hiya,probe,\n+14155550100,scam,tns,probe,\n+14155550101,clean,hiya,probe,\n+19995550000,spam,hiya,probe,\n")
            said = await asyncio.to_thread(stage.trunkline, "label", str(csv))
            assert "3 observations taken, 1 about numbers that are not ours" in said
            await until(lambda: any(isinstance(fact, NumberTransition) and fact.event == "labelled" for fact in stage.node.facts()), 20, "the rule acts")
            pools = json.loads(await asyncio.to_thread(stage.trunkline, "pools", "--json"))
            sales = next(pool for pool in pools if pool["pool"] == "sales")
            assert (sales["looked"], sales["labelled"]["labelled"], sales["states"]) == (3, 2, {"cooling": 1, "production": 3})
            forecast = json.loads(await asyncio.to_thread(stage.trunkline, "forecast", "sales", "--busiest-day", "2000", "--json"))
            assert forecast["order"][1] > 10

    asyncio.run(scenario())


def test_a_call_back_reaches_the_trunk_of_the_pool_with_the_campaign_that_called(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            assert (await stage.call("14155557777", extra="X-Campaign: autumn\r\nX-Agent: ann\r\n")).status == 200
            number = shown(stage.first)[0]
            stage.first.user = "+14155557777"
            back = stage.first.invite(number, f"{stage.at}:5080")
            await until(lambda: back.status == 200, 20, "the call back is taken")
            received = list(stage.dialer.calls.values())[-1]
            assert received.invite.get("X-Trunkline-Campaign") == "autumn"
            assert received.invite.get("X-Trunkline-Agent") == "ann"
            await back.hang_up()

    asyncio.run(scenario())


def test_a_bad_file_changes_nothing_and_an_import_repeated_changes_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            said = await asyncio.to_thread(stage.trunkline, "import", str(tmp_path / "numbers.csv"))
            assert "0 added, 0 changed, 5 as they were" in said
            (tmp_path / "bad.csv").write_text(HEADER + "+14155550177,lab,geographic,US,sales,sales,loa-1,2026-01-01,,\n415,lab,landline,US,sales,sales,,,,\n")
            said = await asyncio.to_thread(stage.trunkline, "import", str(tmp_path / "bad.csv"), code=1)
            assert "line 3" in said
            assert "+14155550177" not in await asyncio.to_thread(stage.trunkline, "export")

    asyncio.run(scenario())
