"""Prices of decks in the policy's own currency."""

from collections.abc import Mapping

from trunkline.policy.deck import Rate
from trunkline.policy.snapshot import Price, Worths


def worth(currencies: Mapping[str, Worths], code: str, at: float) -> float:
    """What a unit of a currency is worth in the policy's own at a Unix time; before the first date, what it was worth then."""
    worths = currencies.get(code)
    if not worths:
        return 1.0
    for since, value in worths:
        if since <= at:
            return value
    return worths[-1][1]


def priced(rate: Rate, factor: float) -> Price:
    """A price of a deck, `factor` being what its currency is worth."""
    return Price(rate.per_minute * factor, rate.first_s, rate.next_s, rate.fee * factor, rate.short_call_fee * factor)
