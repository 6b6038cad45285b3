"""What gateways need of limits and queues: several lanes in one line, rates that are spoken for, and turns that are given back."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.guard.limits import Limit, Limits, Share
from trunkline.guard.pacing import GO, Full, Pacer, Wait
from trunkline.policy.snapshot import Pace

CARRIER, NARROW, WIDE = Limit("carrier a", cps=10.0), Limit("gateway a/narrow", cps=1.0), Limit("gateway a/wide")
PACE = Pace(2.0, 5)


def used_up(limit: Limit, limits: Limits) -> Pacer:
    for _ in range(int(limit.cps)):
        assert limits.take((limit,), 0.0) is None
    return Pacer(limits)


def test_a_lane_held_up_by_its_gateway_holds_up_no_other_lane_of_its_trunk() -> None:
    pacer = used_up(NARROW, Limits())
    assert isinstance(pacer.ask("x", "carrier a", "trunk t", (NARROW, CARRIER), PACE, 0.0, "a/narrow"), Wait)
    assert pacer.ask("y", "carrier a", "trunk t", (WIDE, CARRIER), PACE, 0.0, "a/wide") is GO
    assert pacer.due(1.0) == [("x", GO)]


def test_the_queue_of_a_trunk_is_counted_over_lanes_and_lines() -> None:
    pacer = used_up(CARRIER, Limits())
    for i in range(3):
        assert isinstance(pacer.ask(f"n{i}", "carrier a", "trunk t", (WIDE, CARRIER), PACE, 0.0, "a/wide"), Wait)
    other = Limit("carrier b", cps=1.0)
    assert pacer.ask("b", "carrier b", "trunk t", (other,), PACE, 0.0, "b/g") is GO
    assert isinstance(pacer.ask("b0", "carrier b", "trunk t", (other,), PACE, 0.0, "b/g"), Wait)
    assert isinstance(pacer.ask("b1", "carrier b", "trunk t", (other,), PACE, 0.0, "b/g"), Wait)
    assert isinstance(pacer.ask("n3", "carrier a", "trunk t", (WIDE, CARRIER), PACE, 0.0, "a/wide"), Full)
    assert isinstance(pacer.ask("u0", "carrier a", "trunk u", (WIDE, CARRIER), PACE, 0.0, "a/wide"), Wait), "another trunk has its own"
    pacer.leave("n0")
    assert isinstance(pacer.ask("n4", "carrier a", "trunk t", (WIDE, CARRIER), PACE, 0.0, "a/wide"), Wait)


def test_a_rate_is_spoken_for_by_those_who_wait_and_free_again_after_them() -> None:
    limits = Limits()
    pacer = used_up(CARRIER, limits)
    assert pacer.free((WIDE, CARRIER), 0.0) == "carrier a"
    assert pacer.free((WIDE,), 0.0) == ""
    assert isinstance(pacer.ask("x", "carrier a", "trunk t", (CARRIER,), PACE, 0.0), Wait)
    assert isinstance(pacer.ask("y", "carrier a", "trunk t", (CARRIER,), PACE, 0.0), Wait)
    assert pacer.free((CARRIER,), 0.2) == "carrier a", "both turns of 0.2 s are theirs"
    assert pacer.free((CARRIER,), 0.3) == "", "the third is anybody's"
    assert pacer.due(0.2) == [("x", GO), ("y", GO)]
    assert pacer.free((CARRIER,), 0.3) == ""


def test_who_waits_for_a_gateway_does_not_speak_for_the_whole_of_its_carriers_rate() -> None:
    pacer = used_up(NARROW, Limits())
    assert isinstance(pacer.ask("x", "carrier a", "trunk t", (NARROW, CARRIER), PACE, 0.0, "a/narrow"), Wait)
    assert pacer.free((WIDE, CARRIER), 0.0) == ""


def test_what_came_to_nothing_is_given_back_channel_and_turn() -> None:
    limits = Limits()
    narrow = Limit("gateway g", channels=2, cps=2.0)
    for _ in range(2):
        assert limits.take((narrow,), 10.0) is None
    assert not limits.has_room((narrow,))
    limits.undo((narrow,))
    assert limits.used == {"gateway g": 1}
    assert limits.has_room((narrow,))
    assert limits.spares(narrow, 0, 10.0)
    assert not limits.spares(narrow, 1, 10.0)
    assert limits.take((narrow,), 10.0) is None
    assert limits.take((narrow,), 10.0) == ("gateway g", "channels")


def test_there_is_no_room_in_what_is_promised_to_others() -> None:
    limits = Limits()
    shared = Limit("carrier a", channels=3)
    limits.guarantee({"tenant x at carrier a": Share("carrier a", 2)})
    assert limits.take((shared, Limit("tenant y at carrier a")), 0.0) is None
    assert not limits.has_room((shared, Limit("tenant y at carrier a")))
    assert limits.has_room((shared, Limit("tenant x at carrier a")))


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_what_is_said_to_be_free_can_be_taken_and_the_timer_is_never_late(draw: random.Random) -> None:
    limits = Limits()
    pacer = Pacer(limits)
    carrier = Limit("carrier a", cps=draw.choice((2.0, 5.0, 0.5)))
    gateways = {name: Limit(f"gateway {name}", cps=draw.choice((0.0, 1.0, 3.0))) for name in "gh"}
    now = 0.0
    for number in range(draw.randrange(5, 60)):
        now += draw.choice((0.0, 0.0, 0.05, 0.4))
        timer = pacer.timer()
        due = pacer.due(now) if draw.random() < 0.8 or timer is None else []
        assert not due or (timer is not None and timer <= now + 1e-9), "somebody could go before the timer said so"
        name = draw.choice("gh")
        wants = (gateways[name], carrier)
        if draw.random() < 0.5:
            pacer.ask(f"c{number}", "carrier a", f"trunk {draw.choice('tu')}", wants, Pace(draw.choice((0.5, 3.0)), 6), now, name)
        elif not pacer.free(wants, now):
            assert limits.ready_at(wants, now) <= now + 1e-9
            assert limits.take(wants, now) is None
        if draw.random() < 0.1:
            pacer.leave(f"c{draw.randrange(60)}")
    while len(pacer):
        timer = pacer.timer()
        assert timer is not None
        now = max(now, timer)
        assert pacer.due(now), "the timer went off for nobody"
    pacer.due(now)
    assert pacer.timer() is None
    assert not pacer._owned
    assert not pacer._awaited


def test_expected_is_when_it_will_go() -> None:
    limits = Limits()
    pacer = used_up(CARRIER, limits)
    assert pacer.expected("carrier a", "trunk t", "g", (CARRIER,), 1.0, 0.0) == pytest.approx(0.1)
    for i in range(4):
        pacer.ask(f"x{i}", "carrier a", "trunk t", (CARRIER,), PACE, 0.0, "g")
    assert pacer.expected("carrier a", "trunk t", "g", (CARRIER,), 1.0, 0.0) == pytest.approx(0.5)
    assert pacer.expected("carrier a", "trunk new", "g", (CARRIER,), 1.0, 0.0) == pytest.approx(0.2), "another trunk comes after the first of this one"
