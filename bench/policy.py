"""What a policy costs: to read, check and compile at the desk, and to swap in signalling, step by step.

    python -m bench.policy --json [--carriers 50] [--destinations 5000] [--routes 4]

CPU time of one process. Compiling is one run of what `trunkline policy compile` does; the swap is done as a node does it, with the same objects
and no calls beside it: `step_ms_max` is the longest the loop would be held at once.
"""

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from time import process_time, thread_time_ns
from typing import TypeVar

from bench.machine import cpu_model
from trunkline.facts.clock import Clock
from trunkline.node.core import Core
from trunkline.node.places import ResolvedPlaces
from trunkline.policy import Snapshot, encode
from trunkline.policy.checks import check
from trunkline.policy.diff import diff
from trunkline.policy.document import Document
from trunkline.policy.limits import beyond
from trunkline.policy.load import Draft, compile_draft, read_policy
from trunkline.policy.source import Source, read
from trunkline.policy.wire import decoding, discarding
from trunkline.sip.asyncio.resolver import Resolver

COMPILE_BUDGET_S, SWAP_BUDGET_S, STEP_BUDGET_MS = 3.0, 1.0, 5.0
T = TypeVar("T")


def document(carriers: int, destinations: int, routes: int, seed: int = 1) -> str:
    """A policy of that many carriers with two gateways each, and destinations with some of them as routes."""
    random = Random(seed)
    lines = ["tenants: {lab: {channels: 5000}}", "trunks:", "  dialer: {tenant: lab, addresses: [192.0.2.10]}", "carriers:"]
    for c in range(carriers):
        lines += [f"  c{c}:", "    channels: 500", "    defaults: {codecs: [PCMU], timers: {no_answer: 60s}}", "    gateways:"]
        lines += [f"      g{g}: {{host: 10.{g}.{c // 250}.{c % 250 + 1}, addresses: [10.{g}.{c // 250}.{c % 250 + 1}]}}" for g in range(2)]
    lines.append("destinations:")
    for d in range(destinations):
        lines += [f"  d{d}:", f'    prefixes: ["{100000 + d}"]', "    strategy: performance", "    routes:"]
        lines += [f'      - {{to: c{c}, rate: {random.randrange(10, 900) / 1e4}, increments: "30/6"}}' for c in random.sample(range(carriers), min(routes, carriers))]
    return "\n".join(lines) + "\n"


def compiling(text: str) -> tuple[dict[str, float], Draft, Snapshot]:
    """CPU seconds of each stage, and what came of it."""
    took: dict[str, float] = {}

    def stage(name: str, work: Callable[[], T]) -> T:
        began = process_time()
        result = work()
        took[f"{name}_s"] = round(process_time() - began, 3)
        return result

    gc.disable()  # as `read_policy` does
    source = stage("read", lambda: read(text))
    assert isinstance(source, Source)
    model = stage("model", lambda: Document.model_validate(source.data))
    assert not stage("check", lambda: [*check(model, {}), *beyond(model)])
    gc.enable()
    draft = read_policy(text)
    assert isinstance(draft, Draft)
    snapshot = stage("compile", lambda: compile_draft(draft))
    assert isinstance(snapshot, Snapshot)
    stage("encode", lambda: encode(snapshot))
    return took, draft, snapshot


def whole_command(text: str) -> float:
    """CPU seconds of `trunkline policy compile` as a node starts it, imports and keeping the version included."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(text)
        before = os.times()
        argv = [sys.executable, "-m", "trunkline", "policy", "compile", str(path), "--data", folder]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        after = os.times()
    return round(after.children_user + after.children_system - before.children_user - before.children_system, 3)


class Steps:
    """CPU milliseconds of each step the loop would be held."""

    def __init__(self) -> None:
        self.took: dict[str, list[float]] = {}

    def __call__(self, name: str, work: Callable[[], T]) -> T:
        began = thread_time_ns()
        result = work()
        self.took.setdefault(name, []).append((thread_time_ns() - began) / 1e6)
        return result

    def through(self, name: str, steps: Iterator[None]) -> object:
        """Every step of a generator; what it returns."""
        result: object = None

        def one() -> bool:
            nonlocal result
            try:
                next(steps)
            except StopIteration as done:
                result = done.value
                return False
            gc.freeze()
            return True

        while self(name, one):
            pass
        return result


async def swapping(old: bytes, new: bytes) -> Steps:
    """One policy in force in place of another, as `node/policies.py` does it."""
    resolver = Resolver(Random(1))
    places = ResolvedPlaces(resolver, [])
    steps = Steps()
    gc.disable()
    first = Steps().through("decode", decoding(old))
    assert isinstance(first, Snapshot)
    core = Core(first, places, lambda fact: None, Clock.system(), Random(1))
    places.follow(first)
    core.start(0.0)
    for destination in first.destinations.values():  # every price was asked for once: the most there is to forget
        for route in destination.routes:
            for gateway in route.gateways:
                core.decisions.router.price(destination.name, gateway)
    del first, destination
    policy = steps.through("decode", decoding(new))
    assert isinstance(policy, Snapshot)
    steps("expect", lambda: places.expect(policy))
    before = core.decisions.policy
    steps("apply", lambda: core.apply_policy(policy, "bench", "swap", 1.0))
    steps("places", lambda: places.follow(policy))
    gone = discarding(before)
    del before
    steps.through("discard", gone)
    steps("collect", lambda: gc.collect(0))
    await resolver.close()
    return steps


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--carriers", type=int, default=50)
    parser.add_argument("--destinations", type=int, default=5000)
    parser.add_argument("--routes", type=int, default=4)
    options = parser.parse_args()
    text = document(options.carriers, options.destinations, options.routes)
    took, draft, snapshot = compiling(text)
    changed = read_policy(text.replace("rate: 0.01", "rate: 0.02"))
    assert isinstance(changed, Draft)
    began = process_time()
    changes = len(diff(draft, changed))
    diff_s = process_time() - began
    new = compile_draft(changed)
    assert isinstance(new, Snapshot)
    packed = encode(snapshot), encode(new)
    del snapshot, new, draft, changed
    steps = asyncio.run(swapping(*packed))
    whole = whole_command(text)
    out: dict[str, object] = {
        "cpu": cpu_model(), "carriers": options.carriers, "destinations": options.destinations, "routes": options.routes,
        "document_kb": len(text) >> 10, "compiled_kb": len(packed[0]) >> 10, **took, "command_s": whole, "command_budget_s": COMPILE_BUDGET_S,
        "diff_s": round(diff_s, 3), "changes": changes,
        **{f"{name}_steps": len(each) for name, each in steps.took.items() if len(each) > 1},
        **{f"{name}_ms_max": round(max(each), 3) for name, each in steps.took.items()},
        "step_ms_max": round(max(map(max, steps.took.values())), 3), "step_budget_ms": STEP_BUDGET_MS,
        "swap_s": round(sum(map(sum, steps.took.values())) / 1000, 4), "swap_budget_s": SWAP_BUDGET_S,
    }  # fmt: skip
    print(json.dumps(out, indent=1) if options.json else "\n".join(f"{name:20} {value}" for name, value in out.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
