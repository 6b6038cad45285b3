"""The applied version is the truth: what a node starts with, whatever became of the file, and how it is changed, brought back and on record."""

import asyncio
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from tests.counterparts.phones import loopback, until
from tests.counterparts.serving import ServedNode
from tests.node.test_operations import command, command_beside, run
from trunkline.cli import app
from trunkline.facts.record import PolicyApplied
from trunkline.policy.store import InForce, Store

pytestmark = pytest.mark.sockets

SECRET = "quite-a-long-secret"
POLICY = """\
tenants: {lab: {channels: 100}}
trunks:
  dialer: {tenant: lab, addresses: [192.0.2.1], auth: {user: dialer, password: "env:DIALER_SECRET"}}
carriers:
  alpha: {gateways: {main: {host: 192.0.2.2, options: 0}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: alpha}]}
"""
MORE = POLICY.replace("channels: 100", "channels: 300")


@pytest.fixture
def node(tmp_path: Path) -> ServedNode:
    at = loopback()
    return ServedNode(tmp_path / "node", POLICY, [("trunks", "udp", f"{at}:5060"), ("carriers", "udp", f"{at}:5080")], t1_ms=100)


def policy(node: ServedNode, what: str, *words: str, code: int) -> str:
    """`trunkline policy ...` about the node, in this process."""
    if what == "apply":
        words = (str(node.folder / "policy.yaml"), *words)
    done = CliRunner().invoke(app, ["policy", what, *words, "--data", str(node.data)])
    assert done.exit_code == code, done.output
    return done.output


def applied(node: ServedNode) -> list[PolicyApplied]:
    return [fact for fact in node.facts() if isinstance(fact, PolicyApplied)]


def write(node: ServedNode, policy: str) -> None:
    (node.folder / "policy.yaml").write_text(policy)


def scenario(node: ServedNode, steps: Callable[[], object]) -> None:
    async def whole() -> None:
        try:
            await node.start(DIALER_SECRET=SECRET)
            await asyncio.to_thread(steps)
        finally:
            node.stop()

    run(whole)


def test_a_restart_brings_back_what_was_applied_and_not_what_the_file_says(node: ServedNode) -> None:
    def first() -> None:
        said = policy(node, "apply", "--reason", "more room", code=0)  # the command knows no secret: the node does
        assert "no difference" not in said
        write(node, MORE)
        assert "~ tenants.lab.channels: 100 -> 300" in policy(node, "apply", "--reason", "more room", code=0)

    scenario(node, first)
    versions = [fact.version for fact in applied(node)]
    assert len(versions) == 3
    write(node, "this is: no policy\n")

    def second() -> None:
        assert node.ask("status")["policy"] == versions[-1]
        assert "policy.yaml is not what is in force" in node.log.read_text()
        assert "says something else" in policy(node, "status", code=0)
        assert policy(node, "show", code=0) == MORE

    scenario(node, second)
    (node.folder / "policy.yaml").unlink()
    scenario(node, lambda: None)
    assert [fact.version for fact in applied(node)] == versions, "to start again is no change of policy"


def test_every_change_is_on_record_with_author_and_reason(node: ServedNode) -> None:
    def steps() -> None:
        old = node.ask("status")["policy"]
        write(node, MORE)
        policy(node, "apply", "--reason", "more room", code=0)
        new = node.ask("status")["policy"]
        said = policy(node, "rollback", "--reason", "too many", code=0)
        assert said.endswith(f"policy {old} is in force again, in place of {new}\n")
        assert node.ask("status")["policy"] == old
        policy(node, "rollback", new[:6], "--reason", "it was not that", code=0)
        write(node, MORE + "# by signal\n")
        assert node.process is not None
        node.process.send_signal(signal.SIGHUP)
        while node.ask("status")["policy"] == new:
            pass
        facts = applied(node)
        assert [(fact.reason, fact.rollback) for fact in facts[1:]] == [("more room", False), ("too many", True), ("it was not that", True), ("SIGHUP", False)]
        assert [fact.before for fact in facts] == ["", old, new, old, new], "each says what it replaced"
        assert facts[1].author == subprocess.run(["id", "-un"], capture_output=True, text=True, check=True).stdout.strip()
        rows = msgspec.json.decode(policy(node, "history", "--json", code=0))
        assert [row["at"] for row in rows] == [fact.at for fact in reversed(facts)]

    scenario(node, steps)
    rows = msgspec.json.decode(policy(node, "history", "--json", code=0))
    assert len(rows) == 5, "and is still known where no node runs"


def test_a_policy_the_node_cannot_use_changes_nothing(node: ServedNode) -> None:
    def steps() -> None:
        before = node.ask("status")["policy"]
        write(node, MORE.replace("DIALER_SECRET", "ANOTHER_SECRET"))
        said = policy(node, "apply", "--reason", "x", code=1)
        assert "policy not changed" in said
        assert "the environment has no ANOTHER_SECRET" in said, "the node's environment counts, not the command's"
        write(node, MORE.replace("{to: alpha}", "{to: alpah}"))
        assert "did you mean `alpha`?" in policy(node, "apply", "--reason", "x", code=1)
        assert "20 attempts is beyond the safe limit" in _refused(node, MORE.replace("routes:", "max_attempts: 20, routes:"))
        assert node.ask("status")["policy"] == before
        assert len(applied(node)) == 1

    scenario(node, steps)


def _refused(node: ServedNode, document: str) -> str:
    write(node, document)
    return policy(node, "apply", "--reason", "x", code=1)


def test_secrets_are_in_no_version(node: ServedNode) -> None:
    def steps() -> None:
        write(node, MORE)
        policy(node, "apply", "--reason", "x", code=0)

    scenario(node, steps)
    files = [path for path in node.data.rglob("*") if path.is_file()]
    assert [path for path in files if path.suffix == ".yaml" and b"env:DIALER_SECRET" in path.read_bytes()]
    assert not [path for path in files if SECRET.encode() in path.read_bytes()]


def test_a_secret_that_changed_is_read_when_the_same_policy_is_applied_again(node: ServedNode) -> None:
    write(node, POLICY.replace("env:DIALER_SECRET", "file:dialer.secret"))
    (node.folder / "dialer.secret").write_text("the-old-long-secret")

    def steps() -> None:
        (node.folder / "dialer.secret").write_text("short")
        assert "the password is weak" in policy(node, "apply", "--reason", "rotation", code=1)
        (node.folder / "dialer.secret").write_text("the-new-long-secret")
        policy(node, "apply", "--reason", "rotation", code=0)
        first, second = applied(node)
        assert first.version == second.version

    scenario(node, steps)


def test_a_crash_between_writing_down_and_the_fact_starts_with_what_was_asked_for(node: ServedNode) -> None:
    scenario(node, lambda: None)
    store = Store(node.data)
    before = store.current()
    assert before is not None
    version = store.save(MORE, {}, node.folder / "policy.yaml")
    store.put_current(InForce(version, before.at + 1, "anna", "more room", before.version))
    scenario(node, lambda: None)
    assert [(fact.version, fact.author, fact.reason, fact.before) for fact in applied(node)][1:] == [(version, "anna", "more room", before.version)]


def test_an_altered_version_does_not_start_a_node_and_the_way_out_works(node: ServedNode) -> None:
    scenario(node, lambda: None)
    store = Store(node.data)
    current = store.current()
    assert current is not None
    kept = store.folder / f"{current.version}.yaml"
    kept.write_text(kept.read_text() + "# somebody was here\n")
    said = command(node.folder, "serve", code=2, DIALER_SECRET=SECRET)
    assert f"policy {current.version}" in said
    assert "was altered after it was kept" in said
    assert "--next-start" in said
    write(node, MORE)
    policy(node, "apply", "--reason", "mended", "--next-start", code=0)
    scenario(node, lambda: None)
    assert applied(node)[-1].reason == "mended"


def test_two_changes_at_once_are_made_one_after_the_other(node: ServedNode) -> None:
    (node.folder / "a.yaml").write_text(POLICY.replace("100", "111"))
    (node.folder / "b.yaml").write_text(POLICY.replace("100", "222"))

    async def whole() -> None:
        try:
            await node.start(DIALER_SECRET=SECRET)
            await asyncio.gather(*(command_beside(node.folder, "policy", "apply", f"{name}.yaml", "--reason", name, code=0) for name in "ab"))
            await until(lambda: len(applied(node)) == 3, 20, "both on record")
            start, one, two = applied(node)
            assert (one.before, two.before) == (start.version, one.version)
            assert node.ask("status")["policy"] == two.version
            current = Store(node.data).current()
            assert current is not None
            assert current.version == two.version
        finally:
            node.stop()

    run(whole)
