"""Packets relayed per CPU second, Trunkline's embedded relay against rtpengine in user space, on loopback.

    python -m bench.relay --runs 3                  # 200 calls, and the same with SRTP towards one side
    python -m bench.relay --peers trunkline --calls 1000 --workers 2

Both far ends of every call are sockets of this process, which is not weighed. Peers take turns run by run. In each run the calls are set
up, audio flows for a while unweighed (rtpengine learns its sources for three seconds), and then the CPU time of all processes of the peer
is taken at both ends of an interval. Each call is two streams of 50 packets a second of 172 bytes. A run that lost a packet does not count.

Delay is from before the call of `send` to the stamp of the kernel on arrival, so this process's own queueing is not in it; jitter is the
difference of the delay to that of the packet before in its stream.
"""

import argparse
import asyncio
import json
import re
import resource
import select
import socket
import struct
import sys
import time
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, Protocol

from rich.console import Console
from rich.table import Table

from bench.machine import describe
from bench.peers import PeerError
from bench.peers.rtpengine import SUITE, answer_keys, daemon, version
from bench.spread import Spread, spread
from bench.tree import cpu_seconds

OURS = "trunkline"
FRAME_S = 0.02
SLOTS = 20
"Parts of a frame time over which the streams are spread."
PAYLOAD = bytes(range(160))
SETTLE_S = 0.3
"Wait for the last packets of a run."
SO_TIMESTAMPNS = 35
SCM_SIZE = socket.CMSG_SPACE(16)
CEILING = 2**16


class Load(NamedTuple):
    """What each run consists of."""

    calls: int
    warm_up_s: float
    weighed_s: float
    workers: int
    threads: int
    "Of rtpengine."


class Run(NamedTuple):
    """One run of one peer."""

    packets_per_cpu_s: float
    lost: int
    delay_ms_p50: float
    delay_ms_p99: float
    jitter_ms_p99: float
    rate: float
    "Packets a second sent to the peer."
    late_ms: float
    "How far this process fell behind its own schedule at worst."


class Stream:
    """One direction of a call: what one far end sends and the other hears."""

    def __init__(self, index: int) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.setblocking(False)
        self.ssrc = 0x5000_0000 + index
        self.packets: list[bytes] = []
        self.sent_ns: list[int] = []
        self.arrived: list[tuple[int, int]] = []
        "Sequence number and time of what the other direction brought here."

    def sdp(self) -> bytes:
        port = self.socket.getsockname()[1]
        return (
            f"v=0\r\no=bench {self.ssrc} 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        ).encode()

    def heed(self, sdp: bytes) -> None:
        found = re.search(rb"m=audio (\d+)", sdp)
        if found is None:
            raise PeerError(f"no port in {sdp!r}")
        self.socket.connect(("127.0.0.1", int(found[1])))

    def prepare(self, count: int, key: bytes = b"") -> None:
        """Make all packets ahead, so that a run costs this process little; with a key as SRTP (AES_CM_128_HMAC_SHA1_80)."""
        self.packets = [struct.pack("!BBHII", 0x80, 0, at, at * 160, self.ssrc) + PAYLOAD for at in range(count)]
        if key:
            from pylibsrtp import Policy, Session

            session = Session(Policy(key=key, ssrc_type=Policy.SSRC_ANY_OUTBOUND))
            self.packets = [session.protect(packet) for packet in self.packets]


class Peer(Protocol):
    """A relay under test."""

    pids: list[int]

    def connect(self, name: str, caller: bytes, callee: bytes, *, secure: bool) -> tuple[bytes, bytes]:
        """Set a call up; what callee and caller are told."""


class OurRelay:
    """The embedded relay with its workers; the engine lives here and is idle once calls are up."""

    def __init__(self, workers: int) -> None:
        from trunkline.media.relay import Interface, Relay, RelayPool, RelaySettings

        self._loop = asyncio.new_event_loop()
        self._relay = Relay(RelaySettings((Interface("lo", "127.0.0.1"),), workers=workers))
        self._pool = RelayPool(self._relay, workers)
        self._loop.run_until_complete(self._pool.start())

    @property
    def pids(self) -> list[int]:
        return list(self._pool.pids.values())

    def connect(self, name: str, caller: bytes, callee: bytes, *, secure: bool) -> tuple[bytes, bytes]:
        from trunkline.media import MediaAnswer, MediaOffer, MediaReady, Side

        offered = self._relay.offer(MediaOffer(name, 1, caller, Side(secure=secure)), self._loop.time())
        if not isinstance(offered, MediaReady):
            raise PeerError(f"the relay refused the offer: {offered}")
        answered = self._relay.answer(MediaAnswer(name, 0, answer_keys(callee.decode(), offered.sdp.decode()).encode(), 1), self._loop.time())
        if not isinstance(answered, MediaReady):
            raise PeerError(f"the relay refused the answer: {answered}")
        self._pool.flush()
        self._loop.run_until_complete(asyncio.sleep(0.003))
        return offered.sdp, answered.sdp

    def stop(self) -> None:
        self._loop.run_until_complete(self._pool.close())
        self._loop.close()


@contextmanager
def peer(name: str, load: Load) -> Iterator[Peer]:
    """Run a peer until the end of the block."""
    if name == OURS:
        ours = OurRelay(load.workers)
        try:
            yield ours
        finally:
            ours.stop()
    elif name == "rtpengine":
        with daemon(load.threads) as engine:
            yield engine
    else:
        raise PeerError(f"no such peer: {name} (there are {OURS}, rtpengine)")


def measure(name: str, load: Load, *, secure: bool) -> Run:
    """Do one run."""
    frames = round((load.warm_up_s + load.weighed_s) / FRAME_S)
    streams = [Stream(index) for index in range(2 * load.calls)]
    try:
        with peer(name, load) as relay:
            for at in range(load.calls):
                caller, callee = streams[2 * at], streams[2 * at + 1]
                told_callee, told_caller = relay.connect(f"bench-{at}", caller.sdp(), callee.sdp(), secure=secure)
                callee.heed(told_callee)
                caller.heed(told_caller)
                key = re.search(rf"{SUITE} inline:([A-Za-z0-9+/]+)", told_callee.decode())
                caller.prepare(frames)
                callee.prepare(frames, b64decode(key[1] + "==") if key else b"")
            used = [0.0, 0.0]
            counted = [0, 0]

            def weigh(mark: int) -> None:
                used[mark] = sum(cpu_seconds(pid) for pid in relay.pids)
                counted[mark] = sum(len(stream.sent_ns) for stream in streams)

            late_s = exchange(streams, frames, round(load.warm_up_s / FRAME_S), weigh)
    finally:
        for stream in streams:
            stream.socket.close()
    lost = sum(len(stream.sent_ns) - len(stream.arrived) for stream in streams)
    delays, jitters = delays_of(streams, round(load.warm_up_s / FRAME_S))
    packets = counted[1] - counted[0]
    return Run(
        packets_per_cpu_s=packets / (used[1] - used[0]),
        lost=lost,
        delay_ms_p50=percentile(delays, 0.5) / 1e6,
        delay_ms_p99=percentile(delays, 0.99) / 1e6,
        jitter_ms_p99=percentile(jitters, 0.99) / 1e6,
        rate=packets / load.weighed_s,
        late_ms=late_s * 1e3,
    )


def exchange(streams: Sequence[Stream], frames: int, warm_up: int, weigh: Callable[[int], None]) -> float:
    """Send every stream's packets on time and take in what arrives; the worst lateness in seconds."""
    poll = select.epoll()
    by_descriptor = {stream.socket.fileno(): stream for stream in streams}
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    slots = [streams[slot::SLOTS] for slot in range(SLOTS)]
    begin = time.monotonic() + 0.05
    late = 0.0
    clock, stamp = time.monotonic, time.time_ns
    for frame in range(frames):
        if frame == warm_up:
            weigh(0)
        for slot, due in enumerate(slots):
            at = begin + (frame + slot / SLOTS) * FRAME_S
            while (wait := at - clock()) > 0:
                take(poll.poll(wait), by_descriptor)
            late = max(late, -wait)
            for stream in due:
                stream.sent_ns.append(stamp())
                stream.socket.send(stream.packets[frame])
        take(poll.poll(0), by_descriptor)
    end = clock() + SETTLE_S
    weigh(1)
    while (wait := end - clock()) > 0:
        take(poll.poll(wait), by_descriptor)
    poll.close()
    return late


def take(ready: Sequence[tuple[int, int]], by_descriptor: dict[int, Stream]) -> None:
    """Read one packet from each socket that has any."""
    for descriptor, _ in ready:
        stream = by_descriptor[descriptor]
        data, control, _, _ = stream.socket.recvmsg(2048, SCM_SIZE)
        seconds, nanoseconds = struct.unpack_from("qq", control[0][2])
        stream.arrived.append((data[2] << 8 | data[3], seconds * 1_000_000_000 + nanoseconds))


def delays_of(streams: Sequence[Stream], warm_up: int) -> tuple[list[int], list[int]]:
    """Delay of each packet of the weighed interval in nanoseconds, and its difference to the one before."""
    delays: list[int] = []
    jitters: list[int] = []
    for index, listener in enumerate(streams):
        sent = streams[index ^ 1].sent_ns
        before = None
        for sequence, arrived in listener.arrived:
            if sequence < warm_up or sequence >= len(sent):
                continue
            delay = arrived - sent[sequence]
            delays.append(delay)
            if before is not None:
                jitters.append(abs(delay - before))
            before = delay
    return sorted(delays), sorted(jitters)


def percentile(ordered: Sequence[int], share: float) -> float:
    """Of values in rising order; 0 of none."""
    return float(ordered[min(len(ordered) - 1, int(share * len(ordered)))]) if ordered else 0.0


def compare(peers: Sequence[str], load: Load, runs: int, say: Console, *, secure: bool) -> dict[str, list[Run]]:
    """Run all peers in turn, `runs` times."""
    made: dict[str, list[Run]] = {name: [] for name in peers}
    for index in range(runs):
        for name in peers:
            run = measure(name, load, secure=secure)
            made[name].append(run)
            say.print(
                f"{'SRTP' if secure else 'RTP'} run {index + 1}/{runs} {name}: {run.packets_per_cpu_s:,.0f} packets per CPU second at "
                f"{run.rate:,.0f}/s, {run.lost} lost, jitter p99 {run.jitter_ms_p99:.3f} ms"
            )
    return made


def summary(made: dict[str, list[Run]]) -> dict[str, object]:
    """Figures of each peer over its runs without loss, and the ratio ours by theirs: above 1, Trunkline is better."""
    good = {name: spread([run.packets_per_cpu_s for run in runs if not run.lost], 0) for name, runs in made.items() if any(not run.lost for run in runs)}
    figures: dict[str, object] = {"packets_per_cpu_s": {name: figure._asdict() for name, figure in good.items()}}
    for name in made:
        if name != OURS and OURS in good and name in good:
            figures[f"ratio_{name}"] = round(good[OURS].median / good[name].median, 3)
    for field in ("lost", "rate", "delay_ms_p50", "delay_ms_p99", "jitter_ms_p99", "late_ms"):
        figures[field] = {name: [round(getattr(run, field), 3) for run in runs] for name, runs in made.items()}
    return figures


def show(title: str, made: dict[str, list[Run]], say: Console) -> None:
    """Print the table for people."""
    table = Table("peer", "packets per CPU second", "delay p50/p99 ms", "jitter p99 ms", "lost", title=title)
    for name, runs in made.items():
        cost: Spread = spread([run.packets_per_cpu_s for run in runs], 0)
        delay, jitter = spread([run.delay_ms_p99 for run in runs], 3), spread([run.jitter_ms_p99 for run in runs], 3)
        middle = spread([run.delay_ms_p50 for run in runs], 3).median
        table.add_row(name, f"{cost.median:,.0f} ({cost.low:,.0f} .. {cost.high:,.0f})", f"{middle}/{delay.median}", str(jitter), str([run.lost for run in runs]))
    say.print(table)


def main() -> int:
    """Run the benchmark; 1 if Trunkline lost a packet, or a peer has no run that counts."""
    parser = argparse.ArgumentParser(description="packets relayed per CPU second")
    parser.add_argument("--calls", type=int, default=200, help="calls at a time, 100 packets a second each (default 200)")
    parser.add_argument("--runs", type=int, default=3, help="runs of each peer (default 3)")
    parser.add_argument("--seconds", type=float, default=8.0, help="weighed interval (default 8)")
    parser.add_argument("--warm-up", type=float, default=4.0, help="seconds before it (default 4)")
    parser.add_argument("--workers", type=int, default=1, help="of the embedded relay (default 1)")
    parser.add_argument("--threads", type=int, default=1, help="of rtpengine (default 1)")
    parser.add_argument("--peers", default=f"{OURS},rtpengine", help="whom to measure (default both)")
    parser.add_argument("--only", choices=("rtp", "srtp"), help="one of the two kinds of call (default both)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    load = Load(options.calls, options.warm_up, options.seconds, options.workers, options.threads)
    if round((load.warm_up_s + load.weighed_s) / FRAME_S) > CEILING:
        parser.error("a run has to end before sequence numbers repeat")
    say = Console(stderr=options.json)
    kinds = [kind for kind in ("rtp", "srtp") if options.only in (None, kind)]
    try:
        made = {kind: compare(options.peers.split(","), load, options.runs, say, secure=kind == "srtp") for kind in kinds}
    except PeerError as error:
        print(f"bench.relay: {error}", file=sys.stderr)
        return 2
    if options.json:
        results = {kind: summary(runs) for kind, runs in made.items()}
        head = {"ratio_rtpengine": results[kinds[0]].get("ratio_rtpengine")}
        print(json.dumps({**head, **results, "load": load._asdict(), "machine": {**describe(), "rtpengine": version()}}))
    else:
        for kind, runs in made.items():
            show(f"{kind.upper()}, {load.calls} calls", runs, say)
    return int(any(run.lost for runs in made.values() for run in runs.get(OURS, [])) or any(all(run.lost for run in all_runs) for runs in made.values() for all_runs in runs.values()))


if __name__ == "__main__":
    sys.exit(main())
