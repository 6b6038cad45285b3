import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.numbering import CalledFormat, NumberPlan, is_e164, normalise, render

US = NumberPlan(country_code="1", international_prefix="011", trunk_prefix="1", bare="national")
UK = NumberPlan(country_code="44", international_prefix="00", trunk_prefix="0", bare="national")
PLAIN = NumberPlan()


@pytest.mark.parametrize(
    ("dialled", "plan", "expected"),
    [
        ("+14155550123", US, "+14155550123"),
        ("14155550123", US, "+14155550123"),
        ("4155550123", US, "+14155550123"),
        ("011442079460000", US, "+442079460000"),
        ("02079460000", UK, "+442079460000"),
        ("2079460000", UK, "+442079460000"),
        ("0014155550123", UK, "+14155550123"),
        ("442079460000", PLAIN, "+442079460000"),
        ("00442079460000", PLAIN, "+442079460000"),
    ],
)
def test_each_way_of_dialling_is_read_as_the_plan_says(dialled: str, plan: NumberPlan, expected: str) -> None:
    assert normalise(dialled, plan) == expected


@pytest.mark.parametrize("dialled", ["+1 (415) 555-0123", "+1.415.555.0123", "(415) 555 0123", "1-415-555-0123"])
def test_visual_separators_mean_nothing(dialled: str) -> None:
    assert normalise(dialled, US) == "+14155550123"


def test_a_zero_in_brackets_after_a_country_code_is_dropped() -> None:
    assert normalise("+44 (0)20 7946 0000", UK) == "+442079460000"


def test_parameters_are_ignored() -> None:
    assert normalise("+14155550123;npdi;rn=+14155550000", US) == "+14155550123"
    assert normalise("14155550123;phone-context=x", US) == "+14155550123"


def test_the_access_code_goes_first_and_may_be_missing() -> None:
    plan = NumberPlan(country_code="44", international_prefix="00", trunk_prefix="0", strip="9")
    assert normalise("902079460000", plan) == "+442079460000"
    assert normalise("9+442079460000", plan) == "+442079460000"
    assert normalise("02079460000", plan) == "+442079460000"
    assert normalise("+442079460000", plan) == "+442079460000"


@pytest.mark.parametrize(
    ("dialled", "why"),
    [
        ("", "nothing was dialled"),
        ("+", "no digits"),
        ("+1415", "too short"),
        ("+1415555012345678", "longer than E.164 allows"),
        ("+04155550123", "no country code begins with 0"),
        ("0415555012", "a national number, and the plan has no country code"),
        ("1415555O123", "a letter"),
        ("*671415555012", "a star code"),
        ("1415555012#", "a hash"),
        ("++14155550123", "two plus signs"),
        ("١٤١٥٥٥٥٠١٢٣", "digits of another script"),
        ("1415555012²", "a superscript"),
        (";phone-context=+1", "parameters alone"),
        ("anonymous", "a name"),
    ],
)
def test_what_does_not_fit_is_refused(dialled: str, why: str) -> None:
    assert normalise(dialled, PLAIN) is None, why


def test_a_bare_national_number_needs_a_country_code() -> None:
    assert normalise("4155550123", NumberPlan(bare="national")) is None


def test_the_plan_sets_how_short_and_long_a_number_may_be() -> None:
    plan = NumberPlan(min_digits=10, max_digits=11)
    assert normalise("141555501", plan) is None
    assert normalise("1415555012", plan) == "+1415555012"
    assert normalise("141555501234", plan) is None


@pytest.mark.parametrize("text", ["+1", "+14155550123", "+123456789012345"])
def test_e164_is_recognised(text: str) -> None:
    assert is_e164(text)


@pytest.mark.parametrize("text", ["", "+", "1", "+0123", "+1234567890123456", "+1a", "+١٢", "sipp", "anonymous"])
def test_anything_else_is_not_e164(text: str) -> None:
    assert not is_e164(text)


numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
subscribers = st.from_regex(r"[1-9][0-9]{7,9}", fullmatch=True)


@given(
    numbers, st.sampled_from([("plus", PLAIN), ("e164", PLAIN), ("international", PLAIN), ("plus", US), ("plus", UK)])
)
def test_what_is_rendered_reads_back(number: str, way: tuple[str, NumberPlan]) -> None:
    style, plan = way
    request_user, to_user = render(number, CalledFormat(style=style, international_prefix=plan.international_prefix))
    assert normalise(request_user, plan) == normalise(to_user, plan) == number


@given(subscribers, st.sampled_from([("44", "0"), ("39", "0"), ("49", "0"), ("7", "8")]))
def test_a_national_number_reads_back(subscriber: str, country: tuple[str, str]) -> None:
    country_code, trunk_prefix = country
    number = "+" + country_code + subscriber
    wanted = CalledFormat(style="national", country_code=country_code, trunk_prefix=trunk_prefix)
    plan = NumberPlan(country_code=country_code, trunk_prefix=trunk_prefix, bare="national")
    assert normalise(render(number, wanted)[0], plan) == number


@given(numbers, st.sampled_from(["77", "9", "#31#"]))
def test_a_tech_prefix_the_far_end_strips_reads_back(number: str, tech_prefix: str) -> None:
    wanted = CalledFormat(style="plus", tech_prefix=tech_prefix)
    assert normalise(render(number, wanted)[0], NumberPlan(strip=tech_prefix)) == number


@given(st.text(), st.sampled_from([US, UK, PLAIN]))
def test_whatever_comes_is_e164_or_nothing(dialled: str, plan: NumberPlan) -> None:
    number = normalise(dialled, plan)
    assert number is None or is_e164(number)
