"""SIP and tel URIs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.uri import Uri, equivalent, escape, parse_uri, unescape, user_of


def uri(text: str) -> Uri:
    parsed = parse_uri(text)
    assert isinstance(parsed, Uri), parsed
    return parsed


def test_the_usual_uri_is_read_in_full() -> None:
    assert uri("sip:+14155550123@10.0.0.1:5060") == Uri("sip", "+14155550123", None, "10.0.0.1", 5060)


def test_every_part_of_a_uri_is_kept_as_written() -> None:
    text = "sips:al%69ce;day=tuesday:se%63ret@[2001:db8::10]:5061;Transport=TLS;lr;x=%41?Subject=a%20b&to=alice%40a.com"
    parsed = uri(text)
    assert (parsed.user, parsed.password, parsed.host, parsed.port) == (
        "al%69ce;day=tuesday", "se%63ret", "[2001:db8::10]", 5061,
    )  # fmt: skip
    assert parsed.params == (("Transport", "TLS"), ("lr", None), ("x", "%41"))
    assert parsed.header("to") == "alice@a.com"
    assert parsed.address == "2001:db8::10"
    assert (parsed.loose, parsed.transport, parsed.maddr) == (True, "tls", "")
    assert str(parsed) == text


@pytest.mark.parametrize(
    "text",
    [
        "sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com",
        "sip:user;par=u%40example.net@example.com",
        "sip:null-%00-null@example.com",
        "sip:example.com",
        "sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31",
        "sip:1234#99@pbx_1.example.com",
        "soap.beep://192.0.2.103:3002",
        "nobodyKnowsThisScheme:totallyopaquecontent",
        "tel:+1-201-555-0123",
        "tel:7042;phone-context=example.com",
    ],
)
def test_unusual_but_valid_uris_go_out_as_they_came_in(text: str) -> None:
    assert str(uri(text)).lower() == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip:",
        "sip:@",
        "sip:@host",
        "sip:user@",
        "sip:user@host:0",
        "sip:user@host:65536",
        "sip:user@host:x",
        "sip:user@host; lr",
        "<sip:user@host>",
        "sip:user@a@b",
        "sip:user@[:::1]",
        "sip:a@b\r\nVia: x",
        "tel:",
        "tel:-",
        "tel:+1 415",
        "host",
        "sip:a@b" + ";x" * 65,
        "sip:a@b;=x",
    ],
)
def test_what_is_no_uri_is_a_fault(text: str) -> None:
    assert isinstance(parse_uri(text), Fault)


def test_a_trailing_semicolon_is_forgiven() -> None:
    assert uri("sip:1001@10.0.0.5:5060;") == uri("sip:1001@10.0.0.5:5060")


def test_the_number_is_what_can_be_dialled() -> None:
    assert uri("tel:+1-(415)-555.0123").number == "+14155550123"
    assert uri("sip:%2B14155550123;tgrp=tg55;trunk-context=example.com@gw;user=phone").number == "+14155550123"
    assert uri("tel:7042;phone-context=+1-914-555").phone_context == "+1-914-555"
    assert uri("sip:7042;phone-context=example.com@gw;user=phone").phone_context == "example.com"
    assert uri("sip:7042@gw;user=PHONE").is_phone
    assert not uri("sip:7042@gw").is_phone


@pytest.mark.parametrize(
    ("text", "user"),
    [
        ("sip:+14155550123@10.0.0.1:5060", "+14155550123"),
        ('"Bob <sip:eve@evil>" <sip:bob@example.com>;tag=1', "bob"),
        ('"sip:eve@evil" <SIPS:bob:secret@example.com>', "bob"),
        ("<sip:+1415;tgrp=x@example.com;user=phone>", "+1415"),
        ("Bob <tel:+1-415;ext=2>", "+1-415"),
        ("sip:%2b1415@example.com", "+1415"),
        ("<sip:example.com>", ""),
        ("", ""),
    ],
)
def test_the_user_is_found_without_a_full_parse(text: str, user: str) -> None:
    assert user_of(text) == user


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
        ("tel:+1-201-555-0123", "tel:+12015550123"),
        ("tel:863-1234;phone-context=+1-914-555", "TEL:8631234;Phone-Context=+1-914-555"),
    ],
)
def test_uris_that_rfc_3261_calls_equivalent(a: str, b: str) -> None:
    assert equivalent(uri(a), uri(b))
    assert equivalent(uri(b), uri(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:bob@biloxi.com", "sips:bob@biloxi.com"),
        ("sip:a%3Bb@biloxi.com", "sip:a;b@biloxi.com"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("tel:+12015550123", "tel:12015550123"),
        ("urn:service:sos", "urn:service:sos.fire"),
    ],
)
def test_uris_that_rfc_3261_calls_different(a: str, b: str) -> None:
    assert not equivalent(uri(a), uri(b))


PART = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc",), exclude_characters='@:;?&=<>" \x7f'), min_size=1
)
PARAMS = st.lists(st.tuples(PART, st.none() | PART), max_size=3).map(tuple)
HOST = st.sampled_from(["example.com", "10.0.0.1", "[2001:db8::1]", "pbx_1"])
PORT = st.none() | st.integers(1, 65_535)
SIP = st.builds(Uri, st.sampled_from(["sip", "sips"]), PART, st.none() | PART, HOST, PORT, PARAMS, PARAMS)


@given(SIP)
def test_a_sip_uri_survives_writing_and_reading(value: Uri) -> None:
    assert parse_uri(str(value)) == value
    assert equivalent(value, value)


@given(st.text())
def test_any_text_survives_escaping(text: str) -> None:
    assert unescape(escape(text)) == text
    assert not text or unescape(uri(f"sip:{escape(text)}@host").user) == text


@given(st.text() | st.from_regex(r"(sips?|tel|urn):[a-z0-9%@:;?&=\[\].#<> -]{0,30}", fullmatch=True))
def test_any_text_is_a_uri_or_a_fault(text: str) -> None:
    parsed = parse_uri(text)
    user_of(text)
    if isinstance(parsed, Uri):
        assert parse_uri(str(parsed)) == parsed
        assert "\r" not in str(parsed)
        assert "\n" not in str(parsed)
        assert isinstance(parsed.number + parsed.phone_context + parsed.transport, str)


def test_a_long_run_of_schemes_is_looked_at_once() -> None:
    assert user_of("sip:" * 16_000) == ""
    assert user_of("sip:example.com, <sip:late@example.com>") == ""
