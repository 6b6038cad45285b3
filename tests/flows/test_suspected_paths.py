"""A path by which a call heard nothing is asked by OPTIONS at once, not in its turn: it comes back in use as soon as it works; on a virtual clock."""

from collections.abc import Callable

import pytest

from trunkline.facts.record import GatewayState
from trunkline.node.places import AVOID_S
from trunkline.sip.message import Request

from .test_paths import ISP_1, ISP_2, Lines


class Probed(Lines):
    """Asked in its turn once in five minutes only."""

    def __init__(self, options: str = "300s", **more: str) -> None:
        super().__init__(options, **more)
        self.mute: set[str] = set()
        "Lines that carry OPTIONS and no INVITE."
        self.core.start(self.now)
        self.advance(6.0)

    def _answer(self, request: Request, line: str) -> bytes:
        if line in self.mute and request.method == "INVITE":
            return b"SIP/2.0 200 OK\r\n\r\n"  # nothing a node could take for an answer
        return super()._answer(request, line)

    def probes(self, line: str = ISP_1) -> int:
        return self.asked[line, "OPTIONS"]

    def state(self, line: int = 0) -> str:
        gateway = self.policy.gateways["a/g"]
        return self.places.state(self.places.paths(gateway, self.now)[line], self.now)


def back_within(lines: Lines, seconds: float, state: Callable[[], str]) -> float:
    """How long it takes until calls go by the first line again."""
    for tenth in range(round(seconds * 10) + 1):
        if state() == "up":
            return tenth / 10
        lines.advance(0.1)
    raise AssertionError(f"not within {seconds} s: {state()}")


def test_a_silent_line_is_asked_the_moment_it_failed_a_call_and_the_other_is_not() -> None:
    lines = Probed()
    before = lines.probes(), lines.probes(ISP_2)
    lines.up.discard(ISP_1)
    number = lines.invite()
    lines.advance(1.9)
    assert (lines.probes(), lines.probes(ISP_2)) == before
    lines.advance(0.2)
    assert (lines.probes(), lines.probes(ISP_2)) == (before[0] + 1, before[1])
    assert lines.finish(number) == 200
    assert lines.state() == "avoided"


def test_a_line_that_was_out_for_a_moment_is_back_as_soon_as_it_answers() -> None:
    lines = Probed()
    lines.up.discard(ISP_1)
    lines.call(2.1)
    lines.up.add(ISP_1)
    assert back_within(lines, 1.0, lines.state) <= 0.5, "the OPTIONS is repeated after T1"
    assert lines.call().local == f"{ISP_1}:5080"


def test_a_line_that_was_out_for_twenty_seconds_is_back_within_four() -> None:
    lines = Probed()
    lines.up.discard(ISP_1)
    lines.call(20.0)
    lines.up.add(ISP_1)
    assert back_within(lines, 5.0, lines.state) <= 4.0, "the OPTIONS is repeated every T2"
    assert lines.call().local == f"{ISP_1}:5080"


def test_a_line_whose_datagrams_cannot_leave_is_asked_every_two_seconds() -> None:
    lines = Probed()
    lines.routeless.add(ISP_1)
    assert lines.call(9.0).local == f"{ISP_2}:5080"
    assert lines.state() == "silent", "two could not be sent"
    lines.routeless.clear()
    assert back_within(lines, 3.0, lines.state) <= 2.0
    assert [fact.state for fact in lines.facts if isinstance(fact, GatewayState)] == ["path down", "path up"]
    assert lines.call().local == f"{ISP_1}:5080"
    lines.advance(60.0)
    asked = lines.probes()
    lines.advance(60.0)
    assert lines.probes() == asked, "one that works is asked in its turn only"


def test_a_line_that_stays_without_a_route_is_asked_in_its_turn_after_a_while() -> None:
    lines = Probed()
    lines.routeless.add(ISP_1)
    lines.call()
    lines.advance(AVOID_S)
    failed = [asked.failed for asked in lines.core.prober.probes["a/g"].asked.values()]
    assert max(failed) == AVOID_S / 2 + 1
    lines.advance(60.0)
    assert [asked.failed for asked in lines.core.prober.probes["a/g"].asked.values()] == failed


def test_a_burst_of_calls_that_fail_asks_once() -> None:
    lines = Probed()
    before = lines.probes()
    lines.up.discard(ISP_1)
    numbers = [lines.invite() for _ in range(40)]
    lines.advance(10.0)
    assert lines.probes() == before + 1
    assert {lines.finish(number) for number in numbers} == {200}


def test_a_line_that_carries_options_and_no_calls_is_taken_back_once_and_then_left() -> None:
    lines = Probed()
    lines.mute.add(ISP_1)
    lines.call()
    assert lines.state() == "up", "OPTIONS was answered"
    lines.call()
    assert lines.state() == "avoided", "and calls were not, twice in half a minute"
    lines.call(5.0)
    assert [attempt.local for attempt in lines.attempts()] == [f"{ISP_1}:5080", f"{ISP_2}:5080"] * 2 + [f"{ISP_2}:5080"]
    lines.mute.clear()
    lines.advance(AVOID_S)
    assert lines.call().local == f"{ISP_1}:5080"


def test_a_line_that_refuses_calls_with_503_is_not_asked_for_it() -> None:
    lines = Probed()
    before = lines.probes()
    lines.refusing[ISP_1] = 503
    assert lines.call().local == f"{ISP_2}:5080"
    assert (lines.state(), lines.probes()) == ("avoided", before), "it answers, that is known"


def test_a_gateway_that_is_not_probed_is_not_asked_at_all() -> None:
    lines = Probed(options="0")
    lines.up.discard(ISP_1)
    assert lines.call().local == f"{ISP_2}:5080"
    assert not lines.probes()


@pytest.mark.parametrize("local", ["[isp-1]", "[isp-1, isp-2]"])
def test_a_policy_that_drops_the_path_meanwhile_is_no_trouble(local: str) -> None:
    lines = Probed(local="[isp-1, isp-2]")
    lines.up.discard(ISP_1)
    lines.call(5.0)
    other = Lines("300s", local=local)
    lines.core.apply_policy(other.policy, "test", "", lines.now)
    lines.places.follow(other.policy)
    lines.up.add(ISP_1)
    lines.advance(20.0)
    assert lines.call().local == f"{ISP_1}:5080"
