"""The media engine of a node, and what moves its messages, from `[media]` in trunkline.toml."""

from collections.abc import Callable
from random import Random
from typing import Protocol

from trunkline.media import Bypass, MediaEngine
from trunkline.media import relay as embedded
from trunkline.media import rtpengine as daemons
from trunkline.media.workers import WorkerPool
from trunkline.node.settings import MediaSection, SettingsError, StudioSection, split_address
from trunkline.studio import Studio, StudioPool, StudioSettings


class MediaLink(Protocol):
    """The I/O of an engine."""

    async def start(self) -> None:
        """Open it. Raises SettingsError with the fix."""

    def flush(self) -> None:
        """Send what the engine has to say; after each use of it."""

    async def close(self) -> None:
        """End it."""


class NoLink:
    """`bypass` has nobody to talk to."""

    async def start(self) -> None:
        return None

    def flush(self) -> None:
        return None

    async def close(self) -> None:
        return None


class PoolLink:
    """Worker processes: the embedded relay's, or the studio's."""

    def __init__(self, pool: WorkerPool, unready: str) -> None:
        """`unready` says what to do where they do not come up."""
        self.pool = pool
        self.unready = unready
        self.flush = pool.flush

    async def start(self) -> None:
        try:
            await self.pool.start()
        except TimeoutError as error:
            raise SettingsError(self.unready) from error

    async def close(self) -> None:
        await self.pool.close()


class DaemonLink:
    """rtpengine daemons."""

    def __init__(self, engine: daemons.Rtpengine, section: MediaSection, wake: Callable[[], None]) -> None:
        self.engine = engine
        self.section = section
        self.wake = wake
        self.link: daemons.Link | None = None

    async def start(self) -> None:
        log = split_address(self.section.digit_log) if self.section.digit_log else None
        self.link = daemons.Link(self.engine, log, self.wake)
        try:
            await self.link.start()
        except OSError as error:
            raise SettingsError(f"[media] {error.strerror}: check [[media.daemon]] host and [media] digit_log") from error

    def flush(self) -> None:
        if self.link is not None:
            self.link.flush()

    async def close(self) -> None:
        if self.link is not None:
            self.link.close()


def studio_of(section: StudioSection | None, wake: Callable[[], None]) -> tuple[Studio | None, MediaLink]:
    """The studio and its link; None where the audio is not ours or no worker is wanted."""
    if section is None or not section.workers:
        return None, NoLink()
    settings = StudioSettings(section.address, section.workers, section.lines, section.conversions)
    studio = Studio(settings)
    return studio, PoolLink(
        StudioPool(studio, settings, wake), "[studio] no worker came up: check [studio] address, or set workers = 0 to do without listening and recording"
    )


def media_of(section: MediaSection, random: Random, wake: Callable[[], None]) -> tuple[MediaEngine, MediaLink]:
    """The engine and its link; `wake` is called when the engine may have events."""
    if section.engine == "relay":
        interfaces = tuple(embedded.Interface(one.name, one.address, one.advertised) for one in section.interface)
        settings = embedded.RelaySettings(
            interfaces or (embedded.Interface("local", "127.0.0.1"),), section.first_port, section.last_port, section.workers,
            timeout_s=section.timeout_s,
        )  # fmt: skip
        relay = embedded.Relay(settings)
        addresses = ", ".join(interface.address for interface in settings.interfaces)
        return relay, PoolLink(
            embedded.RelayPool(relay, section.workers, wake),
            f"[media] no port pair could be bound on {addresses}: check [[media.interface]] address and [media] first_port, last_port",
        )
    if section.engine == "rtpengine":
        if not section.daemon:
            raise SettingsError('[media] engine = "rtpengine" needs at least one [[media.daemon]] with its host')
        hosts = tuple(daemons.Daemon(one.host, one.port, one.weight) for one in section.daemon)
        engine = daemons.Rtpengine(daemons.Settings(hosts, silence_s=section.timeout_s, ranges=daemons.Ranges(section.ranges)), random)
        return engine, DaemonLink(engine, section, wake)
    return Bypass(), NoLink()
