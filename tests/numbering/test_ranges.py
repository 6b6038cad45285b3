"""Stretches answer as the definition of longest-prefix match does."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from trunkline.numbering.ranges import NOTHING, find, flatten, key

DIGITS = st.text("0129", max_size=6)


def longest(prefixes: dict[str, int], digits: str) -> int:
    fitting = [prefix for prefix in prefixes if digits.startswith(prefix)]
    return prefixes[max(fitting, key=len)] if fitting else NOTHING


@given(st.dictionaries(DIGITS, st.integers(1, 4), max_size=30), st.lists(st.text("0129", max_size=9), max_size=30))
def test_a_look_up_finds_the_longest_prefix(prefixes: dict[str, int], numbers: list[str]) -> None:
    keys, values = flatten(prefixes.items())
    assert keys == sorted(set(keys))
    assert all(one != other for one, other in pairwise(values))
    for digits in [*numbers, *prefixes]:
        assert find(keys, values, digits) == longest(prefixes, digits)


def test_a_number_shorter_than_a_prefix_is_not_under_it() -> None:
    keys, values = flatten([("1", 1), ("1200", 2)])
    assert [find(keys, values, digits) for digits in ("12", "120", "1200", "12000", "13", "2")] == [1, 1, 2, 2, 1, NOTHING]


def test_the_longest_numbers_and_beyond() -> None:
    keys, values = flatten([("999999999999999", 7), ("", 1)])
    assert find(keys, values, "999999999999999") == 7
    assert find(keys, values, "9999999999999991") == 7
    assert find(keys, values, "") == 1
    assert key("999999999999999") < 2**64
