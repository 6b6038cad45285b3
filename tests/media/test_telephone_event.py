import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.media.rtp import Malformed
from trunkline.media.telephone_event import (
    DIGITS,
    LOST_END_S,
    Digit,
    DigitReceiver,
    DigitStarted,
    Event,
    EventPacket,
    Press,
    event_packets,
    parse_event,
)


def play(packets: list[EventPacket], receiver: DigitReceiver, timestamp: int = 1000, start: float = 0.0) -> list[Press]:
    told: list[Press] = []
    for packet in packets:
        event = parse_event(packet.event.encode())
        assert isinstance(event, Event)
        told += receiver.receive(event, (timestamp + packet.timestamp_offset) & 0xFFFF_FFFF, start + packet.at)
    return told


def digits(told: list[Press]) -> str:
    return "".join(one.digit for one in told if isinstance(one, Digit))


def test_a_payload_by_the_figure_of_rfc_4733_section_2_3() -> None:
    assert parse_event(b"\x0b\x8a\x03\x20") == Event(11, True, -10, 800)
    assert Event(11, True, -10, 800).encode() == b"\x0b\x8a\x03\x20"
    assert parse_event(b"\x0b\x4a\x03\x20") == Event(11, False, -10, 800), "the reserved bit is ignored"


def test_what_is_not_whole_words_is_a_fault() -> None:
    for payload in (b"", b"\1\2\3", b"\1\2\3\4\5"):
        assert parse_event(payload) == Malformed("telephone event is not whole words")


def test_the_packets_of_a_press_of_100_ms() -> None:
    packets = event_packets("5", 0.1)
    assert [(packet.event.duration, packet.event.end, packet.marker) for packet in packets] == [
        (160, False, True),
        (320, False, False),
        (480, False, False),
        (640, False, False),
        (800, True, False),
        (800, True, False),
        (800, True, False),
    ]
    assert [round(packet.at, 3) for packet in packets] == [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14]
    assert {packet.event.event for packet in packets} == {5}


def test_intervals_of_50_ms_and_other_clocks() -> None:
    assert [packet.event.duration for packet in event_packets("#", 0.12, interval_s=0.05)] == [400, 800, 960, 960, 960]
    assert [packet.event.duration for packet in event_packets("a", 0.1, clock_rate=48_000)][:2] == [960, 1920]
    assert event_packets("1", 0.001)[-1].event.duration == 320, "40 ms at least"


def test_a_digit_unknown_is_a_bug_of_ours() -> None:
    for digit in ("", "E", "12", "f"):
        with pytest.raises(ValueError, match="not a digit"):
            event_packets(digit, 0.1)


def test_one_press_is_one_digit_with_its_duration() -> None:
    told = play(event_packets("7", 0.1), DigitReceiver())
    assert told == [DigitStarted("7", 1000), Digit("7", 0.1, 1000, end_seen=True)]


def test_the_same_digit_twice_is_two_presses() -> None:
    receiver = DigitReceiver()
    told = play(event_packets("1", 0.1), receiver) + play(event_packets("1", 0.1), receiver, 3000, 0.3)
    assert digits(told) == "11"


def test_a_lost_end_is_told_by_silence_or_by_the_next_press() -> None:
    packets = event_packets("1", 0.1)[:4]
    receiver = DigitReceiver()
    assert digits(play(packets, receiver)) == ""
    assert receiver.deadline == pytest.approx(0.08 + LOST_END_S)
    assert receiver.time_passed(0.2) is None
    assert receiver.time_passed(0.24) == Digit("1", 0.08, 1000, end_seen=False)
    assert receiver.deadline is None
    assert receiver.time_passed(9.0) is None
    assert play(event_packets("1", 0.1)[4:], receiver, 1000, 0.25) == [], "an end that comes after all is no second press"
    told = play(packets, receiver, 5000, 1.0) + play(event_packets("2", 0.1), receiver, 7000, 1.2)
    assert [(one.digit, one.end_seen) for one in told if isinstance(one, Digit)] == [("1", False), ("2", True)]


def test_a_press_longer_than_a_segment_is_one_digit() -> None:
    packets = event_packets("9", 20.0)
    assert {packet.timestamp_offset for packet in packets} == {0, 65_535, 131_070}
    assert max(packet.event.duration for packet in packets) == 65_535
    assert not any(packet.event.end for packet in packets[:-3])
    told = play(packets, DigitReceiver(), 0xFFFF_0000)
    assert [one.duration_s for one in told if isinstance(one, Digit)] == [20.0]


def test_stragglers_of_a_press_that_is_over_tell_nothing() -> None:
    receiver = DigitReceiver()
    first, second = event_packets("1", 0.1), event_packets("2", 0.1)
    play(first, receiver)
    assert digits(play(second, receiver, 3000, 0.3)) == "2"
    assert play(first, receiver, 1000, 0.5) == []


def test_flash_and_other_events_are_no_digits() -> None:
    assert DigitReceiver().receive(Event(16, True, -10, 800), 0, 0.0) == []


@given(st.text(DIGITS, min_size=1, max_size=8), st.integers(0, 0xFFFF_FFFF), st.data())
def test_any_loss_that_leaves_a_packet_and_any_repeats_leave_exactly_one_digit_per_press(dialled: str, timestamp: int, data: st.DataObject) -> None:
    receiver = DigitReceiver()
    told: list[Press] = []
    for number, digit in enumerate(dialled):
        packets = event_packets(digit, data.draw(st.sampled_from([0.04, 0.1, 0.25])))
        kept = sorted(data.draw(st.lists(st.integers(0, len(packets) - 1), min_size=1, max_size=12)))
        told += play([packets[index] for index in kept], receiver, (timestamp + 4000 * number) & 0xFFFF_FFFF, 0.5 * number)
        ended = receiver.time_passed(0.5 * number + 0.49)
        told += [ended] if ended else []
    assert digits(told) == dialled
    assert "".join(one.digit for one in told if isinstance(one, DigitStarted)) == dialled


@given(st.lists(st.tuples(st.binary(max_size=8), st.integers(0, 0xFFFF_FFFF)), max_size=40))
def test_any_payload_is_an_event_or_a_fault(packets: list[tuple[bytes, int]]) -> None:
    receiver = DigitReceiver()
    started = ended = 0
    for at, (payload, timestamp) in enumerate(packets):
        event = parse_event(payload)
        assert isinstance(event, Event | Malformed)
        if isinstance(event, Event):
            told = receiver.receive(event, timestamp, at * 0.02)
            started += sum(isinstance(one, DigitStarted) for one in told)
            ended += sum(isinstance(one, Digit) for one in told)
    ended += receiver.time_passed(99.0) is not None
    assert started == ended
