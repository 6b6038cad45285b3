import pytest

from trunkline.policy.diff import Change, diff
from trunkline.policy.files import Folder
from trunkline.policy.load import Draft, read_policy


def draft(text: str) -> Draft:
    found = read_policy(text)
    assert isinstance(found, Draft), found
    return found


def changes(old: str, new: str) -> list[str]:
    return [str(change) for change in diff(draft(old), draft(new))]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("no_answer: 90s", "no_answer: 60s", ["~ carriers.alpha.defaults.timers.no_answer: 90s -> 60s"]),
        ("channels: 500, cps: 60", "channels: 400", ["~ tenants.acme.channels: 500 -> 400", "~ tenants.acme.cps: 60 -> 0"]),
        ("weight: 3", "weight: 1", ["~ carriers.alpha.gateways.ny.weight: 3 -> 1"]),
        (
            "{to: alpha, share: 70}, {to: beta/main, share: 30}",
            "{to: beta/main, share: 40}, {to: alpha, share: 60}",
            [
                "~ destinations.us.routes[beta/main].share: 30 -> 40",
                "~ destinations.us.routes[alpha].share: 70 -> 60",
                "~ destinations.us.routes in order: alpha, beta/main -> beta/main, alpha",
            ],
        ),
        ("    routes: [{to: beta}]\n", "    routes: [{to: beta}, {to: alpha, rate: 0.01}]\n", ["+ destinations.world.routes[alpha]: {to: alpha, rate: 0.01}"]),
        ('"+14155550100": {trunks: [office, dialer-1]}', '"+14155550101": {trunks: [office]}', [
            '+ dids.+14155550101: {trunks: [office]}',
            '- dids.+14155550100: {trunks: [office, dialer-1]}',
        ]),
        ("[192.0.2.10, 192.0.2.0/28]", "[192.0.2.10]", ['~ trunks.dialer-1.addresses: ["192.0.2.10/32", "192.0.2.0/28"] -> ["192.0.2.10/32"]']),
        ('password: "env:BETA"', 'password: "env:BETA2"', ["~ carriers.beta.gateways.main.auth.password: \"env:BETA\" -> \"env:BETA2\""]),
        ("    registers: true\n", "    host: 192.0.2.9\n", ["~ trunks.office.registers: true -> false", '~ trunks.office.host: "" -> "192.0.2.9"']),
    ],
)  # fmt: skip
def test_a_difference_is_told_by_its_path(good: str, old: str, new: str, said: list[str]) -> None:
    assert good.count(old) == 1
    assert changes(good, good.replace(old, new)) == said


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("no_answer: 90s", "no_answer: 1.5m"),
        ("tenants:\n  acme: {channels: 500, cps: 60}\n", "tenants: {acme: {cps: 60.0, channels: 500}}  # the same\n"),
        ("    tenant: acme\n    kind: pbx\n", "    kind: pbx\n    transport: udp\n    tenant: acme\n"),
        ('prefixes: ["1"]', 'prefixes: ["+1"]'),
    ],
)
def test_what_means_the_same_is_no_difference(good: str, old: str, new: str) -> None:
    assert good.count(old) == 1
    assert changes(good, good.replace(old, new)) == []


def test_a_default_that_a_gateway_spells_out_stands_over_its_carriers(good: str) -> None:
    """Both documents have no_answer 120 s at the gateway, but only in one does it overrule the carrier's 90 s."""
    spelled_out = good.replace("weight: 3}", "weight: 3, timers: {no_answer: 120s}}")
    assert changes(good, spelled_out) == ["+ carriers.alpha.gateways.ny.timers: {no_answer: 120s}"]
    assert changes(spelled_out, good) == ["- carriers.alpha.gateways.ny.timers: {no_answer: 120s}"]
    beside = good.replace("weight: 3}", "weight: 3, timers: {no_response: 2s}}")
    assert changes(beside, beside.replace("no_response: 2s", "no_response: 2s, no_answer: 120s")) == ["+ carriers.alpha.gateways.ny.timers.no_answer: 120s"]


def test_entries_that_come_or_go_are_shown_whole(good: str) -> None:
    head, _, _ = good.partition("dids:")
    assert changes(good, head + 'emergency: {numbers: ["911", "933"], routes: [beta, alpha]}\n') == ["- dids.+14155550100: {trunks: [office, dialer-1]}"]


def test_another_file_is_a_difference() -> None:
    one = draft("tenants: {acme: {}}\n")
    old = Draft(one.source, one.document, {"a.csv": b"1\n2\n", "gone.csv": b""}, Folder)  # type: ignore[arg-type]
    new = Draft(one.source, one.document, {"a.csv": b"1\n2\n3", "new.csv": b"x\n"}, Folder)  # type: ignore[arg-type]
    told = diff(old, new)
    assert [change.path for change in told] == ["file a.csv", "file gone.csv", "file new.csv"]
    assert (told[0].old or "").endswith("(2 lines)")
    assert (told[0].new or "").endswith("(3 lines)")
    assert told[1] == Change("file gone.csv", told[1].old, None)
    assert told[2].old is None


def test_a_long_value_is_cut(good: str) -> None:
    many = good.replace('prefixes: ["1"]', "prefixes: [" + ", ".join(f'"1{n}"' for n in range(200, 900)) + "]")
    (said,) = changes(good, many)
    assert len(said) < 900
    assert said.endswith(" ...")
