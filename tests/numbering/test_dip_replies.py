"""What databases say: ENUM records as RFC 6116, RFC 4769 and RFC 4694 have them, and JSON of several makes."""

import pytest

from trunkline.numbering.dip import Answer, Dip
from trunkline.numbering.dip_replies import Naptr, ReplyError, enum_answer, enum_name, json_answer, substituted, url_of

NUMBER = "+14155550123"
ENUM = Dip(name="lnp", enum="lnp.test")


def naptr(regexp: str, service: str = "E2U+pstn:tel", order: int = 100, flags: str = "u") -> Naptr:
    return Naptr(order, 10, flags, service, regexp)


def test_a_number_stands_under_its_reversed_digits() -> None:
    assert enum_name("+442079460148", "e164.arpa.") == "8.4.1.0.6.4.9.7.0.2.4.4.e164.arpa"  # RFC 6116 section 3.2


@pytest.mark.parametrize(
    ("regexp", "uri"),
    [
        ("!^.*$!tel:+14155550123;npdi;rn=+14045550000!", "tel:+14155550123;npdi;rn=+14045550000"),
        (r"!^(\+1415)(.*)$!tel:\1\2;npdi!", "tel:+14155550123;npdi"),
        (r"/^\+1(.*)$/sip:\1@gw.test/i", "sip:4155550123@gw.test"),
        ("!^\\+44.*$!tel:+44!", None),
        ("!^(a+)+$!x!", None),
        ("!(.*)*!x!", None),
        ("!(!x!", None),
        ("!^.*$!tel:\\9!", None),
        ("!one part!", None),
        ("", None),
    ],
)
def test_substitution_expressions(regexp: str, uri: str | None) -> None:
    assert substituted(regexp, NUMBER) == uri


def test_a_ported_number_has_a_routing_number_and_an_operator() -> None:
    records = [naptr("!^.*$!tel:+14155550123;npdi;rn=+1-404-555-0000;spn=6529!")]
    assert enum_answer(ENUM, records, NUMBER) == Answer("+14045550000", "6529", "", "lnp")


def test_a_number_that_is_not_ported_has_none() -> None:
    assert enum_answer(ENUM, [naptr("!^.*$!tel:+14155550123;npdi!")], NUMBER) == Answer("", "", "", "lnp")


@pytest.mark.parametrize(
    ("parameters", "routing", "operator"),
    [
        ("rn=4045550000;rn-context=+1", "+14045550000", ""), ("rn=4045550000", "+14045550000", ""), ("rn=D01234", "", "D01234"),
        ("cic=+16789", "", "+16789"), ("RN=%2B14045550000", "+14045550000", ""),
    ],
)  # fmt: skip
def test_local_routing_numbers_get_their_context(parameters: str, routing: str, operator: str) -> None:
    found = enum_answer(ENUM, [naptr(f"!^.*$!tel:+14155550123;npdi;{parameters}!")], NUMBER)
    assert found is not None
    assert (found.routing_number, found.operator) == (routing, operator)


def test_the_first_usable_record_in_order_counts() -> None:
    records = [
        naptr("!^.*$!tel:+1;rn=+13!", order=30), naptr("!^.*$!mailto:a@b.test!", service="E2U+email:mailto", order=10), naptr("", flags="", order=5),
        naptr("!^.*$!sip:+14155550123;rn=+12125550000@gw.test!", service="E2U+sip", order=20),
    ]  # fmt: skip
    found = enum_answer(ENUM, records, NUMBER)
    assert found is not None
    assert found.routing_number == "+12125550000"
    assert enum_answer(ENUM, records[1:3], NUMBER) is None


def test_urls_are_filled_in() -> None:
    dip = Dip(name="api", url="https://lnp.test/v1/{number}/{e164}?n={national}&x={other}")
    assert url_of(dip, "+442071234567") == "https://lnp.test/v1/442071234567/%2B442071234567?n=2071234567&x={other}"


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (b'{"data": {"lrn": "4045550000", "carrier": {"name": "T-Mobile"}, "kind": "Wireless"}}', Answer("+14045550000", "T-Mobile", "mobile", "api")),
        (b'{"data": {"lrn": "+1 404 555 0000", "kind": "W"}}', Answer("+14045550000", "", "fixed_or_mobile", "api")),
        (b'{"data": {"lrn": 14045550000, "kind": null}}', Answer("+14045550000", "", "", "api")),
        (b'{"data": {"lrn": "", "carrier": [], "kind": "quantum"}}', Answer(source="api")),
        (b'{"data": [1, 2]}', Answer(source="api")),
        (b"[]", Answer(source="api")),
    ],
)
def test_json_is_read_where_policy_says(body: bytes, answer: Answer) -> None:
    fields = (("routing_number", "data.lrn"), ("operator", "data.carrier.name"), ("type", "data.kind"))
    assert json_answer(Dip(name="api", fields=fields, types=(("w", "fixed_or_mobile"),)), body, NUMBER) == answer


def test_list_positions_lead_on() -> None:
    dip = Dip(name="api", fields=(("operator", "results.1.spid"),))
    assert json_answer(dip, b'{"results": [{"spid": "a"}, {"spid": "b"}]}', NUMBER).operator == "b"


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ReplyError, match="not JSON"):
        json_answer(Dip(name="api", fields=(("operator", "x"),)), b"<html>", NUMBER)
