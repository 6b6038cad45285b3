"""What the engine knows of its workers: who is up, how many calls each carries, and the port pairs each holds ready."""

from trunkline.media.leases import Lease, WorkerLeases
from trunkline.media.relay.settings import RelaySettings


class Workers:
    """All workers that are up."""

    def __init__(self, settings: RelaySettings) -> None:
        self._settings = settings
        self._up: dict[int, WorkerLeases] = {}

    def started(self, number: int) -> WorkerLeases:
        self._up[number] = WorkerLeases(number)
        return self._up[number]

    def ended(self, number: int) -> WorkerLeases | None:
        """The worker that is no more, with the calls it carried."""
        return self._up.pop(number, None)

    def get(self, number: int) -> WorkerLeases | None:
        return self._up.get(number)

    def least_busy(self, address: str) -> WorkerLeases | None:
        """Who takes the next call: the one with the fewest, of those with two pairs ready on that address."""
        able = [worker for worker in self._up.values() if worker.ready(address) >= 2]
        return min(able, key=lambda worker: len(worker.calls), default=None)

    def wishes(self, now: float) -> list[tuple[int, Lease]]:
        """Which worker to ask for which pairs."""
        wishes: list[tuple[int, Lease]] = []
        for worker in self._up.values():
            for address in dict.fromkeys(interface.address for interface in self._settings.interfaces):
                wish = worker.wish(address, self._settings.leased_ahead, now)
                if wish is not None:
                    wishes.append((worker.number, wish))
        return wishes

    def retry_at(self) -> float | None:
        times = [at for worker in self._up.values() if (at := worker.retry_at()) is not None]
        return min(times, default=None)

    def forget_refusals(self, now: float) -> None:
        for worker in self._up.values():
            worker.forget_refusals(now)
