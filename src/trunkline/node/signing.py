"""What signing and judging calls needs from outside: certificates of signers, and a clock that is known to be right."""

import asyncio
import contextlib
import ctypes
import ctypes.util
import socket
import ssl
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from trunkline.decide.attestations import Attestations
from trunkline.node.bodies import AS_IT_IS, body_of
from trunkline.numbers.certificates import MAX_BYTES, is_public

FETCH_S = 5.0
"Longest fetch of a certificate; calls wait for it less long, later ones have it."

AT_ONCE, AT_ONE_HOST = 8, 2
"Fetches under way, and of those from one host: one that is slow holds up its own signers only."

COMPARE_S = 60.0

UNSYNCHRONISED, TIME_ERROR = 0x40, 5
"STA_UNSYNC and the return value of adjtimex(2) that say nobody disciplines the clock."


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as it is read; the rest is room."""

    _fields_ = (
        ("modes", ctypes.c_uint), ("offset", ctypes.c_long), ("freq", ctypes.c_long), ("maxerror", ctypes.c_long), ("esterror", ctypes.c_long),
        ("status", ctypes.c_int), ("rest", ctypes.c_byte * 256),
    )  # fmt: skip


def kernel_offset_s() -> float | None:
    """How far the clock may be off by the kernel's record, in seconds; None when nobody synchronises it."""
    timex = _Timex()
    try:
        state = ctypes.CDLL(ctypes.util.find_library("c"), use_errno=True).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    if state in (-1, TIME_ERROR) or timex.status & UNSYNCHRONISED:
        return None
    return float(timex.esterror) / 1e6


class Signing:
    """Fetches what `Attestations` wants, and tells it of the clock."""

    def __init__(
        self, attestations: Attestations, may: Callable[[str], bool] = is_public, tls: ssl.SSLContext | None = None, woken: Callable[[], None] | None = None
    ) -> None:
        """`may` says whether an address may be asked for certificates: public ones alone, or a signed call could make this node probe its own network.
        `woken` is called when calls need not wait for a certificate any longer."""
        self.attestations = attestations
        self.may = may
        self.tls = tls
        self._woken = woken
        self._fetching: set[asyncio.Task[None]] = set()
        self._known: set[str] = set()
        "URLs that stand in a queue or are being fetched."
        self._queues: dict[str, deque[str]] = {}
        "Host -> URLs to fetch from it, first come first."
        self._busy: Counter[str] = Counter()
        "Host -> fetches under way."
        self._names = ThreadPoolExecutor(AT_ONCE, "signers")  # not the loop's own threads: the journal needs those
        self._lookups: dict[tuple[str, int], asyncio.Future[list[str]]] = {}
        "A look-up cannot be stopped: a name whose servers are silent takes one thread, however often it is wanted."
        self._over = False

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                self.compare()
                self.send()
                if self.attestations.judges:
                    await self.prepare()
                await asyncio.sleep(COMPARE_S)
        finally:
            self._over = True
            for task in self._fetching:
                task.cancel()
            self._names.shutdown(wait=False, cancel_futures=True)

    async def prepare(self) -> ssl.SSLContext:
        """Be ready to fetch: the HTTP client and every root there is are loaded in a thread, for both take longer than a loop may be held up."""
        if self.tls is None:
            self.tls = await asyncio.to_thread(_context)
        return self.tls

    def send(self) -> None:
        """Fetch what is wanted, a few at a time; call it after `Attestations.judge`."""
        wanted = self.attestations.wanted
        for url in wanted - self._known:
            self._known.add(url)
            self._queues.setdefault(_host_of(url), deque()).append(url)
        for host, queue in list(self._queues.items()):
            while queue and len(self._fetching) < AT_ONCE and self._busy[host] < AT_ONE_HOST:
                self._begin(host, queue.popleft())
            if not queue:
                del self._queues[host]

    def _begin(self, host: str, url: str) -> None:
        if url not in self.attestations.wanted:  # not any more
            self._known.discard(url)
            return
        self._busy[host] += 1
        task = asyncio.get_running_loop().create_task(self._keep(url))
        self._fetching.add(task)
        task.add_done_callback(partial(self._ended, host, url))

    def _ended(self, host: str, url: str, task: asyncio.Task[None]) -> None:
        self._fetching.discard(task)
        self._known.discard(url)
        self._busy -= Counter((host,))
        if not self._over:
            self.send()

    async def _addresses(self, host: str, port: int) -> list[str]:
        """Where a name leads. Raises OSError."""
        looking = self._lookups.get((host, port))
        if looking is None:
            loop = asyncio.get_running_loop()
            looking = self._lookups[host, port] = loop.run_in_executor(self._names, _look_up, host, port)
            looking.add_done_callback(lambda done: (self._lookups.pop((host, port), None), done.cancelled() or done.exception()))
        return await asyncio.shield(looking)

    def compare(self) -> None:
        """Tell what is known of the clock."""
        at_s = int(time.time())
        self.attestations.vouch(at_s)
        offset = kernel_offset_s()
        if offset is not None:
            self.attestations.clock.compared(offset, "the kernel's record", at_s)

    async def _keep(self, url: str) -> None:
        pem: bytes | None = None
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            pem = await asyncio.wait_for(self.fetch(url), FETCH_S)
        self.attestations.fetched(url, pem)
        if self._woken is not None:
            self._woken()

    async def fetch(self, url: str) -> bytes:
        """The certificate at an https URL, from an address that may be asked; no redirects. Raises OSError or ValueError."""
        tls = await self.prepare()
        import httpx

        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        addresses = await self._addresses(host, port)
        if not addresses or not all(map(self.may, addresses)):
            raise ValueError(f"{host} leads to an address that may not be asked")
        address = f"[{addresses[0]}]" if ":" in addresses[0] else addresses[0]
        # By the address that was looked at: a name that leads elsewhere a moment later gains nothing.
        where = f"https://{address}:{port}{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        try:
            async with (
                httpx.AsyncClient(verify=tls, follow_redirects=False, trust_env=False, timeout=FETCH_S) as client,
                client.stream("GET", where, headers={"Host": host, **AS_IT_IS}, extensions={"sni_hostname": host}) as reply,
            ):
                if reply.status_code != 200:
                    raise ValueError(f"{url}: {reply.status_code}")
                return await body_of(reply, MAX_BYTES)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise OSError(str(error)) from error


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _look_up(host: str, port: int) -> list[str]:
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _context() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()


__all__ = ["Signing", "kernel_offset_s"]
