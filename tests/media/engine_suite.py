"""What every media engine does, over real sockets: the far ends are plain UDP sockets that share no code with the engines but SRTP's.

A test module runs the suite by importing it whole; the fixture `engine` decides over which engines.
"""

import re
import socket
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.media.conftest import Driver
from tests.media.far_ends import FRAME, HEARD_S, Phone, phones
from trunkline.media import (
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaAnswer,
    MediaOffer,
    MediaStatistics,
    Play,
    Played,
    Query,
    Side,
    Stop,
    Subscribe,
)
from trunkline.media.engine import PLAIN
from trunkline.media.g711 import MU_LAW
from trunkline.media.sdes import Crypto, offer_crypto, parse_crypto
from trunkline.media.srtp import SrtpSession

CALLS = count(1)


def connect(
    engine: Driver, caller: Phone, carrier: Phone, *, call: str = "", leg: int = 1, early: bool = False, side: Side = PLAIN, source_side: Side = PLAIN
) -> str:
    """Set a call up: the caller's offer, the carrier's answer. The call's name."""
    call = call or f"call-{next(CALLS)}"
    carrier.heed(engine.offer(MediaOffer(call, leg, caller.sdp(), side, source_side=source_side)))
    caller.heed(engine.answer(MediaAnswer(call, 0, carrier.sdp(), leg, early)))
    return call


@contextmanager
def masked(engine: Driver, caller: Phone, carrier: Phone) -> Iterator[tuple[str, Phone]]:
    """A call whose caller is masked, and a studio that gets the copy of them."""
    call = connect(engine, caller, carrier)
    caller.say(2, pace_s=0.001)
    carrier.hear(2)
    engine.command(Block(call, 0, masked=True))
    studio = Phone()
    with phones(studio):
        engine.command(Subscribe(call, 0, studio.host, studio.port))
        yield call, studio


def test_audio_passes_both_ways_bit_by_bit(engine: Driver, caller: Phone, carrier: Phone) -> None:
    connect(engine, caller, carrier)
    for speaker, listener in ((caller, carrier), (carrier, caller)) * 3:
        said = speaker.say(20, pace_s=0.001)
        heard = listener.hear(20)
        assert [packet.payload for packet in heard] == said
        assert {packet.ssrc for packet in heard} == {heard[0].ssrc}
        assert [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard] == list(range(20))
        assert [(packet.timestamp - heard[0].timestamp) & 0xFFFF_FFFF for packet in heard] == [FRAME * step for step in range(20)]


def test_what_a_far_end_is_told_names_the_engine_and_keeps_its_attributes(engine: Driver, caller: Phone, carrier: Phone) -> None:
    offer = engine.offer(MediaOffer("told", 1, caller.sdp(extra="a=x-vendor:something\r\n")))
    assert b"a=x-vendor:something\r\n" in offer
    assert b"a=fmtp:101 0-15\r\n" in offer
    assert str(caller.port).encode() not in offer.split(b"m=audio")[1].split(b" ")[1]
    carrier.heed(offer)
    assert carrier.target[1] % 2 == 0


def test_srtp_on_one_leg_and_rtp_on_the_other(engine: Driver, caller: Phone, carrier: Phone) -> None:
    offer = engine.offer(MediaOffer("srtp", 1, caller.sdp(), Side(secure=True)))
    assert b"RTP/SAVP " in offer
    carrier.heed(offer)
    theirs = parse_crypto(re.findall(rb"a=crypto:([^\r]*)", offer)[0].decode())
    assert isinstance(theirs, Crypto)
    (ours,) = (one for one in offer_crypto() if one.suite == theirs.suite)
    ours = Crypto(theirs.tag, ours.suite, ours.key)
    answer = engine.answer(MediaAnswer("srtp", 0, carrier.sdp(crypto=(ours,)), 1))
    assert b"RTP/AVP " in answer
    assert b"crypto" not in answer
    caller.heed(answer)
    carrier.sealed = SrtpSession(ours, theirs)
    for speaker, listener in ((caller, carrier), (carrier, caller)):
        said = speaker.say(20, pace_s=0.001)
        assert [packet.payload for packet in listener.hear(20)] == said
    carrier.sealed = None
    carrier.say(3)
    assert caller.hears_nothing(), "what is not sealed as agreed goes no further"


def test_a_leg_on_hold_is_sent_nothing_and_hears_again_after(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2)
    caller.hear(2)
    caller.version += 1
    offer = engine.offer(MediaOffer(call, 1, caller.sdp("inactive")))
    assert b"a=inactive" in offer
    engine.answer(MediaAnswer(call, 0, carrier.sdp("inactive"), 1))
    carrier.say(3)
    assert caller.hears_nothing()
    caller.version += 1
    assert b"a=sendrecv" in engine.offer(MediaOffer(call, 1, caller.sdp()))
    carrier.version += 1
    engine.answer(MediaAnswer(call, 0, carrier.sdp(), 1))
    said = carrier.say(5, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(5)] == said


def test_a_new_offer_moves_a_leg_to_another_port(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2)
    caller.hear(2)
    before = caller.target
    moved = Phone()
    with phones(moved):
        offer = engine.offer(MediaOffer(call, 1, moved.sdp()))
        carrier_target = carrier.target
        carrier.heed(offer)
        assert carrier.target == carrier_target
        moved.heed(engine.answer(MediaAnswer(call, 0, carrier.sdp(), 1)))
        assert moved.target == before
        said = carrier.say(5, pace_s=0.001)
        assert [packet.payload for packet in moved.hear(5)] == said
        said = moved.say(5, pace_s=0.001)
        assert [packet.payload for packet in carrier.hear(5)] == said


def test_a_second_attempt_leaves_the_caller_as_it_was(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = f"failover-{next(CALLS)}"
    carrier.heed(engine.offer(MediaOffer(call, 1, caller.sdp())))
    first = engine.answer(MediaAnswer(call, 0, carrier.sdp(), 1, early=True))
    caller.heed(first)
    carrier.say(10, pace_s=0.005)
    before = caller.hear(10)
    engine.command(Delete(call, 1))
    other = Phone(payloads="0 96", event=96)
    with phones(other):
        other.heed(engine.offer(MediaOffer(call, 2, caller.sdp())))
        assert engine.answer(MediaAnswer(call, 0, other.sdp(), 2)) == first
        said = other.say(10, pace_s=0.005)
        after = caller.hear(10)
        assert [packet.payload for packet in after] == said
        whole = before + after
        assert {packet.ssrc for packet in whole} == {before[0].ssrc}
        assert [(packet.sequence - before[0].sequence) & 0xFFFF for packet in whole] == list(range(20))
        steps = [(later.timestamp - earlier.timestamp) & 0xFFFF_FFFF for earlier, later in pairwise(whole)]
        assert all(FRAME <= step < 8000 * 5 for step in steps), "the clock goes on, and never back"
        other.press(5)
        assert {packet.payload_type for packet in caller.hear(7)} == {101}, "the caller knows telephone events as 101"
        caller.press(7)
        assert {packet.payload_type for packet in other.hear(7)} == {96}


def test_a_second_attempt_with_the_first_ones_ssrc_is_joined_too(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier, early=True)
    carrier.say(5, pace_s=0.005)
    before = caller.hear(5)
    engine.command(Delete(call, 1))
    other = Phone()
    with phones(other):
        other.ssrc, other.sequence, other.timestamp = carrier.ssrc, 12_345, 0x1234_5678
        connect(engine, caller, other, call=call, leg=2)
        said = other.say(5, pace_s=0.005)
        after = caller.hear(5)
    assert [packet.payload for packet in after] == said
    whole = before + after
    assert [(packet.sequence - before[0].sequence) & 0xFFFF for packet in whole] == list(range(10))
    assert all(0 < (later.timestamp - earlier.timestamp) & 0xFFFF_FFFF < 8000 * 5 for earlier, later in pairwise(whole))


def test_statistics_count_what_came_what_went_and_what_is_missing(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(20, pace_s=0.002)
    carrier.sequence += 5
    carrier.say(20, pace_s=0.002)
    caller.say(10, pace_s=0.002)
    caller.hear(40)
    carrier.hear(10)
    engine.command(Query(call))
    counted = engine.wait(MediaStatistics, lambda event: event.leg == 1)
    assert (counted.received, counted.sent, counted.lost, counted.final) == (40, 10, 5, False)
    assert counted.codec.upper() == "PCMU"
    engine.command(Delete(call))
    final = {leg: engine.wait(MediaStatistics, lambda event, leg=leg: event.leg == leg and event.final) for leg in (0, 1)}
    assert (final[0].received, final[0].sent) == (10, 40)
    assert (final[1].received, final[1].lost) == (40, 5)


def test_the_first_packet_of_each_leg_is_told_once(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(3, pace_s=0.01)
    assert engine.wait(FirstPacket) == FirstPacket(call, 1)
    caller.say(3, pace_s=0.01)
    assert engine.wait(FirstPacket) == FirstPacket(call, 0)
    engine.pump(0.1)
    assert not [event for event in engine.events if isinstance(event, FirstPacket)]


def test_deleting_a_call_closes_its_ports(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2)
    caller.hear(2)
    engine.command(Delete(call))
    engine.wait(MediaStatistics, lambda event: event.final)
    for host, port in (caller.target, carrier.target):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.connect((host, port))
            one.settimeout(HEARD_S)
            one.send(b"anybody")
            with pytest.raises(ConnectionRefusedError):
                one.recv(10)


def test_a_stranger_is_not_heard(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    stranger = Phone("127.0.0.2")
    with phones(stranger):
        stranger.target = carrier.target
        stranger.say(5)
        assert caller.hears_nothing(), "before the carrier speaks"
        carrier.say(3, pace_s=0.001)
        caller.hear(3)
        stranger.say(5)
        assert caller.hears_nothing(), "after"
        engine.command(Query(call))
        counted = engine.wait(MediaStatistics, lambda event: event.leg == 1)
        assert counted.received == 3


def test_telephone_events_pass_and_are_told(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    caller.say(2, pace_s=0.001)
    caller.press(5)
    caller.say(2, pace_s=0.001)
    heard = carrier.hear(11)
    assert [packet.payload_type for packet in heard] == [0] * 2 + [101] * 7 + [0] * 2
    assert {packet.payload[0] for packet in heard[2:9]} == {5}
    assert len({packet.timestamp for packet in heard[2:9]}) == 1
    told = engine.wait(DigitHeard)
    assert (told.call, told.leg, told.digit) == (call, 0, "5")
    assert told.duration_ms == pytest.approx(100, abs=1)


def test_blocked_digits_are_told_and_go_no_further(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    engine.command(Block(call, 0, digits=True))
    caller.say(2, pace_s=0.001)
    caller.press(9)
    caller.say(2, pace_s=0.001)
    heard = carrier.hear(4)
    assert {packet.payload_type for packet in heard} == {0}
    assert engine.wait(DigitHeard).digit == "9"
    engine.command(Block(call, 0))
    caller.press(1)
    assert {packet.payload_type for packet in carrier.hear(7)} == {101}


def test_blocked_audio_goes_no_further(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2, pace_s=0.001)
    caller.hear(2)
    engine.command(Block(call, 1, audio=True))
    carrier.say(5, pace_s=0.001)
    if engine.name == "relay":
        assert caller.hears_nothing()
    else:
        caller.discard()
    engine.command(Block(call, 1))
    said = carrier.say(5, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(5)] == said


def test_a_subscriber_gets_a_copy_and_the_other_leg_still_hears(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2, pace_s=0.001)
    caller.hear(2)
    studio = Phone()
    with phones(studio):
        engine.command(Subscribe(call, 1, studio.host, studio.port))
        said = carrier.say(20, pace_s=0.002)
        assert [packet.payload for packet in studio.hear(20)] == said
        assert [packet.payload for packet in caller.hear(20)] == said
        engine.command(Subscribe(call, 1, studio.host, 0))
        carrier.say(3, pace_s=0.001)
        caller.hear(3)
        assert studio.hears_nothing()


def prompt(folder: Path, seconds: float = 0.3) -> tuple[Path, bytes]:
    """A file to be played, and what a far end hears of it in mu-law. Its samples are values of that law: encoders differ in how they round others."""
    codes = MU_LAW.encode_bytes((8000 * np.sin(np.arange(round(seconds * 8000)) / 4)).astype(np.int16))
    samples = MU_LAW.decode_bytes(codes)
    file = folder / "prompt.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())
    folder.chmod(0o755)
    return file, codes


def test_a_prompt_arrives_bit_by_bit_and_its_end_is_told(engine: Driver, caller: Phone, carrier: Phone, tmp_path: Path) -> None:
    call = connect(engine, caller, carrier)
    for phone in (carrier, caller):
        phone.say(2, pace_s=0.001)
    caller.hear(2)
    carrier.hear(2)
    file, codes = prompt(tmp_path)
    engine.command(Play(call, 0, str(file)))
    played = caller.hear(15)
    assert b"".join(packet.payload for packet in played) == codes
    assert {packet.ssrc for packet in played} == {played[0].ssrc}
    assert [(packet.sequence - played[0].sequence) & 0xFFFF for packet in played] == list(range(15))
    assert [(packet.timestamp - played[0].timestamp) & 0xFFFF_FFFF for packet in played] == list(range(0, 2400, 160))
    assert engine.wait(Played) == Played(call, 0, str(file))
    engine.settle(call)
    said = carrier.say(5, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(5)] == said, "and the other leg is heard again"


def test_a_prompt_is_repeated_until_it_is_stopped(engine: Driver, caller: Phone, carrier: Phone, tmp_path: Path) -> None:
    call = connect(engine, caller, carrier)
    for phone in (carrier, caller):
        phone.say(2, pace_s=0.001)
    caller.hear(2)
    file, codes = prompt(tmp_path, 0.1)
    engine.command(Play(call, 0, str(file), repeat=0))
    music = b"".join(packet.payload for packet in caller.hear(15))
    assert len(set(music.split(codes))) <= 2, "the same again and again"
    assert codes * 2 in music
    engine.command(Stop(call, 0))
    assert engine.wait(Played) == Played(call, 0, str(file), "stopped")
    caller.discard()
    said = carrier.say(5, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(5)] == said


def test_what_cannot_be_played_is_told(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    engine.command(Play(call, 0, "/nowhere.wav"))
    told = engine.wait(Played)
    assert (told.call, told.leg, told.file) == (call, 0, "/nowhere.wav")
    assert told.why not in ("", "stopped")


def test_masked_keys_are_in_no_event_and_reach_nobody(engine: Driver, caller: Phone, carrier: Phone) -> None:
    with masked(engine, caller, carrier) as (call, studio):
        caller.press(4)
        caller.say(3, pace_s=0.001)
        engine.pump(0.2)
        assert not [packet for packet in carrier.heard() if packet.payload_type == 101 or engine.name == "relay"]
        assert not [packet for packet in studio.heard() if packet.payload_type == 101 or engine.name == "relay"]
        assert not [event for event in engine.events if isinstance(event, DigitHeard)]
        engine.command(Block(call, 0))
        caller.press(6)
        assert engine.wait(DigitHeard).digit == "6"
        assert {packet.payload[0] for packet in carrier.heard() if packet.payload_type == 101} == {6}
