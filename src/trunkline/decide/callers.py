"""Who a call is from: the number it is made with, of those its carriers may show (rows N5, N8, N13)."""

from collections.abc import Sequence
from random import Random
from typing import Final

from trunkline.numbering.plan import CallerFormat
from trunkline.numbering.world import world
from trunkline.numbers import Ask, Choice, Kind, NumberBook, Ranges, Rule, presentable, rule_for
from trunkline.policy.number_rules import USUAL
from trunkline.policy.snapshot import Gateway, Numbers, Snapshot, Trunk

DAY_US: Final = 86_400_000_000
_RULES: Final = {rule.value: rule for rule in Rule}


class Callers:
    """Chooses caller IDs by the policy last followed."""

    def __init__(self, book: NumberBook, random: Random) -> None:
        self.book = book
        self.random = random
        self.ranges = Ranges(allocated=_allocated)
        self._numbers = Numbers()
        self._may: dict[tuple[frozenset[Kind], tuple[str, ...], str, int], frozenset[Kind] | None] = {}
        "Kinds a pool holds, carriers, country of the callee, day -> what may be shown: all it depends on but the policy."

    def follow(self, policy: Snapshot) -> None:
        """A new policy is in force; numbers are fitted to its rules as they are drawn or reviewed."""
        before, numbers = self._numbers, policy.numbers
        self._numbers = numbers
        self._may.clear()
        rules = numbers.rules
        self.book.apply_rules(lambda pool: rules.get(pool, USUAL), numbers.areas if numbers.areas != before.areas else None)
        never = numbers.do_not_originate
        self.ranges = Ranges(never=lambda number: number[1:].startswith(never), allocated=_allocated)

    def choose(self, trunk: Trunk, called: str, sent: str, campaign: str, gateways: Sequence[Gateway], at: int) -> Choice:
        """The number to call `called` with when the dialer sent `sent` (both E.164), at UTC microsecond `at`."""
        wanted = trunk.caller_id
        pool = wanted.pools.get(campaign, wanted.pool)
        kinds = self._presentable(pool, called, gateways, at) if self._numbers.presentation else None
        return self.book.present(sent, _RULES[wanted.use], Ask(pool, called, trunk.tenant, kinds), self.ranges, at, self.random)

    def shown(self, called: str, gateways: Sequence[Gateway], at: int) -> dict[str, CallerFormat]:
        """Carrier -> how it wants the number written, where a rule for the callee's country says so."""
        rules = self._numbers.presentation
        if not rules:
            return {}
        country, day = world().kind(called[1:]).country, at // DAY_US
        found = {carrier: rule_for(rules, carrier, country, day) for carrier in {gateway.carrier for gateway in gateways}}
        return {carrier: rule.format for carrier, rule in found.items() if rule is not None and rule.format is not None}

    def _presentable(self, pool: str, called: str, gateways: Sequence[Gateway], at: int) -> frozenset[Kind] | None:
        """Kinds every carrier of the plan may show: the caller ID stays the same on failover. None: all."""
        carriers = tuple(sorted({gateway.carrier for gateway in gateways}))
        kinds = self.book.kinds(pool)
        key = (kinds, carriers, world().kind(called[1:]).country, at // DAY_US)
        if key not in self._may:
            if len(self._may) > 10_000:
                self._may.clear()
            may = presentable(self._numbers.presentation, carriers, key[2], kinds, key[3])
            self._may[key] = None if may == kinds else may
        return self._may[key]


def _allocated(number: str) -> bool:
    """Whether the range was given to anybody, as far as the numbering plans say."""
    return world().kind(number[1:]).type != "unknown"
