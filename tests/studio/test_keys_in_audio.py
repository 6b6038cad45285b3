"""Keys pressed as tones, over real sockets: told, passed on as events, pressed as tones, and kept a secret."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from tests.media.engine_suite import connect
from tests.media.far_ends import Packet, Phone, phones
from tests.studio.transcoders import Together, together
from trunkline.media import Block, DigitHeard, Side, Subscribe
from trunkline.media.g711 import MU_LAW
from trunkline.media.inband_digits import DigitOver, InbandDigits, make_digits

pytestmark = pytest.mark.sockets

TONES = Side(digits="audio")


@pytest.fixture(scope="module")
def relay() -> Iterator[Together]:
    with together() as driver:
        yield driver


def speech(seconds: float) -> np.ndarray:
    """Something that is no key: a hum with a buzz."""
    at = np.arange(round(seconds * 8000)) / 8000
    return (4000 * np.sin(2 * np.pi * 180 * at) * (1 + np.sin(2 * np.pi * 3 * at)) / 2 + 1500 * np.sin(2 * np.pi * 540 * at)).astype(np.int16)


def play(relay: Together, phone: Phone, samples: np.ndarray) -> bytes:
    """Send samples in real time; their codes."""
    codes = MU_LAW.encode_bytes(samples.astype(np.int16))
    codes = codes[: len(codes) // 160 * 160]
    begin = time.monotonic()
    for at in range(0, len(codes), 160):
        phone.send(0, codes[at : at + 160])
        relay.pump(max(0.001, begin + (at + 160) / 8000 - time.monotonic()))
    phone.until_taken()
    return codes


def keys_in(packets: list[Packet]) -> str:
    """The keys that a far end would hear in the audio it got."""
    ear = InbandDigits(1)
    samples = np.concatenate([*(MU_LAW.decode_bytes(packet.payload) for packet in packets if packet.payload_type == 0), np.zeros(800, np.int16)])
    heard = ""
    for at in range(0, len(samples) - 159, 160):
        told, _ = ear.hear(samples[None, at : at + 160])
        heard += "".join(one.digit for one in told if isinstance(one, DigitOver))
    return heard


def events_in(packets: list[Packet]) -> list[int]:
    """One entry per telephone-event press."""
    return list({packet.timestamp: packet.payload[0] for packet in packets if packet.payload_type == 101}.values())


def test_tones_of_a_leg_that_presses_them_so_become_events_and_leave_the_audio(relay: Together) -> None:
    caller, carrier = Phone(), Phone()
    with phones(caller, carrier):
        call = connect(relay, caller, carrier, side=TONES)
        said = np.concatenate([speech(0.5), make_digits("42#", 0.1, 0.1), speech(0.6)])
        play(relay, carrier, said)
        relay.pump(0.3)
        told = [relay.wait(DigitHeard, lambda event: event.call == call) for _ in range(3)]
        assert [(event.leg, event.digit) for event in told] == [(1, "4"), (1, "2"), (1, "#")]
        assert all(abs(event.duration_ms - 100) <= 20 for event in told)
        heard = caller.heard()
        assert events_in(heard) == [4, 2, 11]
        assert keys_in(heard) == "", "no key is heard twice"
        assert len({packet.ssrc for packet in heard}) == 1
        assert [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard] == list(range(len(heard)))
        codes = MU_LAW.encode_bytes(speech(0.5))
        assert b"".join(packet.payload for packet in heard[:25]) == codes, "speech passes bit by bit"


def test_events_towards_a_leg_that_wants_tones_become_tones(relay: Together) -> None:
    caller, carrier = Phone(), Phone()
    with phones(caller, carrier):
        call = connect(relay, caller, carrier, side=TONES)
        play(relay, caller, speech(0.2))
        for key in (4, 2, 11):
            caller.press(key)
        play(relay, caller, speech(0.8))
        heard = carrier.heard()
        assert keys_in(heard) == "42#", "one after the other, though they were pressed at once"
        assert {packet.payload_type for packet in heard} == {0}
        assert "".join(relay.wait(DigitHeard, lambda event: event.call == call).digit for _ in range(3)) == "42#"
        assert [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard] == list(range(len(heard)))


def test_secret_keys_pressed_as_tones_are_cut_out_of_the_audio_and_told_to_nobody(relay: Together) -> None:
    caller, carrier, studio = Phone(), Phone(), Phone()
    with phones(caller, carrier, studio):
        call = connect(relay, caller, carrier)
        relay.command(Subscribe(call, 0, studio.host, studio.port))
        play(relay, caller, speech(0.2))
        assert len(studio.heard()) == len(carrier.heard()) == 10
        relay.command(Block(call, 0, masked=True))
        play(relay, caller, np.concatenate([speech(0.4), make_digits("4111", 0.08, 0.08), speech(0.4)]))
        caller.press(9)
        relay.pump(0.2)
        heard = carrier.heard()
        assert keys_in(heard) == ""
        assert events_in(heard) == []
        assert b"".join(packet.payload for packet in heard[:20]) == MU_LAW.encode_bytes(speech(0.4)), "what is said is heard"
        assert studio.heard() == [], "and nothing is written down meanwhile"
        assert not [event for event in relay.events if isinstance(event, DigitHeard) and event.call == call]
        relay.command(Block(call, 0))
        caller.press(6)
        play(relay, caller, speech(0.2))
        assert relay.wait(DigitHeard, lambda event: event.call == call).digit == "6"
        assert events_in(carrier.heard()) == [6]
        assert len(studio.heard()) == 17


def test_without_a_transcoder_secret_keys_take_the_audio_with_them() -> None:
    with together(conversions=0) as relay:
        caller, carrier = Phone(), Phone()
        with phones(caller, carrier):
            call = connect(relay, caller, carrier)
            play(relay, caller, speech(0.1))
            assert len(carrier.heard()) == 5
            relay.command(Block(call, 0, masked=True))
            play(relay, caller, make_digits("41", 0.08, 0.08))
            assert carrier.heard() == []
            said = carrier.say(3, pace_s=0.001)
            assert [packet.payload for packet in caller.hear(3)] == said, "the other way nothing has changed"
            relay.command(Block(call, 0))
            play(relay, caller, speech(0.1))
            assert len(carrier.heard()) == 5
