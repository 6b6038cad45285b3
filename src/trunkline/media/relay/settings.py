"""How the relay is set up: from the node's settings, fixed for its life."""

from msgspec import Struct


class Interface(Struct, frozen=True, gc=False):
    """One of our addresses for media."""

    name: str
    "As policy refers to it (`Side.interface`)."
    address: str
    "Bound; IPv4 or IPv6."
    advertised: str = ""
    "Told to far ends, where a NAT stands before us; empty: the address itself."

    @property
    def shown(self) -> str:
        return self.advertised or self.address

    @property
    def family(self) -> str:
        """IP4 or IP6, as SDP writes it."""
        return "IP6" if ":" in self.shown else "IP4"


class RelaySettings(Struct, frozen=True, gc=False):
    """Settings of the embedded relay."""

    interfaces: tuple[Interface, ...]
    "The first is the default; at least one."
    first_port: int = 30_000
    last_port: int = 60_000
    workers: int = 1
    "Processes that move packets."
    leased_ahead: int = 256
    "Port pairs per worker and address held ready; a burst of offers takes two each."
    timeout_s: float = 30.0
    "Silence of an answered leg after which `MediaTimeout` is reported."
