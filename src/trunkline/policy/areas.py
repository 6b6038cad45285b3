"""The operator's table of areas: a CSV with the columns `area,country,prefixes,latitude,longitude`.

Prefixes are digits of E.164 separated by spaces.
"""

from msgspec import Struct

from trunkline.policy.problem import Problem
from trunkline.policy.table import Table

COLUMNS = ("area", "country", "prefixes", "latitude", "longitude")


class Area(Struct, frozen=True, gc=False):
    name: str
    country: str
    "ISO 3166 alpha-2, upper case."
    prefixes: tuple[str, ...]
    latitude: float
    longitude: float


def read_areas(text: str) -> tuple[Area, ...] | list[Problem]:
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
    return problems or tuple(areas)
