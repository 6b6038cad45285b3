"""`trunkline policy` where no node runs: files, kept versions and what a node left behind."""

import fcntl
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from tests.records.samples import NOON_US
from trunkline.cli import app
from trunkline.facts.record import PolicyApplied
from trunkline.policy.history import POLICIES, PolicyHistory
from trunkline.policy.store import InForce, Store
from trunkline.records import Journal, save, take

POLICY = """\
tenants: {lab: {channels: 100}}
trunks:
  dialer: {tenant: lab, addresses: [192.0.2.1], auth: {user: dialer, password: "env:DIALER_SECRET"}}
carriers:
  alpha: {gateways: {main: {host: 192.0.2.2}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: alpha}]}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DIALER_SECRET", raising=False)
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "var").mkdir()
    return tmp_path


@pytest.fixture
def store(here: Path) -> Store:
    return Store(here / "var")


@pytest.fixture
def version(store: Store, here: Path) -> str:
    """In force."""
    version = store.save(POLICY, {}, here / "policy.yaml")
    store.put_current(InForce(version, NOON_US, "anna", "first"))
    return version


def policy(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["policy", *words])
    assert done.exit_code == code, done.output
    return done


def told(*words: str) -> Any:
    return msgspec.json.decode(policy(*words, "--json").stdout)


def test_a_policy_can_be_checked_without_the_nodes_secrets() -> None:
    assert "the environment has no DIALER_SECRET" in policy("check", code=1).stderr
    assert "good" in policy("check", "--without-secrets").stdout


def test_problems_can_be_had_as_json(here: Path) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("{to: alpha}", "{to: alhpa}"))
    found = msgspec.json.decode(policy("check", "--json", "--without-secrets", code=1).stdout)
    assert found["ok"] is False
    (problem,) = found["problems"]
    assert (problem["line"], problem["path"]) == (7, "destinations.us.routes[0].to")
    assert "did you mean `alpha`?" in problem["fix"]


def test_diff_is_between_what_is_in_force_and_the_file(here: Path, version: str) -> None:
    assert policy("diff").stdout == "no difference: they are the same to the byte\n"
    (here / "policy.yaml").write_text("# more room\n" + POLICY.replace("channels: 100", "channels: 300"))
    assert policy("diff").stdout == "~ tenants.lab.channels: 100 -> 300\n"
    found = told("diff")
    assert found["old"] == version
    assert found["changes"] == [{"path": "tenants.lab.channels", "old": "100", "new": "300"}]


def test_a_comment_is_no_difference(here: Path, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY + "# mine\n")
    assert "mean the same" in policy("diff").stdout
    assert told("diff")["changes"] == []


def test_any_two_versions_and_files_can_be_compared(here: Path, store: Store, version: str) -> None:
    other = store.save(POLICY.replace("100", "50"), {}, here / "policy.yaml")
    (here / "third.yaml").write_text(POLICY.replace("100", "70"))
    assert policy("diff", other[:6], version[:6]).stdout == "~ tenants.lab.channels: 50 -> 100\n"
    assert policy("diff", other, "third.yaml").stdout == "~ tenants.lab.channels: 50 -> 70\n"
    assert policy("diff", "third.yaml").stdout == "~ tenants.lab.channels: 100 -> 70\n"
    assert "there is no file fourth.yaml" in policy("diff", "fourth.yaml", code=1).stderr
    assert "there is no version 'ffff'" in policy("diff", "ffff", code=1).stderr


def test_a_broken_file_is_not_compared_but_told(here: Path, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("tenant: lab", "tenant: lap"))
    assert "policy.yaml:line 3" in policy("diff", code=1).stderr


def test_show_gives_the_document_to_the_byte(here: Path, version: str) -> None:
    (here / "policy.yaml").write_text("not: it\n")
    assert policy("show").stdout == POLICY
    found = told("show", version[:5])
    assert (found["version"], found["in_force"], found["text"]) == (version, True, POLICY)


def test_status_tells_whether_the_file_says_something_else(here: Path, version: str) -> None:
    assert f"policy {version} in force since" in policy("status").stdout
    assert "by anna: first" in policy("status").stdout
    assert told("status")["differs"] is False
    (here / "policy.yaml").write_text(POLICY + "# mine\n")
    assert told("status")["differs"] is True
    assert "trunkline policy diff" in policy("status").stdout
    (here / "policy.yaml").unlink()
    assert told("status")["differs"] is True


def test_where_nothing_was_ever_in_force_that_is_said(here: Path) -> None:
    for command in ("diff", "show", "status"):
        assert "no policy was ever in force" in policy(command, code=1).stderr
    assert "There is no data directory nowhere" in policy("status", "--data", "nowhere", code=2).stderr


def applied(n: int, **more: Any) -> PolicyApplied:
    return PolicyApplied(NOON_US + n, f"{n:016x}", "anna", f"change {n}", f"{n - 1:016x}", **more)


def test_history_reads_what_a_node_left_checkpoint_and_journal(here: Path) -> None:
    """The facts of the first two are in no journal any more: the checkpoint remembers them."""
    history = PolicyHistory()
    history.apply(applied(1))
    history.apply(applied(2))
    journal = Journal(here / "var" / "journal", low_water_bytes=0)
    save(here / "var" / "checkpoints", take({POLICIES: history}, journal.position))
    journal.append(applied(3, rollback=True))
    journal.flush(NOON_US)
    journal.close(NOON_US)
    assert [fact["version"][-1] for fact in told("history")] == ["3", "2", "1"]
    assert [fact["version"][-1] for fact in told("history", "--limit", "1")] == ["3"]
    rows = policy("history").stdout.splitlines()
    assert rows[1].endswith("rolled back from 0000000000000002: change 3")
    assert rows[3].endswith("anna  change 1")


def test_a_change_needs_a_reason(version: str) -> None:
    for words in (("apply",), ("apply", "--reason", "  "), ("rollback",), ("rollback", version)):
        assert "say why: --reason TEXT" in policy(*words, code=2).stderr


def test_a_dry_run_shows_and_changes_nothing(here: Path, store: Store, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("channels: 100", "channels: 300"))
    said = policy("apply", "--dry-run").stdout
    assert "~ tenants.lab.channels: 100 -> 300" in said
    assert "was not put in force" in said
    assert store.versions() == [version], "not even kept"
    (here / "policy.yaml").write_text(POLICY.replace("{to: alpha}", "{to: alpha}], max_attempts: 40, bands: ["))
    assert policy("apply", "--dry-run", code=1).stderr


def test_a_change_beyond_a_safe_limit_is_refused_by_apply(here: Path, store: Store, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("routes:", "max_attempts: 20, routes:"))
    said = policy("apply", "--reason", "more volume", code=1).stderr
    assert "20 attempts is beyond the safe limit `attempts` (at most 10 attempts)" in said
    assert store.versions() == [version]


def test_without_a_node_apply_says_so_and_what_is_in_force_stays(here: Path, store: Store, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("channels: 100", "channels: 300"))
    assert "start `trunkline serve`" in policy("apply", "--reason", "room", code=2).stderr
    assert (store.current() or InForce("", 0, "", "")).version == version


def test_a_stopped_node_can_be_told_what_to_start_with(here: Path, store: Store, version: str) -> None:
    (here / "policy.yaml").write_text(POLICY.replace("channels: 100", "channels: 300"))
    found = told("apply", "--reason", "mended", "--next-start")
    current = store.current()
    assert current is not None
    assert (current.version, current.reason, current.before) == (found["policy"], "mended", version)
    with (here / "var" / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # as a running node holds it
        assert "apply without --next-start" in policy("apply", "--reason", "again", "--next-start", code=1).stderr


def test_rollback_goes_back_one_and_does_not_guess_further(here: Path, store: Store, version: str) -> None:
    assert "nothing was in force before" in policy("rollback", "--reason", "x", code=1).stderr
    other = store.save(POLICY.replace("100", "50"), {}, here / "policy.yaml")
    store.put_current(InForce(other, NOON_US, "anna", "less", version))
    assert "~ tenants.lab.channels: 50 -> 100" in policy("rollback", "--reason", "worse", code=2).stdout, "then it finds no node"
    store.put_current(InForce(version, NOON_US, "anna", "worse", other, True))
    assert "the last change was a rollback itself; name the version" in policy("rollback", "--reason", "x", code=1).stderr


def test_limits_are_listed_with_their_source() -> None:
    assert {"ring_time", "screening_wait", "attempts"} <= {row["name"] for row in told("limits")}
    assert "47 CFR 64.1200" in policy("limits").stdout


DOORS = '[node]\n[[listen]]\nfor = "carriers"\nname = "isp-2"\naddress = "127.0.0.1:5080"\n[[listen]]\nfor = "trunks"\nname = "lan"\naddress = "127.0.0.1:5060"\n'
BY_DOOR = POLICY.replace("host: 192.0.2.2", "host: 192.0.2.2, local: [isp-1]")


def test_doors_are_checked_against_the_settings_where_no_node_runs(here: Path, store: Store) -> None:
    (here / "trunkline.toml").write_text(DOORS)
    (here / "policy.yaml").write_text(BY_DOOR)
    for words in (("check", "--without-secrets"), ("apply", "--next-start", "--reason", "new line"), ("apply", "--dry-run")):
        said = policy(*words, code=1).stderr
        assert said.startswith("policy.yaml:line 5, column 54: carriers.alpha.gateways.main.local[0]: door `isp-1`: no [[listen]] of this node bears that name")
        assert "doors for carriers by udp are: isp-2" in said
    assert store.current() is None
    (here / "policy.yaml").write_text(BY_DOOR.replace("isp-1", "lan"))
    assert "that door is for trunks by udp" in policy("apply", "--next-start", "--reason", "new line", code=1).stderr
    (here / "policy.yaml").write_text(BY_DOOR.replace("isp-1", "isp-2"))
    assert policy("apply", "--next-start", "--reason", "new line").stderr == ""
    assert told("check", "--without-secrets")["doors_checked"] is True


def test_a_door_that_all_gateways_of_a_carrier_have_is_told_of_once(here: Path) -> None:
    (here / "trunkline.toml").write_text(DOORS)
    (here / "policy.yaml").write_text(POLICY.replace("{main: {host: 192.0.2.2}}", "{main: {host: 192.0.2.2}, back: {host: 192.0.2.3}}, defaults: {local: [isp-2, isp-1]}"))
    (line,) = policy("check", "--without-secrets", code=1).stderr.splitlines()
    assert "carriers.alpha.defaults.local[1]: door `isp-1`" in line


def test_doors_nobody_can_tell_are_said_to_be_unchecked(here: Path, store: Store) -> None:
    """Without settings, or with those of a node with other data: a door may be there."""
    (here / "policy.yaml").write_text(BY_DOOR)
    assert "were not checked: name the node's trunkline.toml with --settings" in policy("apply", "--next-start", "--reason", "x").stderr
    (here / "trunkline.toml").write_text(DOORS)
    (here / "other").mkdir()
    assert "were not checked" in policy("apply", "--next-start", "--reason", "x", "--data", "other").stderr
    assert "no [[listen]]" in policy("apply", "--next-start", "--reason", "x", "--data", "other", "--settings", "trunkline.toml", code=1).stderr
    (here / "policy.yaml").write_text(POLICY)
    assert policy("apply", "--next-start", "--reason", "x", "--data", "other").stderr == ""


def test_settings_that_cannot_be_read_end_the_check(here: Path) -> None:
    assert "nowhere.toml" in policy("check", "--settings", "nowhere.toml", code=2).stderr
    (here / "trunkline.toml").write_text("[[listen]]\nfor = 'nobody'\n")
    assert "for = 'nobody'" in policy("check", code=2).stderr


MANY_FAULTS = """\
tenants: {lab: {chanels: 100}}
trunks:
  dialer: {tenant: lap, addresses: [192.0.2.1], auth: {user: dialer, password: "env:DIALER_SECRET"}}
  office: {tenant: lab, kind: pbx, addresses: [nowhere]}
carriers:
  alpha: {gateways: {main: {weight: 2}, back: {host: 192.0.2.3, local: [isp-1]}}}
  beta: {gateways: {main: {host: 192.0.2.4}}, defaults: {timers: {no_answer: 1s}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: alpha/main}, {to: alhpa}]}
  world: {prefixes: [nought], routes: [{to: gamma}]}
dids: {"+14155550100": {trunks: [office, dailer]}}
pools: {us-sales: {per_day: 100000}}
windows: {}
"""


def test_problems_of_every_kind_are_told_in_one_go(here: Path) -> None:
    """Shape, references, limits, secrets and doors. Not told is what may only follow from a guess: that office is no PBX, that calls cannot reach it."""
    (here / "trunkline.toml").write_text(DOORS)
    (here / "policy.yaml").write_text(MANY_FAULTS)
    found = msgspec.json.decode(policy("check", "--json", code=1).stdout)["problems"]
    assert [(problem["line"], problem["path"]) for problem in found] == [
        (1, "tenants.lab.chanels"),
        (3, "trunks.dialer.tenant"),
        (3, "trunks.dialer.auth.password"),
        (4, "trunks.office.addresses[0]"),
        (6, "carriers.alpha.gateways.main.host"),
        (6, "carriers.alpha.gateways.back.local[0]"),
        (7, "carriers.beta.defaults.timers.no_answer"),
        (9, "destinations.us.routes[1].to"),
        (10, "destinations.world.prefixes[0]"),
        (10, "destinations.world.routes[0].to"),
        (11, "dids.+14155550100.trunks[1]"),
        (12, "pools.us-sales.per_day"),
        (13, "windows"),
    ]
