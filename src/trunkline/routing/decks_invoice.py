"""A carrier's invoice as it comes: a CSV with a line for every call it bills (row R14)."""

import csv
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import StringIO
from zoneinfo import ZoneInfo

from msgspec import Struct

from trunkline.policy.problem import Problem, nearest

COLUMNS = ("called", "start", "duration", "billed", "rate", "amount", "currency", "call_id")
REQUIRED = ("called", "start", "duration")

NAMES = {
    "called": ("called", "called_number", "destination_number", "dst", "dnis", "callee", "b_number", "to", "dialed_number", "called number", "destination number"),
    "start": ("start", "start_time", "connect_time", "answer_time", "time_start", "call_start", "date", "datetime", "timestamp", "start time", "connect time"),
    "duration": ("duration", "duration_s", "seconds", "call_duration", "length", "duration_sec", "duration (s)", "raw_duration"),
    "billed": ("billed", "billed_duration", "billsec", "billable", "charged_duration", "billed_seconds", "billed duration"),
    "rate": ("rate", "price", "rate_per_minute", "per_minute", "rate/min"),
    "amount": ("amount", "cost", "charge", "total", "price_total", "charged_amount"),
    "currency": ("currency", "cur"),
    "call_id": ("call_id", "callid", "sip_call_id", "call-id"),
}  # fmt: skip
"What carriers call the columns; the first that is there counts."

MOST_PROBLEMS = 20


class Line(Struct, frozen=True, gc=False):
    """A call as the carrier bills it."""

    line: int
    called: str
    "Digits as written, without + and separators."
    start_s: float
    "Unix time."
    duration_s: float
    billed_s: float | None
    rate: float | None
    "Of a minute."
    amount: float | None
    currency: str
    call_id: str


def read_invoice(content: bytes, zone: str = "UTC", columns: Mapping[str, str] | None = None, currency: str = "") -> list[Line] | list[Problem]:
    """The lines of an invoice, or all that is wrong with it; `columns` maps our names of columns to the carrier's, `zone` is that of times without one."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return [Problem(content.count(b"\n", 0, error.start) + 1, 0, "", "a character that is no UTF-8", "save the file as UTF-8")]
    head, _, _ = text.partition("\n")
    table = csv.reader(StringIO(text, newline=None), delimiter=max(",;\t", key=head.count))
    header = [name.strip().lower() for name in next(table, [])]
    places, problem = _places(header, columns or {})
    if problem is not None:
        return [problem]
    lines: list[Line] = []
    problems: list[Problem] = []
    where = ZoneInfo(zone)
    for row in table:
        if not any(cell.strip() for cell in row):
            continue
        cells = {name: row[place].strip() if place < len(row) else "" for name, place in places.items()}
        found = list(_wrong(cells, table.line_num, where))
        if not found:
            lines.append(_line(cells, table.line_num, where, currency))
        problems += found
        if len(problems) >= MOST_PROBLEMS:
            break
    return problems or lines


def _places(header: list[str], columns: Mapping[str, str]) -> tuple[dict[str, int], Problem | None]:
    places: dict[str, int] = {}
    for name in COLUMNS:
        wanted = (columns[name].strip().lower(),) if name in columns else NAMES[name]
        place = next((header.index(word) for word in wanted if word in header), None)
        if place is not None:
            places[name] = place
        elif name in columns or name in REQUIRED:
            fix = nearest(wanted[0], header) + f"; `--column {name}=NAME` says what this invoice calls it"
            return {}, Problem(1, 0, name, f"no column `{wanted[0]}`", fix)
    return places, None


def _wrong(cells: Mapping[str, str], line: int, zone: ZoneInfo) -> Iterator[Problem]:
    if not re.sub(r"\D", "", cells["called"]):
        yield Problem(line, 0, "called", f"`{cells['called']}` is no number", "write digits")
    if _moment(cells["start"], zone) is None:
        yield Problem(line, 0, "start", f"`{cells['start']}` is no time", "write it like `2026-03-01 12:00:05`, with an offset where it is not in --zone")
    for name in ("duration", "billed"):
        if (name in REQUIRED or cells.get(name)) and _seconds(cells[name]) is None:
            yield Problem(line, 0, name, f"`{cells[name]}` is no duration", "write seconds, or `mm:ss`")
    for name in ("rate", "amount"):
        if cells.get(name) and _number(cells[name]) is None:
            yield Problem(line, 0, name, f"`{cells[name]}` is no amount", "write a number with a decimal point")


def _line(cells: Mapping[str, str], line: int, zone: ZoneInfo, currency: str) -> Line:
    start, duration = _moment(cells["start"], zone), _seconds(cells["duration"])
    assert start is not None
    assert duration is not None
    return Line(
        line, re.sub(r"\D", "", cells["called"]), start, duration, _seconds(cells.get("billed", "")), _number(cells.get("rate", "")),
        _number(cells.get("amount", "")), (cells.get("currency") or currency).upper(), cells.get("call_id", ""),
    )  # fmt: skip


def _moment(written: str, zone: ZoneInfo) -> float | None:
    """Unix time of ISO 8601 text, or of Unix seconds or milliseconds."""
    number = _number(written)
    if number is not None and number > 1e8:
        return number / 1000 if number > 1e11 else number
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def _seconds(written: str) -> float | None:
    """Seconds of `75`, `75.2`, `1:15` or `00:01:15`."""
    total = 0.0
    for part in written.split(":"):
        number = _number(part)
        if number is None or number < 0:
            return None
        total = total * 60 + number
    return total


def _number(written: str) -> float | None:
    if not re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", written):
        return None
    return float(written)
