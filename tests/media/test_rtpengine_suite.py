"""The suite of behaviours, over the real rtpengine daemon. What version 10.5 does otherwise stands here in place of the suite's own test."""

from collections.abc import Iterator

import pytest

from tests.media.conftest import Driver
from tests.media.engine_suite import *  # noqa: F403
from tests.media.engine_suite import CALLS, connect
from tests.media.far_ends import Phone, phones
from tests.media.rtpengine_daemon import PROGRAM, RunningDaemon, rtpengine_driver, running_daemon
from trunkline.media import Delete, MediaAnswer, MediaOffer, MediaStatistics, Query

pytestmark = [pytest.mark.sockets, pytest.mark.counterpart, pytest.mark.skipif(PROGRAM is None, reason="rtpengine is not installed")]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("rtpengine")) as running:
        yield running


@pytest.fixture
def engine(daemon: RunningDaemon) -> Iterator[Driver]:
    with rtpengine_driver(daemon) as driver:
        yield driver


def test_a_second_attempt_leaves_the_caller_as_it_was(engine: Driver, caller: Phone, carrier: Phone) -> None:
    """Its description does, as long as the new carrier keeps the offered payload types; SSRC and sequence are the new carrier's own."""
    call = f"failover-{next(CALLS)}"
    carrier.heed(engine.offer(MediaOffer(call, 1, caller.sdp())))
    first = engine.answer(MediaAnswer(call, 0, carrier.sdp(), 1, early=True))
    caller.heed(first)
    carrier.say(10, pace_s=0.005)
    before = caller.hear(10)
    engine.command(Delete(call, 1))
    assert engine.wait(MediaStatistics).received == 10
    carrier.say(3, pace_s=0.001)
    assert caller.hears_nothing(), "an attempt that is over is not heard"
    other = Phone()
    with phones(other):
        other.heed(engine.offer(MediaOffer(call, 2, caller.sdp())))
        assert engine.answer(MediaAnswer(call, 0, other.sdp(), 2)) == first
        said = other.say(10, pace_s=0.005)
        after = caller.hear(10)
        assert [packet.payload for packet in after] == said
        assert {packet.ssrc for packet in before} == {carrier.ssrc}
        assert {packet.ssrc for packet in after} == {other.ssrc}
        other.press(5)
        assert {packet.payload_type for packet in caller.hear(7)} == {101}
        carrier.say(3, pace_s=0.001)
        assert caller.hears_nothing()


def test_a_second_attempt_with_the_first_ones_ssrc_is_joined_too(engine: Driver, caller: Phone, carrier: Phone) -> None:
    """It is heard; its numbers and its clock are the new carrier's own."""
    call = connect(engine, caller, carrier, early=True)
    carrier.say(5, pace_s=0.005)
    caller.hear(5)
    engine.command(Delete(call, 1))
    other = Phone()
    with phones(other):
        other.ssrc = carrier.ssrc
        connect(engine, caller, other, call=call, leg=2)
        said = other.say(5, pace_s=0.005)
        assert [packet.payload for packet in caller.hear(5)] == said


def test_telephone_events_under_another_number_than_offered_are_left_out_of_the_answer(engine: Driver, caller: Phone) -> None:
    carrier = Phone(payloads="0 96", event=96)
    with phones(carrier):
        engine.offer(MediaOffer("renumbered", 1, caller.sdp()))
        answer = engine.answer(MediaAnswer("renumbered", 0, carrier.sdp(), 1))
    assert b"telephone-event" not in answer
    assert b" RTP/AVP 0\r\n" in answer


def test_statistics_count_what_came_what_went_and_what_is_missing(engine: Driver, caller: Phone, carrier: Phone) -> None:
    """What is missing is not known without RTCP."""
    call = connect(engine, caller, carrier)
    carrier.say(20, pace_s=0.002)
    carrier.sequence += 5
    carrier.say(20, pace_s=0.002)
    caller.say(10, pace_s=0.002)
    caller.hear(40)
    carrier.hear(10)
    engine.command(Query(call))
    counted = engine.wait(MediaStatistics, lambda event: event.leg == 1)
    assert (counted.received, counted.sent, counted.lost, counted.final) == (40, 10, -1, False)
    assert counted.codec.upper() == "PCMU"
    engine.command(Delete(call))
    final = {leg: engine.wait(MediaStatistics, lambda event, leg=leg: event.leg == leg and event.final) for leg in (0, 1)}
    assert (final[0].received, final[0].sent) == (10, 40)
    assert (final[1].received, final[1].lost) == (40, -1)
