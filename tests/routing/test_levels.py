import pytest

from tests.routing.attempts import START_US, attempt
from trunkline.routing import Scoreboard
from trunkline.routing.levels import Levels

AT = START_US / 1e6


def fitted(rates: dict[tuple[str, str], tuple[int, int]]) -> Levels:
    """Levels after so many answers of so many attempts by (destination, gateway)."""
    board, levels = Scoreboard(), Levels()
    for (destination, gateway), (answered, attempts) in rates.items():
        for i in range(attempts):
            board.apply(attempt(gateway, destination=destination, answered=i < answered))
    for _ in range(4):
        for _ in levels.fitting(board, AT):
            pass
    return levels


def test_a_route_new_to_a_destination_is_expected_to_stand_there_as_it_stands_elsewhere() -> None:
    levels = fitted({
        ("us", "alpha/main"): (200, 1000), ("us", "beta/main"): (300, 1000), ("uk", "alpha/main"): (400, 1000), ("ca", "alpha/main"): (100, 1000),
        ("ca", "beta/main"): (150, 1000),
    })  # fmt: skip
    alpha = levels.answers.prior(("uk", ""), "alpha", "alpha/main", 400, 1000)
    beta = levels.answers.prior(("uk", ""), "beta", "beta/main")
    assert beta.mean > 1.25 * alpha.mean


def test_a_carrier_nobody_knows_is_expected_to_be_average_and_that_is_worth_little() -> None:
    levels = fitted({("us", "alpha/main"): (200, 1000), ("us", "beta/main"): (300, 1000)})
    unknown = levels.answers.prior(("us", ""), "gamma", "gamma/main")
    assert unknown.mean == pytest.approx(0.25, abs=0.02)
    assert unknown.calls < 150


def test_a_route_that_was_only_ever_a_backup_is_not_taken_for_known() -> None:
    levels = fitted({("us", "alpha/main"): (1500, 3000), ("uk", "alpha/main"): (1300, 3000), ("ca", "alpha/main"): (1400, 3000)})
    unknown = levels.answers.prior(("us", ""), "backup", "backup/main")
    assert unknown.mean == pytest.approx(levels.answers.level(("us", "")), abs=0.01)
    assert unknown.calls < 60


def test_a_second_gateway_leans_on_its_carrier() -> None:
    levels = fitted({("us", "alpha/ny"): (150, 1000), ("us", "beta/main"): (350, 1000)})
    assert levels.answers.prior(("us", ""), "alpha", "alpha/la").mean < 0.22


def test_own_counts_are_not_counted_twice() -> None:
    levels = fitted({("us", "alpha/main"): (900, 1000), ("us", "beta/main"): (100, 1000)})
    own = levels.answers.prior(("us", ""), "alpha", "alpha/main", 900, 1000)
    assert own.mean == pytest.approx(levels.answers.level(("us", "")), abs=0.02)


def test_where_nothing_is_known_a_guess_stands() -> None:
    prior = Levels().answers.prior(("us", ""), "alpha", "alpha/main")
    assert prior.mean == pytest.approx(0.25)
