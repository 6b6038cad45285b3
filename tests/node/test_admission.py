"""Who may be called, when, and how soon: on the wire, with what the dialer is told."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.counterparts.names import NameServer
from tests.counterparts.phones import Phone, PhoneCall, loopback, until
from tests.counterparts.serving import ServedNode
from trunkline.facts.record import Call

pytestmark = pytest.mark.sockets

POLICY = """
tenants: {lab: {}}
trunks:
  dialer: {tenant: lab, addresses: [DIALER], number_plan: {country_code: "1", min_digits: 3}, metadata: {campaign: header:X-Campaign}, TRUNK}
carriers:
  first: {gateways: {main: {host: "FIRST", options: 0}}}
  ported: {gateways: {main: {host: "SECOND", options: 0}}}
destinations:
  us: {prefixes: ["1", "44"], routes: [{to: first}]}
  moved: {prefixes: ["1999"], routes: [{to: ported}]}
"""


class Stage:
    """A dialer, a node and two carriers."""

    def __init__(self, folder: Path, more: str = "", trunk: str = "cps: 0", settings: str = "") -> None:
        self.folder = folder
        self.at, self.dialer_at, self.first_at, self.second_at = (loopback() for _ in range(4))
        self.dialer, self.first, self.second = (Phone(user=name) for name in ("+14155550100", "first", "second"))
        policy = POLICY.replace("DIALER", self.dialer_at).replace("FIRST", self.first_at).replace("SECOND", self.second_at).replace("TRUNK", trunk)
        doors = [("trunks", "udp", f"{self.at}:5060"), ("carriers", "udp", f"{self.at}:5080")]
        self.node = ServedNode(folder / "node", policy + more, doors, t1_ms=100, more=settings)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Stage"]:
        await self.dialer.udp(self.dialer_at, 5060, (self.at, 5060))
        await self.first.udp(self.first_at, 5060)
        await self.second.udp(self.second_at, 5060)
        try:
            async with self.node:
                yield self
        finally:
            for phone in (self.dialer, self.first, self.second):
                await phone.close()

    def trunkline(self, *args: str) -> str:
        done = subprocess.run([sys.executable, "-m", "trunkline", *args, "--data", str(self.node.data)], capture_output=True, text=True, timeout=120)
        return done.stdout + done.stderr

    async def call(self, number: str = "14155559999") -> PhoneCall:
        call = self.dialer.invite(number, f"{self.at}:5060")
        await until(lambda: call.status, 20, "the call is answered or refused")
        if call.status == 200:
            await call.hang_up()
            await until(self.node.is_clean, 20, "the call is over")
        return call

    def last(self) -> Call:
        return [fact for fact in self.node.facts() if isinstance(fact, Call)][-1]


def test_a_number_on_a_do_not_call_list_is_refused_without_a_restart_and_no_carrier_hears_of_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path).running() as stage:
            assert (await stage.call()).status == 200
            assert "1 new" in await asyncio.to_thread(stage.trunkline, "dnc", "add", "+14155559999")
            for _ in range(40):  # the node looks once a second
                await asyncio.sleep(0.1)
                refused = await stage.call()
                if refused.status != 200:
                    break
            carried = len(stage.first.calls)
            assert refused.status >= 400
            assert stage.last().refusal == "compliance.do_not_call"
            assert stage.last().called == "+14155559999"
            assert stage.last().why == "callee on the do-not-call list all"
            assert (await stage.call()).status >= 400
            assert len(stage.first.calls) == carried
            assert (await stage.call("14155550001")).status == 200

    asyncio.run(scenario())


def test_outside_calling_hours_the_dialer_is_told_when_they_begin(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    begins, ends = (now + timedelta(hours=2)).strftime("%H:00"), (now + timedelta(hours=3)).strftime("%H:00")
    if begins > ends:
        pytest.skip("the window would cross midnight in UTC")
    more = f'compliance: {{rules: {{late: {{windows: [{{begins: "{begins}", ends: "{ends}"}}], jurisdictions: [GB], source: a test}}}}}}\n'

    async def scenario() -> None:
        async with Stage(tmp_path, more).running() as stage:
            refused = await stage.call("442079460000")
            assert refused.final is not None
            assert "compliance.window" in refused.final.get("Warning")
            assert "opens" in refused.final.get("Warning")
            assert (await stage.call()).status == 200, "the rule is for Britain alone"

    asyncio.run(scenario())


def test_a_busy_callee_is_left_alone_for_as_long_as_the_policy_says_also_after_a_crash(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, "retries: {gentle: {after: {busy: 15m}, caps: [{calls: 2, within: 1h}]}}\n").running() as stage:
            stage.first.behaviour = 486
            assert (await stage.call()).status == 486
            refused = await stage.call()
            assert refused.final is not None
            assert refused.status != 486
            assert "retries.too_soon" in refused.final.get("Warning")
            stage.first.behaviour = "answer"
            assert [(await stage.call("14155550002")).status for _ in range(2)] == [200, 200]
            assert (await stage.call("14155550002")).status >= 400, "two calls an hour"
            stage.node.kill()
            await stage.node.start()
            assert (await stage.call()).status >= 400
            assert len(stage.first.calls) == 3

    asyncio.run(scenario())


def test_calls_over_the_rate_wait_their_turn_and_nobody_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, trunk="cps: 5, pacing: {wait: 5s, queue: 20}").running() as stage:
            began = time.monotonic()
            calls = [stage.dialer.invite(f"1415555{1000 + i}", "node") for i in range(12)]
            await until(lambda: all(call.status for call in calls), 20, "all are answered")
            took = time.monotonic() - began
            assert [call.status for call in calls] == [200] * 12
            assert all(100 in call.provisional for call in calls)
            assert took >= 1.2, "5 at once, then one in 200 ms"
            for call in calls:
                await call.hang_up()
            late = [stage.dialer.invite(f"1415556{1000 + i}", "node") for i in range(60)]
            await until(lambda: sum(call.status > 200 for call in late) > 5, 20, "the queue is bounded")
            await until(lambda: all(call.status for call in late), 20, "and everybody gets an answer")
            for call in late:
                if call.status == 200:
                    await call.hang_up()

    asyncio.run(scenario())


def test_a_caller_who_hangs_up_while_waiting_is_on_record_and_takes_no_channel(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Stage(tmp_path, trunk="cps: 1, channels: 9, pacing: {wait: 5s, queue: 20}").running() as stage:
            first = stage.dialer.invite("14155551000", "node")
            await until(lambda: first.status == 200, 20, "the first goes at once")
            waiting = [stage.dialer.invite(f"1415555{2000 + i}", "node") for i in range(3)]
            await until(lambda: all(100 in call.provisional for call in waiting), 20, "the others wait")
            await waiting[2].cancel()
            await until(lambda: waiting[2].status == 487, 20, "487 for who left")
            await until(lambda: all(call.status for call in waiting), 20, "the others are answered")
            left = [fact for fact in stage.node.facts() if isinstance(fact, Call) and fact.refusal == "call.cancelled"]
            assert [(fact.released_by, fact.status, fact.attempts) for fact in left] == [("dialer", 487, 0)]
            for call in (first, *waiting[:2]):
                await call.hang_up()
            await until(stage.node.is_clean, 20, "clean")
            assert stage.node.ask("status")["channels"] == {}

    asyncio.run(scenario())


def test_a_ported_number_goes_where_its_routing_number_leads_and_silence_costs_no_call(tmp_path: Path) -> None:
    name = "9.9.9.9.5.5.5.5.1.4.1.lnp.test"

    async def scenario() -> None:
        names_at = loopback()
        records = {(name, "NAPTR"): ['100 10 "u" "E2U+pstn:tel" "!^.*$!tel:+14155559999;npdi;rn=+19995550000!" .']}
        server = await NameServer(records).serve(names_at)
        settings = f'[sip]\nt1_ms = 100\nnameservers = ["{names_at}"]\nnameserver_port = 5353\n'
        async with Stage(tmp_path, 'dips: {lnp: {enum: lnp.test, prefixes: ["1"], deadline: 2s}}\n', settings=settings).running() as stage:
            assert (await stage.call()).status == 200
            assert (len(stage.first.calls), len(stage.second.calls)) == (0, 1)
            (received,) = stage.second.calls.values()
            assert "14155559999" in received.invite.uri
            assert (await stage.call("14155551111")).status == 200
            assert len(stage.first.calls) == 1
            server.die()
            began = time.monotonic()
            assert (await stage.call("14155552222")).status == 200
            assert time.monotonic() - began > 1.9
            assert (await stage.call()).status == 200
            assert len(stage.second.calls) == 2, "what was learnt is remembered"

    asyncio.run(scenario())


def test_an_emergency_call_says_who_calls_and_where(tmp_path: Path) -> None:
    trunk = 'kind: pbx, emergency: {callback: "+14155550199", location: {address: {country: US, state: CA, city: San Francisco, street: Market, number: "101"}}}'

    async def scenario() -> None:
        async with Stage(tmp_path, 'emergency: {numbers: ["911"], routes: [first]}\n', trunk=trunk).running() as stage:
            assert (await stage.call("911")).status == 200
            (received,) = stage.first.calls.values()
            invite = received.invite
            assert "+14155550199" in invite.get("P-Asserted-Identity")
            assert invite.get("Geolocation").startswith("<cid:")
            assert invite.get("Content-Type").startswith("multipart/mixed")
            document = invite.body[invite.body.index("<?xml") : invite.body.index("</presence>") + len("</presence>")]
            tree = ElementTree.fromstring(document)
            texts = [element.text for element in tree.iter() if element.text]
            assert "San Francisco" in texts
            assert "m=audio" in invite.body

    asyncio.run(scenario())
