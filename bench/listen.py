"""The answer listener against `cadence`, on the test side of the corpus: a synthetic regression score, never accuracy.

    python -m bench.listen --json
    python -m bench.listen --seeds 1,2,3,4      # four times as many calls by the same held-out voices

Every voice is text-to-speech or a studio prompt, and who pauses and rings how long is assumed, so no figure here says how often the listener
is right about calls to people. It says whether a change made it better or worse on calls of the same make.

A curve is a set of operating points: humans kept (verdict human, or none: then the call is connected) against machines caught (voicemail
and announcements told as such in time). `cadence` is swept over its parameters and only its best points are shown, picked on the test side itself;
ours is swept over `machine_at`, `sure_at`, `human_at` and `pause_s`, best points likewise, from fewer settings than the baseline has. Ring times are invented by the corpus,
so the comparison without them is the one to go by. Assistants are neither and counted apart. Intervals are Wilson's, 95 %; that of a difference is a
bootstrap over calls, both settings fixed.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.corpus import Item, build_side
from bench.machine import describe
from bench.spread import spread
from bench.watching import Watching, run
from trunkline.listen.answers import Answers, Judgement, verdict
from trunkline.listen.cadence import Cadence, CadenceDetector
from trunkline.listen.detector import FRAME, TICK_S
from trunkline.listen.hearing import Hearing, Kind
from trunkline.listen.model import CLASSES, Model, shipped

SCORE = "synthetic regression score; not accuracy, and no statement about calls to people"
LABELS = ("human", "voicemail", "announcement", "assistant")
CAUGHT = (Kind.MACHINE, Kind.ANNOUNCEMENT)
KEPT = (Kind.HUMAN, Kind.UNKNOWN)
KINDS = {"human": Kind.HUMAN, "voicemail": Kind.MACHINE, "announcement": Kind.ANNOUNCEMENT, "assistant": Kind.ASSISTANT}
MACHINE_AT = (0.01, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.9995)
SURE_AT = (0.95, 0.98, 0.995, 0.9995)
HUMAN_AT = (0.9, 0.99)
PAUSE_S = (0.6, 1.2, 2.2)
LINES = 300
RESAMPLES = 2000
SWEEP = {
    "greeting": (700, 1000, 1500, 2000, 2500, 3000, 4000),
    "after_greeting_silence": (400, 600, 800, 1000, 1300),
    "maximum_number_of_words": (2, 3, 5, 99),
    "silence_threshold": (128, 256, 512),
}


class Verdicts(NamedTuple):
    """One per item."""

    kinds: list[Kind]
    at_s: NDArray[np.float64]


class Point(NamedTuple):
    """One operating point."""

    setting: dict[str, float]
    right: NDArray[np.bool_]
    "[items]: a human kept, a machine caught; false for assistants."
    human_kept: float
    human_kept_interval: tuple[float, float]
    machine_caught: float
    machine_caught_interval: tuple[float, float]
    p50_s: float
    "Time to verdict over all items, giving up included."
    p95_s: float


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's interval of a share."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, z * z / of
    middle, half = share + spread / 2, z * sqrt(share * (1 - share) / of + spread / of / 4)
    return round((middle - half) / (1 + spread), 4), round((middle + half) / (1 + spread), 4)


def judged(items: Sequence[Item], said: Sequence[Hearing], give_up_s: float = 5.0) -> Verdicts:
    """The first verdict on each item; none in time is `unknown` when time is up."""
    first: dict[int, Hearing] = {}
    for hearing in said:
        first.setdefault(hearing.row, hearing)
    kinds, at = [], []
    for row in range(len(items)):
        hearing = first.get(row)
        in_time = hearing is not None and hearing.said_s <= give_up_s + 1e-9
        kinds.append(hearing.kind if hearing is not None and in_time else Kind.UNKNOWN)
        at.append(hearing.said_s if hearing is not None and in_time else give_up_s)
    return Verdicts(kinds, np.array(at))


def point(items: Sequence[Item], verdicts: Verdicts, **setting: float) -> Point:
    """Count."""
    right = np.array([kind in (KEPT if item.label == "human" else CAUGHT) for item, kind in zip(items, verdicts.kinds, strict=True)])
    sides = of_label(items)
    human, machine = right[sides == 1].tolist(), right[sides == 2].tolist()
    return Point(
        setting, right & (sides > 0), round(sum(human) / len(human), 4), wilson(sum(human), len(human)), round(sum(machine) / len(machine), 4), wilson(sum(machine), len(machine)),
        round(float(np.median(verdicts.at_s)), 3), round(float(np.percentile(verdicts.at_s, 95)), 3),
    )  # fmt: skip


def of_label(items: Sequence[Item]) -> NDArray[np.int8]:
    """1 for a human, 2 for a machine, 0 for an assistant."""
    return np.array([{"human": 1, "assistant": 0}.get(item.label, 2) for item in items], np.int8)


def best(points: Sequence[Point]) -> list[Point]:
    """Points that no other beats in both ways; of equals the quickest."""
    kept = [a for a in points if not any(beats(b, a) for b in points)]
    return sorted({(p.human_kept, p.machine_caught): p for p in sorted(kept, key=lambda p: -p.p50_s)}.values(), key=lambda p: p.human_kept)


def beats(a: Point, b: Point) -> bool:
    """Whether `a` is nowhere worse and somewhere better."""
    return a.human_kept >= b.human_kept and a.machine_caught >= b.machine_caught and (a.human_kept, a.machine_caught) != (b.human_kept, b.machine_caught)


def cadence_settings() -> Iterator[Cadence]:
    """The sweep: the defaults first."""
    yield Cadence()
    for values in product(*SWEEP.values()):
        yield Cadence(**dict(zip(SWEEP, values, strict=True)))


def cadence_points(items: Sequence[Item], give_up_s: float) -> list[Point]:
    """Every setting of the sweep. The average of a frame is all that cadence knows, so that is computed once for all settings."""
    mean = np.stack([np.abs(item.samples[: 250 * FRAME].astype(np.float32)).reshape(-1, FRAME).mean(axis=1) for item in items]) / 32768
    present = np.stack([item.present for item in items])
    points = []
    for setting in cadence_settings():
        detector = CadenceDetector(len(items), setting)
        detector.open(np.arange(len(items)))
        detector.answered(np.arange(len(items)), 0.0)
        said: list[Hearing] = []
        for tick in range(250):
            said += detector.push(mean[:, tick, None], present[:, tick], (tick + 1) * TICK_S)
        points.append(point(items, judged(items, said, give_up_s), **{name: getattr(setting, name) for name in SWEEP}))
    return points


class Chances(NamedTuple):
    """What the model says at every checkpoint, in order of time."""

    rows: NDArray[np.intp]
    at_s: NDArray[np.float64]
    gap: NDArray[np.int32]
    probabilities: NDArray[np.float64]


def chances(items: Sequence[Item], ring: bool, model: Model) -> Chances:
    """Watch every item."""
    watching = Watching(len(items))
    run(watching, items, ring)
    seen = [checkpoint for checkpoint in watching.seen if len(checkpoint.rows)]
    at_s = np.concatenate([np.full(len(checkpoint.rows), checkpoint.tick * TICK_S) for checkpoint in seen])
    gap = np.concatenate([checkpoint.gap for checkpoint in seen])
    probabilities = model(np.concatenate([checkpoint.features for checkpoint in seen]))
    return Chances(np.concatenate([checkpoint.rows for checkpoint in seen]), at_s, gap, probabilities)


def our_verdicts(items: Sequence[Item], seen: Chances, judgement: Judgement) -> Verdicts:
    """What `Answers` would say first, without hearing everything again."""
    kinds, at = np.full(len(items), Kind.UNKNOWN, object), np.full(len(items), judgement.deadline_s)
    found = verdict(seen.probabilities, seen.gap, seen.at_s >= judgement.deadline_s - 1e-9, judgement)
    said = np.flatnonzero((found >= 0) & (seen.at_s <= judgement.deadline_s + 1e-9))[::-1]
    # Of several to one call the last to be written is the first to be said.
    kinds[seen.rows[said]] = np.array([KINDS[name] for name in CLASSES], object)[found[said]]
    at[seen.rows[said]] = seen.at_s[said]
    return Verdicts(kinds.tolist(), at)


def our_points(items: Sequence[Item], seen: Chances, give_up_s: float) -> list[Point]:
    """The sweep of `machine_at`, `sure_at` and `pause_s`."""
    return [
        point(items, our_verdicts(items, seen, judgement), machine_at=judgement.machine_at, sure_at=judgement.sure_at, human_at=judgement.human_at, pause_s=judgement.pause_s)
        for judgement in (Judgement(*thresholds, deadline_s=give_up_s, assistant_at=1.0) for thresholds in product(MACHINE_AT, SURE_AT, HUMAN_AT, PAUSE_S))
        if judgement.machine_at <= judgement.sure_at
    ]


class Level(NamedTuple):
    """One level of humans kept by the baseline, and the setting of ours that keeps as many and catches most."""

    human_kept: float
    cadence_caught: float
    trunkline_kept: float
    trunkline_caught: float
    "-1 where no setting keeps as many."
    difference_interval: tuple[float, float]
    "Of the shares caught, ours less the baseline's."
    cadence_p50_s: float
    trunkline_p50_s: float
    setting: dict[str, float]


def matched(items: Sequence[Item], theirs: Sequence[Point], ours: Sequence[Point]) -> dict[str, object]:
    """At each level of humans kept by the baseline: the most machines ours catches while keeping as many, and how sure the difference is."""
    machine = of_label(items) == 2
    drawn = np.random.default_rng(1).integers(int(machine.sum()), size=(RESAMPLES, int(machine.sum())))
    levels = []
    for base in theirs:
        able = [p for p in ours if p.human_kept >= base.human_kept]
        if not able:
            levels.append(Level(base.human_kept, base.machine_caught, -1, -1, (-1, -1), base.p50_s, -1, {}))
            continue
        mine = max(able, key=lambda p: (p.machine_caught, -p.p50_s))
        low, high = np.percentile((mine.right[machine].astype(float) - base.right[machine])[drawn].mean(axis=1), (2.5, 97.5))
        between = round(float(low), 4), round(float(high), 4)
        levels.append(Level(base.human_kept, base.machine_caught, mine.human_kept, mine.machine_caught, between, base.p50_s, mine.p50_s, mine.setting))
    return {
        "levels": len(levels),
        "more": sum(level.trunkline_caught > level.cadence_caught for level in levels),
        "as_many": sum(level.trunkline_caught >= level.cadence_caught for level in levels),
        "surely_more": sum(level.difference_interval[0] > 0 for level in levels),
        "more_and_quicker": sum(level.trunkline_caught > level.cadence_caught and level.trunkline_p50_s < level.cadence_p50_s for level in levels),
        "rows": [level._asdict() for level in levels],
    }


def shown(points: Sequence[Point]) -> list[dict[str, object]]:
    """Without who was right."""
    return [{key: value for key, value in p._asdict().items() if key != "right"} for p in points]


def confusion(items: Sequence[Item], verdicts: Verdicts) -> dict[str, dict[str, int]]:
    """Label to verdict."""
    return {label: {kind.value: sum(item.label == label and said is kind for item, said in zip(items, verdicts.kinds, strict=True)) for kind in (*KINDS.values(), Kind.UNKNOWN)} for label in LABELS}


def ends(items: Sequence[Item], said: Sequence[Hearing]) -> dict[str, float]:
    """How well the end of greetings of machines was found, of those told as machines; and what they were told to be then."""
    wrong, kinds = [], []
    for hearing in said:
        item = items[hearing.row]
        if hearing.ended_s is not None and hearing.kind is not Kind.HUMAN and hearing.code in ("", "revised") and item.label != "human":
            wrong.append(hearing.ended_s - item.end_s)
            kinds.append(hearing.kind is KINDS[item.label])
    error = np.abs(wrong)
    return {"greetings": len(wrong), "error_p50_s": round(float(np.median(error)), 3), "error_p95_s": round(float(np.percentile(error, 95)), 3),
            "within_300_ms": round(float(np.mean(error <= 0.3)), 4), "early_by_over_300_ms": round(float(np.mean(np.array(wrong) < -0.3)), 4), "kind_right": round(float(np.mean(kinds)), 4)}  # fmt: skip


def finally_told(items: Sequence[Item], said: Sequence[Hearing]) -> dict[str, dict[str, int]]:
    """Label to the last verdict: what a line is taken for once its greeting is over and it has beeped, or waits."""
    last = {hearing.row: hearing.kind for hearing in said}
    return confusion(items, Verdicts([last.get(row, Kind.UNKNOWN) for row in range(len(items))], np.zeros(len(items))))


TUNED = {"MALLOC_MMAP_THRESHOLD_": "67108864", "MALLOC_TRIM_THRESHOLD_": "268435456"}


def cost(items: int, seed: int, runs: int = 5) -> dict[str, object]:
    """CPU of a line heard for a second, all of 300 lines judged all the time; every run in a process of its own, in turn.

    A process that has freed large blocks before (this one has) or has `TUNED` in its environment keeps numpy's temporaries in its heap; one that
    has not maps and faults them at every tick, which nearly doubles the time. What a worker pays as it starts is `fresh`.
    """
    kinds: dict[str, tuple[str, dict[str, str]]] = {"fresh": ("trunkline", {}), "tuned_malloc": ("trunkline", TUNED), "cadence_fresh": ("cadence", {})}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(runs):
        for name, (detector, environment) in kinds.items():
            command = [sys.executable, "-m", "bench.listen", "--cost-of", detector, "--items", str(items), "--seeds", str(seed)]
            plain = {key: value for key, value in os.environ.items() if key not in TUNED}
            done = subprocess.run(command, env=plain | environment, check=True, capture_output=True, text=True)
            found[name].append(float(done.stdout))
    made: dict[str, object] = {"lines": LINES, "what": "answer half only, without the tone detectors"}
    for name, values in found.items():
        over = spread(values, 1)
        made[name] = {"cpu_us_per_line_second": over._asdict(), "lines_per_core": round(1e6 / over.median), "lines_per_core_in_the_worst_run": round(1e6 / over.high)}
    return made


def cost_here(detector: str, items: Sequence[Item]) -> float:
    """CPU microseconds per line-second, in this process."""
    many = [items[number % len(items)] for number in range(LINES)]
    heard = Watching(LINES) if detector == "trunkline" else CadenceDetector(LINES)
    return run(heard, many).cpu_s / (LINES * len(many[0].present) * TICK_S) * 1e6


def times(items: Sequence[Item], verdicts: Verdicts) -> dict[str, dict[str, float]]:
    """Time to verdict by label, and after the end of the first greeting for humans told as such."""
    made = {label: verdicts.at_s[[item.label == label for item in items]] for label in LABELS} | {"all": verdicts.at_s}
    after = [at - item.first_end_s for item, at, kind in zip(items, verdicts.at_s, verdicts.kinds, strict=True) if item.kind == "hello" and kind is Kind.HUMAN]
    made["after_end_of_short_greeting"] = np.array(after)
    return {name: {"p50_s": round(float(np.median(values)), 3), "p95_s": round(float(np.percentile(values, 95)), 3)} for name, values in made.items()}


def measure(items: Sequence[Item], count: int, seed: int) -> dict[str, object]:
    """Everything."""
    result: dict[str, object] = {"score": SCORE, "items": {label: sum(item.label == label for item in items) for label in LABELS}, "languages": sorted({item.language for item in items})}
    model = shipped()
    knowing, blind = chances(items, True, model), chances(items, False, model)
    for name, give_up_s in (("within_5_s", 5.0), ("within_2.5_s", 2.5)):
        theirs = best(cadence_points(items, give_up_s))
        ours, without = best(our_points(items, knowing, give_up_s)), best(our_points(items, blind, give_up_s))
        result[name] = {
            "cadence": shown(theirs), "trunkline": shown(ours), "trunkline_without_ring_time": shown(without),
            "matched": matched(items, theirs, ours), "matched_without_ring_time": matched(items, theirs, without),
        }  # fmt: skip
        print(f"{name} done", file=sys.stderr)
    answers, unrung, cadence = run(Answers(len(items)), items), run(Answers(len(items)), items, ring=False), run(CadenceDetector(len(items)), items)
    for name, said in (("trunkline", answers.said), ("trunkline_without_ring_time", unrung.said), ("cadence", cadence.said)):
        verdicts = judged(items, said)
        result[f"{name}_as_shipped"] = {"point": shown([point(items, verdicts)])[0], "verdicts": confusion(items, verdicts), "time_to_verdict": times(items, verdicts)}
    result["end_of_greeting"] = ends(items, answers.said)
    result["after_the_greeting"] = {"with_ring_time": finally_told(items, answers.said), "without_ring_time": finally_told(items, unrung.said)}
    result["cost"] = cost(count, seed)
    result["machine"] = describe()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, default=900, help="calls in both sides of the corpus")
    parser.add_argument("--seeds", default="1", help="of the test side, one corpus each; together they are one test")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    parser.add_argument("--cost-of", choices=("trunkline", "cadence"), help="only measure CPU in this process, and print it")
    arguments = parser.parse_args()
    seeds = [int(seed) for seed in arguments.seeds.split(",")]
    items = [item for seed in seeds for item in build_side("test", arguments.items, seed)]
    if arguments.cost_of:
        print(cost_here(arguments.cost_of, items))
        return
    result = measure(items, arguments.items, seeds[0])
    if arguments.json:
        json.dump(result, sys.stdout, indent=1)
        print()
        return
    print(SCORE)
    for name in ("within_5_s", "within_2.5_s"):
        for which in ("matched", "matched_without_ring_time"):
            print(name, which, {key: value for key, value in result[name][which].items() if key != "rows"})  # type: ignore[index]
            for row in result[name][which]["rows"]:  # type: ignore[index]
                print("  ", row)
    for name in ("trunkline_as_shipped", "trunkline_without_ring_time_as_shipped", "cadence_as_shipped", "end_of_greeting", "after_the_greeting", "cost"):
        print(name, json.dumps(result[name], indent=1))


if __name__ == "__main__":
    main()
