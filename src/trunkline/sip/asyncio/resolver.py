"""Host names to addresses, ahead of need (RFC 3263, RFC 2782), by dnspython.

A call never waits for DNS: each name is resolved when policy first names it, again when its TTL is up, and an answer that cannot be renewed
stays in use (stale while error) until a better one comes.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address
from random import Random

import dns.asyncresolver
import dns.exception
import dns.resolver
from msgspec import Struct

from trunkline.sip.flow import Address

SHORTEST_TTL_S, LONGEST_TTL_S = 5.0, 3600.0
RETRY_S = 10.0
"After a failed look-up."

NAPTR_SERVICES = {"udp": "SIP+D2U", "tcp": "SIP+D2T", "tls": "SIPS+D2T", "ws": "SIP+D2W", "wss": "SIPS+D2W"}
DEFAULT_PORTS = {"udp": 5060, "tcp": 5060, "tls": 5061, "ws": 80, "wss": 443}


class Target(Struct, frozen=True, gc=False):
    """A name to be kept resolved."""

    host: str
    port: int
    "0 asks for SRV records first."
    transport: str


class Resolver:
    def __init__(self, random: Random, nameservers: tuple[str, ...] = (), port: int = 53, timeout_s: float = 3.0, changed: Callable[[Target], None] | None = None) -> None:
        """`nameservers` empty takes the system's; `changed` is told when a name leads elsewhere than before."""
        self._random = random
        self._timeout_s = timeout_s
        self._changed = changed
        self._records: dict[Target, list[tuple[int, int, Address]]] = {}
        "Priority, weight, address."
        self._tasks: dict[Target, asyncio.Task[None]] = {}
        try:
            self._dns = dns.asyncresolver.Resolver(configure=not nameservers)
        except dns.resolver.NoResolverConfiguration:
            self._dns = dns.asyncresolver.Resolver(configure=False)
        if nameservers:
            self._dns.nameservers = list(nameservers)
            self._dns.port = port
        self._dns.lifetime = timeout_s

    def addresses(self, target: Target) -> list[Address]:
        """Addresses by priority and weight (RFC 2782); from memory, empty while nothing is known."""
        literal = numeric(target)
        if literal is not None:
            return [literal]
        records = self._records.get(target)
        if not records:
            return []
        if len(records) == 1:
            return [records[0][2]]
        return [address for _, _, address in sorted(records, key=lambda r: (r[0], -self._random.random() * (r[1] + 0.1)))]

    def watch(self, targets: set[Target]) -> None:
        """Keep exactly these resolved."""
        for target in set(self._tasks) - targets:
            self._tasks.pop(target).cancel()
        for target in targets - set(self._tasks):
            if numeric(target) is None:
                self._tasks[target] = asyncio.get_running_loop().create_task(self._keep(target))

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        self._tasks.clear()

    async def _keep(self, target: Target) -> None:
        while True:
            try:
                records, ttl = await self._look_up(target)
            except (dns.exception.DNSException, OSError):
                await asyncio.sleep(RETRY_S)
                continue
            if records and records != self._records.get(target):
                self._records[target] = records
                if self._changed is not None:
                    self._changed(target)
            await asyncio.sleep(min(max(ttl, SHORTEST_TTL_S), LONGEST_TTL_S) if records else RETRY_S)

    async def _look_up(self, target: Target) -> tuple[list[tuple[int, int, Address]], float]:
        if target.port:
            addresses, ttl = await self._hosts(target.host)
            return [(0, 0, (address, target.port)) for address in addresses], ttl
        for name in await self._service_names(target):
            found = await self._ask(name, "SRV")
            if found is None:
                continue
            records: list[tuple[int, int, Address]] = []
            ttl = float(found.rrset.ttl) if found.rrset is not None else SHORTEST_TTL_S
            for srv in found:
                addresses, host_ttl = await self._hosts(srv.target.to_text(omit_final_dot=True))
                ttl = min(ttl, host_ttl)
                records += [(srv.priority, srv.weight, (address, srv.port)) for address in addresses]
            if records:
                return records, ttl
        addresses, ttl = await self._hosts(target.host)
        return [(0, 0, (address, DEFAULT_PORTS[target.transport])) for address in addresses], ttl

    async def _service_names(self, target: Target) -> list[str]:
        """SRV names to ask for: those NAPTR gives for our transport, then the conventional one."""
        names: list[str] = []
        found = await self._ask(target.host, "NAPTR")
        if found is not None:
            matching = [r for r in found if r.service.decode("ascii", "replace").upper() == NAPTR_SERVICES[target.transport]]
            names = [r.replacement.to_text(omit_final_dot=True) for r in sorted(matching, key=lambda r: (r.order, r.preference))]
        service, protocol = ("_sips", "_tcp") if target.transport == "tls" else ("_sip", f"_{target.transport}")
        return [*names, f"{service}.{protocol}.{target.host}"]

    async def _hosts(self, host: str) -> tuple[list[str], float]:
        addresses: list[str] = []
        ttl = LONGEST_TTL_S
        for kind in ("A", "AAAA"):
            found = await self._ask(host, kind)
            if found is not None:
                addresses += [record.address for record in found]
                ttl = min(ttl, float(found.rrset.ttl) if found.rrset is not None else SHORTEST_TTL_S)
        return addresses, ttl

    async def _ask(self, name: str, kind: str) -> dns.resolver.Answer | None:
        """Records, or None when there are none. Raises when the server cannot be asked."""
        try:
            return await self._dns.resolve(name, kind, raise_on_no_answer=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return None


def numeric(target: Target) -> Address | None:
    """The address when the host is one already."""
    try:
        ip_address(target.host)
    except ValueError:
        return None
    return target.host, target.port or DEFAULT_PORTS[target.transport]
