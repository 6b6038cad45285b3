"""Writes `world.bin`: what is known of the world's numbers, from Google's libphonenumber (package `phonenumbers`).

    python -m trunkline.numbering.generate          # at a developer's desk, when numbering plans have moved on

Needs the package `phonenumbers`, which nothing else does: importing it costs 117 MiB. It describes each country's numbers by regular
expressions, one per number type; here they become one tree of digits, and the tree becomes stretches (`ranges.py`).
"""

import lzma
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import phonenumbers
from phonenumbers.carrierdata import CARRIER_DATA
from phonenumbers.data import _COUNTRY_CODE_TO_REGION_CODE as CODES
from phonenumbers.geocoder import _region_display_name
from phonenumbers.geodata import GEOCODE_DATA

from trunkline.numbering.languages import Language, language, prefix_of
from trunkline.numbering.ranges import flatten
from trunkline.numbering.world import Layer, Packed

HERE = Path(__file__).parent

DEEPEST = 9
"Digits of a national number after which the kind of most numbers below decides; looking further separates hardly any."

HOLES = 5
"Digits of a national number within which a stretch nobody has been assigned is told; smaller ones go with their neighbours."

AREA_DIGITS = 5
"Digits of a national number within which an area is told: area codes and cities, not exchanges."

ASKED = (
    ("premium", "premium_rate"), ("toll_free", "toll_free"), ("shared_cost", "shared_cost"), ("voip", "voip"), ("personal", "personal_number"),
    ("pager", "pager"), ("uan", "uan"), ("voicemail", "voicemail"),
)  # fmt: skip
"In the order libphonenumber asks; fixed and mobile come after these."

NOWHERE = "001"
"What libphonenumber calls the country of codes no country has."


class Region:
    """The plan of one country as languages of digits."""

    def __init__(self, metadata: phonenumbers.PhoneMetadata, shared: bool) -> None:
        self.name = metadata.id
        self.leading = prefix_of(metadata.leading_digits) if shared and metadata.leading_digits else None
        self.types = [(kind, language(pattern)) for kind, field in ASKED if (pattern := _pattern(metadata, field))]
        fixed, mobile = _pattern(metadata, "fixed_line"), _pattern(metadata, "mobile")
        self.fixed = language(fixed) if fixed else Language()
        self.mobile = language(mobile) if mobile else Language()


class State:
    """How far each plan of a calling code has come after some digits."""

    def __init__(self, regions: list[Region]) -> None:
        self.regions = regions

    def begin(self) -> tuple[Language, ...]:
        found: list[Language] = []
        for region in self.regions:
            found += [region.leading or Language(), *(inner for _, inner in region.types), region.fixed, region.mobile]
        return tuple(found)

    def kind(self, state: tuple[Language, ...]) -> tuple[str, str] | None:
        """Country and type of the number that ends here; None where it is no number. In libphonenumber's order of asking."""
        at = 0
        for region in self.regions:
            leading, after = state[at], at + 1
            kinds = [kind for i, (kind, _) in enumerate(region.types) if state[after + i].ends]
            fixed, mobile = state[after + len(region.types)].ends, state[after + len(region.types) + 1].ends
            if not kinds and (fixed or mobile):
                kinds = ["fixed_or_mobile" if fixed and mobile else "fixed" if fixed else "mobile"]
            if kinds and (region.leading is None or leading.ends):
                return region.name, kinds[0]
            at = after + len(region.types) + 2
        return None


class Tree:
    """The numbers of one calling code."""

    def __init__(self, code: str, regions: list[Region]) -> None:
        self.code = code
        self.state = State(regions)
        self.unassigned = ("" if len(regions) > 5 else regions[0].name, "unknown")
        self._shares: dict[tuple[Language, ...], dict[tuple[str, str], float]] = {}
        self._pure: dict[tuple[tuple[Language, ...], int], tuple[str, str] | None] = {}

    def prefixes(self) -> Iterator[tuple[str, tuple[str, str]]]:
        """Prefixes and kinds; where two fit a number the longer one counts."""
        yield from self._paint("", self.state.begin(), None)

    def _paint(self, digits: str, state: tuple[Language, ...], around: tuple[str, str] | None) -> Iterator[tuple[str, tuple[str, str]]]:
        one = self._one(state, len(digits))
        here = one or self._most(state)
        if here != around:
            yield self.code + digits, here
        if one is None:
            for digit, below in self._below(state):
                yield from self._paint(digits + digit, below, here)

    def _one(self, state: tuple[Language, ...], depth: int) -> tuple[str, str] | None:
        """The kind of every number below, as far as we look; None when there are several."""
        if (state, depth) not in self._pure:
            shares = self._share(state)
            if depth >= DEEPEST or not shares or (depth >= HOLES and len(shares) == 1):
                found: tuple[str, str] | None = self._most(state)
            else:
                kinds = {self._one(below, depth + 1) for _, below in self._below(state)}
                found = kinds.pop() if len(kinds) == 1 else None
            self._pure[state, depth] = found
        return self._pure[state, depth]

    def _below(self, state: tuple[Language, ...]) -> list[tuple[str, tuple[Language, ...]]]:
        """Each next digit and the state it leads to; after a number that is complete, only those that lead on to a longer one."""
        steps = [(digit, _step(state, digit)) for digit in "0123456789"]
        return steps if self.state.kind(state) is None else [(digit, below) for digit, below in steps if self._share(below)]

    def _most(self, state: tuple[Language, ...]) -> tuple[str, str]:
        shares = self._share(state)
        return max(shares, key=lambda kind: shares[kind]) if shares else self.unassigned

    def _share(self, state: tuple[Language, ...]) -> dict[tuple[str, str], float]:
        """How much of the numbers below each kind has."""
        known = self._shares.get(state)
        if known is None:
            known = {}
            here = self.state.kind(state)
            if here is not None:
                known[here] = 1.0
            if any(inner.rests for inner in state):
                for digit in "0123456789":
                    for kind, share in self._share(_step(state, digit)).items():
                        known[kind] = known.get(kind, 0.0) + share / 10
            self._shares[state] = known
        return known


def _step(state: tuple[Language, ...], digit: str) -> tuple[Language, ...]:
    return tuple([inner.after(digit) for inner in state])


def _pattern(metadata: phonenumbers.PhoneMetadata, field: str) -> str:
    found = getattr(metadata, field)
    return (found.national_number_pattern or "") if found is not None else ""


def _metadata(code: int, name: str) -> phonenumbers.PhoneMetadata:
    found = phonenumbers.PhoneMetadata.metadata_for_nongeo_region(code) if name == NOWHERE else phonenumbers.PhoneMetadata.metadata_for_region(name)
    assert found is not None, (code, name)
    return found


def kinds() -> Iterator[tuple[str, str]]:
    """Prefix and `COUNTRY type`."""
    for code, names in sorted(CODES.items()):
        tree = Tree(str(code), [Region(_metadata(code, name), len(names) > 1) for name in names])
        for prefix, kind in tree.prefixes():
            yield prefix, " ".join(kind)


def areas() -> Iterator[tuple[str, str]]:
    codes = {str(code) for code in CODES}
    for prefix, names in GEOCODE_DATA.items():
        national = next(prefix[length:] for length in (1, 2, 3) if prefix[:length] in codes)
        if "en" in names and len(national) <= (3 if prefix[0] == "1" else AREA_DIGITS):
            yield prefix, names["en"]


def operators() -> Iterator[tuple[str, str]]:
    for prefix, names in CARRIER_DATA.items():
        if "en" in names:
            yield prefix, names["en"]


def layer(entries: Iterable[tuple[str, str]]) -> bytes:
    """Packed as `world.Look` reads it."""
    known = {"": 0}
    numbered = [(prefix, known.setdefault(name, len(known))) for prefix, name in entries]
    keys, values = flatten(numbered)
    print(f"{len(numbered)} prefixes, {len(keys)} stretches, {len(known)} names")
    return lzma.compress(msgspec.msgpack.encode(Layer(array("Q", keys).tobytes(), array("H", values).tobytes(), tuple(known))), preset=9)


def main() -> None:
    countries = {name: shown for names in CODES.values() for name in names if (shown := _region_display_name(name, "en"))}
    packed = Packed(f"phonenumbers {phonenumbers.__version__}", countries, layer(kinds()), layer(areas()), layer(operators()))
    (HERE / "world.bin").write_bytes(msgspec.msgpack.encode(packed))


if __name__ == "__main__":
    main()
