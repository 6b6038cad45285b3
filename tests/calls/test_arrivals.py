"""What calls that wait cost those that do not: a turn of the loop looks at none of them before its time."""

import time

from tests.decide.stage import START_S, Stage
from trunkline.decide import CallRequest, Decisions
from trunkline.decide.plan import Verdict

POLICY = """
tenants: {acme: {}}
trunks:
  vici: {tenant: acme, addresses: [10.0.0.1], pacing: {wait: 5s, queue: 1000}, number_plan: {country_code: "1", min_digits: 3}}
carriers:
  a: {cps: %d, gateways: {g: {host: "10.1.0.1", options: 0}}}
destinations:
  us: {prefixes: ["1"], routes: [{to: a}]}
"""


class Counted(dict[str, object]):
    """A dict that knows how often all of it was gone through."""

    walks = 0

    def values(self):  # type: ignore[no-untyped-def]
        Counted.walks += 1
        return super().values()


class Listening:
    """A decider, and when it is asked for which call."""

    def __init__(self, decider: Decisions, asked: list[tuple[float, str]]) -> None:
        self.decider, self.asked = decider, asked

    def decide(self, request: CallRequest, now: float) -> Verdict:
        self.asked.append((round(now - START_S, 1), request.call))
        return self.decider.decide(request, now)

    def __getattr__(self, name: str) -> object:
        return getattr(self.decider, name)


def test_a_turn_goes_through_none_of_a_thousand_waiting_calls() -> None:
    on = Stage(POLICY % 250)
    for i in range(1250):
        on.invite(f"1415{5550000 + i}")
    arrivals = on.core.board.arrivals
    assert len(arrivals.waiting) == 1000
    on.run(0.02)
    left = len(arrivals.waiting)
    assert left > 950
    arrivals.waiting = Counted(arrivals.waiting)  # type: ignore[assignment]
    begun, turns = time.perf_counter(), 1000
    for _ in range(turns):
        arrivals.turn(on.now)
    each_s = (time.perf_counter() - begun) / turns
    print(f"{each_s * 1e6:.1f} us a turn with {left} calls waiting")
    assert Counted.walks == 0
    assert len(arrivals.waiting) == left
    on.run(4.3)
    assert len(on.invites()) == 1250
    on.check_clean()
    assert not arrivals._until


def test_calls_whose_time_is_up_are_decided_on_in_the_order_of_their_times_and_an_old_entry_wakes_nobody() -> None:
    on = Stage(POLICY % 1)
    calls = [on.invite(f"1415555{1000 + i}") for i in range(4)]
    asked: list[tuple[float, str]] = []
    on.core.board.decider = Listening(on.core.decisions, asked)  # type: ignore[assignment]
    on.cancel(calls[2], number="14155551002")
    on.run(6.0)
    waited = [parked.call for parked in on.parked()]
    assert asked == [(1.0, waited[0]), (2.0, waited[2])]
    assert not on.core.board.arrivals._until
    on.check_clean()
