"""The outcome table, row by row."""

import pytest

from trunkline.facts.outcome import Class, Next, Reply, is_alerting, judge, judge_wait
from trunkline.facts.refusal import Result


@pytest.mark.parametrize("cause", [2, 3, 27, 34, 38, 41, 42, 44, 47, 58, 102])
def test_a_network_cause_goes_to_the_next_route_whatever_the_status(cause: int) -> None:
    for status in (404, 480, 486, 503, 603):
        assert judge(Reply(status, cause)).next is Next.ROUTE_ON


@pytest.mark.parametrize("cause", [1, 17, 18, 19, 20, 21, 22, 28])
def test_a_callee_cause_stops(cause: int) -> None:
    outcome = judge(Reply(503, cause))
    assert (outcome.cls, outcome.next) == (Class.CALLEE, Next.STOP)


@pytest.mark.parametrize("status", [402, 415, 420, 488, 500, 501, 502, 503, 504, 505, 513, 580, 606, 302, 401, 407, 599])
def test_a_route_failure_is_tried_elsewhere(status: int) -> None:
    assert judge(Reply(status)).next is Next.ROUTE_ON


@pytest.mark.parametrize("status", [404, 403, 410, 480, 484, 485, 486, 487, 600, 603, 604, 499, 699])
def test_what_the_callee_decided_is_not_asked_again(status: int) -> None:
    assert judge(Reply(status)).next is Next.STOP


@pytest.mark.parametrize(
    "reply",
    [
        Reply(607),
        Reply(608),
        Reply(603, reason='SIP;cause=603;text="v=analytics1.0;url=https://example.org"'),
        Reply(603, 34, reason="ATIS;text=network blocked"),
    ],
)
def test_an_analytics_block_is_never_tried_by_another_route(reply: Reply) -> None:
    outcome = judge(reply, {"603": "route", "607": "route", "608": "route"})
    assert (outcome.next, outcome.result) == (Next.STOP, Result.BLOCKED)


@pytest.mark.parametrize("reply", [Reply(428), Reply(436), Reply(403, reason='STIR;cause=436;text="Bad Identity Info"')])
def test_an_identity_failure_is_ours_and_alarms(reply: Reply) -> None:
    outcome = judge(reply)
    assert (outcome.cls, outcome.next, outcome.alarm) == (Class.OURS, Next.STOP, True)


def test_408_before_alerting_is_the_route_and_after_it_the_callee() -> None:
    assert judge(Reply(408)).cls is Class.ROUTE
    assert judge(Reply(408, alerted=True)).cls is Class.CALLEE


def test_a_carrier_may_say_that_its_480_is_a_route_failure() -> None:
    assert judge(Reply(480), {"480": "route"}).next is Next.ROUTE_ON
    assert judge(Reply(404, 3), {"404/3": "callee"}).next is Next.STOP


def test_a_loop_is_ours() -> None:
    assert judge(Reply(482)).cls is Class.OURS
    assert judge(Reply(483)).alarm


def test_only_cause_1_proves_a_vacant_number() -> None:
    assert judge(Reply(404, 1)).result is Result.VACANT
    assert judge(Reply(404)).result is Result.REJECTED


@pytest.mark.parametrize("status", [404, 410, 604])
def test_a_tone_heard_once_and_a_status_prove_a_vacant_number_together(status: int) -> None:
    assert judge(Reply(status, heard="sit VC")).result is Result.VACANT
    assert judge(Reply(status, heard="sit IC")).evidence == f"status {status}, sit IC"
    for heard in ("sit generic", "sit NC'", "announcement", "ringback", ""):
        assert judge(Reply(status, heard=heard)).result is Result.REJECTED
    assert judge(Reply(503, heard="sit VC")).next is Next.ROUTE_ON, "a route that fails is no witness"
    assert judge(Reply(status, 3, heard="sit VC")).next is Next.ROUTE_ON, "a cause says more than a tone"
    assert judge(Reply(status, heard="sit VC"), {str(status): "route"}).next is Next.ROUTE_ON


def test_a_busy_tone_says_what_480_does_not() -> None:
    assert judge(Reply(480, heard="busy")).result is Result.BUSY
    assert judge(Reply(480, heard="announcement")).result is Result.NO_ANSWER


@pytest.mark.parametrize(
    ("rang", "progressed", "heard", "found"),
    [
        (False, False, "", False), (False, True, "", True), (False, True, "announcement", False), (False, True, "sit IC", False), (False, True, "silence", True),
        (True, True, "announcement", True), (False, True, "voicemail", True),
    ],
)  # fmt: skip
def test_an_announcement_is_no_ringing(rang: bool, progressed: bool, heard: str, found: bool) -> None:
    assert is_alerting(rang, progressed, heard) is found


def test_who_waited_in_vain_knows_what_was_heard_meanwhile() -> None:
    assert judge_wait("ring, no answer", True, "busy").evidence == "ring, no answer"
    outcome = judge_wait("ring, no answer", False, "announcement")
    assert (outcome.cls, outcome.next, outcome.evidence, outcome.result) == (Class.CALLEE, Next.STOP, "announcement, no answer", Result.NO_ANSWER)
    assert judge_wait("no answer", False, "busy").result is Result.BUSY
