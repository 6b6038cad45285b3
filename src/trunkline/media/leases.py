"""Ports that a worker has bound ahead, so that a request for one is answered in the step in which it comes."""

from collections import defaultdict, deque

from msgspec import Struct

RETRY_S = 1.0
"Between requests to a worker that could bind nothing."


class Lease(Struct, frozen=True, gc=False):
    """Bind ports ahead: pairs for the relay, single ones for the studio."""

    address: str
    count: int


class Leased(Struct, frozen=True, gc=False):
    """Ports that are bound; of a pair the RTP port, RTCP being on the next."""

    address: str
    ports: tuple[int, ...]


class Unleased(Struct, frozen=True, gc=False):
    """Nothing could be bound."""

    address: str
    count: int
    "Ports or pairs asked for and not had."
    reason: str


class WorkerLeases:
    """What one worker holds ready, and the calls it carries."""

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
        """The (RTP) port, which is then the caller's; None when none is ready."""
        ready = self._ready[address]
        return ready.popleft() if ready else None

    def give_back(self, address: str, port: int) -> None:
        """Return what was not used after all."""
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
