"""Callers who waited for an answer when the node was killed: what a restart tells them, on the virtual clock."""

from random import Random

import pytest

from tests.decide.stage import CARRIERS, START_S, TRUNKS, Stage
from trunkline.facts.clock import Clock
from trunkline.facts.record import AttemptStarted, Call, DialogOpened, Fact, Parked
from trunkline.media.rtpengine import Daemon, Rtpengine, Settings
from trunkline.node.core import Core
from trunkline.node.recovery import answer, records
from trunkline.policy import Snapshot
from trunkline.records import OpenCall, OpenDialogs
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Response, parse
from trunkline.sip.transactions import TimerSettings

POLICY = """
tenants: {acme: {}}
trunks:
  vici: {tenant: acme, addresses: [10.0.0.1], cps: 5, pacing: {wait: 5s}, number_plan: {country_code: "1", min_digits: 3}%s}
carriers:
  a: {gateways: {g: {host: "10.1.0.1", options: 0}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: a}]}
"""
TCP = Door("trunks-tcp", "tcp", "10.0.0.254", 5060, purpose="trunks")
DOORS = {door.name: door for door in (TRUNKS, CARRIERS, TCP)}
RINGING = "180 Ringing"


def stage(trunk: str = "") -> Stage:
    on = Stage(POLICY % trunk)
    on.behaviour = ""
    return on


def ringing(on: Stage, number: str = "14155550101") -> str:
    """A call whose callee rings; its Call-ID."""
    call = on.invite(number)
    _, _, invite = next(sent for sent in reversed(on.sent) if sent[2].method == "INVITE")
    on._answer(invite, RINGING, Flow(CARRIERS, ("10.1.0.1", 5060)))
    on.run(0.05)
    assert on.told[call] == [100, 180]
    return call


def left_open(facts: list[Fact]) -> list[OpenCall]:
    """What a journal of these facts leaves open, having gone through a checkpoint."""
    before, after = OpenDialogs(), OpenDialogs()
    for fact in facts:
        before.apply(fact)
    after.load(list(before.dump()))
    return list(after.calls.values())


class Restarted:
    """The endpoint of a node that starts again, and what it says."""

    def __init__(self, on: Stage) -> None:
        self.endpoint = Endpoint(Random(5), TimerSettings())
        self.open = left_open(on.facts)
        self.policy: Snapshot = on.core.decisions.policy
        self.now = 0.0
        self.answered = answer(self.endpoint, self.open, self.policy.trunks, DOORS, self.now)
        assert self.endpoint.next_event() is None, "nothing is left for the switchboard to place"

    def said(self) -> list[tuple[Flow, Response]]:
        found = []
        for flow, data in self.endpoint.datagrams_to_send():
            message = parse(data)
            assert isinstance(message, Response)
            assert message.fault is None
            found.append((flow, message))
        return found

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while (at := self.endpoint.get_timer()) is not None and at <= until:
            self.endpoint.handle_timer(at)
        self.now = until

    def calls(self) -> list[Call]:
        return [fact for fact in records(self.open, self.policy.trunks, Clock(0.0, 1_780_000_010_000_000), "n1", 0.0) if isinstance(fact, Call)]


def test_the_caller_of_a_phone_that_rings_is_refused_in_the_transaction_and_early_dialog_it_knows() -> None:
    on = stage()
    call = ringing(on)
    heard = on.headers[call]
    again = Restarted(on)
    assert again.answered == 1
    ((flow, response),) = again.said()
    assert (flow.door, flow.address) == (TRUNKS, ("10.0.0.1", 5060))
    assert (response.status, response.cseq, response.cseq_method) == (502, 1, "INVITE")
    for name in ("Via", "From", "To", "Call-ID", "CSeq"):
        assert response.fields[name] == heard.fields[name]
    assert response.to_tag
    assert "node.restarted" in response.first("Warning")
    (record,) = again.calls()
    assert (record.status, record.cause, record.dialer_call_id, record.source) == (502, 27, call, "10.0.0.1:5060")


def test_it_is_told_again_and_again_until_it_acknowledges() -> None:
    on = stage()
    call = ringing(on)
    again = Restarted(on)
    flow, response = again.said()[0]
    again.run(1.6)
    assert [message.status for _, message in again.said()] == [502, 502], "after 0.5 s and 1.5 s"
    fields = response.fields
    head = "".join(f"{name}: {fields[name][0]}\r\n" for name in ("Via", "From", "To", "Call-ID"))
    ack = f"ACK sip:x SIP/2.0\r\n{head}Max-Forwards: 70\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n"
    again.endpoint.receive(ack.encode(), flow, again.now)
    again.run(60.0)
    assert not again.said()
    assert not again.endpoint.open_transactions()
    assert not again.endpoint.lingering_transactions()
    assert on.told[call] == [100, 180]


def test_a_caller_that_never_acknowledges_is_given_up() -> None:
    on = stage()
    ringing(on)
    again = Restarted(on)
    again.run(70.0)
    assert 5 < len(again.said()) < 15
    assert not again.endpoint.lingering_transactions()


@pytest.mark.parametrize("method", ["INVITE", "CANCEL"])
def test_a_repeat_of_the_invite_and_a_cancel_meet_the_refusal_too(method: str) -> None:
    on = stage()
    ringing(on)
    again = Restarted(on)
    flow, _ = again.said()[0]
    again.endpoint.receive(
        f"{method} sip:14155550101@{TRUNKS.host} SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:12125550123@10.0.0.1>;tag=f1\r\nTo: <sip:14155550101@{TRUNKS.host}>\r\nCall-ID: call-1@10.0.0.1\r\nCSeq: 1 {method}\r\n"
        f"Contact: <sip:10.0.0.1>\r\nContent-Length: 0\r\n\r\n".encode(), flow, 0.1,
    )  # fmt: skip
    assert [(response.status, response.cseq_method) for _, response in again.said()] == [(502, "INVITE") if method == "INVITE" else (200, "CANCEL")]
    assert again.endpoint.next_event() is None


def test_it_is_told_as_its_trunk_likes_it() -> None:
    on = stage(", profile: vicidial")
    ringing(on)
    again = Restarted(on)
    assert [response.status for _, response in again.said()] == [504]
    assert [(record.status, record.cause) for record in again.calls()] == [(504, 102)]


def test_callers_who_wait_for_their_turn_are_refused() -> None:
    on = stage()
    calls = [on.invite(f"1415555{1000 + i}") for i in range(8)]
    assert [fact.dialer_call_id for fact in on.parked()] == calls[5:]
    again = Restarted(on)
    assert [response.call_id for _, response in again.said()] == calls, "those being placed, and those that wait"
    assert {record.dialer_call_id: record.status for record in again.calls()} == dict.fromkeys(calls, 502)


def test_who_was_parked_and_is_being_placed_is_told_once() -> None:
    on = stage()
    calls = [on.invite(f"1415555{1000 + i}") for i in range(6)]
    on.run(0.3)
    assert len(on.invites()) == 6
    assert sorted(response.call_id for _, response in Restarted(on).said()) == sorted(calls)


def test_an_answered_caller_is_told_nothing() -> None:
    on = stage()
    on.invite("14155550101")
    _, _, invite = on.sent[-1]
    sdp = "v=0\r\no=- 1 1 IN IP4 10.1.0.1\r\ns=-\r\nc=IN IP4 10.1.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
    head = "".join(f"{name}: {value}\r\n" for name in ("Via", "From", "Call-ID", "CSeq") for value in invite.fields[name])
    on._say(
        f"SIP/2.0 200 OK\r\n{head}To: {invite.fields['To'][0]};tag=far\r\nContact: <sip:10.1.0.1>\r\nContent-Type: application/sdp\r\n"
        f"Content-Length: {len(sdp)}\r\n\r\n{sdp}", Flow(CARRIERS, ("10.1.0.1", 5060)),
    )  # fmt: skip
    on.run(0.01)
    assert [fact.leg for fact in on.facts if isinstance(fact, DialogOpened)] == [1, 0]
    again = Restarted(on)
    assert not again.said()
    assert [record.status for record in again.calls()] == [200]


def test_a_refusal_of_the_last_moment_is_said_once_more_and_an_older_one_is_not() -> None:
    """The record is written before the response is sent: a crash between the two would leave the caller waiting."""
    on = stage()
    on.behaviour = "486 Busy Here"
    call = on.invite("14155550101")
    on.run(0.01)
    assert on.told[call] == [100, 486]
    again = Restarted(on)
    ((_, response),) = again.said()
    assert (response.status, response.to_tag) == (486, on.headers[call].to_tag)
    assert not again.calls(), "it has its record"
    on.run(5.0)
    other = on.invite("14155550102")
    on.run(0.01)
    assert [response.call_id for _, response in Restarted(on).said()] == [other]


def test_over_tcp_the_response_goes_where_the_via_says_its_sender_listens() -> None:
    on = stage()
    on.core.receive(
        b"INVITE sip:14155550101@10.0.0.254 SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKt;rport\r\nMax-Forwards: 70\r\n"
        b"From: <sip:12125550123@10.0.0.1>;tag=f\r\nTo: <sip:14155550101@10.0.0.254>\r\nCall-ID: t\r\nCSeq: 7 INVITE\r\nContact: <sip:10.0.0.1:5070>\r\nContent-Length: 0\r\n\r\n",
        Flow(TCP, ("10.0.0.1", 40123)), on.now,
    )  # fmt: skip
    on._collect()
    ((flow, response),) = Restarted(on).said()
    assert (flow.door, flow.address) == (TCP, ("10.0.0.1", 5070))
    assert response.fields["Via"] == ["SIP/2.0/TCP 10.0.0.1:5070;branch=z9hG4bKt;rport=40123;received=10.0.0.1"]


def test_a_call_whose_door_and_transport_are_gone_is_left_alone() -> None:
    on = stage()
    ringing(on)
    assert answer(Endpoint(Random(5)), left_open(on.facts), {}, {"other": TCP}, 0.0) == 0


def test_vias_of_proxies_on_the_way_are_kept_and_text_that_is_no_utf_8_too() -> None:
    on = stage()
    vias = ["SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKp;rport", "SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKq;received=10.9.9.8", "SIP/2.0/TLS [2001:db8::9]:5061;branch=z9hG4bKr"]
    on.core.receive(
        f"INVITE sip:14155550101@10.0.0.254 SIP/2.0\r\nVia: {vias[0]},{vias[1]}\r\nVia: {vias[2]}\r\nMax-Forwards: 70\r\n"
        "From: \"".encode() + b"caf\xe9" + b"\" <sip:12125550123@10.0.0.1>;tag=f\r\nTo: <sip:14155550101@10.0.0.254>\r\nCall-ID: t\r\nCSeq: 7 INVITE\r\n"
        b"Contact: <sip:10.0.0.1>\r\nContent-Length: 0\r\n\r\n",
        Flow(TRUNKS, ("10.0.0.1", 5099)), on.now,
    )  # fmt: skip
    on._collect()
    restarted = Restarted.__new__(Restarted)
    restarted.endpoint = Endpoint(Random(5))
    fold = OpenDialogs()
    for fact in on.facts:
        fold.apply(fact)
    assert answer(restarted.endpoint, fold.calls.values(), {}, DOORS, 0.0) == 1
    ((flow, response),) = restarted.said()
    assert flow.address == ("10.0.0.1", 5099)
    assert response.fields["Via"] == [f"{vias[0]}=5099;received=10.0.0.1,{vias[1]}", vias[2]]
    assert b"caf\xe9" in response.raw


def test_a_call_that_waits_for_its_media_engine_is_on_record_too() -> None:
    on = stage()
    media = Rtpengine(Settings((Daemon("127.0.0.1", 22222),)), Random(1))
    policy = on.core.decisions.policy
    on.core = Core(policy, on.core.decisions.places, on.facts.append, on.core.clock, Random(4), key=b"k" * 32, media=media)  # type: ignore[arg-type]
    call = on.invite("14155550101")
    assert not [fact for fact in on.facts if isinstance(fact, AttemptStarted)]
    (parked,) = [fact for fact in on.facts if isinstance(fact, Parked)]
    assert (parked.dialer_call_id, parked.called, parked.caller_raw) == (call, "+14155550101", "12125550123")
    again = Restarted(on)
    assert [response.call_id for _, response in again.said()] == [call]
    assert [(record.trunk, record.attempts, record.status) for record in again.calls()] == [("vici", 0, 502)]


def test_a_crash_after_any_fact_leaves_nobody_without_a_final_answer() -> None:
    """Eight calls, some of which wait, some fail and some ring on: what was not told before the crash is told after it."""
    on = stage()
    on.behaviour = "486 Busy Here"
    for i in range(8):
        on.behaviour = "" if i % 3 == 0 else "486 Busy Here"
        on.invite(f"1415555{1000 + i}")
        on.run(0.03)
    for known in range(1, len(on.facts) + 1):
        open_calls = left_open(on.facts[:known])
        asked = {fact.call for fact in on.facts[:known] if isinstance(fact, AttemptStarted | Parked)}
        over = {fact.call for fact in on.facts[:known] if isinstance(fact, Call)}
        endpoint = Endpoint(Random(5))
        assert answer(endpoint, open_calls, {}, DOORS, START_S) >= len(asked - over)
        messages = [parse(data) for _, data in endpoint.datagrams_to_send()]
        assert not [message for message in messages if isinstance(message, Fault)]
        told = {message.call_id for message in messages if isinstance(message, Response)}
        assert {call.asked.invite.partition("Call-ID: ")[2].partition("\r\n")[0] for call in open_calls if call.asked is not None} == told
        assert asked - over <= {call.call for call in open_calls if call.asked is not None}
