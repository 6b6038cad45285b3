"""Facts become calls, in whatever order they were written."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.insight.hand_log import attempt, decision, placed, record
from tests.records.samples import NOON_US, fact
from trunkline.facts.record import AnswerLabelled, GatewayState
from trunkline.insight import gather
from trunkline.lab.demo import Demo
from trunkline.lab.scenario import load_scenario
from trunkline.records import Reading


def test_a_call_that_was_given_up_is_recorded_before_its_attempt() -> None:
    facts = [decision("a", NOON_US), record("a", NOON_US, result="cancelled", status=487), attempt("a", 1, NOON_US, outcome="caller")]
    (call,) = gather(facts).calls
    assert call.first is not None
    assert gather(facts).left_out == {}


def test_attempts_come_in_order_and_a_repeated_decision_counts_as_first_said() -> None:
    again = decision("a", NOON_US, excluded={"alpha/main": "health.down"}, draw=0.5)
    facts = [decision("a", NOON_US), attempt("a", 2, NOON_US + 9, "beta/main"), attempt("a", 1, NOON_US), again, record("a", NOON_US)]
    (call,) = gather(facts).calls
    assert [each.position for each in call.attempts] == [1, 2]
    assert call.decision is not None
    assert call.decision.draw == 0.0


def test_a_call_whose_first_attempt_is_not_on_record_has_no_first() -> None:
    (call,) = gather([decision("a", NOON_US), attempt("a", 2, NOON_US), record("a", NOON_US)]).calls
    assert call.first is None


def test_calls_are_told_in_the_order_they_began_from_a_moment_on() -> None:
    facts = [*placed("late", 30), *placed("early", 10), *placed("long ago", 0)]
    log = gather(facts, NOON_US + 5_000_000)
    assert [call.record.call for call in log.calls] == ["early", "late"]
    assert log.left_out == {}


def test_what_a_person_said_of_an_answer_is_kept_with_its_call_and_the_state_of_gateways_apart() -> None:
    said = AnswerLabelled("a", NOON_US + 60_000_000, "machine", "ann")
    down = fact(GatewayState, gateway="alpha/main", at=NOON_US, state="down")
    log = gather([*placed("a"), said, down])
    assert log.calls[0].label == "machine"
    assert log.others == [said, down]


@pytest.mark.sockets
def test_every_call_of_a_real_node_is_put_together_whole(tmp_path: Path) -> None:
    loaded = load_scenario("three-carriers")
    loaded = msgspec.structs.replace(loaded, dialer=msgspec.structs.replace(loaded.dialer, calls=20, rate=20.0))
    asyncio.run(Demo(tmp_path, loaded, "percentage").run(lambda now: None, False))
    log = gather(Reading(tmp_path / "data" / "journal"))
    assert len(log.calls) == 20
    assert log.left_out == {}
    for call in log.calls:
        assert call.decision is not None
        assert call.first is not None
        assert call.first.gateway in call.decision.candidates
        assert len(call.attempts) == call.record.attempts
