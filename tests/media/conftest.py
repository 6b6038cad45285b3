"""The media engines, each running for real, so that one suite of behaviours holds for all of them."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

import pytest

from tests.media.far_ends import Phone, phones
from tests.media.in_time import before_others
from trunkline.media import (
    MediaAnswer,
    MediaCommand,
    MediaEngine,
    MediaEvent,
    MediaFailed,
    MediaOffer,
    MediaReady,
    MediaResult,
    MediaStatistics,
    Query,
)
from trunkline.media.relay import Interface, Relay, RelayPool, RelaySettings

Event = TypeVar("Event", bound=MediaEvent)
PATIENCE_S = 20.0
"Longest wait for what must come."
WORKERS_START_S = 60.0


class Link(Protocol):
    """What moves an engine's bytes."""

    def flush(self) -> None:
        """Send what the engine has to say."""


class Driver:
    """An engine with its link, driven step by step from a test."""

    def __init__(self, engine: MediaEngine, link: Link, loop: asyncio.AbstractEventLoop, name: str) -> None:
        self.engine = engine
        self.link = link
        self.loop = loop
        self.name = name
        self.events: list[MediaEvent] = []

    def offer(self, offer: MediaOffer) -> bytes:
        """The description to send on."""
        return self._ready(self.engine.offer(offer, self.loop.time()), offer.call, offer.leg)

    def answer(self, answer: MediaAnswer) -> bytes:
        """The description to send on."""
        return self._ready(self.engine.answer(answer, self.loop.time()), answer.call, answer.leg)

    def command(self, command: MediaCommand) -> None:
        self.engine.command(command, self.loop.time())
        self.link.flush()
        self.pump(0.03)

    def pump(self, seconds: float) -> None:
        """Let the engine's link work, and collect events."""
        self.loop.run_until_complete(asyncio.sleep(seconds))
        while (event := self.engine.next_event()) is not None:
            self.events.append(event)

    def wait(self, kind: type[Event], wanted: Callable[[Event], bool] = lambda event: True, within_s: float = PATIENCE_S) -> Event:
        """The first event of that kind that is `wanted`, taken off the list."""
        deadline = time.monotonic() + within_s
        while True:
            for event in self.events:
                if isinstance(event, kind) and wanted(event):
                    self.events.remove(event)
                    return event
            assert time.monotonic() < deadline, f"no {kind.__name__} among {self.events}"
            self.pump(0.005)

    def until(self, holds: Callable[[], object], saying: str) -> None:
        """Let the link work until `holds`."""
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, f"not within {PATIENCE_S} s: {saying}"
            self.pump(0.005)

    def settle(self, call: str) -> None:
        """Wait until what the engine was told about a call is done: only then does it answer a question about it."""

        def answers() -> list[MediaEvent]:
            return [event for event in self.events if isinstance(event, MediaStatistics) and event.call == call and not event.final]

        before = answers()
        self.engine.command(Query(call), self.loop.time())
        self.link.flush()
        self.until(lambda: len(answers()) > len(before), "an answer about the call")
        told = answers()[len(before) :]
        self.events = [event for event in self.events if not any(event is one for one in told)]

    def _ready(self, result: MediaResult, call: str, leg: int) -> bytes:
        self.link.flush()
        if result is None:
            deadline = time.monotonic() + PATIENCE_S
            while result is None:
                assert time.monotonic() < deadline, "neither MediaReady nor MediaFailed"
                self.pump(0.005)
                found = next((one for one in self.events if isinstance(one, MediaReady | MediaFailed) and (one.call, one.leg) == (call, leg)), None)
                if found is not None:
                    self.events.remove(found)
                    result = found
        assert isinstance(result, MediaReady), result
        # A far end cannot act on what it is told sooner than this.
        self.pump(0.02)
        return result.sdp


@contextmanager
def relay_driver(
    *, interfaces: tuple[Interface, ...] = (Interface("lo", "127.0.0.1"),), workers: int = 1, timeout_s: float = 30.0, leased_ahead: int = 16
) -> Iterator[Driver]:
    """The embedded relay with its worker processes."""
    loop = asyncio.new_event_loop()
    settings = RelaySettings(interfaces, workers=workers, timeout_s=timeout_s, leased_ahead=leased_ahead)
    relay = Relay(settings)
    pool = RelayPool(relay, workers)
    with before_others():
        try:
            loop.run_until_complete(pool.start(WORKERS_START_S))
            yield Driver(relay, pool, loop, "relay")
        finally:
            loop.run_until_complete(pool.close())
            loop.close()


ENGINES: dict[str, Callable[[], AbstractContextManager[Driver]]] = {"relay": relay_driver}
"Each starts an engine with its workers or daemon, and stops them in the end."


@pytest.fixture(params=sorted(ENGINES))
def engine(request: pytest.FixtureRequest) -> Iterator[Driver]:
    with ENGINES[request.param]() as driver:
        yield driver


@pytest.fixture
def caller() -> Iterator[Phone]:
    phone = Phone()
    with phones(phone):
        yield phone


@pytest.fixture
def carrier() -> Iterator[Phone]:
    phone = Phone()
    with phones(phone):
        yield phone
