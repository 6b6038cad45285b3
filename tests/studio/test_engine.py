"""The studio's half in signalling, without its workers: ports, what workers are told, and what signalling hears."""

from typing import TypeVar

import msgspec
import pytest

from trunkline.listen import Hearing, Kind
from trunkline.media.leases import RETRY_S, Lease, Leased, Unleased
from trunkline.media.messages import WorkerDown, WorkerUp
from trunkline.studio import Heard, Recorded, Studio, StudioLost, StudioSettings
from trunkline.studio.protocol import KINDS, Answered, Configure, Finish, Forget, Message, Open, Pause, Record, decode, encode

Wanted = TypeVar("Wanted", bound=msgspec.Struct)
PCMU = {0: "PCMU"}


def said(studio: Studio, kind: type[Wanted]) -> list[tuple[int, Wanted]]:
    """Everything the studio has to say, and of that the messages of one kind, with the worker's number."""
    found: list[tuple[int, Wanted]] = []
    while (data := studio.data_to_send()) is not None:
        message = decode(data[2:])
        assert message is not None
        if isinstance(message, kind):
            found.append((int.from_bytes(data[:2]), message))
    return found


def tell(studio: Studio, worker: int, message: Message, now: float = 0.0) -> None:
    studio.receive_data(worker.to_bytes(2) + encode(message), now)


def supply(studio: Studio, first: int = 1000) -> None:
    """Workers bind what they are asked for, port upon port."""
    for number, wish in said(studio, Lease):
        tell(studio, number, Leased(wish.address, tuple(range(first * (number + 1), first * (number + 1) + wish.count))))


def running(workers: int = 1, lines: int = 10, ahead: int = 8) -> Studio:
    studio = Studio(StudioSettings(workers=workers, lines=lines, leased_ahead=ahead))
    for number in range(workers):
        tell(studio, number, WorkerUp())
    supply(studio)
    return studio


def test_a_worker_is_configured_and_asked_for_ports_as_it_comes_up() -> None:
    studio = Studio(StudioSettings(lines=77, leased_ahead=8))
    assert studio.listen("c", 1, 0.0, formats=PCMU) is None
    tell(studio, 0, WorkerUp())
    data = [decode(one[2:]) for one in iter(studio.data_to_send, None)]
    assert data == [Configure(77, 200), Lease("127.0.0.1", 8)]


def test_a_leg_is_answered_from_memory_and_told_to_its_worker() -> None:
    studio = running()
    address = studio.listen("c", 1, 5.0, formats={0: "PCMU", 101: "telephone-event"}, country="de")
    assert address == ("127.0.0.1", 1000)
    assert said(studio, Open) == [(0, Open("c", 1, 1000, 5.0, {0: "PCMU", 101: "telephone-event"}, True, "de"))]
    studio.answered("c", 1, 7.5, True, 12.0)
    assert said(studio, Answered) == [(0, Answered("c", 1, 12.0, 7.5, True))]


def test_a_leg_answered_at_once_is_told_so_in_order() -> None:
    studio = running()
    studio.listen("c", 1, 5.0, formats=PCMU, answered=True, ring_time_s=None)
    kinds = [type(decode(one[2:])) for one in iter(studio.data_to_send, None)]
    assert kinds == [Open, Answered]


def test_a_leg_described_again_keeps_its_port() -> None:
    studio = running()
    tapped = studio.tap("c", 0, 1.0, formats=PCMU)
    again = studio.listen("c", 0, 2.0, formats={8: "PCMA"})
    assert again == tapped
    assert [one.hears for _, one in said(studio, Open)] == [False, True]


def test_ports_are_asked_for_ahead_and_a_refusal_is_repeated_by_the_timer() -> None:
    studio = running(ahead=8)
    for leg in range(5):
        assert studio.tap(f"c{leg}", 0, 1.0, formats=PCMU) is not None
    assert said(studio, Lease) == [(0, Lease("127.0.0.1", 5))]
    tell(studio, 0, Unleased("127.0.0.1", 5, "no"), now=2.0)
    assert studio.get_timer() == 2.0 + RETRY_S
    studio.handle_timer(3.0)
    assert said(studio, Lease) == [(0, Lease("127.0.0.1", 5))]
    assert studio.get_timer() is None


def test_a_studio_that_is_full_hears_no_more_until_something_ends() -> None:
    studio = running(lines=4, ahead=8)
    for call in ("a", "b"):
        for leg in (0, 1):
            assert studio.listen(call, leg, 1.0, formats=PCMU)
    assert studio.listen("c", 1, 1.0, formats=PCMU) is None
    assert studio.listen("a", 2, 1.0, formats=PCMU) is None
    studio.forget("a", -1, 2.0)
    assert studio.listen("c", 1, 3.0, formats=PCMU)


def test_all_of_a_call_is_in_one_worker_and_calls_are_spread() -> None:
    studio = running(workers=2, ahead=16)
    for call in "abcd":
        studio.listen(call, 1, 1.0, formats=PCMU)
        studio.tap(call, 0, 1.0, formats=PCMU)
    workers = [studio.worker_of(call) for call in "abcd"]
    assert sorted(workers) == [0, 0, 1, 1]
    by_call: dict[str, set[int]] = {}
    for number, one in said(studio, Open):
        by_call.setdefault(one.call, set()).add(number)
    assert all(len(numbers) == 1 for numbers in by_call.values())


def test_what_was_heard_is_handed_on_but_not_of_legs_that_are_over() -> None:
    studio = running()
    studio.listen("c", 1, 1.0, formats=PCMU)
    hearing = Hearing(1, Kind.RINGBACK, 0.5, None, 2.5, features={"level_dbm0": -20.0})
    tell(studio, 0, Heard("c", 1, hearing))
    assert studio.next_event() == Heard("c", 1, hearing)
    tell(studio, 0, Heard("c", 2, hearing))
    studio.forget("c", 1, 4.0)
    tell(studio, 0, Heard("c", 1, hearing))
    assert studio.next_event() is None
    assert studio.garbage == 0


def test_a_recording_joins_two_legs_that_are_there() -> None:
    studio = running()
    studio.listen("c", 1, 1.0, formats=PCMU)
    assert not studio.record("c", (0, 1), "/r.wav", 2.0)
    assert not studio.record("unknown", (0, 1), "/r.wav", 2.0)
    studio.tap("c", 0, 1.0, formats=PCMU)
    studio.pause("c", 2.0)
    assert studio.record("c", (0, 1), "/r.wav", 2.0)
    assert not studio.record("c", (0, 1), "/other.wav", 2.0)
    studio.pause("c", 3.0)
    studio.resume("c", 4.0)
    studio.tap("c", 2, 5.0, formats=PCMU)
    assert studio.record("c", (0, 2), "/r.wav", 5.0), "a transfer"
    studio.finish("c", 6.0)
    told = [decode(one[2:]) for one in iter(studio.data_to_send, None)]
    assert [one for one in told if not isinstance(one, Open | Lease)] == [
        Record("c", (0, 1), "/r.wav"), Pause("c", True), Pause("c", False), Record("c", (0, 2), "/r.wav"), Finish("c"),
    ]  # fmt: skip
    tell(studio, 0, Recorded("c", "/r.wav", 4.0, 128_044))
    assert studio.next_event() == Recorded("c", "/r.wav", 4.0, 128_044)
    assert studio.record("c", (0, 1), "/second.wav", 7.0)


def test_the_end_of_a_recording_is_told_after_its_call() -> None:
    studio = running()
    studio.listen("c", 1, 1.0, formats=PCMU)
    assert studio.record("c", (1, 1), "/r.wav", 2.0)
    studio.forget("c", -1, 3.0)
    assert said(studio, Forget) == [(0, Forget("c", -1))]
    assert studio.worker_of("c") == 0, "until its file is complete"
    assert studio.recordings() == 1
    tell(studio, 0, Recorded("c", "/r.wav", 1.0, 32_044))
    assert isinstance(studio.next_event(), Recorded)
    assert studio.worker_of("c") is None
    assert studio.recordings() == 0


def test_a_dead_worker_loses_its_calls_and_another_takes_new_ones() -> None:
    studio = running(workers=2, ahead=16)
    for call in "abcd":
        studio.listen(call, 1, 1.0, formats=PCMU)
    studio.record("a", (1, 1), "/a.wav", 1.0)
    number = studio.worker_of("a")
    assert number is not None
    lost = tuple(call for call in "abcd" if studio.worker_of(call) == number)
    tell(studio, number, WorkerDown())
    assert studio.next_event() == StudioLost(lost, ("/a.wav",))
    assert studio.next_event() is None
    studio.answered("a", 1, None, False, 2.0)
    studio.forget("a", 1, 2.0)
    assert {one for one, _ in said(studio, Forget)} == set()
    assert studio.listen("e", 1, 3.0, formats=PCMU)
    assert studio.worker_of("e") == 1 - number
    tell(studio, 1 - number, WorkerDown())
    assert isinstance(studio.next_event(), StudioLost)
    assert studio.listen("f", 1, 4.0, formats=PCMU) is None
    tell(studio, 0, WorkerUp())
    supply(studio)
    assert studio.listen("f", 1, 5.0, formats=PCMU)


def test_a_worker_that_dies_idle_loses_nothing() -> None:
    studio = running()
    tell(studio, 0, WorkerDown())
    assert studio.next_event() is None


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00\x00", b"\x00\x00\xff", b"\x00\x00\x08\xc1", b"\x00\x05" + encode(Leased("x", (1,)))])
def test_garbage_from_a_link_is_counted(data: bytes) -> None:
    studio = running()
    studio.receive_data(data, 1.0)
    assert studio.garbage == 1


def test_every_message_survives_the_link() -> None:
    hearing = Hearing(1, Kind.SIT, 0.5, 1.5, 2.5, code="VC", features={"hz": 985.2})
    for message in (Heard("c", 1, hearing), Open("c", 1, 5, 0.1, {0: "PCMU"}, True, "us"), Answered("c", 1, 1.0, None, True), Recorded("c", "f", 1.0, 2, "w")):
        assert decode(encode(message)) == message
    assert len(KINDS) == len(set(KINDS))
