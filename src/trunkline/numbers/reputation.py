"""What others say about our numbers: labels by analytics engines, and complaints of the called.

A label is an observation: somebody saw it, somewhere, on a date. Clean look-ups are observations too; without them a rate of labels has no
denominator. The engines label per call and disagree with each other, so every rate comes with its exact interval.
"""

import re
from bisect import insort
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from trunkline.facts.numbers import NumberComplaint, NumberLabelled
from trunkline.numbering import is_e164
from trunkline.policy.problem import Problem, nearest
from trunkline.policy.table import Table
from trunkline.stats import exact

from .gathering import Gathering, by_part, parted

LABELS = ("clean", "warn", "spam", "scam")
COLUMNS = ("number", "label", "engine", "source", "seen")
PROBLEM_LIMIT = 100
"A file of the wrong kind has one fault per line; nobody reads more."
KEPT = 32
"Observations kept per number; the oldest go."
DAYS_KEPT = 120
DAY_US = 86_400_000_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z")


class Seen(Struct, frozen=True, gc=False, array_like=True):
    """One observation."""

    at: int
    "UTC microseconds when it was observed."
    label: str
    engine: str
    source: str


class Reputation(Struct, gc=False, array_like=True):
    """What is said about one number."""

    number: str
    seen: list[Seen]
    "By when it was observed."
    complaints: list[int]
    "UTC microseconds of each."
    opt_outs: int = 0


class Tally(Struct, gc=False, array_like=True):
    """Look-ups of one day, pool, area and engine."""

    key: str
    "`day|pool|area|engine`."
    looked: int = 0
    labelled: int = 0


class LabellingRate(Struct, frozen=True, gc=False):
    """Labelled observations among all."""

    group: str
    looked: int
    labelled: int
    rate: float
    low: float
    "Exact 95 % interval."
    high: float


class Reputations:
    """Labels and complaints, as a fold."""

    def __init__(self) -> None:
        self._numbers: Gathering[Reputation] = Gathering(Reputation)
        self._tallies: Gathering[Tally] = Gathering(Tally)
        self._by_day: dict[int, list[str]] = {}
        "Day -> keys of its tallies."

    def of(self, number: str) -> Reputation | None:
        return self._numbers.rows.get(number)

    def has(self, fact: NumberLabelled) -> bool:
        """Whether this is no second observation: it is known, is what its source last saw that (UTC) day too, or is older than all that is kept."""
        row = self._numbers.rows.get(fact.number)
        if row is None:
            return False
        before = [seen for seen in row.seen if (seen.engine, seen.source) == (fact.engine, fact.source) and seen.at <= fact.seen]
        if before and before[-1].label == fact.label and before[-1].at // DAY_US == fact.seen // DAY_US:
            return True
        return _seen(fact) in before or (len(row.seen) >= KEPT and fact.seen < row.seen[0].at)

    def labelled(self, fact: NumberLabelled, pool: str, area: str) -> None:
        row = self._row(fact.number)
        insort(row.seen, _seen(fact), key=lambda seen: seen.at)
        if len(row.seen) > KEPT:
            del row.seen[0]
        key = f"{fact.seen // DAY_US}|{pool}|{area}|{fact.engine}"
        tally = self._tallies.rows.get(key)
        if tally is None:
            self._tallies.rows[key] = tally = Tally(key)
            self._by_day.setdefault(fact.seen // DAY_US, []).append(key)
            self._expire(fact.at // DAY_US)
        self._tallies.touch(key)
        tally.looked += 1
        tally.labelled += fact.label != "clean"

    def complained(self, fact: NumberComplaint) -> None:
        row = self._row(fact.number)
        row.complaints.append(fact.at)
        row.opt_outs += fact.kind == "opt_out"
        if len(row.complaints) > 10 * KEPT:
            del row.complaints[0]

    def bad(self, number: str, at: int, window_us: int) -> list[Seen]:
        """Spam and scam labels within the window that no later clean look-up by the same engine and source took back; `warn` is none of them."""
        row = self._numbers.rows.get(number)
        if row is None:
            return []
        cleared: dict[tuple[str, str], int] = {}
        for seen in row.seen:
            if seen.label == "clean":
                key = (seen.engine, seen.source)
                cleared[key] = max(cleared.get(key, 0), seen.at)
        return [
            seen for seen in row.seen
            if seen.label in ("spam", "scam") and at - window_us <= seen.at <= at and seen.at > cleared.get((seen.engine, seen.source), 0)
        ]  # fmt: skip

    def complaints(self, number: str, since: int) -> int:
        row = self._numbers.rows.get(number)
        return sum(at >= since for at in row.complaints) if row else 0

    def rates(self, by: str, since: int) -> list[LabellingRate]:
        """Labelling rate by `pool`, `area` or `engine` of look-ups since a UTC microsecond."""
        sums: dict[str, tuple[int, int]] = {}
        for tally in self._tallies.rows.values():
            day, pool, rest = tally.key.split("|", 2)
            area, _, engine = rest.rpartition("|")  # of these only an area may hold a bar
            if int(day) >= since // DAY_US:
                group = {"pool": pool, "area": area, "engine": engine}[by]
                looked, labelled = sums.get(group, (0, 0))
                sums[group] = (looked + tally.looked, labelled + tally.labelled)
        return [
            LabellingRate(group, looked, labelled, labelled / looked, *exact(labelled, looked)) for group, (looked, labelled) in sorted(sums.items())
        ]

    def dump(self) -> Iterator[bytes]:
        return parted({"numbers": self._numbers.dump(), "tallies": self._tallies.dump()})

    def load(self, pieces: Sequence[bytes]) -> None:
        parts = by_part(pieces)
        self._numbers.load(parts.get("numbers", ()), "number")
        self._tallies.load(parts.get("tallies", ()), "key")
        self._by_day = {}
        for key in self._tallies.rows:
            self._by_day.setdefault(int(key.partition("|")[0]), []).append(key)

    def _row(self, number: str) -> Reputation:
        return self._numbers.changing(number, lambda: Reputation(number, [], []))

    def _expire(self, today: int) -> None:
        for day in [day for day in self._by_day if day < today - DAYS_KEPT]:
            for key in self._by_day.pop(day):
                self._tallies.touch(key)
                del self._tallies.rows[key]


def read_labels(text: str, at: int, written: int = 0) -> list[NumberLabelled] | list[Problem]:
    """Observations from CSV (`number,label,engine,source,seen`), all or none; one without `seen` is of when the file was `written` (0: now)."""
    table = Table(text)
    header = table.header
    if header != COLUMNS:
        return [Problem(1, 0, "", f"columns are {','.join(header) or 'missing'}", f"begin with `{','.join(COLUMNS)}`")]
    facts: list[NumberLabelled] = []
    problems: list[Problem] = []
    for line, cells in table:
        if len(cells) != len(COLUMNS):
            problems.append(Problem(line, 0, "", f"{len(cells)} fields", f"write {len(COLUMNS)}"))
            continue
        if len(problems) >= PROBLEM_LIMIT:
            problems.append(Problem(line, 0, "", "reading stopped here", f"correct the first {PROBLEM_LIMIT} faults"))
            break
        number, label, engine, source, seen = cells
        found = observe(number, label, engine, source, seen, at, line, min(written or at, at))
        if isinstance(found, NumberLabelled):
            facts.append(found)
        else:
            problems += found
    if table.broken:
        problems.append(table.broken)
    return problems or facts


def observe(number: str, label: str, engine: str, source: str, seen: str, at: int, line: int = 0, unsaid: int = 0) -> NumberLabelled | list[Problem]:
    """One observation, or what is wrong with it. `seen` is ISO 8601 with its offset, or a date (UTC); empty is `unsaid`, or now."""
    problems: list[Problem] = []
    moment = _moment(seen) if seen else unsaid or at
    if label not in LABELS:
        problems.append(Problem(line, 0, "label", f"there is no label `{label}`", nearest(label, LABELS)))
    if not is_e164(number):
        problems.append(Problem(line, 0, "number", f"`{number}` is not E.164", "write + and digits, such as +14155550123"))
    if not _NAME.match(engine) or not source or len(source) > 200 or not source.isprintable():
        problems.append(Problem(line, 0, "engine", "engine or source is empty or no name", "say whose label it is (hiya, tns, first_orion ...) and who saw it"))
    if moment is None or moment > at + DAY_US:
        problems.append(Problem(line, 0, "seen", f"`{seen}` is no past moment", "write ISO 8601, such as 2026-03-01T14:00:00+00:00"))
        return problems
    return problems or NumberLabelled(at, moment, number, label, engine, source)


def _seen(fact: NumberLabelled) -> Seen:
    return Seen(fact.seen, fact.label, fact.engine, fact.source)


def _moment(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        if len(text) > 10:
            return None
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1_000_000)


