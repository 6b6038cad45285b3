"""Carriers' rate decks and currencies in the policy: the keys, and what is wrong with them."""


from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from trunkline.policy.compliance import Day
from trunkline.policy.deck import Deck
from trunkline.policy.deck_files import COLUMNS, Layout, read_decks
from trunkline.policy.problem import Finding, Problem
from trunkline.policy.scalars import FileName, Increments, Kind, NotEmpty, Text, Zone, reject
from trunkline.policy.section import Section, key
from trunkline.policy.snapshot import Worths as SnapshotWorths

if TYPE_CHECKING:
    from trunkline.policy.document import Document

DAY_S = 86_400


def _code(written: object) -> str:
    if not isinstance(written, str) or not (len(written) == 3 and written.isascii() and written.isalpha()):
        raise reject("not a currency", "write its ISO 4217 code, such as `EUR`")
    return written.upper()


def _column(name: str) -> str:
    if name not in COLUMNS:
        raise reject(f"`{name}` is no column of ours", "write one of " + ", ".join(COLUMNS))
    return name


def _files_alone(written: object) -> object:
    """`rates: decks/alpha.csv` is short for `rates: {files: [decks/alpha.csv]}`."""
    if isinstance(written, str):
        return {"files": [written]}
    return {"files": written} if isinstance(written, list) else written


def _worth(written: object) -> object:
    """`EUR: 1.08` is short for one worth that always held."""
    return {date(1970, 1, 1): written} if isinstance(written, (int, float)) and not isinstance(written, bool) else written


Currency = Annotated[str, BeforeValidator(_code), Kind("ISO 4217 code")]
OwnCurrency = Annotated[str, BeforeValidator(lambda written: written if written == "" else _code(written)), Kind("ISO 4217 code")]
"May be left empty."
Column = Annotated[str, AfterValidator(_column), Kind("column")]
Worth = Annotated[float, Strict(), Field(gt=0, le=1_000_000, allow_inf_nan=False), Kind("number over 0")]
Worths = Annotated[dict[Day, Worth], BeforeValidator(_worth), NotEmpty, Kind("number, or day: number")]


class Rates(Section):
    """What the carrier charges, by prefix and date: CSV files with the columns prefix, rate, increments, fee, connection_fee, short_call_fee, currency,
    from and until. A file name alone will do where the rest is as usual."""

    files: Annotated[tuple[FileName, ...], NotEmpty] = key(example="[decks/alpha.csv, decks/alpha-december.csv]")
    "The deck and its amendments, in any order: for a prefix, the row with the latest `from` that has begun counts."
    zone: Zone = key("UTC", example="America/New_York")
    "In whose midnights its dates begin and end."
    currency: OwnCurrency = key("", example="EUR")
    "Of rows that name none; unwritten, that of the policy."
    increments: Increments = key((60, 60), example='"30/6"')
    "First and next seconds of rows that name none."
    columns: dict[Column, Text] = key({}, example='{prefix: Dial Code, rate: "Price, USD"}')
    "What the carrier calls the columns, where it has names of its own."


RatesOrFile = Annotated[Rates | None, BeforeValidator(_files_alone)]
"A section, or the name of a file in its place."


def decks_in(document: "Document", files: Mapping[str, bytes]) -> tuple[dict[str, Deck], list[Finding]]:
    """The deck of every carrier that has one, and what is wrong with them. A file that could not be read is told of elsewhere."""
    decks: dict[str, Deck] = {}
    findings: list[Finding] = []
    known = frozenset((*document.currencies, document.currency)) - {""}
    for name, carrier in document.carriers.items():
        rates = carrier.rates
        if rates is None or not all(file in files for file in rates.files):
            continue
        layout = Layout(rates.zone, rates.currency, rates.columns, rates.increments)
        found = _read(tuple((file, files[file]) for file in rates.files), _Hashed(layout), known)
        if isinstance(found, Deck):
            decks[name] = found
            continue
        for file, problem in found:
            column = f", {problem.path}" if problem.path else ""
            findings.append(Finding(("carriers", name, "rates", "files", rates.files.index(file)), f"{file}, line {problem.line}{column}: {problem.message}", problem.fix))
    for code in document.currencies:
        if code == document.currency:
            findings.append(Finding(("currencies", code), f"{code} is the policy's own currency", "leave it out: it is worth 1"))
        elif not document.currency:
            findings.append(Finding(("currencies", code), "the policy does not say what its own currency is", "add `currency: USD`, or what your prices are in", at_key=True, rests_on="currency"))
            break
    return decks, findings


class _Hashed:
    """A layout as part of a key of the cache."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._key = (layout.zone, layout.currency, tuple(sorted(layout.columns.items())), layout.increments)

    def __hash__(self) -> int:
        return hash(self._key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and self._key == other._key


@lru_cache(maxsize=32)
def _read(files: tuple[tuple[str, bytes], ...], layout: _Hashed, currencies: frozenset[str]) -> Deck | list[tuple[str, Problem]]:
    """A policy is checked and then compiled; its decks are read once."""
    return read_decks(files, layout.layout, dict.fromkeys(currencies))


def currencies_of(document: "Document") -> dict[str, SnapshotWorths]:
    """What a unit of each is worth in the policy's own, as pairs (Unix seconds from which on, worth), the youngest first."""
    return {code: tuple(sorted(((day * DAY_S, worth) for day, worth in worths.items()), reverse=True)) for code, worths in document.currencies.items()}
