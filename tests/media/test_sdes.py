import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.rtp import Malformed
from trunkline.media.sdes import (
    AEAD_256,
    AES_CM_32,
    AES_CM_80,
    OFFERED,
    SUITES,
    Crypto,
    answer_crypto,
    answered_crypto,
    choose_crypto,
    offer_crypto,
    parse_crypto,
)

RFC_4568 = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32"
"The example of RFC 4568 section 9.1, with a master key identifier."
PLAIN = "1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR"
KEY = b"=-n@%^x!BjufR9)?,#5h\\`=&]{qiPQ"


def test_a_line_of_the_rfc() -> None:
    read = parse_crypto(PLAIN + "|2^20")
    assert isinstance(read, Crypto)
    assert (read.tag, read.suite, len(read.key)) == (1, "AES_CM_128_HMAC_SHA1_80", 30)
    assert read.encode() == PLAIN


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (RFC_4568, "master key identifier not supported"),
        ("", "not a crypto line"),
        ("1 F8_128_HMAC_SHA1_80 inline:abcd", "crypto suite not supported"),
        (PLAIN + " UNENCRYPTED_SRTP", "session parameter not supported"),
        (PLAIN + " KDR=1", "session parameter not supported"),
        (PLAIN + ";inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR", "not a single inline key"),
        (PLAIN[:-4], "key of the wrong length for its suite"),
        (PLAIN[:-3], "key is not base64"),
    ],
)
def test_a_line_we_do_not_take_says_why(value: str, reason: str) -> None:
    assert parse_crypto(value) == Malformed(reason)


def test_hints_are_passed_over() -> None:
    assert isinstance(parse_crypto(PLAIN + " WSH=128 -X=1"), Crypto)


def test_offers_have_a_fresh_key_for_each_suite() -> None:
    lines = offer_crypto()
    assert [(line.tag, line.suite) for line in lines] == [(tag, suite.name) for tag, suite in enumerate(OFFERED, 1)]
    assert len({line.key for line in lines} | {line.key for line in offer_crypto()}) == 8
    for line in lines:
        assert parse_crypto(line.encode()) == line
        assert parse_crypto(line.encode().rstrip("=")) == line, "some leave the padding out"


def test_the_first_line_we_can_take_is_chosen_and_answered() -> None:
    lines = [RFC_4568, "2 AEAD_AES_256_GCM inline:short", *(line.encode() for line in offer_crypto([AES_CM_32, AES_CM_80]))]
    chosen = choose_crypto(lines)
    assert chosen is not None
    assert chosen.suite == AES_CM_32.name
    only = choose_crypto(lines, [AES_CM_80])
    assert only is not None
    assert only.suite == AES_CM_80.name
    assert choose_crypto(lines, [AEAD_256]) is None
    answer = answer_crypto(chosen)
    assert (answer.tag, answer.suite) == (chosen.tag, chosen.suite)
    assert answer.key != chosen.key


def test_an_answer_takes_one_of_ours() -> None:
    ours = offer_crypto()
    theirs = answer_crypto(ours[1])
    assert answered_crypto(ours, [theirs.encode()]) == (ours[1], theirs)
    assert answered_crypto(ours, []) is None
    assert answered_crypto(ours, [theirs.encode(), theirs.encode()]) is None
    assert answered_crypto(ours, [Crypto(7, theirs.suite, theirs.key).encode()]) is None
    assert answered_crypto(ours, ["rubbish"]) is None


def test_a_key_is_not_printed() -> None:
    line = Crypto(1, AES_CM_80.name, KEY)
    assert repr(line) == "Crypto(tag=1, suite='AES_CM_128_HMAC_SHA1_80', key=<30 bytes>)"


@given(st.one_of(st.text(max_size=120), st.builds("{} {} inline:{}{}".format, st.integers(0, 99), st.sampled_from(sorted(SUITES)), st.text(max_size=70), st.text(max_size=9))))
def test_any_value_is_a_line_or_a_fault(value: str) -> None:
    assert isinstance(parse_crypto(value), Crypto | Malformed)
