"""What is true of our own numbers: how analytics engines come to label them, what a label costs, and how rest heals.

Every call wears on a number, a call the callee ends at once wears more, a complaint most; wear fades by half in `heals_d` days. A number whose wear
passes what it bears is labelled, and loses the label when wear is down to a third. What a number bears differs from number to number, and a number
without history bears less. No engine publishes how it labels: the shape is the vendors' advice (volume, hang-ups and complaints harm, rest heals), the
figures are the scenario's.
"""

from collections.abc import Iterator
from math import exp, log
from random import Random

import numpy as np
from msgspec import Struct

from trunkline.facts.numbers import NumberAdded, NumberComplaint, NumberLabelled, NumberTransition
from trunkline.lab.market.scenario import Numbers, Scenario
from trunkline.numbers.life import Life
from trunkline.numbers.lifecycle import Event, override

DAY_S = 86_400.0
CLEARED_AT = 1.0 / 3.0
"Share of what a number bears at which its label goes."

AREA_DIGITS = 5
"Of a called number, which has no +: the destination's prefix and one more."

ENGINES = ("hiya", "tns")


class Standing(Struct):
    """Of one number."""

    number: str
    pool: str
    area: str
    bears: float
    wear: float = 0.0
    at: float = 0.0
    labelled: bool = False
    labels: int = 0
    "Times it was labelled."
    calls: int = 0
    days_used: int = 0
    last_day: int = -1


class Burning:
    """The standings of every number of every pool."""

    def __init__(self, scenario: Scenario, numbers: Numbers, seed: int) -> None:
        self.numbers = numbers
        random = np.random.default_rng([seed, 31])
        usual = numbers.tolerance * numbers.heals_d / log(2.0)
        "Wear at which a number used as hard as it bears settles."
        self.by_number: dict[str, Standing] = {}
        self.pools: dict[str, list[str]] = {}
        self._by_area: dict[tuple[str, str], list[str]] = {}
        for tenant in dict.fromkeys(place.tenant for place in scenario.destinations.values()):
            bears = usual * np.exp(numbers.tolerance_spread * random.standard_normal(numbers.per_pool))
            prefixes = [place.prefix for place in scenario.destinations.values() if place.tenant == tenant]
            areas = [f"{prefix}{digit}" for digit in range(max(numbers.areas, 1)) for prefix in prefixes]
            for i, limit in enumerate(bears.tolist()):
                area = areas[i % len(areas)]
                number = f"+{area}55{i:04d}"
                self.by_number[number] = Standing(number, tenant, area if numbers.areas else "", limit)
                self.pools.setdefault(tenant, []).append(number)
                self._by_area.setdefault((tenant, area), []).append(number)

    def rotation(self, tenant: str, called: str) -> list[str]:
        """Numbers a dialer that knows areas and nothing else draws from."""
        return self._by_area[tenant, called[:AREA_DIGITS]] if self.numbers.areas else self.pools[tenant]

    def factors(self, number: str, called: str, hour: float) -> tuple[float, float, float]:
        """On the chance to pick up, of ending at once, of complaining, of who is called with this number at an hour of the scenario."""
        standing, numbers = self.by_number[number], self.numbers
        picks, short, complains = (numbers.labelled_answers, numbers.labelled_short, 2.0) if standing.labelled else (1.0, 1.0, 1.0)
        if standing.area and standing.area != called[:AREA_DIGITS]:
            picks *= numbers.away
        for shock in numbers.shocks:
            if shock.tenant == standing.pool and shock.begins_h <= hour < shock.ends_h:
                short *= shock.short
                complains *= shock.complaints
        return picks, short, complains

    def called(self, number: str, at: float, short: bool, complained: bool) -> None:
        """A call was made with the number at Unix time `at`."""
        numbers, standing = self.numbers, self.by_number[number]
        self._fade(standing, at)
        standing.calls += 1
        day = int(at // DAY_S)
        if day != standing.last_day:
            standing.last_day = day
            standing.days_used += 1
        standing.wear += 1.0 + (numbers.short if short else 0.0) + (numbers.complaint if complained else 0.0)
        if not standing.labelled and standing.wear > standing.bears * self._maturity(standing):
            standing.labelled = True
            standing.labels += 1

    def _maturity(self, standing: Standing) -> float:
        if not self.numbers.fresh:
            return 1.0
        return 1.0 - (1.0 - self.numbers.fresh) * exp(-standing.days_used / 7.0)

    def _fade(self, standing: Standing, at: float) -> None:
        if standing.at:
            standing.wear *= exp(-log(2.0) * max(at - standing.at, 0.0) / (self.numbers.heals_d * DAY_S))
        standing.at = at
        if standing.labelled and standing.wear < CLEARED_AT * standing.bears:
            standing.labelled = False

    def looked_up(self, at: float, random: Random) -> Iterator[NumberLabelled]:
        """Every number at every engine: a label is seen four times in five, a clean number is not seen labelled."""
        moment = int(at * 1e6)
        for standing in self.by_number.values():
            self._fade(standing, at)
            for engine in ENGINES:
                label = "spam" if standing.labelled and random.random() < self.numbers.seen else "clean"
                yield NumberLabelled(moment, moment, standing.number, label, engine, "look-up")

    def inventory(self, at: float) -> Iterator[NumberAdded]:
        """Facts by which the product comes to know its numbers."""
        moment = int(at * 1e6) - 1
        for each in self.by_number.values():
            yield NumberAdded(moment, each.number, each.pool, "geographic", "US", each.area, "sales", each.pool, "", "market", "2020-01-01", "", "", "market")

    def promotion(self, life: Life, at: float) -> NumberTransition:
        """A number that has been in use for long."""
        moved = override(life, Event.PROMOTE, int(at * 1e6) - 1, "market", "in use for long")
        assert isinstance(moved, NumberTransition), moved
        return moved

    def complaint(self, number: str, callee: str, at: float) -> NumberComplaint:
        return NumberComplaint(int(at * 1e6), number, callee, "complaint", "market", "")

    @property
    def labels(self) -> int:
        return sum(standing.labels for standing in self.by_number.values())


def swing(counts: dict[tuple[str, int], list[int]]) -> float:
    """Standard deviation of the answer rate between numbers and days, beyond what chance alone makes (method of moments); cells of ten calls or more."""
    cells = [(calls, humans) for calls, humans in counts.values() if calls >= 10]
    if len(cells) < 2:
        return 0.0
    total = sum(calls for calls, _ in cells)
    rate = sum(humans for _, humans in cells) / total
    observed = sum(calls * (humans / calls - rate) ** 2 for calls, humans in cells) / total
    chance = sum(calls * (rate * (1 - rate) / calls) for calls, _ in cells) / total
    return float(max(observed - chance, 0.0) ** 0.5)
