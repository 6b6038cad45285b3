"""The demo, small: real node, real sockets, and books that balance."""

import subprocess
import sys

import msgspec
import pytest


@pytest.mark.sockets
def test_the_demo_balances_its_books_and_shows_failover() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "demo", "--scenario", "three-carriers", "--calls", "60", "--rate", "30", "--json"], capture_output=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    summary = msgspec.json.decode(done.stdout)
    assert summary["calls"] == 60
    assert summary["failed_over"] > 0
    assert len(summary["ladders"]) == 2
    assert sum(summary["told"].values()) == 60


@pytest.mark.sockets
def test_carriers_that_talk_are_heard_through_the_node_and_the_summary_says_what_they_played() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "demo", "--scenario", "talking-carriers", "--calls", "40", "--rate", "20", "--json"],
        capture_output=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    summary = msgspec.json.decode(done.stdout)
    assert summary["calls"] == 40
    played = {name: row["played"] for name, row in summary["carriers"].items()}
    assert sum(sum(each["answered"].values()) for each in played.values()) == summary["answered"]
    assert played["deceiving"]["false_answers"] > 0
    assert played["good"]["human_rate"] > 0
    heard = {name: row["heard"] for name, row in summary["carriers"].items()}
    assert heard["deceiving"].get("false", 0) > 0, "answers nobody gave are heard as such"
    assert "false" not in heard["good"]
    assert all(row["honest_rate"] <= row["asr"] for row in summary["carriers"].values())
    assert summary["audio"]["packets received"] > 40 * 50
    assert summary["audio"]["packets sent"] > 40 * 50
