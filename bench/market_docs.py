"""The page of the market: table, plots and findings from the kept runs, written into `docs/market.md` between its markers.

    python -m bench.market_docs [--kept FOLDER]

Only seeds that every strategy of a scenario has finished are used. Plots need matplotlib (extra `bench`).
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import matplotlib
from matplotlib import pyplot
from matplotlib.figure import Figure

from bench.market import NUMBER_METRICS, OURS, compare, interval
from bench.market_runs import KEPT, ROTATED, STRATEGIES, Runs, kept_runs, strategies_of
from trunkline.lab.market import load_scenario, shipped
from trunkline.stats import Difference

RECOVERY = KEPT.parent / "market-recovery.json"
DOCS = Path(__file__).parent.parent / "docs"
BEGIN, END = "<!-- figures begin: python -m bench.market_docs -->", "<!-- figures end -->"
STATIC = ("priority", "percentage", "least_cost")
COLOURS = {
    "priority": "#999999", "percentage": "#c7a76c", "least_cost": "#b07aa1", "qrouting": "#e15759", "yeti_lock": "#76b7b2", "performance": "#1f5fa8", "oracle": "#222222",
    ROTATED: "#f28e2b",
}  # fmt: skip


class Found:
    """Kept runs, and the seeds each scenario has in full."""

    def __init__(self, kept: Path) -> None:
        self.runs: Runs = {}
        self.seeds: dict[str, list[int]] = {}
        for scenario in shipped():
            rows = kept_runs(kept, scenario)
            strategies = strategies_of(scenario, STRATEGIES)
            seeds = sorted(set.intersection(*({seed for name, seed in rows if name == strategy} for strategy in strategies)))
            if seeds:
                self.seeds[scenario] = seeds
                self.runs.update({(scenario, strategy, seed): result for (strategy, seed), result in rows.items()})

    def values(self, scenario: str, strategy: str, name: str) -> list[float]:
        return [getattr(self.runs[scenario, strategy, seed], name) for seed in self.seeds[scenario]]

    def cost(self, scenario: str, strategy: str) -> dict[str, float]:
        return interval([self.runs[scenario, strategy, seed].cost_per_contact for seed in self.seeds[scenario]])


def cost_table(found: Found, differences: dict[str, dict[str, Difference]]) -> list[str]:
    strategies = [name for name in STRATEGIES if name != ROTATED]
    lines = ["| scenario | seeds | " + " | ".join(strategies) + " |", "|---|---|" + "---|" * len(strategies)]
    for scenario, seeds in found.seeds.items():
        cells = []
        for strategy in strategies:
            mean = f"{found.cost(scenario, strategy)['mean']:.4f}"
            if strategy == OURS:
                cells.append(f"**{mean}**")
            elif strategy == "oracle":
                cells.append(mean)
            else:
                row = differences[scenario][strategy]
                mark = "" if row.p >= 0.05 else " +" if row.mean < 0 else " !"
                cells.append(mean + mark)
        lines.append(f"| {scenario} | {len(seeds)} | " + " | ".join(cells) + " |")
    return lines


def learning_table(found: Found) -> list[str]:
    against, learning = [], []
    lines = [
        "| scenario | over the oracle, all calls | after warm-up, without holdout | regret / 1,000 calls | of it holdout | learning (the rest) | against the best static |",
        "|---|---|---|---|---|---|---|",
    ]
    for scenario in found.seeds:
        ours, best = (fmean(found.values(scenario, name, "cost_per_contact")) for name in (OURS, "oracle"))
        settled, best_settled = (fmean(found.values(scenario, name, "settled_cost")) for name in (OURS, "oracle"))
        calls = fmean(found.values(scenario, OURS, "calls"))
        regret, held = (1000 * fmean(found.values(scenario, OURS, name)) / calls for name in ("regret", "regret_holdout"))
        static = min(fmean(found.values(scenario, name, "cost_per_contact")) for name in STATIC)
        against.append((ours / static - 1, scenario))
        learning.append((regret - held, scenario))
        lines.append(
            f"| {scenario} | {ours / best - 1:+.1%} | {settled / best_settled - 1:+.1%} | {regret:.2f} | {held:.2f} | {regret - held:.2f} | {ours / static - 1:+.1%} |"
        )
    return [
        *lines, "",
        f"The best static strategy of a scenario is known only afterwards. Against it `performance` costs {min(against)[0]:+.1%} ({min(against)[1]}) to "
        f"{max(against)[0]:+.1%} ({max(against)[1]}). The stated cost of learning is at most {max(learning)[0]:.1f} of the market's money per 1,000 calls "
        f"({max(learning)[1]}) beside the holdout's own; a call costs {1000 * 0.05:.0f} per 1,000 before anybody answers.",
    ]  # fmt: skip


def number_table(found: Found) -> list[str]:
    lines = ["| scenario | numbers | cost per contact | " + " | ".join(name.replace("_", " ") for name in NUMBER_METRICS) + " |", "|---|---|---|" + "---|" * len(NUMBER_METRICS)]
    for scenario in found.seeds:
        if load_scenario(scenario).numbers is None:
            continue
        for strategy, word in ((OURS, "governed"), (ROTATED, "drawn at random")):
            rows = [found.runs[scenario, strategy, seed] for seed in found.seeds[scenario]]
            cells = []
            for name, metric in NUMBER_METRICS.items():
                figures = interval([metric(row) for row in rows])
                digits = 4 if "rate" in name or "share" in name else 0
                if name == "answer_rate_variance":
                    digits = 5
                cells.append(f"{figures['mean']:.{digits}f} [{figures['low']:.{digits}f}, {figures['high']:.{digits}f}]")
            cost = found.cost(scenario, strategy)
            lines.append(f"| {scenario} | {word} | {cost['mean']:.4f} [{cost['low']:.4f}, {cost['high']:.4f}] | " + " | ".join(cells) + " |")
    return lines


def findings(found: Found, differences: dict[str, dict[str, Difference]]) -> list[str]:
    others = {scenario: {name: row for name, row in rows.items() if name not in ("oracle", ROTATED)} for scenario, rows in differences.items()}
    worse = [f"{name} in {scenario}" for scenario, rows in others.items() for name, row in rows.items() if row.mean > 0 and row.p < 0.05]
    best = [scenario for scenario, rows in others.items() if all(row.mean < 0 and row.p < 0.05 for row in rows.values())]
    stable = [scenario for scenario in found.seeds if load_scenario(scenario).stable]
    over = [fmean(found.values(name, OURS, "settled_cost")) / fmean(found.values(name, "oracle", "settled_cost")) - 1 for name in stable]
    return [
        f"- Significantly cheaper than `performance` (the oracle apart): {', '.join(worse) or 'no strategy in any scenario'}.",
        f"- `performance` is significantly the cheapest of all in: {', '.join(best) or 'none'}.",
        f"- In scenarios where nothing changes ({', '.join(stable)}) it is, after warm-up and without the holdout's calls, "
        f"{min(over):.1%} to {max(over):.1%} over the oracle." if stable else "",
    ]  # fmt: skip


def recovery_text() -> list[str]:
    """From `bench.market_recovery --json`, as it was last kept."""
    if not RECOVERY.exists():
        return []
    kept = json.loads(RECOVERY.read_text())
    left, back = kept["calls"]["incident 1 left"], kept["calls"]["incident 1 back"]
    return [
        f"Over {len(left['by_seed'])} seeds of `{kept['scenario']}` the broken route's share of first attempts has fallen below a fifth of what it was after "
        f"{left['median']:.0f} calls of the whole market (at most {left['longest']}), and is above four fifths again {back['median']:.0f} calls after the "
        f"incident's end (at most {back['longest']}; not at all before the day's end in {back['never']} of them). Calls come at 5,000 an hour here: the way "
        "back is as long as it takes the last hour to fade, in time rather than in calls."
    ]


def plot_costs(found: Found, place: Path) -> None:
    """Cost of a conversation over the oracle's, by scenario; bars are 95 % intervals of the paired ratio."""
    figure, axes = pyplot.subplots(figsize=(9, 0.55 * len(found.seeds) + 1.6))
    for row, (scenario, seeds) in enumerate(reversed(found.seeds.items())):
        names = [name for name in STRATEGIES if name not in ("oracle", ROTATED)]
        for i, strategy in enumerate(names):
            ratios = [found.runs[scenario, strategy, seed].cost_per_contact / found.runs[scenario, "oracle", seed].cost_per_contact - 1 for seed in seeds]
            figures = interval([100 * ratio for ratio in ratios])
            mean = min(figures["mean"], 32.0)
            y = row + (i - 2.5) * 0.12
            axes.errorbar(
                mean, y, xerr=[[max(figures["mean"] - figures["low"], 0)], [max(figures["high"] - figures["mean"], 0)]] if figures["mean"] < 32 else None,
                fmt="o" if figures["mean"] < 32 else ">", color=COLOURS[strategy], markersize=6 if strategy == OURS else 4, label=strategy if row == 0 else None,
                linewidth=1,
            )  # fmt: skip
    axes.set_yticks(range(len(found.seeds)), list(reversed(found.seeds)))
    axes.set_xlabel("cost per conversation over the oracle's, % (arrows: beyond 32 %)")
    axes.set_xlim(-1, 33)
    axes.grid(axis="x", color="#dddddd")
    axes.legend(loc="lower right", fontsize=8)
    _save(figure, place)


def plot_incident(found: Found, place: Path, scenario: str = "degradation") -> None:
    """Share of first attempts that go to the route which breaks, and contacts of every strategy, over the day."""
    market, seeds = load_scenario(scenario), found.seeds[scenario]
    route = list(market.routes).index(market.incidents[0].route)
    figure, (upper, lower) = pyplot.subplots(2, 1, figsize=(9, 6), sharex=True)
    for strategy in (OURS, "oracle"):
        shares = _mean([block[route] / max(sum(block), 1) for block in found.runs[scenario, strategy, seed].firsts] for seed in seeds)
        hours = [(i + 0.5) / len(shares) * market.hours * market.days for i in range(len(shares))]
        upper.plot(hours, [100 * share for share in shares], color=COLOURS[strategy], label=strategy)
    for strategy in ("priority", "percentage", "qrouting", OURS, "oracle"):
        rate = _mean(
            [1000 * n / max(calls, 1) for n, calls in zip(found.runs[scenario, strategy, seed].block_contacts, found.runs[scenario, strategy, seed].block_calls, strict=True)]
            for seed in seeds
        )
        lower.plot(hours, rate, color=COLOURS[strategy], label=strategy, linewidth=2 if strategy == OURS else 1)
    for axes in (upper, lower):
        axes.axvspan(market.incidents[0].begins_h, market.incidents[0].ends_h, color="#f3dede")
        axes.grid(color="#eeeeee")
        axes.legend(fontsize=8, loc="lower right")
    upper.set_ylabel(f"% of first attempts on {market.incidents[0].route}")
    lower.set_ylabel("conversations per 1,000 calls")
    lower.set_xlabel("hours of dialling")
    _save(figure, place)


def plot_numbers(found: Found, place: Path) -> None:
    """Human answer rate, and numbers carrying a label, by day, governed and not."""
    scenarios = [scenario for scenario in found.seeds if load_scenario(scenario).numbers is not None]
    figure, grid = pyplot.subplots(2, len(scenarios), figsize=(9, 5), squeeze=False, sharex=True)
    for column, scenario in enumerate(scenarios):
        for strategy, word in ((OURS, "governed"), (ROTATED, "drawn at random")):
            days = [found.runs[scenario, strategy, seed].days for seed in found.seeds[scenario]]
            grid[0][column].plot(_mean([100 * day[1] / max(day[0], 1) for day in each] for each in days), color=COLOURS[strategy], label=word)
            grid[1][column].plot(_mean([float(day[2]) for day in each] for each in days), color=COLOURS[strategy], label=word)
        grid[0][column].set_title(scenario)
        grid[0][column].legend(fontsize=8)
        grid[1][column].set_xlabel("day")
    grid[0][0].set_ylabel("human answers, % of calls")
    grid[1][0].set_ylabel("numbers labelled")
    _save(figure, place)


def _mean(rows: Iterable[Sequence[float]]) -> list[float]:
    return [fmean(column) for column in zip(*rows, strict=False)]


def _save(figure: Figure, place: Path) -> None:
    figure.tight_layout()
    figure.savefig(place, metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", type=Path, default=KEPT)
    options = parser.parse_args()
    found = Found(options.kept)
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "market"
    differences: dict[str, dict[str, Difference]] = compare(found.runs, list(found.seeds), STRATEGIES, found.seeds)
    plots = DOCS / "plots"
    plots.mkdir(exist_ok=True)
    plot_costs(found, plots / "market-costs.svg")
    text = ["### Cost per successful contact", "", *cost_table(found, differences), "", *findings(found, differences), ""]
    text += ["![Cost over the oracle's](plots/market-costs.svg)", "", "### What learning costs", "", *learning_table(found), ""]
    if "degradation" in found.seeds:
        plot_incident(found, plots / "market-incident.svg")
        text += ["### An incident", "", "![Midday degradation](plots/market-incident.svg)", "", *recovery_text(), ""]
    if any(load_scenario(scenario).numbers is not None for scenario in found.seeds):
        plot_numbers(found, plots / "market-numbers.svg")
        text += ["### Numbers, governed and not", "", *number_table(found), "", "![Numbers day by day](plots/market-numbers.svg)", ""]
    page = DOCS / "market.md"
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(before + BEGIN + "\n\n" + "\n".join(text) + "\n" + END + after)


if __name__ == "__main__":
    main()
