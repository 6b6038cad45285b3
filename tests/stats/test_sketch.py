import numpy as np
import pytest

from trunkline.stats import Sketch


def test_quantiles_are_right_to_a_twentieth() -> None:
    values = np.random.default_rng(1).lognormal(7.5, 0.6, 5000)
    sketch = Sketch()
    for value in values:
        sketch.add(float(value))
    for p in (0.1, 0.5, 0.9, 0.99):
        assert sketch.quantile(p) == pytest.approx(np.quantile(values, p), rel=0.06)


def test_forgetting_lets_the_new_prevail() -> None:
    sketch = Sketch()
    for _ in range(100):
        sketch.add(1000.0)
    sketch.scale(0.1)
    for _ in range(20):
        sketch.add(5000.0)
    assert sketch.quantile(0.5) == pytest.approx(5000, rel=0.06)


def test_nothing_known_has_no_quantile_and_the_far_out_counts_at_the_edge() -> None:
    sketch = Sketch()
    assert sketch.quantile(0.5) is None
    sketch.add(0.0)
    sketch.add(1e9)
    assert sketch.quantile(0.1) == pytest.approx(1.05, rel=0.06)
    assert sketch.quantile(0.9) == pytest.approx(73_000, rel=0.1)


def test_what_was_dumped_is_known_again() -> None:
    sketch, again = Sketch(), Sketch()
    for value in (10.0, 200.0, 3000.0):
        sketch.add(value)
    again.load(sketch.dump())
    assert again.quantile(0.5) == sketch.quantile(0.5)
