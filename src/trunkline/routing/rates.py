"""What a carrier bills for a call (row R14)."""

from math import ceil
from typing import Final

from trunkline.policy.snapshot import Price

SHORT_CALL_S: Final = 6.0
"Calls up to this long carry the short-call fee, where a deck has one."


def billed_seconds(first_s: int, next_s: int, talk_s: float) -> float:
    """Seconds billed for an answered call of `talk_s`: at least the first increment, then whole steps."""
    billed = float(first_s)
    if talk_s > billed:
        # A talk time is measured in microseconds: what exceeds a step by less than a millisecond is noise, not a further step.
        billed += next_s * ceil((talk_s - billed) / next_s - 1e-3 / next_s)
    return billed


def bill(price: Price, talk_s: float) -> float:
    """The bill for an answered call of `talk_s` seconds, by the carrier's own clock."""
    short = price.short_call_fee if talk_s <= SHORT_CALL_S else 0.0
    return price.per_minute * billed_seconds(price.first_s, price.next_s, talk_s) / 60.0 + price.fee + short
