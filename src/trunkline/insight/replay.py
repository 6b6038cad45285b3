"""A log, decided on again: the decision object of another policy is asked about every logged call, at the call's own time.

It is the object the node runs (`decide.Decisions`), led by a clock that shows the time of the facts. What happened to the calls it would have
placed is told to it as it would have been told: when attempts and calls ended. A call it refuses leaves no trace in what it knows.
"""

from collections.abc import Iterator, Sequence
from heapq import heappop, heappush
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from trunkline.decide import CallRequest, Decisions, Plan, Refused, StaticPlaces
from trunkline.facts.clock import Clock
from trunkline.facts.record import Attempt, AttemptStarted, Call, Decision, Fact, GatewayState
from trunkline.facts.refusal import GATEWAY_CIRCUIT, NO_ROUTE
from trunkline.guard import Compliance, Identity, Limits
from trunkline.insight.invites import Invites
from trunkline.insight.logged import Log, LoggedCall
from trunkline.policy.snapshot import Attestation, CallerId, Snapshot
from trunkline.routing import Health
from trunkline.routing.router import LEARNING
from trunkline.routing.scoreboard import Scoreboard
from trunkline.sip.digest import DigestServer
from trunkline.sip.flow import Door, Flow

DOOR = Door("trunks", "udp", "192.0.2.250", 5060)
FLOW = Flow(DOOR, ("192.0.2.1", 5060))
"Nothing is sent: the trunk of a logged call is known, and so nobody asks where its INVITE came from."

REFRESH_STEPS = 4
"Steps of learning after every call, as many as the node does in a tenth of a second."

FIRST_GUESS_S = 20.0
"How long a call lasts that the log refused, while no call has ended yet."


class Judged(Struct):
    """What the other policy makes of one logged call."""

    logged: LoggedCall
    refusal: str = ""
    "Why it would be refused, a code of the catalogue; empty where it would be placed."
    destination: str = ""
    "Of the other policy."
    wanted: dict[str, float] = {}
    "Gateway -> probability that the other policy tries it first, given which took calls then. What is impossible is left out."
    seen: dict[str, float] = {}
    "The same under the policy that was in force; empty where the log does not say."
    bill: float | None = None
    "Of its answered attempts at the other policy's prices, by the logged talk times; None where one has no price."


class Replay:
    """One log under one policy."""

    def __init__(
        self, policy: Snapshot, log: Log, seed: int = 1, *, scores: Scoreboard | None = None, compliance: Compliance | None = None, since_us: int = 0,
    ) -> None:  # fmt: skip
        """`scores` is what is believed of the routes throughout; without it, nothing is believed at first and the log is learnt from as it goes.
        `compliance` holds do-not-call lists. Calls that began before `since_us` are told, not asked about."""
        self.log = log
        self.since_us = since_us
        self.start_us = log.calls[0].record.at if log.calls else 0
        self.policy = judged_part(policy)
        random = Random(seed)
        identity = Identity(self.policy, DigestServer(bytes(32), "what-if", random.randbytes), lambda trunk, flow, now: False)
        places = StaticPlaces({"udp": DOOR, "tcp": DOOR, "tls": DOOR, "ws": DOOR, "wss": DOOR})
        self.decisions = Decisions(self.policy, identity, places, Health(random), Limits(), Clock(0.0, self.start_us), random)
        if compliance is not None:
            self.decisions.compliance = compliance
            compliance.follow(self.policy)
        self.scored = any(destination.strategy in LEARNING for destination in policy.destinations.values())
        self.learns = self.scored and scores is None
        if scores is not None:
            self._believe(scores)
        self._counts_calls = any(rule.caps or rule.after for rule in policy.contact.rules)
        self._invites = Invites()
        self._pending: list[tuple[float, int, Attempt | Call]] = []
        self._order = 0
        self._lasts_s, self._ended = 0.0, 0

    def _believe(self, scores: Scoreboard) -> None:
        router = self.decisions.router
        router.scoreboard = scores
        scores.follow(self.policy.destinations)
        for _ in router.levels.fitting(scores, self.start_us / 1e6):
            pass

    def __iter__(self) -> Iterator[Judged]:
        """Every call from `since_us` on, in the order they began."""
        others, place = sorted(self.log.others, key=_at), 0
        for logged in self.log.calls:
            now = (logged.record.at - self.start_us) / 1e6
            while place < len(others) and others[place].at <= logged.record.at:
                self._tell(others[place], (others[place].at - self.start_us) / 1e6)
                place += 1
            self._catch_up(now)
            if logged.record.at >= self.since_us:
                judged = self.judge(logged, now)
                if not judged.refusal:
                    self._lives_through(logged, now)
                yield judged
            else:
                self._lives_through(logged, now)

    def judge(self, logged: LoggedCall, now: float) -> Judged:
        """Ask about one call at monotonic `now`."""
        record, decisions = logged.record, self.decisions
        trunk = self.policy.trunks.get(record.trunk)
        invite = self._invites.of(trunk, record.metadata)
        verdict = decisions.decide(CallRequest(record.call, invite, FLOW, record.trunk, record.called_raw), now)
        if isinstance(verdict, Refused):
            return Judged(logged, verdict.refusal.code)
        if not isinstance(verdict, Plan):
            raise RuntimeError(f"call {record.call} was neither placed nor refused: {verdict}")
        if verdict.emergency:
            return Judged(logged, destination=verdict.destination)
        destination, decision, first = verdict.destination, logged.decision, logged.first
        known = decision if decision is not None and first is not None and first.gateway in decision.candidates else None
        passed = self._passed_over(known, first.gateway, destination, now) if known is not None and first is not None else {}
        tried = first.gateway if first is not None else ""
        names = [gateway.name for gateway in verdict.routes]
        wanted = reached(names, verdict.decision.propensity, [self._room(name, destination, now, passed, tried) for name in names])
        if not wanted:
            decisions.limits.give(*[limit.name for limit in decisions.limits_of_trunk(verdict.trunk)])
            return Judged(logged, NO_ROUTE.code, destination)
        seen: dict[str, float] = {}
        if known is not None:
            seen = reached(known.candidates, known.propensity, [self._room(name, destination, now, passed, tried) for name in known.candidates])
        return Judged(logged, "", destination, wanted, seen, self._bill(logged, destination))

    def _passed_over(self, decision: Decision, tried: str, destination: str, now: float) -> dict[str, float]:
        """Gateways the call went past before its first attempt -> how likely they were to take it. An open circuit lets some calls through, and
        passing it was a matter of chance; anything else held for this call under any policy."""
        before = decision.candidates[: decision.candidates.index(tried)]
        chance = {name: self._chance(name, destination, now) for name in before if decision.excluded.get(name) == GATEWAY_CIRCUIT.code}
        return {name: share if (share := chance.get(name, 0.0)) < 1.0 else 0.0 for name in before}

    def _room(self, name: str, destination: str, now: float, passed: dict[str, float], tried: str) -> float:
        """How likely a gateway was to take a call."""
        known = passed.get(name)
        if known is not None:
            return known
        if name != tried and self.decisions.health.is_out(name, destination, now):
            return 0.0
        return self._chance(name, destination, now)

    def _chance(self, name: str, destination: str, now: float) -> float:
        """How likely the gateway's circuit lets a call through."""
        shares, chance = self.decisions.health.shares, 1.0
        if shares:
            for key in (name, f"{name}|{destination}"):
                share = shares.get(key)
                if share is not None and share.failed:
                    chance *= 1.0 - share.skip_probability(now)
        return chance

    def _bill(self, logged: LoggedCall, destination: str) -> float | None:
        total = 0.0
        for attempt in logged.attempts:
            if attempt.outcome == "answered":
                answered_at = attempt.at / 1e6 + (attempt.answer_ms or 0.0) / 1000.0
                bill = self.decisions.bill(destination, attempt.gateway, (attempt.talk_ms or 0.0) / 1000.0, logged.record.called, answered_at)
                if bill is None:
                    return None
                total += bill
        return total

    # What happens to calls that were placed.

    def _lives_through(self, logged: LoggedCall, now: float) -> None:
        """Its attempts and its end will be told when they are due."""
        record = logged.record
        if record.attempts and self._counts_calls:
            self.decisions.observe(_started(record), now)
        for attempt in logged.attempts:
            self._expect((attempt.at - self.start_us) / 1e6 + attempt.total_ms / 1000.0, attempt)
        lasts_s = record.total_ms / 1000.0
        if logged.attempts:
            self._lasts_s += lasts_s
            self._ended += 1
        else:  # the log refused it: it will last as long as others do
            lasts_s = self._lasts_s / self._ended if self._ended else FIRST_GUESS_S
        self._expect(now + lasts_s, record if record.policy else replace(record, policy=self.policy.version))

    def _expect(self, at: float, fact: Attempt | Call) -> None:
        self._order += 1
        heappush(self._pending, (at, self._order, fact))

    def _catch_up(self, now: float) -> None:
        pending, decisions = self._pending, self.decisions
        while pending and pending[0][0] <= now:
            at, _, fact = heappop(pending)
            self._tell(fact, at)
        if self.scored:
            decisions.refresh(now, REFRESH_STEPS)

    def _tell(self, fact: Fact, now: float) -> None:
        decisions = self.decisions
        if isinstance(fact, GatewayState):
            condition = decisions.health.condition(fact.gateway)
            condition.drained = fact.state == "drained" or (condition.drained and fact.state != "undrained")
            condition.up = fact.state == "up" or (condition.up and fact.state != "down")
        elif isinstance(fact, Attempt) and not self.learns:
            decisions.health.apply(fact, now)
            decisions.compliance.apply(fact)
        else:
            decisions.observe(fact, now)


def judged_part(policy: Snapshot) -> Snapshot:
    """The policy without what a log cannot judge: numbers to call with, signatures, portability look-ups, and the rates of trunks whose calls may wait
    for their turn."""
    patient = {trunk.tenant for trunk in policy.trunks.values() if trunk.pace.wait_s}
    return replace(
        policy, dips=(), attestation=Attestation(),
        trunks={name: replace(trunk, caller_id=CallerId(), cps=0.0 if trunk.tenant in patient else trunk.cps) for name, trunk in policy.trunks.items()},
        tenants={name: replace(tenant, cps=0.0) if name in patient else tenant for name, tenant in policy.tenants.items()},
    )  # fmt: skip


def not_judged(policy: Snapshot) -> list[str]:
    """What of this policy a replay leaves out, in words."""
    found = []
    if any(trunk.caller_id.use != "pass" for trunk in policy.trunks.values()):
        found.append("caller IDs: calls are not refused for want of a number")
    if any(trunk.pace.wait_s for trunk in policy.trunks.values()):
        found.append("`cps` of tenants whose trunks have `pacing`: calls go at once")
    if policy.dips:
        found.append("portability look-ups: a number goes by its prefix")
    if any(each.channels or each.cps for each in policy.gateways.values()) or any(each.channels or each.cps for each in policy.carriers.values()):
        found.append("`channels` and `cps` of carriers and gateways: a first choice is taken to have room unless it was passed over in the log")
    return found


def reached(names: Sequence[str], chances: Sequence[float], room: Sequence[float]) -> dict[str, float]:
    """Probability of the first attempt, by gateway, from the probabilities of coming first in the order and of taking a call when asked; what is
    impossible is left out. Those with a chance share what others of them do not take; where none of them takes the call, the rest is asked in order.
    """
    found = {name: chance * open_ for name, chance, open_ in zip(names, chances, room, strict=True) if chance * open_ > 0.0}
    left = 1.0
    for chance, open_ in zip(chances, room, strict=True):
        if chance > 0.0:
            left *= 1.0 - open_
    total = sum(found.values())
    found = {name: value / total * (1.0 - left) for name, value in found.items()}
    for name, chance, open_ in zip(names, chances, room, strict=True):
        if chance <= 0.0 and left * open_ > 0.0:
            found[name] = left * open_
            left *= 1.0 - open_
    total = sum(found.values())
    return {name: value / total for name, value in found.items()}


def _started(record: Call) -> AttemptStarted:
    return AttemptStarted(record.call, 1, record.at, "log", "", "", "", "", "", record.trunk, tenant=record.tenant, e164=record.called)


def _at(fact: Fact) -> int:
    return fact.at
