"""From, To, Contact, Route and their relatives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import NameAddr, parse_contacts, parse_name_addr, parse_name_addrs
from trunkline.sip.uri import Uri


def address(text: str) -> NameAddr:
    parsed = parse_name_addr(text)
    assert isinstance(parsed, NameAddr), parsed
    return parsed


def test_name_uri_and_parameters_are_read() -> None:
    parsed = address('"Bob" <sip:+14155550123@10.0.0.1;user=phone>;tag=a48s;verstat=TN-Validation-Passed')
    assert parsed == NameAddr(
        "sip:+14155550123@10.0.0.1;user=phone", "Bob", (("tag", "a48s"), ("verstat", "TN-Validation-Passed"))
    )
    assert parsed.tag == "a48s"
    assert parsed.target == Uri("sip", "+14155550123", None, "10.0.0.1", params=(("user", "phone"),))


def test_without_brackets_parameters_belong_to_the_header() -> None:
    parsed = address("sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n")
    assert (parsed.uri, parsed.tag) == ("sip:vivekg@chair-dnrc.example.com", "1918181833n")
    assert address("sip:+19725552222@gw1.example.net;unknownparam").params == (("unknownparam", None),)


def test_display_names_come_in_every_form() -> None:
    assert (
        address('"J Rosenberg \\\\\\""       <sip:jdrosen@example.com>  ; tag = 98asjd8').display == 'J Rosenberg \\"'
    )
    assert address("caller<sip:caller@example.com>;tag=323").display == "caller"
    assert (
        address("token1~` token2'+_ token3*%!.- <sip:mundane@example.com>").display == "token1~` token2'+_ token3*%!.-"
    )
    assert address('"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:a@b>').display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert address("AT&T (Sales) <sip:a@b>").display == "AT&T (Sales)"
    assert address("Zoë <sip:a@b>").display == "Zoë"
    assert address('"" <sip:a@b>') == address("<sip:a@b>")


def test_spaces_inside_the_brackets_are_forgiven() -> None:
    assert address('"Watson, Thomas" < sip:t.watson@example.org >').uri == "sip:t.watson@example.org"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
        '"Mr. J. User <sip:j.user@example.com>',
        '"Joe" <sip:joe@example.org>;;;;',
        "sip:user@example.com?Route=%3Csip:sip.example.com%3E",
        "<sip:a@b>x",
        "<sip:a b@c>",
        "<>",
        "<user@host>",
        '"a\r\nb" <sip:a@b>',
        "<sip:a@b>;x=\n",
        "<sip:a@b>" + ";x" * 65,
    ],
)
def test_what_is_no_address_is_a_fault(text: str) -> None:
    assert isinstance(parse_name_addr(text), Fault)


def test_a_list_is_split_outside_quotes_and_brackets() -> None:
    parsed = parse_name_addrs('<sip:a,b@x.com;lr> , "Bell, \\"A\\"" <sip:c@x.com>;q=0.5,sip:d@x.com')
    assert isinstance(parsed, tuple)
    assert [entry.uri for entry in parsed] == ["sip:a,b@x.com;lr", "sip:c@x.com", "sip:d@x.com"]
    assert parsed[1].display == 'Bell, "A"'


@pytest.mark.parametrize(
    "text", ["<sip:a@b>,", ",<sip:a@b>", '<sip:a@b>,"x', "<sip:a@b>,<sip:c@d", ",".join(["<sip:a@b>"] * 65)]
)
def test_a_list_with_a_bad_entry_or_too_many_is_a_fault(text: str) -> None:
    assert isinstance(parse_name_addrs(text), Fault)


def test_a_contact_may_be_a_star_and_may_expire() -> None:
    star = parse_contacts(" * ")
    assert isinstance(star, tuple)
    assert star[0].is_star
    assert str(star[0]) == "*"
    contacts = parse_contacts("<sip:a@b>;expires=3600, <sip:c@d>;expires=280297596632815, <sip:e@f>")
    assert isinstance(contacts, tuple)
    assert [contact.expires_s for contact in contacts] == [3600, None, None]


def test_parameters_are_found_by_name_and_can_be_set() -> None:
    parsed = address('<sip:a@b>;Screen=yes;+sip.instance="<urn:uuid:0>";privacy=off')
    assert parsed.param("screen") == "yes"
    assert parsed.param("+sip.instance") == "<urn:uuid:0>"
    assert parsed.param("reason") is None
    assert str(parsed.with_param("screen", "no")) == '<sip:a@b>;+sip.instance="<urn:uuid:0>";privacy=off;screen=no'


def test_a_line_break_in_a_name_never_reaches_the_wire() -> None:
    assert str(NameAddr("sip:a@b", "Bob\r\nEvil: 1")) == '"Bob Evil: 1" <sip:a@b>'


DISPLAY = st.text(st.characters(codec="utf-8", exclude_characters="\r\n")).filter(
    lambda text: text == text.strip(" \t")
)
TOKEN = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
VALUE = st.none() | TOKEN | st.just('"a \\" ,;<b>"') | st.just("")
PARAMS = st.lists(st.tuples(TOKEN, VALUE), max_size=4).map(tuple)
ADDRESS = st.builds(
    NameAddr, st.sampled_from(["sip:a@b", "tel:+1415;ext=2", "sip:x;y@[::1]:5060;lr?a=b"]), DISPLAY, PARAMS
)


@given(st.lists(ADDRESS, min_size=1, max_size=4))
def test_addresses_survive_writing_and_reading(addresses: list[NameAddr]) -> None:
    assert parse_name_addr(str(addresses[0])) == addresses[0]
    assert parse_name_addrs(", ".join(map(str, addresses))) == tuple(addresses)


@given(st.text() | st.text('"<>,;=* sip:@ab\\\t', max_size=40))
def test_any_text_is_an_address_or_a_fault(text: str) -> None:
    parsed = parse_contacts(text)
    if isinstance(parsed, tuple):
        assert parse_contacts(", ".join(map(str, parsed))) == parsed
        assert not {"\r", "\n"} & set("".join(map(str, parsed)))
