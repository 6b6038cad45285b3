"""The world's numbers: country, type, area and operator of an E.164 number, from a table made ahead (`generate.py`).

The table ships as `world.bin`, three layers of stretches (`ranges.py`), each read when first asked for. Signalling needs the kinds alone, if
that; areas and operators are for the desk. The operator is the one the range was assigned to: only a portability dip (`dip.py`) knows who
serves a number that has moved.
"""

import lzma
from array import array
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from trunkline.numbering.ranges import find

TYPES = (
    "fixed", "mobile", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "pager", "uan", "voicemail", "unknown",
)  # fmt: skip
"Number types; fixed_or_mobile where the plan does not tell them apart, as in North America; unknown where nothing is assigned."


SHORT_CODES = frozenset(["20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98"])
"Calling codes of two digits; 1 and 7 have one, all others three (ITU-T E.164 list of assigned codes)."


def code_length(digits: str) -> int:
    """Digits of the calling code an E.164 number (without +) begins with."""
    if digits[:1] in ("1", "7"):
        return 1
    return 2 if digits[:2] in SHORT_CODES else 3


class Layer(Struct, frozen=True, array_like=True):
    """One thing known of numbers, by stretch."""

    keys: bytes
    "uint64, little-endian, in order."
    values: bytes
    "uint16, little-endian, one per key: index into `names`."
    names: tuple[str, ...]
    "The first is empty: nothing known."


class Packed(Struct, frozen=True, array_like=True):
    """What `world.bin` holds; layers are msgpack in LZMA."""

    source: str
    "What it was made from."
    countries: dict[str, str]
    "ISO 3166 alpha-2 -> English name."
    kinds: bytes
    "Names are `COUNTRY type`; the country is empty for ranges of no country."
    areas: bytes
    operators: bytes


class Kind(Struct, frozen=True, gc=False):
    """What a number is."""

    country: str
    "ISO 3166 alpha-2; 001 for codes of no country, such as +800; empty when unknown."
    type: str
    "One of `TYPES`."


UNKNOWN = Kind("", "unknown")


class Look:
    """Answers from one layer."""

    __slots__ = ("keys", "names", "values")

    def __init__(self, packed: bytes) -> None:
        layer = msgspec.msgpack.decode(lzma.decompress(packed), type=Layer)
        self.keys = array("Q", layer.keys)
        self.values = array("H", layer.values)
        self.names = layer.names

    def at(self, digits: str) -> str:
        """The name for the digits of an E.164 number without +; empty when nothing is known."""
        return self.names[find(self.keys, self.values, digits)]

    def stretches(self) -> list[tuple[int, str]]:
        """Where each stretch begins, and its name."""
        return [(start, self.names[value]) for start, value in zip(self.keys, self.values, strict=True)]


class World:
    """Look-ups by number; about 1 us for a kind."""

    def __init__(self, packed: Packed) -> None:
        self.source = packed.source
        self.countries = packed.countries
        self._packed = packed
        self.kinds = Look(packed.kinds)
        self._kinds = [Kind(*name.split(" ", 1)) if name else UNKNOWN for name in self.kinds.names]
        self._areas: Look | None = None
        self._operators: Look | None = None

    def kind(self, digits: str) -> Kind:
        """Country and type of a number in E.164 digits, without +."""
        kinds = self.kinds
        return self._kinds[find(kinds.keys, kinds.values, digits)]

    def area(self, digits: str) -> str:
        """City, state or region in English; empty when the number does not tell."""
        if self._areas is None:
            self._areas = Look(self._packed.areas)
        return self._areas.at(digits)

    def operator(self, digits: str) -> str:
        """The operator the number was assigned to; empty when unknown."""
        if self._operators is None:
            self._operators = Look(self._packed.operators)
        return self._operators.at(digits)


@cache
def world() -> World:
    """The table that ships with Trunkline."""
    return World(msgspec.msgpack.decode((Path(__file__).parent / "world.bin").read_bytes(), type=Packed))
