import pytest

from trunkline.policy.snapshot import Price
from trunkline.routing import bill


@pytest.mark.parametrize(
    ("first", "step", "talk_s", "billed_s"),
    [
        (1, 1, 0.2, 1), (1, 1, 7.0, 7), (1, 1, 7.01, 8), (6, 6, 1, 6), (6, 6, 6.0, 6), (6, 6, 6.5, 12), (60, 60, 1, 60), (60, 60, 60.0, 60),
        (60, 60, 61, 120), (30, 6, 12, 30), (30, 6, 30.0, 30), (30, 6, 31, 36), (30, 6, 36.0004, 36), (0, 1, 0.5, 1),
    ],
)  # fmt: skip
def test_seconds_are_billed_by_increments(first: int, step: int, talk_s: float, billed_s: float) -> None:
    assert bill(Price(0.6, first, step), talk_s) == pytest.approx(billed_s * 0.01)


def test_fees_come_on_top_and_a_short_call_pays_more() -> None:
    price = Price(0.6, 1, 1, fee=0.002, short_call_fee=0.01)
    assert bill(price, 6.0) == pytest.approx(0.06 + 0.002 + 0.01)
    assert bill(price, 7.0) == pytest.approx(0.07 + 0.002)
