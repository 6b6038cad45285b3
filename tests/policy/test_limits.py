from collections.abc import Callable

import pytest

from trunkline.policy import Problem, Snapshot, load_policy
from trunkline.policy.document import Document
from trunkline.policy.limits import SAFE_LIMITS, SafeLimit, beyond
from trunkline.policy.shape import key_at, section_at

ONE = "tenants: {acme: {}}\ntrunks: {vici: {tenant: acme, addresses: [192.0.2.1]TRUNK}}\ncarriers: {alpha: {gateways: {a: {host: 192.0.2.2GATEWAY}}DEFAULTS}}\ndestinations: {us: {prefixes: ['1'], routes: [{to: alpha}]DESTINATION}}\n"
"Places where a test puts more."


def load(**more: str) -> Snapshot | list[Problem]:
    text = ONE
    for name in ("TRUNK", "GATEWAY", "DEFAULTS", "DESTINATION"):
        text = text.replace(name, more.get(name.lower(), ""))
    return load_policy(text, environment={})


@pytest.mark.parametrize(
    ("more", "limit", "place"),
    [
        ({"gateway": ", timers: {no_answer: 14s}"}, "ring_time", "carriers.alpha.gateways.a.timers.no_answer"),
        ({"defaults": ", defaults: {timers: {no_answer: 14s}}"}, "ring_time", "carriers.alpha.defaults.timers.no_answer"),
        ({"gateway": ", timers: {no_response: 33s}"}, "patience", "carriers.alpha.gateways.a.timers.no_response"),
        ({"trunk": ", listen: {wait: 5s}"}, "screening_wait", "trunks.vici.listen.wait"),
        ({"trunk": ", setup: 4m"}, "setup_time", "trunks.vici.setup"),
        ({"destination": ", max_attempts: 11"}, "attempts", "destinations.us.max_attempts"),
        ({"destination": ", scoring: {holdout: 51}"}, "given_away", "destinations.us"),
        ({"destination": ", scoring: {holdout: 40, floor: 11}"}, "given_away", "destinations.us"),
        ({"destination": ", scoring: {memory: 5m}"}, "memory", "destinations.us.scoring.memory"),
    ],
)
def test_a_change_that_breaks_a_safe_limit_is_refused_and_says_which(more: dict[str, str], limit: str, place: str) -> None:
    found = load(**more)
    assert isinstance(found, list)
    (problem,) = found
    assert problem.path == place
    assert problem.line > 0
    assert f"beyond the safe limit `{limit}`" in problem.message
    rule = next(one for one in SAFE_LIMITS if one.name == limit)
    assert rule.why in problem.message, "it says why"
    assert rule.bounds in problem.fix, "it says what would do"
    assert rule.source in problem.fix, "it says whose rule that is"


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"gateway": ", timers: {no_answer: 15s, no_response: 32s}"},
        {"trunk": ", listen: {wait: 4s}, setup: 3m"},
        {"destination": ", max_attempts: 10, scoring: {holdout: 49, floor: 1, memory: 10m}"},
    ],
)
def test_on_the_bound_is_inside(more: dict[str, str]) -> None:
    assert isinstance(load(**more), Snapshot)


@pytest.mark.parametrize("limit", SAFE_LIMITS, ids=lambda limit: ".".join(limit.path))
def test_every_limit_stands_at_a_key_that_exists_and_gives_its_reason(limit: SafeLimit) -> None:
    path = tuple(0 if part == "*" and at and section_at(limit.path[:at]) is None else "x" if part == "*" else part for at, part in enumerate(limit.path))
    assert key_at(path) is not None or section_at(path) is not None, "a limit at a key that was renamed guards nothing"
    assert limit.least is not None or limit.most is not None
    assert limit.why
    assert limit.source


def test_a_document_of_defaults_is_safe() -> None:
    assert list(beyond(Document())) == []


def test_zero_may_switch_a_thing_off() -> None:
    limit = SafeLimit("x", (), "why", "source", least=5, off=0)
    assert [value for value in (0.0, 1.0, 4.9, 5.0) if limit.allows(value)] == [0.0, 5.0]


def test_bounds_read_as_a_person_says_them() -> None:
    assert SafeLimit("x", (), "", "", least=15, unit="s").bounds == "at least 15s"
    assert SafeLimit("x", (), "", "", most=50, unit="%").bounds == "at most 50 %"
    assert SafeLimit("x", (), "", "", least=1, most=450, unit="calls").bounds == "1 calls to 450 calls"


def test_limits_do_not_hide_other_problems(only_problem: Callable[[str, str], Problem]) -> None:
    assert "safe limit `ring_time`" in only_problem("no_answer: 90s", "no_answer: 3s").message
    found = load(gateway=", timers: {no_answer: 3s}", destination=", scoring: {holdout: 90}", trunk=", setup: 10m")
    assert isinstance(found, list)
    assert len(found) == 3
