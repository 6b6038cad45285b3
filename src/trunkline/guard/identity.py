"""Who is calling: by source address, digest or registration (row T5)."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TypeAlias

from trunkline.facts import refusal as catalogue
from trunkline.facts.refusal import Refusal
from trunkline.policy.snapshot import Snapshot, Trunk
from trunkline.sip.digest import DigestServer, Verdict
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request

CACHE_LIMIT = 65_536
"Source addresses whose networks are remembered."


class Known:
    """The caller is this trunk."""

    __slots__ = ("trunk",)

    def __init__(self, trunk: Trunk) -> None:
        self.trunk = trunk


@dataclass(frozen=True)
class Challenge:
    """Credentials are needed: answer 401 with these header values (RFC 8760 section 2.4)."""

    headers: tuple[str, ...]


Identified: TypeAlias = Known | Refusal | Challenge


class Identity:
    """Identifies sources against one policy snapshot; a new policy starts a new cache."""

    __slots__ = ("_gateways", "_policy", "_trunks", "algorithms", "bound", "digest")

    def __init__(
        self, policy: Snapshot, digest: DigestServer, bound: Callable[[str, Flow, float], bool], algorithms: tuple[str, ...] = ("SHA-256", "MD5")
    ) -> None:
        """`bound(trunk, flow, now)` tells whether a live registration of the trunk came from this flow's address."""
        self._policy = policy
        self.digest = digest
        self.bound = bound
        self.algorithms = algorithms
        "Digest algorithms asked for, in order of preference."
        self._trunks: dict[str, str] = {}
        self._gateways: dict[str, str] = {}

    def trunk_at(self, host: str) -> str:
        """Trunk whose networks hold this address; empty when none does."""
        return _find(host, self._policy.source_trunks, self._trunks)

    def gateway_at(self, host: str) -> str:
        """Gateway whose networks hold this address; empty when none does."""
        return _find(host, self._policy.source_gateways, self._gateways)

    def accepts(self, host: str) -> bool:
        """Before any parsing: may this address have something to say at all? Digest users may come from anywhere."""
        return bool(self._policy.digest_users) or bool(self.trunk_at(host)) or bool(self.gateway_at(host))

    def caller(self, request: Request, flow: Flow, now: float) -> Identified:
        """The trunk behind a request."""
        policy = self._policy
        name = self.trunk_at(flow.address[0])
        if name:
            trunk = policy.trunks[name]
            if not trunk.require_digest:
                return Known(trunk)
        authorization = request.fields.get("Authorization") or request.fields.get("Proxy-Authorization")
        if authorization is not None:
            return self._by_digest(authorization[0], request, flow, now)
        for trunk in policy.trunks.values():
            if trunk.registers and self.bound(trunk.name, flow, now) and not trunk.require_digest:
                return Known(trunk)
        if policy.digest_users:
            return Challenge(self.digest.challenge(now, self.algorithms))
        return catalogue.UNKNOWN_SOURCE

    def _by_digest(self, authorization: str, request: Request, flow: Flow, now: float) -> Identified:
        policy = self._policy

        def password_of(user: str) -> str | None:
            trunk = policy.trunks.get(policy.digest_users.get(user, ""))
            return trunk.auth.password if trunk is not None and trunk.auth is not None else None

        result = self.digest.verify(authorization, request.method, request.uri, request.body, password_of, now)
        if isinstance(result, str):
            return Known(policy.trunks[policy.digest_users[result]])
        if result is Verdict.STALE:
            return Challenge(self.digest.challenge(now, self.algorithms, stale=True))
        return catalogue.BAD_CREDENTIALS if result is not Verdict.MALFORMED else catalogue.MALFORMED_CREDENTIALS


def _find(host: str, networks: tuple[tuple[str, str], ...], cache: dict[str, str]) -> str:
    known = cache.get(host)
    if known is not None:
        return known
    if len(cache) >= CACHE_LIMIT:
        cache.clear()
    address = ip_address(host.partition("%")[0])
    found = next((name for network, name in networks if address in ip_network(network)), "")
    cache[host] = found
    return found
