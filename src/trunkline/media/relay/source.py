"""Whose packets a leg's port takes: the source rule.

RTP is taken from the host of the leg's SDP and from the networks that policy lists. Behind a NAT the SDP's address means nothing, so
there, and only where policy says so, the first packet decides. Whoever comes first is locked: from then on every other source is a
stranger, even an allowed one. The lock moves once after new SDP or when 18x becomes 200, and once when its holder has been silent
for 500 ms; never out of the allowed ranges.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

Address: TypeAlias = tuple[str, int]
"Host as the kernel writes it, and port."

SILENCE_S = 0.5
"Silence of the locked source after which another may take over."
WINDOW_S: Final = 1.0
"How long a grant by signalling stays open: far ends switch their media together with their signalling."


@lru_cache(4096)
def canonical(host: str) -> str:
    """A host as the kernel writes it, so that two spellings of one IPv6 address compare equal; "" for what is no address."""
    try:
        return str(ip_address(host))
    except ValueError:
        return ""


@lru_cache(1024)
def networks_of(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """What policy lists, read."""
    return tuple(ip_network(text, strict=False) for text in texts)


class Source:
    """The rule for one leg, and who holds the lock."""

    __slots__ = ("_grant_until", "_networks", "_verdicts", "expected", "host", "locked", "nat", "silent")

    def __init__(self) -> None:
        self.host = ""
        self.expected: Address | None = None
        "Where the SDP says the audio comes from and goes to."
        self.nat = False
        self.locked: Address | None = None
        self.silent = False
        "The holder of the lock has been silent for `SILENCE_S`."
        self._networks: tuple[IPv4Network | IPv6Network, ...] = ()
        self._verdicts: dict[str, bool] = {}
        self._grant_until = -1.0

    def describe(self, host: str, port: int, nat: bool, networks: tuple[str, ...]) -> bool:
        """Take what SDP and policy say; True when it differs from before."""
        host = canonical(host)
        expected = (host, port) if host and port else None
        parsed = networks_of(networks)
        if (expected, nat, parsed) == (self.expected, self.nat, self._networks):
            return False
        self.host, self.expected, self.nat, self._networks = host, expected, nat, parsed
        self._verdicts.clear()
        if self.locked is not None and not nat and not self._is_allowed(self.locked[0]):
            self.locked = None
        return True

    def grant(self, now: float) -> None:
        """Let the lock move once, within `WINDOW_S`."""
        if self.locked is not None:
            self._grant_until = now + WINDOW_S

    def is_open(self, now: float) -> bool:
        """Whether packets of others than the holder must be looked at."""
        return self.locked is None or self.silent or now < self._grant_until

    def admits(self, address: Address, now: float) -> bool:
        """Judge one packet by its source; takes or moves the lock where the rule lets it."""
        if address == self.locked:
            self.silent = False
            return True
        if self.locked is None:
            # Behind NAT before any SDP nothing is known of the far end, and the first packet would be anybody's.
            if not (self._is_allowed(address[0]) or (self.nat and not self._networks and self.expected is not None)):
                return False
        elif now < self._grant_until:
            if not (self._is_allowed(address[0]) or (self.nat and not self._networks)):
                return False
        elif not self.silent or not (self._is_allowed(address[0]) or (self.nat and not self._networks and address[0] == self.locked[0])):
            return False
        self.locked = address
        self.silent = False
        self._grant_until = -1.0
        return True

    def admits_control(self, host: str) -> bool:
        """Judge an RTCP packet, which comes from the port beside or, through a NAT, from any."""
        return self._is_allowed(host) or (self.locked is not None and host == self.locked[0])

    def _is_allowed(self, host: str) -> bool:
        verdict = self._verdicts.get(host)
        if verdict is None:
            address = ip_address(host.partition("%")[0])
            verdict = host == self.host or any(address in network for network in self._networks)
            if len(self._verdicts) > 256:
                # A flood from invented sources must not fill memory.
                self._verdicts.clear()
            self._verdicts[host] = verdict
        return verdict
