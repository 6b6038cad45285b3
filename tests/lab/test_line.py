"""One side of a call's audio, on no sockets at all."""

from random import Random

import pytest

from trunkline.lab.line import KEPT, Line
from trunkline.lab.voices import Sound, sound
from trunkline.media.rtp import Packet, parse_rtp
from trunkline.media.telephone_event import event_packets
from trunkline.sip.fault import Fault
from trunkline.sip.flow import Address
from trunkline.sip.sdp import parse_sdp

HERE, THERE = ("127.0.0.1", 4000), ("127.0.0.1", 5000)


class Side:
    """A line and what it sent."""

    def __init__(self, address: Address, codecs: tuple[str, ...] = ("PCMU", "PCMA")) -> None:
        self.address = address
        self.sent: list[tuple[bytes, Address]] = []
        self.line = Line(address, lambda datagram, to: self.sent.append((datagram, to)), lambda: None, Random(address[1]), codecs)

    def packets(self) -> list[Packet]:
        parsed = [parse_rtp(datagram) for datagram, _ in self.sent]
        return [packet for packet in parsed if isinstance(packet, Packet)]

    def ticks(self, count: int) -> None:
        for _ in range(count):
            self.line.tick()


def ringing() -> Sound:
    made = sound("ringback", Random(1))
    assert made is not None
    return made


def agreed(caller_codecs: tuple[str, ...] = ("PCMU", "PCMA"), callee_codecs: tuple[str, ...] = ("PCMU", "PCMA")) -> tuple[Side, Side]:
    caller, callee = Side(HERE, caller_codecs), Side(THERE, callee_codecs)
    body = callee.line.answer(caller.line.offer())
    assert isinstance(body, bytes)
    assert caller.line.accept(body) is None
    return caller, callee


def test_offer_and_answer_tell_each_side_where_to_send_and_in_what() -> None:
    caller, callee = agreed(callee_codecs=("PCMA", "PCMU"))
    assert (caller.line.remote, callee.line.remote) == (THERE, HERE)
    assert caller.line.law.name == callee.line.law.name == "PCMA"
    assert caller.line.payload_type == 8
    assert caller.line.event_type == callee.line.event_type == 101


def test_the_answer_is_one_audio_section_with_telephone_events() -> None:
    body = Side(THERE).line.answer(Side(HERE).line.offer())
    assert isinstance(body, bytes)
    session = parse_sdp(body)
    assert not isinstance(session, Fault)
    assert session.audio is not None
    assert session.audio.port == 5000
    assert session.audio.telephone_event == 101


def test_an_offer_without_g711_is_refused_with_488_and_garbage_with_400() -> None:
    offer = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 9\r\n"
    assert [each.status for each in (Side(THERE).line.answer(offer), Side(THERE).line.answer(b"hello")) if isinstance(each, Fault)] == [488, 400]


def test_nothing_is_sent_before_the_far_side_is_known_and_the_clock_runs_on() -> None:
    caller, callee = Side(HERE), Side(THERE)
    caller.line.play(ringing())
    caller.ticks(10)
    assert caller.sent == []
    body = callee.line.answer(caller.line.offer())
    assert isinstance(body, bytes)
    caller.line.accept(body)
    caller.ticks(5)
    packets = caller.packets()
    assert [to for _, to in caller.sent] == [THERE] * 5
    assert [packet.marker for packet in packets] == [True] + [False] * 4
    assert [packet.timestamp - packets[0].timestamp for packet in packets] == [0, 160, 320, 480, 640]
    assert [packet.sequence - packets[0].sequence for packet in packets] == [0, 1, 2, 3, 4]
    assert packets[0].payload == ringing().coded(caller.line.law)[1600:1760]


def test_a_sound_that_loops_goes_on_and_one_that_does_not_ends_in_silence() -> None:
    caller, _ = agreed()
    ring = ringing()
    frames = ring.samples.size // 160
    caller.line.play(ring)
    caller.ticks(frames + 1)
    packets = caller.packets()
    assert packets[-1].payload == packets[0].payload
    caller.line.play(Sound("once", ring.samples[:1600]))
    caller.ticks(11)
    assert caller.packets()[-1].payload == bytes([caller.line.law.silence]) * 160


def test_no_sound_sends_nothing() -> None:
    caller, _ = agreed()
    caller.line.play(None)
    caller.ticks(5)
    assert caller.sent == []


def test_a_side_on_hold_hears_nothing_until_it_is_resumed() -> None:
    caller, callee = agreed()
    callee.line.play(ringing())
    offer = caller.line.offer()
    held = callee.line.answer(offer.replace(b"a=sendrecv", b"a=sendonly"))
    assert isinstance(held, bytes)
    assert b"a=recvonly" in held
    callee.ticks(5)
    assert callee.sent == []
    resumed = callee.line.answer(offer)
    assert isinstance(resumed, bytes)
    assert b"a=sendrecv" in resumed
    callee.ticks(5)
    assert len(callee.sent) == 5
    assert callee.packets()[0].marker


def test_a_changed_description_has_a_higher_version_and_the_same_one_the_same() -> None:
    caller, callee = agreed()
    offer = caller.line.offer()
    same, held = callee.line.answer(offer), callee.line.answer(offer.replace(b"a=sendrecv", b"a=sendonly"))
    versions = []
    for body in (same, held):
        assert isinstance(body, bytes)
        session = parse_sdp(body)
        assert not isinstance(session, Fault)
        versions.append(session.origin.version)
    assert versions == [1, 2]


def test_a_stranger_is_counted_and_not_heard() -> None:
    caller, callee = agreed()
    callee.line.play(ringing())
    callee.ticks(3)
    for datagram, _ in callee.sent:
        caller.line.receive(datagram, ("127.0.0.1", 6666), 0.0)
    assert (caller.line.received, caller.line.strangers, caller.line.take()) == (0, 3, None)


def test_loss_shows_in_the_sequence_numbers() -> None:
    caller, callee = agreed()
    callee.line._sequence = 65_530
    callee.line.play(ringing())
    callee.ticks(20)
    for at, (datagram, _) in enumerate(callee.sent):
        if at not in (4, 5, 11):
            caller.line.receive(datagram, THERE, 0.0)
    assert (caller.line.received, caller.line.lost) == (17, 3)
    assert caller.line.take() == callee.packets()[-KEPT - 1].payload


@pytest.mark.parametrize("what", [b"", b"\x80", b"\x80\xc8" + bytes(20), b"\xbf\x00" + bytes(10), b"GET / HTTP/1.0\r\n\r\n"])
def test_what_is_no_rtp_is_ignored(what: bytes) -> None:
    caller, _ = agreed()
    caller.line.receive(what, THERE, 0.0)
    assert (caller.line.received, caller.line.take()) == (0, None)


def test_digits_are_read() -> None:
    caller, _ = agreed()
    sequence = 0
    for at, digit in enumerate("12#"):
        for part in event_packets(digit, 0.1):
            packet = Packet(101, sequence, 8000 * at + part.timestamp_offset, 7, part.event.encode(), part.marker)
            caller.line.receive(packet.encode(), THERE, at + part.at)
            sequence += 1
    assert caller.line.digits == "12#"
