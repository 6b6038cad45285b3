"""Bencoding: what goes out comes back, and nothing that comes in raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.rtpengine.bencode import DEEPEST, LARGEST, Fault, Value, decode, encode

VALUES: st.SearchStrategy[Value] = st.recursive(
    st.binary(max_size=40) | st.integers(-(2**63), 2**63 - 1),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_a_value_survives_the_round_trip(value: Value) -> None:
    assert decode(encode(value)) == value


@given(st.binary(max_size=80) | st.text("0123456789:ilde-", max_size=60).map(str.encode))
def test_anything_is_a_value_or_a_fault(data: bytes) -> None:
    value = decode(data)
    if not isinstance(value, Fault):
        again = encode(value)
        assert decode(again) == value
        assert len(again) == len(data), "one spelling for everything but the order of keys"


@given(VALUES, st.data())
def test_a_value_cut_short_is_a_fault(value: Value, data: st.DataObject) -> None:
    whole = encode(value)
    assert isinstance(decode(whole[: data.draw(st.integers(0, len(whole) - 1))]), Fault)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"i-0e", b"i03e", b"ie", b"i-e", b"i+3e", b"i 3e", b"i123456789012345678901e", b"03:abc", b"-1:a", b"4:abc", b"1", b":a", b"di1ei2ee",
        b"d1:ai1e1:ai2ee", b"d1:ae", b"l", b"d", b"e", b"x", b"i1ei2e", "i٣e".encode(), b"99999999:a",
    ],
)  # fmt: skip
def test_other_spellings_are_faults(data: bytes) -> None:
    assert isinstance(decode(data), Fault)


def test_depth_and_size_are_bounded() -> None:
    assert not isinstance(decode(b"l" * DEEPEST + b"e" * DEEPEST), Fault)
    assert isinstance(decode(b"l" * (DEEPEST + 1) + b"e" * (DEEPEST + 1)), Fault)
    assert isinstance(decode(b"l" * LARGEST), Fault)
    assert isinstance(decode(b"%d:" % LARGEST + bytes(LARGEST)), Fault)


def test_keys_are_written_in_order() -> None:
    assert encode({b"b": 1, b"a": [b"x", -2]}) == b"d1:al1:xi-2ee1:bi1ee"
