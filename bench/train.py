"""Trains `trunkline/listen/weights.json` on the training side of the corpus.

    pip install scikit-learn scipy
    python -m bench.train --seeds 11,12,13,14,15,16,17,19,20

The test side is never touched: what is chosen is chosen by holding out languages of the training side in turn (`--compare`), voices with them. The
same seeds give the same weights on the same versions of numpy and scikit-learn.

By ear and by ring time are trained apart. The corpus invents its ring times, so no tree sees one: they are counted, what they may say is bounded, and
the model multiplies the two together.
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
from trunkline.listen.detector import TICK_S
from trunkline.listen.greeting import FEATURES
from trunkline.listen.model import CLASSES, MOST_LEAVES, Model, RingTimes, Tree, Weights

WEIGHTS = Path(trunkline.listen.__file__).parent / "weights.json"
ROUNDS, KIND_ROUNDS, RATE, L2 = 150, 60, 0.08, 5.0
UNUSED = (
    "tilt_db", "tilt_spread_db", "change", "change_spread", "pitch_hz", "pitch_spread_st", "pitch_end_st", "level_dbm0", "level_spread_db",
    "syllables_per_s", "early_media", "ring_time_s", "ring_known",
)  # fmt: skip
"""Measured and shown, not judged by: how a synthetic voice sounds says nothing about people, and languages held out came out no worse."""
HUMAN_UNTIL_S = 6.0
"Whether it is a human is judged before that; which kind of machine it was, until its greeting is over."
KEPT = 0.5
"Share of the checkpoints trained on: those of one call are much alike, and more calls teach more than more checkpoints."
FOR_A_HUMAN = 2.0
FEWEST_CALLS = 60
"Fewer that rang so long say nothing."
EDGES_S = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 13.0, 16.0, 19.0, 22.0, 25.0, 29.0, 35.0)


class Examples(NamedTuple):
    """Checkpoints of many calls, and their ring times."""

    features: NDArray[np.float64]
    label: NDArray[np.int64]
    weight: NDArray[np.float64]
    "Calls with many checkpoints do not outweigh those with few."
    language: NDArray[np.str_]
    at_s: NDArray[np.float64]
    call: NDArray[np.intp]
    "Which call, numbered from 0 in each part."

    def only(self, rows: NDArray[np.bool_]) -> "Examples":
        return Examples(self.features[rows], self.label[rows], self.weight[rows], self.language[rows], self.at_s[rows], self.call[rows])


def examples(items: Sequence[Item]) -> Examples:
    """Every checkpoint of every item, with its ring time."""
    watching = Watching(len(items))
    run(watching, items)
    seen = [checkpoint for checkpoint in watching.seen if len(checkpoint.rows)]
    rows = np.concatenate([checkpoint.rows for checkpoint in seen])
    at_s = np.concatenate([np.full(len(checkpoint.rows), checkpoint.tick * TICK_S) for checkpoint in seen])
    features = np.concatenate([checkpoint.features for checkpoint in seen])
    weight = 1 / np.sqrt(np.bincount(rows, minlength=len(items))[rows])
    every = Examples(features, classes(items)[rows], weight, np.array([item.language for item in items])[rows], at_s, rows)
    return every.only(np.random.default_rng(0).random(len(rows)) < KEPT)


def fit(data: Examples, rounds: int = ROUNDS, leaves: int = MOST_LEAVES) -> Weights:
    """Fit the trees and count the ring times."""
    inputs = data.features.copy()
    inputs[:, [FEATURES.index(name) for name in UNUSED]] = 0
    early, machine = data.at_s <= HUMAN_UNTIL_S, data.label > 0
    human = boosted(inputs[early], data.label[early] == 0, data.weight[early], rounds, leaves)
    kinds = boosted(inputs[machine], data.label[machine], data.weight[machine], KIND_ROUNDS, leaves)
    trees = [[tree(nodes) for nodes in forest] for forest in (*forests(human), *forests(kinds))]
    bias = np.concatenate([human._baseline_prediction.ravel(), kinds._baseline_prediction.ravel()])
    how = f"bench.train, scikit-learn {sklearn.__version__}, {len(data.label)} checkpoints, {rounds} and {KIND_ROUNDS} rounds of {leaves} leaves"
    return Weights(list(FEATURES), np.round(bias, 4).tolist(), trees, how, ring_times(data))


def boosted(inputs: NDArray[np.float64], label: NDArray[np.generic], weight: NDArray[np.float64], rounds: int, leaves: int) -> HistGradientBoostingClassifier:
    """Trees, each correcting the ones before."""
    trained = HistGradientBoostingClassifier(
        max_iter=rounds, max_leaf_nodes=leaves, learning_rate=RATE, l2_regularization=L2, min_samples_leaf=60, early_stopping=False, random_state=0
    )
    return trained.fit(inputs, label, sample_weight=weight)


def forests(trained: HistGradientBoostingClassifier) -> list[list[NDArray[np.void]]]:
    """Trees per class; one forest where there are two classes."""
    return [[forest[number].nodes for forest in trained._predictors] for number in range(len(trained._predictors[0]))]


def tree(nodes: NDArray[np.void]) -> Tree:
    """One tree of scikit-learn as ours. Four decimals are enough, and make the file small."""
    leaf = nodes["is_leaf"].astype(bool)
    threshold = np.round(np.where(leaf, nodes["value"], nodes["num_threshold"]), 4)
    return Tree(np.where(leaf, -1, nodes["feature_idx"]).tolist(), threshold.tolist(), nodes["left"].tolist(), nodes["right"].tolist())


def ring_times(data: Examples) -> RingTimes:
    """What a ring time says for a human: his share of calls against that of all others, at most `FOR_A_HUMAN` to one and never against him.

    Someone who holds his phone answers as soon as a mailbox that is switched on, and some let it ring until the mailbox would come. The corpus invents
    how many do, and an invention may spare a human and must not cost one. Of which machine it is it says nothing either.
    """
    _, first = np.unique(np.stack([data.call, data.label], axis=1), axis=0, return_index=True)
    bins = np.searchsorted(EDGES_S, data.features[first, FEATURES.index("ring_time_s")], side="right")
    human = data.label[first] == 0
    counts = np.stack([np.bincount(bins[among], minlength=len(EDGES_S) + 1) for among in (human, ~human)])
    shares = (counts + 1.0) / (counts + 1.0).sum(axis=1, keepdims=True)
    others = np.where(counts.sum(axis=0) < FEWEST_CALLS, 0.0, np.clip(np.log(shares[1] / shares[0]), -np.log(FOR_A_HUMAN), 0.0))
    return RingTimes(list(EDGES_S), [[0.0] * len(others), *[np.round(others, 2).tolist()] * (len(CLASSES) - 1)])


def compare(data: Examples) -> None:
    """Log loss of "a human" by ear, with each language held out in turn."""
    for rounds, leaves in ((75, 8), (150, 8), (300, 8), (150, 4)):
        losses = []
        for language in sorted(set(data.language)):
            out = (data.language == language) & (data.at_s <= HUMAN_UNTIL_S)
            weights = msgspec.structs.replace(fit(data.only(data.language != language), rounds, leaves), ring=RingTimes([], [[0.0]] * len(CLASSES)))
            human = np.clip(Model(weights)(data.features[out])[:, 0], 1e-4, 1 - 1e-4)
            losses.append(-np.average(np.where(data.label[out] == 0, np.log(human), np.log(1 - human)), weights=data.weight[out]))
        print(f"rounds {rounds:3} leaves {leaves:2} log loss {np.mean(losses):.4f}", file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--seeds", default="11,12,13,14,15,16,17,19,20")
    parser.add_argument("--compare", action="store_true", help="compare settings instead of writing weights")
    arguments = parser.parse_args()
    parts = [examples(build_side("train", arguments.items, int(seed))) for seed in arguments.seeds.split(",")]
    parts = [part._replace(call=part.call + number * arguments.items) for number, part in enumerate(parts)]
    data = Examples(*(np.concatenate(values) for values in zip(*parts, strict=True)))
    print(f"{len(data.label)} checkpoints", file=sys.stderr)
    if arguments.compare:
        compare(data)
        return
    WEIGHTS.write_bytes(msgspec.json.encode(fit(data)) + b"\n")


if __name__ == "__main__":
    main()
