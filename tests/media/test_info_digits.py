import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.info_digits import DTMF, DTMF_RELAY, InfoDigit, build_info, parse_info
from trunkline.media.rtp import Malformed
from trunkline.media.telephone_event import DIGITS


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"Signal=5\r\nDuration=160\r\n", InfoDigit("5", 160)),
        (b"Signal= *\nDuration= 100", InfoDigit("*", 100)),
        (b"signal=d\r\n", InfoDigit("D", 250)),
        (b"Signal=11\r\nDuration=0\r\n", InfoDigit("#", 1)),
        (b"Duration=999999\r\nSignal=1\r\n", InfoDigit("1", 10_000)),
    ],
)
def test_dtmf_relay_as_gateways_write_it(body: bytes, read: InfoDigit) -> None:
    assert parse_info("Application/DTMF-Relay; charset=x", body) == read


def test_dtmf_is_the_bare_digit() -> None:
    assert parse_info(DTMF, b"7\r\n") == InfoDigit("7")
    assert parse_info(DTMF, b"10") == InfoDigit("*")
    assert parse_info(DTMF, b"77") == Malformed("not one digit")
    assert parse_info(DTMF_RELAY, b"Signal=77\r\n") == Malformed("no signal in dtmf-relay")


def test_other_bodies_are_not_ours() -> None:
    assert parse_info("application/media_control+xml", b"5") is None
    assert parse_info("", b"5") is None


@pytest.mark.parametrize("digit", DIGITS)
def test_what_is_built_reads_back(digit: str) -> None:
    assert parse_info(DTMF_RELAY, build_info(InfoDigit(digit, 120))) == InfoDigit(digit, 120)
    assert parse_info(DTMF, build_info(InfoDigit(digit), DTMF)) == InfoDigit(digit)


@given(st.text(max_size=30), st.binary(max_size=80), st.sampled_from([DTMF, DTMF_RELAY]))
def test_any_body_is_a_digit_or_a_fault(other: str, body: bytes, kind: str) -> None:
    assert isinstance(parse_info(kind, body), InfoDigit | Malformed)
    parse_info(other, body)
