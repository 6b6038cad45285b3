"""What the engine knows of its workers: who is up, how many calls each carries, and the port pairs each holds ready.

Pairs are asked for ahead, so that an offer is answered in the step in which it comes.
"""

from collections import defaultdict, deque

from trunkline.media.relay.protocol import Lease
from trunkline.media.relay.settings import RelaySettings

RETRY_S = 1.0
"Between requests to a worker that could bind nothing."


class WorkerLeases:
    """One worker."""

    __slots__ = ("_asked", "_ready", "_refused_at", "calls", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls: set[str] = set()
        self._ready: dict[str, deque[int]] = defaultdict(deque)
        self._asked: dict[str, int] = defaultdict(int)
        self._refused_at: dict[str, float] = {}

    def arrived(self, address: str, ports: tuple[int, ...]) -> None:
        self._ready[address].extend(ports)
        self._asked[address] = max(0, self._asked[address] - len(ports))

    def refused(self, address: str, count: int, now: float) -> None:
        """The worker could not bind as many; it is asked again after `RETRY_S`."""
        self._asked[address] = max(0, self._asked[address] - count)
        self._refused_at[address] = now

    def ready(self, address: str) -> int:
        return len(self._ready[address])

    def take(self, address: str) -> int | None:
        """The RTP port of a pair, which is then the caller's; None when none is ready."""
        ready = self._ready[address]
        return ready.popleft() if ready else None

    def give_back(self, address: str, port: int) -> None:
        """Return a pair that was not used after all."""
        self._ready[address].appendleft(port)

    def wish(self, address: str, ahead: int, now: float) -> Lease | None:
        """What to ask for now; None as long as there are enough, or asking has just failed."""
        missing = ahead - len(self._ready[address]) - self._asked[address]
        if missing <= ahead // 2 or now < self._refused_at.get(address, now - RETRY_S) + RETRY_S:
            return None
        self._asked[address] += missing
        return Lease(address, missing)

    def retry_at(self) -> float | None:
        """When a refused request may be repeated."""
        return min(self._refused_at.values()) + RETRY_S if self._refused_at else None

    def forget_refusals(self, now: float) -> None:
        self._refused_at = {address: at for address, at in self._refused_at.items() if now < at + RETRY_S}


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
