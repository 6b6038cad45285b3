from hypothesis import given
from hypothesis import strategies as st

from trunkline.numbering import longest

PREFIXES = {"": "world", "1": "nanp", "1415": "san-francisco", "44": "uk"}


def test_the_longest_prefix_wins() -> None:
    assert longest(PREFIXES, "14155550123", 4) == "san-francisco"
    assert longest(PREFIXES, "12125550123", 4) == "nanp"
    assert longest(PREFIXES, "442079460000", 4) == "uk"


def test_the_empty_prefix_takes_the_rest() -> None:
    assert longest(PREFIXES, "33142345678", 4) == "world"
    assert longest(PREFIXES, "", 4) == "world"


def test_nothing_matches_where_nothing_covers() -> None:
    assert longest({"44": "uk"}, "14155550123", 2) is None
    assert longest({}, "14155550123", 0) is None


def test_a_prefix_longer_than_the_number_does_not_match() -> None:
    assert longest({"14155550123": "one"}, "1415", 11) is None


digits = st.text(alphabet="123", max_size=5)


@given(st.dictionaries(digits, st.text(min_size=1, max_size=3)), digits)
def test_it_agrees_with_trying_every_prefix(prefixes: dict[str, str], number: str) -> None:
    matching = [prefix for prefix in prefixes if number.startswith(prefix)]
    expected = prefixes[max(matching, key=len)] if matching else None
    assert longest(prefixes, number, max(map(len, prefixes), default=0)) == expected
