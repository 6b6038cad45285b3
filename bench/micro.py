"""Where the CPU of a call goes: the sans-IO node alone, message by message, and what recording costs.

    python -m bench.micro [--calls 4000] [--json]

No socket and no process around it: compare with `bench.signalling` to see what I/O costs.
"""

import argparse
import gc
import json
import re
import time
from random import Random

import msgspec

from bench.machine import describe
from trunkline.decide import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact
from trunkline.node.core import Core
from trunkline.policy import Snapshot, load_policy
from trunkline.records import OpenDialogs
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import parse

POLICY = """
tenants: {bench: {}}
trunks: {dialer: {tenant: bench, addresses: [127.0.0.1], channels: 100000, cps: 10000, number_plan: {min_digits: 3}}}
carriers: {carrier: {channels: 100000, cps: 10000, gateways: {gateway: {host: "127.0.0.1:5070", options: 0}}}}
destinations: {everywhere: {prefixes: [""], strategy: priority, routes: [{to: carrier}]}}
"""
SDP = b"v=0\r\no=u 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
STAGES = ("INVITE", "180", "200", "ACK", "BYE", "200 of BYE", "timers")


class Load:
    """Plays both far ends of call after call, timing only the node."""

    def __init__(self) -> None:
        policy = load_policy(POLICY)
        assert isinstance(policy, Snapshot)
        self.trunks, self.carriers = Door("trunks", "udp", "127.0.0.1", 5060), Door("carriers", "udp", "127.0.0.1", 5080)
        self.facts: list[Fact] = []
        self.core = Core(policy, StaticPlaces({"udp": self.carriers}), self.facts.append, Clock(0.0, 0), Random(1))
        self.dialer, self.carrier = Flow(self.trunks, ("127.0.0.1", 5061)), Flow(self.carriers, ("127.0.0.1", 5070))
        self.spent = dict.fromkeys(STAGES, 0.0)
        self.now = 1.0

    def feed(self, stage: str, data: bytes, flow: Flow) -> list[tuple[Flow, bytes]]:
        began = time.perf_counter()
        self.core.receive(data, flow, self.now)
        sent = self.core.datagrams_to_send()
        self.spent[stage] += time.perf_counter() - began
        return sent

    def call(self, i: int) -> None:
        sent = self.feed("INVITE", _request("INVITE", i, 1, "", SDP), self.dialer)
        invite = next(data for _, data in sent if data.startswith(b"INVITE"))
        self.feed("180", _response("180 Ringing", invite, i), self.carrier)
        sent = self.feed("200", _response("200 OK", invite, i, SDP), self.carrier)
        ok = next(data for flow, data in sent if flow.door is self.trunks).decode()
        tag = re.search(r"\r\nTo:[^\r]*(;tag=[^\r;]*)", ok)[1]  # type: ignore[index]
        self.feed("ACK", _request("ACK", i, 1, tag), self.dialer)
        sent = self.feed("BYE", _request("BYE", i, 2, tag), self.dialer)
        self.feed("200 of BYE", _response("200 OK", next(data for _, data in sent if data.startswith(b"BYE")), i), self.carrier)
        self.now += 0.003
        began = time.perf_counter()
        self.core.handle_timer(self.now)
        self.spent["timers"] += time.perf_counter() - began


def _request(method: str, i: int, cseq: int, tag: str, body: bytes = b"") -> bytes:
    head = (
        f"{method} sip:14155550123@127.0.0.1:5060 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-{i}-{method}\r\n"
        f"From: sipp <sip:sipp@127.0.0.1:5061>;tag=t{i}\r\nTo: service <sip:service@127.0.0.1:5060>{tag}\r\nCall-ID: {i}@127.0.0.1\r\n"
        f"CSeq: {cseq} {method}\r\nContact: sip:sipp@127.0.0.1:5061\r\nMax-Forwards: 70\r\nSubject: Performance Test\r\n"
    )
    return head.encode() + (b"Content-Type: application/sdp\r\n" if body else b"") + b"Content-Length: %d\r\n\r\n" % len(body) + body


def _response(line: str, request: bytes, i: int, body: bytes = b"") -> bytes:
    fields = dict(row.split(": ", 1) for row in request.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:])
    to = fields["To"] if ";tag=" in fields["To"] else f"{fields['To']};tag=c{i}"
    head = f"SIP/2.0 {line}\r\nVia: {fields['Via']}\r\nFrom: {fields['From']}\r\nTo: {to}\r\nCall-ID: {fields['Call-ID']}\r\nCSeq: {fields['CSeq']}\r\n"
    return (
        head.encode() + b"Contact: <sip:127.0.0.1:5070>\r\n" + (b"Content-Type: application/sdp\r\n" if body else b"")
        + b"Content-Length: %d\r\n\r\n" % len(body) + body
    )  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--calls", type=int, default=4000)
    arguments.add_argument("--json", action="store_true")
    given = arguments.parse_args()
    load = Load()
    for i in range(300):
        load.call(i)
    gc.collect()
    gc.freeze()
    gc.disable()
    load.facts.clear()
    load.spent = dict.fromkeys(STAGES, 0.0)
    for i in range(1000, 1000 + given.calls):
        load.call(i)
    per_call = {stage: round(spent / given.calls * 1e6, 1) for stage, spent in load.spent.items()}
    invite = _request("INVITE", 1, 1, "", SDP)
    costs = {
        "parse one INVITE": _cost(lambda: parse(invite), 20_000),
        "encode facts of one call": _cost(lambda: msgspec.json.Encoder().encode_lines(load.facts), 3) / given.calls,
        "open dialogs of one call": _cost(lambda: [OpenDialogs().apply(fact) for fact in load.facts], 3) / given.calls,
    }
    result = {
        "us_per_call": {**per_call, "total": round(sum(per_call.values()), 1)}, "us": {name: round(cost, 2) for name, cost in costs.items()},
        "facts_per_call": round(len(load.facts) / given.calls, 2), "machine": describe(),
    }  # fmt: skip
    if given.json:
        print(json.dumps(result))
        return
    for name, microseconds in {**result["us_per_call"], **result["us"]}.items():
        print(f"{name:28} {microseconds:8.1f} us")


def _cost(action: object, times: int) -> float:
    """Microseconds of one run."""
    assert callable(action)
    began = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - began) / times * 1e6


if __name__ == "__main__":
    main()
