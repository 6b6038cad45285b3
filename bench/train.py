"""Trains `trunkline/listen/weights.json` on the training side of the corpus.

    pip install scikit-learn scipy
    python -m bench.train --seeds 1,2,3,4

The test side is never touched. Languages are held out in turn to compare settings (`--compare`). The same seed gives the same weights on the
same versions of numpy and scikit-learn.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier

import trunkline.listen
from bench.corpus import Item, build_side
from bench.watching import Watching, classes, run
from trunkline.listen.greeting import FEATURES
from trunkline.listen.model import CLASSES, Model, Tree, Weights

WEIGHTS = Path(trunkline.listen.__file__).parent / "weights.json"
ROUNDS, LEAVES, RATE, L2 = 80, 8, 0.08, 5.0
UNUSED = (
    "tilt_db", "tilt_spread_db", "change", "change_spread", "pitch_hz", "pitch_spread_st", "pitch_end_st", "level_dbm0", "level_spread_db",
    "syllables_per_s", "early_media",
)  # fmt: skip
"""Measured and shown, not judged by: how a synthetic voice sounds says nothing about people, and languages held out came out no worse."""
LAST_S = 7.0
"Checkpoints after that are not trained on: who speaks again then was judged before."
RING = [FEATURES.index(name) for name in ("ring_time_s", "ring_known")]


class Examples(NamedTuple):
    """Checkpoints of many calls."""

    features: NDArray[np.float64]
    label: NDArray[np.int64]
    weight: NDArray[np.float64]
    "Calls with many checkpoints do not outweigh those with few."
    language: NDArray[np.str_]


def examples(items: Sequence[Item]) -> Examples:
    """Every checkpoint of every item, once with and once without the ring time."""
    watching = Watching(len(items))
    run(watching, items)
    seen = [checkpoint for checkpoint in watching.seen if checkpoint.tick * 0.02 <= LAST_S or (checkpoint.gap >= 60).any()]
    rows = np.concatenate([checkpoint.rows for checkpoint in seen])
    features = np.concatenate([checkpoint.features for checkpoint in seen])
    weight = 1 / np.sqrt(np.bincount(rows, minlength=len(items))[rows])
    blind = features.copy()
    blind[:, RING] = 0
    label, language = classes(items)[rows], np.array([item.language for item in items])[rows]
    return Examples(np.concatenate([features, blind]), np.tile(label, 2), np.concatenate([weight, 0.5 * weight]), np.tile(language, 2))


def fit(data: Examples, rounds: int = ROUNDS, leaves: int = LEAVES) -> Weights:
    """Fit the trees."""
    inputs = data.features.copy()
    inputs[:, [FEATURES.index(name) for name in UNUSED]] = 0
    trained = HistGradientBoostingClassifier(max_iter=rounds, max_leaf_nodes=leaves, learning_rate=RATE, l2_regularization=L2, early_stopping=False, random_state=0)
    trained.fit(inputs, data.label, sample_weight=data.weight)
    trees = [[tree(forest[number].nodes) for forest in trained._predictors] for number in range(len(CLASSES))]
    how = f"bench.train, scikit-learn {sklearn.__version__}, {len(data.label)} checkpoints, {rounds} rounds of {leaves} leaves"
    return Weights(list(FEATURES), np.round(trained._baseline_prediction.ravel(), 4).tolist(), trees, how)


def tree(nodes: NDArray[np.void]) -> Tree:
    """One tree of scikit-learn as ours. Four decimals are enough, and make the file small."""
    leaf = nodes["is_leaf"].astype(bool)
    threshold = np.round(np.where(leaf, nodes["value"], nodes["num_threshold"]), 4)
    return Tree(np.where(leaf, -1, nodes["feature_idx"]).tolist(), threshold.tolist(), nodes["left"].tolist(), nodes["right"].tolist())


def compare(data: Examples) -> None:
    """Log loss with each language held out in turn."""
    for rounds, leaves in ((40, 8), (80, 8), (160, 8), (80, 4), (80, 16)):
        losses = []
        for language in sorted(set(data.language)):
            out = data.language == language
            human = np.clip(Model(fit(Examples(*(values[~out] for values in data)), rounds, leaves))(data.features[out])[:, 0], 1e-4, 1 - 1e-4)
            is_human = data.label[out] == CLASSES.index("human")
            losses.append(-np.average(np.where(is_human, np.log(human), np.log(1 - human)), weights=data.weight[out]))
        print(f"rounds {rounds:3} leaves {leaves:2} log loss {np.mean(losses):.4f}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--seeds", default="1,2,3,4")
    parser.add_argument("--compare", action="store_true", help="compare settings instead of writing weights")
    arguments = parser.parse_args()
    parts = [examples(build_side("train", arguments.items, int(seed))) for seed in arguments.seeds.split(",")]
    data = Examples(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    print(f"{len(data.label)} checkpoints", file=sys.stderr)
    if arguments.compare:
        compare(data)
        return
    WEIGHTS.write_bytes(msgspec.json.encode(fit(data)) + b"\n")


if __name__ == "__main__":
    main()
