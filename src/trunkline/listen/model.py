"""Who answered, as probabilities: boosted trees, by numpy alone.

Three steps, each with weights of its own in `weights.json`, made by `python -m bench.train` from the corpus that it builds:

    by ear       what was heard since the answer: human or not, and if not, which kind; knows no ring time
    ring time    how likely each class makes it, multiplied in by Bayes' rule where the ring time is known

The weights have seen synthetic calls only. The table of ring times is an assumption of the corpus, so it may speak for a human, at most two to one, never
against one, and not of kinds of machines. It is kept apart from what is heard, and a table counted on real calls can take its place.

Trees are judged all at once: every node of every tree is compared, the answers that rule leaves out are struck from a bit mask per tree, and the
lowest bit left is the leaf (QuickScorer, Lucchese et al., SIGIR 2015). It costs fewer and larger steps of numpy than walking down.
"""

from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

CLASSES: Final = ("human", "voicemail", "announcement", "assistant")
Probabilities = NDArray[np.float64]
"[k, len(CLASSES)], rows add up to 1."

MOST_LEAVES: Final = 8
"""One bit each in a mask of eight."""
LOWEST_BIT: Final = np.array([(mask & -mask).bit_length() - 1 if mask else 0 for mask in range(256)], np.uint8)


class Tree(Struct, frozen=True):
    """One tree, a list per column and an entry per node; node 0 is the root. At most eight leaves."""

    feature: list[int]
    "Which input; -1 for a leaf."
    threshold: list[float]
    "At most this goes left. For a leaf: what it adds."
    left: list[int]
    right: list[int]


class RingTimes(Struct, frozen=True):
    """How likely each class makes each ring time."""

    edges_s: list[float]
    "Ascending; a time equal to an edge lies above it."
    log_share: list[list[float]]
    "[len(CLASSES)][len(edges_s) + 1]: logarithm of the share of the class's calls; only differences between classes count."


class Weights(Struct, frozen=True):
    """What training left behind."""

    features: list[str]
    "Names of the inputs; must be those of `greeting.FEATURES`."
    bias: list[float]
    "[len(CLASSES)], before any tree: logit of a human; of the others, logits among themselves."
    trees: list[list[Tree]]
    "Per class; their leaves are added to the bias."
    made: str
    "How."
    ring: RingTimes = RingTimes([], [[0.0]] * len(CLASSES))
    "By default a ring time says nothing."


class Model:
    """Features in, probabilities out. Raises ValueError when the weights are for other classes or a tree has too many leaves."""

    def __init__(self, weights: Weights) -> None:
        if not len(weights.bias) == len(weights.trees) == len(weights.ring.log_share) == len(CLASSES):
            raise ValueError(f"weights for {len(weights.bias)} classes, not {len(CLASSES)}")
        self.features = tuple(weights.features)
        self._bias = np.array(weights.bias)
        trees = [tree for forest in weights.trees for tree in forest]
        shape = (MOST_LEAVES - 1, len(trees))
        self._feature, self._threshold = np.zeros(shape, np.intp), np.full(shape, np.inf, np.float32)
        self._struck = np.full(shape, 0xFF, np.uint8)
        "Leaves that stay when the node is passed on the right."
        self._leaf = np.zeros((len(trees), MOST_LEAVES))
        for number, tree in enumerate(trees):
            self._plant(number, tree)
        ends = np.cumsum([0] + [len(forest) for forest in weights.trees]).tolist()
        self._forests = tuple(slice(begin, end) for begin, end in pairwise(ends))
        self._tree = np.arange(len(trees))
        self._ring_edges_s, self._ring = np.array(weights.ring.edges_s), np.array(weights.ring.log_share).T
        self._ring_columns = tuple(weights.features.index(name) if name in weights.features else -1 for name in ("ring_time_s", "ring_known"))

    def _plant(self, number: int, tree: Tree) -> None:
        """Number the leaves from the left; passing a node on the right strikes the leaves on its left."""
        if tree.feature.count(-1) > MOST_LEAVES:
            raise ValueError(f"a tree with more than {MOST_LEAVES} leaves")
        nodes = 0

        def grow(node: int, leaves: int) -> int:
            nonlocal nodes
            if tree.feature[node] < 0:
                self._leaf[number, leaves] = tree.threshold[node]
                return leaves + 1
            middle = grow(tree.left[node], leaves)
            self._feature[nodes, number] = tree.feature[node]
            self._threshold[nodes, number] = tree.threshold[node]
            self._struck[nodes, number] = 0xFF & ~((1 << middle) - (1 << leaves))
            nodes += 1
            return grow(tree.right[node], middle)

        grow(0, 0)

    def __call__(self, features: NDArray[np.float64]) -> Probabilities:
        """[k, features] to [k, len(CLASSES)]."""
        logits = self._bias + self._sums(features)
        others = np.exp(logits[:, 1:] - logits[:, 1:].max(axis=1, keepdims=True))
        human = 1 / (1 + np.exp(-np.clip(logits[:, :1], -30, 30)))
        chances = np.concatenate([human, (1 - human) * others / others.sum(axis=1, keepdims=True)], axis=1)
        return self._ring_told(chances, features)

    def _sums(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        right = features.astype(np.float32)[:, self._feature] > self._threshold
        left = np.bitwise_and.reduce(np.where(right, self._struck, np.uint8(0xFF)), axis=1)
        leaves = self._leaf[self._tree, LOWEST_BIT[left]]
        return np.stack([leaves[:, forest].sum(axis=1) for forest in self._forests], axis=1)

    def _ring_told(self, chances: Probabilities, features: NDArray[np.float64]) -> Probabilities:
        time, known = self._ring_columns
        if time < 0 or not features[:, known].any():
            return np.asarray(chances)
        bins = np.searchsorted(self._ring_edges_s, features[:, time], side="right")
        weighted = chances * np.where(features[:, known, None] > 0, np.exp(self._ring[bins]), 1.0)
        return np.asarray(weighted / weighted.sum(axis=1, keepdims=True))


@cache
def shipped() -> Model:
    """The model that comes with Trunkline. Raises msgspec.DecodeError when its file is damaged."""
    return Model(msgspec.json.decode((files(__package__) / "weights.json").read_bytes(), type=Weights))
