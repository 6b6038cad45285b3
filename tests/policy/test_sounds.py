"""Sound files in the policy: found and measured when it is read, not when a call needs them."""

import wave
from pathlib import Path

import pytest

from trunkline.policy import Snapshot, load_policy

POLICY = """
tenants: {a: {}}
trunks: {d: {tenant: a, addresses: [192.0.2.1], listen: {mode: gate, %s}}}
carriers: {c: {gateways: {g: {host: sip.c.example}}}}
destinations: {all: {prefixes: ["1"], routes: [{to: c}]}}
"""


def save(path: Path, rate: int = 8000, width: int = 2, channels: int = 1, seconds: float = 2.0) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(bytes(round(seconds * rate) * width * channels))


def test_a_message_is_found_beside_the_policy_and_measured(tmp_path: Path) -> None:
    save(tmp_path / "hello.wav")
    policy = load_policy(POLICY % "machine: drop, message: hello.wav", base=tmp_path)
    assert isinstance(policy, Snapshot), policy
    listen = policy.trunks["d"].listen
    assert (listen.message, listen.message_s, listen.prompt) == (str(tmp_path / "hello.wav"), 2.0, "")


def test_a_file_that_nothing_uses_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "later.wav").write_text("to be made")
    policy = load_policy(POLICY % "message: later.wav", base=tmp_path)
    assert isinstance(policy, Snapshot)
    assert policy.trunks["d"].listen.message == ""


@pytest.mark.parametrize(
    ("shape", "says"),
    [({"rate": 16000}, "16000 Hz"), ({"width": 1}, "8 bit"), ({"channels": 2}, "2 channels"), ({"seconds": 0.0}, "0.0 s long"), ({"seconds": 130.0}, "130.0 s long")],
)
def test_what_cannot_be_played_is_refused_with_the_line(tmp_path: Path, shape: dict[str, float], says: str) -> None:
    save(tmp_path / "hello.wav", **shape)  # type: ignore[arg-type]
    problems = load_policy(POLICY % "assistant: prompt, prompt: hello.wav", base=tmp_path)
    assert isinstance(problems, list)
    (problem,) = problems
    assert says in problem.message
    assert (problem.line, problem.path) == (3, "trunks.d.listen.prompt")


def test_a_missing_file_and_a_missing_name_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("hello")
    for keys, says in (("machine: drop", "without a `message`"), ("machine: drop, message: no.wav", "No such file"), ("machine: drop, message: text.wav", "no WAV file")):
        problems = load_policy(POLICY % keys, base=tmp_path)
        assert isinstance(problems, list)
        assert says in problems[0].message
