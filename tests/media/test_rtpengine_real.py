"""The rtpengine engine over the real daemon: what goes beyond the suite that all engines share."""

import math
import socket
import struct
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.media.conftest import Driver
from tests.media.engine_suite import connect, masked
from tests.media.far_ends import Phone, phones
from tests.media.rtpengine_daemon import PROGRAM, RunningDaemon, driver_of, rtpengine_driver, running_daemon
from trunkline.media import (
    Block,
    Delete,
    DigitHeard,
    FirstPacket,
    MediaAnswer,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaStatistics,
    MediaTimeout,
    Play,
    Query,
    SendDigits,
    Side,
    Stop,
    Subscribe,
)
from trunkline.media.rtpengine import Daemon, Settings

pytestmark = [pytest.mark.sockets, pytest.mark.counterpart, pytest.mark.skipif(PROGRAM is None, reason="rtpengine is not installed")]


_CODES = ~np.arange(256, dtype=np.int64) & 0xFF
_SIZES = (((_CODES & 0x0F) << 3) + 132 << ((_CODES & 0x70) >> 4)) - 132
MULAW = np.where(_CODES & 0x80, -_SIZES, _SIZES).astype(float)
"Samples of mu-law (G.711), by code."


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDaemon]:
    with running_daemon(tmp_path_factory.mktemp("rtpengine")) as running:
        yield running


@pytest.fixture
def engine(daemon: RunningDaemon) -> Iterator[Driver]:
    with rtpengine_driver(daemon) as driver:
        yield driver


@pytest.fixture(scope="module")
def tone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """440 Hz for 400 ms."""
    path = tmp_path_factory.mktemp("prompts") / "tone.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<h", round(8000 * math.sin(math.tau * 440 * at / 8000))) for at in range(3200)))
    return path


def collect(phone: Phone, seconds: float) -> list[bytes]:
    """Payloads that come within a time."""
    heard: list[bytes] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        phone.rtp.settimeout(left)
        try:
            heard.append(phone.rtp.recv(2048)[12:])
        except TimeoutError:
            break
    return heard


def test_what_plays_towards_a_leg_stands_in_place_of_the_other(engine: Driver, caller: Phone, carrier: Phone, tone: Path) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2, pace_s=0.001)
    caller.hear(2)
    engine.command(Play(call, 0, str(tone), repeat=2))
    said = carrier.say(10, pace_s=0.01)
    heard = [packet.payload for packet in caller.heard(0.4)]
    assert 35 <= len(heard) <= 41, "twice 400 ms in packets of 20 ms, some taken before"
    assert not set(said) & set(heard)
    engine.pump(0.3)
    engine.settle(call)
    said = carrier.say(3, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(3)] == said, "the other leg is heard again when the file has ended"


def test_stop_ends_what_plays(engine: Driver, caller: Phone, carrier: Phone, tone: Path) -> None:
    call = connect(engine, caller, carrier)
    carrier.say(2, pace_s=0.001)
    caller.hear(2)
    engine.command(Play(call, 0, str(tone), repeat=50))
    assert caller.hear(3)
    engine.command(Stop(call, 0))
    caller.discard()
    assert caller.hears_nothing()
    said = carrier.say(3, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(3)] == said


def test_a_file_that_cannot_be_played_silences_nobody(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    engine.command(Play(call, 0, "/nowhere.wav"))
    assert engine.engine.refused == 1  # type: ignore[attr-defined]
    said = carrier.say(3, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(3)] == said


def test_keys_are_pressed_towards_a_leg_where_calls_are_prepared_for_it(daemon: RunningDaemon, caller: Phone, carrier: Phone) -> None:
    with rtpengine_driver(daemon, inject_digits=True) as engine:
        call = connect(engine, caller, carrier)
        caller.say(5, pace_s=0.02)
        engine.command(SendDigits(call, 1, "4#"))
        for _ in range(40):
            caller.say(1, pace_s=0.02)
            engine.pump(0)
        carrier.rtp.settimeout(0.1)
        events = []
        while not carrier.rtp.settimeout(0.1):
            try:
                data = carrier.rtp.recv(2048)
            except TimeoutError:
                break
            if data[1] & 0x7F == 101 and data[13] & 0x80:
                events.append(data[12])
        assert events == [4, 4, 4, 11, 11, 11], "three ends of each"


def test_keys_are_refused_where_calls_are_not_prepared(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    engine.command(SendDigits(call, 1, "12"))
    assert engine.engine.refused == 2  # type: ignore[attr-defined]


def test_a_leg_without_telephone_events_hears_the_keys_as_tones(engine: Driver, caller: Phone) -> None:
    carrier = Phone(payloads="0")
    with phones(carrier):
        offer = engine.offer(MediaOffer("as-audio", 1, caller.sdp(), Side(digits="audio")))
        assert b"telephone-event" not in offer
        carrier.heed(offer)
        answer = engine.answer(MediaAnswer("as-audio", 0, carrier.sdp(), 1))
        assert b"telephone-event" in answer
        caller.heed(answer)
        voice = caller.say(2, pace_s=0.02)
        caller.press(5)
        voice += caller.say(10, pace_s=0.02)
        told = engine.wait(DigitHeard)
        assert (told.leg, told.digit) == (0, "5")
        tones = [payload for payload in collect(carrier, 0.3) if len(payload) == 160 and payload not in voice]
        assert tones
        assert sum(_power(tones, 770)) + sum(_power(tones, 1336)) > 20 * (sum(_power(tones, 941)) + sum(_power(tones, 1477)))


def _power(frames: list[bytes], frequency: float) -> Iterator[float]:
    """Of one frequency in each frame of mu-law."""
    turn = np.exp(-2j * np.pi * frequency * np.arange(160) / 8000)
    for frame in frames:
        yield float(abs(np.dot(MULAW[np.frombuffer(frame, np.uint8)], turn)) ** 2)


def test_a_leg_whose_keys_go_by_info_is_sent_none_in_rtp(engine: Driver, caller: Phone, carrier: Phone) -> None:
    connect(engine, caller, carrier, side=Side(digits="info"))
    engine.pump(0.03)
    said = caller.say(2, pace_s=0.001)
    caller.press(5)
    said += caller.say(2, pace_s=0.001)
    assert [packet.payload for packet in carrier.hear(4)] == said
    assert engine.wait(DigitHeard).digit == "5"
    carrier.press(6)
    assert {packet.payload_type for packet in caller.hear(7)} == {101}, "the other way they pass"


def test_rtcp_of_the_far_ends_gives_loss_jitter_and_an_estimate(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    reports: dict[int, tuple[int, float]] = {}
    for turn in range(4):
        for _ in range(10):
            caller.say(1)
            carrier.say(1, pace_s=0.002)
        for speaker, other in ((caller, carrier), (carrier, caller)):
            now = time.time() + 2_208_988_800
            last, at = reports.get(other.ssrc, (0, now))
            stamp = struct.pack("!II", int(now), int(now % 1 * 2**32))
            reports[speaker.ssrc] = (int.from_bytes(stamp[2:6]), now)
            report = struct.pack("!BBHI", 0x81, 200, 12, speaker.ssrc) + stamp + struct.pack("!III", speaker.timestamp, 10 * turn, 1600 * turn)
            report += struct.pack("!IIIIII", other.ssrc, 5 << 24 | 3, other.sequence, 40, last, round(max(0.0, now - at - 0.002) * 65536))
            speaker.rtcp.sendto(report, (speaker.target[0], speaker.target[1] + 1))
            time.sleep(0.005)
    engine.command(Query(call))
    counted = [engine.wait(MediaStatistics) for _ in range(2)]
    known = [one for one in counted if one.lost >= 0]
    assert known
    for one in known:
        assert one.lost == 3
        assert one.jitter_ms == 5.0
        assert 3.5 < one.mos <= 4.5


def test_a_first_packet_is_told_within_a_poll(daemon: RunningDaemon, caller: Phone, carrier: Phone) -> None:
    with rtpengine_driver(daemon, fast_poll_s=0.1) as engine:
        call = connect(engine, caller, carrier)
        engine.pump(0.3)
        began = time.monotonic()
        carrier.say(1)
        assert engine.wait(FirstPacket) == FirstPacket(call, 1)
        assert time.monotonic() - began < 3.0, "long before the slow poll"
        engine.command(Query(call))
        counted = engine.wait(MediaStatistics, lambda event: event.leg == 1)
        assert 0.2 < counted.first_s < 4.0


def test_silence_is_told_once_and_not_of_a_leg_on_hold(daemon: RunningDaemon, caller: Phone, carrier: Phone) -> None:
    with rtpengine_driver(daemon, fast_poll_s=0.05, poll_s=0.05, silence_s=0.4) as engine:
        call = connect(engine, caller, carrier)
        for _ in range(10):
            carrier.say(1)
            engine.pump(0.05)
        told = engine.wait(MediaTimeout)
        assert (told.call, told.leg) == (call, 0)
        assert 0.4 <= told.silent_s < 3.0
        engine.offer(MediaOffer(call, 1, caller.sdp("inactive")))
        engine.answer(MediaAnswer(call, 0, carrier.sdp("inactive"), 1))
        engine.pump(0.6)
        assert not [event for event in engine.events if isinstance(event, MediaTimeout)]


def test_a_leg_behind_nat_is_answered_where_it_speaks_from(engine: Driver, caller: Phone) -> None:
    hidden, real, stranger = Phone(), Phone("127.0.0.3"), Phone("127.0.0.4")
    with phones(hidden, real, stranger):
        real.heed(engine.offer(MediaOffer("nat", 1, caller.sdp(), Side(nat=True))))
        caller.heed(engine.answer(MediaAnswer("nat", 0, hidden.sdp(), 1)))
        said = real.say(3, pace_s=0.001)
        assert [packet.payload for packet in caller.hear(3)] == said
        said = caller.say(3, pace_s=0.001)
        assert [packet.payload for packet in real.hear(3)] == said
        assert hidden.hears_nothing()
        stranger.target = real.target
        stranger.say(3, pace_s=0.001)
        assert caller.hears_nothing(), "the first to speak is the one"


def test_a_late_offer_is_made_by_the_far_leg(engine: Driver, caller: Phone, carrier: Phone) -> None:
    assert engine.offer(MediaOffer("late", 1, b"")) == b""
    caller.heed(engine.answer(MediaAnswer("late", 0, carrier.sdp(), 1)))
    carrier.heed(engine.answer(MediaAnswer("late", 1, caller.sdp(), 0)))
    for speaker, listener in ((caller, carrier), (carrier, caller)):
        said = speaker.say(3, pace_s=0.001)
        assert [packet.payload for packet in listener.hear(3)] == said


def test_a_renegotiation_may_come_from_the_far_leg(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    before = caller.target, carrier.target
    caller.heed(engine.offer(MediaOffer(call, 0, carrier.sdp(), source=1)))
    carrier.heed(engine.answer(MediaAnswer(call, 1, caller.sdp(), 0)))
    assert (caller.target, carrier.target) == before
    said = carrier.say(3, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(3)] == said


def test_the_only_attempt_can_be_abandoned_before_it_answers(engine: Driver, caller: Phone, carrier: Phone) -> None:
    engine.offer(MediaOffer("refused", 1, caller.sdp()))
    engine.command(Delete("refused", 1))
    assert engine.wait(MediaStatistics) == MediaStatistics("refused", 1, 0, 0, -1, 0.0, 0.0, "", 0, -1.0, True)
    carrier.heed(engine.offer(MediaOffer("refused", 2, caller.sdp())))
    caller.heed(engine.answer(MediaAnswer("refused", 0, carrier.sdp(), 2)))
    said = carrier.say(3, pace_s=0.001)
    assert [packet.payload for packet in caller.hear(3)] == said
    engine.command(Delete("refused"))
    told = [engine.wait(MediaStatistics, lambda event: event.final) for _ in range(2)]
    assert sorted(one.leg for one in told) == [0, 2]


def test_a_copy_can_be_moved(engine: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(engine, caller, carrier)
    one, other = Phone(), Phone()
    with phones(one, other):
        engine.command(Subscribe(call, 1, one.host, one.port))
        engine.command(Subscribe(call, 1, other.host, other.port))
        said = carrier.say(3, pace_s=0.001)
        assert [packet.payload for packet in other.hear(3)] == said
        assert one.hears_nothing()


def test_a_masked_leg_is_silent_to_its_peer_and_in_its_copy_until_it_is_let_go(engine: Driver, caller: Phone, carrier: Phone) -> None:
    with masked(engine, caller, carrier) as (call, studio):
        caller.say(5, pace_s=0.001)
        said = carrier.say(3, pace_s=0.001)
        engine.pump(0.2)
        assert not carrier.heard()
        assert not studio.heard()
        assert [packet.payload for packet in caller.hear(3)] == said, "the other leg goes on being heard"
        engine.command(Block(call, 0))
        said = caller.say(3, pace_s=0.001)
        assert [packet.payload for packet in carrier.hear(3)] == said
        assert [packet.payload for packet in studio.hear(3)] == said


def test_sdp_the_daemon_cannot_read_fails_the_offer(engine: Driver) -> None:
    assert engine.engine.offer(MediaOffer("broken", 1, b"no sdp"), engine.loop.time()) is None
    engine.link.flush()
    assert engine.wait(MediaFailed) == MediaFailed("broken", 1, "media.failed")


def test_a_daemon_killed_and_started_again_has_lost_its_calls_and_takes_new_ones(tmp_path: Path, caller: Phone, carrier: Phone) -> None:
    with (
        running_daemon(tmp_path) as daemon,
        rtpengine_driver(daemon, repeat_s=0.05, deadline_s=0.3, ping_s=0.2, backoff_s=0.3, poll_s=0.2) as engine,
    ):
        call = connect(engine, caller, carrier)
        carrier.say(3, pace_s=0.001)
        caller.hear(3)
        engine.pump(0.5)
        daemon.kill()
        assert engine.engine.offer(MediaOffer("meanwhile", 1, caller.sdp()), engine.loop.time()) is None
        engine.link.flush()
        assert engine.wait(MediaFailed).call == "meanwhile"
        engine.pump(0.8)
        dead = engine.engine.offer(MediaOffer("dead", 1, caller.sdp()), engine.loop.time())
        assert dead == MediaFailed("dead", 1, "media.failed"), "known to be dead, it is not asked"
        daemon.start()
        assert engine.wait(MediaLost, lambda event: event.call == call) == MediaLost(call)
        final = [engine.wait(MediaStatistics, lambda event: event.final and event.call == call) for _ in range(2)]
        assert {one.leg: one.received for one in final} == {0: 0, 1: 3}
        other = connect(engine, caller, carrier)
        said = carrier.say(3, pace_s=0.001)
        assert [packet.payload for packet in caller.hear(3)] == said
        engine.command(Delete(other))
        assert engine.wait(MediaStatistics, lambda event: event.final and event.call == other)


def test_a_daemon_back_before_it_was_missed_is_found_out_by_the_next_poll(tmp_path: Path, caller: Phone, carrier: Phone) -> None:
    with running_daemon(tmp_path) as daemon, rtpengine_driver(daemon, poll_s=0.2, fast_poll_s=0.2) as engine:
        call = connect(engine, caller, carrier)
        daemon.kill()
        daemon.start()
        assert engine.wait(MediaLost) == MediaLost(call)
        carrier.heed(engine.offer(MediaOffer(call, 1, caller.sdp())))
        caller.heed(engine.answer(MediaAnswer(call, 0, carrier.sdp(), 1)))
        said = carrier.say(3, pace_s=0.001)
        assert [packet.payload for packet in caller.hear(3)] == said, "the same call may be set up anew"


def test_calls_go_to_the_daemon_that_lives(tmp_path: Path, daemon: RunningDaemon, caller: Phone, carrier: Phone) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        down = Daemon("127.0.0.1", nobody.getsockname()[1])
        settings = Settings((down, Daemon("127.0.0.1", daemon.port)), ping_s=0.1, repeat_s=0.05, deadline_s=0.3)
        with driver_of(settings) as engine:
            engine.pump(0.6)
            for number in range(4):
                assert isinstance(engine.offer(MediaOffer(f"spread-{number}", 1, caller.sdp())), bytes)
                engine.command(Delete(f"spread-{number}"))
    assert not [event for event in engine.events if isinstance(event, MediaReady | MediaFailed)]


def test_a_call_a_full_daemon_does_not_take_goes_to_the_next(tmp_path: Path, caller: Phone, carrier: Phone) -> None:
    (tmp_path / "full").mkdir()
    with running_daemon(tmp_path / "full", "--max-sessions=1") as one, running_daemon(tmp_path, "--port-min=15000") as other:
        settings = Settings((Daemon("127.0.0.1", one.port, weight=100), Daemon("127.0.0.1", other.port)))
        with driver_of(settings) as engine:
            first = connect(engine, caller, carrier)
            with phones(far := Phone(), near := Phone()):
                second = connect(engine, near, far)
                said = far.say(3, pace_s=0.001)
                assert [packet.payload for packet in near.hear(3)] == said
                engine.command(Delete(second))
            said = carrier.say(3, pace_s=0.001)
            assert [packet.payload for packet in caller.hear(3)] == said, "the full one still has the first"
            engine.command(Delete(first))
