"""A name nobody knows is told apart from a name of which there is nothing to show."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from tests.records.samples import NOON_US, a_call, fact
from trunkline.cli import app
from trunkline.facts.numbers import NumberAdded
from trunkline.facts.record import Call
from trunkline.policy.store import InForce, Store
from trunkline.records import Journal

POLICY = """\
tenants: {acme: {}}
trunks:
  dialer-1: {tenant: acme, addresses: [192.0.2.1]}
  dialer-2: {tenant: acme, addresses: [192.0.2.2]}
carriers:
  quietco: {gateways: {main: {host: 192.0.2.3}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: quietco}]}
pools: {us-sales: {}}
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """What a node left: a policy in force, and one call of trunk dialer-1 and campaign spring."""
    store = Store(tmp_path)
    store.put_current(InForce(store.save(POLICY, {}, tmp_path / "policy.yaml"), NOON_US, "anna", "first"))
    journal = Journal(tmp_path / "journal", low_water_bytes=0)
    for one in a_call("one"):
        journal.append(msgspec.structs.replace(one, metadata={"campaign": "spring"}) if isinstance(one, Call) else one)
    journal.flush(NOON_US)
    journal.close(NOON_US)
    return tmp_path


def run(data: Path, *words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [*words, "--data", str(data)])
    assert done.exit_code == code, done.output
    return done


UNKNOWN = {
    "a trunk": ("trunk", "dialer-3", "did you mean `dialer-"),
    "a carrier": ("carrier", "quiteco", "did you mean `quietco`?"),
    "a gateway": ("gateway", "quietco/mian", "did you mean `quietco/main`?"),
    "a destination": ("destination", "moon", "choose one of `us`"),
    "a campaign": ("campaign", "sprang", "did you mean `spring`?"),
}


@pytest.mark.parametrize(("kind", "name", "fix"), UNKNOWN.values(), ids=UNKNOWN)
def test_a_filter_nobody_knows_is_refused_with_near_names(data: Path, kind: str, name: str, fix: str) -> None:
    for words in ((), ("--json",), ("--since", "1h")):
        done = run(data, "calls", f"--{kind}", name, *words, code=1)
        assert done.stdout == ""
        assert f"There is no {kind} {name}" in done.stderr
        assert fix in done.stderr


def test_a_known_name_without_calls_is_an_empty_answer(data: Path) -> None:
    for words in (("--trunk", "dialer-2"), ("--carrier", "quietco"), ("--gateway", "quietco/main"), ("--trunk", "dialer-1", "--failed"), ("--campaign", "spring", "--since", "1s")):
        assert "No calls match" in run(data, "calls", *words).stdout


def test_calls_are_filtered_by_each_name(data: Path) -> None:
    record = msgspec.json.decode(run(data, "calls", "--json").stdout)["ended"][0]
    names = {kind: record[kind] for kind in ("trunk", "carrier", "gateway", "destination")} | {"campaign": "spring"}
    for kind, name in names.items():
        assert name
        assert len(msgspec.json.decode(run(data, "calls", f"--{kind}", name, "--json").stdout)["ended"]) == 1


def test_a_name_of_an_older_policy_that_calls_have_is_known(data: Path) -> None:
    """The record's carrier is in no policy any more."""
    record = msgspec.json.decode(run(data, "calls", "--json").stdout)["ended"][0]
    assert record["carrier"] != "quietco"
    assert "No calls match" in run(data, "calls", "--carrier", record["carrier"], "--failed").stdout


def test_without_a_policy_the_calls_themselves_know_the_names(data: Path) -> None:
    for file in (data / "policy").iterdir():
        file.unlink()
    assert "no recent call names it; did you mean `dialer-1`?" in run(data, "calls", "--trunk", "dialer-7", code=1).stderr


def test_pools_are_known_by_the_policy_and_by_the_inventory(data: Path) -> None:
    assert "did you mean `us-sales`?" in run(data, "numbers", "list", "--pool", "us-sails", code=1).stderr
    assert "No numbers yet" in run(data, "numbers", "list", "--pool", "us-sales").stdout
    assert "pool us-sales has no numbers" in run(data, "numbers", "forecast", "us-sales", code=1).stderr
    assert "There is no pool us-sails" in run(data, "numbers", "clear-alarm", "us-sails", "--reason", "x", code=1).stderr
    assert "pool us-sales has no alarm" in run(data, "numbers", "clear-alarm", "us-sales", "--reason", "x", code=1).stderr


def test_a_number_is_found_with_and_without_its_plus(data: Path) -> None:
    journal = Journal(data / "journal", low_water_bytes=0)
    journal.append(fact(NumberAdded, number="+14155550100", at=NOON_US, owner="acme", pool="us-sales", country="US", type="geographic", use="sales"))
    journal.flush(NOON_US)
    journal.close(NOON_US)
    assert msgspec.json.decode(run(data, "numbers", "show", "14155550100", "--json").stdout)["number"] == "+14155550100"
    assert "did you mean +14155550100?" in run(data, "numbers", "show", "+14155550109", code=1).stderr
    assert "is not in the inventory" in run(data, "numbers", "label", "+14155550109", "--label", "spam", "--engine", "hiya", code=1).stderr


def test_a_call_is_found_by_the_call_id_of_either_side(data: Path) -> None:
    record = msgspec.json.decode(run(data, "calls", "--json").stdout)["ended"][0]
    for id_ in (record["dialer_call_id"], "one@192.0.2.1"):
        assert msgspec.json.decode(run(data, "call", id_, "--json").stdout)["call"]["call"] == "one"
        assert msgspec.json.decode(run(data, "ladder", id_, "--json").stdout)["call"] == "one"
    assert "There is no call one@" in run(data, "call", "one@", code=1).stderr


def test_what_became_of_a_list_can_be_had_as_json(data: Path) -> None:
    assert msgspec.json.decode(run(data, "dnc", "add", "+14155550100", "+14155550101", "--json").stdout) == {"list": "all", "numbers": 2, "before": 0}
    assert msgspec.json.decode(run(data, "dnc", "remove", "+14155550100", "--json").stdout) == {"list": "all", "numbers": 1, "before": 2}
    assert "There is no data directory" in run(data / "nowhere", "dnc", "add", "+14155550100", code=2).stderr
    assert not (data / "nowhere").exists()


def test_a_do_not_call_list_of_nobody_is_told_of(data: Path) -> None:
    assert run(data, "dnc", "add", "+14155550100", "--tenant", "acme").stderr == ""
    said = run(data, "dnc", "add", "+14155550100", "--tenant", "acne").stderr
    assert "acne is no tenant of the policy in force" in said
    assert "did you mean `acme`?" in said
    assert "NO SUCH TENANT" in run(data, "dnc", "info").stdout
    assert [row["tenant_unknown"] for row in msgspec.json.decode(run(data, "dnc", "info", "--json").stdout)] == [False, True]
    assert "there is no list acm; did you mean `acme`?" in run(data, "dnc", "remove", "+14155550100", "--tenant", "acm", code=1).stderr
