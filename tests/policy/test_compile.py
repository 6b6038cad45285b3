from collections.abc import Callable
from hashlib import sha256

import pytest

from trunkline.numbering import CalledFormat, NumberPlan
from trunkline.policy import Snapshot, load_policy
from trunkline.policy.snapshot import Did, Emergency, Gateway, RouteShare, Tenant, Timers, Trunk

Load = Callable[[str], Snapshot]


@pytest.fixture
def load(environment: dict[str, str]) -> Load:
    def run(text: str) -> Snapshot:
        loaded = load_policy(text, environment=environment)
        assert isinstance(loaded, Snapshot), [str(problem) for problem in loaded]
        return loaded

    return run


def test_the_version_is_the_address_of_the_text(good: str, snapshot: Snapshot) -> None:
    assert snapshot.version == sha256(good.encode()).hexdigest()[:16]


def test_what_is_not_written_takes_the_default_of_the_snapshot(load: Load) -> None:
    loaded = load(
        "tenants: {t: {}}\n"
        "trunks: {d: {tenant: t, addresses: [192.0.2.1]}}\n"
        "carriers: {c: {gateways: {g: {host: a.example}}}}\n"
    )
    assert loaded.tenants == {"t": Tenant("t")}
    assert loaded.trunks == {"d": Trunk("d", "t", networks=("192.0.2.1/32",))}
    assert loaded.gateways == {"c/g": Gateway("c/g", "c", "a.example")}
    assert loaded.emergency == Emergency()
    assert (loaded.prefixes, loaded.longest_prefix) == ({}, 0)


def test_gateways_take_the_defaults_of_their_carrier_key_by_key(load: Load) -> None:
    gateway = load(
        "carriers:\n"
        "  c:\n"
        "    defaults: {transport: tcp, codecs: [PCMU], timers: {no_response: 2s, no_answer: 60s}, options: 0}\n"
        "    gateways: {g: {host: a.example, codecs: [PCMA], timers: {no_answer: 30s}}}\n"
    ).gateways["c/g"]
    assert gateway.transport == "tcp"
    assert gateway.media.codecs == ("PCMA",)
    assert gateway.timers == Timers(no_response_s=2.0, no_answer_s=30.0)
    assert gateway.options_s == 0


def test_a_gateway_may_write_the_default_of_all_over_that_of_its_carrier(load: Load) -> None:
    text = "carriers: {c: {defaults: {transport: tcp}, gateways: {g: {host: a.example, transport: udp}}}}"
    assert load(text).gateways["c/g"].transport == "udp"


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        ("sip.a.example", "sip.a.example", 0),
        ("sip.a.example:5061", "sip.a.example", 5061),
        ("192.0.2.1:5060", "192.0.2.1", 5060),
        ('"2001:db8::1"', "2001:db8::1", 0),
        ('"[2001:db8::1]"', "2001:db8::1", 0),
        ('"[2001:db8::1]:5062"', "2001:db8::1", 5062),
    ],
)
def test_a_gateway_host_is_split_from_its_port(load: Load, written: str, host: str, port: int) -> None:
    gateway = load(f"carriers: {{c: {{gateways: {{g: {{host: {written}}}}}}}}}").gateways["c/g"]
    assert (gateway.host, gateway.port) == (host, port)


def test_a_route_to_a_carrier_is_one_to_all_its_gateways_in_order(snapshot: Snapshot) -> None:
    assert snapshot.carriers["alpha"].gateways == ("alpha/ny", "alpha/la")
    assert snapshot.destinations["us"].routes == (
        RouteShare(("alpha/ny", "alpha/la"), 70.0),
        RouteShare(("beta/main",), 30.0),
    )
    assert snapshot.emergency.gateways == ("beta/main", "alpha/ny", "alpha/la")


def test_prefixes_lead_to_destinations(snapshot: Snapshot) -> None:
    assert snapshot.prefixes == {"1": "us", "": "world"}
    assert snapshot.longest_prefix == 1


def test_networks_are_sorted_most_specific_first(load: Load, good: str) -> None:
    wider = good.replace("[192.0.2.10, 192.0.2.0/28]", "[192.0.2.0/24, 192.0.2.10, 192.0.2.0/28]")
    loaded = load(wider)
    assert [network for network, _ in loaded.source_trunks] == ["192.0.2.10/32", "192.0.2.0/28", "192.0.2.0/24"]
    assert loaded.source_gateways == (("198.51.100.7/32", "alpha/la"),)


def test_secrets_digest_users_and_plans_are_resolved(snapshot: Snapshot) -> None:
    office = snapshot.trunks["office"]
    assert office.auth is not None
    assert office.auth.password == "correct horse battery"
    assert snapshot.digest_users == {"office": "office"}
    assert snapshot.trunks["dialer-1"].plan == NumberPlan("1", "011", "1", bare="national")
    assert snapshot.trunks["dialer-1"].metadata == (("campaign", "header:X-Campaign"),)
    assert snapshot.gateways["beta/main"].called == CalledFormat("e164", tech_prefix="7788#")
    assert snapshot.dids == {"+14155550100": Did("+14155550100", ("office", "dialer-1"))}


def test_a_test_number_nobody_wrote_counts_only_where_it_is_an_emergency_number(load: Load) -> None:
    assert load('emergency: {numbers: ["112"]}').emergency.test_numbers == ()
    assert load('emergency: {numbers: ["911", "933"]}').emergency.test_numbers == ("933",)


def test_words_yaml_reads_as_something_else_are_understood(load: Load) -> None:
    gateway = load(
        "carriers: {c: {gateways: {g: {host: a.example, rel100: off, overrides: {404: route, 404/1: callee}}}}}"
    ).gateways["c/g"]
    assert gateway.rel100 == "off"
    assert gateway.overrides == (("404", "route"), ("404/1", "callee"))


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("500ms", 0.5),
        ("3s", 3.0),
        ("1.5s", 1.5),
        ("30m", 1800.0),
        ("1h", 3600.0),
        ("4", 4.0),
        ("0.25", 0.25),
        ('"2 s"', 2),
    ],
)
def test_durations_are_read_in_any_unit(load: Load, written: str, seconds: float) -> None:
    text = f"carriers: {{c: {{gateways: {{g: {{host: a.example, timers: {{no_progress: {written}}}}}}}}}}}"
    assert load(text).gateways["c/g"].timers.no_progress_s == pytest.approx(seconds)


def test_a_snapshot_never_shows_a_password(snapshot: Snapshot) -> None:
    assert "correct horse battery" not in repr(snapshot)
    assert "='short'" not in repr(snapshot)
