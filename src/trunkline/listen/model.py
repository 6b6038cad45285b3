"""Who answered, as probabilities: boosted trees, by numpy alone.

The weights are data (`weights.json`), made by `python -m bench.train` from the corpus that it builds. They have seen synthetic calls only.
"""

from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

CLASSES: Final = ("human", "voicemail", "announcement", "assistant")
Probabilities = NDArray[np.float64]
"[k, len(CLASSES)], rows add up to 1."


class Tree(Struct, frozen=True):
    """One tree, a list per column and an entry per node; node 0 is the root."""

    feature: list[int]
    "Which input; -1 for a leaf."
    threshold: list[float]
    "At most this goes left. For a leaf: what it adds."
    left: list[int]
    right: list[int]


class Weights(Struct, frozen=True):
    """What training left behind."""

    features: list[str]
    "Names of the inputs; must be those of `greeting.FEATURES`."
    bias: list[float]
    "[len(CLASSES)], before any tree."
    trees: list[list[Tree]]
    "Per class; their leaves add up to the class's logit."
    made: str
    "How."


class Model:
    """Features in, probabilities out. Raises ValueError when the weights are for other classes."""

    def __init__(self, weights: Weights) -> None:
        if not len(weights.bias) == len(weights.trees) == len(CLASSES):
            raise ValueError(f"weights for {len(weights.bias)} classes, not {len(CLASSES)}")
        self.features = tuple(weights.features)
        self._bias = np.array(weights.bias)
        trees = [tree for forest in weights.trees for tree in forest]
        most = max((len(tree.feature) for tree in trees), default=1)
        shape = (len(trees), most)
        self._feature, self._next = np.full(shape, -1, np.intp), np.zeros((*shape, 2), np.intp)
        self._threshold = np.zeros(shape)
        for number, tree in enumerate(trees):
            size = len(tree.feature)
            self._feature[number, :size] = tree.feature
            self._threshold[number, :size] = tree.threshold
            self._next[number, :size] = np.stack([tree.left, tree.right], axis=1)
        self._class = np.repeat(np.arange(len(CLASSES)), [len(forest) for forest in weights.trees])
        self._tree = np.arange(len(trees))

    def __call__(self, features: NDArray[np.float64]) -> Probabilities:
        """[k, features] to [k, len(CLASSES)]."""
        rows = np.arange(len(features))[:, None]
        node = np.zeros((len(features), len(self._tree)), np.intp)
        while True:
            feature = self._feature[self._tree, node]
            inner = feature >= 0
            if not inner.any():
                break
            right = features[rows, feature] > self._threshold[self._tree, node]
            node = np.where(inner, self._next[self._tree, node, right.astype(np.intp)], node)
        leaves = self._threshold[self._tree, node]
        logits = self._bias + np.stack([leaves[:, self._class == number].sum(axis=1) for number in range(len(CLASSES))], axis=1)
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@cache
def shipped() -> Model:
    """The model that comes with Trunkline. Raises msgspec.DecodeError when its file is damaged."""
    return Model(msgspec.json.decode((files(__package__) / "weights.json").read_bytes(), type=Weights))
