import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from trunkline.stats import credible, cumulative, exact, quantile

SHAPES = st.floats(0.05, 3000)


@given(st.floats(1e-6, 1 - 1e-6), SHAPES, SHAPES)
def test_the_integral_is_scipys(x: float, a: float, b: float) -> None:
    assert cumulative(x, a, b) == pytest.approx(scipy_stats.beta.cdf(x, a, b), abs=1e-9)


@given(st.floats(0.001, 0.999), st.floats(0.5, 500), st.floats(0.5, 500))
def test_a_quantile_undoes_the_integral(p: float, a: float, b: float) -> None:
    assert cumulative(quantile(p, a, b), a, b) == pytest.approx(p, abs=1e-8)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (3, 40), (40, 40), (1, 1), (250, 1000)])
def test_the_exact_interval_is_clopper_and_pearsons(successes: int, trials: int) -> None:
    expected = scipy_stats.binomtest(successes, trials).proportion_ci(method="exact")
    assert exact(successes, trials) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_credible_interval_takes_discounted_counts() -> None:
    low, high = credible(12.5, 40.25)
    assert (low, high) == pytest.approx(scipy_stats.beta.ppf([0.025, 0.975], 13.0, 28.25), abs=1e-9)


def test_nothing_known_spans_nearly_everything() -> None:
    low, high = credible(0, 0)
    assert low < 0.01
    assert high > 0.99
