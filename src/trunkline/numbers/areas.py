"""Areas: which one a number belongs to, and how far two lie apart.

The table is the operator's: a CSV with the columns `area,country,prefixes,latitude,longitude`, prefixes being digits of E.164 separated by
spaces. A North American number without a row still has an area, its area code; only distances need the table.
"""

from math import asin, cos, radians, sin, sqrt

from msgspec import Struct

from trunkline.numbering import longest
from trunkline.policy.problem import Problem

from .table import Table

EARTH_KM = 6_371.0088
"Mean radius (IUGG)."

COLUMNS = ("area", "country", "prefixes", "latitude", "longitude")


class Area(Struct, frozen=True, gc=False):
    name: str
    country: str
    "ISO 3166 alpha-2, upper case."
    prefixes: tuple[str, ...]
    latitude: float
    longitude: float


class Areas:
    """Areas by prefix and by name."""

    def __init__(self, areas: tuple[Area, ...] = ()) -> None:
        self.by_name = {area.name: area for area in areas}
        self._prefixes = {prefix: area.name for area in areas for prefix in area.prefixes}
        self._longest = max(map(len, self._prefixes), default=0)
        self._apart: dict[tuple[str, str], float] = {}

    def area_of(self, number: str) -> str:
        """Name of the area of an E.164 number; empty when unknown."""
        digits = number[1:]
        found = longest(self._prefixes, digits, self._longest) if self._longest else None
        if found is not None:
            return found
        return digits[1:4] if digits[:1] == "1" and len(digits) == 11 else ""

    def country_of(self, area: str) -> str:
        found = self.by_name.get(area)
        return found.country if found else ""

    def distance_km(self, one: str, other: str) -> float | None:
        """Great-circle distance between two areas; 0 within one, None when either's place is unknown."""
        if one == other:
            return 0.0 if one else None
        key = (one, other) if one < other else (other, one)
        known = self._apart.get(key)
        if known is None:
            a, b = self.by_name.get(one), self.by_name.get(other)
            if a is None or b is None:
                return None
            known = self._apart[key] = _great_circle_km(a, b)
        return known


def read_areas(text: str) -> Areas | list[Problem]:
    """Read the table; all that is wrong with it otherwise."""
    table = Table(text)
    header = table.header
    if header != COLUMNS:
        return [Problem(1, 0, "", f"columns are {','.join(header) or 'missing'}", f"begin with `{','.join(COLUMNS)}`")]
    areas: list[Area] = []
    problems: list[Problem] = []
    seen: dict[str, int] = {}
    for line, row in table:
        if len(row) != len(COLUMNS):
            problems.append(Problem(line, 0, "", f"{len(row)} fields", f"write {len(COLUMNS)}"))
            continue
        name, country, prefixes, latitude, longitude = row
        try:
            place = float(latitude), float(longitude)
        except ValueError:
            place = (999.0, 999.0)
        if not -90 <= place[0] <= 90 or not -180 <= place[1] <= 180:
            problems.append(Problem(line, 0, "latitude", f"`{latitude},{longitude}` is no place", "write degrees, such as `40.71,-74.01`"))
        if not name or name in seen:
            problems.append(Problem(line, 0, "area", f"`{name}` is empty or stands on line {seen.get(name, line)} too", "give every area a name of its own"))
        if not all(prefix.isdigit() and prefix.isascii() for prefix in prefixes.split()):
            problems.append(Problem(line, 0, "prefixes", f"`{prefixes}` holds more than digits", "write digits of E.164 separated by spaces, such as `1212 1646`"))
        seen[name] = line
        areas.append(Area(name, country.upper(), tuple(prefixes.split()), *place))
    if table.broken:
        problems.append(table.broken)
    return problems or Areas(tuple(areas))


def _great_circle_km(a: Area, b: Area) -> float:
    """Haversine formula."""
    half = sin(radians(b.latitude - a.latitude) / 2) ** 2
    half += cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))
