"""The oracle: takes the route that is truly worth most at this moment. Nobody can do better without knowing the callee."""

import numpy as np

from trunkline.lab.market.truth import Truth
from trunkline.policy.snapshot import Destination, Snapshot
from trunkline.routing import Choice


class Oracle:
    """A `routing.Strategy`."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._order = np.argsort(-truth.index, axis=2).tolist()
        self.full: list[bool] = [False] * len(truth.routes)
        "Routes that have all the calls they take: kept up to date by the run."
        self._where = {name: i for i, name in enumerate(truth.destinations)}

    def choose(self, policy: Snapshot, destination: Destination, called: str, at: float) -> Choice:
        truth = self._truth
        names = [f"{truth.routes[r]}/main" for r in self._order[truth.slot_at(at)][self._where[destination.name]]]
        present = {name for route in destination.routes for name in route.gateways}
        full = {f"{name}/main" for name, is_full in zip(truth.routes, self.full, strict=True) if is_full}
        if full:
            names.sort(key=lambda name: name in full)
        gateways = tuple(policy.gateways[name] for name in names if name in present)
        return Choice(gateways, (1.0,) + (0.0,) * (len(gateways) - 1))
