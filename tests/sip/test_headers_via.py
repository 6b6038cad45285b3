"""Via."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.sip.fault import Fault
from trunkline.sip.headers import Via, parse_via, parse_vias


def via(text: str) -> Via:
    parsed = parse_via(text)
    assert isinstance(parsed, Via), parsed
    return parsed


def test_the_usual_via_is_read_in_full() -> None:
    parsed = via("SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK-524287-1;rport")
    assert parsed == Via("UDP", "10.0.0.1", 5060, (("branch", "z9hG4bK-524287-1"), ("rport", None)))
    assert (parsed.sent_by, parsed.branch, parsed.asks_rport, parsed.rport) == (
        "10.0.0.1:5060", "z9hG4bK-524287-1", True, None,
    )  # fmt: skip


def test_white_space_may_stand_everywhere() -> None:
    parsed = parse_vias(
        "SIP  / 2.0  / TCP     spindle.example.com   ; branch  =   z9hG4bK9ikj8  ,"
        " SIP  /    2.0   / UDP  192.168.255.111   ; branch= z9hG4bK30239"
    )
    assert isinstance(parsed, tuple)
    assert [(one.transport, one.sent_by, one.branch) for one in parsed] == [
        ("TCP", "spindle.example.com", "z9hG4bK9ikj8"),
        ("UDP", "192.168.255.111", "z9hG4bK30239"),
    ]
    assert str(parsed[0]) == "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8"


def test_what_the_receiver_stamped_is_read() -> None:
    parsed = via(
        "SIP/2.0/TLS [2001:db8::9:1];received=2001:db8::9:255;rport=5066;branch=z9hG4bKas3-111;maddr=a.b;ttl=3"
    )
    assert (parsed.host, parsed.port) == ("[2001:db8::9:1]", None)
    assert (parsed.received, parsed.rport, parsed.maddr, parsed.ttl) == ("2001:db8::9:255", 5066, "a.b", 3)
    assert via("SIP/2.0/UDP a;received=[2001:db8::9:255]").received == "[2001:db8::9:255]"
    assert via("SIP/2.0/UDP a").branch == ""


def test_a_parameter_is_stamped_in_its_place() -> None:
    parsed = via("SIP/2.0/UDP a;rport;branch=z9hG4bK1").with_param("rport", "5070").with_param("received", "192.0.2.1")
    assert str(parsed) == "SIP/2.0/UDP a;rport=5070;branch=z9hG4bK1;received=192.0.2.1"
    assert str(parsed.without_param("rport").without_param("received")) == "SIP/2.0/UDP a;branch=z9hG4bK1"


def test_protocols_of_the_future_are_read() -> None:
    assert via("SIP/7.0/UNKNOWN t4.example.com").protocol == "SIP/7.0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 10.0.0.1",
        "SIP/2.0/UDP 192.0.2.15;;,;,,",
        "SIP/2.0/UDP a:0",
        "SIP/2.0/UDP a:65536",
        "SIP/2.0/UDP a b",
        "SIP/2.0/UDP a;x=\ny",
        "SIP/2.0/UDP a,",
        'SIP/2.0/UDP a,"',
    ],
)
def test_what_is_no_via_is_a_fault(text: str) -> None:
    fault = parse_vias(text)
    assert isinstance(fault, Fault)
    assert fault.header == "Via"


TOKEN = st.from_regex(r"[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
PARAMS = st.lists(st.tuples(TOKEN, st.none() | TOKEN | st.just('"x,y;"')), max_size=4).map(tuple)
HOST = st.sampled_from(["example.com", "10.0.0.1", "[2001:db8::1]"])
VIA = st.builds(Via, TOKEN, HOST, st.none() | st.integers(1, 65_535), PARAMS, st.sampled_from(["SIP/2.0", "SIP/3.0"]))


@given(st.lists(VIA, min_size=1, max_size=4))
def test_vias_survive_writing_and_reading(vias: list[Via]) -> None:
    assert parse_via(str(vias[0])) == vias[0]
    assert parse_vias(",".join(map(str, vias))) == tuple(vias)


@given(st.text() | st.from_regex(r"SIP/2.0/UDP [a-z.:0-9;=,\" \[\]<>-]{0,40}", fullmatch=True))
def test_any_text_is_a_via_or_a_fault(text: str) -> None:
    parsed = parse_vias(text)
    if isinstance(parsed, tuple):
        assert parse_vias(", ".join(map(str, parsed))) == parsed
        assert all(isinstance((one.rport, one.ttl, one.branch, one.received), tuple) for one in parsed)
