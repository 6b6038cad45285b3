"""Runs of the market, kept one by one, so that a long table can be stopped and taken up again.

A run is known by scenario text, strategy, seed and number of calls; it stands as one JSON line in `bench/results/market/SCENARIO.jsonl`. Which
code made it is written beside it: a digest over what a strategy's choice depends on. A digest that differs from today's is reported, not hidden.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import msgspec
import yaml

from bench.peers.qrouting import Qrouting
from bench.peers.yeti_lock import YetiLock
from trunkline import routing
from trunkline.lab.market import Oracle, Result, Truth, draw_fates, load_scenario, run
from trunkline.lab.market.policy import ROTATION
from trunkline.lab.market.scenario import SCENARIOS, scaled
from trunkline.routing import LEARNING, Strategy

OTHERS: dict[str, Callable[[Truth], Strategy]] = {"oracle": Oracle, "qrouting": Qrouting, "yeti_lock": YetiLock}
STRATEGIES = ("priority", "percentage", "least_cost", "qrouting", "yeti_lock", "performance", "oracle", "performance_rotation")
ROTATED = f"performance{ROTATION}"
"Ours, with numbers drawn at random: run where numbers matter."

KEPT = Path(__file__).parent / "results" / "market"

Runs = dict[tuple[str, str, int], Result]
"By scenario, strategy and seed."


class Job(msgspec.Struct, frozen=True):
    scenario: str
    seed: int
    strategies: tuple[str, ...]
    attempts: int
    "0 is the scenario's own number; negative is a multiple of it."


class Line(msgspec.Struct):
    """One kept run."""

    key: str
    strategy: str
    seed: int
    code: str
    result: Result


def strategies_of(scenario: str, strategies: Sequence[str]) -> tuple[str, ...]:
    """Those that make sense there."""
    if load_scenario(scenario).numbers is None:
        return tuple(name for name in strategies if not name.endswith(ROTATION))
    return tuple(strategies)


def place(job: Job) -> list[tuple[str, Result]]:
    """Run some strategies over one seed of one scenario."""
    scenario = load_scenario(job.scenario)
    if job.attempts < 0:
        scenario = scaled(scenario, -job.attempts)
    truth = Truth(scenario, job.seed)
    attempts = job.attempts if job.attempts > 0 else scenario.attempts
    fates = draw_fates(truth, job.seed, attempts + scenario.history)
    return [(strategy, run(truth, fates, strategy, job.seed, OTHERS.get(strategy))) for strategy in job.strategies]


def runs(
    scenarios: Sequence[str], seeds: Sequence[int], strategies: Sequence[str], attempts: int, jobs: int, kept: Path | None, again: Sequence[str] = ()
) -> tuple[Runs, set[str]]:
    """Every run, those kept from before included unless their strategy is to be run `again`; and the digests of the code that made them."""
    done: Runs = {}
    codes: set[str] = set()
    left: list[Job] = []
    code = digest()
    for scenario in scenarios:
        known = {line.key: line for line in _kept(_file(kept, scenario))} if kept is not None else {}
        for seed in seeds:
            missing = []
            for strategy in strategies_of(scenario, strategies):
                before = known.get(_key(scenario, strategy, seed, attempts))
                if before is None or (strategy in again and before.code != code):
                    missing.append(strategy)
                else:
                    done[scenario, strategy, seed] = before.result
                    if strategy in LEARNING:
                        codes.add(before.code)
            if missing:
                left.append(Job(scenario, seed, tuple(missing), attempts))
    if not left:
        return done, codes
    left.sort(key=lambda job: job.seed)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:  # a fork of a process with threads may hang
        for job, results in zip(left, pool.map(place, left), strict=True):
            for strategy, result in results:
                done[job.scenario, strategy, job.seed] = result
                if strategy in LEARNING:
                    codes.add(code)
                if kept is not None:
                    line = Line(_key(job.scenario, strategy, job.seed, attempts), strategy, job.seed, code, _brief(result, strategy))
                    with _file(kept, job.scenario).open("ab") as file:
                        file.write(msgspec.json.encode(line) + b"\n")
            print(f"{job.scenario} seed {job.seed}", file=sys.stderr, flush=True)
    return done, codes


def kept_runs(kept: Path, scenario: str, attempts: int = 0) -> dict[tuple[str, int], Result]:
    """What is kept of a scenario as its file is today, by strategy and seed."""
    lines = list(_kept(_file(kept, scenario)))
    keys = {(line.strategy, line.seed): _key(scenario, line.strategy, line.seed, attempts) for line in lines}
    return {(line.strategy, line.seed): line.result for line in lines if line.key == keys[line.strategy, line.seed]}


def digest() -> str:
    """Of the code that scores and chooses routes."""
    folder = Path(routing.__file__).parent
    text = b"".join(path.read_bytes() for path in sorted(folder.rglob("*.py")))
    return sha256(text).hexdigest()[:12]


def _brief(result: Result, strategy: str) -> Result:
    """Without what no figure is made from."""
    result.spent, result.billed, result.wasted_s = round(result.spent, 4), round(result.billed, 4), round(result.wasted_s, 2)
    result.regret, result.regret_holdout, result.settled_spent = round(result.regret, 4), round(result.regret_holdout, 4), round(result.settled_spent, 4)
    result.seconds = round(result.seconds, 2)
    return result if strategy in ("performance", "oracle") else msgspec.structs.replace(result, firsts=[])


def _file(kept: Path, scenario: str) -> Path:
    kept.mkdir(parents=True, exist_ok=True)
    return kept / f"{Path(scenario).stem}.jsonl"


def _kept(path: Path) -> Iterator[Line]:
    """Later lines replace earlier ones; a line cut short by a crash is not one."""
    if not path.exists():
        return
    for text in path.read_bytes().splitlines():
        try:
            yield msgspec.json.decode(text, type=Line)
        except msgspec.DecodeError:
            continue


def _key(scenario: str, strategy: str, seed: int, attempts: int) -> str:
    path = Path(scenario)
    text = yaml.safe_dump(yaml.safe_load((path if path.suffix else SCENARIOS / f"{scenario}.yaml").read_text()))
    return sha256(f"{text}|{strategy}|{seed}|{attempts}".encode()).hexdigest()[:20]


__all__ = ["KEPT", "OTHERS", "ROTATED", "STRATEGIES", "Job", "Runs", "digest", "kept_runs", "place", "runs", "strategies_of"]
