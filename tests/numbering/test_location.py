"""What an emergency call says of where its caller is, read back with other people's readers."""

from xml.etree import ElementTree

import pytest

from trunkline.numbering.location import CIVIC, EmergencyCaller, Location, described, geolocation, pidf_lo, with_location
from trunkline.sip.multipart import session_description

SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
CA = "{urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr}"
MOMENT = "2026-03-01T12:00:00Z"


def test_a_reference_is_sent_as_it_is() -> None:
    assert geolocation(Location(uri="https://lis.example/x"), "c@h") == "Geolocation: <https://lis.example/x>\r\nGeolocation-Routing: yes\r\n"
    assert geolocation(Location(point=(1.0, 2.0)), "c@h").startswith("Geolocation: <cid:c@h>\r\n")


def test_a_civic_address_is_well_formed_whatever_it_says() -> None:
    document = pidf_lo(Location(civic=(("country", "US"), ("RD", "R&D <Road>"), ("HNO", "1"))), 'sip:+1415"&@example.com', MOMENT)
    root = ElementTree.fromstring(document.decode())
    assert root.tag == "{urn:ietf:params:xml:ns:pidf}presence"
    assert root.get("entity") == 'sip:+1415"&@example.com'
    address = root.find(f".//{CA}civicAddress")
    assert address is not None
    assert [(child.tag.removeprefix(CA), child.text) for child in address] == [("country", "US"), ("RD", "R&D <Road>"), ("HNO", "1")]
    assert root.findtext(".//{urn:ietf:params:xml:ns:pidf:data-model}timestamp") == MOMENT
    assert root.findtext(".//{urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy}retransmission-allowed") == "yes"


def test_a_point_is_latitude_then_longitude() -> None:
    root = ElementTree.fromstring(pidf_lo(Location(point=(37.7937, -122.3965)), "sip:a@b", MOMENT).decode())
    assert root.findtext(".//{http://www.opengis.net/gml}pos") == "37.793700 -122.396500"


def test_sdp_and_document_travel_in_one_body_and_the_sdp_can_be_read_out() -> None:
    document = pidf_lo(Location(point=(1.0, 2.0)), "sip:a@b", MOMENT)
    kind, body = with_location(SDP, document, "loc@example.com", "tl-boundary")
    assert kind == 'multipart/mixed;boundary="tl-boundary"'
    assert session_description(kind, body).strip() == SDP.strip()
    assert body.count(b"--tl-boundary") == 3
    assert b"Content-ID: <loc@example.com>" in body
    assert document in body


def test_an_invite_says_what_is_known_and_no_more() -> None:
    entity = "sip:+14155550100@pbx.example"
    assert described(EmergencyCaller("+14155550100"), SDP, entity, MOMENT, "t1") == ("", "application/sdp", SDP)
    reference = described(EmergencyCaller(location=Location(uri="https://lis.example/x")), SDP, entity, MOMENT, "t1")
    assert reference == ("Geolocation: <https://lis.example/x>\r\nGeolocation-Routing: yes\r\n", "application/sdp", SDP)
    lines, kind, body = described(EmergencyCaller(location=Location(point=(1.0, 2.0))), SDP, entity, MOMENT, "t1")
    assert "Geolocation: <cid:t1@pbx.example>" in lines
    assert b"Content-ID: <t1@pbx.example>" in body
    assert session_description(kind, body).strip() == SDP.strip()
    late, kind, body = described(EmergencyCaller(location=Location(point=(1.0, 2.0))), b"", entity, MOMENT, "t1")
    assert "Content-ID: <t1@pbx.example>\r\n" in late
    assert kind == "application/pidf+xml"
    assert ElementTree.fromstring(body.decode()).get("entity") == entity


@pytest.mark.parametrize("element", CIVIC)
def test_elements_of_an_address_are_names(element: str) -> None:
    assert element.isalnum()
