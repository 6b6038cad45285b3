"""The numbers of a run: who gets to see which, what becomes of the call for that, and what the product is told of it."""

from random import Random

import numpy as np

from trunkline.decide import Decisions, Plan
from trunkline.facts.numbers import NumberComplaint
from trunkline.lab.market.burning import DAY_S, Burning
from trunkline.lab.market.callees import People
from trunkline.lab.market.fate import HUMAN, MACHINE, SILENT, ByNumber, Fates
from trunkline.lab.market.scenario import Numbers
from trunkline.lab.market.truth import SHORT_TALK_S, Truth

REVIEW_EVERY_S = 1800.0
"Between two looks at all numbers; a node looks at some at a time, all day long."

HEARD_OF = 1.0 / 3.0
"Share of complaints that reach us, a day later."


class ShownNumbers:
    """Governed by the product's book, or drawn at random."""

    def __init__(self, truth: Truth, numbers: Numbers, fates: Fates, by_number: ByNumber, decisions: Decisions, governed: bool, seed: int) -> None:
        self.burning = Burning(truth.scenario, numbers, seed)
        self.governed = governed
        callees = truth.scenario.callees
        self.people = People(callees, fates.again, fates.person) if callees is not None else None
        self.labelled_calls = 0
        self.days: list[list[int]] = []
        "Calls, human answers, numbers labelled at its end, calls refused."
        self.cells: dict[tuple[str, int], list[int]] = {}
        "Number and day -> calls and human answers."
        self._truth, self._fates, self._by_number, self._decisions = truth, fates, by_number, decisions
        self._start = fates.at_s[0]
        self._dice = Random(seed + 1)
        self._next_look = self._next_review = 0.0
        if governed:
            self._hand_over()

    def _hand_over(self) -> None:
        """The product's book gets the inventory."""
        for fact in self.burning.inventory(self._start):
            self._decisions.observe(fact, 0.0)
            life = self._decisions.numbers.life(fact.number)
            if life is not None and not self.burning.numbers.fresh:
                self._decisions.observe(self.burning.promotion(life, self._start), 0.0)

    def look_after(self, now: float) -> None:
        """Look-ups and reviews that are due."""
        if not self.governed:
            return
        at = self._start + now
        if now >= self._next_look:
            self._next_look = now + self.burning.numbers.look_every_h * 3600.0
            for seen in self.burning.looked_up(at, self._dice):
                self._decisions.observe(seen, now)
        if now >= self._next_review:
            self._next_review = now + REVIEW_EVERY_S
            for fact in self._decisions.numbers.review_all(int(at * 1e6)):
                self._decisions.observe(fact, now)

    def number(self, i: int, plan: Plan, tenant: str) -> str:
        """The number call `i` is made with."""
        return plan.caller if self.governed else self._dice.choice(self.burning.rotation(tenant, self._fates.called[i]))

    def fate(self, i: int, r: int, number: str) -> tuple[int, float, float, bool]:
        """Fate of call `i` on route `r`, seconds to the answer, talk, and whether the conversation ends at once, now that this number is shown."""
        fates, drawn = self._fates, self._by_number
        if fates.what[i][r] != HUMAN:
            return fates.what[i][r], fates.answer_s[i][r], fates.talk_s[i][r], False
        picks, short, _ = self._factors(i, number)
        if self.people is not None:
            picks *= self.people.willing(i, number, fates.at_s[i])
        if drawn.fuss[i][r] >= picks:
            machine = MACHINE, drawn.machine_s[i][r], self._truth.scenario.machine_s, False
            return machine if drawn.has_machine[i] else (SILENT, np.inf, 0.0, False)
        ends_at_once = drawn.short_at[i][r] < short
        return HUMAN, fates.answer_s[i][r], SHORT_TALK_S if ends_at_once else drawn.lasts_s[i], ends_at_once

    def called(self, i: int, number: str, human: bool, short: bool) -> NumberComplaint | None:
        """Call `i` was made with the number; a complaint about it that will reach us."""
        burning, at = self.burning, self._fates.at_s[i]
        complains = self._factors(i, number)[2] * burning.numbers.complaints
        upset = self._by_number.upset[i]
        burning.called(number, at, short, human and upset < complains)
        self._count(number, at, human)
        if self.governed and human and upset < complains * HEARD_OF:
            return burning.complaint(number, self._fates.called[i], at + DAY_S)
        return None

    def refused(self, at: float) -> None:
        """No number was left at Unix time `at`."""
        self._day(at)[3] += 1

    def _factors(self, i: int, number: str) -> tuple[float, float, float]:
        return self.burning.factors(number, self._fates.called[i], self._truth.hour_of_slot(self._fates.slot[i]))

    def _day(self, at: float) -> list[int]:
        day = int((at - self._start) // DAY_S)
        while len(self.days) <= day:
            self.days.append([0, 0, 0, 0])
        return self.days[day]

    def _count(self, number: str, at: float, human: bool) -> None:
        day = self._day(at)
        day[0] += 1
        day[1] += human
        if day[0] % 50 == 1:
            day[2] = sum(standing.labelled for standing in self.burning.by_number.values())
        self.labelled_calls += self.burning.by_number[number].labelled
        cell = self.cells.setdefault((number, len(self.days)), [0, 0])
        cell[0] += 1
        cell[1] += human
