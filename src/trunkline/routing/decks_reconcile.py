"""An invoice against our records, call by call: what is missing, what we never placed, what is billed longer or dearer than agreed (row R14).

A line and an attempt are one call when the number is the same and the carrier's start lies near our attempt's start or answer: which of the two
a carrier writes down is told by the invoice itself, and so is the difference between the clocks. Pairs are taken nearest first, so calls to the
same number within minutes do not get mixed up.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

from msgspec import Struct

from trunkline.policy.deck import Rate
from trunkline.routing.decks_invoice import Line
from trunkline.routing.rates import SHORT_CALL_S, billed_seconds

T = TypeVar("T")

ROUNDING = 0.000_051
"Of amounts and rates: four decimals, halves rounded either way."

HALF_A_CENT = 0.005_001
"Where all amounts are in whole cents."

SAME_ALIGNMENT = 0.5
"Share of the lines that must agree on the clocks before they are believed to be off."


class Ours(Struct, frozen=True, gc=False):
    """An answered attempt at the carrier."""

    call: str
    called: str
    "E.164 with +."
    rendered: str
    "Digits as the carrier was sent them."
    began_s: float
    "Unix time of the INVITE."
    answered_s: float
    talk_s: float
    call_id: str
    "Of the carrier's leg."
    gateway: str


class Agreed(Struct, frozen=True, gc=False):
    """What the deck says of a call."""

    rate: Rate
    prefix: str


class Difference(Struct, frozen=True, gc=False):
    """Something to take up with the carrier; amounts in the invoice's currency."""

    kind: str
    "missing (ours alone), extra (theirs alone), duration, rate, amount or unpriced."
    called: str
    at_s: float
    text: str
    line: int = 0
    "Of the invoice."
    call: str = ""
    "Ours."
    over: float = 0.0
    "Billed beyond what was agreed; below 0 when too little."


class Total(Struct, frozen=True, gc=False):
    """One prefix and currency."""

    prefix: str
    currency: str
    calls: int
    billed_calls: int
    talk_s: float
    "Ours."
    billed_s: float
    "Theirs."
    expected: float
    billed: float


class Reconciliation(Struct, frozen=True):
    """The outcome."""

    matched: int
    lines: int
    ours: int
    offset_s: float
    "Their clock less ours."
    starts: str
    "What the carrier's start means: attempt or answer."
    differences: tuple[Difference, ...]
    totals: tuple[Total, ...]

    @property
    def agrees(self) -> bool:
        return not self.differences


def reconcile(
    lines: Sequence[Line], ours: Sequence[Ours], agreed: Callable[[str, float], Agreed | None], tolerance_s: float = 5.0, rounding_s: float = 1.0, currency: str = ""
) -> Reconciliation:
    """`agreed` gives the deck's price for a number (E.164 with +) at a Unix time. `tolerance_s` bounds how far starts may lie apart once the clocks
    are aligned, `rounding_s` how far durations may; `currency` is that of rates without one."""
    starts, offset = _alignment(lines, ours)
    pairs = _pairs(lines, ours, starts, offset, tolerance_s)
    smallest = HALF_A_CENT if all(line.amount is None or _has_cents(line.amount) for line in lines) else ROUNDING
    differences: list[Difference] = []
    book = _Book()
    for line, call in pairs:
        price = agreed(call.called, call.answered_s)
        found, expected = _compared(line, call, price, rounding_s, currency, smallest)
        differences += found
        book.add(price, line.currency or currency, call, line, expected)
    paired_lines, paired_calls = {line.line for line, _ in pairs}, {id(call) for _, call in pairs}
    for line in lines:
        if line.line not in paired_lines:
            text = f"billed {_plain(line.amount)} for {line.duration_s:g} s; no call of ours answered there then"
            differences.append(Difference("extra", line.called, line.start_s, text, line.line, over=line.amount or 0.0))
            book.add(agreed(f"+{line.called}", line.start_s - offset), line.currency or currency, None, line, 0.0)
    for call in ours:
        if id(call) not in paired_calls:
            price = agreed(call.called, call.answered_s)
            cost = _bill(price.rate, call.talk_s) if price is not None else 0.0
            differences.append(Difference("missing", call.called, call.answered_s, f"our call of {call.talk_s:.1f} s is not billed", call=call.call, over=-cost))
            book.add(price, (price.rate.currency if price is not None else "") or currency, call, None, cost)
    differences.sort(key=lambda difference: (difference.kind, difference.at_s))
    return Reconciliation(len(pairs), len(lines), len(ours), round(offset, 3), starts, tuple(differences), book.totals())


def _alignment(lines: Sequence[Line], ours: Sequence[Ours]) -> tuple[str, float]:
    """What a start means and how far the carrier's clock is off: whichever makes starts agree best, over calls to numbers called once."""
    theirs = _once(lines, lambda line: line.called)
    known = _once(ours, lambda call: call.rendered) | _once(ours, lambda call: call.called[1:])
    best = ("answer", 0.0)
    least = float("inf")
    pairs = [(line, known[called]) for called, line in theirs.items() if called in known]
    for starts in ("answer", "attempt"):
        apart = [line.start_s - _start(call, starts) for line, call in pairs]
        if not apart:
            continue
        offset = median(apart)
        spread = median(abs(value - offset) for value in apart)
        near = sum(abs(value - offset) <= 2.0 for value in apart)
        if spread < least and near >= SAME_ALIGNMENT * len(apart):
            least, best = spread, (starts, offset)
    return best


def _once(entries: Sequence[T], name: Callable[[T], str]) -> dict[str, T]:
    """Those whose name no other has."""
    found: dict[str, T | None] = {}
    for entry in entries:
        key = name(entry)
        found[key] = None if key in found else entry
    return {key: entry for key, entry in found.items() if entry is not None}


def _start(call: Ours, starts: str) -> float:
    return call.answered_s if starts == "answer" else call.began_s


def _pairs(lines: Sequence[Line], ours: Sequence[Ours], starts: str, offset: float, tolerance_s: float) -> list[tuple[Line, Ours]]:
    """Lines and calls that are the same: by Call-ID where the invoice has it, else by number and time, nearest first."""
    by_id = {call.call_id: at for at, call in enumerate(ours) if call.call_id}
    by_number: dict[str, list[int]] = {}
    for at, call in enumerate(ours):
        for number in {call.called[1:], call.rendered}:
            by_number.setdefault(number, []).append(at)
    near: list[tuple[float, int, int]] = []
    for place, line in enumerate(lines):
        named = by_id.get(line.call_id) if line.call_id else None
        if named is not None:
            near.append((-1.0, place, named))
            continue
        for at in by_number.get(line.called, ()):
            apart = abs(line.start_s - offset - _start(ours[at], starts))
            if apart <= tolerance_s:
                near.append((apart, place, at))
    taken_lines: set[int] = set()
    taken_calls: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for _, place, at in sorted(near):
        if place not in taken_lines and at not in taken_calls:
            taken_lines.add(place)
            taken_calls.add(at)
            pairs.append((place, at))
    return [(lines[place], ours[at]) for place, at in sorted(pairs)]


def _compared(line: Line, call: Ours, price: Agreed | None, rounding_s: float, currency: str, smallest: float) -> tuple[list[Difference], float]:
    """What is wrong with one matched line, and what it should have cost: each cause with the money it accounts for."""

    def difference(kind: str, text: str, over: float = 0.0) -> Difference:
        return Difference(kind, call.called, call.answered_s, text, line.line, call.call, round(over, 6))

    if price is None:
        return [difference("unpriced", f"billed {_plain(line.amount)}; the deck has no price for it", line.amount or 0.0)], 0.0
    found: list[Difference] = []
    rate = price.rate
    expected = _bill(rate, call.talk_s)
    in_kind = (line.currency or currency) == (rate.currency or currency)
    longest = billed_seconds(rate.first_s, rate.next_s, call.talk_s + rounding_s)
    theirs = line.billed_s if line.billed_s is not None else billed_seconds(rate.first_s, rate.next_s, line.duration_s)
    shortest = billed_seconds(rate.first_s, rate.next_s, max(0.0, call.talk_s - rounding_s))
    is_off = line.duration_s != theirs and abs(line.duration_s - call.talk_s) > rounding_s  # some write down billed seconds alone
    if is_off or not shortest <= theirs <= longest:
        over = (theirs - billed_seconds(rate.first_s, rate.next_s, call.talk_s)) * rate.per_minute / 60
        found.append(difference("duration", f"billed {theirs:g} s for a call of {call.talk_s:.1f} s (agreed {rate.first_s}/{rate.next_s})", over))
    if line.rate is not None and in_kind and abs(line.rate - rate.per_minute) > ROUNDING:
        over = (line.rate - rate.per_minute) * theirs / 60
        found.append(difference("rate", f"billed at {line.rate:g} a minute, agreed {rate.per_minute:g} for {price.prefix or 'the rest'}", over))
    if line.amount is not None:
        if not in_kind:
            found.append(difference("amount", f"billed in {line.currency or currency}, agreed {rate.currency or currency}"))
        else:
            short = rate.short_call_fee if call.talk_s <= SHORT_CALL_S else 0.0
            explained = (line.rate if line.rate is not None else rate.per_minute) * theirs / 60 + rate.fee + short
            if abs(line.amount - explained) > smallest:
                text = f"billed {line.amount:g}; {theirs:g} s come to {explained:.6g}"
                found.append(difference("amount", text, line.amount - explained))
    return found, expected


def _bill(rate: Rate, talk_s: float) -> float:
    """In the deck's currency."""
    short = rate.short_call_fee if talk_s <= SHORT_CALL_S else 0.0
    return rate.per_minute * billed_seconds(rate.first_s, rate.next_s, talk_s) / 60 + rate.fee + short


def _has_cents(amount: float) -> bool:
    """Whether it was rounded to cents."""
    return abs(amount * 100 - round(amount * 100)) < 1e-6


def _plain(amount: float | None) -> str:
    return "an unnamed amount" if amount is None else f"{amount:g}"


class _Book:
    """Totals as they grow."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str], list[float]] = {}

    def add(self, price: Agreed | None, currency: str, call: Ours | None, line: Line | None, expected: float) -> None:
        sums = self._totals.setdefault((price.prefix if price is not None else "?", currency), [0.0] * 6)
        if call is not None:
            sums[0] += 1
            sums[2] += call.talk_s
        sums[4] += expected
        if line is not None:
            sums[1] += 1
            sums[3] += line.billed_s if line.billed_s is not None else line.duration_s
            sums[5] += line.amount or 0.0

    def totals(self) -> tuple[Total, ...]:
        return tuple(
            Total(prefix, currency, int(sums[0]), int(sums[1]), round(sums[2], 3), round(sums[3], 3), round(sums[4], 6), round(sums[5], 6))
            for (prefix, currency), sums in sorted(self._totals.items())
        )
