"""Reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import Reason, parse_reasons


def reasons(text: str) -> tuple[Reason, ...]:
    parsed = parse_reasons(text)
    assert isinstance(parsed, tuple), parsed
    return parsed


def test_several_reasons_are_read() -> None:
    assert reasons('SIP ;cause=200 ;text="Call completed elsewhere", Q.850;cause=16;text="Terminated"') == (
        Reason("SIP", 200, "Call completed elsewhere"),
        Reason("Q.850", 16, "Terminated"),
    )
    assert reasons('STIR;cause=436;text="a, b";ppi="..x", STIR;cause=437') == (
        Reason("STIR", 436, "a, b", (("ppi", '"..x"'),)),
        Reason("STIR", 437),
    )


def test_the_isup_location_is_read() -> None:
    assert reasons('Q.850;cause=21;location=LN;text="Call rejected"')[0].location == "LN"
    assert reasons("Q.850;cause=21")[0].location == ""


@pytest.mark.parametrize(
    "text",
    [
        'SIP;cause=603;text="v=analytics1;url=https://example.com/a?b=c;tel=+18005550100";location=RLN',
        'SIP;cause=603;v=analytics1;url="https://example.com/a?b=c";tel="+18005550100"',
    ],
)
def test_a_603_plus_block_says_where_to_complain(text: str) -> None:
    (reason,) = reasons(text)
    assert reason.cause == 603
    assert reason.analytics == (("v", "analytics1"), ("url", "https://example.com/a?b=c"), ("tel", "+18005550100"))


@pytest.mark.parametrize("text", ['SIP;cause=603;text="Decline"', 'SIP;text="v=analyticsx1;url=y"', "SIP;v=1"])
def test_other_reasons_are_no_603_plus_block(text: str) -> None:
    assert reasons(text)[0].analytics == ()


def test_the_grammar_of_the_field_is_forgiven() -> None:
    assert reasons("Q.850;cause=16;text=Normal Call Clearing")[0] == Reason("Q.850", 16, "Normal Call Clearing")
    assert reasons('Q.850 ; cause="17"')[0].cause == 17
    assert reasons("Q.850;cause=busy")[0] == Reason("Q.850", None, "", (("cause", "busy"),))
    assert reasons("Q.850;cause=16;;;x;note=two words;=;a b=c")[0].params == (("x", None), ("note", '"two words"'))
    assert reasons("not a token, Q.850;cause=16") == (Reason("Q.850", 16),)
    assert reasons('Q.850;cause=16;text="unbalanced') == (Reason("Q.850", 16),)


@pytest.mark.parametrize("text", ["", ";cause=16", "a b", '"Q.850"', "\nQ.850", ",,"])
def test_without_a_readable_reason_it_is_a_fault(text: str) -> None:
    assert isinstance(parse_reasons(text), Fault)


def test_a_flood_of_reasons_is_cut_off() -> None:
    assert len(reasons(",".join(["SIP"] * 1000))) == 64


TOKEN = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
PARAMS = st.lists(
    st.tuples(TOKEN.filter(lambda name: name.lower() not in ("cause", "text")), st.none() | TOKEN | st.just('"x,;"')),
    max_size=3,
).map(tuple)
REASON = st.builds(
    Reason,
    TOKEN,
    st.none() | st.integers(0, 2**31 - 1),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\n")),
    PARAMS,
)


@given(st.lists(REASON, min_size=1, max_size=4))
def test_reasons_survive_writing_and_reading(values: list[Reason]) -> None:
    assert parse_reasons(", ".join(map(str, values))) == tuple(values)


@given(st.text() | st.text('SIPQ.850;=",\\ causetx16\t<>', max_size=60))
def test_any_text_is_a_list_of_reasons_or_a_fault(text: str) -> None:
    parsed = parse_reasons(text)
    if isinstance(parsed, tuple):
        assert parse_reasons(", ".join(map(str, parsed))) == parsed
        assert not {"\r", "\n"} & set("".join(map(str, parsed)))
        assert all(isinstance(reason.analytics, tuple) for reason in parsed)
