"""`least_cost`: the cheapest minute first; routes within the tie band of the cheapest share its calls alike (row R2).

Where carriers have rate decks, the price is that of the number called. An order is kept for all numbers that agree in as many digits as the longest
prefix of these decks: no price among them differs until the next change of prices, when the router makes this object anew.
"""

from random import Random

from trunkline.policy.snapshot import Destination, Gateway, Snapshot
from trunkline.routing.candidates import Choice
from trunkline.routing.decks import NOT_SOLD, UNPRICED, Decks
from trunkline.routing.strategies.candidate import candidates

MOST_ORDERS = 50_000
"Kept per destination; then it begins anew."

Order = tuple[tuple[Gateway, ...], tuple[Gateway, ...]]
"Gateways that share the calls, and the others in order."


class LeastCost:
    """The order of one destination under one policy, until prices change."""

    __slots__ = ("_decks", "_digits", "_known", "_order", "_orders", "_same", "_sellers", "_standby", "_tie", "_usual")

    def __init__(self, policy: Snapshot, destination: Destination, decks: Decks | None = None, at: float = 0.0) -> None:
        self._known, self._standby = candidates(policy, destination, at)
        self._tie = 1.0 + destination.tie
        self._orders: dict[str, Order] = {}
        self._same: dict[tuple[int, ...], Order] = {}
        "Orders by places among the candidates: numbers differ more than orders do."
        tariffs = [tariff for candidate in self._known if decks is not None and (tariff := decks.tariff(candidate.gateway.carrier)) is not None]
        self._decks = decks if tariffs else None
        self._sellers = tuple(dict.fromkeys(candidate.gateway.carrier for candidate in self._known))
        self._usual = [(candidate.gateway.carrier, candidate.price.per_minute) for candidate in self._known]
        self._digits = 1 + max((tariff.longest for tariff in tariffs), default=0)
        self._order = self._sorted([candidate.price.per_minute for candidate in self._known])

    def choose(self, random: Random, called: str = "", at: float = 0.0) -> Choice:
        """The order for a called number in E.164 with + at a Unix time."""
        tied, rest = self._order_of(called, at) if self._decks is not None and called else self._order
        share = 1.0 / len(tied) if tied else 0.0
        draw = 0.0
        if len(tied) > 1:
            draw = random.random()
            first = int(draw * len(tied))
            others = [*tied[:first], *tied[first + 1 :]]
            random.shuffle(others)
            tied = (tied[first], *others)
        return Choice((*tied, *rest), (share,) * len(tied) + (0.0,) * len(rest), draw)

    def _order_of(self, called: str, at: float) -> Order:
        head = called[: self._digits]
        order = self._orders.get(head)
        if order is None:
            if len(self._orders) >= MOST_ORDERS:
                self._orders.clear()
            order = self._orders[head] = self._sorted(self._prices(called, at))
        return order

    def _prices(self, called: str, at: float) -> list[float]:
        """A minute at each candidate. Where a carrier's deck does not have the number, what policy writes for the route counts."""
        assert self._decks is not None
        exact = self._decks.per_minute(self._sellers, called, at)
        prices = [exact.get(carrier, usual) for carrier, usual in self._usual]
        if NOT_SOLD in exact.values():
            for place, candidate in enumerate(self._known):
                if prices[place] == NOT_SOLD and candidate.own != UNPRICED:
                    prices[place] = candidate.own.per_minute
        return prices

    def _sorted(self, prices: list[float]) -> Order:
        """A route whose carrier does not sell the number is the last resort, not a free one."""
        places = sorted(range(len(prices)), key=prices.__getitem__)
        ceiling = prices[places[0]] * self._tie if places else 0.0
        tied = next((at for at, place in enumerate(places) if prices[place] > ceiling), len(places))
        same = (tied, *places)
        order = self._same.get(same)
        if order is None:
            if len(self._same) >= MOST_ORDERS:
                self._same.clear()
            gateways = [self._known[place].gateway for place in places]
            order = self._same[same] = (tuple(gateways[:tied]), (*gateways[tied:], *self._standby))
        return order
