"""Tones: how many are heard right, how often one is heard that is not there, and what listening costs.

    python -m bench.tones --cases 2000 --hours 1
    python -m bench.tones --early               # and voices and music before the answer (`bench.early`)

The sweep synthesises every tone over levels, offsets, codecs, losses and noise (`tests/listen/sweep.py`). What is not there is looked for in
speech and music of Debian's packages, changed in pitch, level, codec, loss and noise until the hours are full. The English prompts and the
music were used to set thresholds; the prompts in other languages and the synthetic voices were not, and are counted apart: theirs is the
figure to quote. Hours beyond the audio there is are the same voices again, so the bound holds for these voices, not for callers at large.
"""

import argparse
import io
import json
import math
import subprocess
import sys
import time
import wave
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tests.listen.lines import LAWS, Samples, hear, send, voice
from tests.listen.sweep import MAKERS, cases, heard

from bench.machine import describe
from trunkline.listen import FRAME, TICK_S, Bank, Detector, Hearing, Kind, synthesis
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones

SEED = 71
"Of the sweep that is quoted; no threshold was set on it."
PROMPTS, MUSIC = Path("/usr/share/asterisk/sounds"), Path("/usr/share/asterisk/moh")
SEEN = "en_US_f_Allison"
TONES_AMONG_PROMPTS = frozenset({"beep", "beeperr", "ascending-2tone", "descending-2tone"})
VOICES = ("en-us", "en-gb", "de", "fr", "es", "it", "pt-br", "nl", "pl", "sv", "ru", "hi")
TEXT = (
    "Hello, you have reached our office. Nobody can take your call at the moment. Please leave your name, your number and a short message "
    "after the tone, and we will call you back as soon as we can. One two three four five six seven eight nine zero. Thank you and goodbye."
)
ROWS = 48
SHORTEST = 4000
"Samples; what is shorter than half a second is a click."
CONFIDENCE = 0.95


class Source(NamedTuple):
    """One recording."""

    name: str
    samples: NDArray[np.float32]
    seen: bool
    "Whether thresholds were set on it."


class Exposure(NamedTuple):
    """What was listened to without a tone in it, and what was heard."""

    hours: float
    source_hours: float
    "Of different audio."
    false: int
    kinds: dict[str, int]
    examples: list[str]


def solve(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function crosses zero."""
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def at_most(k: int, n: int, p: float) -> float:
    """P(X <= k) of a binomial X."""
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    logs = (
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1) + i * math.log(p) + (n - i) * math.log1p(-p) for i in range(k + 1)
    )
    return math.fsum(math.exp(value) for value in logs)


def clopper_pearson(right: int, n: int) -> tuple[float, float]:
    """The exact 95 % interval of a share of `right` in `n`."""
    tail = (1 - CONFIDENCE) / 2
    wrong = n - right
    high_error = 1.0 if wrong == n else solve(lambda p: tail - at_most(wrong, n, p), 0.0, 1.0)
    low_error = 0.0 if wrong == 0 else solve(lambda p: (1 - at_most(wrong - 1, n, p)) - tail, 0.0, 1.0)
    return 1 - high_error, 1 - low_error


def rate_at_most(count: int, hours: float) -> float:
    """The exact one-sided 95 % upper bound of a Poisson rate per hour."""

    def tail(mean: float) -> float:
        return math.fsum(math.exp(-mean + i * math.log(mean) - math.lgamma(i + 1)) for i in range(count + 1))

    return solve(lambda mean: (1 - CONFIDENCE) - tail(mean), 1e-9, count * 4 + 40.0) / hours


def sweep(count: int) -> dict[str, dict[str, object]]:
    """Detection per family, with exact intervals and the cases that failed."""
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    failed: dict[str, list[str]] = {family: [] for family in MAKERS}
    dice = np.random.default_rng(SEED)
    for size in chunks(count, 400):
        batch = list(cases(size, dice))
        for case, said in zip(batch, heard(batch), strict=True):
            total[case.family] += 1
            if case.heard_right(said):
                right[case.family] += 1
            else:
                failed[case.family].append(f"{case.name} ({case.conditions}): {', '.join(f'{h.kind} {h.code}' for h in said) or 'nothing'}")
    result: dict[str, dict[str, object]] = {}
    for family in MAKERS:
        low, high = clopper_pearson(right[family], total[family])
        result[family] = {
            "cases": total[family],
            "right": right[family],
            "low": round(low, 5),
            "high": round(high, 5),
            "failed": failed[family][:5],
        }
    return result


def chunks(count: int, size: int) -> Iterator[int]:
    """`count` in portions of `size`."""
    while count > 0:
        yield min(size, count)
        count -= size


def recordings() -> list[Source]:
    """Speech and music of Debian's packages, and the voices of espeak-ng."""
    sources = [
        Source(str(path.relative_to(PROMPTS)), read(path.read_bytes()), SEEN in path.parts)
        for path in sorted(PROMPTS.rglob("*.wav"))
        if path.stem not in TONES_AMONG_PROMPTS and not any(part.is_symlink() for part in (path, *path.parents))
    ]
    sources += [Source(path.name, read(path.read_bytes()), True) for path in sorted(MUSIC.glob("*.wav"))]
    for name in VOICES:
        for variant in ("", "+f2", "+m3", "+f4"):
            said = subprocess.run(["espeak-ng", "-v", name + variant, "--stdout", TEXT], check=True, capture_output=True).stdout
            sources.append(Source(f"espeak-ng {name}{variant}", read(said), False))
    return [source for source in sources if source.samples.size > SHORTEST]


def read(data: bytes) -> NDArray[np.float32]:
    """A mono 16-bit WAV file at 8 kHz, full scale +-1; other rates are interpolated."""
    with wave.open(io.BytesIO(data)) as file:
        rate = file.getframerate()
        pcm = np.frombuffer(data[44:], np.int16)[: max(0, (len(data) - 44) // 2)]
    return resampled((pcm / np.float32(32768)).astype(np.float32), rate / 8000)


def resampled(samples: NDArray[np.float32], ratio: float) -> NDArray[np.float32]:
    """Every `ratio`-th sample, by the spectrum, which keeps what is above the new band out of it."""
    if abs(ratio - 1) < 1e-3:
        return samples
    size = round(samples.size / ratio)
    spectrum = np.fft.rfft(samples)
    kept = np.zeros(size // 2 + 1, np.complex128)
    shared = min(kept.size, spectrum.size)
    kept[:shared] = spectrum[:shared]
    return np.asarray(np.fft.irfft(kept, size) * (size / samples.size), np.float32)


def changed(source: Source, dice: np.random.Generator, first: bool) -> Samples:
    """A recording as another voice on another line; unchanged the `first` time."""
    samples = source.samples[: 8000 * 90] if first or source.samples.size <= 8000 * 90 else cut(source.samples, dice)
    if first:
        return samples.astype(np.float64)
    gain = 10 ** (float(dice.uniform(-18, 6)) / 20)
    return np.clip(resampled(samples, float(dice.uniform(0.85, 1.18))).astype(np.float64) * gain, -1, 1)


def cut(samples: NDArray[np.float32], dice: np.random.Generator) -> NDArray[np.float32]:
    """Ninety seconds from somewhere."""
    at = int(dice.integers(samples.size - 8000 * 90))
    return samples[at : at + 8000 * 90]


def exposure(sources: Sequence[Source], hours: float) -> Exposure:
    """Listen to `sources`, again and again changed, for `hours`; every other line is answered."""
    dice = np.random.default_rng(SEED)
    have = 0.0
    kinds: Counter[str] = Counter()
    examples: list[str] = []
    batches: list[list[tuple[Source, bool]]] = []
    turn = 0
    while have < hours * 3600:
        if not batches:
            order = sorted(sources, key=lambda one: one.samples.size)
            batches = [[(source, turn == 0) for source in order[i : i + ROWS]] for i in range(0, len(order), ROWS)]
            dice.shuffle(batches)
            turn += 1
        batch = batches.pop()
        lines = []
        for source, first in batch:
            noise = None if first else float(dice.uniform(-70, -48))
            whole = np.concatenate([changed(source, dice, first), synthesis.silence(float(dice.uniform(0.1, 1.5)))])
            lines.append(
                send(
                    whole,
                    dice,
                    LAWS[int(dice.integers(2))],
                    0.0 if first else float(dice.choice([0.0, 0.05])),
                    noise,
                    int(dice.integers(FRAME)),
                )
            )
        have += sum(line.arrives.size for line in lines) * TICK_S
        for said in hear(lines, [Tones(len(lines))], None, range(turn % 2, len(lines), 2)):
            if said.ended_s is None or said.kind in (Kind.SIT, Kind.BEEP):
                kinds[said.kind] += 1
                examples.append(f"{batch[said.row][0].name}: {said.kind} {said.code} at {said.began_s:.2f} s {rounded(said.features)}")
    source_hours = sum(source.samples.size for source in sources) / 8000 / 3600
    return Exposure(have / 3600, min(source_hours, have / 3600), sum(kinds.values()), dict(kinds), examples[:20])


def rounded(features: object) -> dict[str, float]:
    """For people."""
    return {str(name): round(float(value), 1) for name, value in dict(features).items()} if isinstance(features, dict) else {}


def cost(lines: int, seconds: float) -> dict[str, object]:
    """CPU per second of one line with `lines` heard at once: a mix of speech, ringback, silence, and some losses."""
    dice = np.random.default_rng(SEED)
    ticks = round(seconds / TICK_S)
    kinds: list[Callable[[], Samples]] = [
        lambda: voice(seconds, dice),
        lambda: synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), seconds, begin_s=float(dice.uniform(0, 6))),
        lambda: synthesis.cadence(synthesis.plan("de", Kind.BUSY), seconds),
        lambda: synthesis.silence(seconds),
    ]
    sent = [send(kinds[(0, 0, 1, 1, 0, 3, 2)[i % 7]](), dice, LAWS[i % 2], 0.02, -60.0) for i in range(lines)]
    frames = np.stack([line.frames[:ticks] for line in sent], axis=1)
    present = np.stack([line.arrives[:ticks] for line in sent], axis=1)
    detectors: Iterable[Detector] = (Tones(lines), Quiet(lines))
    bank = Bank(lines, list(detectors))
    for row in range(lines):
        bank.open(row)
    said: list[Hearing] = []
    worst = 0.0
    before = time.process_time()
    for tick in range(ticks):
        began = time.process_time()
        said += bank.push(frames[tick], present[tick], (tick + 1) * TICK_S)
        worst = max(worst, time.process_time() - began)
    spent = time.process_time() - before
    return {
        "lines": lines,
        "cpu_us_per_line_second": round(spent / (lines * seconds) * 1e6, 1),
        "lines_per_core": round(lines * seconds / spent),
        "worst_tick_cpu_ms": round(worst * 1000, 2),
        "hearings": len(said),
    }


def negatives(hours: float) -> dict[str, dict[str, object]]:
    """Both exposures, for `--json`."""
    sources = recordings()
    result: dict[str, dict[str, object]] = {}
    for name, seen, share in (("unseen", False, 0.7), ("seen", True, 0.3)):
        found = exposure([source for source in sources if source.seen is seen], hours * share)
        result[name] = {
            "hours": round(found.hours, 3), "source_hours": round(found.source_hours, 3), "false": found.false, "kinds": found.kinds,
            "per_hour_at_most": round(rate_at_most(found.false, found.hours), 3), "examples": found.examples,
        }  # fmt: skip
    return result


def show(found: dict[str, dict[str, dict[str, object]]], say: Console) -> None:
    """Print the tables for people."""
    table = Table("tone", "cases", "right", "95 % interval")
    for family, row in found["sweep"].items():
        table.add_row(family, str(row["cases"]), str(row["right"]), f"{row['low']}-{row['high']}")
    say.print(table)
    table = Table("speech and music", "hours", "of which different", "heard", "per hour, at most")
    for name, row in found["negatives"].items():
        table.add_row(name, str(row["hours"]), str(row["source_hours"]), str(row["false"]), str(row["per_hour_at_most"]))
    say.print(table)
    say.print(found["cost"])


def main() -> int:
    """Run the benchmark; 1 if a family is heard right less than 99 times in 100 or a core carries fewer than 300 lines."""
    parser = argparse.ArgumentParser(description="tones heard, missed and imagined, and the cost of listening")
    parser.add_argument("--cases", type=int, default=2000, help="cases of the sweep (default 2000)")
    parser.add_argument("--hours", type=float, default=1.0, help="hours of speech and music (default 1)")
    parser.add_argument("--lines", type=int, default=300, help="lines at once for the cost (default 300)")
    parser.add_argument("--early", action="store_true", help="also voices and music before the answer, as `bench.early`")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    if not PROMPTS.is_dir():
        print("bench.tones: no speech; apt-get install asterisk-core-sounds-en-wav asterisk-moh-opsound-wav espeak-ng", file=sys.stderr)
        return 2
    carried = cost(options.lines, 10.0)
    detection, false = sweep(options.cases), negatives(options.hours)
    before: dict[str, object] = {}
    if options.early:
        from bench.early import measure

        before = {"early": measure()}
    if options.json:
        print(json.dumps({"sweep": detection, "negatives": false, "cost": carried, **before, "seed": SEED, "machine": describe()}))
    else:
        say = Console()
        show({"sweep": detection, "negatives": false, "cost": {"cost": carried}}, say)
        say.print(before)
    worst = min(float(str(row["right"])) / float(str(row["cases"])) for row in detection.values())
    return int(worst < 0.99 or float(str(carried["lines_per_core"])) < 300)


if __name__ == "__main__":
    sys.exit(main())
