"""Host names of gateways: no call waits for DNS, and an answer once had is kept while the server is dead (RFC 3263)."""

import asyncio
from pathlib import Path

import pytest

from tests.counterparts.names import NameServer
from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode
from trunkline.facts.record import Decision

pytestmark = pytest.mark.sockets


def policy(dialer: str, named: str, numeric: str, options: int = 0) -> str:
    return f"""
tenants: {{lab: {{}}}}
trunks:
  dialer: {{tenant: lab, addresses: [{dialer}], number_plan: {{min_digits: 3}}}}
carriers:
  named: {{gateways: {{main: {{host: "{named}", options: {options}}}}}}}
  numeric: {{gateways: {{main: {{host: "{numeric}", options: {options}}}}}}}
destinations:
  everywhere: {{prefixes: [""], routes: [{{to: named}}, {{to: numeric}}]}}
"""


def served(folder: Path, at: str, dialer: str, numeric: str, nameserver: str) -> ServedNode:
    return ServedNode(
        folder, policy(dialer, "sip.named.test", f"{numeric}:5060"), [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")],
        f'[sip]\nt1_ms = 100\nnameservers = ["{nameserver}"]\nnameserver_port = 5353\n',
    )  # fmt: skip


async def under_load(folder: Path, *, swallow: bool) -> None:
    at, dialer_at, carrier_at, nameserver = loopback(), loopback(), loopback(), loopback()
    dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
    carrier = await Phone(user="carrier").udp(carrier_at, 5060)
    black_hole = None
    if swallow:  # a server that takes questions and never answers, as behind a firewall; else the port is closed
        black_hole, _ = await asyncio.get_running_loop().create_datagram_endpoint(asyncio.DatagramProtocol, local_addr=(nameserver, 5353))
    try:
        async with served(folder, at, dialer_at, carrier_at, nameserver) as node:
            calls = []
            for number in range(200):
                calls.append(dialer.invite(f"1415555{1000 + number}", "node"))
                await asyncio.sleep(0.01)
            await until(lambda: all(call.status for call in calls), 20, "every call answered")
            assert {call.status for call in calls} == {200}
            ringing = sorted(call.answered_at - call.began_at for call in calls)
            assert ringing[len(ringing) // 2] < 2.0, f"median {ringing[len(ringing) // 2]:.3f} s to the 200: the node stood still"
            await asyncio.gather(*(call.hang_up() for call in calls))
            await until(node.is_clean, 20, "node clean")
            decisions = [fact for fact in node.facts() if isinstance(fact, Decision)]
            assert len(decisions) == 200
            assert {attempt.gateway for attempt in node.attempts()} == {"numeric/main"}
            came = {record.call: record.at for record in node.records()}
            waits = sorted((attempt.at - came[attempt.call]) / 1e6 for attempt in node.attempts())
            assert waits[len(waits) // 2] < 0.05, f"median {waits[len(waits) // 2]:.3f} s to the INVITE"
            assert waits[int(len(waits) * 0.95)] < 0.2, f"p95 {waits[int(len(waits) * 0.95)]:.3f} s to the INVITE: calls waited for DNS"
            gateways = {row["gateway"]: row["resolved"] for row in node.ask("gateways")}
            assert gateways == {"named/main": False, "numeric/main": True}
            assert all(fact.excluded == {"named/main": "health.unresolved"} for fact in decisions)
    finally:
        await dialer.close()
        await carrier.close()
        if black_hole is not None:
            black_hole.close()


@pytest.mark.parametrize("swallow", [False, True], ids=["port_closed", "no_answer"])
def test_a_dead_dns_server_delays_no_call_to_other_gateways(tmp_path: Path, swallow: bool) -> None:
    asyncio.run(under_load(tmp_path, swallow=swallow))


def test_srv_records_lead_to_the_gateway_and_stay_in_use_when_the_server_dies(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, first_at, second_at, numeric_at, nameserver = (loopback() for _ in range(6))
        names = await NameServer({
            ("sip.named.test", "SOA"): [],
            ("_sip._udp.sip.named.test", "SRV"): ["20 0 5070 second.named.test.", "10 5 5066 first.named.test."],
            ("first.named.test", "A"): [first_at],
            ("second.named.test", "A"): [second_at],
        }).serve(nameserver)  # fmt: skip
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        first = await Phone(user="carrier").udp(first_at, 5066)
        numeric = await Phone(user="carrier").udp(numeric_at, 5060)

        async def call() -> None:
            before = len(first.calls)
            placed = dialer.invite("14155550123", "node")
            await until(lambda: placed.status == 200, 20, "answered")
            await placed.hang_up()
            assert len(first.calls) == before + 1, "SRV priority 10 comes first, with the port SRV gives"
            assert not numeric.calls

        try:
            async with served(tmp_path, at, dialer_at, numeric_at, nameserver) as node:
                await until(lambda: node.ask("gateways")[0]["resolved"], 20, "resolved")
                await call()
                asked = len(names.asked)
                await until(lambda: len(names.asked) > asked, 20, "the name is asked for again when its TTL is up")
                names.die()
                await call()
                # The next renewal meets the dead server (TTLs count at least 5 s), and the answer stays in use.
                black_hole, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                    lambda: Counting(), local_addr=(nameserver, 5353)
                )  # fmt: skip
                counting = black_hole.get_protocol()
                await until(lambda: counting.heard, 20, "asked again while dead")
                await call()
                assert node.ask("gateways")[0]["resolved"]
                black_hole.close()
                await until(node.is_clean, 20, "node clean")
        finally:
            names.die()
            for phone in (dialer, first, numeric):
                await phone.close()

    asyncio.run(scenario())


def test_an_address_of_a_family_we_have_no_door_for_is_passed_over(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, named_at, numeric_at, nameserver = (loopback() for _ in range(5))
        names = await NameServer({("sip.named.test", "A"): [named_at], ("sip.named.test", "AAAA"): ["2001:db8::1", "2001:db8::2"]}).serve(nameserver)
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        named = await Phone(user="carrier").udp(named_at, 5060)
        try:
            async with served(tmp_path, at, dialer_at, numeric_at, nameserver) as node:
                await until(lambda: node.ask("gateways")[0]["resolved"], 20, "resolved")
                calls = [dialer.invite(f"1415555{1000 + i}", "node") for i in range(40)]
                await until(lambda: all(call.status == 200 for call in calls), 20, "every call goes to the IPv4 address")
                assert len(named.calls) == 40
                await asyncio.gather(*(call.hang_up() for call in calls))
                await until(node.is_clean, 20, "node clean")
        finally:
            names.die()
            await dialer.close()
            await named.close()

    asyncio.run(scenario())


def test_an_inbound_call_is_known_by_its_gateways_name_and_finds_its_trunk_by_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, office_at, named_at, stranger_at, nameserver = (loopback() for _ in range(5))
        names = await NameServer({("sip.named.test", "A"): [named_at], ("office.test", "A"): [office_at]}).serve(nameserver)
        office = await Phone(user="office").udp(office_at, 5060)
        named = await Phone(user="carrier").udp(named_at, 5060, (at, 5080))
        stranger = await Phone(user="carrier").udp(stranger_at, 5060, (at, 5080))
        node = served(tmp_path, at, "127.0.0.0/8", stranger_at, nameserver)
        (tmp_path / "policy.yaml").write_text(f"""
tenants: {{lab: {{}}}}
trunks: {{office: {{tenant: lab, addresses: ["{office_at}"], host: "office.test:5060"}}}}
carriers: {{named: {{gateways: {{main: {{host: sip.named.test, options: 0}}}}}}}}
destinations: {{everywhere: {{prefixes: [""], routes: [{{to: named}}]}}}}
dids: {{"+14155550199": {{trunks: [office]}}}}
""")
        try:
            async with node:
                await until(lambda: node.ask("gateways")[0]["resolved"], 20, "resolved")
                for _ in range(50):  # the trunk's name may take a moment longer than the gateway's
                    known, unknown = named.invite("14155550199", "node"), stranger.invite("14155550199", "node")
                    await until(lambda: known.status and unknown.status, 20, "answers")  # noqa: B023
                    assert unknown.status == 403
                    if known.status == 200:
                        break
                assert known.status == 200
                await known.hang_up()
                await until(node.is_clean, 20, "node clean")
        finally:
            names.die()
            for phone in (office, named, stranger):
                await phone.close()

    asyncio.run(scenario())


class Counting(asyncio.DatagramProtocol):
    """A DNS server that is dead but listens."""

    heard = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1


def test_a_silent_srv_target_is_followed_by_the_next_one_of_the_same_gateway(tmp_path: Path) -> None:
    async def scenario() -> None:
        at, dialer_at, silent_at, second_at, numeric_at, nameserver = (loopback() for _ in range(6))
        names = await NameServer({
            ("_sip._udp.sip.named.test", "SRV"): ["10 5 5066 silent.named.test.", "20 0 5070 second.named.test."],
            ("silent.named.test", "A"): [silent_at],
            ("second.named.test", "A"): [second_at],
        }).serve(nameserver)  # fmt: skip
        dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
        second = await Phone(user="carrier").udp(second_at, 5070)
        numeric = await Phone(user="carrier").udp(numeric_at, 5060)
        node = served(tmp_path, at, dialer_at, numeric_at, nameserver)
        document = node.folder / "policy.yaml"
        document.write_text(document.read_text().replace("options: 0}", "options: 0, timers: {no_response: 0.5}}", 1))
        try:
            async with node:
                await until(lambda: node.ask("gateways")[0]["resolved"], 20, "resolved")
                placed = dialer.invite("14155550123", "node")
                await until(lambda: placed.status == 200, 20, "answered")
                await placed.hang_up()
                again = dialer.invite("14155550124", "node")
                await until(lambda: again.status == 200, 20, "answered")
                assert again.answered_at - again.began_at < 0.4, "the address that failed is not asked first again"
                await again.hang_up()
                await until(node.is_clean, 20, "node clean")
                tried = [(attempt.gateway, attempt.remote) for attempt in node.attempts()]
                assert tried == [("named/main", f"{silent_at}:5066")] + [("named/main", f"{second_at}:5070")] * 2
                assert not numeric.calls
        finally:
            names.die()
            for phone in (dialer, second, numeric):
                await phone.close()

    asyncio.run(scenario())
