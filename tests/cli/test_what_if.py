"""`trunkline policy whatif` on journals as a node leaves them."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from typer.testing import CliRunner

from tests.insight.hand_log import placed, refused
from tests.insight.market_log import CONFUSED, Market, write
from trunkline.cli import app
from trunkline.facts.record import Fact
from trunkline.policy.store import InForce, Store
from trunkline.records import OpenDialogs, Position, save, segments, take
from trunkline.routing.scoreboard import Scoreboard

OLD = {"alpha": 70, "backup": 20, "third": 10}
CALLS = 1200


def document(strategy: str = "percentage", **trunk: Any) -> dict[str, Any]:
    shares = {"alpha": 20, "backup": 60, "third": 20}
    routes = [{"to": name, "share": share, "rate": 0.01} for name, share in shares.items()]
    return {
        "tenants": {"acme": {}},
        "trunks": {"acme": {"tenant": "acme", "addresses": ["192.0.2.1"], "auth": {"user": "acme", "password": "env:NOBODY_KNOWS"}} | trunk},
        "carriers": {name: {"gateways": {"main": {"host": f"192.0.2.{i}"}}} for i, name in enumerate(shares, 10)},
        "destinations": {name: {"prefixes": [prefix], "strategy": strategy, "routes": routes} for name, prefix in (("us", "1415"), ("uk", "4420"))},
    }


@pytest.fixture(scope="module")
def logs() -> dict[str, list[Fact]]:
    market = Market(CONFUSED, 1, CALLS)
    return {"percentage": market.log("percentage", OLD), "priority": market.log("priority"), "performance": market.log("performance")}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NOBODY_KNOWS", raising=False)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(document(), sort_keys=False))
    return tmp_path


def whatif(*words: str, code: int = 0) -> Any:
    done = CliRunner().invoke(app, ["policy", "whatif", *words])
    assert done.exit_code == code, done.output
    return done


def answered(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(whatif("--since", "all", "--json", *words).stdout)
    return found


def test_before_and_after_are_told_with_intervals(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["percentage"], here / "var")
    text = whatif("--since", "all").stdout
    for expected in ("1200 calls; 1200 were placed under policy market", "95 %", "us ", "uk ", "total", "backup/main", "60.0%", "Prices alone", "went on to a second route"):
        assert expected in text
    found = answered()
    cost = found["total"]["cost"]
    assert cost["low"] < cost["after"] < cost["high"]
    assert found["calls"] == found["placed"] == CALLS
    assert {row["gateway"]: round(row["after"], 9) for row in found["total"]["routes"]} == {"alpha/main": 0.2, "backup/main": 0.6, "third/main": 0.2}
    assert answered() == found  # it repeats itself


def test_a_log_that_never_varied_is_said_to_answer_nothing(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["priority"], here / "var")
    text = whatif("--since", "all").stdout
    assert "No estimate in total: no destination has the calls for an estimate." in text
    assert "too few logged calls of this route: 0 first attempts by backup/main" in text
    assert answered()["total"]["answered"]["after"] is None


def test_refusals_are_told_by_code_with_their_meaning(here: Path) -> None:
    write([*placed("a"), *placed("b", 5), *refused("c", "routing.no_destination", 6, called_raw="33140000000", called="+33140000000")], here / "var")
    policy = document(channels=1)
    policy["trunks"] = {"dialer": policy["trunks"]["acme"]}
    policy["destinations"]["fr"] = {"prefixes": ["33"], "routes": [{"to": "alpha"}]}
    policy["destinations"]["us"]["prefixes"] = ["1"]
    (here / "policy.yaml").write_text(yaml.safe_dump(policy))
    text = whatif("--since", "all").stdout
    assert "Placed, and would be refused: 1" in text
    assert "guard.trunk_channels  The trunk has all its channels in use" in text
    assert "no estimate" in text.lower()
    policy["trunks"]["dialer"]["channels"] = 10
    (here / "policy.yaml").write_text(yaml.safe_dump(policy))
    assert answered()["spared"] == {"routing.no_destination": 1}


def test_a_version_that_was_in_force_can_be_asked_about(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["percentage"], here / "var")
    store = Store(here / "var")
    version = store.save((here / "policy.yaml").read_text(), {}, here / "policy.yaml")
    store.put_current(InForce(version, 1, "anna", "first"))
    (here / "policy.yaml").unlink()
    assert answered(version[:6])["policy"] == version


def test_a_policy_that_learns_begins_with_what_the_node_believes_or_cold(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["performance"], here / "var")
    (here / "policy.yaml").write_text(yaml.safe_dump(document("performance")))
    believing = answered()
    assert any("as the node takes them to be now" in note for note in believing["notes"])
    scores = Scoreboard()
    for fact in logs["performance"]:
        scores.apply(fact)
    last = segments(here / "var" / "journal")[-1]
    save(here / "var" / "checkpoints", take({"scoreboard": scores, "open_dialogs": OpenDialogs()}, Position(last.path.name, last.path.stat().st_size)))
    kept = answered()
    assert kept["total"]["routes"] == believing["total"]["routes"]  # the checkpoint says what the journal says
    cold = answered("--cold")
    assert any("nothing was believed" in note for note in cold["notes"])
    assert cold["total"]["routes"] != believing["total"]["routes"]


def test_a_node_that_kept_no_scores_has_none_to_begin_with(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["percentage"], here / "var")
    (here / "policy.yaml").write_text(yaml.safe_dump(document("performance")))
    assert any("nothing was believed" in note for note in answered()["notes"])


def test_a_span_and_a_trunk_narrow_it(here: Path) -> None:
    now = time.time_ns() // 1000
    facts = [msgspec.structs.replace(fact, at=now - minutes * 60_000_000) for name, minutes in (("a", 300), ("b", 30)) for fact in placed(name)]
    write(facts, here / "var")
    assert whatif("--since", "1h", "--json").stdout.count('"calls": 1,')
    assert whatif("--json").stdout.count('"calls": 2,')
    missed = whatif("--since", "10m", code=1)
    assert "No call ended in the last 10m; the last call began " in missed.stderr
    assert "There is no trunk nobody: no recent call names it; choose one of `dialer`" in whatif("--since", "all", "--trunk", "nobody", code=1).stderr
    assert "no span" in whatif("--since", "soon", code=2).stderr


def test_an_empty_journal_is_told(here: Path) -> None:
    write([], here / "var")
    (here / "var" / "journal").mkdir(exist_ok=True)
    assert "No call ended in the journal" in whatif("--since", "all", code=1).stderr


def test_what_cannot_be_had_is_told(here: Path) -> None:
    assert "no data directory" in whatif(code=2).stderr
    (here / "var").mkdir()
    assert "holds no journal" in whatif(code=2).stderr
    (here / "var" / "journal").mkdir()
    assert "there is no file other.yaml" in whatif("other.yaml", code=1).stderr
    (here / "policy.yaml").write_text(yaml.safe_dump(document(), sort_keys=False).replace("to: backup", "to: bakcup", 1))
    broken = whatif(code=1)
    assert "policy.yaml:" in broken.stderr
    assert "did you mean `backup`?" in broken.stderr


def test_a_damaged_journal_is_read_as_far_as_it_goes(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["percentage"], here / "var")
    every = segments(here / "var" / "journal")
    segment = every[len(every) // 2]
    data = bytearray(segment.path.read_bytes())
    data[len(data) // 2] ^= 0x20
    segment.path.write_bytes(data)
    done = whatif("--since", "all", "--json")
    assert "Skipped" in done.stderr
    assert CALLS * 0.7 < msgspec.json.decode(done.stdout)["calls"] < CALLS


INTERRUPTED = """
import os, signal, trunkline.insight as insight
signal.signal(signal.SIGINT, signal.default_int_handler)  # a suite that runs in the background may have been told to ignore it
insight.gather = lambda *given: os.kill(os.getpid(), signal.SIGINT)
from trunkline.__main__ import main
main()
"""
"The command with Ctrl-C pressed while it reads the journal."


def test_an_interrupt_ends_it_cleanly(here: Path, logs: dict[str, list[Fact]]) -> None:
    write(logs["percentage"][:100], here / "var")
    done = subprocess.run([sys.executable, "-c", INTERRUPTED, "policy", "whatif", "--since", "all"], capture_output=True, text=True, timeout=120, cwd=here)
    assert done.returncode == 130, done.stderr
    assert (done.stdout, done.stderr) == ("", "stopped; nothing was changed\n")
