"""Calls whose sides share no codec, over real sockets: relay, studio, and far ends that decode what they are sent."""

import os
import signal
import struct
import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.media.conftest import Driver
from tests.media.engine_suite import CALLS, connect
from tests.media.far_ends import Packet, Phone, phones
from tests.media.rtpengine_daemon import PROGRAM, rtpengine_driver, running_daemon
from tests.studio.transcoders import Together, together
from trunkline.media import Delete, DigitHeard, MediaAnswer, MediaFailed, MediaLost, MediaOffer, Play, Played, Side, Subscribe
from trunkline.media.g711 import MU_TO_A
from trunkline.studio.voice import Samples, decoder_of, encoder_of

pytestmark = pytest.mark.sockets

OPUS = "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n"
CODECS = {"PCMU": ("0 101", 160), "PCMA": ("8 101", 160), "G722": ("9 101", 160), "opus": ("111 101", 960)}
"Payload types a far end lists, and timestamp units of 20 ms."


@pytest.fixture(scope="module")
def relay() -> Iterator[Together]:
    with together() as driver:
        yield driver


@pytest.fixture(scope="module")
def rtpengine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Driver]:
    if PROGRAM is None:
        pytest.skip("rtpengine is not installed")
    with running_daemon(tmp_path_factory.mktemp("rtpengine")) as daemon, rtpengine_driver(daemon) as driver:
        yield driver


@pytest.fixture(params=["relay", pytest.param("rtpengine", marks=pytest.mark.counterpart)])
def engine(request: pytest.FixtureRequest) -> Driver:
    found: Driver = request.getfixturevalue(request.param)
    return found


class Speaker(Phone):
    """A far end with one codec, that says a sentence and understands what it is sent."""

    def __init__(self, codec: str) -> None:
        payloads, self.units = CODECS[codec]
        super().__init__(payloads=payloads)
        self.codec = codec
        self.payload_type = int(payloads.split()[0])
        self._rate = 16_000 if codec == "G722" else 8000
        self._encoder, self._decoder = encoder_of(codec.upper(), self._rate), decoder_of(codec.upper())

    def sdp(self, direction: str = "sendrecv", crypto: tuple[object, ...] = (), extra: str = "") -> bytes:
        return super().sdp(direction, extra=extra + (OPUS if self.codec == "opus" else ""))

    def frames(self, samples: Samples) -> list[bytes]:
        """A sentence, at 8 kHz, as it is sent."""
        wide = np.repeat(samples, self._rate // 8000)
        size = self._rate // 50
        return [self._encoder.encode(wide[at : at + size]) for at in range(0, len(wide) // size * size, size)]

    def understand(self, packets: list[Packet]) -> Samples:
        """What was heard, at 8 kHz."""
        decoded = np.concatenate([self._decoder.decode(packet.payload) for packet in packets])
        step = {"G722": 2, "opus": 6}.get(self.codec, 1)
        return decoded.reshape(-1, step).mean(axis=1).astype(np.int16)


def sentence(seconds: float = 1.0) -> Samples:
    """A glide from 300 to 1200 Hz: every instant of it is known by its pitch."""
    at = np.arange(round(seconds * 8000)) / 8000
    pitch = 300 + 900 * at / seconds
    return (9000 * np.sin(2 * np.pi * np.cumsum(pitch) / 8000)).astype(np.int16)


def likeness(heard: Samples, said: Samples) -> float:
    """Share of the windows of 32 ms whose pitch and level are those of what was said at that time, but for a delay of 60 ms at most."""
    size, seconds = 256, len(said) / 8000
    good = []
    for at in range(1600, min(len(heard), len(said)) - size, size // 2):
        window = heard[at : at + size] * np.hanning(size)
        pitch = float(np.argmax(np.abs(np.fft.rfft(window, 4096)))) * 8000 / 4096
        level = float(np.sqrt(np.mean(heard[at : at + size].astype(float) ** 2)))
        expected = 300 + 900 * (at + size / 2) / 8000 / seconds
        slope = 900 / seconds
        good.append(-10 - 0.06 * slope < pitch - expected < 10 and 3500 < level < 9000)
    return float(np.mean(good))


def converse(engine: Driver, speaker: Speaker, listener: Speaker, seconds: float = 1.0) -> tuple[list[Packet], float]:
    """What arrives of a sentence, and how like it is."""
    said = sentence(seconds)
    frames = speaker.frames(said)
    begin = time.monotonic()
    for number, frame in enumerate(frames):
        speaker.send(speaker.payload_type, frame, advance=speaker.units)
        time.sleep(max(0.0, begin + 0.02 * (number + 1) - time.monotonic()))
    if engine.name == "relay":
        heard = listener.hear(len(frames))
    else:
        heard = listener.heard(0.4)
        assert len(heard) >= len(frames) - 2, "the daemon sends what it has when more comes"
    return heard, likeness(listener.understand(heard), said)


def side(codec: str, digits: str = "event") -> Side:
    return Side(codecs=(codec,), digits=digits)


def assert_is_one_stream(packets: list[Packet], units: int) -> None:
    assert {packet.ssrc for packet in packets} == {packets[0].ssrc}
    assert [(packet.sequence - packets[0].sequence) & 0xFFFF for packet in packets] == list(range(len(packets)))
    steps = [(later.timestamp - earlier.timestamp) & 0xFFFF_FFFF for earlier, later in pairwise(packets)]
    assert set(steps) == {units}


@pytest.mark.parametrize(("mine", "theirs"), [("PCMU", "PCMA"), ("PCMU", "G722"), ("PCMA", "opus"), ("G722", "opus"), ("opus", "PCMU")])
def test_sides_that_share_no_codec_understand_each_other(engine: Driver, mine: str, theirs: str) -> None:
    caller, carrier = Speaker(mine), Speaker(theirs)
    with phones(caller, carrier):
        call = f"transcoded-{next(CALLS)}"
        offer = engine.offer(MediaOffer(call, 1, caller.sdp(), side(theirs)))
        assert f"{theirs}/".encode() in offer
        assert f"{mine}/".encode() not in offer
        assert b"telephone-event/" in offer
        carrier.heed(offer)
        if theirs == "opus":
            number = offer.split(b"RTP/AVP ")[1].split()[0].decode()
            carrier.payload_type, carrier.payloads = int(number), f"{number} 101"
        answer = engine.answer(MediaAnswer(call, 0, carrier.sdp(extra=OPUS.replace("111", str(carrier.payload_type)) if theirs == "opus" else ""), 1))
        assert (f"RTP/AVP {caller.payloads}\r\n" if engine.name == "relay" else f"RTP/AVP {caller.payload_type}").encode() in answer
        caller.heed(answer)
        engine.pump(0.05)
        for speaker, listener in ((caller, carrier), (carrier, caller)) * 2:
            heard, like = converse(engine, speaker, listener)
            assert {packet.payload_type for packet in heard} == {listener.payload_type}
            assert_is_one_stream(heard, listener.units)
            assert like > 0.95, f"{speaker.codec} to {listener.codec}"
        engine.command(Delete(call))


def test_between_the_two_laws_no_transcoder_is_asked(relay: Together) -> None:
    caller, carrier = Speaker("PCMU"), Speaker("PCMA")
    with phones(caller, carrier):
        before = relay.studio.conversions()
        connect(relay, caller, carrier, side=side("PCMA"))
        assert relay.studio.conversions() == before
        said = caller.say(20, pace_s=0.001)
        assert [packet.payload for packet in carrier.hear(20)] == [payload.translate(MU_TO_A) for payload in said]


def test_telephone_events_pass_among_transcoded_audio(relay: Together) -> None:
    caller, carrier = Speaker("PCMU"), Speaker("G722")
    with phones(caller, carrier):
        call = connect(relay, caller, carrier, side=side("G722"))
        frames = caller.frames(sentence(0.2))
        for frame in frames:
            caller.send(0, frame)
            time.sleep(0.02)
        heard = carrier.hear(10)  # what is pressed does not go by the transcoder
        caller.press(5)
        for frame in frames:
            caller.send(0, frame)
            time.sleep(0.02)
        heard += carrier.hear(7 + 10)
        assert [packet.payload_type for packet in heard] == [9] * 10 + [101] * 7 + [9] * 10
        events = heard[10:17]
        assert len({packet.timestamp for packet in events}) == 1
        assert [struct.unpack("!BBH", packet.payload) for packet in events][-1] == (5, 0x8A, 800)
        assert [packet.marker for packet in events] == [True] + [False] * 6
        assert {packet.ssrc for packet in heard} == {heard[0].ssrc}
        assert [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard] == list(range(27))
        clock = [(packet.timestamp - heard[0].timestamp) & 0xFFFF_FFFF for packet in heard]
        assert clock == [*range(0, 1600, 160), *[1600] * 7, *range(2400, 4000, 160)], "the press took its 100 ms, and the clock went on"
        assert relay.wait(DigitHeard, lambda event: event.call == call).digit == "5"


def test_a_lost_packet_leaves_its_gap_and_a_withheld_press_leaves_none(relay: Together) -> None:
    caller, carrier = Speaker("PCMU"), Speaker("G722")
    with phones(caller, carrier):
        connect(relay, caller, carrier, side=side("G722", "info"))
        frames = caller.frames(sentence(0.2))
        for number, frame in enumerate(frames):
            if number == 5:
                caller.sequence += 1
                caller.timestamp += 160
            caller.send(0, frame)
            time.sleep(0.02)
        heard = carrier.hear(10)
        numbers = [(packet.sequence - heard[0].sequence) & 0xFFFF for packet in heard]
        assert numbers == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10]
        caller.press(5)
        caller.send(0, frames[0])
        after = carrier.hear()[0]
        assert ((after.sequence - heard[-1].sequence) & 0xFFFF, after.payload_type) == (1, 9)


def test_an_attempt_that_needs_transcoding_follows_one_that_did_not(engine: Driver) -> None:
    """The caller was told PCMU in early media; the next carrier knows G.722 alone. The caller notices nothing."""
    caller, first, second = Speaker("PCMU"), Speaker("PCMU"), Speaker("G722")
    with phones(caller, first, second):
        call = f"failover-{next(CALLS)}"
        first.heed(engine.offer(MediaOffer(call, 1, caller.sdp(), side("PCMU"))))
        answer = engine.answer(MediaAnswer(call, 0, first.sdp(), 1, early=True))
        caller.heed(answer)
        before, _ = converse(engine, first, caller, 0.3)
        engine.command(Delete(call, 1))
        second.heed(engine.offer(MediaOffer(call, 2, caller.sdp(), side("G722"))))
        assert engine.answer(MediaAnswer(call, 0, second.sdp(), 2)) == answer
        engine.pump(0.05)
        after, like = converse(engine, second, caller)
        assert like > 0.95
        assert_is_one_stream(after, 160)
        if engine.name == "relay":
            assert (after[0].ssrc, after[0].sequence) == (before[-1].ssrc, (before[-1].sequence + 1) & 0xFFFF)
            assert 160 <= (after[0].timestamp - before[-1].timestamp) & 0xFFFF_FFFF < 8000 * 20, "the clock went on meanwhile"
        _, like = converse(engine, caller, second)
        assert like > 0.95


def test_what_is_recorded_and_heard_is_what_the_leg_sends(relay: Together) -> None:
    caller, carrier, studio = Speaker("PCMU"), Speaker("G722"), Phone()
    with phones(caller, carrier, studio):
        call = connect(relay, caller, carrier, side=side("G722"))
        relay.command(Subscribe(call, 1, studio.host, studio.port))
        said = carrier.frames(sentence(0.2))
        for frame in said:
            carrier.send(9, frame)
        assert [packet.payload for packet in studio.hear(10)] == said
        assert {packet.payload_type for packet in caller.hear(10)} == {0}


@pytest.mark.parametrize("codec", ["G722", "opus"])
def test_a_prompt_reaches_a_leg_whose_codec_is_no_g711(relay: Together, tmp_path: Path, codec: str) -> None:
    """Between what comes before and after, without a seam."""
    caller, carrier = Speaker(codec), Speaker(codec)
    file = tmp_path / "prompt.wav"
    said = sentence(1.0)
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(said.tobytes())
    with phones(caller, carrier):
        call = connect(relay, caller, carrier)
        before = [carrier.send(carrier.payload_type, frame, advance=carrier.units) for frame in carrier.frames(sentence(0.1))]
        carrier.until_taken()
        relay.command(Play(call, 0, str(file)))
        assert relay.wait(Played) == Played(call, 0, str(file))
        heard = caller.hear(len(before) + 50)
        assert likeness(caller.understand(heard)[len(before) * 160 :], said) > 0.9
        relay.pump(0.05)
        carrier.send(carrier.payload_type, carrier.frames(said)[0], advance=carrier.units)
        whole = [*heard, *caller.hear(1)]
        assert {packet.ssrc for packet in whole} == {carrier.ssrc}
        assert {packet.payload_type for packet in whole} == {carrier.payload_type}
        assert [(packet.sequence - whole[0].sequence) & 0xFFFF for packet in whole] == list(range(56))
        steps = [(later.timestamp - earlier.timestamp) & 0xFFFF_FFFF for earlier, later in pairwise(whole)]
        assert set(steps[5:54]) == {caller.units}
        assert all(caller.units <= step < 500 * caller.units for step in steps), "the clock goes on, and never back"
        began = relay.studio.conversions()
        relay.command(Delete(call))
        assert relay.studio.conversions() == began - 1, "nothing is left at the transcoder"


def test_a_transcoder_that_dies_is_replaced_or_the_call_is_told() -> None:
    with together(studio_workers=2) as engine:
        caller, carrier = Speaker("PCMU"), Speaker("G722")
        with phones(caller, carrier):
            call = connect(engine, caller, carrier, side=side("G722"))
            plain_caller, plain_carrier = Phone(), Phone()
            with phones(plain_caller, plain_carrier):
                connect(engine, plain_caller, plain_carrier)
                converse(engine, caller, carrier, 1.0)
                victim = engine.studios.pids[0]
                os.kill(victim, signal.SIGKILL)
                engine.until(lambda: engine.studios.pids.get(0) != victim, "its end is noticed")
                engine.pump(0.1)
                assert not [event for event in engine.events if isinstance(event, MediaLost)]
                _, like = converse(engine, caller, carrier, 1.0)
                assert like > 0.95, "another worker goes on"
                for pid in list(engine.studios.pids.values()):
                    os.kill(pid, signal.SIGKILL)
                assert engine.wait(MediaLost).call == call
                said = plain_caller.say(5, pace_s=0.001)
                assert [packet.payload for packet in plain_carrier.hear(5)] == said, "who needs no transcoder notices nothing"


def test_without_room_for_it_the_offer_is_refused() -> None:
    with together(conversions=2) as engine:
        caller, carrier = Speaker("PCMU"), Speaker("G722")
        with phones(caller, carrier):
            first = connect(engine, caller, carrier, side=side("G722"))
            refused = engine.relay.offer(MediaOffer("one too many", 1, caller.sdp(), side("G722")), engine.loop.time())
            assert refused == MediaFailed("one too many", 1, "media.no_shared_codec")
            caller.version += 1
            assert b"a=inactive" in engine.offer(MediaOffer(first, 1, caller.sdp("inactive"), side("G722"))), "who is transcoded already may go on"
            assert b"RTP/AVP 0 101" in engine.answer(MediaAnswer(first, 0, carrier.sdp("inactive"), 1))
            engine.command(Delete(first))
            assert isinstance(engine.offer(MediaOffer("now", 1, caller.sdp(), side("G722"))), bytes)


def test_a_codec_that_nobody_knows_is_refused(engine: Driver) -> None:
    caller = Speaker("PCMU")
    with phones(caller):
        refused = engine.engine.offer(MediaOffer("g729", 1, caller.sdp(), side("G729")), engine.loop.time())
    assert refused == MediaFailed("g729", 1, "media.no_shared_codec")


