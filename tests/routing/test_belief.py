import pytest

from trunkline.routing.belief import rate
from trunkline.routing.levels import Prior

PRIOR = Prior(0.25, 50.0)


def test_a_calm_route_is_judged_by_all_that_is_known() -> None:
    calm = rate(PRIOR, 250, 1000, 25, 100)
    assert calm.trust == 1.0
    assert calm.mean == pytest.approx(0.25, abs=0.005)
    assert calm.a + calm.b == pytest.approx(1050)


def test_a_route_that_breaks_is_known_as_broken_within_tens_of_calls() -> None:
    broken = rate(PRIOR, 1000, 4000, 2, 40)
    assert broken.trust < 0.3
    assert broken.mean < 0.16
    worse = rate(PRIOR, 1000, 4000, 1, 60)
    assert worse.trust == 0.0
    assert worse.mean < 0.06


def test_when_the_last_hour_fades_the_past_comes_back() -> None:
    means = [rate(PRIOR, 1000, 4000, 1 * fade, 60 * fade).mean for fade in (1.0, 0.5, 0.25, 0.1)]
    assert means == sorted(means)
    assert means[-1] > 0.23


def test_a_few_calls_do_not_shake_a_long_record() -> None:
    assert rate(PRIOR, 1000, 4000, 0, 5).trust == 1.0


def test_nothing_known_is_the_prior() -> None:
    unknown = rate(PRIOR, 0, 0, 0, 0)
    assert unknown.mean == pytest.approx(0.25)
    assert unknown.a + unknown.b == pytest.approx(50)
