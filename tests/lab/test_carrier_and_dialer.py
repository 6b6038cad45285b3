"""A carrier and a dialer against each other: on the virtual clock, and once over sockets."""

import asyncio
from collections.abc import Callable
from random import Random

import msgspec
import pytest

from trunkline.lab.carrier import Carrier
from trunkline.lab.dialer import Dialer
from trunkline.lab.run import free_port, open_carrier, open_dialer
from trunkline.lab.scenario import CarrierBehaviour, DialerBehaviour, Failure
from trunkline.sip.endpoint import Endpoint
from trunkline.sip.flow import Door, Flow

ANSWERS = CarrierBehaviour(answer_share=1.0, hangs_up_share=0.0)
THREE = DialerBehaviour(calls=3, rate=10, ring_limit_s=5, talk_limit_s=4)


class Wire:
    """Both parties on a wire without delay, and a clock that jumps to the next timer."""

    def __init__(self, carrier: CarrierBehaviour, dialer: DialerBehaviour = THREE) -> None:
        doors = Door("carrier", "udp", "127.0.0.1", 5070), Door("dialer", "udp", "127.0.0.1", 5060)
        self.carrier = Carrier("carrier", Endpoint(Random(1)), carrier, Random(2))
        self.dialer = Dialer(Endpoint(Random(3)), Flow(doors[1], ("127.0.0.1", 5070)), dialer, Random(4))
        self.far: dict[int, tuple[Carrier | Dialer, Flow]] = {5070: (self.carrier, Flow(doors[0], ("127.0.0.1", 5060))), 5060: (self.dialer, Flow(doors[1], ("127.0.0.1", 5070)))}
        self.now = 0.0
        self.sent: list[bytes] = []
        "Every datagram, in order."

    def play(self, until: float = 60.0) -> None:
        """Let the dialer dial, until this time (seconds)."""
        self.dialer.start(self.now)
        while (due := self._next()) is not None and due <= until:
            self.now = max(due, self.now)
            for party, _ in self.far.values():
                party.endpoint.handle_timer(self.now)
                party.handle_events(self.now)
            self._deliver()

    def _next(self) -> float | None:
        return min((due for party, _ in self.far.values() if (due := party.endpoint.get_timer()) is not None), default=None)

    def _deliver(self) -> None:
        while sent := [each for party, _ in self.far.values() for each in party.endpoint.datagrams_to_send()]:
            for flow, data in sent:
                self.sent.append(data)
                party, back = self.far[flow.address[1]]
                party.endpoint.receive(data, back, self.now)
                party.handle_events(self.now)

    def count(self, start: str) -> int:
        return sum(data.startswith(start.encode()) for data in self.sent)


def test_answered_calls_are_acknowledged_and_hung_up_by_the_dialer() -> None:
    wire = Wire(ANSWERS)
    wire.play()
    assert wire.dialer.done
    assert wire.dialer.told == {200: 3}
    assert wire.carrier.counts == {"invites": 3, "answered": 3}
    assert not wire.carrier.calls
    assert wire.count("ACK ") == wire.count("BYE ") == 3


def test_a_carrier_that_hangs_up_ends_the_call_on_both_sides() -> None:
    wire = Wire(msgspec.structs.replace(ANSWERS, hangs_up_share=1.0, talk_s=(0.1, 0.5)), msgspec.structs.replace(THREE, talk_limit_s=30))
    wire.play()
    assert wire.dialer.done
    assert wire.dialer.counts["callee hung up"] == wire.carrier.counts["hung up"] == 3
    assert wire.dialer.up == 0


def test_a_failure_carries_its_reason_and_retry_after() -> None:
    failure = Failure(share=1.0, status=503, reason="Q.850;cause=34", retry_after=7)
    wire = Wire(CarrierBehaviour(failures=(failure,)))
    wire.play()
    refusals = [data for data in wire.sent if data.startswith(b"SIP/2.0 503 Service Unavailable")]
    assert len(refusals) == 3
    assert all(b"\r\nReason: Q.850;cause=34\r\n" in data and b"\r\nRetry-After: 7\r\n" in data for data in refusals)
    assert wire.dialer.told == {503: 3}
    assert wire.carrier.counts["refused 503"] == 3


def test_a_call_that_rings_too_long_is_cancelled() -> None:
    wire = Wire(CarrierBehaviour(answer_share=0.0))
    wire.play()
    assert wire.dialer.told == {487: 3}
    assert wire.dialer.counts["cancelled"] == wire.carrier.counts["cancelled"] == wire.count("CANCEL ") == 3
    assert not wire.carrier.calls


def test_a_silent_carrier_leaves_the_dialer_to_its_timeout() -> None:
    wire = Wire(CarrierBehaviour(silence_share=1.0))
    wire.play()
    assert wire.dialer.told == {408: 3}
    assert wire.carrier.counts == {"invites": 3, "silent": 3}
    assert wire.count("SIP/2.0") == 0


def test_a_silent_carrier_forgets_the_invite_when_its_caller_has_given_up() -> None:
    wire = Wire(CarrierBehaviour(silence_share=1.0))
    wire.play(31)
    assert len(wire.carrier.endpoint.open_transactions()) == 3
    wire.play(70)
    assert wire.carrier.endpoint.open_transactions() == []
    assert wire.count("SIP/2.0") == 0


def test_a_call_is_up_at_the_dialer_until_its_bye_is_answered() -> None:
    wire = Wire(ANSWERS, msgspec.structs.replace(THREE, calls=1))
    wire.dialer.start(0.0)
    while wire.dialer.counts["hung up"] == 0:
        due = wire._next()
        assert due is not None
        wire.now = due
        for party, _ in wire.far.values():
            party.endpoint.handle_timer(wire.now)
            party.handle_events(wire.now)
        if wire.dialer.counts["hung up"] == 0:
            wire._deliver()
    assert (wire.dialer.up, wire.dialer.done) == (1, False)
    wire._deliver()
    assert (wire.dialer.up, wire.dialer.done) == (0, True)
    assert wire.dialer.counts == {"hung up": 1}


def test_a_bye_for_a_call_that_the_far_side_does_not_know_is_counted() -> None:
    wire = Wire(ANSWERS)
    wire.play(2.1)
    wire.carrier.calls.clear()
    wire.play()
    assert wire.dialer.done
    assert wire.dialer.counts["bye refused 481"] == 3


@pytest.mark.parametrize(
    ("early_media", "shown"),
    [("180", (0, 3)), ("183", (3, 3)), ("183+sdp", (3, 3)), ("183+sdp only", (3, 0)), ("none", (0, 0))],
)
def test_early_media_decides_which_18x_comes_before_the_answer(early_media: str, shown: tuple[int, int]) -> None:
    wire = Wire(msgspec.structs.replace(ANSWERS, early_media=early_media))
    wire.play()
    assert (wire.count("SIP/2.0 183"), wire.count("SIP/2.0 180")) == shown
    assert wire.dialer.told == {200: 3}


def test_the_same_seed_plays_the_same_calls() -> None:
    mixed = CarrierBehaviour(answer_share=0.5, failures=(Failure(share=0.3, status=486),))
    wires = [Wire(mixed, msgspec.structs.replace(THREE, calls=40)) for _ in range(2)]
    for wire in wires:
        wire.play()
    assert wires[0].sent == wires[1].sent
    assert len(wires[0].dialer.told) == 3


@pytest.mark.sockets
def test_a_carrier_and_a_dialer_meet_over_sockets() -> None:
    async def meet() -> tuple[Carrier, Dialer]:
        port = free_port()
        quick = msgspec.structs.replace(ANSWERS, setup_ms=(20, 40), ring_s=(0.02, 0.1))
        carrier, far = await open_carrier("carrier", quick, port, 1)
        dialer, near = await open_dialer(DialerBehaviour(calls=20, rate=100, talk_limit_s=0.2), ("127.0.0.1", port), 2)
        over = asyncio.Event()

        def watched(party: Carrier | Dialer) -> Callable[[float], None]:
            def work(now: float) -> None:
                party.handle_events(now)
                if dialer.done and not carrier.calls:
                    over.set()

            return work

        near.work, far.work = watched(dialer), watched(carrier)
        dialer.start(near.now())
        near.turn(near.now())
        try:
            await asyncio.wait_for(over.wait(), 30)
        finally:
            await near.close()
            await far.close()
        return carrier, dialer

    carrier, dialer = asyncio.run(meet())
    assert dialer.told == {200: 20}
    assert carrier.counts == {"invites": 20, "answered": 20}
