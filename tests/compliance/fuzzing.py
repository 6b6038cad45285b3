"""What both fuzzers feed: bytes go in everywhere they can, and only values and refusals may come out."""

from random import Random

from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.check import check
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Door, Flow
from trunkline.sip.framing import Framer
from trunkline.sip.message import Request, parse
from trunkline.sip.sdp import direction_of, filter_codecs, first_codec, parse_sdp

POLICY = """
tenants: {t: {}}
trunks: {t: {tenant: t, addresses: [127.0.0.1], number_plan: {min_digits: 3}, codecs: [PCMU]}}
carriers: {c: {gateways: {g: {host: "127.0.0.1:5070", options: 0}}}}
destinations: {all: {prefixes: [""], strategy: priority, routes: [{to: c}]}}
"""

SDP = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"


def request(method: str, extra: bytes = b"", body: bytes = b"") -> bytes:
    """A well-formed request to start mutations from."""
    head = (
        f"{method} sip:14155550123@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bKa;rport\r\nMax-Forwards: 70\r\n"
        f'From: "A \\"B\\"" <sip:1000@127.0.0.1>;tag=1\r\nTo: <sip:14155550123@127.0.0.1>\r\nCall-ID: c@h\r\nCSeq: 1 {method}\r\n'
        "Contact: <sip:1000@127.0.0.1:5061>\r\n"
    )
    return head.encode() + extra + b"Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n" % len(body) + body


SEEDS = (
    request("INVITE", body=SDP),
    request("INVITE", b"Session-Expires: 90;refresher=uac\r\nSupported: timer, 100rel\r\nRequire: 100rel\r\nMin-SE: 90\r\n", SDP),
    request("REGISTER", b'Expires: 60\r\nAuthorization: Digest username="a", realm="b", nonce="c", uri="sip:d", response="e"\r\n'),
    request("REFER", b"Refer-To: <sip:x@y?Replaces=a%3Bto-tag%3Db%3Bfrom-tag%3Dc>\r\nReferred-By: <sip:z@y>\r\n"),
    request("CANCEL", b'Reason: SIP;cause=200;text="elsewhere", Q.850;cause=16\r\n'),
    request("BYE"), request("OPTIONS"), request("ACK"), request("PRACK", b"RAck: 1 1 INVITE\r\n"),
    b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: q\r\nCSeq: 1 INVITE\r\n\r\n",
)  # fmt: skip

_POLICY = load_policy(POLICY)
assert isinstance(_POLICY, Snapshot), _POLICY


def feed(data: bytes) -> None:
    """Everything that takes bytes from outside. Raises when anything but a value or a refusal comes of it."""
    message = parse(data)
    assert isinstance(message, Fault) or message.fields is not None
    if not isinstance(message, Fault):
        check(message)
        list(message.lines())
    framed = Framer().feed(data)
    assert isinstance(framed, Fault | list)
    parse_sdp(data)
    first_codec(data)
    direction_of(data)
    filter_codecs(data, ("PCMU", "PCMA"))
    trunks, carriers = Door("trunks", "udp", "127.0.0.1", 5060), Door("carriers", "udp", "127.0.0.1", 5080)
    core = Core(_POLICY, StaticPlaces({"udp": carriers}), lambda fact: None, Clock(1.0, 0), Random(1), key=b"k" * 32)
    for door in (trunks, carriers):
        core.receive(data, Flow(door, ("127.0.0.1", 5061)), 1.0)
    for flow, sent in core.datagrams_to_send():
        ours = parse(sent)
        assert not isinstance(ours, Fault), sent
        if isinstance(ours, Request) and flow.door is carriers:
            assert ours.fault is None, (ours.fault, sent)
    core.handle_timer(100.0)
