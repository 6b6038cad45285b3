"""A candidate: one gateway a destination may use, with its price there."""

from msgspec import Struct

from trunkline.policy.snapshot import Destination, Gateway, Price, Snapshot
from trunkline.routing.decks import usual


class Candidate(Struct, frozen=True):
    gateway: Gateway
    price: Price
    "What it usually costs there."
    share: float
    "Percentage of the entry it comes from, divided by the weights of the entry's gateways."
    own: Price = Price()
    "What policy writes for the route, for numbers its carrier's deck does not have."


def candidates(policy: Snapshot, destination: Destination, at: float = 0.0) -> tuple[list[Candidate], list[Gateway]]:
    """At a Unix time: gateways to choose among in policy order, each once, and the standby ones (weight 0), which come last whatever happens."""
    found: dict[str, Candidate] = {}
    standby: dict[str, Gateway] = {}
    for route in destination.routes:
        members = [policy.gateways[name] for name in route.gateways]
        total = sum(gateway.weight for gateway in members)
        for gateway in members:
            if gateway.weight > 0 or total == 0:
                share = route.share * (gateway.weight / total if total else 1.0 / len(members))
                found.setdefault(gateway.name, Candidate(gateway, usual(route, at), share, route.own))
            else:
                standby.setdefault(gateway.name, gateway)
    return list(found.values()), [gateway for name, gateway in standby.items() if name not in found]
