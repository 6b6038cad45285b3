"""Who calls for help from a PBX, and where: key `emergency` of a trunk."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from trunkline.numbering.location import CIVIC, EmergencyCaller, Location
from trunkline.policy.scalars import Kind, Text, reject
from trunkline.policy.section import Section, key


def _e164(written: str) -> str:
    if not re.fullmatch(r"(\+[1-9][0-9]{4,14})?", written):
        raise reject("not an E.164 number", 'write it in quotes with +, such as `"+14155550100"`')
    return written


def _uri(written: str) -> str:
    if not re.fullmatch(r"((https|sips|sip|pres):[A-Za-z0-9_.!~*'()&=+$,;:@/?%#-]{3,500})?", written):
        raise reject("not a URI a location can be fetched from", "write one that begins with `https:` or `sips:`")
    return written


def _country(written: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}", written):
        raise reject("not a country", "write ISO 3166 alpha-2, such as `US`")
    return written


Number = Annotated[str, AfterValidator(_e164), Kind("E.164 number")]
LocationUri = Annotated[str, AfterValidator(_uri), Kind("URI")]
Country = Annotated[str, AfterValidator(_country), Kind("ISO 3166 alpha-2")]
Latitude = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False), Kind("degrees")]
Longitude = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False), Kind("degrees")]

ELEMENTS = {
    "country": "country", "state": "A1", "county": "A2", "city": "A3", "district": "A4", "street": "RD", "street_suffix": "STS", "number": "HNO",
    "number_suffix": "HNS", "landmark": "LMK", "remark": "LOC", "floor": "FLR", "name": "NAM", "postcode": "PC", "building": "BLD", "unit": "UNIT",
    "room": "ROOM",
}  # fmt: skip
"Key of an address -> element of RFC 5139."


class Address(Section):
    """A civic address (RFC 5139)."""

    country: Country = key(example="US")
    "Country."
    state: Text = key("", example="CA")
    "State, province or region, as the country abbreviates it."
    county: Text = key("", example="San Francisco")
    "County or district of it."
    city: Text = key("", example="San Francisco")
    "City or town."
    district: Text = key("", example="SoMa")
    "Part of the city."
    street: Text = key("", example="Market")
    "Street, without its suffix where one is written apart."
    street_suffix: Text = key("", example="St")
    "Street, Avenue ..."
    number: Text = key("", example='"101"')
    "House number."
    number_suffix: Text = key("", example="A")
    "What follows it."
    landmark: Text = key("", example="Ferry Building")
    "Landmark."
    remark: Text = key("", example="rear entrance")
    "Anything that helps to find it."
    floor: Text = key("", example='"4"')
    "Floor."
    name: Text = key("", example="Acme")
    "Who lives or works there."
    postcode: Text = key("", example='"94105"')
    "Postcode."
    building: Text = key("", example="North Tower")
    "Building."
    unit: Text = key("", example="Suite 400")
    "Unit, suite or flat."
    room: Text = key("", example='"412"')
    "Room."


class Whereabouts(Section):
    """Where a PBX's callers are; one of the three."""

    uri: LocationUri = key("", example='"https://lis.example.com/loc/office"')
    "Where the location is kept; sent by reference."
    address: Address | None = key(None, example='{country: US, state: CA, city: San Francisco, street: Market, street_suffix: St, number: "101"}')
    "Civic address; sent by value."
    latitude: Latitude | None = key(None, example="37.793700")
    "Latitude, WGS 84; sent by value, with `longitude`."
    longitude: Longitude | None = key(None, example="-122.396500")
    "Longitude, WGS 84."


class Caller(Section):
    """What its emergency calls say of who calls; nothing a dialer sent goes in its place."""

    callback: Number = key("", example='"+14155550100"')
    "Number at which whoever called can be reached again; never one of a pool."
    location: Whereabouts | None = key(None, example='{uri: "https://lis.example.com/loc/office"}')
    "Where it is (RFC 6442)."


def compile_caller(caller: Caller | None) -> EmergencyCaller:
    """As an emergency INVITE is rendered from."""
    if caller is None:
        return EmergencyCaller()
    where = caller.location
    if where is None:
        return EmergencyCaller(caller.callback)
    civic: tuple[tuple[str, str], ...] = ()
    if where.address is not None:
        written = {ELEMENTS[name]: getattr(where.address, name) for name in ELEMENTS}
        civic = tuple((element, written[element]) for element in CIVIC if written.get(element))
    point = (where.latitude, where.longitude) if where.latitude is not None and where.longitude is not None else None
    return EmergencyCaller(caller.callback, Location(where.uri, civic, point))
