"""The estimators against cases that can be worked out, and against their own promise of coverage."""

from math import sqrt

import numpy as np
import pytest

from trunkline.insight.estimate import Sample, figure, ratio, sample_of, together, weighted, why_not

A, B = {"a": 1.0}, {"b": 1.0}


def drawn(random: np.random.Generator, calls: int, p: float, pi: float) -> tuple[Sample, np.ndarray]:
    """Two routes: `a` tried with chance p, wanted with chance pi; it answers 0.3 of the calls, `b` 0.6."""
    takes_a = random.random(calls) < p
    values = (random.random(calls) < np.where(takes_a, 0.3, 0.6)).astype(float)
    after, before = {"a": pi, "b": 1 - pi}, {"a": p, "b": 1 - p}
    return sample_of([("a" if each else "b", after, before) for each in takes_a], {}), values


def test_weights_are_the_ratio_of_the_chances() -> None:
    sample = sample_of([("a", {"a": 0.2, "b": 0.8}, {"a": 0.5, "b": 0.5}), ("b", {"a": 0.2, "b": 0.8}, {"a": 0.5, "b": 0.5})] * 50, {})
    known = weighted(sample)
    assert known.weights.tolist() == pytest.approx([0.4, 1.6] * 50)
    assert known.effective == pytest.approx(100 * 100 / (50 * 0.16 + 50 * 2.56))
    assert known.overlap == pytest.approx(1.0)
    values = np.array([0.0, 1.0] * 50)
    assert known.mean(values)[0] == pytest.approx(0.8)


def test_weights_are_clipped_at_the_square_root_of_the_calls() -> None:
    rare = [("a", A, {"a": 0.001, "b": 0.999})] + [("b", A, {"a": 0.001, "b": 0.999})] * 99
    known = weighted(sample_of(rare, {}))
    assert known.effective == pytest.approx(1.0)
    both = [("a", {"a": 0.9, "b": 0.1}, {"a": 0.001, "b": 0.999})] + [("b", {"a": 0.9, "b": 0.1}, {"a": 0.001, "b": 0.999})] * 99
    weights = weighted(sample_of(both, {})).weights
    assert weights[0] / weights[1] == pytest.approx(sqrt(100) / (0.1 / 0.999))


def test_intervals_cover_what_they_say() -> None:
    random = np.random.default_rng(5)
    truth, inside, changes, widths = 0.8 * 0.3 + 0.2 * 0.6, 0, 0, []
    change = truth - (0.3 * 0.3 + 0.7 * 0.6)
    for _ in range(400):
        sample, values = drawn(random, 400, 0.3, 0.8)
        known = weighted(sample)
        after, influence = known.mean(values)
        found = figure(values, after, influence, known.effective)
        assert found.low is not None
        assert found.high is not None
        inside += found.low <= truth <= found.high
        changes += found.change_low <= change <= found.change_high  # type: ignore[operator]
        widths.append(found.high - found.low)
    assert 0.92 <= inside / 400 <= 0.98
    assert 0.92 <= changes / 400 <= 0.98
    assert np.mean(widths) < 0.2


def test_it_is_right_although_the_means_of_the_routes_are_wrong() -> None:
    """Hard calls go to `b` by the log's policy: its mean is theirs, and the propensities know."""
    random = np.random.default_rng(6)
    hard = random.random(20_000) < 0.5
    p = np.where(hard, 0.1, 0.9)
    takes_a = random.random(20_000) < p
    values = (random.random(20_000) < np.where(hard, 0.1, 0.5)).astype(float)  # the route makes no difference at all
    sample = sample_of([("a" if a else "b", A, {"a": chance, "b": 1 - chance}) for a, chance in zip(takes_a, p.tolist(), strict=True)], {})
    assert values[takes_a].mean() > 0.44  # what a mean by route takes `a` for
    after, influence = weighted(sample).mean(values)
    assert after == pytest.approx(0.3, abs=0.02)
    assert abs(float(influence.mean())) < 1e-9


def test_a_route_the_log_could_not_show_is_named() -> None:
    names = {"a": 0, "b": 1}
    sample = sample_of([("a", {"a": 0.7, "b": 0.3}, A)] * 500, names)
    assert weighted(sample).overlap == pytest.approx(0.7)
    assert why_not(weighted(sample), list(names)) == (
        "too few logged calls of this route: 0 first attempts by b, where 30% of the calls would go without a chance in the log"
    )


def test_a_route_with_luck_and_few_calls_is_named() -> None:
    names = {"a": 0, "b": 1}
    before, after = {"a": 0.99, "b": 0.01}, {"a": 0.5, "b": 0.5}
    sample = sample_of([("a", after, before)] * 495 + [("b", after, before)] * 5, names)
    assert "5 first attempts by b, which would get 50% of the calls" in why_not(weighted(sample), list(names))
    sample = sample_of([("a", after, before)] * 9000 + [("b", after, before)] * 90, names)
    assert why_not(weighted(sample), list(names)) == ""


def test_too_little_of_everything_is_said() -> None:
    names = {"a": 0}
    assert "all 40 calls are worth 40" in why_not(weighted(sample_of([("a", A, A)] * 40, names)), list(names))


def test_a_change_is_surer_than_what_it_lies_between() -> None:
    sample, values = drawn(np.random.default_rng(7), 4000, 0.5, 0.55)
    known = weighted(sample)
    found = figure(values, *known.mean(values), known.effective)
    assert found.change_high - found.change_low < 0.5 * (found.high - found.low)  # type: ignore[operator]


def test_a_quotient_and_its_interval() -> None:
    random = np.random.default_rng(8)
    inside = 0
    for _ in range(300):
        below = (random.random(500) < 0.4).astype(float)
        above = below * random.exponential(2.0, 500)
        found = ratio((above, above.mean(), above - above.mean()), (below, below.mean(), below - below.mean()), 500.0)
        assert found is not None
        assert found.after == pytest.approx(found.before)
        inside += found.low <= 2.0 <= found.high  # type: ignore[operator]
    assert 0.91 <= inside / 300 <= 0.98
    nothing = np.zeros(10)
    assert ratio((nothing, 0.0, nothing), (nothing, 0.0, nothing), 10.0) is None


def test_strata_weigh_by_their_calls() -> None:
    mean, influence = together([(3, 0.5, np.zeros(3)), (1, 0.1, np.zeros(1))])
    assert mean == pytest.approx(0.4)
    assert influence.tolist() == pytest.approx([0.1, 0.1, 0.1, -0.3])
