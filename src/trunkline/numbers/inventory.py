"""The inventory: which numbers are ours, whose they are, what for, and by what right.

A pool is one owner, one use and one country: a number that collects debts never lends its reputation to one that sells. People write the
inventory as CSV; it becomes facts, and facts are what counts. A file is taken whole or not at all.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from io import StringIO

import msgspec
from msgspec import Struct

from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberTransition
from trunkline.numbering import is_e164
from trunkline.policy.problem import Problem, nearest
from trunkline.policy.table import Table
from trunkline.records.checkpoint import in_pieces

from .areas import Areas
from .life import Life, State
from .lifecycle import DAY_US, Event

TYPES = ("geographic", "mobile", "toll_free", "national", "service")
FIELDS = ("owner", "type", "country", "area", "use", "pool", "provider", "proof", "proof_from", "proof_until", "callback")
COLUMNS = ("number", *FIELDS)
OPTIONAL = ("area", "provider", "proof", "proof_from", "proof_until", "callback", "start")
"Columns a file may leave out; `start` says `warm_up` (as when absent) or `production`, for a number in use elsewhere."
PROBLEM_LIMIT = 100
"A file of the wrong kind has one fault per line; nobody reads more."

LONGEST = 200
"Characters of a cell."

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")
_COUNTRY = re.compile(r"[A-Z]{2}\Z")
_NANP = re.compile(r"\+1[2-9][0-9]{2}[2-9][0-9]{6}\Z")
_EPOCH = date(1970, 1, 1).toordinal()
_ENDLESS = 2**31


class Holding(Struct, frozen=True, gc=False, array_like=True):
    """A number we hold; fields as in `facts.numbers.NumberAdded`."""

    number: str
    owner: str
    type: str
    country: str
    area: str
    use: str
    pool: str
    provider: str
    proof: str
    proof_from: str
    proof_until: str
    callback: str
    first_day: int = _ENDLESS
    "First day the right is proven, days since 1970; far away when there is no proof."
    last_day: int = -1

    def proven(self, at: int) -> bool:
        """Whether the proof of right is in date at a UTC microsecond."""
        return self.first_day <= at // 86_400_000_000 <= self.last_day


class Inventory:
    """All numbers held, as a fold."""

    def __init__(self) -> None:
        self.holdings: dict[str, Holding] = {}

    def apply(self, fact: NumberAdded | NumberChanged) -> Holding | None:
        """The row as it is now; None when a change is about a number nobody knows."""
        if isinstance(fact, NumberAdded):
            row = _holding({name: getattr(fact, name) for name in COLUMNS})
        else:
            known = self.holdings.get(fact.number)
            if known is None:
                return None
            row = _holding({name: fact.changes.get(name, getattr(known, name)) for name in COLUMNS})
        self.holdings[fact.number] = row
        return row

    def dump(self) -> Iterator[bytes]:
        return in_pieces(list(self.holdings.values()))

    def load(self, pieces: Sequence[bytes]) -> None:
        self.holdings = {}
        self.holdings = {row.number: row for piece in pieces for row in msgspec.msgpack.decode(piece, type=list[Holding])}


class Import(Struct, frozen=True):
    """What a CSV comes to."""

    facts: tuple[NumberAdded | NumberChanged | NumberTransition, ...]
    "To be journalled in this order; empty when there are problems."
    problems: tuple[Problem, ...]
    added: int
    changed: int
    unchanged: int


def read_csv(text: str, inventory: Inventory, areas: Areas, at: int, author: str, life_of: Callable[[str], Life | None] = lambda number: None) -> Import:
    """Compare a file with the inventory. Numbers the file does not name stay as they are; `life_of` tells which were given back, and may come again."""
    table = Table(text)
    header = table.header
    problems = _header_problems(header)
    if problems:
        return Import((), tuple(problems), 0, 0, 0)
    facts: list[NumberAdded | NumberChanged | NumberTransition] = []
    seen: dict[str, int] = {}
    pools = _pools(inventory)
    unchanged = added = 0
    for line, cells in table:
        if len(problems) >= PROBLEM_LIMIT:
            problems.append(Problem(line, 0, "", "reading stopped here", f"correct the first {PROBLEM_LIMIT} faults"))
            break
        if len(cells) != len(header):
            problems.append(Problem(line, 0, "", f"{len(cells)} fields", f"write {len(header)}, as the first line says"))
            continue
        row = {**_EMPTY, **dict(zip(header, cells, strict=True))}
        row["area"] = row["area"] or areas.area_of(row["number"])
        start = row.pop("start")
        found = _row_problems(row, line, start)
        number = row["number"]
        if number in seen:
            found.append(Problem(line, 0, "number", f"{number} stands on line {seen[number]} already", "keep one of the two"))
        seen[number] = line
        known, life = inventory.holdings.get(number), life_of(number)
        if life is not None and life.state == State.RELEASED:
            known = None
            if start == "production" and life.rest_until > at:
                found.append(Problem(line, 0, "start", f"{number} was put to rest until {date.fromordinal(_EPOCH + life.rest_until // DAY_US)}, and given back since", "leave it empty: the rest goes on, then it is warmed up"))
        if known is not None and known.owner != row["owner"]:
            found.append(Problem(line, 0, "owner", f"{number} belongs to `{known.owner}`", "retire and release it there first; a number does not take its past to another tenant"))
        purpose = (row["owner"], row["use"], row["country"])
        first = purpose if found else pools.setdefault(row["pool"], purpose)
        if first != purpose:
            found.append(Problem(line, 0, "pool", f"pool `{row['pool']}` is {first[0]}, {first[1]}, {first[2]}; this number is {', '.join(purpose)}", "choose another pool: one pool has one owner, one use, one country"))
        if found:
            problems += found
            continue
        if known is None:
            added += 1
            facts.append(NumberAdded(at=at, author=author, **row))
            if start == "production":
                facts.append(NumberTransition(at, number, State.STOCK.value, State.PRODUCTION.value, Event.PROMOTE.value, "imported as a number already in use", {}, author))
        else:
            changes = {name: row[name] for name in FIELDS if row[name] != getattr(known, name)}
            if changes:
                facts.append(NumberChanged(at, number, changes, author))
            else:
                unchanged += 1
    if table.broken:
        problems.append(table.broken)
    if problems:
        return Import((), tuple(problems), 0, 0, 0)
    changed = sum(isinstance(fact, NumberChanged) for fact in facts)
    return Import(tuple(facts), (), added, changed, unchanged)


def write_csv(holdings: Mapping[str, Holding]) -> str:
    """Rows as a file `read_csv` finds nothing to change in."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows([getattr(row, name) for name in COLUMNS] for row in holdings.values())
    return out.getvalue()


def implausible(number: str) -> str:
    """Why no such number can have been assigned; empty when it may have been (E.164; for +1 the NANP's NXX-NXX-XXXX)."""
    if not is_e164(number) or len(number) < 8:
        return "is not E.164"
    if number.startswith("+1"):
        if not _NANP.match(number):
            return "is no North American number (area code and exchange begin with 2 to 9, ten digits)"
        if number[3:5] == "11" or number[6:8] == "11":
            return "holds a service code (N11) as area code or exchange"
    return ""


_EMPTY = dict.fromkeys(OPTIONAL, "")


def why_no_row(fact: NumberAdded | NumberChanged, known: Holding | None) -> str:
    """Why a fact makes no row a file could hold; empty when it does. A row that nobody knows yet can be added, and not changed."""
    if isinstance(fact, NumberChanged):
        if not fact.changes.keys() <= set(FIELDS) - {"owner"}:
            return "a change of what is no column, or belongs to another"
        row = {name: fact.changes.get(name, getattr(known, name) if known else "") for name in COLUMNS}
        row["number"] = fact.number
    else:
        row = {name: getattr(fact, name) for name in COLUMNS}
    problems = _row_problems(row, 0, "") if known or isinstance(fact, NumberAdded) else []
    return problems[0].message if problems else ""


def _header_problems(header: tuple[str, ...]) -> list[Problem]:
    known = (*COLUMNS, "start")
    problems = [Problem(1, 0, name, f"there is no column `{name}`", nearest(name, known)) for name in header if name not in known]
    problems += [Problem(1, 0, name, f"column `{name}` is missing", f"begin with `{','.join(COLUMNS)}`") for name in COLUMNS if name not in OPTIONAL and name not in header]
    problems += [Problem(1, 0, name, f"column `{name}` occurs twice", "keep one") for name in dict.fromkeys(header) if header.count(name) > 1]
    return problems


def _row_problems(row: dict[str, str], line: int, start: str) -> list[Problem]:
    problems: list[Problem] = []

    def no(column: str, message: str, fix: str) -> None:
        problems.append(Problem(line, 0, column, message, fix))

    wrong = implausible(row["number"])
    if wrong:
        no("number", f"`{row['number']}` {wrong}", "write E.164 with +, such as +14155550123")
    for name in ("owner", "use", "pool"):
        if not _NAME.match(row[name]):
            no(name, f"`{row[name]}` is no name", "write 1 to 64 letters, digits, `.`, `_` or `-`")
    for name, text in row.items():
        if len(text) > LONGEST or not text.isprintable():
            no(name, f"it is longer than {LONGEST} characters, or holds some that cannot be shown", "write it shorter and plainly")
    if row["type"] not in TYPES:
        no("type", f"there is no type `{row['type']}`", nearest(row["type"], TYPES))
    if not _COUNTRY.match(row["country"]):
        no("country", f"`{row['country']}` is no country", "write two capital letters (ISO 3166), such as US")
    if start not in ("", "warm_up", "production"):
        no("start", f"a number does not start in `{start}`", "write `warm_up`, or `production` for a number already in use")
    first, last = _day(row["proof_from"]), _day(row["proof_until"])
    for name, day in (("proof_from", first), ("proof_until", last)):
        if day is None:
            no(name, f"`{row[name]}` is no date", "write YYYY-MM-DD, or nothing")
    if row["proof"] and not row["proof_from"]:
        no("proof_from", "the proof has no date", "write the day it was given, YYYY-MM-DD")
    if not row["proof"] and (row["proof_from"] or row["proof_until"]):
        no("proof", "there is a date and no document", "name the document, or leave the dates out")
    if first and last and last < first:
        no("proof_until", "the proof ends before it begins", "exchange the two dates")
    return problems


def _day(text: str) -> int | None:
    """Days since 1970; 0 when empty, None when it is no date."""
    if not text:
        return 0
    try:
        return date.fromisoformat(text).toordinal() - _EPOCH if len(text) == 10 else None
    except ValueError:
        return None


def _holding(row: dict[str, str]) -> Holding:
    first, last = _ENDLESS, -1
    if row["proof"]:
        until = _day(row["proof_until"]) if row["proof_until"] else _ENDLESS
        first, last = _day(row["proof_from"]) or 0, -1 if until is None else until
    return Holding(**row, first_day=first, last_day=last)


def _pools(inventory: Inventory) -> dict[str, tuple[str, str, str]]:
    return {row.pool: (row.owner, row.use, row.country) for row in inventory.holdings.values()}
