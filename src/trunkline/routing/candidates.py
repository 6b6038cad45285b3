"""Candidates in order: the static strategies `priority` and `percentage` (row R2).

An entry of a destination is a carrier or one gateway. Within a carrier, gateways share by weight; weight 0 is standby and comes last.
"""

from random import Random

from msgspec import Struct

from trunkline.policy.snapshot import Destination, Gateway, RouteShare, Snapshot


class Choice(Struct, frozen=True):
    """An ordered list of gateways, and how it came about."""

    gateways: tuple[Gateway, ...]
    propensity: tuple[float, ...]
    "Probability that each came first."
    draw: float = 0.0
    scores: tuple[float, ...] = ()
    "Expected worth of each in money, by strategies that learn."
    holdout: bool = False
    "The first was picked at random, whatever its score."


def choose(policy: Snapshot, destination: Destination, random: Random) -> Choice:
    """Order every gateway of the destination by its strategy."""
    if destination.strategy == "percentage":
        return _percentage(policy, destination.routes, random)
    return _priority(policy, destination.routes, random)


def _priority(policy: Snapshot, routes: tuple[RouteShare, ...], random: Random) -> Choice:
    gateways: list[Gateway] = []
    propensity: list[float] = []
    draw = 0.0
    named: set[str] = set()
    for i, route in enumerate(routes):
        ordered, shares, drawn = _by_weight(policy, route, random)
        draw = draw or drawn
        if i == 0:
            gateways, propensity = ordered, shares
        else:
            gateways += [gateway for gateway in ordered if gateway.name not in named]
        named.update(route.gateways)
    return Choice(tuple(gateways), tuple(propensity) + (0.0,) * (len(gateways) - len(propensity)), draw)


def _percentage(policy: Snapshot, routes: tuple[RouteShare, ...], random: Random) -> Choice:
    """The first entry is drawn by share; the others follow by drawing again among what is left."""
    left = [route for route in routes if route.share > 0] or list(routes)
    total = sum(route.share for route in left) or float(len(left))
    first_draw = random.random()
    draw = first_draw
    gateways: list[Gateway] = []
    propensity: list[float] = []
    named: set[str] = set()
    while left:
        weights = [route.share or 1.0 for route in left]
        at = _pick(weights, draw)
        route = left.pop(at)
        ordered, shares, _ = _by_weight(policy, route, random)
        for gateway, share in zip(ordered, shares, strict=True):
            if gateway.name not in named:
                named.add(gateway.name)
                gateways.append(gateway)
                propensity.append(share * (route.share or 1.0) / total)
        draw = random.random()
    rest = dict.fromkeys(name for route in routes for name in route.gateways if name not in named)
    gateways += [policy.gateways[name] for name in rest]  # an entry with share 0 is the last resort
    propensity += [0.0] * (len(gateways) - len(propensity))
    return Choice(tuple(gateways), tuple(propensity), first_draw)


def _by_weight(policy: Snapshot, route: RouteShare, random: Random) -> tuple[list[Gateway], list[float], float]:
    """Gateways of one entry, drawn by weight without replacement, standby ones last; probabilities of coming first."""
    if len(route.gateways) == 1:
        return [policy.gateways[route.gateways[0]]], [1.0], 0.0
    members = [policy.gateways[name] for name in route.gateways]
    active = [gateway for gateway in members if gateway.weight > 0]
    standby = [gateway for gateway in members if gateway.weight <= 0]
    total = float(sum(gateway.weight for gateway in active)) or 1.0
    ordered: list[Gateway] = []
    drawn = 0.0
    while active:
        draw = random.random()
        drawn = drawn or draw
        ordered.append(active.pop(_pick([gateway.weight for gateway in active], draw)))
    shares = [gateway.weight / total for gateway in ordered]
    if not ordered and standby:
        return standby, [1.0] + [0.0] * (len(standby) - 1), 0.0
    return ordered + standby, shares + [0.0] * len(standby), drawn


def _pick(weights: list[float] | list[int], draw: float) -> int:
    """Index of the weight that `draw` in [0, 1) falls on."""
    point = draw * sum(weights)
    for i, weight in enumerate(weights):
        point -= weight
        if point < 0:
            return i
    return len(weights) - 1
