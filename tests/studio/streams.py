"""RTP made by the tests, the ways a network treats it, and a room on virtual time to play it to."""

import heapq
import itertools
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from trunkline.listen import TICK_S, Hearing, Kind
from trunkline.media.g711 import MU_LAW, Law
from trunkline.media.rtp import Packet
from trunkline.studio.contract import Heard
from trunkline.studio.line import DELAY, Line
from trunkline.studio.protocol import Answered, Forget, Message, Open, Pause, Record
from trunkline.studio.room import Room

Pcm = NDArray[np.int16]
Kind_ = TypeVar("Kind_", bound=msgspec.Struct)
FORMATS = {0: "PCMU", 8: "PCMA", 13: "CN", 101: "telephone-event"}
SSRCS = itertools.count(0x1000)


class Arrival(NamedTuple):
    """A datagram and when it comes."""

    at: float
    data: bytes


def pcm(*pieces: NDArray[np.floating]) -> Pcm:
    """Samples of full scale 1, one piece after the other, in 16 bit and whole frames."""
    line = np.concatenate(pieces)
    line = np.concatenate([line, np.zeros(-len(line) % 160)])
    return np.clip(np.rint(line * 32768), -32768, 32767).astype(np.int16)


def coded(samples: Pcm, law: Law = MU_LAW) -> Pcm:
    """What is left of samples after a codec."""
    return law.decode(law.encode(samples))


def stream(
    samples: Pcm, begin: float = 0.0, *, law: Law = MU_LAW, size: int = 160, ssrc: int | None = None, sequence: int = 65_500, stamp: int = 2**32 - 8000,
    rate_hz: float = 8000.0,
) -> list[Arrival]:  # fmt: skip
    """A stream of G.711 as a phone sends it, across the wraps of both counters; `rate_hz` is what its clock really does."""
    codes = law.encode_bytes(samples)
    ssrc = next(SSRCS) if ssrc is None else ssrc
    return [
        Arrival(
            begin + (at + size) / rate_hz,
            Packet(law.payload_type, (sequence + at // size) & 0xFFFF, (stamp + at) & 0xFFFF_FFFF, ssrc, codes[at : at + size], not at).encode(),
        )
        for at in range(0, len(codes), size)
    ]


def lossy(arrivals: Iterable[Arrival], rng: np.random.Generator, loss: float = 0.05, jitter_s: float = 0.0) -> list[Arrival]:
    """A network: some never come, the others up to `jitter_s` late, overtaking each other."""
    return sorted(Arrival(one.at + rng.uniform(0, jitter_s), one.data) for one in arrivals if rng.random() >= loss)


class Stage:
    """A room whose time the test keeps."""

    def __init__(self, rows: int = 8) -> None:
        self.now = 0.0
        self.ticks = 0
        self.told: list[Message] = []
        self.room = Room(rows, self.told.append, clock=lambda: self.now)

    def open(self, call: str = "c", leg: int = 1, *, hears: bool = True, country: str = "", formats: dict[int, str] = FORMATS) -> Line:
        self.room.open(Open(call, leg, 0, self.now, formats, hears, country))
        return self.room.lines[call, leg]

    def answer(self, call: str = "c", leg: int = 1, ring_time_s: float | None = None, early_media: bool = False) -> None:
        self.room.answered(Answered(call, leg, self.now, ring_time_s, early_media))

    def record(self, call: str, left: int, right: int, file: object) -> None:
        self.room.record(Record(call, (left, right), str(file)))

    def pause(self, call: str, on: bool) -> None:
        self.room.pause(Pause(call, on))

    def forget(self, call: str, leg: int = -1) -> None:
        self.room.forget(Forget(call, leg))

    def play(self, until: float, *feeds: tuple[Line, Sequence[Arrival]]) -> None:
        """Let time pass, and packets that were not delivered yet arrive in it."""
        begin = self.now
        waiting = [(one.at, number, one.data, line) for number, (line, arrivals) in enumerate(feeds) for one in arrivals if begin < one.at <= until + 1e-9]
        heapq.heapify(waiting)
        while self.now < until - 1e-9:
            self.ticks += 1
            due = self.ticks * TICK_S
            while waiting and waiting[0][0] <= due + 1e-9:
                _, _, data, line = heapq.heappop(waiting)
                self.room.receive(line, memoryview(data))
            self.now = due
            self.room.tick(due)

    def told_of(self, kind: type[Kind_]) -> list[Kind_]:
        """Everything of a kind that was told, taken off the list."""
        found = [one for one in self.told if isinstance(one, kind)]
        self.told[:] = [one for one in self.told if not isinstance(one, kind)]
        return found

    def heard(self, *kinds: Kind) -> list[Hearing]:
        """What was heard, of these kinds."""
        return [one.hearing for one in self.told if isinstance(one, Heard) and (not kinds or one.hearing.kind in kinds)]


DELAY_S = DELAY * TICK_S
