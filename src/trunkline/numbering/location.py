"""Where a caller is, as an emergency call carries it (RFC 6442): by reference, or by value as a PIDF-LO document beside the SDP.

The document is that of RFC 4119 with the rules of RFC 5491: one device, a point in WGS 84 or a civic address in the elements of RFC 5139 and
their order, put there by hand. It may be passed on, because the call is routed by it.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct

CIVIC = (
    "country", "A1", "A2", "A3", "A4", "A5", "A6", "PRM", "PRD", "RD", "STS", "POD", "POM", "RDSEC", "RDBR", "RDSUBBR", "HNO", "HNS", "LMK", "LOC", "FLR",
    "NAM", "PC", "BLD", "UNIT", "ROOM", "SEAT", "PLC", "PCN", "POBOX", "ADDCODE",
)  # fmt: skip
"Elements of a civic address, in the order of the schema (RFC 5139 section 4)."

PIDF_TYPE = "application/pidf+xml"
SDP_TYPE = "application/sdp"


class Location(Struct, frozen=True, gc=False):
    """Where it is; any of the three, the first that is given first."""

    uri: str = ""
    "Where the location is kept, `https:` or `sips:`: sent by reference."
    civic: tuple[tuple[str, str], ...] = ()
    "Element and text, in the order of `CIVIC`."
    point: tuple[float, float] | None = None
    "Latitude and longitude in degrees, WGS 84."


class EmergencyCaller(Struct, frozen=True, gc=False):
    """What an emergency call says of who calls."""

    callback: str = ""
    "Number that reaches the caller, E.164 with +; empty leaves what the PBX said."
    location: Location | None = None


def described(caller: EmergencyCaller, sdp: bytes, entity: str, moment: str, token: str) -> tuple[str, str, bytes]:
    """Header lines, Content-Type and body of an emergency INVITE.

    `entity` is the caller's URI, `moment` UTC as `2026-03-01T12:00:00Z`, `token` random letters and digits for names that must not repeat.
    """
    location = caller.location
    if location is None:
        return "", SDP_TYPE, sdp
    content_id = f"{token}@{entity.rpartition('@')[2] or 'invalid'}"
    lines = geolocation(location, content_id)
    if location.uri:
        return lines, SDP_TYPE, sdp
    document = pidf_lo(location, entity, moment)
    if not sdp:
        return f"{lines}Content-ID: <{content_id}>\r\n", PIDF_TYPE, document
    kind, body = with_location(sdp, document, content_id, f"tl-{token}")
    return lines, kind, body


def geolocation(location: Location, content_id: str) -> str:
    """Header lines of the INVITE; `content_id` (`local@host`, without brackets) names the document where there is one."""
    where = location.uri or f"cid:{content_id}"
    return f"Geolocation: <{where}>\r\nGeolocation-Routing: yes\r\n"


def pidf_lo(location: Location, entity: str, moment: str) -> bytes:
    """The document. `entity` is the caller's URI (`sip:+14155550100@example.com`), `moment` UTC as `2026-03-01T12:00:00Z`."""
    lines = (
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<presence xmlns="urn:ietf:params:xml:ns:pidf" xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model"',
        ' xmlns:gp="urn:ietf:params:xml:ns:pidf:geopriv10" xmlns:gbp="urn:ietf:params:xml:ns:pidf:geopriv10:basicPolicy"',
        ' xmlns:ca="urn:ietf:params:xml:ns:pidf:geopriv10:civicAddr" xmlns:gml="http://www.opengis.net/gml"',
        f" entity={quoteattr(entity)}>",
        '<dm:device id="caller"><gp:geopriv><gp:location-info>',
        *_shapes(location),
        "</gp:location-info><gp:usage-rules><gbp:retransmission-allowed>yes</gbp:retransmission-allowed></gp:usage-rules>",
        "<gp:method>Manual</gp:method></gp:geopriv>",
        f"<dm:deviceID>{escape(entity)}</dm:deviceID><dm:timestamp>{moment}</dm:timestamp></dm:device>",
        "</presence>",
    )
    return "\r\n".join(lines).encode()


def with_location(sdp: bytes, document: bytes, content_id: str, boundary: str) -> tuple[str, bytes]:
    """Content-Type and body of an INVITE that carries SDP and document (RFC 5621); `boundary` must stand in neither."""
    parts = (
        (b"Content-Type: application/sdp", sdp),
        (f"Content-Type: {PIDF_TYPE}\r\nContent-ID: <{content_id}>\r\nContent-Disposition: by-reference;handling=optional".encode(), document),
    )
    mark = b"--" + boundary.encode()
    body = b"".join(mark + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts) + mark + b"--\r\n"
    return f'multipart/mixed;boundary="{boundary}"', body


def _shapes(location: Location) -> Iterator[str]:
    if location.civic:
        yield "<ca:civicAddress>"
        for element, text in location.civic:
            yield f"<ca:{element}>{escape(text)}</ca:{element}>"
        yield "</ca:civicAddress>"
    elif location.point is not None:
        latitude, longitude = location.point
        yield f'<gml:Point srsName="urn:ogc:def:crs:EPSG::4326"><gml:pos>{latitude:.6f} {longitude:.6f}</gml:pos></gml:Point>'
