"""Every strategy through every market whose truth is known.

    python -m bench.market --json [--seeds 3] [--scenario FILE ...] [--strategy NAME ...] [--full] [--jobs 2] [--scratch]

The same calls with the same fates meet each strategy (`trunkline.lab.market`), seed by seed, so strategies are compared in pairs: difference of
the cost of a conversation, Student's t over seeds, Holm's correction over all comparisons. Finished runs stand in `bench/results/market/` and are
not done again, so a table of twenty seeds is made in pieces: stop it, start the same command, and it goes on (`--scratch` keeps nothing and reads
nothing; `--again performance` replaces what another version of the code made).
"""

import argparse
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import msgspec
from rich.console import Console
from rich.table import Table

from bench.machine import cpu_model
from bench.market_runs import KEPT, ROTATED, STRATEGIES, Runs, runs, strategies_of
from trunkline.lab.market import Result, load_scenario, shipped
from trunkline.lab.market.run import BLOCKS
from trunkline.stats import Difference, holm, paired

OURS = "performance"
STARRED = (ROTATED, "oracle")
"Not strategies to be beaten: ours without governed numbers, and the truth."

METRICS: dict[str, Callable[[Result], float]] = {
    "cost_per_contact": lambda result: result.cost_per_contact,
    "cost_per_contact_settled": lambda result: result.settled_cost,
    "contacts_per_1000_attempts": lambda result: 1000 * result.contacts / result.attempts,
    "attempts_per_call": lambda result: result.attempts / result.calls,
    "regret_gross_per_1000": lambda result: 1000 * result.regret / result.calls,
    "regret_net_of_holdout_per_1000": lambda result: 1000 * (result.regret - result.regret_holdout) / result.calls,
    "wasted_agent_seconds_per_1000": lambda result: 1000 * result.wasted_s / result.calls,
    "calls_per_cpu_second": lambda result: result.calls / result.seconds,
}
"""Figures of a run. `settled` is after warm-up and without the holdout's own calls; regret is money short of the best possible first choice."""

NUMBER_METRICS: dict[str, Callable[[Result], float]] = {
    "labels": lambda result: float(result.labels),
    "labelled_calls_share": lambda result: result.labelled_calls / result.calls,
    "human_answer_rate": lambda result: result.humans / result.attempts,
    "answer_rate_swing": lambda result: result.swing,
    "answer_rate_variance": lambda result: result.swing**2,
    "refused_per_1000": lambda result: 1000 * result.refused / (result.calls + result.refused),
    "contacts": lambda result: float(result.contacts),
}
"""Where the numbers calls are made with matter. `labels` are times one of ours came to be labelled; `swing` is the standard deviation of the human
answer rate between numbers and days beyond chance, `variance` its square."""


def metrics_of(scenario: str) -> dict[str, Callable[[Result], float]]:
    return METRICS if load_scenario(scenario).numbers is None else METRICS | NUMBER_METRICS


def interval(values: Sequence[float]) -> dict[str, float]:
    """Mean and 95 % interval over seeds."""
    found = paired(values)
    if len(values) < 2:
        return {"mean": found.mean, "low": found.mean, "high": found.mean}
    return {"mean": found.mean, "low": found.low, "high": found.high}


def compare(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: Mapping[str, Sequence[int]]) -> dict[str, dict[str, Difference]]:
    """Cost of a conversation, ours less each other strategy's, by scenario; p-values adjusted over all of them."""
    found: dict[str, dict[str, Difference]] = {}
    for scenario in scenarios:
        found[scenario] = {
            other: paired([
                done[scenario, OURS, seed].cost_per_contact - done[scenario, other, seed].cost_per_contact for seed in seeds[scenario]
            ])
            for other in strategies_of(scenario, strategies) if other != OURS
        }  # fmt: skip
    flat = {f"{scenario}|{other}": difference.p for scenario, rows in found.items() for other, difference in rows.items() if other not in STARRED}
    adjusted = holm(flat)
    return {
        scenario: {
            other: Difference(entry.mean, entry.low, entry.high, adjusted.get(f"{scenario}|{other}", entry.p)) for other, entry in rows.items()
        }
        for scenario, rows in found.items()
    }


def recovery(scenario: str, done: Runs, seeds: Sequence[int]) -> dict[str, int]:
    """Calls from the beginning and from the end of each incident until the mean share of the routes the oracle prefers is won back (80 %)."""
    market = load_scenario(scenario)
    found: dict[str, int] = {}
    calls = sum(done[scenario, OURS, seeds[0]].block_calls)
    total_h = market.hours * market.days
    for number, incident in enumerate(market.incidents, 1):
        for word, hour in (("begin", incident.begins_h), ("end", incident.ends_h)):
            first = int(hour / total_h * BLOCKS + 0.999)
            found[f"incident {number} {word}"] = -1
            for block in range(first, BLOCKS):
                if fmean(_agreement(done, scenario, seed, block) for seed in seeds) >= 0.8:
                    found[f"incident {number} {word}"] = int((block + 1 - hour / total_h * BLOCKS) * calls / BLOCKS)
                    break
    return found


def _agreement(done: Runs, scenario: str, seed: int, block: int) -> float:
    ours, best = done[scenario, OURS, seed].firsts[block], done[scenario, "oracle", seed].firsts[block]
    return sum(min(a, b) for a, b in zip(ours, best, strict=True)) / max(sum(best), 1)


def report(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: Sequence[int]) -> dict[str, object]:
    """Everything as plain values."""
    table = {
        scenario: {
            strategy: {name: interval([metric(done[scenario, strategy, seed]) for seed in seeds]) for name, metric in metrics_of(scenario).items()}
            for strategy in strategies_of(scenario, strategies)
        }
        for scenario in scenarios
    }
    out: dict[str, object] = {"scenarios": table, "seeds": len(seeds), "cpu": cpu_model(), "ours": OURS}
    if OURS in strategies:
        differences = compare(done, scenarios, strategies, dict.fromkeys(scenarios, seeds))
        out["ours_less_other"] = {scenario: {other: msgspec.to_builtins(entry) for other, entry in rows.items()} for scenario, rows in differences.items()}
        out["significantly_cheaper_than_ours"] = [
            f"{other} in {scenario}"
            for scenario, rows in differences.items() for other, entry in rows.items() if other not in STARRED and entry.mean > 0 and entry.p < 0.05
        ]  # fmt: skip
        out["ours_significantly_cheapest"] = [
            scenario for scenario, rows in differences.items() if all(entry.mean < 0 and entry.p < 0.05 for other, entry in rows.items() if other not in STARRED)
        ]  # fmt: skip
        if "oracle" in strategies:
            out["settled_over_oracle"] = {
                scenario: fmean(done[scenario, OURS, seed].settled_cost for seed in seeds)
                / fmean(done[scenario, "oracle", seed].settled_cost for seed in seeds) - 1.0
                for scenario in scenarios
            }  # fmt: skip
            out["calls_to_recover"] = {scenario: found for scenario in scenarios if (found := recovery(scenario, done, seeds))}
    return out


def show(done: Runs, scenarios: Sequence[str], strategies: Sequence[str], seeds: Sequence[int], differences: Mapping[str, Mapping[str, Difference]]) -> None:
    """Print tables."""
    console = Console(width=150)
    for scenario in scenarios:
        table = Table(title=scenario)
        for word in ("strategy", "cost per contact", "settled", "contacts/1000", "regret/1000", "net of holdout", "wasted s/1000", "ours less this", "p (Holm)"):
            table.add_column(word, justify="left" if word == "strategy" else "right")
        for strategy in strategies_of(scenario, strategies):
            figures = {name: interval([metric(done[scenario, strategy, seed]) for seed in seeds]) for name, metric in METRICS.items()}
            cost = figures["cost_per_contact"]
            against = differences.get(scenario, {}).get(strategy)
            table.add_row(
                strategy, f"{cost['mean']:.4f} [{cost['low']:.4f}, {cost['high']:.4f}]", f"{figures['cost_per_contact_settled']['mean']:.4f}",
                f"{figures['contacts_per_1000_attempts']['mean']:.1f}", f"{figures['regret_gross_per_1000']['mean']:.2f}",
                f"{figures['regret_net_of_holdout_per_1000']['mean']:.2f}", f"{figures['wasted_agent_seconds_per_1000']['mean']:.0f}",
                f"{against.mean:+.4f}" if against else "", f"{against.p:.3f}" if against else "",
            )  # fmt: skip
        console.print(table)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=1, help="constants of the strategy were chosen on seeds from 101; the table is made of 1 to 20")
    parser.add_argument("--scenario", action="append", help="a file, or the name of a shipped one; default all")
    parser.add_argument("--strategy", action="append", choices=[*STRATEGIES, "rank"])
    parser.add_argument("--attempts", type=int, default=0, help="instead of the scenario's own number")
    parser.add_argument("--full", action="store_true", help="ten times the calls in the same hours, and carriers that take ten times as many")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 8))
    parser.add_argument("--kept", type=Path, default=KEPT, help="folder of finished runs")
    parser.add_argument("--scratch", action="store_true", help="neither read nor keep finished runs")
    parser.add_argument("--again", action="append", default=[], help="a strategy whose kept runs another version of the code made")
    options = parser.parse_args()
    scenarios = options.scenario or shipped()
    strategies = options.strategy or STRATEGIES
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    attempts = -10 if options.full else options.attempts
    done, codes = runs(scenarios, seeds, strategies, attempts, options.jobs, None if options.scratch else options.kept, options.again)
    if options.json:
        print(json.dumps({**report(done, scenarios, strategies, seeds), "code": sorted(codes)}, indent=1))
        return
    differences = compare(done, scenarios, strategies, dict.fromkeys(scenarios, seeds)) if OURS in strategies else {}
    show(done, scenarios, strategies, seeds, differences)


if __name__ == "__main__":
    main()
