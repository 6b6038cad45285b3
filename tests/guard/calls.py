"""Facts of calls, as these tests need them."""

from typing import Any

from trunkline.facts.record import AttemptStarted, Call

_PLAIN: dict[str, Any] = {
    "call": "c1", "at": 0, "node": "n", "policy": "p", "direction": "outbound", "tenant": "acme", "trunk": "vici", "source": "", "transport": "udp",
    "dialer_call_id": "", "user_agent": "", "called_raw": "", "called": "+12125550100", "caller_raw": "", "caller": "", "destination": "us",
    "strategy": "priority", "metadata": {}, "state": "failed", "status": 486, "cause": 17, "result": "busy", "refusal": "", "released_by": "carrier",
    "attempts": 1, "carrier": "alpha", "gateway": "alpha/ny", "alerting_ms": None, "early_media_ms": None, "answer_ms": None, "talk_ms": None,
    "total_ms": 0.0, "holds": 0, "transfers": 0, "emergency": False, "session_id": "",
}  # fmt: skip


def ended(**more: Any) -> Call:
    """The record of a call."""
    return Call(**(_PLAIN | more))


def started(call: str, called: str, at: int, tenant: str = "acme", carrier: str = "alpha") -> AttemptStarted:
    """The record of an INVITE that left."""
    return AttemptStarted(call, 1, at, carrier, f"{carrier}/ny", "carriers", "udp", "192.0.2.1:5060", "", "vici", called.replace("+1", "77881"), "", "us", tenant, "", called)
