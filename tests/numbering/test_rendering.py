import pytest

from trunkline.numbering import CalledFormat, CallerFormat, render, render_caller

US, UK = "+14155550123", "+442079460000"


@pytest.mark.parametrize(
    ("wanted", "number", "expected"),
    [
        (CalledFormat(style="plus"), US, "+14155550123"),
        (CalledFormat(style="e164"), US, "14155550123"),
        (CalledFormat(style="international"), US, "0014155550123"),
        (CalledFormat(style="international", international_prefix="011"), UK, "011442079460000"),
        (CalledFormat(style="national", country_code="1"), US, "4155550123"),
        (CalledFormat(style="national", country_code="1", trunk_prefix="1"), US, "14155550123"),
        (CalledFormat(style="national", country_code="44", trunk_prefix="0"), UK, "02079460000"),
        (CalledFormat(style="national", country_code="44", trunk_prefix="0"), US, "14155550123"),
        (CalledFormat(style="national"), UK, "442079460000"),
    ],
)
def test_each_style_of_called_number(wanted: CalledFormat, number: str, expected: str) -> None:
    assert render(number, wanted) == (expected, expected)


def test_a_tech_prefix_goes_into_the_request_uri_only() -> None:
    assert render(US, CalledFormat(style="e164", tech_prefix="7788#")) == ("7788#14155550123", "14155550123")


def test_a_tech_prefix_goes_into_to_where_the_carrier_wants_it() -> None:
    wanted = CalledFormat(style="plus", tech_prefix="7788", tech_prefix_in_to=True)
    assert render(US, wanted) == ("7788+14155550123", "7788+14155550123")


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (CallerFormat(), "+14155550123"),
        (CallerFormat(style="e164"), "14155550123"),
        (CallerFormat(style="international"), "0014155550123"),
        (CallerFormat(style="national", country_code="1", trunk_prefix="1"), "14155550123"),
        (CallerFormat(style="national", country_code="44", trunk_prefix="0"), "14155550123"),
    ],
)
def test_each_style_of_caller(wanted: CallerFormat, expected: str) -> None:
    assert render_caller(US, wanted) == expected


@pytest.mark.parametrize("caller", ["anonymous", "sipp", "1001", "", "+", "+1x"])
@pytest.mark.parametrize("style", ["plus", "e164", "national", "international"])
def test_a_caller_that_is_no_number_passes_unchanged(caller: str, style: str) -> None:
    assert render_caller(caller, CallerFormat(style=style, country_code="1")) == caller
