"""The relay and the studio together, as a node runs them: both with their worker processes on one loop."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from tests.media.conftest import WORKERS_START_S, Driver
from tests.media.in_time import before_others
from trunkline.media.relay import Interface, Relay, RelayPool, RelaySettings
from trunkline.studio import Studio, StudioPool, StudioSettings


class Links:
    """Both links, flushed together."""

    def __init__(self, *pools: RelayPool | StudioPool) -> None:
        self._pools = pools

    def flush(self) -> None:
        for pool in self._pools:
            pool.flush()


class Together(Driver):
    """A relay that has a studio."""

    def __init__(self, relay: Relay, relays: RelayPool, studio: Studio, studios: StudioPool, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(relay, Links(relays, studios), loop, "relay")
        self.relay, self.relays, self.studio, self.studios = relay, relays, studio, studios


    def pump(self, seconds: float) -> None:
        """As a node does: whatever one says may give the other something to send."""
        until = self.loop.time() + seconds
        while True:
            super().pump(max(0.0, min(0.01, until - self.loop.time())))
            self.link.flush()
            if self.loop.time() >= until:
                return


@contextmanager
def together(studio_workers: int = 1, conversions: int = 20) -> Iterator[Together]:
    loop = asyncio.new_event_loop()
    relay = Relay(RelaySettings((Interface("lo", "127.0.0.1"),), leased_ahead=16))
    settings = StudioSettings(workers=studio_workers, lines=20, conversions=conversions, leased_ahead=16)
    studio = Studio(settings)
    relay.join(studio)
    relays, studios = RelayPool(relay, 1), StudioPool(studio, settings)
    driver = Together(relay, relays, studio, studios, loop)
    with before_others():
        try:
            loop.run_until_complete(relays.start(WORKERS_START_S))
            loop.run_until_complete(studios.start(WORKERS_START_S))
            while studio.ready_lines() < 16 * studio_workers:
                driver.pump(0.01)
            yield driver
        finally:
            loop.run_until_complete(studios.close())
            loop.run_until_complete(relays.close())
            loop.close()
