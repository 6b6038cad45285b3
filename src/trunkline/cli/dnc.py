"""`trunkline dnc`: do-not-call lists, made and looked into. A running node uses a new list within seconds; nothing restarts."""

import csv
import re
import sys
import zlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trunkline.cli.command import Data, Json, json_of, stop
from trunkline.cli.names import named_in_force
from trunkline.cli.rendering import table
from trunkline.cli.source import SourceError, data_directory, existing
from trunkline.guard.do_not_call import SUFFIX, ListError, NumberList
from trunkline.guard.do_not_call_text import Reading, lines_of
from trunkline.numbering.world import world
from trunkline.policy.contact_rules import EVERYBODY
from trunkline.policy.problem import nearest

if TYPE_CHECKING:
    from trunkline.guard.do_not_call_build import Built

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")

FOLDER = "dnc"
"Of the node's data directory."
OLD_S = 31 * 86_400
"A list should be no older when calls are held against it (16 CFR 310.4(b)(3)(iv))."

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Do-not-call lists: build, change, look up. See docs/compliance.md.")

Tenant = Annotated[str, typer.Option("--tenant", help="The list of this tenant; without it, the list that holds for everybody.")]
Country = Annotated[str, typer.Option("--country", help="Country code of numbers written without one, such as 1.")]
Columns = Annotated[str, typer.Option("--columns", help="Columns that hold the number, by name or from 1, joined: `phone` or `1,2`. Default: the first.")]
Files = Annotated[list[Path], typer.Argument(help="Text or CSV files, .gz too; - is standard input.", show_default=False)]
From = Annotated[list[Path] | None, typer.Option("--from", help="A file of numbers as well.")]
Numbers = Annotated[list[str] | None, typer.Argument(help="Numbers.", show_default=False)]


@app.command()
def build(files: Files, tenant: Tenant = "", country: Country = "", columns: Columns = "", data: Data = None, as_json: Json = False) -> None:
    """Make the list anew from files; what was in it before and is not in them is gone."""
    reading = _reading(country, columns)
    built = _rewrite(_path(data, tenant), add=_read(files, reading), keep=False)
    _say(built, f"{built.before:,} before", data, tenant, as_json)
    _say_unread(reading)


@app.command()
def add(numbers: Numbers = None, from_: From = None, tenant: Tenant = "", country: Country = "", columns: Columns = "", data: Data = None, as_json: Json = False) -> None:
    """Put numbers on the list."""
    reading = _reading(country, columns)
    built = _rewrite(_path(data, tenant), add=_given(numbers, from_, reading))
    _say(built, f"{built.count - built.before:,} new", data, tenant, as_json)
    _say_unread(reading)


@app.command()
def remove(numbers: Numbers = None, from_: From = None, tenant: Tenant = "", country: Country = "", columns: Columns = "", data: Data = None, as_json: Json = False) -> None:
    """Take numbers off the list. Opt-outs stay: those are what the callee said, not a list."""
    reading, path = _reading(country, columns), _path(data, tenant)
    if not path.exists():
        lists = [each.stem for each in _folder(data).glob(f"*{SUFFIX}")]
        stop(f"there is no list {path.stem}; {nearest(path.stem, lists) if lists else 'none was made yet'}", 1)
    built = _rewrite(path, remove=_given(numbers, from_, reading))
    _say(built, f"{built.before - built.count:,} taken off", data, tenant, as_json)
    _say_unread(reading)


@app.command()
def check(numbers: Annotated[list[str], typer.Argument(help="Numbers.", show_default=False)], country: Country = "", data: Data = None, as_json: Json = False) -> None:
    """Which lists hold these numbers; exit code 1 when any does. Opt-outs are in no list: `trunkline explain ID` tells of a call refused for one."""
    lists = {path.stem: _open(path) for path in sorted(_folder(data).glob(f"*{SUFFIX}"))}
    reading = Reading(country)
    found: dict[str, list[str]] = {}
    for written in numbers:
        digits = next(reading.numbers(iter([written])), None)
        if digits is None:
            stop(f"{written}: not a number; write E.164, such as +14155550100, or add --country")
        found[f"+{digits}"] = [name for name, each in lists.items() if digits in each]
    if as_json:
        print(json_of(found))
    else:
        for number, names in found.items():
            print(f"{number}: {'on ' + ', '.join(names) if names else 'on no list'}")
    raise typer.Exit(1 if any(found.values()) else 0)


@app.command()
def info(data: Data = None, as_json: Json = False) -> None:
    """Every list: how many numbers, how old."""
    rows, tenants = [], named_in_force(data_directory(data), "tenant")
    for path in sorted(_folder(data).glob(f"*{SUFFIX}")):
        each = _open(path)
        built = datetime.fromtimestamp(each.built_us / 1e6, UTC)
        old = (datetime.now(UTC) - built).total_seconds() > OLD_S
        rows.append({"list": path.stem, "numbers": each.count, "bytes": path.stat().st_size, "built": built.isoformat(timespec="seconds"), "old": old,
                     "tenant_unknown": tenants is not None and path.stem not in (*tenants, EVERYBODY)})  # fmt: skip
    if as_json:
        print(json_of(rows))
    elif not rows:
        print(f"no lists in {_folder(data)}; make one with `trunkline dnc build FILE`")
    else:
        lines = [(str(row["list"]), f"{row['numbers']:,}", str(row["built"]), ", ".join(filter(None, (row["old"] and "OVER 31 DAYS OLD", row["tenant_unknown"] and "NO SUCH TENANT")))) for row in rows]
        print(table(("LIST", "NUMBERS", "BUILT", ""), lines, ("NUMBERS",)))


def _folder(data: Path | None) -> Path:
    try:
        return existing(data_directory(data)) / FOLDER
    except SourceError as error:
        stop(str(error), error.code)


def _path(data: Path | None, tenant: str) -> Path:
    if tenant and not NAME.fullmatch(tenant):
        stop(f"{tenant}: not the name of a tenant")
    if tenant == EVERYBODY:
        stop(f"`{EVERYBODY}` is the list that holds for everybody: leave --tenant out to change it")
    return _folder(data) / f"{tenant or EVERYBODY}{SUFFIX}"


def _reading(country: str, columns: str) -> Reading:
    return Reading(country, [column.strip() for column in columns.split(",") if column.strip()])


def _read(files: list[Path], reading: Reading) -> Iterator[int]:
    for path in files:
        yield from reading.numbers(sys.stdin if path == Path("-") else lines_of(path))


def _given(numbers: list[str] | None, files: list[Path] | None, reading: Reading) -> Iterator[int]:
    if not numbers and not files:
        stop("no numbers; write them, or name a file with --from")
    plain = Reading(reading.country)
    for written in numbers or ():
        found = next(plain.numbers(iter([written])), None)
        if found is None:
            stop(f"{written}: not a number; write E.164, such as +14155550100, or add --country")
        if not written.startswith("+"):
            place = world().kind(str(found)).country
            print(f"{written} is read as +{found} ({place or 'no country has such a number'}); write +, or --country, if that is wrong", file=sys.stderr)
        yield found
    yield from _read(files or [], reading)


def _rewrite(path: Path, add: Iterable[int] = (), remove: Iterable[int] = (), keep: bool = True) -> "Built":
    from trunkline.guard.do_not_call_build import rewrite  # numpy, which no other command needs

    try:
        return rewrite(path, add, remove, keep)
    except (OSError, EOFError, ListError, ValueError, csv.Error, zlib.error) as error:
        stop(f"{path.stem}: nothing was changed: {error}")


def _open(path: Path) -> NumberList:
    try:
        return NumberList(path)
    except (OSError, ListError) as error:
        stop(str(error))


def _say(built: "Built", changed: str, data: Path | None, tenant: str, as_json: bool) -> None:
    """What became of a list; one whose tenant is misspelt protects nobody."""
    name = tenant or EVERYBODY
    print(json_of({"list": name, "numbers": built.count, "before": built.before}) if as_json else f"{name}: {built.count:,} numbers, {changed}")
    tenants = named_in_force(data_directory(data), "tenant") if tenant else None
    if tenants is not None and tenant not in tenants:
        print(f"{tenant} is no tenant of the policy in force, and no call is held against its list before it is one; {nearest(tenant, tenants)}", file=sys.stderr)


def _say_unread(reading: Reading) -> None:
    if reading.unread:
        print(f"{reading.unread:,} lines hold no number; the first is {reading.first_unread}", file=sys.stderr)
        raise typer.Exit(1)
