"""Calls that wait for a rate, on a clock that is given; and channels that are kept for those they are promised to."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.guard.limits import Limit, Limits, Share
from trunkline.guard.pacing import GO, Full, Go, Pacer, Wait
from trunkline.policy.snapshot import Pace

TRUNK, OTHER, TENANT = Limit("trunk a", cps=10.0), Limit("trunk b", cps=10.0), Limit("tenant t", cps=10.0)
PACE = Pace(0.8, 50)


def burst(pacer: Pacer, limits: tuple[Limit, ...] = (TRUNK,), flow: str = "a", now: float = 0.0) -> None:
    for number in range(10):
        assert pacer.ask(f"{flow} burst {number}", "tenant t", flow, limits, PACE, now) is GO


def test_within_its_rate_a_call_goes_at_once() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    assert pacer.timer() is None
    assert len(pacer) == 0


def test_a_call_too_early_waits_its_turn_and_calls_of_a_trunk_keep_their_order() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    assert isinstance(pacer.ask("x", "tenant t", "a", (TRUNK,), PACE, 0.0), Wait)
    assert pacer.ask("y", "tenant t", "a", (TRUNK,), PACE, 0.05) == Wait(0.05 + 0.8)
    assert pacer.timer() == pytest.approx(0.1)
    assert pacer.due(0.05) == []
    assert pacer.due(0.1) == [("x", GO)]
    assert pacer.timer() == pytest.approx(0.2)
    assert pacer.due(0.2) == [("y", GO)]
    assert pacer.timer() is None


def test_a_call_that_could_not_go_in_time_is_refused_when_it_comes() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    answers = [pacer.ask(f"c{n}", "tenant t", "a", (TRUNK,), PACE, 0.0) for n in range(9)]
    assert [type(answer) for answer in answers] == [Wait] * 8 + [Full]
    assert answers[8] == Full("trunk a", "cps", 1)


def test_a_queue_is_no_longer_than_its_trunk_allows() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    answers = [pacer.ask(f"c{n}", "tenant t", "a", (TRUNK,), Pace(0.8, 2), 0.0) for n in range(3)]
    assert [type(answer) for answer in answers] == [Wait, Wait, Full]


def test_without_pacing_a_trunk_is_refused_at_once_as_before() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    assert pacer.ask("x", "tenant t", "a", (TRUNK,), Pace(), 0.0) == Full("trunk a", "cps", 1)
    assert isinstance(pacer.ask("y", "tenant t", "a", (TRUNK,), PACE, 0.0), Wait)
    assert pacer.ask("z", "tenant t", "a", (TRUNK,), Pace(), 0.0) == Full("trunk a", "cps", 1), "while others wait, too"


def test_who_may_not_wait_does_not_overtake_those_who_do() -> None:
    pacer = Pacer(Limits())
    burst(pacer, (TENANT,), "a")
    assert isinstance(pacer.ask("x", "tenant t", "a", (TENANT,), PACE, 0.0), Wait)
    answer = pacer.ask("y", "tenant t", "a", (TENANT,), Pace(), 0.1)
    assert answer == Full("tenant t", "cps", 1)
    assert pacer.due(0.1) == [("x", GO)]
    assert len(pacer) == 0


def test_nothing_waits_for_a_channel() -> None:
    limits = Limits()
    pacer = Pacer(limits)
    narrow = Limit("trunk a", channels=1, cps=1.0)
    assert pacer.ask("x", "tenant t", "a", (narrow,), PACE, 0.0) is GO
    assert pacer.ask("y", "tenant t", "a", (narrow,), PACE, 5.0) == Full("trunk a", "channels", 2)


def test_a_channel_gone_meanwhile_refuses_the_call_that_waited() -> None:
    limits = Limits()
    pacer = Pacer(limits)
    narrow = Limit("trunk a", channels=11, cps=10.0)
    burst(pacer, (narrow,))
    assert isinstance(pacer.ask("x", "tenant t", "a", (narrow,), PACE, 0.0), Wait)
    limits.hold(("trunk a",))
    assert pacer.due(0.1) == [("x", Full("trunk a", "channels", 2))]


def test_a_caller_who_hangs_up_leaves_the_queue() -> None:
    pacer = Pacer(Limits())
    burst(pacer)
    for call in ("x", "y"):
        pacer.ask(call, "tenant t", "a", (TRUNK,), PACE, 0.0)
    pacer.leave("x")
    pacer.leave("never was")
    assert pacer.due(0.1) == [("y", GO)]
    assert len(pacer) == 0


def test_a_trunk_with_one_call_does_not_wait_behind_the_many_of_another() -> None:
    pacer = Pacer(Limits())
    wide = Limit("trunk a", cps=1000.0)
    burst(pacer, (wide, TENANT))
    for number in range(7):
        assert isinstance(pacer.ask(f"a{number}", "tenant t", "a", (wide, TENANT), PACE, 0.0), Wait)
    assert isinstance(pacer.ask("b0", "tenant t", "b", (OTHER, TENANT), PACE, 0.01), Wait)
    gone = [call for tick in range(1, 9) for call, answer in pacer.due(tick / 10) if answer is GO]
    assert gone.index("b0") <= 1
    assert [call for call in gone if call[0] == "a"] == [f"a{number}" for number in range(7)]


def test_a_trunk_held_up_by_its_own_rate_holds_up_nobody_else() -> None:
    pacer = Pacer(Limits())
    slow = Limit("trunk a", cps=2.0)
    for number in range(2):
        assert pacer.ask(f"s{number}", "tenant t", "a", (slow, TENANT), PACE, 0.0) is GO
    assert isinstance(pacer.ask("a", "tenant t", "a", (slow, TENANT), PACE, 0.0), Wait)
    assert pacer.ask("b", "tenant t", "b", (OTHER, TENANT), PACE, 0.0) is GO


def test_weights_part_a_rate() -> None:
    pacer = Pacer(Limits())
    rate = Limit("tenant t", cps=100.0)
    for number in range(100):
        pacer.ask(f"burst {number}", "tenant t", "x", (rate,), PACE, 0.0)
    gone: list[str] = []
    for tick in range(1000):
        now = tick / 200
        for flow, weight in (("a", 3.0), ("b", 1.0)):
            pacer.ask(f"{flow}{tick}", "tenant t", flow, (rate,), Pace(0.5, 20, weight), now)
        gone += [call[0] for call, answer in pacer.due(now) if answer is GO]
    assert 2.6 < gone.count("a") / gone.count("b") < 3.4


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_call_waits_too_long_no_rate_is_exceeded_and_nobody_is_forgotten(draw: random.Random) -> None:
    limits = Limits()
    pacer = Pacer(limits)
    tenant = Limit("tenant t", cps=draw.choice((5.0, 12.5, 20.0)))
    trunks = {name: Limit(f"trunk {name}", cps=draw.choice((0.0, 4.0, 10.0))) for name in "abc"}
    asked: dict[str, float] = {}
    fates: dict[str, float | None] = {}
    gone: list[tuple[float, str]] = []
    now = 0.0
    for number in range(draw.randrange(20, 120)):
        now += draw.expovariate(25.0)
        while (timer := pacer.timer()) is not None and timer <= now:
            at = max(timer, max(asked.values(), default=0.0))
            for call, answer in pacer.due(at):
                assert call not in fates
                assert at <= asked[call] + 0.5 + 1e-6
                fates[call] = at if answer is GO else None
                if answer is GO:
                    gone.append((at, call[0]))
        if draw.random() < 0.1 and asked:
            left = draw.choice(list(asked))
            if left not in fates:
                pacer.leave(left)
                fates[left] = None
        name = draw.choice("aab c".replace(" ", ""))
        call = f"{name}{number}"
        asked[call] = now
        answer = pacer.ask(call, "tenant t", name, (trunks[name], tenant), Pace(0.5, 8), now)
        if isinstance(answer, Go):
            fates[call] = now
            gone.append((now, name))
        elif isinstance(answer, Full):
            fates[call] = None
    for call, answer in pacer.due(now + 10):
        fates[call] = now + 10 if answer is GO else None
    while len(pacer):
        for call, _ in pacer.due(now := now + 1):
            fates[call] = None
    assert set(fates) == set(asked)
    for begin, _ in gone:
        within = [flow for at, flow in gone if begin <= at < begin + 1.0 - 1e-6]
        assert len(within) <= 2 * tenant.cps, "a second's worth at once, and a second's worth after it"
        for name, trunk in trunks.items():
            assert not trunk.cps or within.count(name) <= 2 * trunk.cps


# Guaranteed channels.


def take(limits: Limits, trunk: str, channels: int = 0) -> bool:
    return limits.take((Limit(f"trunk {trunk}", channels), Limit("tenant t", 10)), 0.0) is None


def test_what_is_promised_is_kept_free_and_the_rest_is_for_whoever_comes() -> None:
    limits = Limits()
    limits.guarantee({"trunk a": Share("tenant t", 4)})
    assert [take(limits, "b") for _ in range(7)] == [True] * 6 + [False]
    assert [take(limits, "a") for _ in range(5)] == [True] * 4 + [False]
    limits.give("trunk a", "tenant t")
    assert not take(limits, "b"), "the channel it gave back is its own again"
    limits.give("trunk b", "tenant t")
    assert take(limits, "b")


def test_beyond_its_promise_a_name_takes_what_is_free() -> None:
    limits = Limits()
    limits.guarantee({"trunk a": Share("tenant t", 2), "trunk b": Share("tenant t", 3)})
    assert [take(limits, "a") for _ in range(8)] == [True] * 7 + [False]
    assert [take(limits, "b") for _ in range(4)] == [True] * 3 + [False]


def test_a_policy_that_promises_later_counts_the_calls_that_are_up() -> None:
    limits = Limits()
    for _ in range(5):
        take(limits, "a")
    limits.guarantee({"trunk a": Share("tenant t", 6)})
    assert [take(limits, "b") for _ in range(5)] == [True] * 4 + [False]
    limits.guarantee({})
    assert take(limits, "b")


@settings(max_examples=200, deadline=None)
@given(st.randoms(use_true_random=False))
def test_a_promise_is_always_kept(draw: random.Random) -> None:
    limits = Limits()
    shares = {"a": draw.randrange(0, 5), "b": draw.randrange(0, 5)}
    limits.guarantee({f"trunk {name}": Share("tenant t", channels) for name, channels in shares.items() if channels})
    up: list[str] = []
    for _ in range(draw.randrange(0, 80)):
        if up and draw.random() < 0.45:
            gone = up.pop(draw.randrange(len(up)))
            limits.give(f"trunk {gone}", "tenant t")
        else:
            name = draw.choice("abc")
            taken = take(limits, name)
            assert taken or up.count(name) >= shares.get(name, 0), "refused below its promise"
            up += [name] * taken
        kept = sum(max(0, channels - up.count(name)) for name, channels in shares.items())
        assert len(up) + kept <= 10
