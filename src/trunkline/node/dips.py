"""Puts the questions of `numbering.dip` to databases: ENUM by DNS, JSON by HTTP.

A question that is answered after a call has stopped waiting still fills the memory for the next one, so it may take longer than the call's deadline.
Connections are kept open. `prepare` loads the HTTP client and its certificates in a thread, for both take longer than a loop may be held up.
"""

import asyncio
from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.exception
import dns.resolver

from trunkline.node.bodies import AS_IT_IS, body_of
from trunkline.numbering.dip import Answer, Dip, Dips, Query
from trunkline.numbering.dip_replies import Naptr, ReplyError, enum_answer, enum_name, json_answer, url_of
from trunkline.numbering.world import world

if TYPE_CHECKING:
    import httpx

PATIENCE_S = 2.0
"For one question, whatever the deadline of the call that asked."

LARGEST_REPLY = 1 << 16


class DipClient:
    """Asks what `dips` wants to know, and tells `settled` the numbers whose calls need not wait any longer."""

    def __init__(self, dips: Dips, settled: Callable[[list[str]], None], nameservers: tuple[str, ...] = (), port: int = 53) -> None:
        """`nameservers` empty takes the system's."""
        self._dips = dips
        self._settled = settled
        self._tasks: set[asyncio.Task[None]] = set()
        self._clients: dict[str, httpx.AsyncClient] = {}
        "By dip."
        try:
            self._dns = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration:
            self._dns = dns.asyncresolver.Resolver(configure=False)
        if nameservers:
            self._dns.nameservers = list(nameservers)
            self._dns.port = port
        self._dns.lifetime = self._dns.timeout = PATIENCE_S

    async def prepare(self, dips: tuple[Dip, ...]) -> None:
        """Be ready for these, and let go of others; before calls come, and whenever policy changes."""
        if dips:
            await asyncio.to_thread(world)  # what `routing.refine` asks for countries
        wanted = {dip.name: dip for dip in dips if dip.url}
        for name in set(self._clients) - set(wanted):
            await self._clients.pop(name).aclose()
        for name, dip in wanted.items():
            if name not in self._clients:
                self._clients[name] = await asyncio.to_thread(_client, dip)

    def send(self) -> None:
        """Put every question that is waiting; call it after `Dips.ask`."""
        loop = asyncio.get_running_loop()
        for query in self._dips.queries():
            task = loop.create_task(self._ask(query))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.prepare(())

    async def _ask(self, query: Query) -> None:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer, ttl_s = await (self._enum(query) if query.dip.enum else self._http(query))
        except (TimeoutError, OSError, dns.exception.DNSException, ValueError):  # ReplyError, and names and URLs nobody can ask
            self._dips.failed(query, loop.time())
        else:
            self._dips.answered(query, answer, loop.time(), ttl_s)
        self._settled(self._dips.settled())

    async def _enum(self, query: Query) -> tuple[Answer | None, float | None]:
        try:
            found = await self._dns.resolve(enum_name(query.number, query.dip.enum), "NAPTR", raise_on_no_answer=False, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None, None
        if found.rrset is None:
            return None, None
        records = [
            Naptr(record.order, record.preference, _text(record.flags), _text(record.service), _text(record.regexp), record.replacement.to_text(omit_final_dot=True))
            for record in found
        ]
        return enum_answer(query.dip, records, query.number), float(found.rrset.ttl)

    async def _http(self, query: Query) -> tuple[Answer | None, float | None]:
        import httpx

        client = self._clients.get(query.dip.name)
        if client is None:
            raise ReplyError(f"{query.dip.name}: its client is not ready")
        try:
            async with client.stream("GET", url_of(query.dip, query.number)) as response:
                if response.status_code in (204, 404):
                    return None, None
                if response.status_code != 200:
                    raise ReplyError(f"{query.dip.name}: HTTP {response.status_code}")
                body = await body_of(response, LARGEST_REPLY)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ReplyError(f"{query.dip.name}: {error!r}") from error
        return json_answer(query.dip, body, query.number), None


def _client(dip: Dip) -> "httpx.AsyncClient":
    import httpx

    limits = httpx.Limits(max_connections=dip.at_once, max_keepalive_connections=dip.at_once, keepalive_expiry=60.0)
    nobodys = CookieJar(DefaultCookiePolicy(allowed_domains=()))  # a question tells nothing of the one before
    return httpx.AsyncClient(headers={**AS_IT_IS, **dict(dip.headers)}, cookies=nobodys, timeout=PATIENCE_S, limits=limits, follow_redirects=False, trust_env=False)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
