"""Calls that one core transcodes, both ways, against rtpengine doing the same in the same run.

    python -m bench.transcode                          # 60 calls, PCMU to each of PCMA, G722, opus
    python -m bench.transcode --calls 100 --pair opus

Ours is weighed as it runs: a relay worker and a studio worker together (between the laws of G.711 the studio has nothing to do). The peer is
rtpengine in user space with one thread. Both far ends of every call send 50 packets a second; what arrives is counted, and a run in which more
than one packet in a hundred is missing counts for nothing. Runs alternate; the ratio is peer over ours, of the medians of CPU time.
"""

import argparse
import asyncio
import contextlib
import json
import re
import socket
import statistics
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from bench.machine import describe
from bench.peers import rtpengine
from bench.tree import cpu_seconds
from trunkline.media import MediaAnswer, MediaOffer, MediaReady, Side
from trunkline.media.relay import Interface, Relay, RelayPool, RelaySettings
from trunkline.studio import Studio, StudioPool, StudioSettings
from trunkline.studio.voice import encoder_of

FRAME_S = 0.02
SLOTS = 10
WARM_UP_S = 1.0
LOST_LIMIT = 0.01
PAYLOADS = {"PCMU": 0, "PCMA": 8, "G722": 9, "opus": 96}


class End:
    """A far end."""

    def __init__(self, codec: str) -> None:
        self.codec = codec
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.units = 960 if codec == "opus" else 160
        self.heard = self.sent = 0

    def sdp(self) -> bytes:
        number = PAYLOADS[self.codec]
        rtpmap = "a=rtpmap:96 opus/48000/2\r\n" if number == 96 else ""
        host, port = self.socket.getsockname()
        return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio {port} RTP/AVP {number}\r\n{rtpmap}a=sendrecv\r\n".encode()

    def heed(self, sdp: bytes) -> None:
        found = re.search(rb"m=audio (\d+)", sdp)
        assert found is not None
        self.socket.connect(("127.0.0.1", int(found[1])))

    def say(self, frames: list[bytes]) -> None:
        at = self.sent
        head = struct.pack("!BBHII", 0x80, PAYLOADS[self.codec], at & 0xFFFF, at * self.units & 0xFFFF_FFFF, 77)
        with contextlib.suppress(OSError):
            self.socket.send(head + frames[at % len(frames)])
        self.sent += 1

    def listen(self) -> None:
        with contextlib.suppress(OSError):
            while self.socket.recv(2048):
                self.heard += 1


def voice(codec: str) -> list[bytes]:
    """Two seconds of a glide."""
    rate = 16_000 if codec == "G722" else 8000
    at = np.arange(2 * rate) / rate
    samples = (9000 * np.sin(2 * np.pi * (300 + 200 * at) * at)).astype(np.int16)
    encoder = encoder_of(codec.upper(), rate)
    return [encoder.encode(samples[start : start + rate // 50]) for start in range(0, len(samples), rate // 50)]


@contextmanager
def ours(pairs: list[tuple[End, End]]) -> Iterator[list[int]]:
    """Relay and studio; the ids of their workers."""
    loop = asyncio.new_event_loop()
    calls = len(pairs)
    relay = Relay(RelaySettings((Interface("lo", "127.0.0.1"),), leased_ahead=2 * calls + 8, timeout_s=600))
    settings = StudioSettings(lines=8, conversions=2 * calls, leased_ahead=2 * calls + 8)
    studio = Studio(settings)
    relay.join(studio)
    relays, studios = RelayPool(relay, 1), StudioPool(studio, settings)
    try:
        loop.run_until_complete(relays.start())
        loop.run_until_complete(studios.start())
        while studio.ready_lines() < 2 * calls or relay.ready_pairs() < 2 * calls:
            relays.flush()
            studios.flush()
            loop.run_until_complete(asyncio.sleep(0.02))
        for number, (caller, carrier) in enumerate(pairs):
            offered = relay.offer(MediaOffer(str(number), 1, caller.sdp(), Side(codecs=(carrier.codec,))), loop.time())
            told = relay.answer(MediaAnswer(str(number), 0, carrier.sdp(), 1), loop.time())
            assert isinstance(offered, MediaReady), offered
            assert isinstance(told, MediaReady), told
            carrier.heed(offered.sdp)
            caller.heed(told.sdp)
            relays.flush()
            studios.flush()
            loop.run_until_complete(asyncio.sleep(0))
        loop.run_until_complete(asyncio.sleep(0.2))
        yield [*relays.pids.values(), *studios.pids.values()]
    finally:
        loop.run_until_complete(studios.close())
        loop.run_until_complete(relays.close())
        loop.close()


@contextmanager
def theirs(pairs: list[tuple[End, End]]) -> Iterator[list[int]]:
    """rtpengine."""
    with rtpengine.daemon() as engine:
        for number, (caller, carrier) in enumerate(pairs):
            about = {"call-id": str(number), "from-tag": "a", "ICE": "remove"}
            codec = {"mask": [caller.codec], "transcode": [carrier.codec]}
            carrier.heed(engine.ask("offer", sdp=caller.sdp().decode(), codec=codec, **about)["sdp"].encode())
            caller.heed(engine.ask("answer", sdp=carrier.sdp().decode(), **{"to-tag": "b"}, **about)["sdp"].encode())
        yield engine.pids


def measure(who: str, calls: int, codec: str, seconds: float) -> float:
    """CPU seconds per second of all calls. Raises RuntimeError where audio is missing."""
    with ExitStack() as stack:
        pairs = [(End("PCMU"), End(codec)) for _ in range(calls)]
        for end in (end for pair in pairs for end in pair):
            stack.callback(end.socket.close)
        frames = {name: voice(name) for name in ("PCMU", codec)}
        pids = stack.enter_context((ours if who == "ours" else theirs)(pairs))
        ends = [end for pair in pairs for end in pair]
        start = time.monotonic()
        began: tuple[float, float, int] | None = None
        turn = 0
        while (elapsed := time.monotonic() - start) < WARM_UP_S + seconds:
            for end in ends[turn % SLOTS :: SLOTS]:
                end.say(frames[end.codec])
                end.listen()
            if began is None and elapsed >= WARM_UP_S:
                began = (time.monotonic(), sum(map(cpu_seconds, pids)), sum(end.heard for end in ends))
            turn += 1
            time.sleep(max(0.0, start + turn * FRAME_S / SLOTS - time.monotonic()))
        assert began is not None
        took, used = time.monotonic() - began[0], sum(map(cpu_seconds, pids)) - began[1]
        time.sleep(0.2)
        for end in ends:
            end.listen()
        heard, sent = sum(end.heard for end in ends), sum(end.sent for end in ends)
        if heard < sent * (1 - LOST_LIMIT) - 4 * len(ends):
            raise RuntimeError(f"{who}: {sent - heard} of {sent} packets did not arrive")
        return used / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=3.0, help="weighed, of each run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--pair", choices=["PCMA", "G722", "opus"], action="append")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    arguments = parser.parse_args()
    result: dict[str, object] = {"calls": arguments.calls, "peer": rtpengine.version(), "machine": describe()}
    for codec in arguments.pair or ["PCMA", "G722", "opus"]:
        shares: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(arguments.runs):
            for who, found in shares.items():
                found.append(measure(who, arguments.calls, codec, arguments.seconds))
                print(f"PCMU to {codec}, {who}: {found[-1]:.3f} cores", file=sys.stderr)
        middle = {who: statistics.median(found) for who, found in shares.items()}
        result[f"PCMU-{codec}"] = {
            "ratio_rtpengine": round(middle["peer"] / middle["ours"], 2),
            "calls_per_core": round(arguments.calls / middle["ours"]),
            "peer_calls_per_core": round(arguments.calls / middle["peer"]),
            "cores": {who: [round(share, 4) for share in found] for who, found in shares.items()},
        }
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
