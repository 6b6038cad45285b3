"""Peers who mean harm: databases of ported numbers, signers, and a dialer that gives itself out for another."""

import asyncio
import gzip
import time
from base64 import urlsafe_b64encode
from pathlib import Path

import pytest

from tests.counterparts.names import NameServer
from tests.counterparts.phones import SDP, loopback, until
from tests.node.test_admission import Stage as Paced
from tests.node.test_dips import NAME, Asking, Web, api
from tests.node.test_numbers import ROWS, Stage, shown
from trunkline.decide.attestations import MOST_WANTED, Attestations
from trunkline.facts.record import Call
from trunkline.node.signing import AT_ONCE, Signing
from trunkline.numbering.dip import Dip
from trunkline.numbering.dip_replies import substituted
from trunkline.numbers import Fetch, NumberBook, Unjudged
from trunkline.numbers.certificates import is_public
from trunkline.numbers.lab_ca import LabCa
from trunkline.policy.snapshot import Attestation

pytestmark = pytest.mark.sockets


@pytest.mark.parametrize(
    "pattern", [".*" * 60 + "x", r"(\d|\d|\d|\d)*x", "(?:.|.)+x", r"(.*\d*){9}x", "a{99999999999999}", r"\d*\d*\d*\d*\d*\d*\d*x"], ids=["many", "alternatives", "plus", "counted", "overflow", "seven"]
)
def test_no_pattern_of_a_name_server_takes_time(pattern: str) -> None:
    began = time.thread_time()
    assert substituted(f"!^{pattern}$!tel:+1!", "+14155550123") is None
    assert time.thread_time() - began < 0.1


def test_a_pattern_that_says_which_digits_still_works() -> None:
    assert substituted(r"!^\+1(\d{3})(\d{3})(\d{4})$!tel:+1\1\2\3;rn=+1404!", "+14155550123") == "tel:+14155550123;rn=+1404"


@pytest.mark.parametrize("body", [b"[" * 60_000, b'{"lrn":"\xff\xfe"}', b'{"lrn":' + b"9" * 60_000 + b"}", gzip.compress(b" " * 50_000_000)], ids=["deep", "no UTF-8", "long", "bomb"])
def test_a_reply_that_is_none_frees_its_place_for_the_next_question(body: bytes) -> None:
    async def answer(path: str, headers: dict[str, str]) -> tuple[int, bytes]:
        assert headers["accept-encoding"] == "identity"
        return 200, body

    async def scenario() -> None:
        at = loopback()
        web = await Web(answer).serve(at)
        async with Asking(api(at, at_once=1)) as asking:
            await asyncio.wait_for(asking.ask(), 15)
            assert asking.dips.counts["asked"] == len(web.asked) > 1, "the place of each was free again"
        web.server.close()

    asyncio.run(scenario())


def test_a_name_server_that_answers_nonsense_is_silence() -> None:
    async def scenario() -> None:
        at = loopback()
        names = await NameServer({(NAME, "NAPTR"): ['100 10 "u" "E2U+pstn:tel" "!a{99999999999999}!tel:+1!" .']}).serve(at)
        try:
            async with Asking(Dip(name="lnp", enum="lnp.test", deadline_s=1.0, at_once=1), nameserver=at) as asking:
                assert not (await asyncio.wait_for(asking.ask(), 15)).routing_number
        finally:
            names.die()

    asyncio.run(scenario())


def test_urls_nobody_can_ask_are_given_up_and_few_are_asked_at_once() -> None:
    async def scenario() -> None:
        attestations = Attestations(NumberBook())
        attestations.follow(Attestation(roots=LabCa(int(time.time())).root, hosts=(".example.org",)))
        signing = Signing(attestations, may=lambda address: True)
        for url in ("https://127.0.0.1/\x01", "https://127.0.0.1/" + "a" * 70_000, "https://a..example.org/"):
            attestations.wanted.add(url)
        running = asyncio.create_task(signing.run())
        most = 0

        def done() -> bool:
            nonlocal most
            most = max(most, len(signing._fetching))
            return not attestations.wanted

        await until(done, 20, "none is wanted any more")
        assert 0 < most <= AT_ONCE
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(scenario())


def test_a_signer_for_every_call_does_not_fill_the_memory() -> None:
    attestations = Attestations(NumberBook())
    attestations.follow(Attestation(roots=LabCa(int(time.time())).root, hosts=(".example.org",), clock="trusted"))
    at_s = int(time.time())
    attestations.vouch(at_s)
    for i in range(MOST_WANTED + 50):
        x5u = f"https://s{i}.example.org/c.pem"
        head, said = (urlsafe_b64encode(text.encode()).rstrip(b"=").decode() for text in (
            f'{{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"{x5u}"}}',
            f'{{"attest":"A","dest":{{"tn":["12125550123"]}},"iat":{at_s},"orig":{{"tn":"14155550100"}},"origid":"x"}}',
        ))  # fmt: skip
        value = f"{head}.{said}.{'A' * 86};info=<{x5u}>;alg=ES256;ppt=shaken"
        assert attestations.judge(f"c{i}", "+14155550100", "+12125550123", (value,), None, at_s) == (Fetch((x5u,)) if i < MOST_WANTED else Unjudged("too many certificates are being fetched"))
    assert len(attestations.wanted) == MOST_WANTED


@pytest.mark.parametrize("inside", ["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "::ffff:10.0.0.1", "2002:7f00:1::", "169.254.169.254"])
def test_an_inside_address_written_in_ipv6_is_inside(inside: str) -> None:
    assert not is_public(inside)


def test_whoever_waits_when_the_node_stops_is_told_and_on_record(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Paced(tmp_path, trunk="cps: 0.5, channels: 9, pacing: {wait: 5s, queue: 20}").running() as stage:
            calls = [stage.dialer.invite(f"1415555{2000 + i}", "node") for i in range(3)]
            await until(lambda: all(100 in call.provisional for call in calls), 20, "they wait")
            await asyncio.to_thread(stage.node.stop)
            await until(lambda: all(call.status for call in calls), 20, "they are told")
            assert sorted({call.status for call in calls} | {200}) == [200, 503]
            assert {fact.dialer_call_id for fact in stage.node.facts() if isinstance(fact, Call)} == {call.call_id for call in calls}

    asyncio.run(scenario())


def test_a_waiting_call_sent_again_under_another_branch_is_placed_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Paced(tmp_path, trunk="cps: 1, channels: 9, pacing: {wait: 5s, queue: 20}").running() as stage:
            first = stage.dialer.invite("14155551000", "node")
            await until(lambda: first.status == 200, 20, "the first goes at once")
            call = stage.dialer.invite("14155551001", "node")
            await until(lambda: 100 in call.provisional, 20, "the other waits")
            lines = f"From: {call.local}\r\nTo: <{call.uri}>\r\nCall-ID: {call.call_id}\r\nCSeq: 1 INVITE\r\nContact: <{stage.dialer.contact}>\r\nContent-Type: application/sdp\r\n"
            for branch in (call.branch, call.branch, "z9hG4bKother"):
                stage.dialer.send(f"INVITE {call.uri} SIP/2.0", lines, SDP, call.to, branch)
            await until(lambda: call.status == 200, 20, "it is placed")
            for one in (first, call):
                await one.hang_up()
            await until(stage.node.is_clean, 20, "clean")
            assert len(stage.first.calls) == 2

    asyncio.run(scenario())


def test_under_honour_no_header_makes_a_dialer_somebody_else(tmp_path: Path) -> None:
    """The number of another tenant, of another pool, or a garbled one, in From or P-Asserted-Identity, is never shown to a carrier."""
    theirs = "+14155550300,other,geographic,US,sales,elsewhere,loa-3,2026-01-01,production,\n"

    async def scenario() -> None:
        async with Stage(tmp_path, "honour").running(ROWS + theirs) as stage:
            for user, extra in (
                ("+14155550300", ""), ("+14155550100", "P-Asserted-Identity: <sip:+14155550300@x>\r\n"), ("+14155550300", "P-Asserted-Identity: <sip:+14155550100@x>\r\n"),
                ("+14155550100", "P-Asserted-Identity: <sip:+14155550100@x>, <tel:+14155550300>\r\n"), ("+14155550100", "P-Preferred-Identity: <sip:+14155550300@x>\r\n"),
                ("+14155550100", 'P-Asserted-Identity: "+14155550300" <sip:anonymous@anonymous.invalid>\r\n'), ("%2B14155550300", ""), ("", ""), ("anonymous", ""),
                ("+14155550100", "Remote-Party-ID: <sip:+14155550300@x>;party=calling\r\n"), ("+12125550199", ""),
            ):  # fmt: skip
                stage.dialer.user = user
                await stage.call("14155559999", extra)
            assert set(shown(stage.first)) <= {"+14155550100"}
            asserted = [value for call in stage.first.calls.values() if call.invite is not None for name in ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID") for value in call.invite.every(name)]
            assert not [value for value in asserted if "14155550300" in value]

    asyncio.run(scenario())
