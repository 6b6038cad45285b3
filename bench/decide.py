"""What a decision costs: microseconds per `decide` with strategy `performance`, per fact learnt, per table drawn; bytes remembered.

    python -m bench.decide --json [--candidates 50] [--numbers 20000]

`decide_us` is the whole decision: admission, route and number, the number drawn from a pool of twenty thousand in the callee's area; the figures by
strategy are without numbers.

CPU time of one process, median of five rounds. The scoreboard holds a believable past of every candidate; tables are warm, as they are in a node
that calls `refresh` between calls.
"""

import argparse
import gc
import json
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from statistics import median
from time import process_time

import msgspec
import yaml

from bench.machine import cpu_model
from trunkline.decide import CallRequest, Plan
from trunkline.facts.numbers import NumberAdded, NumberTransition
from trunkline.facts.record import Attempt, Call
from trunkline.lab.market.run import decisions_for, invite
from trunkline.policy import Snapshot, load_policy
from trunkline.sip.flow import Door, Flow

START_US = 1_772_452_800_000_000
ROUNDS, CALLS, DESTINATIONS = 5, 4000, 20
STEP_S = 0.01


class Areas:
    """The file of areas the policy names: one for each destination."""

    def read(self, name: str) -> bytes:
        rows = [f"area-{d},US,1{200 + d},{26 + d % 20},{-122 + 2 * d}" for d in range(DESTINATIONS)]
        return "\n".join(["area,country,prefixes,latitude,longitude", *rows]).encode()

    def place(self, name: str) -> Path:
        return Path(name)


def inventory(numbers: int) -> Iterator[NumberAdded | NumberTransition]:
    """Facts of a pool in use for long."""
    at = START_US - 1_000_000
    for i in range(numbers):
        number = f"+1{200 + i % DESTINATIONS}5{i // DESTINATIONS:06d}"
        yield NumberAdded(at, number, "acme", "geographic", "US", f"area-{i % DESTINATIONS}", "sales", "sales", "", "loa", "2020-01-01", "", "", "bench")
        yield NumberTransition(at, number, "stock", "production", "promote", "in use for long", {}, "bench")


def policy(candidates: int, strategy: str, numbers: int = 0) -> Snapshot:
    """`candidates` carriers, all of them at each of twenty destinations, and three time bands."""
    document = {
        "tenants": {"acme": {}},
        "trunks": {
            "vici": {"tenant": "acme", "addresses": ["192.0.2.1"], **({"caller_id": {"use": "replace", "pool": "sales"}} if numbers else {})},
        },
        "numbers": {"areas": "areas.csv"} if numbers else {},
        "carriers": {f"c{i:02d}": {"gateways": {"main": {"host": f"10.0.0.{i + 1}", "options": 0}}} for i in range(candidates)},
        "bands": {"morning": {"begins": "00:00", "ends": "12:00"}, "day": {"begins": "12:00", "ends": "18:00"}, "evening": {"begins": "18:00"}},
        "destinations": {
            f"d{d:02d}": {
                "prefixes": [f"1{d + 200}"], "strategy": strategy, "zone": "America/New_York",
                "routes": [{"to": f"c{i:02d}", "rate": 0.008 + 0.0001 * i, "share": 100 / candidates} for i in range(candidates)],
            }
            for d in range(DESTINATIONS)
        },
    }  # fmt: skip
    found = load_policy(yaml.safe_dump(document, sort_keys=False), files=Areas())
    if not isinstance(found, Snapshot):
        raise SystemExit("\n".join(map(str, found)))
    return found


def attempt(call: str, at_us: int, destination: str, carrier: str, answered: bool, random: Random) -> Attempt:
    heard = random.choice(("human", "human", "machine", "")) if answered else ""
    return Attempt(
        call, 1, at_us, "acme", "vici", destination, carrier, f"{carrier}/main", "udp", "", "", "", "", 200 if answered else 487, "", "", 0,
        "answered" if answered else "callee", "", "stop", "", "dialer", None, None, random.uniform(800, 3000), None, 9000.0 if answered else None,
        random.uniform(2000, 90_000) if answered else None, 30_000.0, "180", "", "", 0, False, False, 0, "", "day", heard, "", 0.01 if answered else None,
    )  # fmt: skip


def timed(work: Callable[[], int], after: Callable[[], None] = lambda: None) -> float:
    """Microseconds per item, median over rounds; `work` returns the number of items, what `after` does is not timed."""
    found = []
    for _ in range(ROUNDS):
        began = process_time()
        items = work()
        found.append((process_time() - began) / items * 1e6)
        after()
    return median(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--candidates", type=int, default=50)
    parser.add_argument("--numbers", type=int, default=20_000)
    options = parser.parse_args()
    out: dict[str, object] = {"cpu": cpu_model(), "candidates": options.candidates, "destinations": DESTINATIONS, "budget_us": 40}
    for strategy in ("performance", "rank", "priority", "percentage", "least_cost"):
        out.update({f"{name}_{strategy}": value for name, value in measure(options.candidates, strategy).items()})
    with_numbers = measure(options.candidates, "performance", options.numbers)
    out["numbers"] = options.numbers
    out.update({f"{name}_with_numbers": value for name, value in with_numbers.items()})
    out["decide_us"] = with_numbers["decide_us"]
    print(json.dumps(out, indent=1) if options.json else "\n".join(f"{name:32} {value}" for name, value in out.items()))


def measure(candidates: int, strategy: str, numbers: int = 0) -> dict[str, float]:
    random = Random(1)
    decisions = decisions_for(policy(candidates, strategy, numbers), random, START_US)
    for held in inventory(numbers):
        decisions.observe(held, 0.0)
    callees = [f"1{200 + i % DESTINATIONS}{random.randrange(2_000_000, 9_999_999)}" for i in range(CALLS)]
    plans: list[Plan] = []
    request, flow = invite(1), Flow(Door("trunks", "udp", "192.0.2.250", 5060), ("192.0.2.1", 5060))
    now = 0.0

    def decide() -> int:
        nonlocal now
        for i in range(CALLS):
            now += STEP_S
            verdict = decisions.decide(CallRequest("c", request, flow, "vici", callees[i]), now)
            assert isinstance(verdict, Plan)
            if numbers:
                plans.append(verdict)
            decisions.limits.give("trunk vici", "tenant acme")
        return CALLS

    def settle() -> None:
        """The calls take their numbers and end."""
        for i, plan in enumerate(plans):
            for fact in plan.facts:
                decisions.observe(msgspec.structs.replace(fact, call=f"n{i}"), now)
            decisions.observe(_ended(f"n{i}", START_US + int(now * 1e6)), now)
        plans.clear()

    decide()
    settle()
    facts = [
        attempt(f"c{i}", START_US + int(now * 1e6) + i * 10_000, f"d{i % DESTINATIONS:02d}", f"c{random.randrange(candidates):02d}", random.random() < 0.25, random)
        for i in range(DESTINATIONS * candidates * 20)
    ]  # fmt: skip
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for fact in facts:
        decisions.observe(fact, now)
    now += len(facts) * STEP_S
    while decisions.refresh(now, 50):
        pass
    remembered_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    some = facts[:CALLS]

    def learn() -> int:
        for fact in some:
            decisions.observe(fact, now)
        return len(some)

    def learn_router() -> int:
        for fact in some:
            decisions.router.apply(fact)
        return len(some)

    gc.collect()
    gc.freeze()
    found = {"decide_us": round(timed(decide, settle), 2), "observe_us": round(timed(learn), 2), "fold_us": round(timed(learn_router), 2)}
    if strategy == "performance":
        steps = []
        for _ in range(60):
            now += 400.0
            began = process_time()
            if decisions.refresh(now, 1):
                steps.append((process_time() - began) * 1e3)
        found["refresh_step_ms_median"] = round(median(steps), 3)
        found["refresh_step_ms_max"] = round(max(steps), 3)
        found["remembered_kb"] = remembered_kb
        found["cells"] = sum(len(cells) for cells in decisions.router.scoreboard.segments.values())
    return found


def _ended(call: str, at_us: int) -> Call:
    return Call(
        call, at_us, "n1", "", "outbound", "acme", "vici", "", "udp", "", "", "", "", "", "", "", "performance", {}, "disconnected", 200, 16, "answered", "",
        "dialer", 1, "", "", None, None, None, None, 30_000.0, 0, 0, False, "",
    )  # fmt: skip


if __name__ == "__main__":
    main()
