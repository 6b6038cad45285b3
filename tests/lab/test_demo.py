"""The demo, small: real node, real sockets, and books that balance."""

import subprocess
import sys

import msgspec
import pytest


@pytest.mark.sockets
def test_the_demo_balances_its_books_and_shows_failover() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trunkline", "demo", "--calls", "60", "--rate", "30", "--json"], capture_output=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    summary = msgspec.json.decode(done.stdout)
    assert summary["calls"] == 60
    assert summary["failed_over"] > 0
    assert len(summary["ladders"]) == 2
    assert sum(summary["told"].values()) == 60
