"""Scenario files of the market (`lab/market/scenarios/*.yaml`): anyone can add one.

Shares are 0 to 1, money is in one currency, hours count from the beginning of the scenario unless they are `HH:MM`, which is the time of day
in the callee's zone. What a file does not say is as here.
"""

from pathlib import Path
from typing import Literal

import msgspec

from trunkline.lab import document

SCENARIOS = Path(__file__).parent / "scenarios"


class MarketError(Exception):
    """The scenario cannot be used; the text names place and fix."""


class Behaviour(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a route treats calls; a field that is None is left as it was."""

    dead: float | None = None
    "Share of INVITEs that get no response."
    reject: float | None = None
    "Share answered 503 with cause 34."
    reject_hard: float | None = None
    "Share of calls to hard callees answered 503: what a second-rate route does with numbers it has no good way to."
    loss: float | None = None
    "Share that seems to ring and never reaches a phone."
    nobody: float | None = None
    "Share answered by nobody: a 200 without ringing, then ringback or silence."
    quality: float | None = None
    "Factor on the chance that the callee picks up: how the caller ID arrives, and how soon."
    short: float | None = None
    "Share of human answers that end within 6 s: one-way audio, a delay that sounds like a robot."
    voicemail: float | None = None
    "Factor on the chance that voicemail answers."
    delay_s: float | None = None
    "Median post-dial delay."


PLAIN = Behaviour(0.0, 0.005, 0.0, 0.01, 0.0, 1.0, 0.03, 1.0, 1.8)


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier with one gateway."""

    rate: float = 0.01
    "Price of a minute."
    increments: str = "6/6"
    share: float = 0.0
    "For strategy percentage; 0 everywhere is an even split."
    capacity: int = 0
    "Calls at once the carrier takes, which it tells nobody; 0 is unlimited."
    overflow: Literal["reject", "lose"] = "reject"
    "What becomes of more: a 503, or ringing without end."
    since_h: float = 0.0
    "Hour from which it is in the policy."
    is_: Behaviour = msgspec.field(default=Behaviour(), name="is")
    at: dict[str, Behaviour] = {}
    "Where it differs: a destination, or `HH:MM-HH:MM`, or both separated by a space."
    human_as_machine: float = 0.02
    "How often listening takes a human on this carrier for a machine."
    machine_as_human: float = 0.02


class Destination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Callees."""

    prefix: str
    share: float = 1.0
    zone: str = "UTC"
    tenant: str = "acme"
    valid: float = 0.94
    "Share of numbers in use."
    busy: float = 0.05
    pick: float = 0.30
    "Chance that a callee picks up."
    voicemail: float = 0.55
    "Chance that voicemail answers where nobody does."
    hard: float = 0.15
    "Share of callees who pick up a quarter as often."
    by_hour: dict[str, float] = {}
    "`HH:MM-HH:MM` -> factor on `pick`."
    traffic: dict[str, float] = {}
    "`HH:MM-HH:MM` -> factor on `share`; the day's calls bunch up accordingly."


class Incident(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of time in which a route is different."""

    route: str
    begins_h: float
    ends_h: float
    is_: Behaviour = msgspec.field(name="is")
    destination: str = ""
    "Empty: everywhere."


class Qrouting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Thresholds an operator would give OpenSIPS `qrouting`, whose own defaults are none: warning and critical."""

    asr: tuple[float, float] = (0.30, 0.15)
    ccr: tuple[float, float] = (0.85, 0.60)
    pdd_ms: tuple[float, float] = (4000.0, 8000.0)
    acd_s: tuple[float, float] = (15.0, 8.0)


class Lock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits an operator would give Yeti's quality lock."""

    asr: float = 0.20
    acd_s: float = 8.0


class Shock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stretch of time in which callees of one tenant resent its calls: a bad list, a bad script."""

    tenant: str
    begins_h: float
    ends_h: float
    short: float = 1.0
    "Factor on the share of conversations that end within 6 s."
    complaints: float = 1.0
    "Factor on complaints."


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers calls are made with, a pool for each tenant, and what wears them out."""

    per_pool: int
    tolerance: float
    "Calls a day that a usual number bears for ever."
    tolerance_spread: float = 0.5
    "Standard deviation of its logarithm."
    areas: int = 0
    """Areas of each destination, by the first digit after its prefix, at most ten: the first has twice the callees of the second, and so on. Each has
    as many numbers as any other. 0: one area."""
    away: float = 0.9
    "Factor on the chance that a callee picks up when the number is of another area."
    heals_d: float = 5.0
    "Days in which wear fades by half."
    short: float = 6.0
    "What a call ended at once wears more than another, and a complaint."
    complaint: float = 40.0
    complaints: float = 0.002
    "Complaints per conversation; we hear of a third of them."
    labelled_answers: float = 0.5
    "Factor on the chance that a callee who sees a label picks up."
    labelled_short: float = 1.6
    "Factor on the share of those who hang up at once."
    fresh: float = 0.0
    "What a number nobody has seen before bears, as a share of what it will; growing by use. 0: the numbers have been in use for long."
    look_every_h: float = 12.0
    "Every number is looked up that often with two engines."
    seen: float = 0.8
    "Chance that a look-up shows a label that is there."
    rules: dict[str, object] = {}
    "Of the pools, as policy writes them."
    shocks: tuple[Shock, ...] = ()


class Callees(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """People whom the dialer calls again while it has not reached them, who have their hours and remember who called. Needs `numbers`."""

    tries: int = 3
    "Calls to a callee who is not reached."
    again_h: float = 4.0
    "Hours between them, at least; who is due goes before who is new."
    habit: float = 0.0
    "How far the chance to pick up goes up and down over a callee's day: 0.5 is from half to one and a half. Everybody has another best hour."
    number: float = 1.0
    "Factor on the chance to pick up when a number calls again that was missed before; one for each time."
    campaign: float = 1.0
    "The same, when it was another number of the campaign that was missed."
    dead: float = 1.0
    "The same, when the number's call before was picked up and ended at once."
    forgets_d: float = 3.0
    "Days in which such a memory fades by half."


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    description: str
    routes: dict[str, Route]
    destinations: dict[str, Destination]
    incidents: tuple[Incident, ...] = ()
    bands: dict[str, tuple[str, str]] = {}
    "Time bands of the policy: from, to."
    attempts: int = 60_000
    history: int = 0
    "Calls placed by priority before the strategies take over, in the same stretch of time."
    days: int = 1
    hours: float = 12.0
    "Of dialling a day."
    begins: str = "13:00"
    "UTC time of day of the first call."
    ring_limit_s: float = 26.0
    "The dialer hangs up after this long."
    call: float = 0.05
    "What a call costs the centre whoever carries it: the lead, and agents who wait."
    agent_s: float = 0.006
    "What an agent's second costs."
    machine_s: float = 8.0
    "Seconds an agent takes to leave a machine."
    false_s: float = 10.0
    "Seconds an agent takes to give up on a false answer."
    value: float = 0.0
    "What a conversation is worth; 0 takes what the best possible routing makes one cost."
    heard: float = 0.9
    "Share of answers somebody listens to."
    labelled: float = 0.05
    "Share of heard answers an agent labels."
    stable: bool = False
    "Nothing changes: within 5 % of the oracle after warm-up is asked."
    spread: float = 0.0
    """Standard deviation of a factor on each route's quality that is drawn anew with every seed. Where routes hardly differ, the order in which the
    file lists them must not be lucky in every run."""
    numbers: Numbers | None = None
    "None: who calls makes no difference."
    callees: Callees | None = None
    "None: nobody is called twice."
    qrouting: Qrouting = Qrouting()
    lock: Lock = Lock()


def shipped() -> list[str]:
    """Names of the scenarios in the package."""
    return document.shipped(SCENARIOS)


def load_scenario(name: str) -> Scenario:
    """A scenario by file or by the name of a shipped one. Raises MarketError."""
    path, scenario = document.read(name, SCENARIOS, Scenario, MarketError)
    for incident in scenario.incidents:
        if incident.route not in scenario.routes:
            raise MarketError(f"{path}: incidents: no route {incident.route!r}; one of {', '.join(scenario.routes)}")
        if incident.destination and incident.destination not in scenario.destinations:
            raise MarketError(f"{path}: incidents: no destination {incident.destination!r}")
    if scenario.callees is not None and scenario.numbers is None:
        raise MarketError(f"{path}: callees: they remember numbers; write `numbers` too")
    if abs(sum(entry.share for entry in scenario.destinations.values()) - 1) > 0.001:
        raise MarketError(f"{path}: destinations: the shares must sum to 1")
    return scenario


def scaled(scenario: Scenario, times: int) -> Scenario:
    """The same hours with so many times the calls, and carriers that take as many more at once."""
    routes = {name: msgspec.structs.replace(route, capacity=route.capacity * times) for name, route in scenario.routes.items()}
    return msgspec.structs.replace(scenario, routes=routes, attempts=scenario.attempts * times, history=scenario.history * times)


def minutes(clock: str) -> int:
    """Minutes after midnight of `HH:MM`."""
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute or 0)


def span(text: str) -> tuple[int, int]:
    """First and last-plus-one minute of `HH:MM-HH:MM`."""
    begins, _, ends = text.partition("-")
    return minutes(begins), minutes(ends)
