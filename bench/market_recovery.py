"""How many calls pass until `performance` has left a route that broke, and until it has come back to it once it is well.

    python -m bench.market_recovery --json [--scenario degradation] [--seeds 5] [--first-seed 1]

Calls of the whole market, in steps of a hundred, from the begin and from the end of each incident that strikes everywhere: until the route's share of
first attempts over five hundred calls is below a fifth of what it was in the hour before, and above four fifths of it again.
"""

import argparse
import json
from statistics import median

from trunkline.lab.market import Result, Truth, draw_fates, load_scenario, run

STEP, OVER = 100, 5
LEFT, BACK = 0.2, 0.8


def share(result: Result, route: int, first: int, last: int) -> float:
    """Of first attempts between two steps."""
    blocks = result.firsts[max(first, 0) : last]
    return sum(block[route] for block in blocks) / max(sum(map(sum, blocks)), 1)


def calls_until(result: Result, route: int, begin: int, usual: float, back: bool) -> int | None:
    """Calls from step `begin` until the share has left, or come back; None when it never does."""
    for step in range(begin, len(result.firsts) - OVER + 1):
        now = share(result, route, step, step + OVER)
        if (now >= BACK * usual) if back else (now <= LEFT * usual):
            return (step - begin + OVER) * STEP if back else (step - begin + 1) * STEP
    return None


def measure(name: str, seeds: range) -> dict[str, object]:
    scenario = load_scenario(name)
    blocks = scenario.attempts // STEP
    found: dict[str, list[int | None]] = {}
    for seed in seeds:
        truth = Truth(scenario, seed)
        fates = draw_fates(truth, seed, scenario.attempts + scenario.history)
        result = run(truth, fates, "performance", seed, blocks=blocks)
        for number, incident in enumerate((incident for incident in scenario.incidents if not incident.destination), 1):
            route = truth.routes.index(incident.route)
            begin, end = (_first_call(truth, fates.slot[scenario.history :], hour) // STEP for hour in (incident.begins_h, incident.ends_h))
            usual = share(result, route, begin - blocks // int(scenario.hours * scenario.days), begin)
            found.setdefault(f"incident {number} left", []).append(calls_until(result, route, begin, usual, back=False))
            found.setdefault(f"incident {number} back", []).append(calls_until(result, route, end, usual, back=True))
    return {
        name: {
            "by_seed": values, "median": median([value for value in values if value is not None] or [float("nan")]),
            "never": values.count(None), "longest": max((value for value in values if value is not None), default=None),
        }
        for name, values in found.items()
    }  # fmt: skip


def _first_call(truth: Truth, slots: list[int], hour: float) -> int:
    return next((i for i, slot in enumerate(slots) if truth.hour_of_slot(slot) >= hour), len(slots))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--scenario", default="degradation")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=1)
    options = parser.parse_args()
    found = measure(options.scenario, range(options.first_seed, options.first_seed + options.seeds))
    print(json.dumps({"scenario": options.scenario, "calls": found}, indent=1) if options.json else found)


if __name__ == "__main__":
    main()
