"""`least_cost`: the cheapest minute first; routes within the tie band of the cheapest share its calls alike (row R2)."""

from random import Random

from trunkline.policy.snapshot import Destination, Snapshot
from trunkline.routing.candidates import Choice
from trunkline.routing.strategies.candidate import candidates


class LeastCost:
    """The order of one destination under one policy."""

    __slots__ = ("_rest", "_tied")

    def __init__(self, policy: Snapshot, destination: Destination) -> None:
        known, standby = candidates(policy, destination)
        known.sort(key=lambda candidate: candidate.price.per_minute)
        ceiling = known[0].price.per_minute * (1.0 + destination.tie) if known else 0.0
        self._tied = [candidate.gateway for candidate in known if candidate.price.per_minute <= ceiling]
        self._rest = [candidate.gateway for candidate in known if candidate.price.per_minute > ceiling] + standby

    def choose(self, random: Random) -> Choice:
        tied = self._tied
        share = 1.0 / len(tied) if tied else 0.0
        draw = 0.0
        if len(tied) > 1:
            draw = random.random()
            first = int(draw * len(tied))
            others = tied[:first] + tied[first + 1 :]
            random.shuffle(others)
            tied = [tied[first], *others]
        return Choice((*tied, *self._rest), (share,) * len(tied) + (0.0,) * len(self._rest), draw)
