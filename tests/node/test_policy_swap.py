"""A policy of thousands of destinations comes into force in small steps, and nothing of the one before is kept."""

import gc
from collections.abc import Callable, Iterator
from random import Random
from time import thread_time_ns

import pytest

from trunkline.decide.places import StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Fact, PolicyApplied
from trunkline.node.core import Core
from trunkline.policy import Snapshot, encode, load_policy
from trunkline.policy.wire import decoding, discarding

DESTINATIONS, ROUTES = 1500, 4
HELD_MS = 5.0
"CPU time the loop may be held in one step."


def compiled(rate: float) -> bytes:
    text = "carriers:\n" + "".join(f"  c{n}: {{gateways: {{g: {{host: 192.0.2.{n + 1}}}}}}}\n" for n in range(ROUTES)) + "destinations:\n"
    routes = ", ".join(f"{{to: c{n}, rate: {rate + n / 1000}}}" for n in range(ROUTES))
    text += "".join(f'  d{n}: {{prefixes: ["{10000 + n}"], strategy: performance, scoring: {{memory: {n + 600}s}}, routes: [{routes}]}}\n' for n in range(DESTINATIONS))
    found = load_policy(text)
    assert isinstance(found, Snapshot), found
    return encode(found)


def taken(steps: Iterator[None], longest: list[float]) -> object:
    """What a generator returns; `longest` gets the milliseconds of each step."""
    while True:
        began = thread_time_ns()
        try:
            next(steps)
        except StopIteration as done:
            return done.value
        finally:
            longest.append((thread_time_ns() - began) / 1e6)
        gc.freeze()


def timed(work: Callable[[], object], longest: list[float]) -> None:
    began = thread_time_ns()
    work()
    longest.append((thread_time_ns() - began) / 1e6)


def swap(core: Core, data: bytes, now: float) -> list[float]:
    longest: list[float] = []
    policy = taken(decoding(data), longest)
    assert isinstance(policy, Snapshot)
    before = core.decisions.policy
    timed(lambda: core.apply_policy(policy, "test", "swap", now), longest)
    gone = discarding(before)
    del before
    taken(gone, longest)
    while core.decisions.router._outdated:
        timed(lambda: core.decisions.refresh(now), longest)
    return longest


def ask_every_price(core: Core) -> None:
    for destination in core.decisions.policy.destinations.values():
        for route in destination.routes:
            assert core.decisions.router.price(destination.name, route.gateways[0]) is not None


def core_of(data: bytes, facts: list[Fact]) -> Core:
    policy = taken(decoding(data), [])
    assert isinstance(policy, Snapshot)
    return Core(policy, StaticPlaces({}), facts.append, Clock.system(), Random(1))


def test_no_step_of_a_swap_holds_the_loop() -> None:
    """The best of a few swaps: others use this machine too."""
    cheap, dear = compiled(0.01), compiled(0.02)
    core = core_of(cheap, [])
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        found = []
        for number in range(4):
            ask_every_price(core)
            found.append(max(swap(core, (dear, cheap)[number % 2], float(number))))
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
    assert min(found) < HELD_MS, found


def test_prices_and_memory_are_those_of_the_policy_in_force() -> None:
    facts: list[Fact] = []
    core = core_of(compiled(0.01), facts)
    router = core.decisions.router
    price = router.price("d7", "c2/g")
    assert price is not None
    assert price.per_minute == 0.012
    counted = router.scoreboard._cell("d7", "c2").slow
    counted.load(1.0, [1.0] * len(counted.sums))
    assert counted.read(608.0)[0] == pytest.approx(0.5), "a call counts half after the destination's own memory"
    first = core.decisions.policy.version
    swap(core, compiled(0.02), 1.0)
    price = router.price("d7", "c2/g")
    assert price is not None
    assert price.per_minute == 0.022
    assert router.price("d7", "c9/g") is None
    assert router.price("nowhere", "c2/g") is None
    assert not router._outdated, "what was made for the policy before is gone"
    (applied,) = [fact for fact in facts if isinstance(fact, PolicyApplied)]
    assert (applied.version, applied.before) == (core.decisions.policy.version, first)
    assert core.policies.applied == [applied]


def test_what_calls_went_by_is_drawn_for_the_new_policy_before_the_next_call_asks() -> None:
    core = core_of(compiled(0.01), [])
    router, at = core.decisions.router, core.clock.utc_us(1.0) / 1e6

    def asked() -> None:
        for name in ("d1", "d2"):
            router.choose(core.decisions.policy, core.decisions.policy.destinations[name], "", 1.0, at)

    asked()
    while router.refresh(at):
        pass
    swap(core, compiled(0.02), 1.0)
    while router.refresh(at):
        pass
    drawn = dict(router._tables)
    assert {segment[0] for segment in drawn} == {"d1", "d2"}
    assert not [table for table in drawn.values() if table.cold]
    asked()
    assert dict(router._tables) == drawn, "no call had to draw"
