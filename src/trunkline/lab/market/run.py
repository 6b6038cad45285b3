"""One strategy through one market: the product's `Decisions`, a clock, and fates."""

import gc
import heapq
from collections.abc import Callable
from itertools import count
from random import Random
from time import process_time

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.decide import CallRequest, Decisions, Plan, Refused, StaticPlaces, Way
from trunkline.facts.clock import Clock
from trunkline.facts.numbers import NumberComplaint
from trunkline.facts.record import Attempt, Call
from trunkline.facts.refusal import NONE_LEFT
from trunkline.guard import Identity, Limits
from trunkline.lab.market.burning import swing
from trunkline.lab.market.fate import BUSY, DEAD, FALSE, HEARD_AS, HUMAN, MACHINE, REJECT, SILENT, SLOW, VACANT, Fates
from trunkline.lab.market.oracle import Oracle
from trunkline.lab.market.policy import ROTATION, policy_of
from trunkline.lab.market.shown import ShownNumbers
from trunkline.lab.market.truth import Truth
from trunkline.policy.snapshot import Gateway, Snapshot
from trunkline.routing import Health, Strategy
from trunkline.sip.digest import DigestServer
from trunkline.sip.flow import Door, Flow
from trunkline.sip.message import Request, parse

WARM_UP = 0.2
"Share of the calls after which a strategy is expected to have found its way."

BLOCKS = 60
"Stretches of time figures are kept for: the recovery after an incident is read from them."

FAILURES = {
    DEAD: (408, "Request Timeout", 0, "route", "no response"),
    REJECT: (503, "Service Unavailable", 34, "route", "cause 34"),
    SLOW: (408, "Request Timeout", 0, "route", "no progress"),
    VACANT: (404, "Not Found", 1, "callee", "cause 1"),
    BUSY: (486, "Busy Here", 17, "callee", "cause 17"),
}
"Status, phrase, cause, class and evidence, as the outcome table gives them."

ANSWERS = frozenset((HUMAN, MACHINE, FALSE))


class Result(Struct):
    """What came of it. Money in the scenario's currency; per call means per call of the dialer."""

    calls: int = 0
    attempts: int = 0
    contacts: int = 0
    spent: float = 0.0
    "Carriers' bills, agents' wasted seconds, and what a call costs in itself."
    billed: float = 0.0
    wasted_s: float = 0.0
    "Agent seconds on machines, false answers and calls that ended within 6 s."
    regret: float = 0.0
    "Expected money the first choice fell short of the best possible, all calls."
    regret_holdout: float = 0.0
    "The part of it that calls of the holdout caused."
    settled_contacts: int = 0
    settled_spent: float = 0.0
    "After warm-up, holdout apart."
    holdout: int = 0
    seconds: float = 0.0
    "CPU."
    firsts: list[list[int]] = []
    "Stretch of time -> calls by first route."
    block_contacts: list[int] = []
    block_calls: list[int] = []
    refused: int = 0
    "Calls that no number was left for."
    humans: int = 0
    "Answers by a human, short ones included."
    again: int = 0
    "Calls to callees called before."
    labels: int = 0
    "Times one of our numbers came to be labelled."
    labelled_calls: int = 0
    "Calls made with a labelled number."
    swing: float = 0.0
    "Standard deviation of the answer rate between numbers and days, beyond chance."
    days: list[list[int]] = []
    "Day -> calls, human answers, numbers labelled at its end, calls refused; where numbers matter."

    @property
    def cost_per_contact(self) -> float:
        return self.spent / max(self.contacts, 1)

    @property
    def settled_cost(self) -> float:
        return self.settled_spent / max(self.settled_contacts, 1)


def invite(trunk: int) -> Request:
    """What a dialer of this trunk sends; the called number is told apart from it."""
    message = parse(
        b"INVITE sip:1@192.0.2.250 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\nFrom: <sip:14155550100@192.0.2.1>;tag=1\r\n"
        b"To: <sip:1@192.0.2.250>\r\nCall-ID: market-%d\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\nContact: <sip:192.0.2.1>\r\nContent-Length: 0\r\n\r\n" % trunk
    )
    if not isinstance(message, Request):
        raise RuntimeError("the market's own INVITE does not parse")
    return message


def decisions_for(policy: Snapshot, random: Random, start_us: int) -> Decisions:
    """A decider whose clock shows `start_us` at monotonic 0."""
    places = StaticPlaces({"udp": Door("carriers", "udp", "192.0.2.250", 5060)})
    identity = Identity(policy, DigestServer(bytes(32), "market", random.randbytes), lambda trunk, flow, now: False)
    return Decisions(policy, identity, places, Health(random), Limits(), Clock(0.0, start_us), random)


class Tried(Struct):
    """How one call went, attempt by attempt."""

    attempts: int = 0
    first: int = -1
    "Route of the first attempt; -1 while none was made."
    elapsed: float = 0.0
    answered: bool = False
    contact: bool = False
    billed: float = 0.0
    wasted_s: float = 0.0
    human: bool = False
    short: bool = False
    rang: bool = False
    "The callee's phone did, so far as anybody can tell."
    vacant: bool = False
    number: str = ""


class Run:
    """A decider, the lines of the carriers, and the facts that are still to happen."""

    def __init__(self, truth: Truth, fates: Fates, strategy: str, seed: int, other: Callable[[Truth], Strategy] | None) -> None:
        scenario = self.scenario = truth.scenario
        self.truth = truth
        self.fates = fates
        self.start = fates.at_s[0]
        self._hours = sorted({route.since_h for route in scenario.routes.values()} | {0.0})
        self._policies = [policy_of(truth, strategy, hour) for hour in self._hours]
        self._before = [policy_of(truth, "priority", hour) for hour in self._hours] if scenario.history else self._policies
        self.decisions = decisions_for(self._before[0], Random(seed), int(self.start * 1e6))
        self.decisions.router.watches = True
        self.full = [False] * len(scenario.routes)
        self.shown: ShownNumbers | None = None
        if scenario.numbers is not None and fates.by_number is not None:
            self.shown = ShownNumbers(truth, scenario.numbers, fates, fates.by_number, self.decisions, not strategy.endswith(ROTATION), seed)
        if other is not None:
            stranger = self.decisions.router.others[strategy] = other(truth)
            if isinstance(stranger, Oracle):
                stranger.full = self.full
        self._request = invite(1)
        self._flow = Flow(Door("trunks", "udp", "192.0.2.250", 5060), ("192.0.2.1", 5060))
        self._tenants = [place.tenant for place in scenario.destinations.values()]
        self._routes = {f"{name}/main": i for i, name in enumerate(truth.routes)}
        self._capacity = [route.capacity for route in scenario.routes.values()]
        self.loses = [route.overflow == "lose" for route in scenario.routes.values()]
        self._busy = [0] * len(self._capacity)
        self._pending: list[tuple[float, int, Attempt | Call | NumberComplaint, int]] = []
        self._order = count()
        self._step = 0

    def catch_up(self, now: float) -> None:
        """Let everything happen that happens before `now`."""
        pending, observe = self._pending, self.decisions.observe
        while pending and pending[0][0] <= now:
            ends, _, fact, line = heapq.heappop(pending)
            if line >= 0:
                self._busy[line] -= 1
                self.full[line] = False
            observe(fact, ends)
        self.decisions.refresh(now, 4)

    def follow(self, hour: float, counted: bool) -> None:
        """Put in force the policy of the hour: that of the past until the strategy's own time begins."""
        while self._step + 1 < len(self._hours) and self._hours[self._step + 1] <= hour:
            self._step += 1
        wanted = (self._policies if counted else self._before)[self._step]
        if wanted is not self.decisions.policy:
            self.decisions.apply_policy(wanted, self.decisions.identity, hour * 3600.0)

    def decide(self, i: int, now: float) -> Plan | None:
        """None: no number was left."""
        verdict = self.decisions.decide(
            CallRequest(f"c{i}", self._request, self._flow, self._tenants[self.fates.destination[i]], self.fates.called[i]), now
        )
        if isinstance(verdict, Plan):
            for fact in verdict.facts:
                self.decisions.observe(fact, now)
            return verdict
        if self.shown is None or not isinstance(verdict, Refused) or verdict.refusal is not NONE_LEFT:
            raise RuntimeError(f"the market's call was refused: {verdict}")
        return None

    def place(self, i: int, plan: Plan, now: float) -> Tried:
        """Try the plan's routes until one answers, the callee refuses or the dialer has had enough."""
        tried = Tried()
        if self.shown is not None:
            tried.number = self.shown.number(i, plan, self._tenants[self.fates.destination[i]])
        ends = now
        for gateway in plan.routes:
            if tried.attempts >= plan.max_attempts:
                break
            at = now + tried.elapsed
            if not isinstance(self.decisions.reserve(plan, gateway, at), Way):
                continue
            tried.attempts += 1
            fact, line = self._attempt(i, plan, gateway, at, tried)
            lasts = fact.total_ms / 1000.0
            ends = at + lasts
            heapq.heappush(self._pending, (ends, next(self._order), fact, line))
            tried.elapsed += lasts
            if fact.outcome != "route":
                break
        record = _record(plan.decision.call, int((self.start + now) * 1e6), self._tenants[self.fates.destination[i]], (ends - now) * 1000.0)
        if self.shown is not None:
            complaint = self.shown.called(i, tried.number, tried.human, tried.short)
            if self.shown.people is not None:
                self.shown.people.called(i, tried.number, self.fates.at_s[i], tried.contact or tried.vacant, tried.rang, tried.short)
            if complaint is not None:
                heapq.heappush(self._pending, (complaint.at / 1e6 - self.start, next(self._order), complaint, -1))
        heapq.heappush(self._pending, (ends, next(self._order), record, -1))
        return tried

    def _attempt(self, i: int, plan: Plan, gateway: Gateway, at: float, tried: Tried) -> tuple[Attempt, int]:
        """One attempt and the line it takes: -1 where a full carrier gave it none."""
        fates, r = self.fates, self._routes[gateway.name]
        tried.first = r if tried.first < 0 else tried.first
        takes = fates.alerting_s[i][r]
        heard_as = fates.heard[i][r]
        if self.shown is None:
            fate, answer, talks, short = fates.what[i][r], fates.answer_s[i][r], fates.talk_s[i][r], fates.short[i][r]
        else:
            fate, answer, talks, short = self.shown.fate(i, r, tried.number)
            if fate != fates.what[i][r] and heard_as:
                heard_as = HEARD_AS.index("machine")
        over = bool(self._capacity[r]) and self._busy[r] >= self._capacity[r]
        if over:
            fate, takes = (SILENT, takes) if self.loses[r] else (REJECT, 0.5)
        left = self.scenario.ring_limit_s - tried.elapsed
        heard, cost, talk_s, answer_s, released = "", None, 0.0, 0.0, "carrier"
        alerting_s: float | None = takes
        failure = FAILURES.get(fate)
        if failure is not None and takes <= left:
            status, phrase, cause, cls, evidence = failure
            alerting_s, lasts = None, takes
        elif failure is None and fate in ANSWERS and answer <= left:
            status, phrase, cause, cls, evidence = 200, "OK", 0, "answered", "answered"
            answer_s, talk_s, heard = answer, talks, HEARD_AS[heard_as]
            alerting_s = None if fate == FALSE else takes
            lasts = answer_s + talk_s
            cost = self.decisions.bill(plan.destination, gateway.name, talk_s) or 0.0
            released = "carrier" if fate == HUMAN else "dialer"
            tried.answered, tried.human = True, fate == HUMAN
            tried.contact, tried.short = tried.human and not short, tried.human and short
            tried.billed += cost
            tried.wasted_s += 0.0 if tried.contact else talk_s
        elif takes <= left and failure is None:
            status, phrase, cause, cls, evidence = 487, "Request Terminated", 0, "callee", "ring, no answer"
            lasts, released = left, "dialer"
        else:
            status, phrase, cause, cls, evidence = 487, "Request Terminated", 0, "caller", "cancelled before alerting"
            lasts, released, alerting_s = left, "dialer", None
        tried.rang, tried.vacant = alerting_s is not None, fate == VACANT
        label = ("human" if fate == HUMAN else "other") if heard and fates.labelled[i] else ""
        if not over:
            self._busy[r] += 1
            self.full[r] = bool(self._capacity[r]) and self._busy[r] >= self._capacity[r]
        tenant = self._tenants[fates.destination[i]]
        fact = Attempt(
            plan.decision.call, tried.attempts, int((self.start + at) * 1e6), tenant, tenant, plan.destination, gateway.carrier, gateway.name, "udp", "",
            plan.called, plan.caller, "", status, phrase, "", cause, cls, evidence, "next" if cls == "route" else "stop", "", released, None, None,
            alerting_s * 1000.0 if alerting_s is not None else None, None, answer_s * 1000.0 or None, talk_s * 1000.0 if cls == "answered" else None,
            lasts * 1000.0, "180" if alerting_s is not None else "none", "", "", 0, cls == "caller", False, 0, "", plan.decision.band, heard, label, cost,
        )  # fmt: skip
        return fact, -1 if over else r


def run(
    truth: Truth, fates: Fates, strategy: str, seed: int, other: Callable[[Truth], Strategy] | None = None, blocks: int = BLOCKS
) -> Result:
    """Place every call of `fates`; `other` makes a strategy from outside, known as `strategy`. Figures over time are kept for so many `blocks`."""
    market = Run(truth, fates, strategy, seed, other)
    history, total = truth.scenario.history, fates.calls
    routes = len(truth.routes)
    result = Result(firsts=[[0] * routes for _ in range(blocks)], block_contacts=[0] * blocks, block_calls=[0] * blocks)
    shown = market.shown
    collecting = gc.isenabled()
    gc.disable()
    began = process_time()
    people = shown.people if shown is not None else None
    for i in range(total):
        now = fates.at_s[i] - market.start
        market.catch_up(now)
        if shown is not None:
            shown.look_after(now)
        slot = fates.slot[i]
        market.follow(truth.hour_of_slot(slot), i >= history)
        row = i if people is None else people.row(i)
        plan = market.decide(row, now)
        if plan is None:
            result.refused += 1
            if shown is not None:
                shown.refused(fates.at_s[i])
            continue
        best, worths = _best(truth.index[slot, fates.destination[i]], market.full, market.loses)
        tried = market.place(row, plan, now)
        if i >= history:
            done = (i - history) / (total - history)
            result.again += row != i
            _count(result, truth, tried, plan.decision.holdout, done, max(best - worths[tried.first], 0.0) if tried.first >= 0 else 0.0)
    result.seconds = process_time() - began
    if collecting:
        gc.enable()
    if shown is not None:
        result.labels, result.labelled_calls = shown.burning.labels, shown.labelled_calls
        result.swing, result.days = swing(shown.cells), shown.days
    return result


def _count(result: Result, truth: Truth, tried: Tried, holdout: bool, done: float, short_of: float) -> None:
    """Add a call, placed when the share `done` of all calls had been."""
    scenario = truth.scenario
    spent = scenario.call + tried.billed + tried.wasted_s * scenario.agent_s
    block = int(done * len(result.block_calls))
    result.calls += 1
    result.attempts += tried.attempts
    result.contacts += tried.contact
    result.humans += tried.human
    result.spent += spent
    result.billed += tried.billed
    result.wasted_s += tried.wasted_s
    result.regret += short_of
    result.block_calls[block] += 1
    result.block_contacts[block] += tried.contact
    if tried.first >= 0:
        result.firsts[block][tried.first] += 1
    if holdout:
        result.holdout += 1
        result.regret_holdout += short_of
    elif done >= WARM_UP:
        result.settled_contacts += tried.contact
        result.settled_spent += spent


def _best(worth: NDArray[np.float64], full: list[bool], loses: list[bool]) -> tuple[float, list[float]]:
    """The best worth there is, and that of each route, now that some are full: a call one rejects goes on to the best of the others."""
    worths: list[float] = worth.tolist()
    if any(full):
        others = max((value for value, is_full in zip(worths, full, strict=True) if not is_full), default=0.0)
        worths = [(0.0 if lost else others) if is_full else value for value, is_full, lost in zip(worths, full, loses, strict=True)]
    return max(worths), worths


def _record(call: str, at: int, tenant: str, lasts_ms: float) -> Call:
    return Call(
        call, at, "market", "market", "outbound", tenant, tenant, "", "udp", "", "", "", "", "", "", "", "", {}, "disconnected", 0, 0, "", "", "", 1, "", "",
        None, None, None, None, lasts_ms, 0, 0, False, "",
    )  # fmt: skip


