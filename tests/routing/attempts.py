"""Attempts as facts, with what a test does not care about filled in."""

from typing import Any

from trunkline.facts.record import Attempt

START_US = 1_772_452_800_000_000
"2026-03-02 12:00 UTC, a Monday."


def attempt(gateway: str, *, at_s: float = 0.0, destination: str = "us", answered: bool = False, heard: str = "", **others: Any) -> Attempt:
    """An attempt over `carrier/main`, `at_s` seconds after START_US."""
    values: dict[str, Any] = {
        "call": "c", "position": 1, "at": START_US + int(at_s * 1e6), "tenant": "acme", "trunk": "vici", "destination": destination,
        "carrier": gateway.partition("/")[0], "gateway": gateway, "transport": "udp", "remote": "", "called": "", "caller": "", "carrier_call_id": "",
        "status": 200 if answered else 487, "phrase": "", "reason": "", "cause": 0, "outcome": "answered" if answered else "callee", "evidence": "",
        "next": "stop", "refusal": "", "released_by": "dialer", "first_reply_ms": None, "progress_ms": None, "alerting_ms": 1500.0, "early_media_ms": None,
        "answer_ms": 8000.0 if answered else None, "talk_ms": 40_000.0 if answered else None, "total_ms": 20_000.0, "early_media": "180", "codec": "",
        "server": "", "retransmissions": 0, "censored": False, "ambiguous": False, "retry_after_s": 0, "session_id": "", "heard": heard,
    }  # fmt: skip
    return Attempt(**(values | others))
