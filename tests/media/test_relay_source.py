"""Whose packets a leg's port takes, on a clock of the test's."""

import pytest

from trunkline.media.relay.source import SILENCE_S, WINDOW_S, Source, canonical

HOST = "198.51.100.1"
RANGE = ("203.0.113.0/24",)


def source(*, host: str = HOST, nat: bool = False, networks: tuple[str, ...] = ()) -> Source:
    rule = Source()
    assert rule.describe(host, 7000, nat, networks)
    return rule


def test_the_described_host_is_heard_from_any_port_until_one_is_locked() -> None:
    rule = source()
    assert rule.admits((HOST, 9999), 0.0)
    assert not rule.admits((HOST, 7000), 0.1), "another port of the same host is another source"
    assert not rule.is_open(0.1)


def test_before_any_description_nobody_is_heard_but_listed_networks() -> None:
    rule = Source()
    rule.describe("", 0, True, ())
    assert not rule.admits((HOST, 1), 0.0)
    rule.describe("", 0, False, RANGE)
    assert rule.admits(("203.0.113.7", 1), 0.0)


def test_latching_is_only_by_policy() -> None:
    assert not source().admits(("192.0.2.66", 5), 0.0)
    assert source(nat=True).admits(("192.0.2.66", 5), 0.0)
    assert not source(nat=True, networks=RANGE).admits(("192.0.2.66", 5), 0.0), "listed networks bound it"
    assert source(nat=True, networks=RANGE).admits(("203.0.113.9", 5), 0.0)


@pytest.mark.parametrize(("nat", "networks", "newcomer"), [(False, RANGE, "203.0.113.9"), (True, (), "192.0.2.66"), (False, (), HOST)])
def test_a_grant_moves_the_lock_once(nat: bool, networks: tuple[str, ...], newcomer: str) -> None:
    rule = source(nat=nat, networks=networks)
    assert rule.admits((HOST, 7000), 0.0)
    assert not rule.admits((newcomer, 8000), 1.0)
    rule.grant(1.0)
    assert rule.is_open(1.5)
    assert rule.admits((HOST, 7000), 1.1), "the old source still speaks until the new one does"
    assert rule.admits((newcomer, 8000), 1.2)
    assert not rule.admits((HOST, 7000), 1.3)
    assert not rule.is_open(1.3)


def test_a_grant_that_nobody_used_lapses() -> None:
    rule = source(nat=True)
    rule.admits((HOST, 7000), 0.0)
    rule.grant(1.0)
    assert not rule.is_open(1.0 + WINDOW_S)
    assert not rule.admits(("192.0.2.66", 5), 1.0 + WINDOW_S)


def test_a_grant_does_not_reach_out_of_the_allowed_ranges() -> None:
    rule = source(networks=RANGE)
    rule.admits((HOST, 7000), 0.0)
    rule.grant(1.0)
    assert not rule.admits(("192.0.2.66", 5), 1.1)


def test_silence_opens_the_lock_within_bounds() -> None:
    rule = source(nat=True)
    rule.admits(("192.0.2.66", 5), 0.0)
    rule.silent = True
    assert not rule.admits(("192.0.2.99", 5), SILENCE_S), "silence is no invitation to the world"
    assert rule.admits(("192.0.2.66", 6), SILENCE_S), "a NAT that rebound the port"
    assert not rule.admits(("192.0.2.66", 5), SILENCE_S), "once"


def test_a_source_that_speaks_again_keeps_its_lock() -> None:
    rule = source(networks=RANGE)
    rule.admits((HOST, 7000), 0.0)
    rule.silent = True
    assert rule.admits((HOST, 7000), 1.0)
    assert not rule.admits(("203.0.113.9", 1), 1.1)


def test_a_new_description_of_another_host_ends_the_lock() -> None:
    rule = source()
    rule.admits((HOST, 7000), 0.0)
    assert not rule.describe(HOST, 7000, False, ()), "the same again is no change"
    assert rule.describe("198.51.100.2", 7000, False, ())
    assert not rule.admits((HOST, 7000), 0.1)
    assert rule.admits(("198.51.100.2", 7000), 0.1)


def test_two_spellings_of_an_address_are_one() -> None:
    assert canonical("2001:DB8:0:0::1") == "2001:db8::1"
    assert canonical("media.example.com") == ""
    rule = source(host="2001:0db8::0001")
    assert rule.admits(("2001:db8::1", 7000), 0.0)


def test_a_flood_of_invented_sources_is_not_remembered() -> None:
    rule = source()
    for number in range(2000):
        assert not rule.admits((f"10.0.{number >> 8}.{number & 255}", 1), 0.0)
    assert len(rule._verdicts) <= 257
