"""The relay's workers as processes: garbage, floods, death, sources, and what the engine makes of it."""

import itertools
import logging
import os
import random
import signal
import socket
import struct
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.media.conftest import Driver, relay_driver
from tests.media.engine_suite import connect
from tests.media.far_ends import HEARD_S, QUIET_S, Packet, Phone, is_unread, phones
from trunkline.media import (
    DigitHeard,
    MediaAnswer,
    MediaFailed,
    MediaLost,
    MediaOffer,
    MediaReady,
    MediaStatistics,
    MediaTimeout,
    Play,
    Played,
    Query,
    SendDigits,
    Side,
    Stop,
)
from trunkline.media.g711 import MU_LAW
from trunkline.media.relay import Interface, Relay, RelayPool

pytestmark = pytest.mark.sockets


@pytest.fixture
def relay() -> Iterator[Driver]:
    with relay_driver() as driver:
        yield driver


def refused(driver: Driver, call: str, leg: int) -> int:
    driver.command(Query(call))
    return driver.wait(MediaStatistics, lambda event: event.leg == leg).refused


def hears(speaker: Phone, listener: Phone, packets: int = 5) -> bool:
    said = speaker.say(packets, pace_s=0.001)
    return [packet.payload for packet in listener.hear(packets)] == said


def test_behind_a_nat_the_first_packet_decides(relay: Driver, caller: Phone, carrier: Phone) -> None:
    """The carrier's description names 127.0.0.1; it really sends from 127.0.0.3, and is answered there."""
    call = f"nat-{random.random()}"
    natted = Phone("127.0.0.3")
    with phones(natted):
        natted.host = "127.0.0.1"
        connect(relay, caller, natted, call=call, side=Side(nat=True))
        assert hears(natted, caller)
        assert hears(caller, natted)
        stranger = Phone("127.0.0.2")
        with phones(stranger):
            stranger.target = natted.target
            stranger.say(3)
            assert caller.hears_nothing(), "the lock is held"


def test_without_a_nat_policy_nobody_latches(relay: Driver, caller: Phone) -> None:
    other = Phone("127.0.0.3")
    with phones(other):
        other.host = "127.0.0.1"
        call = connect(relay, caller, other)
        other.say(3)
        assert caller.hears_nothing()
        assert refused(relay, call, 1) == 3


def test_audio_from_a_carriers_listed_network_is_taken_and_its_description_is_where_we_send(relay: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(relay, caller, carrier, side=Side(networks=("127.0.9.0/24",)))
    gateway = Phone("127.0.9.9")
    with phones(gateway):
        gateway.target = carrier.target
        assert hears(gateway, caller)
        assert hears(caller, carrier)
        assert refused(relay, call, 1) == 0


def test_a_silent_source_may_be_replaced_once_from_the_allowed_ranges(
    relay: Driver, caller: Phone, carrier: Phone, caplog: pytest.LogCaptureFixture
) -> None:
    connect(relay, caller, carrier, side=Side(networks=("127.0.9.0/24",)))
    second, stranger = Phone("127.0.9.9"), Phone("127.0.0.2")
    with phones(second, stranger), caplog.at_level(logging.INFO, logger="trunkline.media.relay"):
        second.target = stranger.target = carrier.target
        assert hears(carrier, caller)
        said = []
        for _ in range(3):
            said += carrier.say()
            second.say()
        assert [packet.payload for packet in caller.hear(3)] == said
        assert caller.hears_nothing(), "the first still speaks"
        relay.pump(0.75)
        stranger.say(3)
        assert caller.hears_nothing(), "silence opens the port to the allowed only"
        assert hears(second, caller)
        carrier.say(3)
        assert caller.hears_nothing(), "the lock has moved, and moves once"
        relay.until(lambda: f"audio from 127.0.9.9:{second.port}, before from 127.0.0.1:{carrier.port}" in caplog.text, "the log tells of it")


def test_a_phone_that_stopped_and_spoke_again_is_heard(relay: Driver, caller: Phone, carrier: Phone) -> None:
    connect(relay, caller, carrier)
    assert hears(carrier, caller)
    relay.pump(0.8)
    assert hears(carrier, caller)
    assert hears(carrier, caller)


def test_a_flood_on_one_port_starves_no_other_call(relay: Driver, caller: Phone, carrier: Phone) -> None:
    connect(relay, caller, carrier)
    victim_caller, victim_carrier = Phone(), Phone()
    with phones(victim_caller, victim_carrier):
        connect(relay, victim_caller, victim_carrier)
        flooder = os.fork()
        if flooder == 0:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
                one.bind(("127.0.0.2", 0))
                one.connect(victim_carrier.target)
                packet = struct.pack("!BBHII", 0x80, 0, 1, 1, 1) + bytes(160)
                while os.getppid() != 1:
                    try:
                        one.send(packet)
                    except OSError:
                        continue
            os._exit(0)
        try:
            while not is_unread(victim_carrier.target):
                time.sleep(0.01)
            said, delays = [], []
            for _ in range(50):
                begin = time.monotonic()
                said += caller.say()
                assert carrier.hear()[0].payload == said[-1]
                delays.append(time.monotonic() - begin)
                time.sleep(0.01)
            assert is_unread(victim_carrier.target), "the worker is behind with the flood all the while"
        finally:
            os.kill(flooder, signal.SIGKILL)
            os.waitpid(flooder, 0)
    assert len(said) == 50, "nothing lost"
    assert sorted(delays)[25] < 0.2, "nor late as a rule; a worker that emptied one port before it looked at the next would never come to the others"


def test_garbage_at_every_port_ends_nothing(relay: Driver, caller: Phone, carrier: Phone, capfd: pytest.CaptureFixture[str]) -> None:
    call = connect(relay, caller, carrier)
    before = pool(relay).pids
    draw = random.Random(4733)
    packets = [
        bytes([draw.choice((0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0xA0, 0xBF, 0xFF)), draw.choice((0, 101, 229, 200, 201, 202, 203, 207, 255))])
        + draw.randbytes(draw.choice((0, 1, 2, 5, 6, 9, 10, 11, 12, 14, 160, 1400, 2100)))
        for _ in range(3000)
    ]
    packets += [b"", b"\x80", b"\x80\x00", bytes(70), b"\xff" * 2048]
    for phone in (caller, carrier):
        for index, packet in enumerate(packets):
            phone.rtp.sendto(packet, phone.target)
            phone.rtcp.sendto(packet, (phone.target[0], phone.target[1] + 1))
            if index % 50 == 0:
                time.sleep(0.005)
    for phone in (caller, carrier):
        phone.until_taken()
    relay.settle(call)
    caller.discard()
    carrier.discard()
    caller.ssrc, carrier.ssrc = 7, 8
    for speaker, listener in ((caller, carrier), (carrier, caller)):
        speaker.say(5, pace_s=0.002)
        assert listener.hear(3)[-1].payload
    assert pool(relay).pids == before
    assert refused(relay, call, 0) > 100
    assert "Traceback" not in capfd.readouterr().err


def test_a_dead_worker_loses_its_calls_alone_and_is_replaced() -> None:
    with relay_driver(workers=2) as relay:
        ends = [Phone() for _ in range(8)]
        with phones(*ends):
            relay.until(lambda: engine_of(relay).ready_pairs() >= 2 * 16, "both have leased ports")
            calls = [connect(relay, ends[at], ends[at + 1]) for at in range(0, 8, 2)]
            by_worker: dict[int, list[int]] = {0: [], 1: []}
            for at, name in enumerate(calls):
                by_worker[engine_of(relay).worker_of(name) or 0].append(at)
            assert [len(numbers) for numbers in by_worker.values()] == [2, 2], "calls are spread"
            victim = pool(relay).pids[0]
            os.kill(victim, signal.SIGKILL)
            lost = {relay.wait(MediaLost).call for _ in by_worker[0]}
            left = engine_of(relay).ready_pairs()
            assert lost == {calls[at] for at in by_worker[0]}
            for at in by_worker[1]:
                assert hears(ends[2 * at], ends[2 * at + 1])
                assert hears(ends[2 * at + 1], ends[2 * at])
            relay.until(lambda: pool(relay).pids.get(0) not in (None, victim), "another in its place")
            relay.until(lambda: engine_of(relay).ready_pairs() >= left + 16, "it has leased ports")
            fresh, other = Phone(), Phone()
            with phones(fresh, other):
                name = connect(relay, fresh, other)
                assert engine_of(relay).worker_of(name) == 0
                assert hears(fresh, other)


def test_workers_end_with_their_link() -> None:
    with relay_driver() as relay:
        (worker,) = pool(relay).pids.values()
        os.kill(worker, 0)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_silence_is_reported_once_but_not_on_hold() -> None:
    with relay_driver(timeout_s=0.3) as relay:
        caller, carrier = Phone(), Phone()
        with phones(caller, carrier):
            call = connect(relay, caller, carrier)
            told = {relay.wait(MediaTimeout).leg, relay.wait(MediaTimeout).leg}
            assert told == {0, 1}
            carrier.say(2, pace_s=0.01)
            event = relay.wait(MediaTimeout)
            assert (event.call, event.leg) == (call, 1)
            assert event.silent_s >= 0.3
        holder, held = Phone(), Phone()
        with phones(holder, held):
            relay.offer(MediaOffer("held", 1, holder.sdp("sendonly")))
            relay.answer(MediaAnswer("held", 0, held.sdp("recvonly"), 1))
            assert relay.wait(MediaTimeout, lambda event: event.call == "held").leg == 0
            relay.pump(1.0)
            assert not [event for event in relay.events if isinstance(event, MediaTimeout) and event.call == "held"]


def test_what_is_sent_is_marked_with_the_sides_dscp(relay: Driver, caller: Phone, carrier: Phone) -> None:
    for phone in (caller, carrier):
        phone.rtp.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        phone.rtp.settimeout(HEARD_S)
    connect(relay, caller, carrier, side=Side(dscp=34))
    for speaker, listener, dscp in ((caller, carrier, 34), (carrier, caller, 46)):
        speaker.say()
        _, control, _, _ = listener.rtp.recvmsg(2048, 64)
        assert control[0][2][0] >> 2 == dscp


def test_ipv6_on_one_leg_and_ipv4_on_the_other(caller: Phone) -> None:
    with relay_driver(interfaces=(Interface("four", "127.0.0.1"), Interface("six", "::1"))) as relay:
        far = Phone("::1")
        with phones(far):
            relay.until(lambda: isinstance(relay.engine.offer(MediaOffer("asks", 1, caller.sdp(), Side(interface="six")), 0.0), MediaReady), "ports of either kind")
            connect(relay, caller, far, side=Side(interface="six"))
            assert far.target[0] == "::1"
            assert hears(caller, far)
            assert hears(far, caller)
            assert hears(caller, far), "and once more, over connected sockets"


def test_an_announcement_replaces_the_other_leg_and_leaves_no_gap(relay: Driver, caller: Phone, carrier: Phone, tmp_path: Path) -> None:
    samples = (8000 * np.sin(np.arange(160 * 50) / 4)).astype("<i2")
    file = tmp_path / "prompt.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(samples.tobytes())
    call = connect(relay, caller, carrier)
    carrier.say(3, pace_s=0.01)
    heard = caller.hear(3)
    relay.command(Play(call, 0, str(file)))
    carrier.say(3)
    played = caller.hear(50)
    assert b"".join(packet.payload for packet in played) == MU_LAW.encode_bytes(samples.astype(np.int16))
    assert relay.wait(Played) == Played(call, 0, str(file))
    said = carrier.say(3, pace_s=0.01)
    after = caller.hear(3)
    assert [packet.payload for packet in after] == said
    whole = heard + played + after
    assert_is_one_stream(whole)
    relay.command(Play(call, 0, str(file), repeat=1000))
    caller.hear(52)
    relay.command(Stop(call, 0))
    assert relay.wait(Played) == Played(call, 0, str(file), "stopped")
    caller.discard()
    assert hears(carrier, caller)


def test_what_cannot_be_played_is_refused_by_an_event(relay: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(relay, caller, carrier)
    relay.command(Play(call, 0, "/nowhere.wav"))
    told = relay.wait(Played)
    assert (told.call, told.leg, told.file) == (call, 0, "/nowhere.wav")
    assert "No such file" in told.why
    relay.command(SendDigits(call, 1, "!"))
    assert relay.wait(MediaFailed) == MediaFailed(call, 1, "media.failed")


def test_digits_are_sent_as_the_leg_wants_them(relay: Driver, caller: Phone, carrier: Phone) -> None:
    call = connect(relay, caller, carrier)
    carrier.say(2, pace_s=0.01)
    heard = caller.hear(2)
    relay.command(SendDigits(call, 0, "4#"))
    events = caller.hear(14)
    assert {packet.payload_type for packet in events} == {101}
    assert [packet.payload[0] for packet in events] == [4] * 7 + [11] * 7
    assert [packet.marker for packet in events] == [True] + [False] * 6 + [True] + [False] * 6
    assert len({packet.timestamp for packet in events}) == 2
    relay.pump(0.5)  # the pause after a press is part of it
    carrier.say(2, pace_s=0.01)
    assert_is_one_stream([*heard, *events, *caller.hear(2)])
    in_band = connect(relay, caller, carrier, side=Side(digits="audio"))
    relay.command(SendDigits(in_band, 1, "5"))
    assert {packet.payload_type for packet in carrier.hear(5)} == {0}
    caller.press(3)
    assert relay.wait(DigitHeard).digit == "3"
    assert {packet.payload_type for packet in carrier.heard(QUIET_S)} <= {0}, "events do not reach a leg that wants audio"


def assert_is_one_stream(packets: list[Packet]) -> None:
    assert {packet.ssrc for packet in packets} == {packets[0].ssrc}
    assert [(packet.sequence - packets[0].sequence) & 0xFFFF for packet in packets] == list(range(len(packets)))
    steps = [(later.timestamp - earlier.timestamp) & 0xFFFF_FFFF for earlier, later in itertools.pairwise(packets)]
    assert all(step < 0x8000_0000 for step in steps), steps


def engine_of(relay: Driver) -> Relay:
    assert isinstance(relay.engine, Relay)
    return relay.engine


def pool(relay: Driver) -> RelayPool:
    assert isinstance(relay.link, RelayPool)
    return relay.link
