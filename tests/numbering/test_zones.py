"""Where the holder of a number may be."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import trunkline.numbering
from trunkline.numbering.zones import NOWHERE, read_zones, shipped_zones

SHIPPED = Path(trunkline.numbering.__file__).parent / "zones.tsv"


@pytest.mark.parametrize(
    ("called", "jurisdictions", "zones"),
    [
        ("+12125550100", ("US-NY",), ("America/New_York",)),
        ("+18505550100", ("US-FL",), ("America/Chicago", "America/New_York")),
        ("+13035550100", ("US-CO",), ("America/Denver",)),
        ("+18085550100", ("US-HI",), ("Pacific/Honolulu",)),
        ("+14165550100", ("CA",), ("America/Toronto",)),
        ("+17875550100", ("PR",), ("America/Puerto_Rico",)),
        ("+33145550100", ("FR",), ("Europe/Paris",)),
        ("+81312345678", ("JP",), ("Asia/Tokyo",)),
    ],
)
def test_places_people_know(called: str, jurisdictions: tuple[str, ...], zones: tuple[str, ...]) -> None:
    found = shipped_zones().place(called)
    assert (found.jurisdictions, found.zones) == (jurisdictions, zones)


def test_a_north_american_number_without_a_place_may_be_anywhere_there() -> None:
    for called in ("+18005550100", "+18885550100", "+15555550100"):
        found = shipped_zones().place(called)
        assert found.vague
        assert {"America/New_York", "Pacific/Honolulu", "America/St_Johns", "Pacific/Guam"} <= set(found.zones)


def test_a_state_has_the_zones_of_its_own_numbers() -> None:
    zones = shipped_zones()
    assert zones.holds_in("US-FL", "America/Chicago")
    assert not zones.holds_in("US-FL", "America/Los_Angeles")
    assert zones.holds_in("US", "America/Los_Angeles")
    assert not zones.holds_in("PR", "Pacific/Guam")


def test_a_number_of_no_known_plan_is_nowhere() -> None:
    assert shipped_zones().place("+9990000000") is NOWHERE


def test_every_zone_of_the_table_exists_on_this_machine() -> None:
    for name in {zone for place in shipped_zones().places for zone in place.zones}:
        ZoneInfo(name)


def test_the_longest_prefix_counts_and_a_broken_row_is_an_error() -> None:
    zones = read_zones("# made by hand\n4\tAA\tEurope/Paris\n44\tBB\tEurope/London\n")
    assert zones.place("+4412345").jurisdictions == ("BB",)
    assert zones.place("+4312345").jurisdictions == ("AA",)
    with pytest.raises(ValueError):  # noqa: PT011
        read_zones("44 BB Europe/London\n")


def test_the_table_is_what_its_generator_makes() -> None:
    phonenumbers = pytest.importorskip("phonenumbers")
    head, _, body = SHIPPED.read_text().partition("\n")
    if phonenumbers.__version__ not in head:
        pytest.skip(f"the table was made from another version than {phonenumbers.__version__}")
    from trunkline.numbering.zones_remake import rows

    assert body == "".join("\t".join((prefix, " ".join(row[0]), " ".join(row[1]))) + "\n" for prefix, row in sorted(rows().items()))
