"""The policy a market is run with: an ordinary document, through the ordinary door."""

from pathlib import Path

import msgspec
import yaml

from trunkline.lab.market.scenario import MarketError, Scenario
from trunkline.lab.market.truth import SHORT_TALK_S, Truth
from trunkline.policy import Snapshot, load_policy

ROTATION = "_rotation"
"""Suffix of a strategy that has its numbers drawn at random from the pool, whatever they went through, as random number lists of SIP switches do."""

OWN = ("priority", "percentage", "least_cost", "performance", "rank")
"Strategies of the product; every other name is put in after the document was checked."


class Areas:
    """The one file the policy of a market names (`policy.files.Files`): areas some hundred kilometres apart, in a line."""

    def __init__(self, scenario: Scenario, areas: int) -> None:
        self._rows = ["area,country,prefixes,latitude,longitude"]
        for place in scenario.destinations.values():
            self._rows += [f"{place.prefix}{digit},US,{place.prefix}{digit},{30 + digit},{-80 - 4 * digit}" for digit in range(areas)]

    def read(self, name: str) -> bytes:
        return "\n".join(self._rows).encode()

    def place(self, name: str) -> Path:
        return Path(name)


def policy_of(truth: Truth, strategy: str, hour: float) -> Snapshot:
    """The policy in force at an hour of the scenario: routes that are there by then, in the order of the file."""
    scenario = truth.scenario
    governed = scenario.numbers is not None and not strategy.endswith(ROTATION)
    strategy = strategy.removesuffix(ROTATION)
    areas = scenario.numbers.areas if scenario.numbers is not None else 0
    present = {name: route for name, route in scenario.routes.items() if route.since_h <= hour}
    shares = {name: route.share for name, route in present.items()}
    total = sum(shares.values())
    shares = {name: round(share / total * 100, 3) if total else round(100 / len(shares), 3) for name, share in shares.items()}
    scoring = {
        "value": truth.value,
        "machine": round(scenario.agent_s * scenario.machine_s, 6),
        "false_answer": round(scenario.agent_s * scenario.false_s, 6),
        "short_call": round(truth.value + scenario.agent_s * SHORT_TALK_S, 6),
    }
    document = {
        "tenants": {place.tenant: {} for place in scenario.destinations.values()},
        "trunks": {
            tenant: {
                "tenant": tenant, "addresses": [f"192.0.2.{i}"], **({"caller_id": {"use": "replace", "pool": tenant}} if governed else {}),
            }
            for i, tenant in enumerate(dict.fromkeys(place.tenant for place in scenario.destinations.values()), 1)
        },
        "pools": {place.tenant: dict(scenario.numbers.rules) for place in scenario.destinations.values()} if scenario.numbers and governed else {},
        "numbers": {"areas": "areas.csv"} if governed and areas else {},
        "carriers": {name: {"gateways": {"main": {"host": f"10.0.0.{i}", "options": 0}}} for i, name in enumerate(present, 1)},
        "bands": {name: {"begins": begins, "ends": ends} for name, (begins, ends) in scenario.bands.items()},
        "destinations": {
            name: {
                "prefixes": [place.prefix],
                "strategy": strategy if strategy in OWN else "priority",
                "zone": place.zone,
                "scoring": scoring,
                "tie": 5,
                "max_attempts": 3,
                "routes": [
                    {"to": route, "rate": entry.rate, "increments": entry.increments, "share": shares[route]} for route, entry in present.items()
                ],
            }
            for name, place in scenario.destinations.items()
        },
    }
    policy = load_policy(yaml.safe_dump(document, sort_keys=False), files=Areas(scenario, areas))
    if not isinstance(policy, Snapshot):
        raise MarketError("; ".join(f"{problem.path}: {problem.message}" for problem in policy))
    if strategy in OWN:
        return policy
    destinations = {name: msgspec.structs.replace(place, strategy=strategy) for name, place in policy.destinations.items()}
    return msgspec.structs.replace(policy, destinations=destinations)
