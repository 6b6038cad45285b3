"""The studio with its worker processes, over real sockets and in real time: one scene with many lines, and what is done to workers."""

import asyncio
import os
import random
import signal
import socket
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from tests.listen.test_answers import spoken
from tests.listen.voice import noise, silence, tone
from tests.media.conftest import PATIENCE_S, WORKERS_START_S
from tests.media.in_time import before_others
from tests.studio.streams import DELAY_S, FORMATS, Arrival, Pcm, coded, lossy, pcm, stream
from tests.studio.test_line import counting
from trunkline.listen import Kind, synthesis
from trunkline.listen.plans import SITS
from trunkline.media.g711 import A_LAW
from trunkline.studio import Address, Heard, Recorded, Studio, StudioEvent, StudioLost, StudioPool, StudioSettings, repair

pytestmark = pytest.mark.sockets

Wanted = TypeVar("Wanted", bound=StudioEvent)


class Driver:
    """A studio with its workers, driven from a test."""

    def __init__(self, studio: Studio, pool: StudioPool, loop: asyncio.AbstractEventLoop) -> None:
        self.studio = studio
        self.pool = pool
        self.loop = loop
        self.events: list[StudioEvent] = []
        self.out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    @property
    def now(self) -> float:
        return self.loop.time()

    def open(self, call: str, leg: int, *, hears: bool = True, country: str = "", answered: bool = False) -> Address:
        if hears:
            address = self.studio.listen(call, leg, self.now, formats=FORMATS, country=country, answered=answered)
        else:
            address = self.studio.tap(call, leg, self.now, formats=FORMATS)
        assert address is not None
        self.pool.flush()
        return address

    def pump(self, seconds: float) -> None:
        self.pool.flush()
        self.loop.run_until_complete(asyncio.sleep(seconds))
        while (event := self.studio.next_event()) is not None:
            self.events.append(event)

    def play(self, *feeds: tuple[Address, list[Arrival]], meanwhile: list[tuple[float, Callable[[], None]]] | None = None) -> None:
        """Send streams in real time, their times counted from now; and do things at given times."""
        begin = self.now
        todo = sorted(((one.at, address, one.data) for address, arrivals in feeds for one in arrivals), reverse=True)
        actions = sorted(meanwhile or [], key=lambda one: -one[0])
        while todo or actions:
            elapsed = self.now - begin
            while todo and todo[-1][0] <= elapsed:
                _, address, data = todo.pop()
                self.out.sendto(data, address)
            while actions and actions[-1][0] <= elapsed:
                actions.pop()[1]()
            self.pump(0.005)

    def wait(self, kind: type[Wanted], wanted: Callable[[Wanted], bool] = lambda event: True, within_s: float = PATIENCE_S) -> Wanted:
        """The first event of that kind that is `wanted`, taken off the list."""
        deadline = time.monotonic() + within_s
        while True:
            for event in self.events:
                if isinstance(event, kind) and wanted(event):
                    self.events.remove(event)
                    return event
            assert time.monotonic() < deadline, f"no {kind.__name__} among {self.events}"
            self.pump(0.01)


@contextmanager
def running(workers: int = 1, lines: int = 40, ahead: int = 16) -> Iterator[Driver]:
    loop = asyncio.new_event_loop()
    settings = StudioSettings(workers=workers, lines=lines, leased_ahead=ahead)
    studio = Studio(settings)
    pool = StudioPool(studio, settings)
    driver = Driver(studio, pool, loop)
    with before_others():
        try:
            loop.run_until_complete(pool.start(WORKERS_START_S))
            while studio.ready_lines() < workers * ahead:
                driver.pump(0.01)
            yield driver
        finally:
            driver.out.close()
            loop.run_until_complete(pool.close())
            loop.close()


@pytest.fixture
def studio() -> Iterator[Driver]:
    with running() as driver:
        yield driver


def channels(file: Path) -> tuple[Pcm, Pcm]:
    with wave.open(str(file)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    return samples[:, 0], samples[:, 1]


def assert_said(channel: Pcm, said: Pcm) -> None:
    """The whole of `said`, bit by bit, and silence around it."""
    begin = int(np.flatnonzero(channel)[0])
    lead = int(np.flatnonzero(said)[0])
    found = channel[begin - lead :][: len(said)]
    assert (found == said).all()
    assert not channel[begin - lead + len(said) :].any()


def test_a_scene_of_many_lines_is_heard(studio: Driver, tmp_path: Path) -> None:
    """Ringback, a vacant number, hello, a mailbox with its beep, silence and nothing, over a network that loses and reorders."""
    rng = np.random.default_rng(5)
    hello = spoken("Hello?", tmp_path)
    mailbox = spoken("You have reached the voice mailbox of Robert Miller. I am not able to take your call at the moment. Please leave your name and your number after the tone.", tmp_path)
    floor = noise(16, -66)
    vacant = next(one for one in SITS if one.code == "VC")
    scene = {
        "ringback": np.concatenate([synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 9.0)]),
        "vacant": np.concatenate([silence(1.0), synthesis.sit(vacant), silence(2.0)]),
        "human": np.concatenate([silence(1.0), hello, silence(3.0)]),
        "mailbox": np.concatenate([silence(1.0), mailbox, silence(0.6), tone(0.4, 1000), silence(2.0)]),
        "silence": silence(4.0),
    }
    feeds = []
    for call, audio in scene.items():
        address = studio.open(call, 1, country="us")
        heard = audio if call in ("silence", "ringback") else audio + floor[: len(audio)]
        feeds.append((address, lossy(stream(pcm(heard)), rng, 0.05 if call == "ringback" else 0.02, 0.04)))
    studio.open("nothing", 1)

    def answer() -> None:
        for call, ring_time_s in (("human", 6.0), ("mailbox", 22.0)):
            studio.studio.answered(call, 1, ring_time_s, False, studio.now)

    studio.play(*feeds, meanwhile=[(0.5, answer)])
    studio.pump(0.3)

    def first(call: str, *kinds: Kind) -> Heard:
        return studio.wait(Heard, lambda one: one.call == call and one.hearing.kind in kinds)

    assert first("ringback", Kind.RINGBACK).hearing.began_s == pytest.approx(0.0, abs=0.15)
    assert first("vacant", Kind.SIT).hearing.code == "VC"
    person = first("human", Kind.HUMAN, Kind.MACHINE, Kind.ANNOUNCEMENT, Kind.UNKNOWN).hearing
    assert person.kind is Kind.HUMAN
    assert person.began_s == pytest.approx(0.5, abs=0.1)
    assert person.said_s <= 1.0 + len(hello) / 8000 + 0.65 + DELAY_S + 0.1
    assert first("mailbox", Kind.MACHINE, Kind.ANNOUNCEMENT)
    assert first("mailbox", Kind.BEEP).hearing.began_s == pytest.approx(1.0 + len(mailbox) / 8000 + 0.6, abs=0.15)
    assert first("silence", Kind.SILENCE)
    assert first("nothing", Kind.NO_AUDIO)
    assert not [one for one in studio.events if isinstance(one, Heard) and one.call == "ringback" and one.hearing.kind is Kind.HUMAN]


def test_a_recording_with_a_pause_over_sockets(studio: Driver, tmp_path: Path) -> None:
    caller, carrier = studio.open("c", 0, hears=False), studio.open("c", 1)
    left, right = counting(3.0, 1), counting(3.0, 2)
    file = tmp_path / "r.wav"
    assert studio.studio.record("c", (0, 1), str(file), studio.now)
    studio.play((caller, stream(left, 0.2, law=A_LAW)), (carrier, stream(right, 0.2)))
    studio.pump(0.2)
    studio.studio.pause("c", studio.now)
    secret = counting(0.5, 3)
    studio.play((caller, stream(secret, 0.1)), (carrier, stream(secret, 0.1)))
    studio.studio.resume("c", studio.now)
    studio.pump(0.2)
    studio.studio.forget("c", -1, studio.now)
    told = studio.wait(Recorded)
    assert (told.call, told.file, told.why, told.bytes) == ("c", str(file), "", file.stat().st_size)
    assert told.seconds == pytest.approx(4.2, abs=0.4)
    for channel, said in zip(channels(file), (coded(left, A_LAW), coded(right)), strict=True):
        assert_said(channel, said)


def test_a_dead_worker_loses_its_calls_alone_and_its_recordings_can_be_repaired(tmp_path: Path) -> None:
    with running(workers=2) as studio:
        first, second = tmp_path / "a.wav", tmp_path / "b.wav"
        addresses = {call: studio.open(call, 1) for call in ("a", "b")}
        assert [studio.studio.worker_of(call) for call in ("a", "b")] == [0, 1]
        samples = counting(2.5)
        for call, file in (("a", first), ("b", second)):
            assert studio.studio.record(call, (1, 1), str(file), studio.now)

        def kill() -> None:
            os.kill(studio.pool.pids[0], signal.SIGKILL)

        victim = studio.pool.pids[0]
        studio.play(*((address, stream(samples)) for address in addresses.values()), meanwhile=[(2.2, kill)])
        assert studio.wait(StudioLost) == StudioLost(("a",), (str(first),))
        assert repair(first) >= 1.0
        broken, _ = channels(first)
        begin = int(np.flatnonzero(broken)[0])
        assert (broken[begin:] == coded(samples)[np.flatnonzero(coded(samples))[0] :][: len(broken) - begin]).all()
        studio.studio.forget("b", 1, studio.now)
        assert studio.wait(Recorded).why == ""
        assert_said(channels(second)[0], coded(samples))
        deadline = time.monotonic() + PATIENCE_S
        while studio.pool.pids.get(0) in (None, victim):
            assert time.monotonic() < deadline
            studio.pump(0.02)
        while studio.studio.ready_lines() < 30:
            studio.pump(0.01)
        studio.open("busy", 1)
        studio.open("fresh", 1)
        assert {studio.studio.worker_of(call) for call in ("busy", "fresh")} == {0, 1}
        assert {studio.wait(Heard, lambda one: one.hearing.kind is Kind.NO_AUDIO).call for _ in range(2)} == {"busy", "fresh"}


def test_sigterm_completes_recordings_and_tells_of_them(studio: Driver, tmp_path: Path) -> None:
    address = studio.open("c", 1)
    file = tmp_path / "r.wav"
    studio.studio.record("c", (1, 1), str(file), studio.now)
    samples = counting(1.3)
    studio.play((address, stream(samples)))
    studio.pump(0.15)
    os.kill(studio.pool.pids[0], signal.SIGTERM)
    told = studio.wait(Recorded)
    assert told.why == "the worker was stopped"
    assert studio.wait(StudioLost) == StudioLost(("c",))
    assert_said(channels(file)[0], coded(samples))


def test_workers_end_with_their_link_and_recordings_are_complete_then(tmp_path: Path) -> None:
    file = tmp_path / "r.wav"
    samples = counting(1.3)
    with running() as studio:
        (worker,) = studio.pool.pids.values()
        address = studio.open("c", 1)
        studio.studio.record("c", (1, 1), str(file), studio.now)
        studio.play((address, stream(samples)))
        studio.pump(0.15)
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)
    assert_said(channels(file)[0], coded(samples))


def test_garbage_and_a_flood_at_one_port_cost_the_others_nothing(studio: Driver, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    target, other = studio.open("flooded", 1), studio.open("other", 1)
    file = tmp_path / "r.wav"
    studio.studio.record("other", (1, 1), str(file), studio.now)
    before = studio.pool.pids
    flooder = os.fork()
    if flooder == 0:
        draw = random.Random(3550)
        packets = [
            bytes([draw.choice((0x00, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0xA0, 0xBF, 0xFF)), draw.choice((0, 8, 9, 13, 101, 200, 255))])
            + draw.randbytes(draw.choice((0, 1, 2, 9, 10, 11, 12, 14, 170, 1400, 2100)))
            for _ in range(500)
        ]
        while os.getppid() != 1:
            for packet in packets:
                try:
                    studio.out.sendto(packet, target)
                except OSError:
                    continue
            time.sleep(0.001)
        os._exit(0)
    try:
        samples = counting(2.0)
        studio.play((other, stream(samples)))
    finally:
        os.kill(flooder, signal.SIGKILL)
        os.waitpid(flooder, 0)
    studio.pump(0.2)
    studio.studio.forget("other", -1, studio.now)
    assert studio.wait(Recorded).why == ""
    assert_said(channels(file)[0], coded(samples))
    assert studio.pool.pids == before
    assert "Traceback" not in capfd.readouterr().err


def test_a_worker_that_stood_still_goes_on_with_the_present(studio: Driver) -> None:
    address = studio.open("c", 1, country="us")
    worker = studio.pool.pids[0]
    actions = [(0.3, lambda: os.kill(worker, signal.SIGSTOP)), (1.8, lambda: os.kill(worker, signal.SIGCONT))]
    vacant = next(one for one in SITS if one.code == "VC")
    audio = np.concatenate([silence(2.2), synthesis.sit(vacant), silence(1.0)])
    studio.play((address, stream(pcm(audio))), meanwhile=actions)
    heard = studio.wait(Heard, lambda one: one.hearing.kind is Kind.SIT)
    assert heard.hearing.began_s == pytest.approx(2.2, abs=0.15)


def test_an_idle_worker_costs_nothing(studio: Driver) -> None:
    studio.open("c", 1)
    studio.studio.forget("c", -1, studio.now)
    studio.pump(0.2)

    def used() -> int:
        fields = Path(f"/proc/{studio.pool.pids[0]}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = used()
    studio.pump(1.0)
    assert used() - before <= 1
