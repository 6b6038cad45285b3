"""Talking to one daemon over datagrams that may be lost: repeats, deadlines, and whether it lives.

A call has at most one request under way (`call.py` sees to it): the daemon has many threads, and would take two in any order.

A request keeps its cookie when it is repeated, so the daemon does it once however often it arrives. Cookies begin with the daemon's place in
the settings, by which the link finds the socket, and hold a number drawn at start: the daemon remembers replies for some seconds, and a
restarted node must not be given those of its predecessor.
"""

from collections import deque
from heapq import heappop, heappush

from msgspec import Struct

from trunkline.media.rtpengine.messages import Request, datagram, ping
from trunkline.media.rtpengine.settings import Settings

PING = ""
"The call of a request that belongs to none."


class _Pending(Struct):
    call: str
    datagram: bytes
    wait_s: float
    deadline: float


class Conversation:
    """Requests to one daemon, each repeated until its reply or its deadline, and pings when there is nothing else to say."""

    def __init__(self, place: int, weight: int, settings: Settings, boot: int) -> None:
        self.weight = weight
        self.credit = 0
        "Of the weighted round robin: what it is owed."
        self.alive = True
        "Believed until shown otherwise, so that the first call need not wait for the first pong."
        self.dead_since = 0.0
        self.full_until = 0.0
        "Until then it is offered no new calls: it is at its limit."
        self._settings = settings
        self._cookies = f"{place}_{boot:012x}_"
        self._count = 0
        self._pending: dict[bytes, _Pending] = {}
        self._due: list[tuple[float, bytes]] = []
        "One entry for each pending cookie; those of answered ones stay until they come up."
        self._out: deque[bytes] = deque()
        self._misses = 0
        self._ping_at = 0.0
        self._ping_wait_s = settings.ping_s

    def ask(self, call: str, request: Request, now: float, deadline: float) -> bytes:
        """Send; repeated until `receive` sees the cookie this returns, or the deadline passes."""
        self._count += 1
        cookie = f"{self._cookies}{self._count:x}".encode()
        pending = _Pending(call, datagram(cookie, request), self._settings.repeat_s, deadline)
        self._pending[cookie] = pending
        heappush(self._due, (min(now + pending.wait_s, deadline), cookie))
        self._out.append(pending.datagram)
        return cookie

    def receive(self, cookie: bytes, now: float) -> str | None:
        """The call a reply is about; None for a reply nobody waits for: repeated, late, or of another run."""
        pending = self._pending.pop(cookie, None)
        if pending is None:
            return None
        self.alive = True
        self._misses = 0
        self._ping_wait_s = self._settings.ping_s
        self._ping_at = now + self._ping_wait_s
        return pending.call

    def drop(self, cookie: bytes) -> None:
        """Repeat a request no more."""
        self._pending.pop(cookie, None)

    def data_to_send(self) -> bytes | None:
        return self._out.popleft() if self._out else None

    def get_timer(self) -> float:
        while self._due and self._due[0][1] not in self._pending:
            heappop(self._due)
        return min(self._ping_at, self._due[0][0]) if self._due else self._ping_at

    def handle_timer(self, now: float) -> list[str]:
        """Repeat and ping what is due; returns the calls whose request had its deadline."""
        given_up: list[str] = []
        while self._due and self._due[0][0] <= now:
            _, cookie = heappop(self._due)
            pending = self._pending.get(cookie)
            if pending is None:
                continue
            if pending.deadline <= now:
                del self._pending[cookie]
                self._missed(now)
                if pending.call != PING:
                    given_up.append(pending.call)
                continue
            self._out.append(pending.datagram)
            pending.wait_s *= 2
            heappush(self._due, (min(now + pending.wait_s, pending.deadline), cookie))
        if self._ping_at <= now:
            self.ask(PING, ping(), now, now + self._settings.ping_s)
            self._ping_at = now + self._ping_wait_s
        return given_up

    def _missed(self, now: float) -> None:
        self._misses += 1
        if self.alive and self._misses >= self._settings.misses:
            self.alive = False
            self.dead_since = now
        if not self.alive:
            self._ping_wait_s = min(2 * self._ping_wait_s, self._settings.backoff_s)

def destination(data: bytes) -> int | None:
    """The place, in `Settings.daemons`, of the daemon a datagram goes to or comes from; None for one that is not of this protocol."""
    place = data.partition(b"_")[0]
    return int(place) if place.isdigit() and len(place) < 4 else None
