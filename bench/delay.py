"""What a peer adds to the set-up of a call, seen from outside: INVITE in to INVITE out, and 200 in to 200 out.

    python -m bench.delay --peers trunkline,kamailio --rate 300

Calls come as a Poisson stream, for people do not call on the beat, with the same dice for every peer. Peers take turns;
`direct` is the dialer sending straight to the carrier, which shows what the loopback and the stamps themselves cost. It
is not taken off the others.
"""

import argparse
import gc
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import quantiles
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.exchange import Exchange
from bench.machine import describe
from bench.peers import OURS, PeerError, names, start
from bench.spread import Spread, spread

DIRECT = "direct"
HOLD_S = 1.0
WARM_UP_CALLS = 300
PERCENTILES = (50, 99)
PARTS = ("invite", "answer", "setup")


class Delays(NamedTuple):
    """One run of one peer: percentile by part, milliseconds."""

    ms: dict[str, dict[int, float]]
    "`invite`, `answer`, and `setup`, which is the two added up call by call."
    failures: list[str]


@contextmanager
def between(name: str, exchange: Exchange) -> Iterator[None]:
    """Put a peer between dialer and carrier, or nothing."""
    if name == DIRECT:
        yield
        return
    with start(name, exchange.carrier) as peer:
        exchange.access = peer.access
        yield


def measure(name: str, calls: int, rate: float, seed: int) -> Delays:
    """Do one run, after some calls that are not counted."""
    with Exchange() as exchange, between(name, exchange):
        for count in (WARM_UP_CALLS, calls):
            gc.collect()
            before = len(exchange.calls)
            last = exchange.place(count, rate, HOLD_S, random.Random(seed))
            exchange.run(last - time.monotonic() + HOLD_S)
            exchange.run(3, lambda: all(call.done or call.failed for call in exchange.calls))
        answered = [call for call in exchange.calls[before:] if call.answer_in]
        parts = {
            "invite": [call.invite_in - call.invite_out for call in answered],
            "answer": [call.answer_in - call.answer_out for call in answered],
        }
        parts["setup"] = [sum(pair) for pair in zip(parts["invite"], parts["answer"], strict=True)]
        failures = exchange.failures()
        if len(answered) < 2:
            raise PeerError(f"{name} carried no calls: {failures[:3]}")
        return Delays({part: percentiles(values) for part, values in parts.items()}, failures)


def percentiles(nanoseconds: Sequence[int]) -> dict[int, float]:
    """Give the percentiles of at least two values, in milliseconds."""
    cuts = quantiles(nanoseconds, n=100, method="inclusive")
    return {percent: cuts[percent - 1] / 1e6 for percent in PERCENTILES}


def counted(made: dict[str, list[Delays]]) -> dict[str, list[Delays]]:
    """Give the runs in which no call failed; a peer that has none is left out."""
    good = {name: [run for run in runs if not run.failures] for name, runs in made.items()}
    return {name: runs for name, runs in good.items() if runs}


def over_runs(runs: Sequence[Delays], part: str, percent: int) -> Spread:
    """Summarise one percentile over the runs."""
    return spread([run.ms[part][percent] for run in runs])


def result(made: dict[str, list[Delays]], calls: int, rate: float) -> dict[str, object]:
    """Arrange what was measured for `--json`. A ratio is the peer's p99 by ours: above 1 we are quicker."""
    good = counted(made)
    p99 = {part: {name: over_runs(runs, part, 99).median for name, runs in good.items()} for part in PARTS}
    ratios = {
        f"ratio_{name.replace('-', '_')}_p99" + ("" if part == "setup" else f"_{part}"): round(value / figures[OURS], 3)
        for part, figures in p99.items()
        for name, value in figures.items()
        if OURS in figures and name not in (OURS, DIRECT)
    }
    return {
        "p99_ms": p99["setup"],
        **ratios,
        "ms": {
            name: {part: {f"p{p}": over_runs(runs, part, p)._asdict() for p in PERCENTILES} for part in PARTS}
            for name, runs in good.items()
        },
        "failed": {name: [len(run.failures) for run in runs] for name, runs in made.items()},
        "load": {"calls": calls, "rate": rate, "hold_s": HOLD_S},
        "machine": describe(),
    }


def show(made: dict[str, list[Delays]], say: Console) -> None:
    """Print the table for people: medians over the runs, with the ends for the p99 of the whole."""
    table = Table("peer", "invite p50", "p99", "answer p50", "p99", "set-up p50", "p99 (low .. high) ms", "failed")
    for name, runs in counted(made).items():
        cells = [f"{over_runs(runs, part, p).median:.3f}" for part in PARTS[:2] for p in PERCENTILES]
        cells += [f"{over_runs(runs, 'setup', 50).median:.3f}", str(over_runs(runs, "setup", 99))]
        table.add_row(name, *cells, str(sum(len(run.failures) for run in made[name])))
    say.print(table)


def main() -> int:
    """Run the benchmark; 1 if Trunkline failed a call, or a peer has no run that counts."""
    parser = argparse.ArgumentParser(description="delay a peer adds to the set-up of a call")
    parser.add_argument("--calls", type=int, default=3000, help="calls in a run (default 3000)")
    parser.add_argument("--rate", type=float, default=300.0, help="calls a second (default 300)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each peer (default 5)")
    parser.add_argument("--peers", default="trunkline,kamailio", help="whom to measure (default trunkline,kamailio)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    say = Console(stderr=options.json)
    made: dict[str, list[Delays]] = {}
    try:
        peers = [*names(options.peers), DIRECT]
        for index in range(options.runs):
            for name in peers:
                run = measure(name, options.calls, options.rate, seed=index)
                made.setdefault(name, []).append(run)
                say.print(f"run {index + 1}/{options.runs} {name}: p99 {run.ms['setup'][99]:.3f} ms", *run.failures[:3])
    except (PeerError, ValueError) as error:
        print(f"bench.delay: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(result(made, options.calls, options.rate)))
    else:
        show(made, say)
    return int(counted(made).keys() != made.keys() or any(run.failures for run in made.get(OURS, [])))


if __name__ == "__main__":
    sys.exit(main())
