from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from trunkline.policy.snapshot import Band
from trunkline.routing.bands import Bands

BANDS = (Band("weekend", 0, 1440, (5, 6)), Band("morning", 480, 720), Band("night", 1320, 360, (4,)))


def at(text: str, zone: str = "America/New_York") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("moment", "band"),
    [
        ("2026-03-02 08:00", "morning"), ("2026-03-02 11:59", "morning"), ("2026-03-02 12:00", ""), ("2026-03-07 09:00", "weekend"),
        ("2026-03-06 23:00", "night"), ("2026-03-05 23:00", ""), ("2026-03-09 07:59", ""), ("2026-03-09 08:00", "morning"),
    ],
)  # fmt: skip
def test_the_first_band_that_fits_counts_in_the_callees_zone(moment: str, band: str) -> None:
    assert Bands(BANDS).at("America/New_York", at(moment)) == band


def test_a_band_past_midnight_belongs_to_the_day_it_began_on() -> None:
    bands = Bands((Band("night", 1320, 360, (4,)),))
    assert bands.at("UTC", at("2026-03-07 05:00", "UTC")) == "night"
    assert bands.at("UTC", at("2026-03-06 05:00", "UTC")) == ""


def test_what_is_remembered_does_not_outlive_its_quarter() -> None:
    bands = Bands(BANDS)
    assert bands.at("America/New_York", at("2026-03-02 11:59")) == "morning"
    assert bands.at("America/New_York", at("2026-03-02 12:00")) == ""
    assert bands.at("UTC", at("2026-03-02 11:00", "UTC")) == "morning"


def test_a_band_off_the_quarter_is_kept_to_the_minute() -> None:
    bands = Bands((Band("odd", 481, 483),))
    assert [bands.at("UTC", at(f"2026-03-02 08:0{minute}", "UTC")) for minute in range(4)] == ["", "odd", "odd", ""]


def test_no_bands_is_one_band() -> None:
    assert Bands(()).at("UTC", 0.0) == ""
