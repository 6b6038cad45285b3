import pytest

from trunkline.stats import Forgetting


def add(sums: Forgetting, at: float, *columns: int) -> None:
    weight = sums.begin(at)
    for column in columns:
        sums.sums[column] += weight


def test_a_call_counts_half_after_its_half_life_in_calls() -> None:
    sums = Forgetting(2, 1e12, 10)
    add(sums, 1.0, 0)
    for _ in range(10):
        add(sums, 1.0, 1)
    assert sums.read(1.0)[0] == pytest.approx(0.5)


def test_a_call_counts_half_after_its_half_life_in_seconds() -> None:
    sums = Forgetting(1, 100.0, 1e12)
    add(sums, 50.0, 0)
    assert sums.read(150.0)[0] == pytest.approx(0.5)
    add(sums, 250.0, 0)
    assert sums.read(250.0)[0] == pytest.approx(1.25)


def test_many_calls_sum_to_the_closed_form_and_never_overflow() -> None:
    sums = Forgetting(1, 1e12, 100)
    for _ in range(50_000):
        add(sums, 1.0, 0)
    assert sums.read(1.0)[0] == pytest.approx(1 / (1 - 0.5 ** (1 / 100)))
    assert sums.weight < 1e61


def test_a_year_of_silence_forgets_without_overflow() -> None:
    sums = Forgetting(1, 60.0, 100)
    add(sums, 1.0, 0)
    assert sums.read(3e7)[0] == pytest.approx(0.0, abs=1e-50)
    add(sums, 3e7, 0)
    assert sums.read(3e7)[0] == pytest.approx(1.0)


def test_time_that_runs_backwards_forgets_nothing() -> None:
    sums = Forgetting(1, 10.0, 1e12)
    add(sums, 100.0, 0)
    add(sums, 50.0, 0)
    assert sums.read(100.0)[0] == pytest.approx(2.0)


def test_what_was_dumped_is_known_again() -> None:
    sums, again = Forgetting(2, 100.0, 50), Forgetting(2, 100.0, 50)
    for at in range(1, 80):
        add(sums, float(at), at % 2)
    again.load(*sums.dump())
    assert again.read(200.0) == pytest.approx(sums.read(200.0))
    with pytest.raises(ValueError, match="other counts"):
        again.load(1.0, [0.0])


def test_a_half_life_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="half-life"):
        Forgetting(1, 0.0, 10)
