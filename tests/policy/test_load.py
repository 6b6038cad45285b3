"""Values and keys a person gets wrong, and what they are told."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.policy import Problem, Snapshot, load_policy

OnlyProblem = Callable[[str, str], Problem]

EXAMPLE = (Path(__file__).parents[2] / "examples" / "policy.yaml").read_text("utf-8")

REFUSED = {
    "an unknown key": (
        "weight: 3",
        "wieght: 3",
        "carriers.alpha.gateways.ny.wieght",
        "unknown key `wieght`",
        "did you mean `weight`?",
    ),
    "an unknown section": (
        "destinations:",
        "destination:",
        "destination",
        "unknown key",
        "did you mean `destinations`?",
    ),
    "a key like no other": (
        "weight: 3",
        "zzz: 3",
        "carriers.alpha.gateways.ny.zzz",
        "unknown key",
        "choose one of `transport`",
    ),
    "a missing key": (
        "host: sip.alpha.example, ",
        "",
        "carriers.alpha.gateways.ny.host",
        "`host` is missing",
        "add it, such as `host: sip.alpha.example`",
    ),
    "a literal password": (
        "env:OFFICE",
        "hunter2hunter2",
        "trunks.office.auth.password",
        "never written into the policy",
        "`env:NAME`",
    ),
    "a password the environment lacks": (
        "env:OFFICE",
        "env:NOWHERE",
        "trunks.office.auth.password",
        "the environment has no NOWHERE",
        "set NOWHERE",
    ),
    "a password in a missing file": (
        "env:OFFICE",
        "file:/nowhere/secret",
        "trunks.office.auth.password",
        "cannot read /nowhere/secret",
        "create the file",
    ),
    "an unknown strategy": (
        "strategy: percentage",
        "strategy: percent",
        "destinations.us.strategy",
        "`percent` is not a choice",
        "did you mean `percentage`?",
    ),
    "an unknown transport": (
        "weight: 3",
        "transport: sctp",
        "carriers.alpha.gateways.ny.transport",
        "`sctp` is not a choice",
        "`udp`",
    ),
    "an unknown treatment of large requests": (
        "weight: 3",
        "large_requests: fragment",
        "carriers.alpha.gateways.ny.large_requests",
        "`fragment` is not a choice",
        "`udp_then_tcp`",
    ),
    "an unknown profile": (
        "kind: pbx",
        "kind: pbx\n    profile: asterix",
        "trunks.office.profile",
        "`asterix` is not a choice",
        "did you mean `asterisk`?",
    ),
    "TLS verification that is neither on nor off": (
        "weight: 3",
        "verify_tls: maybe",
        "carriers.alpha.gateways.ny.verify_tls",
        "neither true nor false",
        "write `true` or `false`",
    ),
    "digits YAML reads as a number": (
        'international_prefix: "011"',
        "international_prefix: 011",
        "trunks.dialer-1.number_plan.international_prefix",
        "YAML does not read this as text",
        '`"011"`',
    ),
    "an inbound number YAML reads as a number": (
        '"+14155550100":',
        "+14155550100:",
        "dids.+14155550100",
        "a name that YAML does not read as text",
        "quotes",
    ),
    "an inbound number that is not E.164": ('"+14155550100":', '"4155550100":', "dids.4155550100", "inbound", "E.164"),
    "a name with a slash": ("  beta:\n", '  "beta/x":\n', "carriers.beta/x", "not a usable name", "letters, digits"),
    "a list that is no list": (
        'prefixes: ["1"]',
        "prefixes: one",
        "destinations.us.prefixes",
        "a list is expected",
        "in brackets",
    ),
    "an empty list": (
        'prefixes: ["1"]',
        "prefixes: []",
        "destinations.us.prefixes",
        "must not be empty",
        "at least one",
    ),
    "a prefix that is not E.164": (
        'prefixes: ["1"]',
        'prefixes: ["011"]',
        "destinations.us.prefixes[0]",
        "E.164",
        "country",
    ),
    "a section that is a word": (
        "kind: pbx",
        "kind: pbx\n    number_plan: us",
        "trunks.office.number_plan",
        "keys",
        "key: value",
    ),
    "a limit in words": ("channels: 500", "channels: many", "tenants.acme.channels", "not a number", "without quotes"),
    "a limit that is a yes": (
        "channels: 500",
        "channels: yes",
        "tenants.acme.channels",
        "not a number",
        "without quotes",
    ),
    "a limit below zero": ("cps: 60", "cps: -1", "tenants.acme.cps", "must be greater than or equal to 0", "such as"),
    "a limit without end": ("cps: 60", "cps: .inf", "tenants.acme.cps", "", "write"),
    "a share over the whole": (
        "share: 70",
        "share: 170",
        "destinations.us.routes[0].share",
        "less than or equal",
        "such as",
    ),
    "a duration without a unit we know": (
        "no_answer: 90s",
        "no_answer: 90sec",
        "carriers.alpha.defaults.timers.no_answer",
        "not a duration",
        "`500ms`",
    ),
    "a wait of nothing": (
        "no_answer: 90s",
        "no_answer: 0",
        "carriers.alpha.defaults.timers.no_answer",
        "longer than 0",
        "`3s`",
    ),
    "a session of half seconds": (
        "kind: pbx",
        "kind: pbx\n    session_expires: 90.5",
        "trunks.office.session_expires",
        "whole seconds",
        "`90s`",
    ),
    "an address that is none": (
        "[192.0.2.10, 192.0.2.0/28]",
        "[192.0.2.10, 192.0.2.300]",
        "trunks.dialer-1.addresses[1]",
        "not an address or network",
        "`192.0.2.0/28`",
    ),
    "a network with host bits": (
        "192.0.2.0/28",
        "192.0.2.5/28",
        "trunks.dialer-1.addresses[1]",
        "bits beyond its mask",
        "`192.0.2.0/28`",
    ),
    "a network that is everyone": (
        "192.0.2.0/28",
        "0.0.0.0/0",
        "trunks.dialer-1.addresses[1]",
        "the whole Internet",
        "`auth`",
    ),
    "a gateway host that is none": (
        "sip.alpha.example",
        "sip alpha example",
        "carriers.alpha.gateways.ny.host",
        "not a host name or address",
        "`host:port`",
    ),
    "a metadata source that is none": (
        "header:X-Campaign",
        "X-Campaign",
        "trunks.dialer-1.metadata.campaign",
        "not a place to read from",
        "`header:NAME`",
    ),
    "an override of no code": (
        "weight: 3",
        "overrides: {busy: callee}",
        "carriers.alpha.gateways.ny.overrides.busy",
        "not a response code",
        "`404/1`",
    ),
    "an override to no class": (
        "weight: 3",
        "overrides: {404: rout}",
        "carriers.alpha.gateways.ny.overrides.404",
        "`rout` is not a choice",
        "did you mean `route`?",
    ),
    "a registration too short": (
        "host: 203.0.113.9",
        'host: 203.0.113.9\n        registration: {aor: "sip:a@b", expires: 5s}',
        "carriers.beta.gateways.main.registration.expires",
        "must be greater than or equal to 60",
        "such as `expires: 30m`",
    ),
    "an address of record that is none": (
        "host: 203.0.113.9",
        "host: 203.0.113.9\n        registration: {aor: a@b}",
        "carriers.beta.gateways.main.registration.aor",
        "not an address of record",
        "sip:user@domain",
    ),
    "a header that would split": (
        "kind: pbx",
        'kind: pbx\n    call_id_header: "X-A:b\\r\\nX"',
        "trunks.office.call_id_header",
        "not a header name",
        "X-Trunkline-Call",
    ),
    "a user that would break out of its quotes": (
        "user: us",
        "user: 'u\"s'",
        "carriers.beta.gateways.main.auth.user",
        "not plain text",
        "without",
    ),
    "a codec that is none": ("[PCMU, PCMA]", "[PCMU, 'PC MA']", "carriers.alpha.defaults.codecs[1]", "codec", "PCMU"),
    "an emergency number with letters": (
        '"933"]',
        '"HELP"]',
        "emergency.numbers[1]",
        "not a number to dial",
        "in quotes",
    ),
    "a tech prefix with letters": (
        '"7788#"',
        '"x"',
        "carriers.beta.gateways.main.called.tech_prefix",
        "dial code",
        "quotes",
    ),
    "a key written twice": (
        "weight: 3",
        "weight: 3, weight: 4",
        "carriers.alpha.gateways.ny.weight",
        "`weight` is written twice",
        "keep one",
    ),
    "a name written twice": ("  beta:\n", "  alpha:\n", "carriers.alpha", "`alpha` is written twice", "keep one"),
}


@pytest.mark.parametrize(("old", "new", "path", "message", "fix"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_with_its_place_and_a_fix(
    only_problem: OnlyProblem, old: str, new: str, path: str, message: str, fix: str
) -> None:
    problem = only_problem(old, new)
    assert problem.path == path
    assert message in problem.message
    assert fix in problem.fix
    assert problem.line > 0
    assert problem.column > 0


def test_a_problem_names_the_line_and_column_of_the_value(only_problem: OnlyProblem) -> None:
    problem = only_problem("channels: 500", "channels: many")
    assert (problem.line, problem.column) == (2, 20)
    assert str(problem) == (
        "line 2, column 20: tenants.acme.channels: not a number; write it without quotes, such as `10`"
    )


def test_an_unknown_key_is_pointed_at_itself(only_problem: OnlyProblem) -> None:
    problem = only_problem("cps: 60", "cpss: 60")
    assert (problem.line, problem.column) == (2, 25)


def test_a_literal_password_is_not_repeated(only_problem: OnlyProblem) -> None:
    assert "hunter2hunter2" not in str(only_problem("env:OFFICE", "hunter2hunter2"))


def test_a_secret_file_is_read_beside_the_policy(good: str, tmp_path: Path) -> None:
    (tmp_path / "office.secret").write_text("correct horse battery\n")
    text = good.replace("env:OFFICE", "file:office.secret")
    loaded = load_policy(text, environment={"BETA": "x"}, base=tmp_path)
    assert isinstance(loaded, Snapshot)
    auth = loaded.trunks["office"].auth
    assert auth is not None
    assert auth.password == "correct horse battery"


@pytest.mark.parametrize(("content", "message"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")])
def test_a_secret_file_that_holds_no_password_is_refused(
    good: str, tmp_path: Path, content: bytes, message: str
) -> None:
    (tmp_path / "s").write_bytes(content)
    problems = load_policy(good.replace("env:OFFICE", "file:s"), environment={"BETA": "x"}, base=tmp_path)
    assert isinstance(problems, list)
    assert message in problems[0].message


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null"])
def test_an_empty_policy_is_refused(text: str) -> None:
    problems = load_policy(text)
    assert isinstance(problems, list)
    assert problems[0].message == "the policy is empty"


@pytest.mark.parametrize("text", ["[]", "hello", "42", "- a\n- b"])
def test_a_policy_that_is_no_mapping_is_refused(text: str) -> None:
    problems = load_policy(text)
    assert isinstance(problems, list)
    assert problems[0].message == "keys are expected here"


def test_the_example_is_a_good_policy() -> None:
    secrets = {"OFFICE_SECRET": "correct horse battery", "BETA_SECRET": "x"}
    loaded = load_policy(EXAMPLE, environment=secrets)
    assert isinstance(loaded, Snapshot), [str(problem) for problem in loaded]


WORDS = """
tenants trunks carriers destinations dids emergency gateways defaults auth user password host routes to share prefixes
numbers channels cps addresses number_plan metadata timers acme alpha
"""
words = st.sampled_from(WORDS.split())
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | words
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.text(max_size=4), inner, max_size=4),
    max_leaves=25,
)


def outcome(text: str) -> None:
    loaded = load_policy(text, environment={})
    if isinstance(loaded, list):
        assert loaded
        assert all(problem.message and problem.fix for problem in loaded)
    else:
        assert isinstance(loaded, Snapshot)


@settings(deadline=None)
@given(st.text())
def test_any_text_is_a_policy_or_has_problems(text: str) -> None:
    outcome(text)


@settings(deadline=None)
@given(st.text(alphabet="abc:-[]{}&*!|>'\"%@#?,~<. \n\t01"))
def test_any_yaml_like_text_is_a_policy_or_has_problems(text: str) -> None:
    outcome(text)


@settings(deadline=None)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 40), st.text(alphabet="abc:-[]{}&*!'\"0 \n", max_size=6))
def test_a_policy_with_a_slip_of_the_hand_is_a_policy_or_has_problems(at: int, cut: int, typed: str) -> None:
    outcome(EXAMPLE[:at] + typed + EXAMPLE[at + cut :])


@settings(deadline=None)
@given(trees)
def test_any_tree_of_known_words_is_a_policy_or_has_problems(tree: object) -> None:
    outcome(yaml.safe_dump(tree))
