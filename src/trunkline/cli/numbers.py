"""`trunkline numbers`: the inventory, how each number stands and why, what was seen of them, and how many to order."""

import difflib
import fcntl
import getpass
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from trunkline.cli.book import Desk, desk_of, now_us
from trunkline.cli.command import Data, Json, json_of, progress, stop, text_of
from trunkline.cli.names import must_be_known
from trunkline.cli.rendering import listing, moment, plain, table
from trunkline.cli.source import SourceError, ask_node, data_directory
from trunkline.facts.numbers import NumberAdded, NumberComplaint, NumberTransition, PoolAlarm
from trunkline.numbers import Demand, Event, NumberBook, State, forecast, observe, override, read_csv, read_labels, write_csv
from trunkline.numbers.lifecycle import DAY_US
from trunkline.numbers.usage import day_cap, ramp_days_at, today_of
from trunkline.policy.problem import Problem, nearest

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Caller IDs as assets: import, look, label, override, forecast. docs/numbers.md tells how they are governed.")

AT_ONCE = 100
"Facts sent to the node in one request."

RECENT_DAYS = 28
CHURN_DAYS = 7
"Before that, every number is a new one."

NONE_YET = "No numbers yet; `trunkline numbers import FILE.csv` adds some."

LOCK = "numbers.lock"
"Held by an import, in the data directory."

Reason = Annotated[str, typer.Option(help="Why; must be given, and stays on record.", show_default=False)]


@app.command(name="import")
def import_(
    path: Annotated[Path, typer.Argument(help="CSV with the columns of docs/numbers.md; `trunkline numbers export` prints such a file.")],
    data: Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    as_json: Json = False,
) -> None:
    """Add and change numbers. A file with a fault changes nothing; numbers it does not name stay as they are; running it again changes nothing, or sends what is missing."""
    text = text_of(path, "utf-8-sig")
    with nullcontext() if dry_run else _alone(data):
        directory, book, tenants = _desk(data)
        result = read_csv(text, book.inventory, book.areas, now_us(), getpass.getuser(), book.life)
        if result.problems:
            _refuse(path, result.problems, as_json)
        if not dry_run:
            _send(directory, result.facts)
    owners = Counter(fact.owner for fact in result.facts if isinstance(fact, NumberAdded) and tenants is not None and fact.owner not in tenants)
    told = {"added": result.added, "changed": result.changed, "unchanged": result.unchanged, "dry_run": dry_run, "owners_unknown": dict(owners)}
    for owner, count in owners.items():
        print(f"{path}: owner {plain(owner)} of {count} numbers is no tenant of the policy in force; no call shows them before it is one.", file=sys.stderr)
    print(json_of(told) if as_json else f"{path}: {result.added} added, {result.changed} changed, {result.unchanged} as they were{' (dry run: nothing was done)' if dry_run else ''}")


@app.command()
def export(data: Data = None) -> None:
    """Print the inventory as CSV that `import` takes; numbers that were given back are not in it."""
    book = _desk(data).book
    sys.stdout.write(write_csv({number: holding for number, holding in book.inventory.holdings.items() if number in book.seats.by_number}))


@app.command(name="list")
def list_(
    pool: Annotated[str, typer.Option(help="Only this pool.")] = "",
    state: Annotated[str, typer.Option(help=f"Only numbers in this state: {', '.join(State)}.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Every number: state, calls TODAY against its CAP, calls UP now, LABELS that stand, and why it is CLOSED to calls right now."""
    if state and state not in set(State):
        stop(f"--state: there is no state `{state}`; {nearest(state, State)}")
    directory, book, _ = _desk(data)
    at = now_us()
    rows = [row for number in book.inventory.holdings if (row := _row(book, number, at))["pool"] in (pool or row["pool"],) and state in ("", row["state"])]
    if pool and not rows:
        _known_pool(directory, book, pool)
    if as_json:
        print(json_of(rows))
        return
    if not rows:
        print("No number matches; `trunkline numbers list` shows all." if book.inventory.holdings else NONE_YET)
        return
    header = ("NUMBER", "POOL", "AREA", "STATE", "TODAY", "CAP", "UP", "LABELS", "CLOSED")
    print(table(header, [tuple(str(row[name.lower()]) for name in header) for row in rows], ("TODAY", "CAP", "UP", "LABELS")))


@app.command()
def show(number: Annotated[str, typer.Argument(help="In E.164: +14155550123.")], data: Data = None, as_json: Json = False) -> None:
    """One number: whose it is and by what right, how it stands, what speaks against it, and what was seen of it."""
    book, at = _desk(data).book, now_us()
    number = _held(book, number)
    holding = book.inventory.holdings[number]
    rules = book.rules_of(holding.pool)
    suspicions = book.suspicions(number, at)
    reputation = book.reputations.of(number)
    seen = reputation.seen if reputation else []
    told: dict[str, Any] = {
        **_row(book, number, at), **{name: getattr(holding, name) for name in ("owner", "type", "country", "use", "provider", "proof", "proof_from", "proof_until")},
        "proven": holding.proven(at), "suspicions": suspicions, "complaints": book.reputations.complaints(number, at - rules.complaint_days * DAY_US), "seen": seen,
    }  # fmt: skip
    if as_json:
        print(json_of(told))
        return
    print(number)
    print(listing([(name, str(value)) for name, value in told.items() if name not in ("number", "suspicions", "seen") and value not in ("", 0)]))
    for one in suspicions:
        print(f"  against it: {one.reason}{'' if one.proven else ' (not proven)'}")
    for label in seen[-10:]:
        print(f"  {moment(label.at)}  {label.label} by {label.engine}, seen by {label.source}")


@app.command()
def pools(data: Data = None, as_json: Json = False) -> None:
    """Each pool: numbers by state and OPEN to calls now, alarm, and over 28 days those put to rest, CHURN (numbers begun per hundred in use and day) and labelled look-ups with the exact 95 % interval."""
    book, at = _desk(data).book, now_us()
    today = at // DAY_US
    rows: list[dict[str, Any]] = []
    rates = {rate.group: rate for rate in book.reputations.rates("pool", at - RECENT_DAYS * DAY_US)}
    for pool in sorted({holding.pool for holding in book.inventory.holdings.values()}):
        numbers = [number for number, holding in book.inventory.holdings.items() if holding.pool == pool]
        states = Counter(life.state for number in numbers if (life := book.life(number)) is not None)
        churn, rate = book.history.churn(pool, today - RECENT_DAYS + 1, today), rates.get(pool)
        open_now = sum(not _row(book, number, at)["closed"] for number in numbers)
        rows.append({
            "pool": pool, "numbers": len(numbers), "open": open_now, "states": dict(states), "alarm": book.alarmed(pool), "rested": churn.rested,
            "retired": churn.retired, "days": churn.days, "churn_per_100_number_days": round(churn.per_100_number_days, 2), "looked": rate.looked if rate else 0,
            "labelled": msgspec.to_builtins(rate) if rate else None,
        })  # fmt: skip
    if as_json:
        print(json_of(rows))
        return
    if not rows:
        print(NONE_YET)
        return
    header = ("POOL", "NUMBERS", "OPEN", "STATES", "ALARM", "RESTED 28D", "CHURN", "LABELLED")
    print(table(header, [
        (
            row["pool"], str(row["numbers"]), str(row["open"]), ", ".join(f"{count} {name}" for name, count in row["states"].items()), "RAISED" if row["alarm"] else "",
            str(row["rested"]), f"{row['churn_per_100_number_days']:g}" if row["days"] >= CHURN_DAYS else "",
            f"{row['labelled']['rate']:.1%} ({row['labelled']['low']:.1%}-{row['labelled']['high']:.1%}) of {row['looked']}" if row["labelled"] else "never looked up",
        )
        for row in rows
    ], ("NUMBERS", "OPEN", "RESTED 28D", "CHURN")))  # fmt: skip


@app.command()
def label(
    what: Annotated[str, typer.Argument(help="A number in E.164, or a CSV with the columns `number,label,engine,source,seen`.")],
    label: Annotated[str, typer.Option(help="clean, warn, spam or scam.")] = "",
    engine: Annotated[str, typer.Option(help="Whose label it is: hiya, tns, first_orion ...")] = "",
    source: Annotated[str, typer.Option(help="Who saw it.")] = getpass.getuser(),
    seen: Annotated[str, typer.Option(help="When, ISO 8601; now when left out.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say what call recipients are shown for our numbers. Clean look-ups count too: without them there is no rate."""
    directory, book, _ = _desk(data)
    at, path = now_us(), Path(what)
    found = read_labels(text_of(path, "utf-8-sig"), at, path.stat().st_mtime_ns // 1000) if not what.startswith("+") else observe(what, label, engine, source, seen, at)
    facts = found if isinstance(found, list) else [found]
    problems = [one for one in facts if isinstance(one, Problem)]
    if problems:
        _refuse(path, problems, as_json)
    if what.startswith("+"):
        _held(book, what)
    ours = [fact for fact in facts if not isinstance(fact, Problem) and fact.number in book.inventory.holdings]
    taken = _send(directory, ours)
    told = {"taken": taken, "known": len(ours) - taken, "not_ours": len(facts) - len(ours)}
    known = f", {told['known']} known already" if told["known"] else ""
    print(json_of(told) if as_json else f"{taken} observations taken{known}, {told['not_ours']} about numbers that are not ours")


@app.command()
def complain(
    number: Annotated[str, typer.Argument(help="Our number, in E.164: +14155550123.")],
    callee: Annotated[str, typer.Option(help="Who complained, in E.164.")] = "",
    opt_out: Annotated[bool, typer.Option("--opt-out", help="They do not want to be called again.")] = False,
    source: Annotated[str, typer.Option(help="Who took it.")] = getpass.getuser(),
    text: Annotated[str, typer.Option(help="What they said.")] = "",
    data: Data = None,
) -> None:
    """Take a complaint of a called party."""
    directory, book, _ = _desk(data)
    number = _held(book, number)
    _send(directory, [NumberComplaint(now_us(), number, callee, "opt_out" if opt_out else "complaint", source, text)])
    print(f"complaint about {number} taken")


@app.command(name="override")
def override_(
    number: Annotated[str, typer.Argument(help="In E.164: +14155550123.")],
    event: Annotated[str, typer.Argument(help="rest, reinstate, promote, retire or release.")],
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Move a number by hand. Rules go on judging it by what it does from here on."""
    directory, book, _ = _desk(data)
    number = _held(book, number)
    life = book.life(number)
    assert life is not None
    if event not in {one.value for one in Event}:
        stop(f"there is no event `{event}`; send rest, reinstate, promote, retire or release", 2)
    moved = override(life, Event(event), now_us(), getpass.getuser(), reason)
    if isinstance(moved, str):
        stop(moved if reason else f"{moved}: add --reason TEXT", 2)
    _send(directory, [moved])
    print(json_of({"number": number, "before": moved.before, "after": moved.after}) if as_json else f"{number}: {moved.before} -> {moved.after}")


@app.command(name="clear-alarm")
def clear_alarm(pool: Annotated[str, typer.Argument(help="Whose alarm is over.")], reason: Reason = "", data: Data = None) -> None:
    """End a pool's alarm by hand: its caps are whole again, and what was counted against it is forgotten."""
    directory, book, _ = _desk(data)
    _known_pool(directory, book, pool)
    if not book.alarmed(pool):
        stop(f"pool {pool} has no alarm", 1)
    if not reason:
        stop("say why: --reason TEXT", 2)
    _send(directory, [PoolAlarm(now_us(), pool, False, reason, {}, getpass.getuser())])
    print(f"alarm of pool {pool} cleared")


@app.command(name="forecast")
def forecast_(
    pool: Annotated[str, typer.Argument(help="Pool to forecast.")],
    busiest_day: Annotated[float, typer.Option(help="Calls on the busiest day planned for; 0 reads it from the last 28 days.", min=0)] = 0.0,
    growth: Annotated[float, typer.Option(help="Growth a week; 0.02 is two per cent.")] = 0.0,
    fill: Annotated[float, typer.Option(help="Share of its caps a number is planned to use.", min=0.05, max=1.0)] = 0.8,
    delivery: Annotated[int, typer.Option(help="Days from order to number.", min=0)] = 7,
    horizon: Annotated[int, typer.Option(help="Days to look ahead.", min=7, max=730)] = 120,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """How many numbers a pool will need, and by when to order them."""
    directory, book, _ = _desk(data)
    _known_pool(directory, book, pool)
    if not any(holding.pool == pool for holding in book.inventory.holdings.values()):
        stop(f"pool {pool} has no numbers; `trunkline numbers import FILE.csv` adds some", 1)
    at = now_us()
    found, today = forecast(book, pool, Demand(busiest_day, growth, fill, delivery, horizon), at), at // DAY_US
    if as_json:
        print(json_of({**msgspec.to_builtins(found), "order_by": _day(found.order_by), "earliest_order_by": _day(found.earliest_order_by), "short_on": [_day(day) for day in found.short_on]}))
        return
    low, expected, high = found.order
    calm, rate, harsh = found.loss_per_number_day
    print(f"pool {pool}: {found.in_use} numbers in use; {found.needed[1]} needed by {_day(today + horizon)} ({found.needed[0]} to {found.needed[2]})")
    if not found.busiest_day[2]:
        print("  no whole day with calls in the last 28 days: say what is planned with --busiest-day")
    else:
        calls = [f"{count:,.0f}" for count in found.busiest_day]
        print(f"  busiest day {calls[1]} calls{'' if busiest_day else f' ({calls[0]} to {calls[2]})'}; one number is lost in {_span(rate)} number-days ({_span(harsh)} to {_span(calm)})")
        wish = f"order {expected} ({low} to {high}) by {_by(found.order_by, today)}" if expected else "nothing to order"
        print("  " + wish if not high or found.earliest_order_by == found.order_by else f"  {wish}; to be on the safe side {high} by {_by(found.earliest_order_by, today)}")
    print(f"  {found.method}")


def _row(book: NumberBook, number: str, at: int) -> dict[str, Any]:
    holding, life = book.inventory.holdings[number], book.life(number)
    assert life is not None
    rules = book.rules_of(holding.pool)
    seat = book.seats.by_number.get(number)
    closed, again = book.seats.room(seat, at) if seat else (life.state, 0)
    return {
        "number": number, "pool": holding.pool, "area": holding.area, "state": life.state, "today": today_of(life, rules, at),
        "cap": day_cap(life, rules, ramp_days_at(life, rules, at)), "up": life.concurrent, "labels": len(book.reputations.bad(number, at, rules.label_days * DAY_US)),
        "closed": closed, "again": moment(again) if closed and again else "", "rest_until": _day(life.rest_until // DAY_US) if life.rest_until > at else "",
        "calls": life.total, "relapses": life.relapses,
    }  # fmt: skip


def _held(book: NumberBook, number: str) -> str:
    """A number of ours, with or without its +."""
    holdings = book.inventory.holdings
    found = number if number.startswith("+") else f"+{number}"
    if found not in holdings:
        near = difflib.get_close_matches(found, holdings, n=1, cutoff=0.9)
        stop(f"{number} is not in the inventory; {f'did you mean {near[0]}?' if near else '`trunkline numbers list` shows what is.'}", 1)
    return found


def _known_pool(directory: Path, book: NumberBook, pool: str) -> None:
    try:
        must_be_known(directory, "pool", pool, {holding.pool for holding in book.inventory.holdings.values()})
    except SourceError as error:
        stop(str(error), error.code)


def _desk(data: Path | None) -> Desk:
    try:
        return desk_of(data)
    except SourceError as error:
        stop(str(error), error.code)


@contextmanager
def _alone(data: Path | None) -> Iterator[None]:
    """While one import compares a file with the inventory and sends what came of it, another is told so."""
    try:
        directory = data_directory(data)
        lock = (directory / LOCK).open("ab")
    except SourceError as error:
        stop(str(error), error.code)
    except OSError as error:
        stop(f"{directory}: {error.strerror}; start `trunkline serve`, or give its --data DIR")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # given up with the file, also by a process that is killed
        except BlockingIOError:
            stop("another import is under way; nothing was changed. Run this one again when it has ended", 1)
        yield


def _send(directory: Path, facts: Sequence[Any]) -> int:
    """Hand facts to the node, a number's always together; after an interruption the same command sends what is missing. How many were new to it."""
    shown = len(facts) > 20 * AT_ONCE
    first = taken = 0
    try:
        while first < len(facts):
            end = first + AT_ONCE
            if end < len(facts) and isinstance(facts[end], NumberTransition):
                end += 1  # a number and where it starts: the file sent again would not know that the second was missing
            taken += ask_node(directory, {"do": "numbers", "facts": list(facts[first:end])}, 10.0)["taken"]
            first = end
            if shown and first // AT_ONCE % 20 == 0:
                progress(f"{first} of {len(facts)}")
    except (SourceError, KeyboardInterrupt) as error:
        said, code = (str(error), error.code) if isinstance(error, SourceError) else ("interrupted", 130)
        missing = f"; {first} of {len(facts)} changes are on record: the same command again sends the rest" if len(facts) > AT_ONCE else ""
        stop(said.rstrip(".") + missing, code)
    if shown:
        progress(f"{len(facts)} of {len(facts)}\n")
    return taken


def _refuse(path: Path, problems: Sequence[Problem], as_json: bool) -> None:
    if as_json:
        print(json_of({"ok": False, "problems": problems}))
    else:
        for problem in problems:
            print(f"{path}:{problem}" if problem.line else f"{path}: {problem}", file=sys.stderr)
    raise typer.Exit(1)


def _day(day: int | None) -> str:
    return "" if day is None else datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m-%d")


def _span(rate: float) -> str:
    return f"{1 / rate:,.0f}" if rate else "any"


def _by(day: int | None, today: int) -> str:
    """A date to order by, and that it has passed."""
    if day is None:
        return "no date within the horizon"
    return _day(day) + (f", {today - day} days too late" if day < today else "")
