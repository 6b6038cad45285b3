"""What calls say about the number they were made with, with the route's effect removed.

An answer rate falls for many reasons; a number is to blame for one. So every attempt is compared with what its siblings, the other numbers of
its pool, got over the same gateway to the same destination in the last hour: that rate is the expectation, learnt before the attempt is
counted. Observed against expected is the number's standing; other pools on the same route give a second expectation, which judges the pool.
While a route does worse than its own past for every pool, attempts over it judge nobody.

How sure it is, at any time: each kind of evidence runs a CUSUM of log likelihood ratios (Page 1954; as an e-detector, Shin, Ramdas and
Rinaldo 2023). Under no change exp(CUSUM) reaches T at most once in T attempts on average, whenever and however often one looks.
"""

from collections.abc import Iterator, Sequence
from copy import copy
from math import exp, log, sqrt
from typing import Final

from trunkline.facts.record import Attempt
from trunkline.policy.number_rules import Rules

from .counts import Cell, Record
from .gathering import Gathering, by_part, parted

FAST_H: Final = 1.0
SLOW_H: Final = 24.0 * 14
"Half-lives of a route's rates: this hour, and its past."
RECENT_H: Final = 48.0
LONG_H: Final = 24.0 * 30
"Half-lives of a number's own record: lately, and its history."
PEERS: Final = 30.0
"Attempts of siblings, discounted, below which they are no measure."
PAST: Final = 100.0
"Attempts of a route's past below which it has none."
PRIOR: Final = 20.0
"Attempts the wider rate weighs in the narrower one."
SHORT_MS: Final = 6_000.0
"What Telnyx and others bill as short."
BLOCK_FACTOR: Final = 10.0
BLOCK_FLOOR: Final = 0.002
"Rise of analytics blocks looked for, and the least rate expected: a route that never blocks must not make one block proof."
INTERCEPT_BASE: Final = 0.005
INTERCEPT_RAISED: Final = 0.05
"Heard answers that are an intercept tone: by chance (really vacant numbers that were answered), and for a number blockers know."
ALL: Final = "*"


class Evidence:
    """Cells and records, as a fold of attempts whose number is known."""

    def __init__(self) -> None:
        self._cells: Gathering[Cell] = Gathering(Cell)
        self._records: Gathering[Record] = Gathering(Record)
        self._pools: Gathering[Record] = Gathering(Record)

    def record(self, number: str) -> Record | None:
        return self._records.rows.get(number)

    def pool(self, pool: str) -> Record | None:
        return self._pools.rows.get(pool)

    def attempt(self, fact: Attempt, number: str, pool: str, rules: Rules) -> None:
        """Learn from an attempt that says something about its number: it was answered, or the called side ended it."""
        outcome = fact.outcome
        if fact.censored or (outcome != "answered" and outcome != "callee"):
            return
        at, route = fact.at, f"{fact.gateway}|{fact.destination}"
        everyone, own = self._cell(f"{route}|{ALL}", at), self._cell(f"{route}|{pool}", at)
        answered = outcome == "answered"
        short = False
        if answered and fact.released_by == "carrier":
            talk_ms = fact.talk_ms
            short = talk_ms is not None and talk_ms <= SHORT_MS
        blocked = fact.evidence == "analytics block"
        if not self._incident(everyone, own, pool, at):
            self._judge(at, number, pool, everyone, own, answered, short, blocked, rules)
        for cell in (everyone, own):
            cell.n += 1.0
            cell.answers += answered
            cell.shorts += short
            cell.blocks += blocked
            cell.slow_n += 1.0
            cell.slow_answers += answered

    def heard(self, number: str, intercepted: bool, at: int) -> None:
        """An answered call was listened to."""
        row = self._row(self._records, number, at)
        row.intercepts += intercepted
        row.intercepted = _step(row.intercepted, intercepted, INTERCEPT_BASE, INTERCEPT_RAISED)

    def forget(self, number: str) -> None:
        """The number comes back from a rest: what it did before is no evidence against it now. Its history stays."""
        row = self._records.rows.get(number)
        if row is not None:
            self._records.touch(number)
            self._records.rows[number] = Record(number, row.at, long_observed=row.long_observed, long_expected=row.long_expected)

    def forget_pool(self, pool: str) -> None:
        row = self._pools.rows.get(pool)
        if row is not None:
            self._pools.touch(pool)
            self._pools.rows[pool] = Record(pool, row.at)

    def incident(self, gateway: str, destination: str, pool: str, at: int) -> bool:
        """Whether the route does worse than its past for more than this pool."""
        route = f"{gateway}|{destination}"
        cells = [copy(self._cells.rows.get(key) or Cell(key, at)) for key in (f"{route}|{ALL}", f"{route}|{pool}")]
        for cell in cells:
            _decay(cell, at)
        return self._incident(cells[0], cells[1], pool, at)

    def dump(self) -> Iterator[bytes]:
        return parted({"cells": self._cells.dump(), "records": self._records.dump(), "pools": self._pools.dump()})

    def load(self, pieces: Sequence[bytes]) -> None:
        parts = by_part(pieces)
        self._cells.load(parts.get("cells", ()), "key")
        self._records.load(parts.get("records", ()), "name")
        self._pools.load(parts.get("pools", ()), "name")

    def _judge(self, at: int, number: str, pool: str, everyone: Cell, own: Cell, answered: bool, short: bool, blocked: bool, rules: Rules) -> None:
        others_n, others_answers = everyone.n - own.n, everyone.answers - own.answers
        elsewhere = others_answers / others_n if others_n >= PEERS else None
        wide = (everyone.answers + PRIOR * _rate(everyone.slow_answers, everyone.slow_n)) / (everyone.n + PRIOR)
        row = self._row(self._records, number, at)
        if own.n >= PEERS:
            sibling = _bounded((own.answers + PRIOR * wide) / (own.n + PRIOR))
            row.n += 1.0
            row.observed += answered
            row.expected += sibling
            row.long_observed += answered
            row.long_expected += sibling
            row.decline = _step(row.decline, answered, sibling, _odds(sibling, rules.answer_odds))
            if answered:
                usual = _bounded((own.shorts + PRIOR * _rate(everyone.shorts, everyone.answers)) / (own.answers + PRIOR))
                row.answered += 1.0
                row.shorts += short
                row.expected_shorts += usual
                row.shunned = _step(row.shunned, short, usual, _odds(usual, rules.short_odds))
            usual = max(BLOCK_FLOOR, everyone.blocks / everyone.n)
            row.blocks += blocked
            row.blocked = _step(row.blocked, blocked, usual, min(0.9, usual * BLOCK_FACTOR))
        if elsewhere is not None:
            row.out_observed += answered
            row.out_expected += elsewhere
        # A pool is measured against other pools; alone on its routes, against its own past there.
        past = own.slow_answers / own.slow_n if own.slow_n >= PAST else None
        expected = elsewhere if elsewhere is not None else past
        if expected is not None:
            expected = _bounded(expected)
            whole = self._row(self._pools, pool, at)
            whole.n += 1.0
            whole.observed += answered
            whole.expected += expected
            if elsewhere is not None:
                whole.out_observed += answered
                whole.out_expected += elsewhere
            whole.decline = _step(whole.decline, answered, expected, _odds(expected, 0.7))

    def _incident(self, everyone: Cell, own: Cell, pool: str, at: int) -> bool:
        others = (everyone.n - own.n, everyone.answers - own.answers, everyone.slow_n - own.slow_n, everyone.slow_answers - own.slow_answers)
        if others[0] >= PEERS and others[2] >= PAST:
            return _worse(*others)
        if not _worse(own.n, own.answers, own.slow_n, own.slow_answers):
            return False
        # This pool alone uses the route: when it does as ever elsewhere, the route is to blame.
        elsewhere = [cell for cell in self._cells.rows.values() if cell.key.endswith(f"|{pool}") and cell.key != own.key and at - cell.at < 3_600_000_000]
        busy = [cell for cell in elsewhere if cell.n >= PEERS and cell.slow_n >= PAST]
        return bool(busy) and not any(_worse(cell.n, cell.answers, cell.slow_n, cell.slow_answers) for cell in busy)

    def _cell(self, key: str, at: int) -> Cell:
        cell = self._cells.changing(key, lambda: Cell(key, at))
        _decay(cell, at)
        return cell

    def _row(self, rows: Gathering[Record], name: str, at: int) -> Record:
        row = rows.changing(name, lambda: Record(name, at))
        hours = _hours(row, at)
        if hours > 0.0:
            keep, long = 0.5 ** (hours / RECENT_H), 0.5 ** (hours / LONG_H)
            row.n *= keep
            row.observed *= keep
            row.expected *= keep
            row.answered *= keep
            row.shorts *= keep
            row.expected_shorts *= keep
            row.blocks *= keep
            row.intercepts *= keep
            row.out_observed *= keep
            row.out_expected *= keep
            row.long_observed *= long
            row.long_expected *= long
            row.at = at
        return row


def _hours(row: Cell | Record, at: int) -> float:
    """Hours since a row was last touched. One of a day to come, by a clock that was wrong, would never fade: it is taken for one of now."""
    since = row.at
    if since > at + 86_400_000_000:
        row.at = since = at
    return max(0, at - since) / 3.6e9


def _decay(cell: Cell, at: int) -> None:
    hours = _hours(cell, at)
    if hours > 0.0:
        fast, slow = 0.5 ** (hours / FAST_H), 0.5 ** (hours / SLOW_H)
        cell.n *= fast
        cell.answers *= fast
        cell.shorts *= fast
        cell.blocks *= fast
        cell.slow_n *= slow
        cell.slow_answers *= slow
        cell.at = at


def highest(record: Record) -> float:
    """The strongest evidence of any kind against a number."""
    return max(record.decline, record.shunned, record.blocked, record.intercepted)


def threshold(attempts: int) -> float:
    """Height of a CUSUM that chance reaches at most once in so many attempts."""
    return log(attempts)


def evidence_value(cusum: float) -> float:
    """The e-value behind a CUSUM."""
    return exp(min(cusum, 700.0))


def _step(cusum: float, happened: bool, expected: float, raised: float) -> float:
    """One attempt: log likelihood ratio of the changed rate to the expected one, never below zero."""
    return max(0.0, cusum + (log(raised / expected) if happened else log((1.0 - raised) / (1.0 - expected))))


def _odds(rate: float, factor: float) -> float:
    odds = rate / (1.0 - rate) * factor
    return odds / (1.0 + odds)


def _rate(hits: float, trials: float) -> float:
    return (hits + 0.5) / (trials + 1.0)


def _bounded(rate: float) -> float:
    return min(0.99, max(0.005, rate))


def _worse(n: float, answers: float, slow_n: float, slow_answers: float) -> bool:
    """This hour against the past: three standard errors lower, and by a quarter at least."""
    if n < PEERS or slow_n < PAST:
        return False
    now, past = answers / n, slow_answers / slow_n
    spread = sqrt(max(past * (1.0 - past), 1e-6) * (1.0 / n + 1.0 / slow_n))
    return now < 0.75 * past and past - now > 3.0 * spread
