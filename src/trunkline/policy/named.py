"""Destinations named by country and number type, turned into the prefixes they stand for (row R13).

Who gets a number that several destinations could have: country and type together beat a type, a type beats a country, and a prefix somebody
wrote beats a country from the digit after the calling code on; otherwise the longest prefix wins, as everywhere. Numbers nobody has been
assigned yet go with their country, so that a new range is not refused.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.numbering.ranges import after, key
from trunkline.numbering.world import TYPES, World, code_length, world
from trunkline.policy.problem import Finding, Location, nearest

if TYPE_CHECKING:
    from trunkline.policy.destinations import Destination
    from trunkline.policy.document import Document

COUNTRY, TYPE, BOTH, WRITTEN = range(4)
"Ranks: how closely a destination is named."

MERGED = frozenset(("fixed", "mobile"))


class Class(Struct, frozen=True):
    """Numbers of some countries and types; empty is any."""

    countries: tuple[str, ...]
    types: tuple[str, ...]

    @property
    def rank(self) -> int:
        if self.countries and self.types:
            return BOTH
        return TYPE if self.types else COUNTRY


def destinations_by_prefix(document: "Document") -> dict[str, str]:
    """Prefix -> destination, for a document in which nothing is wrong."""
    written = {prefix: name for name, entry in document.destinations.items() if not entry.operators for prefix in entry.prefixes}
    named = {name: _class(entry) for name, entry in document.destinations.items() if _is_named(entry)}
    if not named:
        return written
    numbers = _Numbers(world())
    ranked: dict[str, tuple[int, str]] = {}
    for name, wanted in sorted(named.items(), key=lambda entry: entry[1].rank):
        ranked.update((prefix, (wanted.rank, name)) for prefix in numbers.prefixes(wanted))
    return {prefix: name for prefix, (rank, name) in ranked.items() if prefix not in written and not _is_inside(prefix, rank, ranked, written)} | written


def _is_inside(prefix: str, rank: int, ranked: Mapping[str, tuple[int, str]], written: Mapping[str, str]) -> bool:
    """Whether a shorter prefix that ranks higher covers this one."""
    code = code_length(prefix)
    for length in range(1, len(prefix)):
        shorter = prefix[:length]
        around = ranked.get(shorter)
        if around is not None and around[0] > rank:
            return True
        if rank == COUNTRY and length > code and shorter in written:
            return True
    return False


def check_named(document: "Document") -> Iterator[Finding]:
    """Countries and types that do not exist, name no number, or are claimed twice."""
    claimed: dict[tuple[int, str, str], str] = {}
    numbers: _Numbers | None = None
    for name, entry in document.destinations.items():
        path: Location = ("destinations", name)
        if entry.operators and not document.dips:
            yield Finding((*path, "operators"), "nothing tells the operator of a number", "add a database under `dips`")
        if not _is_named(entry):
            if not entry.prefixes and not entry.operators:
                yield Finding(path, "nothing says which numbers these are", "add `prefixes`, `countries`, `types` or `operators`", at_key=True)
            continue
        numbers = numbers or _Numbers(world())
        known = numbers.world.countries
        strange = [code for code in entry.countries if code not in known and code != "001"]
        if strange:
            fix = nearest(strange[0].upper(), known) if strange[0].upper() != strange[0] else "write ISO 3166 codes, such as `US` or `GB`; GB is the United Kingdom"
            yield Finding((*path, "countries", entry.countries.index(strange[0])), f"no country `{strange[0]}`", fix)
            continue
        wanted = _class(entry)
        if not document.dips:
            yield from numbers.unheard_of(path, wanted)
        for country in wanted.countries or ("",):
            for kind in wanted.types or ("",):
                other = claimed.setdefault((wanted.rank, country, kind), name)
                if other != name:
                    what = " ".join(filter(None, (country, kind)))
                    yield Finding((*path, "types" if wanted.types else "countries"), f"{what} numbers are those of destination `{other}` too", "keep them in one place")


def _is_named(entry: "Destination") -> bool:
    """A destination of operators takes no number by its digits: dips lead to it."""
    return bool(entry.countries or entry.types) and not entry.operators


def _class(entry: "Destination") -> Class:
    return Class(entry.countries, entry.types)


class _Numbers:
    """The world's numbers as stretches, to be picked from."""

    def __init__(self, known: World) -> None:
        self.world = known
        self._starts = known.kinds.keys
        self._values = np.asarray(known.kinds.values)
        self._kinds = [tuple(name.split(" ", 1)) if name else ("", "") for name in known.kinds.names]

    def prefixes(self, wanted: Class) -> list[str]:
        """The shortest prefixes that cover all numbers of a class and no assigned number beside."""
        countries, types = frozenset(wanted.countries), frozenset(wanted.types)
        yes = np.zeros(len(self._kinds), np.int32)
        no = np.ones(len(self._kinds), np.int32)
        for at, (country, kind) in enumerate(self._kinds):
            if country and (not countries or country in countries):
                yes[at] = not types or kind in types
                no[at] = not yes[at] and kind != "unknown"
        found: list[str] = []
        self._cover("", _summed(yes[self._values]), _summed(no[self._values]), found)
        return found

    def _cover(self, prefix: str, yes: NDArray[Any], no: NDArray[Any], found: list[str]) -> None:
        first = int(np.searchsorted(self._starts, key(prefix), "right")) - 1
        last = int(np.searchsorted(self._starts, after(prefix), "left"))
        if yes[last] == yes[first]:
            return
        if prefix and no[last] == no[first]:
            found.append(prefix)
            return
        for digit in "0123456789":
            self._cover(prefix + digit, yes, no, found)

    def unheard_of(self, path: Location, wanted: Class) -> Iterator[Finding]:
        """Types no country asked for has."""
        for at, kind in enumerate(wanted.types):
            have = {country for country, its in self._kinds if its == kind}
            if not have.intersection(wanted.countries or have or ("",)):
                where = ", ".join(wanted.countries)
                merged = kind in MERGED and any((country, "fixed_or_mobile") in self._kinds for country in wanted.countries)
                fix = "write `fixed_or_mobile`: its plan does not tell them apart" if merged else "leave it out; the types are " + ", ".join(TYPES[:-1])
                yield Finding((*path, "types", at), f"{where} has no {kind} numbers", fix)


def _summed(values: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(((0,), np.cumsum(values)))
