"""TLS to carriers: whose certificate is believed, and who must show one (RFC 5922)."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.counterparts.certificates import Authority
from tests.counterparts.names import NameServer
from tests.counterparts.phones import Phone, loopback, until
from tests.counterparts.serving import ServedNode, simple_policy
from trunkline.facts.record import Alarm

pytestmark = pytest.mark.sockets

Made = Callable[[ServedNode, Phone, Phone], Awaitable[None]]


async def stage(
    folder: Path, host: str, certified: str, made: Made, *, require_client: bool = False, own_certificate: bool = True, verify: bool = True, strangers: bool = False
) -> None:
    """A dialer on UDP, a carrier on TLS whose certificate is for `certified`, and a policy that says `host`."""
    authority = Authority(folder / "ca")
    carrier_authority = Authority(folder / "strangers", "Somebody else's CA") if strangers else authority
    at, dialer_at, carrier_at = loopback(), loopback(), loopback()
    names = await NameServer({("sip.carrier.test", "A"): [carrier_at]}, ttl=60).serve(at)
    carrier = await Phone(user="carrier").stream(carrier_at, listen=5061, tls=carrier_authority.serving(certified.replace("ADDRESS", carrier_at), require_client=require_client))
    dialer = await Phone(user="dialer").udp(dialer_at, 5060, (at, 5060))
    tls = authority.settings(at) if own_certificate else f'[tls]\nauthority = "{authority.pem}"\n'
    doors = [("trunks", "udp", f"{at}:5060"), ("carriers", "tls" if own_certificate else "tcp", f"{at}:5081")]
    policy = simple_policy(dialer_at, f"{host.replace('ADDRESS', carrier_at)}:5061", f"transport: tls, verify_tls: {str(verify).lower()}")
    policy = policy.replace(f'addresses: ["{host}"]', "addresses: []")
    more = f'{tls}[sip]\nt1_ms = 100\nnameservers = ["{at}"]\nnameserver_port = 5353\n'
    try:
        async with ServedNode(folder / "node", policy, doors, more) as node:
            await until(lambda: node.ask("gateways")[0]["resolved"], 20, "the carrier's name is resolved")
            await made(node, dialer, carrier)
            await until(node.is_clean, 20, "node clean")
    finally:
        await dialer.close()
        await carrier.close()
        names.die()


async def goes_through(node: ServedNode, dialer: Phone, carrier: Phone) -> None:
    call = dialer.invite("14155550123", "node")
    await until(lambda: call.status, 20, "an answer")
    assert call.status == 200, [fact for fact in node.facts() if isinstance(fact, Alarm)]
    await call.hang_up()
    await until(lambda: all(each.bye_at for each in carrier.calls.values()), 20, "the carrier got BYE")


async def is_refused(node: ServedNode, dialer: Phone, carrier: Phone) -> None:
    call = dialer.invite("14155550123", "node")
    await until(lambda: call.status, 20, "an answer")
    assert call.status == 502
    assert not carrier.calls, "nothing may be said to whoever cannot prove who he is"
    await until(lambda: any(isinstance(fact, Alarm) and fact.code == "transport.cannot_connect" for fact in node.facts()), 20, "an alarm says why")


def test_a_certificate_for_the_host_name_of_the_policy_is_accepted(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "sip.carrier.test", goes_through))


def test_a_certificate_for_the_address_is_accepted_where_policy_gives_the_address(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "ADDRESS", "ADDRESS", goes_through))


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "sip.other.test", is_refused))


def test_a_certificate_for_the_address_alone_is_refused_where_policy_gives_a_name(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "ADDRESS", is_refused))


def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "sip.carrier.test", is_refused, strangers=True))


def test_verify_tls_false_takes_any_certificate(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "sip.other.test", goes_through, strangers=True, verify=False))


def test_we_show_our_certificate_to_a_carrier_that_asks(tmp_path: Path) -> None:
    asyncio.run(stage(tmp_path, "sip.carrier.test", "sip.carrier.test", goes_through, require_client=True))


def door(folder: Path, client: Callable[[Authority], ssl.SSLContext], met: Callable[[Phone], Awaitable[None]], *, require_client: bool) -> None:
    """A dialer that connects to our own TLS door."""

    async def scenario() -> None:
        authority = Authority(folder / "ca")
        at, carrier_at = loopback(), loopback()
        carrier = await Phone(user="carrier").udp(carrier_at, 5060)
        doors = [("trunks", "tls", f"{at}:5061"), ("carriers", "udp", f"{at}:5080")]
        async with ServedNode(folder / "node", simple_policy("127.0.0.0/8", f"{carrier_at}:5060"), doors, authority.settings(at, require_client=require_client)) as node:
            dialer = Phone(user="dialer")
            try:
                await dialer.stream(loopback(), (at, 5061), tls=client(authority), name=at)
                await met(dialer)
            finally:
                await dialer.close()
                await carrier.close()
            await until(node.is_clean, 20, "node clean")

    asyncio.run(scenario())


async def call_and_hang_up(dialer: Phone) -> None:
    call = dialer.invite("14155550123", "node")
    await until(lambda: call.status == 200, 20, "answered over TLS")
    await call.hang_up()
    assert call.ended_at


async def hears_nothing(dialer: Phone) -> None:
    """In TLS 1.3 the client learns of the refusal when it reads."""
    call = dialer.invite("14155550123", "node")
    writer = dialer.route
    assert isinstance(writer, asyncio.StreamWriter)
    await until(writer.is_closing, 20, "the connection is closed on the stranger")
    assert not dialer.received
    assert not call.status


def test_a_client_with_a_certificate_passes_mutual_tls(tmp_path: Path) -> None:
    door(tmp_path, lambda authority: authority.calling("dialer.test"), call_and_hang_up, require_client=True)


def test_a_client_without_a_certificate_is_refused_by_mutual_tls(tmp_path: Path) -> None:
    door(tmp_path, lambda authority: authority.calling(), hears_nothing, require_client=True)


def test_a_client_with_a_strangers_certificate_is_refused_by_mutual_tls(tmp_path: Path) -> None:
    def client(authority: Authority) -> ssl.SSLContext:
        context = authority.calling()
        context.load_cert_chain(*Authority(tmp_path / "strangers", "Somebody else's CA").issue("dialer.test"))
        return context

    door(tmp_path, client, hears_nothing, require_client=True)


def test_without_mutual_tls_no_client_certificate_is_asked_for(tmp_path: Path) -> None:
    door(tmp_path, lambda authority: authority.calling(), call_and_hang_up, require_client=False)
