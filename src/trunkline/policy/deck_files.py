"""Rate decks as carriers send them: CSV files, read at the desk into a `Deck` (row R14).

Every row is a prefix and its price, with the days it holds. A later row for the same prefix takes over on its day, so an amendment is simply
one more file. Rows are 200,000 as a rule, so what repeats (prices, dates) is parsed once.
"""

import csv
from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic_core import PydanticCustomError

from trunkline.numbering.ranges import MOST_DIGITS, flatten
from trunkline.policy.deck import FOREVER, Deck, Rate
from trunkline.policy.problem import Problem, nearest
from trunkline.policy.scalars import parse_increments

COLUMNS = ("prefix", "rate", "increments", "fee", "connection_fee", "short_call_fee", "currency", "from", "until")
REQUIRED = ("prefix", "rate")
REMARKS = frozenset(("name", "destination", "country", "description", "comment", "note", "operator", "area", "type"))
"Columns people write for people: passed over."

MOST_PROBLEMS = 20
"Of one file; a wrong column makes as many as there are rows."

DEAREST = 100_000.0


class Layout(Struct, frozen=True):
    """How a carrier's files are to be read."""

    zone: str = "UTC"
    "In whose midnights dates begin and end."
    currency: str = ""
    "Of rows that name none."
    columns: dict[str, str] = {}
    "Our name of a column -> the carrier's."
    increments: tuple[int, int] = (60, 60)
    "Of rows that name none."


class _Row(Struct, frozen=True, gc=False):
    since: int
    until: int
    rate: int
    place: tuple[str, int]
    "File and line."


def read_decks(files: Iterable[tuple[str, bytes]], layout: Layout, currencies: Mapping[str, object] | None = None) -> Deck | list[tuple[str, Problem]]:
    """One deck out of a carrier's files, or all that is wrong with them by file; `currencies` are those that can be converted, None is any."""
    reader = _Reader(layout, currencies)
    problems: list[tuple[str, Problem]] = []
    for name, content in files:
        problems += [(name, problem) for problem in reader.read(name, content)]
    return problems or reader.deck()


class _Reader:
    """Gathers rows over all files of a carrier."""

    def __init__(self, layout: Layout, currencies: Mapping[str, object] | None) -> None:
        self.layout = layout
        self.currencies = currencies
        self.rates: dict[Rate, int] = {}
        self.rows: dict[str, list[_Row]] = {}
        "By prefix."
        self._zone = ZoneInfo(layout.zone)
        self._known_rates: dict[tuple[str, ...], int] = {}
        self._moments: dict[tuple[str, bool], int] = {("", False): 0, ("", True): FOREVER}

    def read(self, name: str, content: bytes) -> Iterator[Problem]:
        """Takes the rows of one file; yields what is wrong with it."""
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            yield Problem(line, 0, "", "a character that is no UTF-8", "save the file as UTF-8")
            return
        head, _, _ = text.partition("\n")
        table = csv.reader(StringIO(text, newline=None), delimiter=max(",;\t", key=head.count), strict=True)
        try:
            places = self._places(next(table, []))
        except (_FaultError, csv.Error) as fault:
            yield _problem(1, fault)
            return
        told = 0
        width = max(place for place in places if place is not None) + 1
        try:
            for row in table:
                if not row or (len(row) == 1 and not row[0].strip()):
                    continue
                try:
                    if len(row) < width:
                        raise _FaultError("", f"{len(row)} fields, fewer than the columns", "write every column, empty where it says nothing")
                    self._take([row[place].strip() if place is not None else "" for place in places], (name, table.line_num))
                except _FaultError as fault:
                    told += 1
                    if told > MOST_PROBLEMS:
                        yield Problem(table.line_num, 0, "", f"more than {MOST_PROBLEMS} rows are wrong", "correct the ones above first; one cause may be behind all")
                        return
                    yield _problem(table.line_num, fault)
        except csv.Error as error:
            yield Problem(table.line_num, 0, "", f"not CSV: {error}", "check the quotes around here")

    def _places(self, header: list[str]) -> list[int | None]:
        """Where our columns stand, in the order of `COLUMNS`."""
        theirs = {theirs.strip().lower(): ours for ours, theirs in self.layout.columns.items()}
        found: dict[str, int] = {}
        for place, written in enumerate(header):
            plain = written.strip().lower()
            ours = theirs.get(plain) or plain.replace(" ", "_")
            if ours in found:
                raise _FaultError("", f"two columns are the {ours}", "keep one of them, or rename it")
            if ours in COLUMNS:
                if plain not in theirs and ours in self.layout.columns:
                    continue  # the policy names another column for it
                found[ours] = place
            elif not theirs and ours not in REMARKS and ours:
                raise _FaultError(ours, f"unknown column `{written.strip()}`", nearest(ours, COLUMNS) + "; or name the carrier's columns in `columns`")
        for ours in REQUIRED:
            if ours not in found:
                wanted = self.layout.columns.get(ours, ours)
                raise _FaultError("", f"no column `{wanted}`", f"begin the file with its column names, such as `{','.join(COLUMNS)}`")
        return [found.get(ours) for ours in COLUMNS]

    def _take(self, row: list[str], place: tuple[str, int]) -> None:
        prefix, *price, since, until = row
        if prefix[:1] == "+":
            prefix = prefix[1:]
        if prefix and not (prefix.isdigit() and prefix.isascii() and prefix[0] != "0" and len(prefix) <= MOST_DIGITS):
            raise _FaultError("prefix", f"`{prefix}` is no prefix of E.164 numbers", "write a country code and what follows it, digits only")
        written = tuple(price)
        rate = self._known_rates.get(written)
        if rate is None:
            rate = self._known_rates[written] = self.rates.setdefault(self._rate(*price), len(self.rates))
        begins, ends = self._moment(since, False), self._moment(until, True)
        if ends <= begins:
            raise _FaultError("until", f"it ends ({until}) before it begins ({since or 'always'})", "exchange the two dates, or leave `until` empty")
        rows = self.rows.get(prefix)
        if rows is None:
            self.rows[prefix] = [_Row(begins, ends, rate, place)]
            return
        for other in rows:
            if other.since == begins:
                where = f"line {other.place[1]}" + (f" of {other.place[0]}" if other.place[0] != place[0] else "")
                raise _FaultError("prefix", f"{prefix or 'the default'} has a price from {since or 'the beginning'} on {where} already", "keep one of the two")
        rows.append(_Row(begins, ends, rate, place))

    def _rate(self, per_minute: str, increments: str, fee: str, connection: str, short: str, currency: str) -> Rate:
        currency = (currency or self.layout.currency).upper()
        if self.currencies is not None and currency and currency not in self.currencies:
            fix = f"add it to `currencies` of the policy, such as `{currency}: 1.08`"
            raise _FaultError("currency", f"nothing says what {currency} is worth", fix)
        try:
            first, following = parse_increments(increments) if increments else self.layout.increments
        except PydanticCustomError:
            raise _FaultError("increments", f"`{increments}` are no billing increments", "write first and next seconds, such as `60/60` or `30/6`") from None
        return Rate(_money("rate", per_minute), first, following, _money("fee", fee or "0") + _money("connection_fee", connection or "0"),
                    _money("short_call_fee", short or "0"), currency)  # fmt: skip

    def _moment(self, written: str, ends: bool) -> int:
        """Unix seconds of a date or time; a date that ends something counts whole."""
        known = self._moments.get((written, ends))
        if known is None:
            known = self._moments[written, ends] = moment(written, self._zone, ends)
        return known

    def deck(self) -> Deck:
        prefixes = sorted(self.rows)
        numbers = {prefix: at for at, prefix in enumerate(prefixes, 1)}
        parents, lengths, first = array("I", (0,)), bytearray(1), array("I", (0, 0))
        since, until, rate = array("I"), array("I"), array("I")
        for prefix in prefixes:
            parents.append(next((numbers[prefix[:length]] for length in range(len(prefix) - 1, -1, -1) if prefix[:length] in numbers), 0))
            lengths.append(len(prefix))
            for row in sorted(self.rows[prefix], key=lambda row: -row.since):
                since.append(row.since)
                until.append(row.until)
                rate.append(row.rate)
            first.append(len(since))
        starts, nodes = flatten(numbers.items())
        changes = sorted({*since, *until} - {0, FOREVER})
        return Deck(
            _bytes(array("Q", starts)), _bytes(array("I", nodes)), _bytes(parents), memoryview(bytes(lengths)), _bytes(first), _bytes(since), _bytes(until),
            _bytes(rate), tuple(self.rates), max(lengths), tuple(sorted({rate.currency for rate in self.rates})), tuple(changes),
        )  # fmt: skip


def _bytes(values: "array[int]") -> memoryview:
    return memoryview(values.tobytes())


class _FaultError(Exception):
    """What is wrong with a row."""

    def __init__(self, column: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.column, self.fix = column, fix


def _problem(line: int, fault: Exception) -> Problem:
    if isinstance(fault, _FaultError):
        return Problem(line, 0, fault.column, str(fault), fault.fix)
    return Problem(line, 0, "", f"not CSV: {fault}", "check the quotes around here")


def _money(column: str, written: str) -> float:
    try:
        value = float(written)
    except ValueError:
        value = -1.0
    if not 0 <= value <= DEAREST:
        raise _FaultError(column, f"`{written}` is no price", "write a number with a decimal point, such as `0.0085`")
    return value


def moment(written: str, zone: ZoneInfo, ends: bool = False) -> int:
    """Unix seconds of `2026-12-01` (midnight in `zone`; the next one when it `ends` something) or `2026-12-01T06:00`. Raises for anything else."""
    try:
        if len(written) == 10:
            day = date.fromisoformat(written) + timedelta(days=ends)
            at = datetime.combine(day, time(), zone)
        else:
            at = datetime.fromisoformat(written)
            at = at if at.tzinfo else at.replace(tzinfo=zone)
    except (ValueError, OverflowError):
        at = datetime(1, 1, 1, tzinfo=UTC)
    seconds = int(at.timestamp())
    if not 0 <= seconds < FOREVER:
        raise _FaultError("until" if ends else "from", f"`{written}` is no date", "write it like `2026-12-01`, or `2026-12-01T06:00`")
    return seconds
