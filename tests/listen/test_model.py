"""Trees judged all at once say what a walk down each of them says; ring times are weighed by Bayes' rule where they are known."""

import numpy as np
import pytest

from trunkline.listen.model import CLASSES, Model, RingTimes, Tree, Weights, shipped

NAMES = ["a", "b", "c", "ring_time_s", "ring_known"]
STUMP = Tree([-1], [0.0], [0], [0])


def grown(rng: np.random.Generator, leaves: int) -> Tree:
    """A tree of random shape."""
    feature, threshold, left, right = [-1], [float(rng.normal())], [0], [0]
    while feature.count(-1) < leaves:
        node = int(rng.choice([number for number, what in enumerate(feature) if what < 0]))
        feature[node], threshold[node] = int(rng.integers(3)), float(rng.normal())
        left[node], right[node] = len(feature), len(feature) + 1
        for _ in range(2):
            feature.append(-1)
            threshold.append(float(rng.normal()))
            left.append(0)
            right.append(0)
    return Tree(feature, threshold, left, right)


def walked(tree: Tree, row: np.ndarray) -> float:
    node = 0
    while tree.feature[node] >= 0:
        node = tree.left[node] if row[tree.feature[node]] <= tree.threshold[node] else tree.right[node]
    return tree.threshold[node]


def test_trees_judged_at_once_say_what_a_walk_says() -> None:
    rng = np.random.default_rng(5)
    forests = [[grown(rng, int(rng.integers(1, 9))) for _ in range(int(rng.integers(1, 12)))] for _ in CLASSES]
    bias = [0.3, -0.2, 0.1, 0.5]
    rows = rng.normal(size=(200, len(NAMES))).astype(np.float32).astype(np.float64)
    rows[:, 3:] = 0
    found = Model(Weights(NAMES, bias, forests, "test"))(rows)
    for row, chances in zip(rows, found, strict=True):
        logits = [start + sum(walked(tree, row) for tree in forest) for start, forest in zip(bias, forests, strict=True)]
        human = 1 / (1 + np.exp(-logits[0]))
        others = np.exp(logits[1:]) / np.sum(np.exp(logits[1:]))
        assert chances == pytest.approx([human, *((1 - human) * others)], abs=1e-6)


def test_a_value_on_the_threshold_goes_left() -> None:
    tree = Tree([0, -1, -1], [0.5, 1.0, -1.0], [1, 0, 0], [2, 0, 0])
    model = Model(Weights(["a"], [0.0] * 4, [[tree], [], [], []], "test"))
    assert model(np.array([[0.5], [0.51]]))[:, 0] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.e)])


def test_a_tree_of_more_than_eight_leaves_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 8 leaves"):
        Model(Weights(NAMES, [0.0] * 4, [[grown(np.random.default_rng(1), 9)], [], [], []], "test"))


def test_weights_for_other_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 classes"):
        Model(Weights(NAMES, [0.0] * 3, [[]] * 3, "test"))


def test_a_known_ring_time_is_weighed_and_an_unknown_one_is_not() -> None:
    ring = RingTimes([10.0], np.log([[0.8, 0.2], [0.4, 0.6], [0.4, 0.6], [0.4, 0.6]]).tolist())
    model = Model(Weights(NAMES, [0.0] * 4, [[STUMP]] * 4, "test", ring))
    short, long, unknown = model(np.array([[0, 0, 0, 5.0, 1], [0, 0, 0, 10.0, 1], [0, 0, 0, 0.0, 0]]))[:, 0]
    assert unknown == pytest.approx(0.5)
    assert short == pytest.approx(0.8 / 1.2)
    assert long == pytest.approx(0.2 / 0.8)


def test_the_shipped_model_lets_a_ring_time_speak_for_a_human_only() -> None:
    model = shipped()
    ring_time_s, ring_known = (model.features.index(name) for name in ("ring_time_s", "ring_known"))
    rows = np.random.default_rng(2).normal(0, 2, (300, len(model.features)))
    rows[:, ring_known] = 0
    heard = model(rows)
    odds, kinds = heard[:, 0] / (1 - heard[:, 0]), heard[:, 1:] / heard[:, 1:].sum(axis=1, keepdims=True)
    rows[:, ring_time_s] = 24.0
    assert (model(rows) == heard).all(), "a ring time that is not known says nothing"
    rows[:, ring_known] = 1
    for seconds, most in ((0.3, 1.0), (1.0, 1.0), (3.0, 1.0), (9.0, 2.0), (20.0, 1.0), (50.0, 1.0)):
        rows[:, ring_time_s] = seconds
        told = model(rows)
        more = told[:, 0] / (1 - told[:, 0]) / odds
        assert more == pytest.approx(np.full(300, most), rel=0.02)
        assert told[:, 1:] / told[:, 1:].sum(axis=1, keepdims=True) == pytest.approx(kinds)
