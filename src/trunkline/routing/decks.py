"""What a call costs by the carriers' rate decks: exactly, by the number called and the moment; and usually, for orders made ahead (row R14)."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from math import inf
from typing import Final

from trunkline.numbering.ranges import key
from trunkline.policy.conversion import priced, worth
from trunkline.policy.deck import Deck, Quote, Tariff
from trunkline.policy.snapshot import Price, RouteShare, Worths

UNPRICED: Final = Price()

NOT_SOLD = inf
"What a minute costs at a carrier whose deck does not have the number."


def usual(route: RouteShare, at: float) -> Price:
    """What the route usually costs at a Unix time."""
    price = route.price
    for since, later in route.later:
        if at < since:
            break
        price = later
    return price


class Decks:
    """The decks of one policy, by carrier."""

    def __init__(self, decks: Mapping[str, Deck], currencies: Mapping[str, Worths]) -> None:
        self._currencies = currencies
        self._tariffs = {carrier: deck.tariff for carrier, deck in decks.items()}
        money = {since for deck in decks.values() for code in deck.currencies for since, _ in currencies.get(code, ())}
        self._changes = sorted(money.union(*(deck.changes for deck in decks.values())))

    def tariff(self, carrier: str) -> Tariff | None:
        """A carrier's prices as it wrote them; None where it has no deck."""
        return self._tariffs.get(carrier)

    def exact(self, carrier: str, called: str, at: float) -> Price | None:
        """The carrier's price for a number in E.164 with +, in the policy's currency; None where its deck has none."""
        tariff = self._tariffs.get(carrier)
        if tariff is None:
            return None
        rate = tariff.rate(called[1:], at)
        return priced(rate, worth(self._currencies, rate.currency, at)) if rate is not None else None

    def per_minute(self, carriers: Iterable[str], called: str, at: float) -> dict[str, float]:
        """What a minute to a number costs at each of these carriers that has a deck, in the policy's currency; `NOT_SOLD` where the deck has no price."""
        place = key(called[1:])
        found: dict[str, float] = {}
        for carrier in carriers:
            tariff = self._tariffs.get(carrier)
            if tariff is not None:
                rate = tariff.rate_of(place, at)
                if rate is None:
                    found[carrier] = NOT_SOLD
                else:
                    found[carrier] = rate.per_minute * worth(self._currencies, rate.currency, at) if rate.currency in self._currencies else rate.per_minute
        return found

    def quote(self, carrier: str, called: str, at: float) -> Quote | None:
        """The price as the carrier wrote it, and the prefix it stands under."""
        tariff = self._tariffs.get(carrier)
        return tariff.quote(called[1:], at) if tariff is not None else None

    def worth(self, currency: str, at: float) -> float:
        """What a unit of a currency is worth in the policy's own."""
        return worth(self._currencies, currency, at)

    def next_change(self, at: float) -> float:
        """When prices next change; infinite where they do not."""
        place = bisect_right(self._changes, at)
        return self._changes[place] if place < len(self._changes) else inf
