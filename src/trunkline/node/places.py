"""Where gateways are, from memory: the resolver's addresses and the doors of this node (`decide.Places`).

A way to a gateway is a path: one of our doors and one of its addresses. Where policy names the doors of a gateway (`local`) each of them
makes paths, best door first and within it the addresses as DNS orders them; elsewhere there is one door. What fails is a path, for the
other way out may reach the very same address.
"""

from collections.abc import Iterable, Iterator

from trunkline.decide.inbound import TO_TRUNK, trunk_gateway
from trunkline.decide.places import large_flow
from trunkline.decide.plan import Way
from trunkline.policy.doors import misfit
from trunkline.policy.snapshot import Gateway, Snapshot
from trunkline.sip.asyncio import PeerNames
from trunkline.sip.asyncio.resolver import Resolver, Target
from trunkline.sip.flow import Address, Door, Flow

AVOID_S = 30.0
"How long a path that failed is asked last."

ASKED_LAST = 4
"More than `_trouble` ever says."

USUAL = ("",)
"Doors of a gateway whose policy names none."


class ResolvedPlaces:
    def __init__(self, resolver: Resolver, doors: Iterable[Door], names: PeerNames | None = None) -> None:
        """Calls to gateways leave by the doors policy names, else by the first `carriers` door of their transport, or any door of it where there
        is none. `names` is kept up to date with whose certificate is expected at which address.
        """
        self._resolver = resolver
        self._names = names if names is not None else {}
        self._doors: dict[tuple[str, bool], Door] = {}
        self._named: dict[str, Door] = {}
        for door in sorted(doors, key=lambda door: door.purpose != "carriers"):
            self._doors.setdefault((door.transport, ":" in door.local), door)
            self._named[door.name] = door
        self._ways: dict[tuple[str, str, Address], Way | None] = {}
        "By gateway, door (empty for the usual one) and address; None where that door does not lead there."
        self._owners: dict[Address, str] = {}
        self._gateways: tuple[Gateway, ...] = ()
        self._by_name: dict[str, Gateway] = {}
        self._avoided: dict[Flow, float] = {}
        "Paths that failed lately, and until when they are asked last."
        self._returned: dict[Flow, float] = {}
        "Paths that were taken back early, and when."
        self._silent: set[Flow] = set()
        "Paths that do not answer OPTIONS."

    def follow(self, policy: Snapshot) -> None:
        """Keep the names of this policy resolved."""
        trunks = [trunk_gateway(trunk) for trunk in policy.trunks.values() if trunk.host]
        self._gateways = (*policy.gateways.values(), *trunks)
        self._by_name = policy.gateways
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
        best, least = None, (ASKED_LAST, 0.0)
        for way in self._paths(gateway):
            trouble = self._trouble(way.flow, now)
            if not trouble:
                return way
            if (trouble, failed := self._avoided.get(way.flow, 0.0)) < least:  # of two that failed, the one that did so longer ago
                best, least = way, (trouble, failed)
        return best

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0) -> bool:
        failed, others = flow, []
        for way in self._paths(gateway):
            if flow in (way.flow, way.large):
                failed = way.flow
            else:
                others.append(way.flow)
        if not others:
            return False
        self._avoided = {kept: until for kept, until in self._avoided.items() if until > now}
        self._avoided[failed] = now + AVOID_S
        return any(not self._trouble(other, now) or (other not in self._silent and self._avoided[other] - AVOID_S < since) for other in others)

    def spares(self, gateway: str, local: str, remote: str, now: float) -> bool:
        known = self._by_name.get(gateway)
        flows = [way.flow for way in self._paths(known)] if known is not None else []
        host = local.rpartition(":")[0].strip("[]")
        return len(flows) > 1 and any(not self._trouble(flow, now) for flow in flows if (flow.door.local, str(flow)) != (host, remote))

    def paths(self, gateway: Gateway, now: float) -> list[Flow]:
        if len(gateway.local) > 1:
            return [way.flow for way in self._paths(gateway)]
        flow = self.flow_to(gateway, now)
        return [flow] if flow is not None else []

    def heard(self, flow: Flow, answers: bool) -> None:
        if not answers:
            self._silent.add(flow)
        elif flow in self._silent:
            self._silent.discard(flow)
            self._avoided.pop(flow, None)  # what failed by it, failed while it was out

    def returned(self, flow: Flow, now: float) -> bool:
        if self._avoided.get(flow, 0.0) <= now:
            return False
        self._returned = {kept: at for kept, at in self._returned.items() if now - at < AVOID_S}
        if flow in self._returned:
            return False  # OPTIONS get through and calls do not: every one that tries costs its caller a timer
        self._returned[flow] = now
        del self._avoided[flow]
        return True

    def state(self, flow: Flow, now: float) -> str:
        """Of a path: up, silent (OPTIONS goes unanswered) or avoided (a call just failed by it)."""
        if flow in self._silent:
            return "silent"
        return "avoided" if self._trouble(flow, now) else "up"

    def _paths(self, gateway: Gateway) -> Iterator[Way]:
        """Every way to the gateway, best first, whatever is known against it."""
        addresses = self._resolver.addresses(target_of(gateway))
        for name in gateway.local or USUAL:
            for address in addresses:
                key = gateway.name, name, address
                if key not in self._ways:
                    self._ways[key] = self._way(gateway, name, address)
                way = self._ways[key]
                if way is not None:
                    yield way

    def _way(self, gateway: Gateway, name: str, address: Address) -> Way | None:
        v6 = ":" in address[0]
        if not name:
            beside = {transport: door for (transport, is_v6), door in self._doors.items() if is_v6 == v6}
            door = beside.get(gateway.transport)
        else:
            door = self._named.get(name)
            # A large request may need TCP, but not another provider's.
            beside = {other.transport: other for other in reversed(self._named.values()) if door is not None and other.local == door.local}
        if door is None or (":" in door.local) != v6:
            return None  # an IPv6 address is of no use to a node without an IPv6 door
        return Way(Flow(door, address), large_flow(gateway, beside, address))

    def _trouble(self, flow: Flow, now: float) -> int:
        """What is known against a path: nothing (0), that a call failed by it, that it is silent."""
        return (self._avoided.get(flow, 0.0) > now) + 2 * (flow in self._silent)

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


def unsuited(policy: Snapshot, doors: Iterable[Door]) -> str:
    """What a policy asks of this node's doors and cannot have, with the fix; empty where it suits."""
    named = {door.name: door for door in doors}
    wrong: dict[tuple[str, str, str], list[str]] = {}
    "Door, what is wrong with it, how to mend that -> gateways that name it."
    for gateway in policy.gateways.values():
        for name in gateway.local:
            found = misfit(name, gateway.transport, named)
            if found is not None:
                wrong.setdefault((name, *found), []).append(gateway.name)
    said = [f"{_few(gateways)}: local: `{name}`: {fault}; {fix}" for (name, fault, fix), gateways in wrong.items()]
    return "\n".join(said)


def _few(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 4 else f"{', '.join(names[:3])} and {len(names) - 3} more gateways"
