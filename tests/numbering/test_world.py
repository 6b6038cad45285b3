"""What ships as world.bin: country, type, area and operator of numbers as their plans have them."""

import pytest

from trunkline.numbering.languages import language, prefix_of
from trunkline.numbering.world import TYPES, code_length, world


@pytest.mark.parametrize(
    ("digits", "country", "kind"),
    [
        ("14155550123", "US", "fixed_or_mobile"), ("14165550123", "CA", "fixed_or_mobile"), ("18762123456", "JM", "mobile"),
        ("18005550123", "US", "toll_free"), ("19005550123", "US", "premium"), ("442079460148", "GB", "fixed"), ("447400123456", "GB", "mobile"),
        ("447781123456", "GG", "mobile"), ("441481250123", "GG", "fixed"), ("449098790123", "GB", "premium"), ("448001234567", "GB", "toll_free"),
        ("33612345678", "FR", "mobile"), ("33142685300", "FR", "fixed"), ("33899123456", "FR", "premium"), ("4915123456789", "DE", "mobile"),
        ("493012345678", "DE", "fixed"), ("79161234567", "RU", "mobile"), ("77710009998", "KZ", "mobile"), ("390612345678", "IT", "fixed"),
        ("390669812345", "VA", "fixed"), ("80012345678", "001", "toll_free"), ("6834002", "NU", "fixed"), ("15055550123", "US", "fixed_or_mobile"),
    ],
)  # fmt: skip
def test_country_and_type(digits: str, country: str, kind: str) -> None:
    found = world().kind(digits)
    assert (found.country, found.type) == (country, kind)
    assert found.type in TYPES


def test_what_nobody_has_been_assigned_is_unknown() -> None:
    assert world().kind("19995550123").type == "unknown"
    assert world().kind("21012345678").country == ""
    assert world().kind("").country == ""


def test_area_and_operator_where_the_number_tells() -> None:
    known = world()
    assert (known.area("14155550123"), known.area("442079460148"), known.area("493012345678")) == ("California", "London", "Berlin")
    assert known.operator("447400123456") == "Three"
    assert known.operator("442079460148") == ""
    assert known.countries["GB"] == "United Kingdom"


def test_calling_codes_have_one_to_three_digits() -> None:
    assert [code_length(digits) for digits in ("14155550123", "7916", "442079460148", "353861234567")] == [1, 1, 2, 3]


def test_it_agrees_with_the_library_it_was_made_from() -> None:
    """An example number of every country and type."""
    phonenumbers = pytest.importorskip("phonenumbers")
    names = dict(enumerate(("fixed", "mobile", "fixed_or_mobile", "toll_free", "premium", "shared_cost", "voip", "personal", "pager", "uan", "voicemail")))
    compared = wrong = 0
    for country in phonenumbers.SUPPORTED_REGIONS:
        for kind in names:
            number = phonenumbers.example_number_for_type(country, kind)
            if number is not None and phonenumbers.is_valid_number(number):
                digits = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)[1:]
                found = world().kind(digits)
                compared += 1
                wrong += (found.country, found.type) != (phonenumbers.region_code_for_number(number), names[phonenumbers.number_type(number)])
    assert compared > 900
    assert wrong / compared < 0.01


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        (r"49[1-6]\d{2}", ["49100", "49699"], ["4970", "491000", "4910"]),
        (r"(?:1|[368]\d|4[0-8])\d{1,3}", ["11", "1999", "30123", "4855"], ["49", "4", "5123", "301234"]),
        (r"8(?:0(?:0|1)?|5)", ["80", "800", "801", "85"], ["8", "802"]),
    ],
)
def test_languages_accept_what_the_pattern_does(pattern: str, accepted: list[str], refused: list[str]) -> None:
    for digits, wanted in [*((word, True) for word in accepted), *((word, False) for word in refused)]:
        state = language(pattern)
        for digit in digits:
            state = state.after(digit)
        assert state.ends is wanted, digits


def test_a_leading_pattern_accepts_all_that_follows() -> None:
    state = prefix_of("7[0-8]|2")
    for digit in "7812345":
        state = state.after(digit)
    assert state.ends
    assert not prefix_of("7[0-8]|2").after("7").after("9").ends
