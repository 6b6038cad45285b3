import pytest
from scipy import stats as scipy_stats

from trunkline.stats import holm, paired, proportions, standardised, wilson


def test_paired_differences_are_students() -> None:
    values = [0.3, -0.1, 0.6, 0.2, 0.4]
    expected = scipy_stats.ttest_1samp(values, 0)
    found = paired(values)
    assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
    interval = expected.confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-6)


def test_a_single_pair_proves_nothing() -> None:
    assert paired([1.0]).p == 1.0


def test_pairs_that_never_differ_are_no_difference() -> None:
    assert paired([0.0, 0.0, 0.0]).p == 1.0
    assert paired([0.5, 0.5]).p == 0.0


def test_newcombes_published_example() -> None:
    found = proportions(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_wilson_is_scipys() -> None:
    expected = scipy_stats.binomtest(7, 50).proportion_ci(method="wilson")
    assert wilson(7, 50) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_holm_steps_down_and_never_past_one() -> None:
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.9}) == pytest.approx({"a": 0.04, "c": 0.09, "b": 0.09, "d": 0.9})


def test_standard_deviations_from_what_is_expected() -> None:
    assert standardised(5, 100, 0.25) == pytest.approx(-20 / (100 * 0.25 * 0.75) ** 0.5)
    assert standardised(0, 0, 0.25) == 0.0
