"""Health of gateways: OPTIONS, transport, failing share, Retry-After, drain.

A circuit does not snap: the probability of skipping a gateway rises linearly with its failing share, and a few canary calls always get
through, so recovery is noticed without anybody's hand. There is no minimum of answered seconds: a route that answers nothing is caught.
"""

from dataclasses import dataclass
from random import Random
from typing import Final

from trunkline.facts import refusal as catalogue
from trunkline.facts.record import Attempt
from trunkline.facts.refusal import Refusal

HALF_LIFE_S: Final = 60.0
"A failure counts half after this long."

SKIP_FROM: Final = 0.5
SKIP_ALL: Final = 0.9
"Failing share at which skipping begins, and at which only canaries pass."

CANARY: Final = 0.02
"Share of calls that pass an open circuit."

MINIMUM: Final = 5.0
"Effective attempts before a failing share means anything."

GATEWAY_CAUSES: Final = frozenset(("no response", "no progress"))
"Evidence that speaks against the gateway as a whole, not against one destination."

CONGESTION_CAUSES: Final = frozenset((34, 38, 41, 42))


class Share:
    """A failing share that forgets."""

    __slots__ = ("at", "failed", "total")

    def __init__(self) -> None:
        self.failed = self.total = self.at = 0.0

    def add(self, failed: bool, at: float) -> None:
        self._forget(at)
        self.total += 1.0
        self.failed += failed

    def skip_probability(self, at: float) -> float:
        self._forget(at)
        if self.total < MINIMUM:
            return 0.0
        excess = (self.failed / self.total - SKIP_FROM) / (SKIP_ALL - SKIP_FROM)
        return min(max(excess, 0.0), 1.0 - CANARY)

    def _forget(self, at: float) -> None:
        if at > self.at:
            factor = 0.5 ** ((at - self.at) / HALF_LIFE_S)
            self.failed *= factor
            self.total *= factor
            self.at = at


@dataclass
class Condition:
    """What is known of one gateway."""

    up: bool = True
    "Answers OPTIONS; assumed until shown otherwise."
    drained: bool = False
    registered: bool = True


class Health:
    """Live health by gateway name, a fold of `Attempt` facts and probe results."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.conditions: dict[str, Condition] = {}
        self.shares: dict[str, Share] = {}
        "By gateway, and by `gateway|destination`."
        self.pauses: dict[str, float] = {}
        "Retry-After: `gateway|destination` -> until (seconds)."
        self._open: set[str] = set()
        self._classes: dict[str, set[str]] = {}
        "Gateway -> destinations whose circuit is open; several agreeing open the gateway's."

    def condition(self, gateway: str) -> Condition:
        known = self.conditions.get(gateway)
        if known is None:
            known = self.conditions[gateway] = Condition()
        return known

    def refuses(self, gateway: str, destination: str, at: float) -> Refusal | None:
        """Why this gateway should not get this call now; canaries pass."""
        condition = self.conditions.get(gateway)
        if condition is not None:
            if condition.drained:
                return catalogue.GATEWAY_DRAINED
            if not condition.up:
                return catalogue.GATEWAY_DOWN
        if not self.shares:
            return None
        key = f"{gateway}|{destination}"
        until = self.pauses.get(key)
        if until is not None:
            if at < until:
                return catalogue.GATEWAY_PAUSED
            del self.pauses[key]
        for name in (gateway, key):
            share = self.shares.get(name)
            if share is not None and share.failed:
                skip = share.skip_probability(at)
                if skip and self._random.random() < skip:
                    return catalogue.GATEWAY_CIRCUIT
        return None

    def has_news(self) -> bool:
        """Whether any gateway may be out or failing: a strategy need not ask for each while there is none."""
        return bool(self._open or self.pauses) or any(not known.up or known.drained for known in self.conditions.values())

    def is_out(self, gateway: str, destination: str, at: float) -> bool:
        """Whether it surely takes no call now: down, drained or paused."""
        condition = self.conditions.get(gateway)
        if condition is not None and (condition.drained or not condition.up):
            return True
        return bool(self.pauses) and self.pauses.get(f"{gateway}|{destination}", 0.0) > at

    def skips(self, gateway: str, destination: str, at: float) -> bool:
        """Whether a circuit is open, in part or in whole, for the gateway or for it at the destination."""
        if not self._open:
            return False
        key = f"{gateway}|{destination}"
        return any(name in self._open and self.shares[name].skip_probability(at) > 0 for name in (gateway, key))

    def apply(self, fact: Attempt, at: float, spared: bool = False) -> str:
        """Learn from an attempt; returns the name whose circuit opened or closed, or nothing.

        `spared`: it failed by one of several paths and another may do, so its silence is no failing of the gateway.
        """
        if fact.outcome in ("caller", "ours"):
            return ""
        key = f"{fact.gateway}|{fact.destination}"
        failed = fact.outcome == "route"
        whole = fact.evidence in GATEWAY_CAUSES or fact.phrase == "Transport Failed"
        if failed and whole and spared:
            return ""
        if fact.status == 503 and fact.retry_after_s:
            self.pauses[key] = at + min(fact.retry_after_s, 600)
        changed = self._add(fact.gateway, failed and whole, at)
        counts = failed and not whole and (fact.status >= 500 or fact.cause in CONGESTION_CAUSES)
        return self._add(key, counts, at) or changed

    def _add(self, name: str, failed: bool, at: float) -> str:
        share = self.shares.get(name)
        if share is None:
            if not failed:
                self.shares.setdefault("", Share())
                return ""
            share = self.shares[name] = Share()
        share.add(failed, at)
        is_open = share.skip_probability(at) > 0
        if is_open != (name in self._open):
            (self._open.add if is_open else self._open.discard)(name)
            return name
        return ""

    def is_open(self, name: str) -> bool:
        return name in self._open
