"""YAML that is no YAML, or more than a policy needs."""

import pytest

from trunkline.policy import Problem, load_policy


def only(text: str) -> Problem:
    problems = load_policy(text)
    assert isinstance(problems, list)
    assert len(problems) == 1
    return problems[0]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("tenants: {a: {}", 1),
        ("tenants:\n  a: {}\n b: {}", 3),
        ("tenants: *nobody", 1),
        ("a: {}\n---\nb: {}", 2),
        ("tenants: !!python/object:os.system {}", 1),
        ("tenants:\n  ? [a, b]\n  : {}", 2),
    ],
)
def test_broken_yaml_is_a_problem_with_its_line(text: str, line: int) -> None:
    problem = only(text)
    assert problem.message.startswith("not YAML: ")
    assert problem.line == line
    assert problem.fix


@pytest.mark.parametrize(
    "value",
    ["2024-13-01", "0b_", "!!bool perhaps", "!!int ''", "!!timestamp x", "!!float x", "1" * 5000, "!!binary é"],
)
def test_a_scalar_yaml_cannot_read_is_a_problem_with_its_line(value: str) -> None:
    problem = only(f"tenants:\n  a: {{channels: {value}}}")
    assert (problem.line, problem.column) == (2, 17)


def test_control_characters_are_refused() -> None:
    assert "not YAML" in only("tenants: {a\x00: {}}").message


def test_half_a_surrogate_pair_is_refused() -> None:
    assert only("tenants:\n  a: \ud800").line == 2


def test_deep_nesting_is_refused() -> None:
    assert "nested too deeply" in only("[" * 200_000).message
    problem = only("\n".join(" " * depth + "a:" for depth in range(3_000)))
    assert problem.message == "not YAML: nested too deeply"
    assert 30 < problem.line < 40


def test_a_recursive_document_is_refused() -> None:
    assert load_policy("tenants: &a\n  x: *a")
    assert load_policy("&a\ntenants: *a")


def test_aliases_of_aliases_cost_nothing() -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    problems = load_policy("\n".join(lines))
    assert isinstance(problems, list)
    assert len(problems) == 60


def test_merge_keys_are_understood(good: str, environment: dict[str, str]) -> None:
    merged = good.replace("tenants:\n", "tenants:\n  base: &base {cps: 5}\n  two: {<<: *base, cps: 7}\n")
    loaded = load_policy(merged, environment=environment)
    assert not isinstance(loaded, list)
    assert (loaded.tenants["base"].cps, loaded.tenants["two"].cps) == (5, 7)
