"""Memory of a call in progress, apart from that of transactions that linger after a message.

    python -m bench.memory --calls 10000 --rate 300

A transaction stays for 64 T1 = 32 s (RFC 3261 17), so while calls are set up there are as many lingering as the rate
makes in 32 s, and memory that they free is not given back to the system. Hence calls are first set up for longer than
that, until the number lingering stays the same; from then on what the process grows by are calls in progress, and the
slope of memory over calls is the size of one. What remains of the growth, divided by the set-ups that linger, is the
size of those.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Sequence
from statistics import linear_regression
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.exchange import Exchange
from bench.machine import describe
from bench.peers import PEERS, PeerError, Running, start
from bench.tree import resident_kb

LINGER_S = 32.0
STEADY_AFTER_S = LINGER_S + 4
WARM_UP_CALLS = 300


class Sample(NamedTuple):
    """Memory at one moment."""

    at_s: float
    "Since the first held call."
    up: int
    "Calls in progress."
    rss_kb: int
    pss_kb: int


class Memory(NamedTuple):
    """What one run found."""

    before: Sample
    full: Sample
    after: Sample
    "When all calls have ended and nothing lingers any more."
    kb_per_call: float
    "Slope of RSS over calls in progress."
    kb_per_call_pss: float
    "The same of PSS, which counts a page shared by two processes once."
    kb_per_lingering_setup: float
    "RSS of a call just set up beyond `kb_per_call`; freed after 32 s, though not to the system."
    failures: list[str]


class Meter:
    """Takes a sample every second while the calls run."""

    def __init__(self, peer: Running, exchange: Exchange) -> None:
        self._peer = peer
        self._exchange = exchange
        self._started = time.monotonic()
        self.samples: list[Sample] = []

    def read(self) -> Sample:
        """Read memory now."""
        memory = resident_kb(self._peer.pid)
        up = sum(call.up for call in self._exchange.calls)
        return Sample(time.monotonic() - self._started, up, memory["Rss"], memory["Pss"])

    def tick(self, until: float) -> None:
        """Read memory now and every second until the `time.monotonic()`."""
        self.samples.append(self.read())
        if time.monotonic() + 1 < until:
            self._exchange.at(time.monotonic() + 1, lambda: self.tick(until))


def measure(name: str, calls: int, rate: float, linger_s: float) -> Memory:
    """Hold calls through a peer and weigh it."""
    with Exchange() as exchange, start(name, exchange.carrier) as peer:
        exchange.access = peer.access
        dice = random.Random(0)
        exchange.place(WARM_UP_CALLS, rate, 0.0, dice)
        exchange.run(WARM_UP_CALLS / rate + 3)
        meter = Meter(peer, exchange)
        before = meter.read()
        last = exchange.place(int(rate * STEADY_AFTER_S) + calls, rate, float("inf"), dice)
        meter.tick(last)
        exchange.run(last - time.monotonic() + 0.5)
        full = meter.read()
        exchange.run(exchange.hang_up(rate) - time.monotonic() + linger_s)
        return weigh(before, full, meter.read(), meter.samples, rate, exchange.failures())


def weigh(before: Sample, full: Sample, after: Sample, samples: Sequence[Sample], rate: float, failures: list[str]) -> Memory:
    """Tell calls in progress from lingering transactions."""
    steady = [sample for sample in samples if sample.at_s > STEADY_AFTER_S]
    if len(steady) < 5 or steady[-1].up == steady[0].up:
        raise PeerError(f"too few calls to weigh: {len(steady)} samples, {full.up} calls up, {failures[:3]}")
    up = [sample.up for sample in steady]
    rss = linear_regression(up, [sample.rss_kb for sample in steady]).slope
    pss = linear_regression(up, [sample.pss_kb for sample in steady]).slope
    lingering = (full.rss_kb - before.rss_kb - rss * full.up) / (rate * LINGER_S)
    return Memory(before, full, after, rss, pss, lingering, failures)


def result(found: Memory, name: str, rate: float) -> dict[str, object]:
    """Arrange what was measured for `--json`."""
    return {
        "peer": name,
        "kb_per_call": round(found.kb_per_call, 2),
        "kb_per_call_pss": round(found.kb_per_call_pss, 2),
        "kb_per_lingering_setup": round(found.kb_per_lingering_setup, 2),
        "calls_up": found.full.up,
        "rss_kb": {"before": found.before.rss_kb, "full": found.full.rss_kb, "after": found.after.rss_kb},
        "failed": len(found.failures),
        "load": {"rate": rate, "up_at_the_end": found.after.up},
        "machine": describe(),
    }


def show(found: Memory, say: Console) -> None:
    """Print the table for people."""
    table = Table("what", "KB")
    table.add_row("a call in progress (RSS)", f"{found.kb_per_call:.2f}")
    table.add_row("a call in progress (PSS)", f"{found.kb_per_call_pss:.2f}")
    table.add_row("transactions of a set-up, for 32 s", f"{found.kb_per_lingering_setup:.2f}")
    table.add_row("RSS before", str(found.before.rss_kb))
    table.add_row(f"RSS with {found.full.up} calls up", str(found.full.rss_kb))
    table.add_row("RSS when all is over", str(found.after.rss_kb))
    say.print(table)


def main() -> int:
    """Run the benchmark; 1 if any call failed."""
    parser = argparse.ArgumentParser(description="memory of a call in progress")
    parser.add_argument("--calls", type=int, default=10_000, help="calls the slope is taken over (default 10000)")
    parser.add_argument("--rate", type=float, default=300.0, help="calls a second (default 300)")
    parser.add_argument("--linger", type=float, default=40.0, help="seconds waited after the last BYE (default 40)")
    parser.add_argument("--peer", default="trunkline", choices=PEERS, help="whom to measure (default trunkline)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    say = Console(stderr=options.json)
    try:
        found = measure(options.peer, options.calls, options.rate, options.linger)
    except PeerError as error:
        print(f"bench.memory: {error}", file=sys.stderr)
        return 2
    if found.failures:
        say.print(f"{len(found.failures)} calls failed:", *found.failures[:3])
    if options.json:
        print(json.dumps(result(found, options.peer, options.rate)))
    else:
        show(found, say)
    return int(bool(found.failures))


if __name__ == "__main__":
    sys.exit(main())
