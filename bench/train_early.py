"""Trains `trunkline/listen/early.json` on the training side of the lines before an answer.

    pip install scikit-learn scipy
    python -m bench.train_early --seeds 201,202,203

Voices, languages and albums of the test side are never touched. What is learnt is a linear model of three classes (voice, tune, neither), so that what it
goes by can be read in the file. Lines of one class weigh as much as those of another.
"""

import argparse
import sys
from multiprocessing import Pool
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

import trunkline.listen
from bench.early_lines import FAMILIES, TUNES, VOICES, Clip, clip
from trunkline.listen.detector import FRAME, TICK_S, Rows
from trunkline.listen.early import EVERY_TICKS, FEATURES, KINDS, Early, EarlyWeights
from trunkline.listen.hearing import Hearing

WEIGHTS = Path(trunkline.listen.__file__).parent / "early.json"
COUNTS = {"announcement": 300, "voicemail": 100, "music": 260, "jingle": 60, "song": 200, "singing": 60, "ringback": 120, "tone": 120, "noise": 80}
KNOWN_S = 1.2
"What has lasted for less is not learnt from: most of what is remembered is still what was before."
BATCH = 20


class Examples(NamedTuple):
    """Judgements of many lines."""

    features: NDArray[np.float32]
    label: NDArray[np.int64]


class Watching(Early):
    """Notes what the model would see, and never says anything."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows, EarlyWeights(list(FEATURES), [[0.0] * len(FEATURES)] * len(KINDS), [0.0] * len(KINDS), "nothing"))
        self.seen: list[tuple[Rows, float, NDArray[np.float32]]] = []

    def _judge(self, now: float, said: list[Hearing]) -> None:
        rows = self._due()
        if len(rows):
            self.seen.append((rows, now, self.features(rows)))


def played(detector: Early, clips: list[Clip]) -> list[Hearing]:
    """What a detector alone says of clips, a line each."""
    detector.open(np.arange(len(clips), dtype=np.intp))
    samples, present = np.stack([one.samples for one in clips]), np.stack([one.present for one in clips])
    said: list[Hearing] = []
    for tick in range(present.shape[1]):
        frames = samples[:, tick * FRAME : (tick + 1) * FRAME] * np.float32(1 / 32768) * present[:, tick, None]
        said += detector.push(frames.astype(np.float32), present[:, tick], (tick + 1) * TICK_S)
    return said


def label(one: Clip, at_s: float) -> int:
    """Index into `KINDS` of what a judgement ought to be, -1 where it is between two."""
    if one.family in VOICES:
        return 2 if at_s < one.began_s else 0 if one.began_s + KNOWN_S < at_s < one.end_s else -1
    if one.family in TUNES or one.family == "singing":
        return 2 if at_s < one.began_s else 1 if at_s > one.began_s + KNOWN_S else -1
    return 2


def batch(job: tuple[str, int, int]) -> Examples:
    """Watch some lines of one family."""
    family, seed, first = job
    clips = [clip("train", family, number, seed) for number in range(first, min(first + BATCH, COUNTS[family]))]
    watching = Watching(len(clips))
    played(watching, clips)
    features = np.concatenate([values for _, _, values in watching.seen] or [np.zeros((0, len(FEATURES)), np.float32)])
    labels = np.array([label(clips[row], now) for rows, now, _ in watching.seen for row in rows], np.int64)
    return Examples(features, labels)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", default="201,202,203")
    seeds = [int(seed) for seed in parser.parse_args().seeds.split(",")]
    jobs = [(family, seed, first) for seed in seeds for family in FAMILIES for first in range(0, COUNTS[family], BATCH)]
    with Pool(2) as pool:
        parts = pool.map(batch, jobs, chunksize=1)
    features, labels = np.concatenate([part.features for part in parts]), np.concatenate([part.label for part in parts])
    known = labels >= 0
    features, labels = features[known], labels[known]
    mean, width = features.mean(axis=0), features.std(axis=0)
    model = LogisticRegression(max_iter=3000, C=1.0, class_weight="balanced").fit((features - mean) / width, labels)
    scaled = model.coef_ / width
    made = f"bench.train_early --seeds {','.join(map(str, seeds))}, scikit-learn {sklearn.__version__}, {len(labels)} judgements {EVERY_TICKS * TICK_S:g} s apart"
    weights = EarlyWeights(list(FEATURES), [[round(float(value), 5) for value in row] for row in scaled], [round(float(value), 5) for value in model.intercept_ - scaled @ mean], made)
    WEIGHTS.write_bytes(msgspec.json.format(msgspec.json.encode(weights)) + b"\n")
    print(f"right of those learnt from: {model.score((features - mean) / width, labels):.4f}", file=sys.stderr)


if __name__ == "__main__":
    main()
