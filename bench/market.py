"""Every strategy through every market whose truth is known.

    python -m bench.market --json [--seeds 3] [--scenario FILE ...] [--attempts N] [--strategy NAME ...] [--jobs 2] [--resume FILE]

The same calls with the same fates meet each strategy (`trunkline.lab.market`), seed by seed, so strategies are compared in pairs: difference of
the cost of a conversation, Student's t over seeds, Holm's correction over all comparisons. With `--resume` each finished run is kept in FILE
(one JSON line) and not done again.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from pathlib import Path
from statistics import fmean

import msgspec
import yaml
from rich.console import Console
from rich.table import Table

from bench.machine import cpu_model
from bench.peers.qrouting import Qrouting
from bench.peers.yeti_lock import YetiLock
from trunkline.lab.market import Oracle, Result, Truth, draw_fates, load_scenario, run, shipped
from trunkline.lab.market.run import BLOCKS
from trunkline.routing import Strategy
from trunkline.stats import Difference, holm, paired

OTHERS: dict[str, Callable[[Truth], Strategy]] = {"oracle": Oracle, "qrouting": Qrouting, "yeti_lock": YetiLock}
STRATEGIES = ("priority", "percentage", "least_cost", "qrouting", "yeti_lock", "performance", "oracle")
OURS = "performance"

METRICS: dict[str, Callable[[Result], float]] = {
    "cost_per_contact": lambda result: result.cost_per_contact,
    "cost_per_contact_settled": lambda result: result.settled_cost,
    "contacts_per_1000": lambda result: 1000 * result.contacts / result.calls,
    "attempts_per_call": lambda result: result.attempts / result.calls,
    "regret_gross_per_1000": lambda result: 1000 * result.regret / result.calls,
    "regret_net_of_holdout_per_1000": lambda result: 1000 * (result.regret - result.regret_holdout) / result.calls,
    "wasted_agent_seconds_per_1000": lambda result: 1000 * result.wasted_s / result.calls,
    "calls_per_cpu_second": lambda result: result.calls / result.seconds,
}
"""Figures of a run. `settled` is after warm-up and without the holdout's own calls; regret is money short of the best possible first choice."""

Runs = dict[tuple[str, str, int], Result]
"By scenario, strategy and seed."


class Job(msgspec.Struct, frozen=True):
    scenario: str
    seed: int
    strategies: tuple[str, ...]
    attempts: int


def place(job: Job) -> list[tuple[str, Result]]:
    """Run some strategies over one seed of one scenario."""
    scenario = load_scenario(job.scenario)
    truth = Truth(scenario)
    fates = draw_fates(truth, job.seed, (job.attempts or scenario.attempts) + scenario.history)
    return [(strategy, run(truth, fates, strategy, job.seed, OTHERS.get(strategy))) for strategy in job.strategies]


def runs(scenarios: Sequence[str], seeds: int, strategies: Sequence[str], attempts: int, jobs: int, kept: Path | None) -> Runs:
    """Every run, those kept from before included; a run is known again by scenario text, strategy, seed and number of attempts."""
    done: Runs = {}
    known = dict(_kept(kept)) if kept is not None and kept.exists() else {}
    left: list[Job] = []
    for scenario in scenarios:
        for seed in range(1, seeds + 1):
            missing = []
            for strategy in strategies:
                before = known.get(_key(scenario, strategy, seed, attempts))
                if before is None:
                    missing.append(strategy)
                else:
                    done[scenario, strategy, seed] = before
            if missing:
                left.append(Job(scenario, seed, tuple(missing), attempts))
    with ProcessPoolExecutor(jobs) as pool:
        for job, results in zip(left, pool.map(place, left), strict=True):
            for strategy, result in results:
                done[job.scenario, strategy, job.seed] = result
                if kept is not None:
                    with kept.open("a") as file:
                        row = {"key": _key(job.scenario, strategy, job.seed, attempts), "result": msgspec.to_builtins(result)}
                        file.write(json.dumps(row) + "\n")
            print(f"{job.scenario} seed {job.seed}", file=sys.stderr, flush=True)
    return done


def _kept(path: Path) -> Iterator[tuple[str, Result]]:
    for line in path.read_text().splitlines():
        row = json.loads(line)
        yield row["key"], msgspec.convert(row["result"], Result)


def _key(scenario: str, strategy: str, seed: int, attempts: int) -> str:
    text = yaml.safe_dump(msgspec.to_builtins(load_scenario(scenario)))
    return sha256(f"{text}|{strategy}|{seed}|{attempts}".encode()).hexdigest()[:20]


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and 95 % interval over seeds."""
    found = paired(values)
    if len(values) < 2:
        return {"mean": found.mean, "low": found.mean, "high": found.mean}
    return {"mean": found.mean, "low": found.low, "high": found.high}


def compare(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: int) -> dict[str, dict[str, Difference]]:
    """Cost of a conversation, ours less each other strategy's, by scenario; p-values adjusted over all of them."""
    found: dict[str, dict[str, Difference]] = {}
    for scenario in scenarios:
        found[scenario] = {
            other: paired([
                done[scenario, OURS, seed].cost_per_contact - done[scenario, other, seed].cost_per_contact for seed in range(1, seeds + 1)
            ])
            for other in strategies if other != OURS
        }  # fmt: skip
    flat = {f"{scenario}|{other}": difference.p for scenario, rows in found.items() for other, difference in rows.items() if other != "oracle"}
    adjusted = holm(flat)
    return {
        scenario: {
            other: Difference(entry.mean, entry.low, entry.high, adjusted.get(f"{scenario}|{other}", entry.p)) for other, entry in rows.items()
        }
        for scenario, rows in found.items()
    }


def recovery(scenario: str, done: Runs, seeds: int) -> dict[str, int]:
    """Calls from the beginning and from the end of each incident until the mean share of the routes the oracle prefers is won back (80 %)."""
    market = load_scenario(scenario)
    found: dict[str, int] = {}
    calls = sum(done[scenario, OURS, 1].block_calls)
    total_h = market.hours * market.days
    for number, incident in enumerate(market.incidents, 1):
        for word, hour in (("begin", incident.begins_h), ("end", incident.ends_h)):
            first = int(hour / total_h * BLOCKS + 0.999)
            found[f"incident {number} {word}"] = -1
            for block in range(first, BLOCKS):
                if fmean(_agreement(done, scenario, seed, block) for seed in range(1, seeds + 1)) >= 0.8:
                    found[f"incident {number} {word}"] = int((block + 1 - hour / total_h * BLOCKS) * calls / BLOCKS)
                    break
    return found


def _agreement(done: Runs, scenario: str, seed: int, block: int) -> float:
    ours, best = done[scenario, OURS, seed].firsts[block], done[scenario, "oracle", seed].firsts[block]
    return sum(min(a, b) for a, b in zip(ours, best, strict=True)) / max(sum(best), 1)


def report(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: int) -> dict[str, object]:
    """Everything as plain values."""
    table = {
        scenario: {
            strategy: {name: interval([metric(done[scenario, strategy, seed]) for seed in range(1, seeds + 1)]) for name, metric in METRICS.items()}
            for strategy in strategies
        }
        for scenario in scenarios
    }
    out: dict[str, object] = {"scenarios": table, "seeds": seeds, "cpu": cpu_model(), "ours": OURS}
    if OURS in strategies:
        differences = compare(done, scenarios, strategies, seeds)
        out["ours_less_other"] = {scenario: {other: msgspec.to_builtins(entry) for other, entry in rows.items()} for scenario, rows in differences.items()}
        out["significantly_cheaper_than_ours"] = [
            f"{other} in {scenario}"
            for scenario, rows in differences.items() for other, entry in rows.items() if other != "oracle" and entry.mean > 0 and entry.p < 0.05
        ]  # fmt: skip
        out["ours_significantly_cheapest"] = [
            scenario for scenario, rows in differences.items() if all(entry.mean < 0 and entry.p < 0.05 for other, entry in rows.items() if other != "oracle")
        ]  # fmt: skip
        if "oracle" in strategies:
            out["settled_over_oracle"] = {
                scenario: fmean(done[scenario, OURS, seed].settled_cost for seed in range(1, seeds + 1))
                / fmean(done[scenario, "oracle", seed].settled_cost for seed in range(1, seeds + 1)) - 1.0
                for scenario in scenarios
            }  # fmt: skip
            out["calls_to_recover"] = {scenario: found for scenario in scenarios if (found := recovery(scenario, done, seeds))}
    return out


def show(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: int, differences: Mapping[str, Mapping[str, Difference]]) -> None:
    """Print tables."""
    console = Console(width=150)
    for scenario in scenarios:
        table = Table(title=scenario)
        for word in ("strategy", "cost per contact", "settled", "contacts/1000", "regret/1000", "net of holdout", "wasted s/1000", "ours less this", "p (Holm)"):
            table.add_column(word, justify="left" if word == "strategy" else "right")
        for strategy in strategies:
            figures = {name: interval([metric(done[scenario, strategy, seed]) for seed in range(1, seeds + 1)]) for name, metric in METRICS.items()}
            cost = figures["cost_per_contact"]
            against = differences.get(scenario, {}).get(strategy)
            table.add_row(
                strategy, f"{cost['mean']:.4f} [{cost['low']:.4f}, {cost['high']:.4f}]", f"{figures['cost_per_contact_settled']['mean']:.4f}",
                f"{figures['contacts_per_1000']['mean']:.1f}", f"{figures['regret_gross_per_1000']['mean']:.2f}",
                f"{figures['regret_net_of_holdout_per_1000']['mean']:.2f}", f"{figures['wasted_agent_seconds_per_1000']['mean']:.0f}",
                f"{against.mean:+.4f}" if against else "", f"{against.p:.3f}" if against else "",
            )  # fmt: skip
        console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scenario", action="append", help="a file, or the name of a shipped one; default all")
    parser.add_argument("--strategy", action="append", choices=[*STRATEGIES, "rank"])
    parser.add_argument("--attempts", type=int, default=0, help="instead of the scenario's own number")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--resume", type=Path)
    options = parser.parse_args()
    scenarios = options.scenario or shipped()
    strategies = options.strategy or STRATEGIES
    done = runs(scenarios, options.seeds, strategies, options.attempts, options.jobs, options.resume)
    if options.json:
        print(json.dumps(report(done, scenarios, strategies, options.seeds), indent=1))
        return
    differences = compare(done, scenarios, strategies, options.seeds) if OURS in strategies else {}
    show(done, scenarios, strategies, options.seeds, differences)


if __name__ == "__main__":
    main()
