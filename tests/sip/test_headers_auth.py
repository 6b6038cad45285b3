"""Challenges and credentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import Challenge, Credentials, parse_challenge, parse_credentials

CHALLENGE = (
    'Digest realm="atlanta.example.com", domain="sip:boxesbybob.com", qop="auth, auth-int",'
    ' nonce="f84f1cec41e6cbe5aea9c8e88d359", opaque="", stale=FALSE, algorithm=MD5'
)
CREDENTIALS = (
    'Digest username="Alice \\"A\\"", realm="atlanta.example.com", nonce="c60f3082ee1212b402a21831ae",'
    ' uri="sips:bob@biloxi.com", response="245F23415F11432B3434341C022", qop=auth, nc=0000000A, cnonce="0a4f113b"'
)


def test_a_challenge_is_read_in_full() -> None:
    assert parse_challenge(CHALLENGE) == Challenge(
        "atlanta.example.com",
        "f84f1cec41e6cbe5aea9c8e88d359",
        "MD5",
        ("auth", "auth-int"),
        "",
        False,
        (("domain", '"sip:boxesbybob.com"'),),
    )


def test_credentials_are_read_in_full() -> None:
    assert parse_credentials(CREDENTIALS) == Credentials(
        'Alice "A"',
        "atlanta.example.com",
        "c60f3082ee1212b402a21831ae",
        "sips:bob@biloxi.com",
        "245f23415f11432b3434341c022",
        "MD5",
        "auth",
        "0a4f113b",
        10,
    )


def test_quoting_and_case_of_the_field_are_forgiven() -> None:
    parsed = parse_challenge('DIGEST Realm="a",NONCE=b,qop=auth,stale="true",algorithm="SHA-256"')
    assert parsed == Challenge("a", "b", "SHA-256", ("auth",), None, True, scheme="DIGEST")


def test_another_scheme_keeps_its_name_and_parameters() -> None:
    text = 'NoOneKnowsThisScheme opaque-data=here, x="y z"'
    for parsed in (parse_credentials(text), parse_challenge(text)):
        assert str(parsed) == text
        assert not isinstance(parsed, Fault)
        assert parsed.scheme == "NoOneKnowsThisScheme"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Digest",
        'Digest realm="a"',
        'Digest realm="a", nonce=""',
        'Digest realm="a", nonce="b", nonce="c"',
        'Digest realm="a" nonce="b"',
        'Digest realm="a, nonce="b"',
        'Digest realm="a", nonce="b", algorithm="x y"',
        "Digest " + ",".join(f"p{n}=1" for n in range(65)),
    ],
)
def test_a_malformed_challenge_is_a_fault(text: str) -> None:
    assert isinstance(parse_challenge(text), Fault)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("nc=0000000A", "nc=1"),
        ("nc=0000000A, ", ""),
        (', cnonce="0a4f113b"', ""),
        ("qop=auth", "qop=none"),
        ('uri="sips:bob@biloxi.com", ', ""),
        ("Digest ", "Digest algorithm=(), "),
        ("Digest ", ""),
    ],
)
def test_malformed_credentials_are_a_fault(old: str, new: str) -> None:
    assert isinstance(parse_credentials(CREDENTIALS.replace(old, new)), Fault)


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))
ALGORITHM = st.sampled_from(["MD5", "SHA-256", "SHA-512-256-sess"])
OTHERS = st.sampled_from([(), (("charset", "UTF-8"), ("x", '"a, b"'))])


@given(
    st.builds(
        Challenge,
        TEXT,
        TEXT.filter(bool),
        ALGORITHM,
        st.sampled_from([(), ("auth",), ("auth", "auth-int")]),
        st.none() | TEXT,
        st.booleans(),
        OTHERS,
    )
)
def test_a_challenge_survives_writing_and_reading(value: Challenge) -> None:
    assert parse_challenge(str(value)) == value


@given(
    st.builds(
        Credentials,
        TEXT,
        TEXT,
        TEXT,
        TEXT,
        st.just("0a"),
        ALGORITHM,
        st.just("auth"),
        TEXT,
        st.integers(0, 2**32 - 1),
        st.none() | TEXT,
        OTHERS,
    )
)
def test_credentials_survive_writing_and_reading(value: Credentials) -> None:
    assert parse_credentials(str(value)) == value


@given(st.text() | st.text('Digest realm="n\\oc,=', max_size=60).map("Digest ".__add__))
def test_any_text_is_a_value_or_a_fault(text: str) -> None:
    for parse in (parse_challenge, parse_credentials):
        parsed = parse(text)
        if not isinstance(parsed, Fault):
            assert parse(str(parsed)) == parsed
