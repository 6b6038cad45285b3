"""What a carrier bills for a call (row R14)."""

from math import ceil

from trunkline.policy.snapshot import Price

SHORT_CALL_S = 6.0
"Calls up to this long carry the short-call fee, where a deck has one."


def bill(price: Price, talk_s: float) -> float:
    """The bill for an answered call of `talk_s` seconds, by the carrier's own clock: at least the first increment, then whole steps."""
    billed = float(price.first_s)
    if talk_s > billed:
        # A talk time is measured in microseconds: what exceeds a step by less than a millisecond is noise, not a further step.
        billed += price.next_s * ceil((talk_s - billed) / price.next_s - 1e-3 / price.next_s)
    short = price.short_call_fee if talk_s <= SHORT_CALL_S else 0.0
    return price.per_minute * billed / 60.0 + price.fee + short
