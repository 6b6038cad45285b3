import numpy as np
import pytest

from trunkline.stats import concentration


def siblings(true: float, mean: float, n: int, count: int) -> list[tuple[float, float, float]]:
    random = np.random.default_rng(5)
    rates = random.beta(mean * true, (1 - mean) * true, count)
    return [(float(s), float(n), mean) for s in random.binomial(n, rates)]


@pytest.mark.parametrize("true", [20.0, 100.0, 400.0])
def test_the_concentration_is_found_again(true: float) -> None:
    assert concentration(siblings(true, 0.25, 500, 2000)) == pytest.approx(true, rel=0.15)


def test_siblings_that_are_alike_count_as_much_as_allowed() -> None:
    assert concentration([(250.0, 1000.0, 0.25)] * 50) == 2000.0


def test_siblings_that_have_nothing_in_common_count_little() -> None:
    assert concentration([(990.0, 1000.0, 0.5), (10.0, 1000.0, 0.5)] * 50) == 8.0


def test_without_siblings_the_prior_stands() -> None:
    assert concentration([], prior=60.0) == pytest.approx(60.0)
