"""Where the holder of a number may be: the time zones and jurisdictions a prefix stands for.

A number says where it was given out, not where its telephone is: so a North American area code stands for every zone it touches, and a number
nobody can place for every zone of its numbering plan. The table is `zones.tsv`, made by `zones_remake.py` at a desk; nothing here parses
numbers, which costs 22 us where this costs one.
"""

from functools import cache
from importlib.resources import files

from msgspec import Struct


class Place(Struct, frozen=True, gc=False):
    """What one prefix stands for."""

    index: int
    "Number of the row; stable while the process lives."
    prefix: str
    "Digits of E.164; empty for numbers of no known plan."
    jurisdictions: tuple[str, ...]
    """Whose rules may hold: ISO 3166-1 alpha-2 (`FR`), or 3166-2 where states have rules of their own (`US-FL`). `US-?` is any of them: the
    number does not say which."""
    zones: tuple[str, ...]
    "IANA names, all it may be in."


    @property
    def vague(self) -> bool:
        """The number does not say in which state."""
        return any(where.endswith("?") for where in self.jurisdictions)


NOWHERE = Place(0, "", (), ("UTC",))
"A number outside every plan we know."


class Zones:
    """Places by longest prefix."""

    __slots__ = ("_lengths", "_prefixes", "_zones_of", "places")

    def __init__(self, places: tuple[Place, ...]) -> None:
        self.places = places
        self._prefixes = {place.prefix: place for place in places if place.prefix}
        self._zones_of: dict[str, set[str]] = {}
        for place in places:
            if not place.vague:
                for where in place.jurisdictions:
                    for name in {where, where[:2]}:
                        self._zones_of.setdefault(name, set()).update(place.zones)
        self._lengths = sorted({len(prefix) for prefix in self._prefixes}, reverse=True)

    def place(self, called: str) -> Place:
        """Of an E.164 number with +."""
        prefixes = self._prefixes
        for length in self._lengths:
            found = prefixes.get(called[1 : length + 1])
            if found is not None:
                return found
        return NOWHERE

    def holds_in(self, jurisdiction: str, zone: str) -> bool:
        """Whether the zone is one of the jurisdiction's, by the numbers given out there."""
        return zone in self._zones_of.get(jurisdiction, ())


def read_zones(text: str) -> Zones:
    """Reads rows of prefix, jurisdictions and zones; lines that begin with # are comments. Raises ValueError when a row cannot be read."""
    places = [NOWHERE]
    for line in text.splitlines():
        if line and not line.startswith("#"):
            prefix, jurisdictions, zones = line.split("\t")
            places.append(Place(len(places), prefix, tuple(jurisdictions.split()), tuple(zones.split())))
    return Zones(tuple(places))


@cache
def shipped_zones() -> Zones:
    """The table that comes with Trunkline."""
    return read_zones((files("trunkline.numbering") / "zones.tsv").read_text())
