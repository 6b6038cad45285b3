"""Identity."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import Identity, parse_identity

FULL = "eyJhbGciOiJFUzI1NiJ9.eyJhdHRlc3QiOiJBIn0.rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojN"


def test_a_shaken_identity_is_kept_whole() -> None:
    text = f'{FULL};info=<https://cert.example.org/passport.cer>;alg=ES256;ppt="shaken"'
    parsed = parse_identity(text)
    assert parsed == Identity(FULL, "https://cert.example.org/passport.cer", "ES256", "shaken")
    assert str(parsed) == text


def test_the_compact_form_and_loose_spelling_are_read() -> None:
    parsed = parse_identity("..sig-nature ; ppt=div ; info = <https://a.b/c?d;e> ; alg=ES256 ; canon=x")
    assert parsed == Identity("..sig-nature", "https://a.b/c?d;e", "ES256", "div", (("canon", "x"),))
    assert isinstance(parsed, Identity)
    assert parsed.is_compact


def test_an_identity_without_info_is_read_so_that_it_can_be_refused_with_a_reason() -> None:
    assert parse_identity("r5mwreLuyDRYBi/0TiPwEs+EUHWIZo1CeWUYA=") == Identity(
        "r5mwreLuyDRYBi/0TiPwEs+EUHWIZo1CeWUYA="
    )


@pytest.mark.parametrize(
    "text", ["", ";info=<x>", "a b", f"{FULL};info=<https://a b>", f'{FULL};alg="a b"', f"{FULL};;"]
)
def test_a_malformed_identity_is_answered_with_436(text: str) -> None:
    fault = parse_identity(text)
    assert isinstance(fault, Fault)
    assert fault.status == 436


PASSPORT = st.from_regex(r"[A-Za-z0-9_=+/-]{1,20}(\.[A-Za-z0-9_-]{1,20}){2}", fullmatch=True)


@given(
    st.builds(
        Identity,
        PASSPORT,
        st.sampled_from(["", "https://a.b/c"]),
        st.sampled_from(["", "ES256"]),
        st.sampled_from(["", "shaken", "a;b"]),
    )
)
def test_an_identity_survives_writing_and_reading(value: Identity) -> None:
    assert parse_identity(str(value)) == value


@given(st.text() | st.text('abc.;=<>"\\ infoalgppt', max_size=60))
def test_any_text_is_an_identity_or_a_fault(text: str) -> None:
    parsed = parse_identity(text)
    if isinstance(parsed, Identity):
        assert parse_identity(str(parsed)) == parsed
