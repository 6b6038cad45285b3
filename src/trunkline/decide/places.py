"""Where names lead, from memory: gateways resolved ahead, registered trunks at their bindings."""

from typing import Protocol

from msgspec.structs import replace

from trunkline.decide.plan import Way
from trunkline.policy.snapshot import Gateway
from trunkline.sip.flow import Address, Door, Flow


class Places(Protocol):
    def way(self, gateway: Gateway, now: float) -> Way | None:
        """A flow to the gateway, or None while its name has no address."""

    def flow_to(self, gateway: Gateway, now: float) -> Flow | None:
        """The flow of that way."""

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0) -> bool:
        """This path failed: take the gateway's others first for a while. True where there is one that works, or that failed before `since` and is
        not known to be silent."""

    def spares(self, gateway: str, local: str, remote: str, now: float) -> bool:
        """Whether the gateway has a path that may do besides this one: that one's failing is then no failing of the gateway."""

    def gateway_at(self, address: Address) -> str:
        """Gateway that has this address, by resolution; empty when none has."""


class ProbedPlaces(Places, Protocol):
    """Places whose paths are probed."""

    def paths(self, gateway: Gateway, now: float) -> list[Flow]:
        """What to probe: every path where policy names several doors, else the flow calls take; empty while its name has no address."""

    def heard(self, flow: Flow, answers: bool) -> None:
        """Whether a path answers OPTIONS: calls take it last while it does not."""

    def returned(self, flow: Flow, now: float) -> bool:
        """A path that failed a call answers OPTIONS: calls take it again. False where it does not count: it failed again soon after it had answered before."""


class StaticPlaces:
    """Places for numeric addresses only: tests, benches, the market simulator."""

    def __init__(self, doors: dict[str, Door]) -> None:
        """`doors` by transport."""
        self._doors = doors
        self._ways: dict[str, Way] = {}

    def way(self, gateway: Gateway, now: float) -> Way | None:
        known = self._ways.get(gateway.name)
        if known is None:
            address = (gateway.host, gateway.port or 5060)
            flow = Flow(self._doors[gateway.transport], address)
            known = self._ways[gateway.name] = Way(flow, large_flow(gateway, self._doors, address))
        return known

    def flow_to(self, gateway: Gateway, now: float) -> Flow | None:
        way = self.way(gateway, now)
        return way.flow if way is not None else None

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0) -> bool:
        return False

    def spares(self, gateway: str, local: str, remote: str, now: float) -> bool:
        return False

    def paths(self, gateway: Gateway, now: float) -> list[Flow]:
        flow = self.flow_to(gateway, now)
        return [flow] if flow is not None else []

    def heard(self, flow: Flow, answers: bool) -> None:
        return None

    def returned(self, flow: Flow, now: float) -> bool:
        return False

    def gateway_at(self, address: Address) -> str:
        return next((name for name, way in self._ways.items() if way.flow.address == address), "")


def on_path(gateway: Gateway, flow: Flow | None) -> Gateway:
    """A carrier's gateway as it is by this path: its audio by the door's own media interface, where that names one."""
    interface = flow.door.media if flow is not None and gateway.carrier else ""
    if not interface or interface == gateway.media.interface:
        return gateway
    return replace(gateway, media=replace(gateway.media, interface=interface))


def large_flow(gateway: Gateway, doors: dict[str, Door], address: Address) -> Flow | None:
    """The flow for requests over 1,300 bytes by the gateway's rule; None sends them by UDP, fragmented."""
    rule = gateway.large_requests
    if gateway.transport != "udp" or rule == "udp":
        return None
    door = doors.get("tls" if rule == "tls" else "tcp")
    return Flow(door, address) if door is not None else None
