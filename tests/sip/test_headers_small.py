"""The headers of a line or two: CSeq, RAck, timers, Replaces, Privacy, Date, Retry-After, token lists."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import (
    CSeq,
    MinSE,
    PEarlyMedia,
    Privacy,
    RAck,
    Replaces,
    RetryAfter,
    SessionExpires,
    parse_cseq,
    parse_date,
    parse_max_forwards,
    parse_min_se,
    parse_p_early_media,
    parse_privacy,
    parse_rack,
    parse_replaces,
    parse_retry_after,
    parse_rseq,
    parse_session_expires,
    parse_tokens,
    render_date,
    replaces_in,
)
from trunkline.sip.uri import Uri, parse_uri


def test_values_are_read() -> None:
    assert parse_cseq("0009   INVITE") == CSeq(9, "INVITE")
    assert parse_cseq("139122385 !interesting-Method0123456789_*+`.%indeed'~") == CSeq(
        139122385, "!interesting-Method0123456789_*+`.%indeed'~"
    )
    assert parse_rack("776656 1 INVITE") == RAck(776656, 1, "INVITE")
    assert parse_rseq("988789") == 988789
    assert parse_session_expires("4000;Refresher=UAC;x=y") == SessionExpires(4000, "uac", (("x", "y"),))
    assert parse_session_expires("1800") == SessionExpires(1800)
    assert parse_min_se("90 ; x") == MinSE(90, (("x", None),))
    assert parse_max_forwards("0068") == 68
    assert parse_privacy("id; Header , critical") == Privacy(("id", "header", "critical"))
    assert parse_p_early_media("Inactive, sendonly ,gated, x-new") == PEarlyMedia(("inactive", "sendonly"))
    assert parse_p_early_media("supported") == PEarlyMedia((), True)
    assert (parse_p_early_media(""), PEarlyMedia().audio, PEarlyMedia(("recvonly", "sendrecv")).audio) == (PEarlyMedia(), "", "recvonly")
    assert parse_retry_after("18000;duration=3600;x") == RetryAfter(18000, "", 3600, (("x", None),))
    assert parse_retry_after("120 (I'm (in) a \\) meeting) ") == RetryAfter(120, "I'm (in) a \\) meeting")
    assert parse_date("Sat, 13 Nov 2010 23:29:00 GMT") == 1289690940
    assert parse_tokens("100rel , timer,,INVITE") == ("100rel", "timer", "INVITE")
    assert parse_tokens("") == ()


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_cseq, "36893488147419103232 REGISTER"),
        (parse_cseq, "2147483648 INVITE"),
        (parse_cseq, "1INVITE"),
        (parse_cseq, "-1 INVITE"),
        (parse_cseq, "١ INVITE"),
        (parse_cseq, "1 IN VITE"),
        (parse_rack, "1 INVITE"),
        (parse_rack, "4294967296 1 INVITE"),
        (parse_rseq, "0"),
        (parse_session_expires, "never"),
        (parse_session_expires, "90;refresher=proxy"),
        (parse_session_expires, "90;;"),
        (parse_min_se, "90 90"),
        (parse_max_forwards, "256"),
        (parse_max_forwards, ""),
        (parse_privacy, ""),
        (parse_privacy, "id;;user"),
        (parse_retry_after, "949302838503028349304023988"),
        (parse_retry_after, "1 (" + "(" * 10 + ")" * 11),
        (parse_retry_after, "1 (open"),
        (parse_retry_after, "1 (a\nb)"),
        (parse_retry_after, "1;duration=x"),
        (parse_date, "Fri, 01 Jan 2010 16:00:00 EST"),
        (parse_date, "Fri, 31 Feb 2010 16:00:00 GMT"),
        (parse_date, "2010-01-01T16:00:00Z"),
        (parse_p_early_media, "sendrecv;x"),
        (parse_replaces, "a@b"),
        (parse_replaces, "a@b;to-tag=1"),
        (parse_replaces, "a@b;to-tag=1;from-tag=2;;"),
        (parse_tokens, "100rel timer"),
        (parse_tokens, ",".join(["a"] * 65)),
    ],
)
def test_what_the_grammar_or_a_limit_refuses_is_a_fault(parse: Callable[[str], object], text: str) -> None:
    assert isinstance(parse(text), Fault)


def test_ten_nested_comments_are_enough() -> None:
    assert parse_retry_after("1 (" + "(" * 9 + ")" * 10) == RetryAfter(1, "(" * 9 + ")" * 9)


def test_privacy_says_what_it_hides() -> None:
    asked = Privacy(("id", "critical"))
    assert (asked.hides_identity, asked.hides_user, asked.is_critical) == (True, True, True)
    assert not Privacy(("none",)).hides_user
    assert not Privacy(("user",)).hides_identity


def test_a_refer_carries_the_dialog_it_replaces_in_its_uri() -> None:
    target = parse_uri(
        "sip:dave@denver.example.org?Replaces=12345%40192.168.118.3%3Bto-tag%3D12345%3Bfrom-tag%3D5FFE-3994"
        "%3Bearly-only"
    )
    assert isinstance(target, Uri)
    assert replaces_in(target) == Replaces("12345@192.168.118.3", "12345", "5FFE-3994", True)
    assert replaces_in(Uri("sip", host="a")) is None
    assert isinstance(replaces_in(Uri("sip", host="a", headers=(("Replaces", "x"),))), Fault)


TOKEN = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
PARAMS = st.sampled_from([(), (("x", None), ("y", '"a;b"'))])
SECONDS = st.integers(0, 2**31 - 1)


@given(st.builds(CSeq, SECONDS, TOKEN))
def test_cseq_survives_writing_and_reading(value: CSeq) -> None:
    assert parse_cseq(str(value)) == value


@given(st.builds(RAck, st.integers(0, 2**32 - 1), SECONDS, TOKEN))
def test_rack_survives_writing_and_reading(value: RAck) -> None:
    assert parse_rack(str(value)) == value


@given(st.builds(SessionExpires, SECONDS, st.sampled_from(["", "uac", "uas"]), PARAMS))
def test_session_expires_survives_writing_and_reading(value: SessionExpires) -> None:
    assert parse_session_expires(str(value)) == value


@given(st.builds(Replaces, TOKEN, TOKEN, TOKEN, st.booleans(), PARAMS))
def test_replaces_survives_writing_and_reading(value: Replaces) -> None:
    assert parse_replaces(str(value)) == value


@given(st.builds(RetryAfter, SECONDS, st.sampled_from(["", "a (b) c"]), st.none() | SECONDS, PARAMS))
def test_retry_after_survives_writing_and_reading(value: RetryAfter) -> None:
    assert parse_retry_after(str(value)) == value


@given(st.integers(-62_135_596_800, 253_402_300_799))
def test_every_second_of_the_calendar_survives_writing_and_reading(utc_s: int) -> None:
    assert parse_date(render_date(utc_s)) == utc_s


@given(st.text() | st.text('0123456789 ;=,()"\\\tabcGMT', max_size=40))
def test_any_text_is_a_value_or_a_fault(text: str) -> None:
    parsers = (
        parse_cseq,
        parse_rack,
        parse_session_expires,
        parse_min_se,
        parse_p_early_media,
        parse_privacy,
        parse_replaces,
        parse_retry_after,
    )
    for parse in parsers:
        value = parse(text)
        if not isinstance(value, Fault):
            assert parse(str(value)) == value
    for read in (parse_rseq, parse_max_forwards, parse_date):
        assert isinstance(read(text), int | Fault)
    assert isinstance(parse_tokens(text), tuple | Fault)
