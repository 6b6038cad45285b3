"""Where gateways are, from memory: the resolver's addresses and the doors of this node (`decide.Places`)."""

from collections.abc import Iterable

from trunkline.decide.inbound import TO_TRUNK, trunk_gateway
from trunkline.decide.places import large_flow
from trunkline.decide.plan import Way
from trunkline.policy.snapshot import Gateway, Snapshot
from trunkline.sip.asyncio import PeerNames
from trunkline.sip.asyncio.resolver import Resolver, Target
from trunkline.sip.flow import Address, Door, Flow

AVOID_S = 30.0
"How long an address that failed is asked last."


class ResolvedPlaces:
    def __init__(self, resolver: Resolver, doors: Iterable[Door], names: PeerNames | None = None) -> None:
        """Calls to gateways leave by the `carriers` door of their transport, or any door of it where there is none.

        `names` is kept up to date with whose certificate is expected at which address.
        """
        self._resolver = resolver
        self._names = names if names is not None else {}
        self._doors: dict[tuple[str, bool], Door] = {}
        for door in sorted(doors, key=lambda door: not door.name.startswith("carriers")):
            self._doors.setdefault((door.transport, ":" in door.local), door)
        self._ways: dict[tuple[str, Address], Way] = {}
        self._owners: dict[Address, str] = {}
        self._gateways: tuple[Gateway, ...] = ()
        self._avoided: dict[Address, float] = {}
        "Addresses that failed lately, and until when they are asked last."

    def follow(self, policy: Snapshot) -> None:
        """Keep the names of this policy resolved."""
        trunks = [trunk_gateway(trunk) for trunk in policy.trunks.values() if trunk.host]
        self._gateways = (*policy.gateways.values(), *trunks)
        self._resolver.watch({target_of(gateway) for gateway in self._gateways})
        self.learn()

    def expect(self, policy: Snapshot) -> set[Target]:
        """Begin to resolve the names of a policy that is about to come into force, beside those of the one that is; the new ones."""
        known = {target_of(gateway) for gateway in self._gateways}
        named = [*policy.gateways.values(), *(trunk_gateway(trunk) for trunk in policy.trunks.values() if trunk.host)]
        new = {target_of(gateway) for gateway in named} - known
        self._resolver.watch(known | new)
        return new

    def leads_somewhere(self, target: Target) -> bool:
        """Whether a name has an address by now."""
        return bool(self._resolver.addresses(target))

    def learn(self) -> None:
        """Names lead elsewhere than before: whose address is whose, and where calls go, is made out anew."""
        self._ways.clear()
        self._owners.clear()
        self._names.clear()
        for gateway in self._gateways:
            for address in self._resolver.addresses(target_of(gateway)):
                if not gateway.name.startswith(TO_TRUNK):
                    self._owners.setdefault(address, gateway.name)
                if not self._names.get(address, ("", False))[1]:  # of two gateways at one address, the one that insists counts
                    self._names[address] = (gateway.host, gateway.verify_tls)

    def way(self, gateway: Gateway, now: float) -> Way | None:
        addresses = self._resolver.addresses(target_of(gateway))
        if self._avoided and len(addresses) > 1:
            addresses.sort(key=lambda address: self._avoided.get(address, 0.0) > now)
        for address in addresses:
            known = self._ways.get((gateway.name, address))
            if known is not None:
                return known
            v6 = ":" in address[0]
            door = self._doors.get((gateway.transport, v6))
            if door is None:
                continue  # an IPv6 address is of no use to a node without an IPv6 door
            by_transport = {transport: door for (transport, is_v6), door in self._doors.items() if is_v6 == v6}
            known = self._ways[gateway.name, address] = Way(Flow(door, address), large_flow(gateway, by_transport, address))
            return known
        return None

    def avoid(self, gateway: Gateway, address: Address, now: float) -> bool:
        others = [other for other in self._resolver.addresses(target_of(gateway)) if other != address]
        if not others:
            return False
        self._avoided = {kept: until for kept, until in self._avoided.items() if until > now}
        self._avoided[address] = now + AVOID_S
        return any(other not in self._avoided for other in others)

    def flow_to(self, gateway: Gateway, now: float) -> Flow | None:
        way = self.way(gateway, now)
        return way.flow if way is not None else None

    def gateway_at(self, address: Address) -> str:
        name = self._owners.get(address)
        if name is not None:
            return name
        return next((name for (host, _), name in self._owners.items() if host == address[0]), "")


def target_of(gateway: Gateway) -> Target:
    return Target(gateway.host, gateway.port, gateway.transport)
