"""`trunkline numbering`: what a number is. `trunkline rates`: what it costs, and whether a carrier's invoice is right."""

import re
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import msgspec
import typer

from trunkline.cli.command import Data, Json, json_of, stop, text_of
from trunkline.cli.journal import facts_from
from trunkline.cli.rendering import moment, plain, table
from trunkline.cli.source import SourceError, data_directory, journal_of

if TYPE_CHECKING:
    from trunkline.insight.billable import Reach
    from trunkline.routing.decks_invoice import Line

app = typer.Typer(no_args_is_help=True, add_completion=False, help="What carriers charge, by their rate decks; see docs/rates.md.")

Policy = Annotated[Path, typer.Option("--policy", help="The policy document.")]
SHOWN = 20
"Differences of a kind that are printed; --json has all."

EDGE_S = 60.0
"Beyond its first and last line an invoice says nothing, but for clocks that differ."

KINDS = {
    "extra": "billed, and not a call of ours", "duration": "billed longer or shorter than it was", "rate": "billed at another rate than agreed",
    "amount": "billed another amount than seconds and rate make", "unpriced": "billed, and the deck has no price for it", "missing": "our calls that are not billed",
}  # fmt: skip
"In the order they are printed: what costs money first."


def numbering(numbers: Annotated[list[str], typer.Argument(help="In E.164, country code first: +14155550123.")], as_json: Json = False) -> None:
    """What numbers are: country, type, area, and the operator they were assigned to."""
    from trunkline.numbering.world import world

    known = world()
    rows: list[dict[str, str]] = []
    for number in numbers:
        digits = _digits(number)
        kind = known.kind(digits)
        rows.append({"number": f"+{digits}", "country": kind.country, "name": known.countries.get(kind.country, ""), "type": kind.type, "area": known.area(digits),
                     "operator": known.operator(digits)})  # fmt: skip
    if as_json:
        print(json_of(rows))
        return
    header = ("number", "country", "type", "area", "operator")
    print(table(header, [(row["number"], " ".join(filter(None, (row["country"], row["name"]))), row["type"], row["area"], row["operator"]) for row in rows]))


@app.command()
def lookup(
    number: Annotated[str, typer.Argument(help="In E.164, country code first: +14155550123.")],
    policy: Policy = Path("policy.yaml"),
    at: Annotated[str, typer.Option(help="The moment, such as 2026-12-01 or 2026-12-01T06:00; now when not given.")] = "",
    as_json: Json = False,
) -> None:
    """What a minute to a number costs at every carrier that has a rate deck, the cheapest first."""
    document, decks = _decks(policy)
    digits, when = _digits(number), _moment(at) if at else time()
    rows: list[dict[str, Any]] = []
    for carrier in (name for name, entry in document.carriers.items() if entry.rates is not None):
        quote = decks.quote(carrier, f"+{digits}", when)
        if quote is None:
            rows.append({"carrier": carrier, "prefix": None, "worth": None})
            continue
        rate = quote.rate
        rows.append({
            "carrier": carrier, "prefix": quote.prefix, "rate": rate.per_minute, "currency": rate.currency or document.currency, "increments": f"{rate.first_s}/{rate.next_s}",
            "fee": rate.fee, "short_call_fee": rate.short_call_fee, "worth": rate.per_minute * decks.worth(rate.currency, when),
        })  # fmt: skip
    rows.sort(key=lambda row: (row["worth"] is None, row["worth"] or 0.0))
    if as_json:
        print(json_of({"number": f"+{digits}", "at": when, "currency": document.currency, "carriers": rows}))
        return
    if not rows:
        print("No carrier of the policy has a rate deck; see `rates` in docs/policy.md.")
        return
    header = ("carrier", "prefix", "a minute", "increments", "fee", "short call", document.currency or "worth")
    print(table(header, [_priced(row) for row in rows], header[2:]))


@app.command()
def reconcile(
    invoice: Annotated[Path, typer.Argument(help="The carrier's call records: a CSV with at least called, start and duration.")],
    carrier: Annotated[str, typer.Option(help="Whose invoice it is.")],
    policy: Policy = Path("policy.yaml"),
    begins: Annotated[str, typer.Option("--from", help="First day or moment of the invoice; that of its first line when not given.")] = "",
    ends: Annotated[str, typer.Option("--until", help="First day or moment after it; that of its last line when not given.")] = "",
    zone: Annotated[str, typer.Option(help="Time zone of the invoice's times.")] = "UTC",
    column: Annotated[list[str], typer.Option(help="What the invoice calls a column, such as called=DNIS; may be repeated.")] = [],  # noqa: B006
    tolerance: Annotated[float, typer.Option(help="Seconds that starts may lie apart.")] = 5.0,
    rounding: Annotated[float, typer.Option(help="Seconds that durations may lie apart.")] = 1.0,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Compare an invoice with our records, call by call.

    Exit code 0: it agrees; 1: it does not, or has calls of a time our records do not reach; 2: it could not be read.
    """
    from trunkline.insight.billable import billable
    from trunkline.routing.decks_invoice import Line, read_invoice
    from trunkline.routing.decks_reconcile import Agreed
    from trunkline.routing.decks_reconcile import reconcile as compare

    document, decks = _decks(policy)
    if carrier not in document.carriers:
        _fail(f"{policy} has no carrier {carrier}; it has {', '.join(document.carriers)}.")
    if document.carriers[carrier].rates is None:
        _fail(f"Carrier {carrier} has no rate deck to compare with; add `rates` to it in {policy}.")
    try:
        content = invoice.read_bytes()
        ZoneInfo(zone)
        columns = dict(_pair(text) for text in column)
    except (OSError, LookupError, ValueError) as error:
        _fail(f"{getattr(error, 'filename', None) or zone}: {getattr(error, 'strerror', None) or error}")
    currency = document.carriers[carrier].rates.currency or document.currency
    read = read_invoice(content, zone, columns, currency)
    lines = [line for line in read if isinstance(line, Line)]
    if len(lines) < len(read):
        _fail("\n".join(f"{invoice}:{problem}" for problem in read))
    first = _moment(begins, zone) if begins else min((line.start_s for line in lines), default=0.0) - EDGE_S
    last = _moment(ends, zone) if ends else max((line.start_s for line in lines), default=0.0) + EDGE_S
    lines = [line for line in lines if first <= line.start_s < last]
    directory, covers = _records(data)
    beyond = [line for line in lines if not covers.holds(line.start_s, line.start_s + line.duration_s)]
    lines = [line for line in lines if covers.holds(line.start_s, line.start_s + line.duration_s)]
    ours = billable(facts_from(directory, int((first - EDGE_S) * 1e6)), carrier, first, last)

    def agreed(called: str, at: float) -> Agreed | None:
        quote = decks.quote(carrier, called, at)
        return Agreed(quote.rate, quote.prefix) if quote is not None else None

    found = compare(lines, ours, agreed, tolerance, rounding, document.currency)
    starts = [line.start_s - found.offset_s for line in lines]
    past = {one.call for one in found.differences if one.kind == "missing" and starts and ((not begins and one.at_s < min(starts) - tolerance) or (not ends and one.at_s > max(starts) + tolerance))}
    if past:  # looked at for clocks that differ; the invoice says nothing of that time
        found = compare(lines, [call for call in ours if call.call not in past], agreed, tolerance, rounding, document.currency)
    agrees = found.agrees and not beyond
    if as_json:
        outside = [{"line": line.line, "called": line.called, "at_s": line.start_s, "amount": line.amount} for line in beyond]
        period = {"compared": {"first_s": first, "last_s": last}, "records": {"first_s": covers.first_s, "last_s": covers.last_s}}
        print(json_of({"agrees": agrees, **period, "beyond_records": outside, **msgspec.to_builtins(found)}))
    else:
        begin, end = max(first, covers.first_s), min(last, covers.last_s)
        compared = f"{_minute(begin)} to {_minute(end)} UTC" if begin < end else "nothing"
        print(f"Compared: {compared}. Our records reach from {_minute(covers.first_s)} to {_minute(covers.last_s)} UTC.")
        if beyond:
            _show_beyond(beyond, covers, carrier)
        _show(found, carrier, document.currency)
        print("\n" + _verdict(len(found.differences), len(beyond)))
    if not agrees:
        raise typer.Exit(1)


def _show_beyond(lines: "list[Line]", covers: "Reach", carrier: str) -> None:
    """What the invoice has from a time we know nothing of: neither right nor wrong."""
    before = sum(line.start_s < covers.first_s for line in lines)
    amount = sum(line.amount or 0.0 for line in lines)
    parts = [f"{before} before them" if before else "", f"{len(lines) - before} after them" if len(lines) > before else ""]
    print(f"NOT COMPARED: {len(lines)} lines, billed {amount:.4f}, are of a time our records do not reach: {' and '.join(filter(None, parts))}.")
    if before:
        print(f"What {carrier} billed before {_minute(covers.first_s)} UTC cannot be checked here; the journal keeps `[node] keep_days` days, so reconcile more often or keep more.")


def _verdict(differences: int, beyond: int) -> str:
    if not differences and not beyond:
        return "The invoice agrees with our records."
    said = f"The invoice does not agree with our records: {differences} differences" if differences else "What could be compared agrees with our records"
    return f"{said}{f', and {beyond} lines could not be compared' if beyond else ''}."


def _minute(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M}"


def _show(found: Any, carrier: str, currency: str) -> None:
    print(f"{found.lines} lines, {found.ours} answered calls of ours to {carrier}, {found.matched} are the same.")
    if found.lines and found.ours and not found.matched:
        print("Nothing matches: give --zone if the invoice's times are not UTC, or name its columns with --column.")
    if found.matched:
        print(f"Their start is our {found.starts}; their clock is {found.offset_s:+.1f} s from ours.")
    print()
    header = ("prefix", "currency", "calls", "billed", "minutes", "billed minutes", "expected", "amount", "over")
    rows = [
        (total.prefix, total.currency, str(total.calls), str(total.billed_calls), f"{total.talk_s / 60:.1f}", f"{total.billed_s / 60:.1f}", f"{total.expected:.4f}",
         f"{total.billed:.4f}", f"{total.billed - total.expected:+.4f}")
        for total in found.totals
    ]  # fmt: skip
    print(table(header, rows, header[2:]))
    for kind, means in KINDS.items():
        some = [difference for difference in found.differences if difference.kind == kind]
        if not some:
            continue
        print(f"\n{len(some)} {means}: {sum(difference.over for difference in some):+.4f} {currency}".rstrip())
        for difference in some[:SHOWN]:
            where = f"line {difference.line}" if difference.line else f"call {difference.call}"
            print(f"  {moment(int(difference.at_s * 1e6))[:19]}  {plain(difference.called)}  {where}: {plain(difference.text)}")
        if len(some) > SHOWN:
            print(f"  and {len(some) - SHOWN} more; --json lists all")


def _records(data: Path | None) -> "tuple[Path, Reach]":
    """The data directory a command means, and what its journal covers."""
    from trunkline.insight.billable import reach

    try:
        directory = data_directory(data)
        journal_of(directory)
    except SourceError as error:
        _fail(str(error))
    covers = reach(directory)
    if covers is None:
        _fail(f"{directory} holds no records yet; give the --data DIR that `trunkline serve` runs with.")
    return directory, covers


def _decks(path: Path) -> tuple[Any, Any]:
    """The policy document and its decks; says what is wrong with it otherwise."""
    from trunkline.policy.load import read_policy
    from trunkline.policy.rates import currencies_of, decks_in
    from trunkline.routing.decks import Decks

    draft = read_policy(text_of(path), base=path.parent)
    if isinstance(draft, list):
        _fail("\n".join(f"{path}:{problem}" for problem in draft))
    return draft.document, Decks(decks_in(draft.document, draft.files)[0], currencies_of(draft.document))


def _priced(row: dict[str, Any]) -> tuple[str, ...]:
    if row["prefix"] is None:
        return row["carrier"], "not in its deck", "", "", "", "", ""
    return (row["carrier"], row["prefix"] or "the rest", f"{row['rate']:g} {row['currency']}".strip(), row["increments"], f"{row['fee']:g}", f"{row['short_call_fee']:g}",
            f"{row['worth']:.5g}")  # fmt: skip


def _pair(text: str) -> tuple[str, str]:
    ours, equals, theirs = text.partition("=")
    if not equals:
        raise ValueError(f"--column {text}: write it like called=DNIS")
    return ours, theirs


def _moment(written: str, zone: str = "UTC") -> float:
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        _fail(f"{written} is no moment; write it like 2026-12-01 or 2026-12-01T06:00.")
    return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone) if zone != "UTC" else UTC)).timestamp()


def _digits(number: str) -> str:
    digits = re.sub(r"\D", "", number)
    if not digits:
        _fail(f"{number} is no number; write it in E.164, such as +14155550123.")
    return digits


def _fail(text: str) -> NoReturn:
    stop("\n".join(map(plain, text.splitlines())))
