"""A gateway reached by two doors, each on another provider's line, on a virtual clock: what fails is a line, not the gateway."""

from collections import Counter
from collections.abc import Iterator
from random import Random

import pytest

from trunkline.facts.clock import Clock
from trunkline.facts.record import Alarm, Attempt, Fact, GatewayState
from trunkline.node.core import Core
from trunkline.node.places import AVOID_S, ResolvedPlaces, unsuited
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.asyncio.resolver import Resolver
from trunkline.sip.build import phrase_of
from trunkline.sip.endpoint import ClientTransaction, Endpoint
from trunkline.sip.events import Unreachable
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Request, Response, parse
from trunkline.sip.transactions import ClientInvite

from .actor import SDP

CARRIER, DIALER = "10.1.0.1", "10.0.0.1"
ISP_1, ISP_2 = "203.0.113.254", "198.51.100.254"
POLICY = """
tenants: {acme: {}}
trunks:
  dialer: {tenant: acme, addresses: [10.0.0.1], number_plan: {country_code: "1", min_digits: 5}}
carriers:
  a: {gateways: {g: {host: "10.1.0.1", local: [isp-1, isp-2], options: OPTIONS, timers: {no_response: 2s}MORE}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: a}]}
"""


class Lines:
    """A node with two lines out and a carrier that answers by those which are up."""

    def __init__(self, options: str = "0", more: str = "", local: str = "[isp-1, isp-2]") -> None:
        self.trunks = Door("trunks", "udp", "10.0.0.254", 5060)
        self.doors = [
            Door("isp-1", "udp", ISP_1, 5080, purpose="carriers", media="wan-1"), Door("isp-2", "udp", ISP_2, 5080, purpose="carriers"),
            Door("tcp-1", "tcp", ISP_1, 5080, purpose="carriers"), Door("lan", "udp", "10.9.0.254", 5070, purpose="carriers"),
        ]  # fmt: skip
        policy = load_policy(POLICY.replace("OPTIONS", options).replace("MORE", more).replace("[isp-1, isp-2]", local), environment={"SECRET": "a-long-enough-one"})
        assert isinstance(policy, Snapshot), policy
        self.policy = policy
        self.places = ResolvedPlaces(Resolver(Random(1)), [self.trunks, *self.doors])
        self.facts: list[Fact] = []
        self.core = Core(policy, self.places, self.facts.append, Clock(0.0, 0), Random(1), key=b"k" * 32)
        self.places.follow(policy)
        self.now = 1000.0
        self.up = {ISP_1, ISP_2}
        self.routeless: set[str] = set()
        "Lines the kernel has no route by."
        self.refusing: dict[str, int] = {}
        "By line: status an INVITE gets."
        self.asked: Counter[tuple[str, str]] = Counter()
        "First sendings that left, by line and method."
        self.requests: list[tuple[str, Request]] = []
        self.answers: list[Response] = []
        "What the dialer heard."
        self.calls = 0
        self._seen: set[bytes] = set()

    def call(self, within_s: float = 20.0) -> Attempt:
        """Place a call, let it be answered, hang up: its last attempt."""
        number = self.invite()
        self.advance(within_s)
        self.finish(number)
        return self.attempts()[-1]

    def invite(self) -> int:
        """Begin a call: its number."""
        self.calls += 1
        body = SDP.format(id=1, version=1, host=DIALER)
        self._say(
            "INVITE sip:14155550123@10.0.0.254", self.calls, f"CSeq: 1 INVITE\r\nContact: <sip:{DIALER}:5060>\r\nContent-Type: application/sdp\r\n", body=body
        )
        return self.calls

    def finish(self, number: int) -> int:
        """Acknowledge how a call was answered, and end it: its status."""
        final = next(answer for answer in reversed(self.answers) if answer.call_id == f"call-{number}" and answer.status >= 200)
        answered = final.status < 300
        uri = final.first("Contact").strip("<>") if answered else "sip:14155550123@10.0.0.254"
        self._say(f"ACK {uri}", number, "CSeq: 1 ACK\r\n", "a" if answered else "i", final.first("To"))
        if answered:
            self._say(f"BYE {uri}", number, "CSeq: 2 BYE\r\n", "b", final.first("To"))
        self.advance(0.0)
        return final.status

    def _say(self, start: str, number: int, lines: str, branch: str = "i", to: str = "<sip:14155550123@10.0.0.254>", body: str = "") -> None:
        head = f"Via: SIP/2.0/UDP {DIALER}:5060;branch=z9hG4bK{branch}{number}\r\nMax-Forwards: 70\r\nFrom: <sip:dialer@{DIALER}>;tag=d\r\nCall-ID: call-{number}\r\n"
        text = f"{start} SIP/2.0\r\n{head}To: {to}\r\n{lines}Content-Length: {len(body)}\r\n\r\n{body}"
        self.core.receive(text.encode(), Flow(self.trunks, (DIALER, 5060)), self.now)
        self._carry()

    def advance(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.core.get_timer()) is not None and due <= until:
            self.now = max(self.now, due)
            self.core.handle_timer(self.now)
            self._carry()
        self.now = until

    def attempts(self) -> list[Attempt]:
        return [fact for fact in self.facts if isinstance(fact, Attempt)]

    def states(self) -> list[str]:
        return [fact.state for fact in self.facts if isinstance(fact, GatewayState)]

    def _carry(self) -> None:
        while sent := self.core.datagrams_to_send():
            for flow, data in sent:
                if flow.door.local in self.routeless:  # as `Network.unsent` does when the kernel says ENETUNREACH
                    self.core.endpoint.unsent(flow, self.now)
                    self.core.board.handle_events(self.now)
                    continue
                message = parse(data)
                if flow.door is self.trunks:
                    assert isinstance(message, Response)
                    self.answers.append(message)
                    continue
                if isinstance(message, Request) and data not in self._seen:
                    self._seen.add(data)
                    self.asked[flow.door.local, message.method] += 1
                    self.requests.append((flow.door.local, message))
                if isinstance(message, Request) and flow.door.local in self.up and message.method != "ACK":
                    self.core.receive(self._answer(message, flow.door.local), flow, self.now)

    def _answer(self, request: Request, line: str) -> bytes:
        status = self.refusing.get(line, 200) if request.method == "INVITE" else 200
        lines = [f"SIP/2.0 {status} {phrase_of(status)}", f"Via: {request.first('Via')}", f"From: {request.first('From')}"]
        lines += [f"To: {request.first('To')}{'' if request.to_tag else ';tag=c'}", f"Call-ID: {request.call_id}", f"CSeq: {request.cseq} {request.method}"]
        body = SDP.format(id=2, version=1, host=CARRIER) if request.method == "INVITE" and status == 200 else ""
        if request.method == "REGISTER":
            lines += [f"Contact: {request.first('Contact')};expires=3600"]
        elif body:
            lines += [f"Contact: <sip:{CARRIER}:5060>", "Content-Type: application/sdp"]
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", body]).encode()


@pytest.fixture
def lines() -> Iterator[Lines]:
    made = Lines()
    yield made
    made.advance(40.0)
    assert not made.core.board.calls
    assert not made.core.limits.used
    assert not made.core.endpoint.open_transactions()


def test_a_call_leaves_by_the_first_door_and_says_so_everywhere(lines: Lines) -> None:
    attempt = lines.call()
    assert (attempt.outcome, attempt.local, attempt.remote) == ("answered", f"{ISP_1}:5080", f"{CARRIER}:5060")
    line, invite = next((line, request) for line, request in lines.requests if request.method == "INVITE")
    assert line == ISP_1
    assert invite.first("Via").startswith(f"SIP/2.0/UDP {ISP_1}:5080;")
    assert invite.first("Contact") == f"<sip:{ISP_1}:5080>"
    assert f"@{ISP_1}" in invite.first("From")


def test_a_silent_line_costs_one_call_its_timer_and_later_calls_nothing(lines: Lines) -> None:
    lines.up.discard(ISP_1)
    lines.call()
    first, second = lines.attempts()
    assert (first.local, first.evidence, first.gateway) == (f"{ISP_1}:5080", "no response", "a/g")
    assert (second.local, second.outcome, second.gateway) == (f"{ISP_2}:5080", "answered", "a/g")
    assert lines.answers[-1].status == 200
    lines.call()
    assert lines.attempts()[2:] == [lines.attempts()[-1]], "one attempt"
    assert lines.attempts()[-1].local == f"{ISP_2}:5080"
    assert lines.attempts()[-1].first_reply_ms == 0.0
    bye = [line for line, request in lines.requests if request.method == "BYE"]
    assert bye == [ISP_2, ISP_2], "what is said within a dialog goes by its own line"


def test_after_a_while_calls_try_the_first_line_again(lines: Lines) -> None:
    lines.up.discard(ISP_1)
    lines.call()
    lines.up.add(ISP_1)
    lines.advance(AVOID_S)
    assert lines.call().local == f"{ISP_1}:5080"


def test_a_line_the_carrier_refuses_with_503_is_left_too(lines: Lines) -> None:
    lines.refusing[ISP_1] = 503
    assert (lines.call().local, len(lines.attempts())) == (f"{ISP_2}:5080", 2)
    assert (lines.call().local, len(lines.attempts())) == (f"{ISP_2}:5080", 3)


def test_a_busy_callee_is_no_reason_to_take_the_other_line(lines: Lines) -> None:
    lines.refusing[ISP_1] = 486
    assert lines.call().status == 486
    assert len(lines.attempts()) == 1
    lines.refusing.clear()
    assert lines.call().local == f"{ISP_1}:5080"


def test_with_both_lines_out_the_call_fails_once_by_each(lines: Lines) -> None:
    lines.up.clear()
    lines.call()
    assert [attempt.local for attempt in lines.attempts()] == [f"{ISP_1}:5080", f"{ISP_2}:5080"]


def test_a_line_that_failed_lately_is_better_than_none(lines: Lines) -> None:
    lines.up = {ISP_2}
    lines.call()
    lines.up = {ISP_1}
    assert lines.call().outcome == "answered"
    assert [attempt.local for attempt in lines.attempts()[2:]] == [f"{ISP_2}:5080", f"{ISP_1}:5080"]
    lines.up = {ISP_2}
    assert lines.call().outcome == "answered"
    assert lines.attempts()[-1].local == f"{ISP_2}:5080", "of two that failed, the one that did so longer ago first"


def test_before_a_line_that_failed_lately_the_next_gateway_is_asked() -> None:
    lines = Lines(more="}, standby: {host: \"10.1.0.1:5062\", weight: 0, options: 0")
    lines.up = {ISP_2}
    lines.call()
    lines.up = {ISP_1}
    assert lines.call().outcome == "answered"
    assert [(attempt.gateway, attempt.local) for attempt in lines.attempts()[2:]] == [("a/g", f"{ISP_2}:5080"), ("a/standby", f"{ISP_1}:5080")]


def test_a_burst_into_a_dead_line_gets_through_and_does_not_condemn_the_gateway(lines: Lines) -> None:
    """A hundred calls are in the air before the first timer speaks."""
    lines.up.discard(ISP_1)
    burst = [lines.invite() for _ in range(100)]
    lines.advance(5.0)
    assert {lines.finish(number) for number in burst} == {200}
    share = lines.core.health.shares.get("a/g")
    assert share is None or share.skip_probability(lines.now) == 0.0


def test_with_both_lines_out_the_gateway_is_condemned(lines: Lines) -> None:
    lines.up.clear()
    for _ in range(11):
        lines.call(5.0)  # fails by both
    assert lines.core.health.shares["a/g"].skip_probability(lines.now) > 0.5


def test_a_line_whose_datagrams_cannot_leave_is_left_at_once(lines: Lines) -> None:
    lines.routeless.add(ISP_1)
    assert lines.call().local == f"{ISP_2}:5080"
    first, second = lines.attempts()
    assert first.phrase == "Transport Failed"
    assert first.total_ms == 0.0
    assert second.at == first.at, "nothing was waited for"


def test_unsent_datagrams_fail_what_begins_and_not_what_is_under_way() -> None:
    endpoint, flow = Endpoint(Random(1)), Flow(Door("isp-1", "udp", ISP_1, 5080), (CARRIER, 5060))
    other = Flow(Door("isp-2", "udp", ISP_2, 5080), (CARRIER, 5060))

    def ask(method: str, recipient: str, by: Flow = flow) -> ClientTransaction:
        return endpoint.request(
            method, f"sip:{CARRIER}", by, sender="<sip:a@b>;tag=1", recipient=recipient, call_id=endpoint.token(), cseq=1, now=0.0, user=recipient
        )  # fmt: skip

    new, probe, register = ask("INVITE", "<sip:x@y>"), ask("OPTIONS", "<sip:x@y>"), ask("REGISTER", "<sip:x@y>")
    under_way = {ask("INVITE", "<sip:x@y>;tag=2").key, ask("BYE", "<sip:x@y>;tag=2").key, ask("INVITE", "<sip:x@y>", other).key}
    ringing = ask("INVITE", "<sip:x@y>")
    assert isinstance(ringing, ClientInvite)
    assert ringing.head is not None
    head = ringing.head
    endpoint.receive(f"SIP/2.0 180 Ringing\r\nVia: {head.via}\r\nFrom: {head.sender}\r\nTo: <sip:x@y>;tag=r\r\nCall-ID: {head.call_id}\r\nCSeq: 1 INVITE\r\n\r\n".encode(), flow, 0.1)
    while endpoint.next_event() is not None:
        pass
    endpoint.unsent(flow, 0.2)
    told = set()
    while (event := endpoint.next_event()) is not None:
        assert isinstance(event, Unreachable)
        told.add(event.transaction.key)
    assert told == {new.key, probe.key, register.key}
    assert {machine.key for machine in endpoint.open_transactions()} == under_way | {ringing.key}


# Probing.


def probed(more: str = "", options: str = "10s", local: str = "[isp-1, isp-2]") -> Lines:
    lines = Lines(options, more, local)
    lines.core.start(lines.now)
    return lines


def test_every_path_is_probed_and_the_gateway_is_up_while_one_answers() -> None:
    lines = probed()
    lines.advance(11.0)
    assert lines.asked[ISP_1, "OPTIONS"] == lines.asked[ISP_2, "OPTIONS"] > 0
    assert not lines.states()
    lines.up.discard(ISP_1)
    lines.advance(100.0)
    assert lines.states() == ["path down"]
    told = next(fact for fact in lines.facts if isinstance(fact, GatewayState))
    assert told.reason == f"by isp-1 to {CARRIER}:5060: does not answer OPTIONS"
    assert lines.core.health.condition("a/g").up
    gateway = lines.policy.gateways["a/g"]
    assert [(flow.door.name, lines.places.state(flow, lines.now)) for flow in lines.places.paths(gateway, lines.now)] == [("isp-1", "silent"), ("isp-2", "up")]
    assert lines.call().local == f"{ISP_2}:5080"
    assert len(lines.attempts()) == 1, "no call had to find out"


def test_a_path_that_answers_again_is_taken_again() -> None:
    lines = probed()
    lines.up.discard(ISP_1)
    lines.call()
    lines.advance(100.0)
    assert lines.call().local == f"{ISP_2}:5080", "long after the first call failed: OPTIONS is still not answered"
    lines.up.add(ISP_1)
    lines.advance(11.0)
    assert lines.states() == ["path down", "path up"]
    assert lines.call().local == f"{ISP_1}:5080"


def test_with_no_path_left_the_gateway_is_down_until_one_answers() -> None:
    lines = probed()
    lines.up.clear()
    lines.advance(100.0)
    assert sorted(lines.states()) == ["down", "path down", "path down"]
    assert not lines.core.health.condition("a/g").up
    lines.up.add(ISP_2)
    lines.advance(11.0)
    assert lines.states()[3:] == ["path up", "up"]
    assert lines.call().local == f"{ISP_2}:5080"


def test_a_policy_that_names_no_doors_any_more_goes_by_the_usual_one() -> None:
    lines = probed()
    lines.up.discard(ISP_1)
    lines.advance(100.0)
    policy = load_policy(POLICY.replace("OPTIONS", "10s").replace("MORE", "").replace("local: [isp-1, isp-2], ", ""))
    assert isinstance(policy, Snapshot)
    lines.core.apply_policy(policy, "test", "", lines.now)
    lines.places.follow(policy)
    lines.up.add(ISP_1)
    lines.advance(60.0)
    flow = lines.places.flow_to(policy.gateways["a/g"], lines.now)
    assert flow is not None
    assert flow.door.name == "isp-1", "the first door for carriers"
    assert not lines.places._silent
    assert lines.core.health.condition("a/g").up


# Registration.


REGISTERED = ', auth: {user: acme, password: "env:SECRET"}, registration: {aor: "sip:acme@beta.example"}'


def contacts(lines: Lines) -> list[str]:
    return [request.first("Contact") for _, request in lines.requests if request.method == "REGISTER"]


def test_a_registration_goes_by_the_first_path_that_works() -> None:
    lines = Lines("0", REGISTERED)
    lines.up.discard(ISP_1)
    lines.core.start(lines.now)
    lines.advance(60.0)
    assert contacts(lines) == [f"<sip:acme@{ISP_1}:5080>", f"<sip:acme@{ISP_2}:5080>"]
    assert lines.states() == ["registered"]
    assert not any(isinstance(fact, Alarm) for fact in lines.facts), "it was never lost: no call could have come in by the first"


def test_a_registration_by_a_path_that_falls_silent_is_renewed_by_the_other_at_once() -> None:
    lines = probed(REGISTERED)
    lines.advance(60.0)
    assert contacts(lines) == [f"<sip:acme@{ISP_1}:5080>"]
    lines.up.discard(ISP_1)
    lines.advance(60.0)
    assert contacts(lines)[-1] == f"<sip:acme@{ISP_2}:5080>"
    assert lines.states() == ["registered", "path down"]
    lines.up.add(ISP_1)
    lines.advance(15.0)
    assert contacts(lines)[-1] == f"<sip:acme@{ISP_1}:5080>"


def test_a_registration_that_no_path_carries_is_lost() -> None:
    lines = Lines("0", REGISTERED)
    lines.up.clear()
    lines.core.start(lines.now)
    lines.advance(100.0)
    assert lines.states() == ["registration lost"]
    assert {line for line, request in lines.requests if request.method == "REGISTER"} == {ISP_1, ISP_2}


# Which doors.


def test_a_large_request_goes_by_tcp_of_the_same_provider_or_not_at_all() -> None:
    lines = Lines(more=", large_requests: tcp")
    gateway = lines.policy.gateways["a/g"]
    ways = list(lines.places._paths(gateway))
    assert [(way.flow.door.name, way.large.door.name if way.large else None) for way in ways] == [("isp-1", "tcp-1"), ("isp-2", None)]
    assert lines.places.avoid(gateway, Flow(lines.doors[2], (CARRIER, 5060)), lines.now), "the TCP connection of the first path broke"
    way = lines.places.way(gateway, lines.now)
    assert way is not None
    assert way.flow.door.name == "isp-2"


@pytest.mark.parametrize(
    ("local", "says"),
    [
        ("[isp-1, isp-9]", "a/g: local: `isp-9`: no [[listen]] of this node bears that name; doors for carriers by udp are: isp-1, isp-2, lan; write one"),
        ("[tcp-1]", "a/g: local: `tcp-1`: that door is for carriers by tcp; doors"),
        ("[trunks]", "a/g: local: `trunks`: that door is for trunks by udp; doors"),
        ("[isp-2]", ""),
    ],
)
def test_a_door_that_the_node_does_not_have_is_named_with_those_it_has(local: str, says: str) -> None:
    lines = Lines(local=local)
    said = unsuited(lines.policy, [lines.trunks, *lines.doors])
    assert said.startswith(says)
    assert bool(said) == bool(says)


def test_one_named_door_is_the_only_one_even_when_it_fails() -> None:
    lines = Lines(local="[isp-2]")
    lines.up.discard(ISP_2)
    lines.call()
    assert [attempt.local for attempt in lines.attempts()] == [f"{ISP_2}:5080"], "never by the address of another provider"


@pytest.mark.parametrize("options", ["1s", "10s"])
def test_silence_counts_after_as_long_as_a_call_would_wait(options: str) -> None:
    """Not after the 32 s that a transaction lasts; a probe every second is missed when the next one leaves."""
    lines = probed(options=options, local="[isp-1]")
    lines.advance(30.0)
    assert lines.states() in ([], ["up"])
    lines.up.clear()
    lines.advance(3.1 if options == "1s" else 22.1)
    assert lines.states()[-1:] == ["down"]
    lines.up.add(ISP_1)
    lines.advance(10.0)
    assert lines.states()[-1] == "up"
