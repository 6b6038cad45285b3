"""Areas: which one a number belongs to, and how far two lie apart.

A North American number without a row in the operator's table still has an area, its area code; only distances need the table.
"""

from math import asin, cos, radians, sin, sqrt

from trunkline.numbering import longest
from trunkline.policy.areas import Area

EARTH_KM = 6_371.0088
"Mean radius (IUGG)."


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


def _great_circle_km(a: Area, b: Area) -> float:
    """Haversine formula."""
    half = sin(radians(b.latitude - a.latitude) / 2) ** 2
    half += cos(radians(a.latitude)) * cos(radians(b.latitude)) * sin(radians(b.longitude - a.longitude) / 2) ** 2
    return 2 * EARTH_KM * asin(sqrt(min(1.0, half)))
