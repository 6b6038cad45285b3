"""Make `zones.tsv` from the metadata of the phonenumbers library (Apache-2.0): `python -m trunkline.numbering.zones_remake`.

For a desk, never for a node: the library costs 117 MiB. North America is cut at area codes, each standing for every zone and every state or
country its exchanges lie in, because a mobile or ported number has left its exchange; other countries keep the prefixes the library knows.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import phonenumbers
from phonenumbers.geodata import GEOCODE_DATA
from phonenumbers.tzdata import TIMEZONE_DATA

HERE = Path(__file__).parent

STATES = {
    "Alabama": "AL", "Alaska": "AK", "Arizona": "AZ", "Arkansas": "AR", "California": "CA", "Colorado": "CO", "Connecticut": "CT", "Delaware": "DE",
    "Washington D.C.": "DC", "Florida": "FL", "Georgia": "GA", "Hawaii": "HI", "Idaho": "ID", "Illinois": "IL", "Indiana": "IN", "Iowa": "IA",
    "Kansas": "KS", "Kentucky": "KY", "Louisiana": "LA", "Maine": "ME", "Maryland": "MD", "Massachusetts": "MA", "Michigan": "MI", "Minnesota": "MN",
    "Mississippi": "MS", "Missouri": "MO", "Montana": "MT", "Nebraska": "NE", "Nevada": "NV", "New Hampshire": "NH", "New Jersey": "NJ",
    "New Mexico": "NM", "New York": "NY", "North Carolina": "NC", "North Dakota": "ND", "Ohio": "OH", "Oklahoma": "OK", "Oregon": "OR",
    "Pennsylvania": "PA", "Rhode Island": "RI", "South Carolina": "SC", "South Dakota": "SD", "Tennessee": "TN", "Texas": "TX", "Utah": "UT",
    "Vermont": "VT", "Virginia": "VA", "Washington State": "WA", "West Virginia": "WV", "Wisconsin": "WI", "Wyoming": "WY",
}  # fmt: skip

Row = tuple[tuple[str, ...], tuple[str, ...]]
"Jurisdictions and zones."


def rows() -> dict[str, Row]:
    """Every prefix, those that add nothing to a shorter one left out."""
    found: dict[str, Row] = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        zones = TIMEZONE_DATA.get(str(code))
        if zones and regions != ("001",):
            found[str(code)] = (("US-?", *sorted(set(regions) - {"US"})) if code == 1 else regions, zones)
    for prefix, zones in TIMEZONE_DATA.items():
        if not prefix.startswith("1"):
            country = _country(found, prefix)
            if country:
                found[prefix] = (found[country][0], zones)
    for area, zones in _area_codes().items():
        found[area] = (_jurisdictions(area), zones)
    return {prefix: row for prefix, row in found.items() if _shorter(found, prefix) != row}


def _country(found: dict[str, Row], prefix: str) -> str:
    return next((prefix[:length] for length in (1, 2, 3) if prefix[:length] in found and int(prefix[:length]) in phonenumbers.COUNTRY_CODE_TO_REGION_CODE), "")


def _shorter(found: dict[str, Row], prefix: str) -> Row | None:
    return next((found[prefix[:length]] for length in range(len(prefix) - 1, 0, -1) if prefix[:length] in found), None)


def _area_codes() -> dict[str, tuple[str, ...]]:
    zones: dict[str, set[str]] = defaultdict(set)
    for prefix, known in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= 4:
            zones[prefix[:4]].update(known)
    return {area: tuple(sorted(known)) for area, known in zones.items()}


def _jurisdictions(area: str) -> tuple[str, ...]:
    """States of an area code in the United States, else its country; any state where the name of none is known."""
    region = _region(area)
    if region != "US":
        return (region,)
    named = [GEOCODE_DATA[area]["en"]] if "en" in GEOCODE_DATA.get(area, {}) else [
        names["en"] for prefix, names in GEOCODE_DATA.items() if prefix.startswith(area) and len(prefix) <= 8 and "en" in names
    ]  # fmt: skip
    return tuple(sorted({f"US-{state}" for state in _states(named)})) or ("US-?",)


def _states(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        _, comma, short = name.rpartition(", ")
        state = STATES.get(name, short if comma else "")
        if state in STATES.values():
            yield state


def _region(area: str) -> str:
    """Country of an area code, by its first valid number."""
    for exchange in ("2345678", "5550123", "9345678", "2012345"):
        region = phonenumbers.region_code_for_number(phonenumbers.parse(f"+{area}{exchange}"))
        if region:
            return str(region)
    return "US"


def main() -> None:
    lines = [f"# Prefix, jurisdictions, time zones. Made by zones_remake.py from phonenumbers {phonenumbers.__version__} (Apache-2.0)."]
    lines += ["\t".join((prefix, " ".join(row[0]), " ".join(row[1]))) for prefix, row in sorted(rows().items())]
    (HERE / "zones.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
