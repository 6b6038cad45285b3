"""What plays before the answer: how often a voice is told for one, and how often what is none is.

    python -m bench.early --json
    python -m bench.early --seed 305 --lines 300        # of each family

Lines of the test side (`early_lines.py`): voices, languages and albums that were not learnt from, levels of -40 to -10 dBm0, either law, up to 5 % loss, half of
them after ringing or a special information tone. Seeds up to 299 were looked at while building. Shares have exact 95 % intervals; those of lines of one voice or
album are not independent, so they hold for these sources. A line is on record as what tells most (`calls.ear.TELLING`), which is what is counted as `told`.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import Pool

import numpy as np

from bench.early_lines import FAMILIES, VOICES, Clip, clip
from bench.machine import describe
from bench.tones import clopper_pearson
from trunkline.calls.ear import CLASSES, TELLING
from trunkline.listen import FRAME, TICK_S, Bank, Hearing, Kind
from trunkline.listen.early import Early
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones

SEED, LINES, BATCH = 301, 200, 20
TOLD = (*FAMILIES, "sung", "over_music")
BEEP_HEARD_S = 0.8
"A line goes on so long after the beep, or it does not count as a mailbox."
SPOKEN = (Kind.ANNOUNCEMENT, Kind.MACHINE)


def heard(clips: Sequence[Clip]) -> list[list[Hearing]]:
    """What the studio's detectors say of each, not answered."""
    bank = Bank(len(clips), [Tones(len(clips)), Quiet(len(clips)), Early(len(clips))])
    for row in range(len(clips)):
        bank.open(row)
    samples, present = np.stack([one.samples for one in clips]), np.stack([one.present for one in clips])
    per_row: list[list[Hearing]] = [[] for _ in clips]
    for tick in range(present.shape[1]):
        for hearing in bank.push(samples[:, tick * FRAME : (tick + 1) * FRAME], present[:, tick], (tick + 1) * TICK_S):
            per_row[hearing.row].append(hearing)
    return per_row


def batch(job: tuple[str, int, range]) -> list[dict[str, object]]:
    """One row of results per line."""
    family, seed, numbers = job
    clips = [clip("test", family, number, seed) for number in numbers]
    found: list[dict[str, object]] = []
    for one, said in zip(clips, heard(clips), strict=True):
        if family == "voicemail" and not 0 <= one.beep_s <= len(one.present) * TICK_S - BEEP_HEARD_S:
            continue
        told = max(said, key=lambda hearing: TELLING.index(hearing.kind), default=None)
        voice = next((hearing for hearing in said if hearing.kind is Kind.ANNOUNCEMENT), None)
        tune = next((hearing for hearing in said if hearing.kind is Kind.MUSIC), None)
        found.append({
            "family": family, "source": one.source, "level_dbm0": one.level_dbm0, "loss": one.loss, "told": CLASSES.get(told.kind, told.kind.value) if told else "nothing",
            "voice": any(hearing.kind in SPOKEN for hearing in said), "tune": tune is not None, "rings": any(hearing.kind is Kind.RINGBACK for hearing in said),
            "mailbox": any(hearing.kind is Kind.MACHINE for hearing in said),
            "verdict_s": voice.said_s - one.began_s if voice else None, "began_error_s": voice.began_s - one.began_s if voice else None,
            "tune_s": tune.said_s - one.began_s if tune else None,
        })  # fmt: skip
    return found


def share(rows: Sequence[dict[str, object]], name: str) -> dict[str, object]:
    """How many of the lines, with the exact interval."""
    hits = sum(bool(row[name]) for row in rows)
    low, high = clopper_pearson(hits, len(rows))
    return {"of": len(rows), "count": hits, "share": round(hits / len(rows), 4), "low": round(low, 4), "high": round(high, 4)}


def percentiles(rows: Sequence[dict[str, object]], name: str) -> dict[str, float] | None:
    """Median and 95th percentile of what is known."""
    known = [float(str(row[name])) for row in rows if row[name] is not None]
    return {"p50": round(float(np.median(known)), 2), "p95": round(float(np.percentile(known, 95)), 2)} if known else None


def measure(seed: int = SEED, lines: int = LINES) -> dict[str, object]:
    """All families."""
    jobs = [(family, seed, range(first, min(first + BATCH, lines))) for family in TOLD for first in range(0, lines, BATCH)]
    with Pool(2) as pool:
        rows = [row for part in pool.map(batch, jobs, chunksize=1) for row in part]
    families: dict[str, object] = {}
    for family in TOLD:
        own = [row for row in rows if row["family"] == family]
        families[family] = {
            "voice": share(own, "voice"), "mailbox": share(own, "mailbox"), "tune": share(own, "tune"), "rings": share(own, "rings"),
            "told": dict(Counter(str(row["told"]) for row in own).most_common()), "verdict_s": percentiles(own, "verdict_s"),
            "began_error_s": percentiles(own, "began_error_s"), "tune_s": percentiles(own, "tune_s"),
            "wrong": dict(Counter(str(row["source"]) for row in own if bool(row["voice"]) is not (family in VOICES)).most_common(5)),
        }  # fmt: skip
    spoken = [row for row in rows if row["family"] in VOICES]
    by_level = {f"{low} to {low + 10} dBm0": share([row for row in spoken if low <= float(str(row["level_dbm0"])) < low + 10], "voice") for low in (-40, -30, -20)}
    by_loss = {f"{loss:.0%}": share([row for row in spoken if row["loss"] == loss], "voice") for loss in (0.0, 0.01, 0.05)}
    return {"seed": seed, "families": families, "voice_by_level": by_level, "voice_by_loss": by_loss}


def cost(lines: int = 300, seconds: float = 6.0) -> dict[str, float]:
    """CPU of a line heard for a second, microseconds, with and without `Early`, in turn: half announcements, the rest ringback, music and nothing."""
    clips = [clip("test", ("announcement", "ringback", "announcement", "music", "noise")[number % 5], number % 40, SEED) for number in range(lines)]
    samples, present = np.stack([one.samples for one in clips]), np.stack([one.present for one in clips])
    found: dict[str, list[float]] = {"with": [], "without": []}
    for turn in range(6):
        name = ("with", "without")[turn % 2]
        bank = Bank(lines, [Tones(lines), Quiet(lines), *([Early(lines)] if turn % 2 == 0 else [])])
        for row in range(lines):
            bank.open(row)
        began = time.process_time()
        for tick in range(round(seconds / TICK_S)):
            bank.push(samples[:, tick * FRAME : (tick + 1) * FRAME], present[:, tick], (tick + 1) * TICK_S)
        found[name].append((time.process_time() - began) / (lines * seconds) * 1e6)
    return {f"{name}_us_per_line_second": round(float(np.median(values)), 1) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--lines", type=int, default=LINES, help="of each family (default 200)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args()
    result = {**measure(options.seed, options.lines), "cost": cost(), "machine": describe()}
    if options.json:
        print(json.dumps(result))
        return
    families = result["families"]
    assert isinstance(families, dict)
    for family, row in families.items():
        print(f"{family:13s} voice {row['voice']['count']}/{row['voice']['of']} ({row['voice']['low']}-{row['voice']['high']}) told {row['told']} {row['verdict_s']}")
    print(result["voice_by_level"], result["voice_by_loss"], result["cost"], sep="\n", file=sys.stdout)


if __name__ == "__main__":
    main()
