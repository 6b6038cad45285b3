"""What recovery makes of calls that waited, without a node."""

from trunkline.facts.clock import Clock
from trunkline.facts.record import AttemptStarted, Call, Parked
from trunkline.node.recovery import records
from trunkline.records import OpenDialogs

AT = 1_780_000_000_000_000
PARKED = Parked("c1", AT, "inbound", "lab", "office", "192.0.2.7:5060", "udp", "id@far", "+14155550100", "+14155550100", "+12125550123", "s" * 32)
STARTED = AttemptStarted(
    "c1", 1, AT + 700_000, "carrier", "carrier/gateway", "carriers-udp-1", "udp", "192.0.2.9:5060", "sip:x\r\nCall-ID: leg@us\r\nCSeq: 1 INVITE", "office", "4155550100", "2125550199", "us", "lab",
    "s" * 32, "+14155550100",
)  # fmt: skip


def after_a_restart(*facts: Parked | AttemptStarted | Call) -> list[Call]:
    """The `Call` facts recovery writes, having gone through a checkpoint."""
    before, after = OpenDialogs(), OpenDialogs()
    for fact in facts:
        before.apply(fact)
    after.load(list(before.dump()))
    return [fact for fact in records(after.calls.values(), {}, Clock(0.0, AT + 2_000_000), "n1", 0.0) if isinstance(fact, Call)]


def test_a_call_that_only_waited_has_its_record() -> None:
    (call,) = after_a_restart(PARKED)
    assert (call.call, call.at, call.direction, call.tenant, call.trunk) == ("c1", AT, "inbound", "lab", "office")
    assert (call.called_raw, call.called, call.caller_raw) == ("+14155550100", "+14155550100", "+12125550123")
    assert (call.source, call.transport, call.dialer_call_id, call.session_id) == ("192.0.2.7:5060", "udp", "id@far", "s" * 32)
    assert (call.state, call.status, call.refusal, call.attempts, call.total_ms) == ("failed", 0, "node.restarted", 0, 2000.0)


def test_a_call_that_waited_and_was_being_placed_says_both() -> None:
    (call,) = after_a_restart(PARKED, STARTED)
    assert (call.at, call.attempts, call.gateway, call.caller, call.caller_raw) == (AT, 1, "carrier/gateway", "2125550199", "+12125550123")
    assert call.dialer_call_id == "id@far"


def test_a_call_that_waited_and_is_over_is_forgotten() -> None:
    (call,) = after_a_restart(PARKED)
    known = OpenDialogs()
    known.apply(PARKED)
    known.apply(call)
    assert not known.calls
    assert not after_a_restart(PARKED, call)
