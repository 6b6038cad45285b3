"""Areas and distances."""

import pytest

from trunkline.numbers import Areas
from trunkline.policy.areas import read_areas

TABLE = "area,country,prefixes,latitude,longitude\nny,US,1212 1646,40.7128,-74.0060\nla,US,1213,34.0522,-118.2437\nlondon,GB,4420,51.5074,-0.1278\n"


def table() -> Areas:
    found = read_areas(TABLE)
    assert isinstance(found, tuple)
    return Areas(found)


def test_a_number_belongs_to_the_area_of_its_longest_prefix() -> None:
    assert [table().area_of(number) for number in ("+12125550000", "+16465550000", "+442079460000", "+33145000000")] == ["ny", "ny", "london", ""]


def test_a_north_american_number_without_a_row_belongs_to_its_area_code() -> None:
    assert table().area_of("+14155550000") == "415"
    assert Areas().area_of("+14155550000") == "415"


def test_distances_are_great_circles() -> None:
    areas = table()
    assert areas.distance_km("ny", "la") == pytest.approx(3_936, abs=5)
    assert areas.distance_km("la", "ny") == areas.distance_km("ny", "la")
    assert areas.distance_km("ny", "london") == pytest.approx(5_570, abs=10)
    assert areas.distance_km("ny", "ny") == 0.0
    assert areas.distance_km("ny", "415") is None
    assert areas.distance_km("", "") is None


def test_faults_name_line_and_fix() -> None:
    problems = read_areas(TABLE + "ny,US,1718,91,0\nx,US,+1,a,b\ny,US\n")
    assert isinstance(problems, list)
    assert [(problem.line, problem.path) for problem in problems] == [(5, "latitude"), (5, "area"), (6, "latitude"), (6, "prefixes"), (7, "")]
    assert isinstance(read_areas("a,b\n"), list)
