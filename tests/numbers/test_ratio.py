"""Ratios of observed to expected: Byar's limits against the exact Poisson limits (Ulm 1990, table of exact limits)."""

import pytest

from trunkline.numbers.ratio import poisson_limits, standardised_ratio


@pytest.mark.parametrize(("count", "low", "high"), [(5, 1.623, 11.668), (10, 4.795, 18.390), (30, 20.241, 42.827), (100, 81.364, 121.627)])
def test_limits_are_close_to_the_exact_ones(count: int, low: float, high: float) -> None:
    assert poisson_limits(count) == pytest.approx((low, high), rel=0.015)


def test_none_seen_has_an_upper_limit_and_none_expected_has_none() -> None:
    low, high = poisson_limits(0)
    assert low == 0.0
    assert 3.0 < high < 3.9
    assert standardised_ratio(3, 0) == (1.0, 0.0, float("inf"))
    assert standardised_ratio(10, 20)[0] == 0.5
