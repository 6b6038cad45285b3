"""The studio's half in the signalling process: legs handed to workers, and what workers heard handed on.

A call listens in two steps. `listen` takes a port that a worker holds ready and says where it is; the caller then has the media engine copy
the leg there (`media.Subscribe`). All of a call is in one worker, for a recording joins its legs. Nothing here waits, and nothing a call does
depends on it: a studio that is dead or full has no port, and the call goes on unheard.
"""

import logging
from collections import deque
from collections.abc import Mapping

from msgspec import Struct

from trunkline.media.g711 import LAWS
from trunkline.media.leases import Leased, Unleased, WorkerLeases
from trunkline.media.messages import WorkerDown, WorkerUp
from trunkline.media.transcoding import Conversion, ConversionUser
from trunkline.studio.contract import Address, Heard, Recorded, StudioEvent, StudioLost, Undecodable
from trunkline.studio.formats import WIDE, can_decode_wide
from trunkline.studio.protocol import (
    Answered,
    Configure,
    Convert,
    EndConversion,
    Finish,
    Forget,
    KeyHeard,
    Message,
    Open,
    Pause,
    Record,
    decode,
    encode,
)
from trunkline.studio.settings import StudioSettings

_log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
"Between the relay's workers and ours audio stays on this machine, whatever address copies come to."


class Worker(Struct):
    """A worker that is up."""

    leases: WorkerLeases
    lines: int = 0
    "Legs it has."
    conversions: int = 0


class Converted(Struct):
    """A conversion and where it is."""

    worker: Worker
    port: int


class StudioCall(Struct):
    """A call in the studio."""

    worker: Worker
    legs: dict[int, int]
    "Leg to port."
    file: str = ""
    "Being recorded to."


class Studio:
    """The studio of a node. Sans-IO; its link is the `StudioPool`, which starts the workers. Times are seconds on the monotonic clock."""

    def __init__(self, settings: StudioSettings) -> None:
        self.garbage = 0
        "Messages that were none."
        self._settings = settings
        self._workers: dict[int, Worker] = {}
        self._calls: dict[str, StudioCall] = {}
        self._conversions: dict[tuple[str, int], Converted] = {}
        self._user: ConversionUser | None = None
        self._outbox: deque[bytes] = deque()
        self._events: deque[StudioEvent] = deque()

    def listen(
        self, call: str, leg: int, now: float, *, formats: Mapping[int, str], country: str = "", answered: bool = False,
        ring_time_s: float | None = None, early_media: bool = False,
    ) -> Address | None:  # fmt: skip
        """Hear a leg from here on; where to send its audio, or None: it will not be heard.

        `formats` says which encoding each payload type is that the leg sends (SDP names: `PCMU`, `telephone-event`, ...); `country` is the
        one called (ISO 3166 alpha-2 in lower case). With `answered` the rest is that of the verb `answered`. A second call for a leg
        says what its payload types mean by now, and hears it if it was only tapped before; the port stays.
        """
        found = self._open(call, leg, now, dict(formats), True, country)
        if found is not None and answered:
            self.answered(call, leg, ring_time_s, early_media, now)
        return found

    def tap(self, call: str, leg: int, now: float, *, formats: Mapping[int, str]) -> Address | None:
        """Take a leg's audio in without listening to it, for a recording; else like `listen`."""
        return self._open(call, leg, now, dict(formats), False, "")

    def answered(self, call: str, leg: int, ring_time_s: float | None, early_media: bool, now: float) -> None:
        """A leg was answered, after ringing for `ring_time_s` (None: no alerting was seen), with or without early media."""
        found = self._calls.get(call)
        if found is not None and leg in found.legs:
            self._send(found.worker, Answered(call, leg, now, ring_time_s, early_media))

    def forget(self, call: str, leg: int, now: float) -> None:
        """A leg is over; with -1 the call is. What is being recorded of it ends with its last leg."""
        found = self._calls.get(call)
        if found is None or (leg >= 0 and leg not in found.legs):
            return
        gone = [leg] if leg >= 0 else list(found.legs)
        for one in gone:
            del found.legs[one]
        found.worker.lines -= len(gone)
        self._send(found.worker, Forget(call, leg))
        self._let_go(call, found)

    def record(self, call: str, legs: tuple[int, ...], file: str, now: float) -> bool:
        """Record two legs, each to a channel of its own, left and right, or one alone; False when a leg is not here or the call is recorded to
        another file.

        `file` is a path on this machine in a directory that exists; it must not exist itself. For a call that is being recorded to `file`
        the channels are those of `legs` from here on: a transfer. `Recorded` says how it ended; the call stays known until then.
        """
        found = self._calls.get(call)
        if found is None or found.file not in ("", file) or any(leg not in found.legs for leg in legs):
            return False
        found.file = file
        self._send(found.worker, Record(call, legs, file))
        return True

    def pause(self, call: str, now: float) -> None:
        """Record silence: what arrives from here on is in no file."""
        self._paused(call, True)

    def resume(self, call: str, now: float) -> None:
        """Record what arrives from here on."""
        self._paused(call, False)

    def finish(self, call: str, now: float) -> None:
        """End the recording of a call that goes on."""
        found = self._calls.get(call)
        if found is not None and found.file:
            self._send(found.worker, Finish(call))

    # What media engines ask: `media.transcoding.Transcoder`.

    def attach(self, user: ConversionUser) -> None:
        """Say who is told of conversions lost and keys heard."""
        self._user = user

    def can_convert(self, source: str, target: str) -> bool:
        """Whether there are a decoder and an encoder, of formats by their SDP names."""
        names = {source.upper(), target.upper()}
        return names <= LAWS.keys() | (WIDE.keys() if can_decode_wide() else set())

    def room(self) -> int:
        """Conversions that could begin now."""
        most = self._settings.conversions
        return sum(min(most - worker.conversions, worker.leases.ready(LOOPBACK)) for worker in self._workers.values())

    def conversions(self) -> int:
        """Conversions in progress."""
        return len(self._conversions)

    def convert(self, wish: Conversion, now: float) -> Address | None:
        """Begin a conversion, or change it; where to send what the leg sends. None: no room."""
        found = self._conversions.get((wish.call, wish.leg))
        if found is None:
            able = [one for one in self._workers.values() if one.conversions < self._settings.conversions and one.leases.ready(LOOPBACK)]
            worker = min(able, key=lambda one: one.conversions, default=None)
            port = worker.leases.take(LOOPBACK) if worker is not None else None
            if worker is None or port is None:
                return None
            worker.conversions += 1
            found = self._conversions[wish.call, wish.leg] = Converted(worker, port)
        self._send(found.worker, Convert(wish, found.port))
        self._lease(now)
        return LOOPBACK, found.port

    def end(self, call: str, leg: int, now: float) -> None:
        """A conversion is over; with -1 all of the call are."""
        for key in [key for key in self._conversions if key[0] == call] if leg < 0 else [(call, leg)]:
            found = self._conversions.pop(key, None)
            if found is not None:
                found.worker.conversions -= 1
                self._send(found.worker, EndConversion(*key))

    def next_event(self) -> StudioEvent | None:
        """The next thing signalling should know; None when there is nothing."""
        return self._events.popleft() if self._events else None

    def data_to_send(self) -> bytes | None:
        """The next message to a worker, its number first; None when there is nothing."""
        return self._outbox.popleft() if self._outbox else None

    def receive_data(self, data: bytes, now: float) -> None:
        """What a worker said, its number first. Garbage is counted and ignored."""
        number, message = int.from_bytes(data[:2]), decode(data[2:])
        match message:
            case WorkerUp():
                worker = self._workers[number] = Worker(WorkerLeases(number))
                self._send(worker, Configure(self._settings.lines, self._settings.conversions))
                self._lease(now)
            case WorkerDown():
                self._bury(number, now)
            case Leased(address=address, ports=ports) if number in self._workers:
                self._workers[number].leases.arrived(address, ports)
                self._lease(now)
            case Unleased(address=address, count=count, reason=reason) if number in self._workers:
                self._workers[number].leases.refused(address, count, now)
                _log.error("no studio ports on %s: %s", address, reason)
            case Heard(call=call, leg=leg) | Undecodable(call=call, leg=leg):
                # One that crossed with the end of its leg is of no use to anybody.
                if call in self._calls and leg in self._calls[call].legs:
                    self._events.append(message)
            case KeyHeard():
                if self._user is not None and (message.call, message.leg) in self._conversions:
                    self._user.key_heard(message.call, message.leg, message.digit, message.duration_ms)
            case Recorded(call=call):
                self._events.append(message)
                if call in self._calls:
                    self._calls[call].file = ""
                    self._let_go(call, self._calls[call])
            case _:
                self.garbage += 1

    def get_timer(self) -> float | None:
        """When `handle_timer` wants to be called."""
        times = [at for worker in self._workers.values() if (at := worker.leases.retry_at()) is not None]
        return min(times, default=None)

    def handle_timer(self, now: float) -> None:
        """Ask again for ports that could not be bound."""
        for worker in self._workers.values():
            worker.leases.forget_refusals(now)
        self._lease(now)

    def ready_lines(self) -> int:
        """Ports ready, over all workers."""
        return sum(worker.leases.ready(self._settings.address) for worker in self._workers.values())

    def recordings(self) -> int:
        """Recordings whose end was not told yet; a node that stops may wait for 0 after its calls are forgotten."""
        return sum(bool(call.file) for call in self._calls.values())

    def worker_of(self, call: str) -> int | None:
        """Number of the worker that has a call; None for an unknown call."""
        found = self._calls.get(call)
        return found.worker.leases.number if found is not None else None

    def _open(self, call: str, leg: int, now: float, formats: dict[int, str], hears: bool, country: str) -> Address | None:
        address = self._settings.address
        found = self._calls.get(call)
        worker = found.worker if found is not None else self._least_busy()
        if worker is None:
            return None
        port = found.legs.get(leg) if found is not None else None
        if port is None:
            port = worker.leases.take(address) if worker.lines < self._settings.lines else None
            if port is None:
                return None
            worker.lines += 1
        if found is None:
            worker.leases.calls.add(call)
            found = self._calls[call] = StudioCall(worker, {})
        found.legs[leg] = port
        self._send(worker, Open(call, leg, port, now, formats, hears, country))
        self._lease(now)
        return address, port

    def _least_busy(self) -> Worker | None:
        """Who takes the next call: the one with the fewest legs, of those with room and a port for two."""
        able = [worker for worker in self._workers.values() if worker.lines + 2 <= self._settings.lines and worker.leases.ready(self._settings.address) >= 2]
        return min(able, key=lambda worker: worker.lines, default=None)

    def _paused(self, call: str, on: bool) -> None:
        found = self._calls.get(call)
        if found is not None and found.file:
            self._send(found.worker, Pause(call, on))

    def _let_go(self, call: str, found: StudioCall) -> None:
        """Forget a call of which nothing is left."""
        if not found.legs and not found.file:
            found.worker.leases.calls.discard(call)
            del self._calls[call]

    def _lease(self, now: float) -> None:
        for worker in self._workers.values():
            for address in {self._settings.address, LOOPBACK} if self._user is not None else {self._settings.address}:
                wish = worker.leases.wish(address, self._settings.leased_ahead, now)
                if wish is not None:
                    self._send(worker, wish)

    def _bury(self, number: int, now: float) -> None:
        worker = self._workers.pop(number, None)
        calls = sorted(worker.leases.calls) if worker is not None else []
        if calls:
            files = tuple(file for call in calls if (file := self._calls[call].file))
            self._events.append(StudioLost(tuple(calls), files))
        for call in calls:
            del self._calls[call]
        lost = [key for key, found in self._conversions.items() if found.worker is worker]
        for key in lost:
            del self._conversions[key]
        if lost and self._user is not None:
            self._user.conversions_lost(lost, now)

    def _send(self, worker: Worker, message: Message) -> None:
        self._outbox.append(worker.leases.number.to_bytes(2) + encode(message))
