"""Destinations named by country and number type."""

import pytest

from trunkline.numbering import longest
from trunkline.policy import Problem, Snapshot, load_policy

BASE = """\
tenants: {acme: {}}
trunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}
carriers: {alpha: {gateways: {main: {host: 10.0.0.1}}}}
destinations:
"""


def load(destinations: dict[str, str], more: str = "") -> Snapshot | list[Problem]:
    return load_policy(BASE + "".join(f"  {name}: {{{keys}, routes: [{{to: alpha}}]}}\n" for name, keys in destinations.items()) + more)


def routed(destinations: dict[str, str], *numbers: str) -> list[str | None]:
    found = load(destinations)
    assert isinstance(found, Snapshot), found
    return [longest(found.prefixes, number, found.longest_prefix) for number in numbers]


LONDON, MOBILE, GUERNSEY, PREMIUM = "442079460148", "447400123456", "447781123456", "449098790123"


def test_a_country_is_its_numbers_and_no_others() -> None:
    assert routed({"uk": "countries: [GB]"}, LONDON, MOBILE, PREMIUM, GUERNSEY, "33142685300") == ["uk", "uk", "uk", None, None]
    numbers = ("14155550123", "14165550123", "18765550123", "18005550123")
    assert routed({"us": "countries: [us]", "ca": "countries: [CA]", "rest": 'prefixes: [""]'}, *numbers) == ["us", "ca", "rest", "us"]


def test_country_and_type_beat_a_type_and_a_type_beats_a_country() -> None:
    named = {"uk": "countries: [GB]", "dear": "types: [premium]", "uk-mobile": "countries: [GB], types: [mobile]"}
    assert routed(named, LONDON, MOBILE, PREMIUM, "19005550123") == ["uk", "uk-mobile", "dear", "dear"]


def test_a_written_prefix_beats_a_country_but_for_its_calling_code() -> None:
    named = {"uk": "countries: [GB]", "london": 'prefixes: ["442"]', "code": 'prefixes: ["44"]'}
    assert routed(named, LONDON, MOBILE, GUERNSEY) == ["london", "uk", "code"]


def test_a_longer_written_prefix_beats_a_type() -> None:
    assert routed({"uk-mobile": "countries: [GB], types: [mobile]", "three": 'prefixes: ["447400"]'}, MOBILE, "447500123456") == ["three", "uk-mobile"]


def test_names_and_prefixes_stand_beside_each_other() -> None:
    assert routed({"near": 'countries: [IE], prefixes: ["44"]'}, LONDON, "35312345678") == ["near", "near"]


def test_norway_is_not_false() -> None:
    assert routed({"north": "countries: [NO, SE]"}, "4722345678", "46812345678") == ["north", "north"]


@pytest.mark.parametrize(
    ("destinations", "path", "message", "fix"),
    [
        ({"x": "strategy: priority"}, "destinations.x", "nothing says which numbers", "countries"),
        ({"x": "countries: [UK]"}, "destinations.x.countries[0]", "no country `UK`", "GB"),
        ({"x": "countries: [England]"}, "destinations.x.countries[0]", "not a country", "two letters"),
        ({"x": "countries: [US], types: [mobile]"}, "destinations.x.types[0]", "US has no mobile numbers", "fixed_or_mobile"),
        ({"x": "countries: [GB], types: [cellular]"}, "destinations.x.types[0]", "is not a choice", ""),
        ({"x": "countries: [GB]", "y": "countries: [FR, GB]"}, "destinations.y.countries", "GB numbers are those of destination `x` too", "one place"),
        ({"x": "types: [premium]", "y": "types: [premium]"}, "destinations.y.types", "premium numbers are those of", "one place"),
    ],
)
def test_what_cannot_be_meant_is_refused(destinations: dict[str, str], path: str, message: str, fix: str) -> None:
    found = load(destinations)
    assert isinstance(found, list)
    assert found[0].path == path
    assert message in found[0].message
    assert fix in found[0].fix


def test_with_a_dip_a_type_no_prefix_tells_may_be_named() -> None:
    found = load({"us-mobile": "countries: [US], types: [mobile]", "us": "countries: [US]"}, "dips: {lnp: {enum: lnp.example}}\n")
    assert isinstance(found, Snapshot), found
    assert found.destinations["us-mobile"].types == ("mobile",)
    assert set(found.prefixes.values()) == {"us"}
