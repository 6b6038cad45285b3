"""CPU time per call, Trunkline against Kamailio's stateful proxy and sippy's B2BUA.

    python -m bench.signalling --peers trunkline,kamailio,sippy --runs 5

Peers take turns run by run, so that a slow minute of the machine touches all. In each run the peer is started afresh,
answers OPTIONS, carries some calls to warm up, and is weighed from then to its end: the calls, a linger, and the stop,
at which a journal must be drained. What a stop costs a peer that carried only the warm-up calls is measured in the
same way, and taken off, for it is no cost of a call.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from bench.machine import describe
from bench.peers import OURS, PeerError, Running, names, sipp, start
from bench.spread import Spread, spread
from bench.tree import cpu_by_process

WARM_UP_CALLS = 100
SIPPY_RATE = 100.0
"Calls a second at which sippy needs about half a core; at 300 it falls behind."


class Load(NamedTuple):
    """What each run consists of."""

    calls: int
    rate: float
    hold_ms: int
    linger_s: float


class Run(NamedTuple):
    """One run of one peer."""

    cpu_ms_per_call: float
    stop_ms: float
    "CPU of the stop in all, of which what an idle stop costs is not in `cpu_ms_per_call`."
    retransmissions: int
    failed: int
    "Calls that SIPp, as dialer or carrier, saw fail; if not 0 the run does not count."
    ms_by_process: dict[str, float]
    "CPU per call of each process, the stop apart."


def rate_for(name: str, load: Load) -> float:
    """Give the rate a peer is driven at: CPU per call hardly depends on it, as long as the peer keeps up."""
    return min(load.rate, SIPPY_RATE) if name == "sippy" else load.rate


def warm_up(peer: Running, rate: float) -> float:
    """Carry a few calls and give the CPU seconds used so far: what is loaded on the first call is start-up."""
    if failed := sipp.dial(peer.access, WARM_UP_CALLS, rate, hold_ms=100).failed:
        raise PeerError(f"{failed} of {WARM_UP_CALLS} calls failed while warming up:\n{peer.last_output()}")
    time.sleep(1)
    return peer.cpu_seconds()


def idle_stop_seconds(name: str, load: Load) -> float:
    """Measure the CPU of a stop after the warm-up alone."""
    with sipp.carrier() as carrier, start(name, carrier.address) as peer:
        before = warm_up(peer, rate_for(name, load))
        return max(0.0, peer.stop() - before)


def measure(name: str, load: Load, idle_stop: float) -> Run:
    """Do one run."""
    rate = rate_for(name, load)
    with sipp.carrier() as carrier, start(name, carrier.address) as peer:
        before = warm_up(peer, rate)
        parts = cpu_by_process(peer.pid)
        dialled = sipp.dial(peer.access, load.calls, rate, load.hold_ms, first=WARM_UP_CALLS)
        time.sleep(max(load.linger_s, 1.5))
        answered = carrier.tally()
        carried = peer.cpu_seconds()
        parts = {name: (at - parts.get(name, 0.0)) / load.calls * 1e3 for name, at in cpu_by_process(peer.pid).items()}
        stop = peer.stop() - carried
        used = carried - before + max(0.0, stop - idle_stop)
    return Run(
        used / load.calls * 1e3,
        stop * 1e3,
        dialled.retransmissions + answered.retransmissions,
        dialled.failed + answered.failed,
        parts,
    )


def compare(peers: Sequence[str], load: Load, runs: int, say: Console) -> dict[str, list[Run]]:
    """Run all peers in turn, `runs` times."""
    idle = {name: idle_stop_seconds(name, load) for name in peers}
    made: dict[str, list[Run]] = {name: [] for name in peers}
    for index in range(runs):
        for name in peers:
            run = measure(name, load, idle[name])
            made[name].append(run)
            parts = ", ".join(f"{part} {ms:.3f}" for part, ms in run.ms_by_process.items()) if len(run.ms_by_process) > 1 else ""
            say.print(f"run {index + 1}/{runs} {name}: {run.cpu_ms_per_call:.3f} ms per call, {run.failed} failed{': ' * bool(parts)}{parts}")
    return made


def costs(made: dict[str, list[Run]]) -> dict[str, Spread]:
    """Summarise each peer's runs without failed calls; a peer that has none is left out."""
    good = {name: [run.cpu_ms_per_call for run in runs if not run.failed] for name, runs in made.items()}
    return {name: spread(values) for name, values in good.items() if values}


def result(made: dict[str, list[Run]], load: Load) -> dict[str, object]:
    """Arrange what was measured for `--json`. A ratio is the peer's CPU by ours: above 1 we are cheaper."""
    cost = costs(made)
    ratios = {
        f"ratio_{name.replace('-', '_')}": round(figure.median / cost[OURS].median, 3)
        for name, figure in cost.items()
        if name != OURS and OURS in cost
    }
    return {
        "cpu_ms_per_call": {name: figure._asdict() for name, figure in cost.items()},
        **ratios,
        "failed": {name: [run.failed for run in runs] for name, runs in made.items()},
        "retransmissions": {name: [run.retransmissions for run in runs] for name, runs in made.items()},
        "ms_by_process": {name: [run.ms_by_process for run in runs] for name, runs in made.items()},
        "stop_cpu_ms": {name: [round(run.stop_ms, 1) for run in runs] for name, runs in made.items()},
        "load": {**load._asdict(), "rate": {name: rate_for(name, load) for name in made}},
        "machine": describe(),
    }


def show(made: dict[str, list[Run]], say: Console) -> None:
    """Print the table for people."""
    table = Table("peer", "CPU ms per call", "peer / ours", "runs", "failed runs", "retransmissions")
    cost = costs(made)
    for name, runs in made.items():
        ratio = f"{cost[name].median / cost[OURS].median:.2f}" if name in cost and OURS in cost else "-"
        bad = sum(run.failed > 0 for run in runs)
        resent = sum(run.retransmissions for run in runs)
        table.add_row(name, str(cost.get(name, "-")), ratio, str(len(runs)), str(bad), str(resent))
    say.print(table)


def main() -> int:
    """Run the benchmark; 1 if Trunkline failed a call, or a peer has no run that counts."""
    parser = argparse.ArgumentParser(description="CPU time per call, whole process tree, UDP, media bypassed")
    parser.add_argument("--calls", type=int, default=3000, help="calls in a run (default 3000)")
    parser.add_argument("--rate", type=float, default=300.0, help="calls a second (default 300; sippy at most 100)")
    parser.add_argument("--hold-ms", type=int, default=100, help="length of a call (default 100)")
    parser.add_argument("--linger", type=float, default=1.5, help="seconds weighed after the last call (default 1.5)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each peer (default 5)")
    parser.add_argument("--peers", default="trunkline,kamailio,sippy", help="whom to measure (default all)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    load = Load(options.calls, options.rate, options.hold_ms, options.linger)
    say = Console(stderr=options.json)
    try:
        made = compare(names(options.peers), load, options.runs, say)
    except (PeerError, ValueError) as error:
        print(f"bench.signalling: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(result(made, load)))
    else:
        show(made, say)
    return int(costs(made).keys() != made.keys() or any(run.failed for run in made.get(OURS, [])))


if __name__ == "__main__":
    sys.exit(main())
