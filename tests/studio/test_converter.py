"""One conversion without sockets: framing, gaps, clocks, and packets that should not be there."""

import random

import numpy as np
import pytest

from trunkline.media.g711 import A_LAW, MU_LAW, MU_TO_A
from trunkline.media.inband_digits import make_digits
from trunkline.media.rtp import Packet
from trunkline.media.transcoding import MASK, TELL, Conversion
from trunkline.studio.booth import Booth
from trunkline.studio.converter import Converter
from trunkline.studio.protocol import KeyHeard, Message

FORMATS = {0: "PCMU", 9: "G722", 111: "opus", 101: "telephone-event", 102: "telephone-event"}
RATES = {0: 8000, 9: 8000, 111: 48_000, 101: 8000, 102: 48_000}


def wish(codec: str = "PCMA", payload: int = 8, clock_rate: int = 8000, keys: str = "", event: int = 97, event_rate: int = 8000) -> Conversion:
    return Conversion("c", 1, FORMATS, RATES, codec, payload, clock_rate, 0xABCD, "127.0.0.1", 9, event, event_rate, keys)


class Stage:
    """A converter that is fed packets and gives packets."""

    def __init__(self, asked: Conversion) -> None:
        self.converter = Converter(asked, 1)

    def take(self, packet: Packet | bytes, now: float = 0.0) -> list[Packet]:
        self.converter.take(memoryview(packet.encode() if isinstance(packet, Packet) else packet), now)
        out = []
        while self.converter.waiting:
            data = self.converter.finish(self.converter.waiting.popleft())
            if data:
                out.append(Packet(data[1] & 0x7F, int.from_bytes(data[2:4]), int.from_bytes(data[4:8]), int.from_bytes(data[8:12]), data[12:], bool(data[1] & 0x80)))
        return out


def speech(number: int, size: int = 160) -> bytes:
    return bytes((number * 7 + at) & 0xFF for at in range(size))


def test_one_law_becomes_the_other_frame_by_frame() -> None:
    stage = Stage(wish())
    made = [one for at in range(5) for one in stage.take(Packet(0, 65_533 + at & 0xFFFF, (2**32 - 320 + 160 * at) & 0xFFFF_FFFF, 5, speech(at)))]
    assert [one.payload for one in made] == [speech(at).translate(MU_TO_A) for at in range(5)]
    assert [one.sequence for one in made] == list(range(5))
    assert [one.timestamp for one in made] == list(range(0, 800, 160))
    assert [one.marker for one in made] == [True] + [False] * 4
    assert {(one.payload_type, one.ssrc) for one in made} == {(8, 0xABCD)}


@pytest.mark.parametrize("size", [80, 240, 320, 480])
def test_packets_of_any_length_become_frames_of_20_ms(size: int) -> None:
    stage = Stage(wish())
    whole = bytes(random.Random(1).randbytes(960))
    made = [one for at in range(0, 960, size) for one in stage.take(Packet(0, at // size, at, 5, whole[at : at + size]))]
    assert b"".join(one.payload for one in made) == whole.translate(MU_TO_A)
    assert [one.timestamp for one in made] == list(range(0, 960, 160))


def test_a_loss_shows_in_the_numbers_a_pause_only_in_the_clock() -> None:
    stage = Stage(wish())
    stage.take(Packet(0, 1, 160, 5, speech(1)))
    (after_loss,) = stage.take(Packet(0, 4, 640, 5, speech(2)))
    assert (after_loss.sequence, after_loss.timestamp, after_loss.marker) == (3, 480, False)
    (after_pause,) = stage.take(Packet(0, 5, 8640, 5, speech(3)))
    assert (after_pause.sequence, after_pause.timestamp, after_pause.marker) == (4, 8480, True)


def test_what_is_kept_back_closes_its_gap() -> None:
    stage = Stage(wish())
    stage.take(Packet(0, 1, 0, 5, speech(1)))
    assert stage.take(Packet(101, 2, 160, 5, b"")) == []
    (after,) = stage.take(Packet(0, 3, 320, 5, speech(2)))
    assert (after.sequence, after.timestamp) == (1, 320)


def test_a_packet_that_was_overtaken_is_dropped_and_a_source_that_counts_anew_is_followed() -> None:
    stage = Stage(wish())
    for at in (1, 2, 4):
        stage.take(Packet(0, at, 160 * at, 5, speech(at)))
    assert stage.take(Packet(0, 3, 480, 5, speech(3))) == []
    assert len(stage.take(Packet(0, 5, 800, 5, speech(5)))) == 1
    made = [one for at in range(8) for one in stage.take(Packet(0, 60_000 + at, 160 * at, 5, speech(at)))]
    assert [one.payload for one in made] == [speech(at).translate(MU_TO_A) for at in range(3, 8)]


def test_another_source_goes_on_where_the_clock_stands() -> None:
    stage = Stage(wish())
    stage.take(Packet(0, 1, 0, 5, speech(1)), now=10.0)
    (joined,) = stage.take(Packet(0, 900, 77_777, 6, speech(2)), now=11.0)
    assert (joined.sequence, joined.timestamp, joined.marker) == (1, 160 + 8000, True)


def test_timestamps_and_presses_run_on_the_clock_of_what_goes_out() -> None:
    stage = Stage(wish("opus", 120, 48_000, event=121, event_rate=48_000))
    made = [one for at in range(3) for one in stage.take(Packet(0, at, 160 * at, 5, speech(at)))]
    assert [one.timestamp for one in made] == [0, 960, 1920]
    (press,) = stage.take(Packet(101, 3, 480, 5, bytes([5, 10, 0x03, 0x20]), marker=True))
    assert (press.payload_type, press.timestamp, press.sequence, press.marker) == (121, 2880, 3, True)
    assert press.payload == bytes([5, 10, 0x12, 0xC0]), "800 units at 8 kHz are 4800 at 48"
    back = Stage(wish())
    (press,) = back.take(Packet(102, 3, 480, 5, bytes([5, 0x8A, 0x12, 0xC0])))
    assert press.payload == bytes([5, 0x8A, 0x03, 0x20])


def test_a_far_end_without_events_is_sent_none() -> None:
    assert Stage(wish(event=-1)).take(Packet(101, 3, 480, 5, bytes([5, 10, 3, 32]))) == []


def test_garbage_makes_nothing_and_harms_nothing() -> None:
    stage = Stage(wish())
    draw = random.Random(3551)
    for _ in range(3000):
        data = bytes([draw.choice((0x80, 0x80, 0x90, 0xA0, 0xBF, 0x00)), draw.choice((0, 9, 101, 111, 55, 200))]) + draw.randbytes(draw.choice((0, 5, 10, 11, 12, 30, 200, 1400)))
        stage.take(data)
    found = [one for at in range(6) for one in stage.take(Packet(0, at, 160 * at, 5, speech(at)))]
    assert found[-1].payload == speech(5).translate(MU_TO_A)


def booth_of(asked: Conversion, samples: np.ndarray, payload: int = 0) -> tuple[np.ndarray, list[Message]]:
    """What a booth makes of samples sent as mu-law, and what it tells."""
    told: list[Message] = []
    booth = Booth(4, told.append)
    converter = booth.open(asked, 1)
    assert converter is not None
    codes = MU_LAW.encode_bytes(samples)
    out = []
    for at in range(0, len(codes) // 160 * 160, 160):
        converter.take(memoryview(Packet(payload, at // 160, at, 5, codes[at : at + 160]).encode()), 0.0)
        out += [packet[12:] for _, packet in booth.tick()]
    return A_LAW.decode_bytes(b"".join(out)), told


def test_keys_are_told_and_cut_out_or_only_cut_out() -> None:
    tones = np.concatenate([np.zeros(800, np.int16), make_digits("19*", 0.1, 0.1), np.zeros(800, np.int16)])
    heard, told = booth_of(wish(keys=TELL), tones)
    assert [(one.digit, one.leg) for one in told if isinstance(one, KeyHeard)] == [("1", 1), ("9", 1), ("*", 1)]
    assert np.count_nonzero(np.abs(heard) > 100) < 3 * 160, "a frame at each end at most"
    heard, told = booth_of(wish(keys=MASK), tones)
    assert told == []
    assert np.count_nonzero(np.abs(heard) > 100) < 3 * 160
    heard, told = booth_of(wish(), tones)
    assert told == []
    assert np.count_nonzero(np.abs(heard) > 100) > 2000


def test_at_a_rate_where_no_key_is_heard_secret_audio_is_silence() -> None:
    booth = Booth(2, lambda message: None)
    converter = booth.open(wish("G722", 9, keys=MASK), 1)
    assert converter is not None
    converter.take(memoryview(Packet(9, 1, 0, 5, bytes(range(160))).encode()), 0.0)
    (frame,) = converter.waiting
    assert np.any(frame.samples)  # type: ignore[union-attr]
    list(booth.tick())
    assert not converter.waiting


def test_rows_are_given_back() -> None:
    booth = Booth(1, lambda message: None)
    for _ in range(3):
        assert booth.open(wish(keys=TELL), 1) is not None
        assert booth.open(wish(keys=TELL), 1) is None, "a change, not another"
        assert len(booth.end("c", -1)) == 1
