"""Fates: what would become of every call on every route, drawn before anybody chooses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trunkline.lab.market.callees import habits, planned
from trunkline.lab.market.scenario import minutes
from trunkline.lab.market.truth import (
    DELAY_SPREAD,
    FIRST_DAY,
    HARD_PICK,
    NO_PROGRESS_S,
    RING_MEDIAN_S,
    RING_SPREAD,
    SHORT_TALK_S,
    SLOT_S,
    TALK_MEDIAN_S,
    TALK_SPREAD,
    VOICEMAIL_AFTER_S,
    VOICEMAIL_SPREAD_S,
    Truth,
)  # fmt: skip

DEAD, REJECT, SLOW, VACANT, BUSY, SILENT, HUMAN, MACHINE, FALSE = range(9)
"""No response; 503; no progress in time; number not in use; busy; rings and nobody comes; a human, a machine, nobody answers."""

HEARD_AS = ("", "human", "machine", "unknown", "false")


class Fates(NamedTuple):
    """By call, or by call and route."""

    at_s: list[float]
    "Unix time of the call."
    destination: list[int]
    called: list[str]
    what: list[list[int]]
    alerting_s: list[list[float]]
    "To the 180; for what fails, to the failure."
    answer_s: list[list[float]]
    "To the answer, were the dialer patient for ever."
    talk_s: list[list[float]]
    short: list[list[bool]]
    "A human answer that ends within 6 s."
    heard: list[list[int]]
    "Index in `HEARD_AS`."
    labelled: list[bool]
    slot: list[int]
    by_number: "ByNumber | None" = None
    "Where the scenario has numbers."
    again: Sequence[int] = ()
    "Call -> row of the callee who is due in its place, -1 where nobody is; empty where nobody is called twice."
    person: Sequence[int] = ()
    "Row -> row of the first call to the same callee."

    @property
    def calls(self) -> int:
        """Calls the dialer makes. Rows beyond them are of callees called again."""
        return len(self.again) or len(self.at_s)


class ByNumber(NamedTuple):
    """What the number that is shown decides, by call, or by call and route."""

    fuss: list[list[float]]
    "A callee who picks up does so while the number's factor is above this."
    has_machine: list[bool]
    "Whether a machine answers when they do not."
    machine_s: list[list[float]]
    "To its answer."
    short_at: list[list[float]]
    "A conversation ends at once while the number's factor is above this."
    lasts_s: list[float]
    "How long it lasts otherwise."
    upset: list[float]
    "A draw for complaints."


class Traits(NamedTuple):
    """Of the callees of some calls; what else becomes of a call is drawn for each call."""

    hard: NDArray[np.bool_]
    vacant: NDArray[np.bool_]
    phase: NDArray[np.float64]
    "Of their day, 0 to 1: when they pick up most."


def draw_fates(truth: Truth, seed: int, attempts: int) -> Fates:
    """The same for the same truth, seed and number of attempts."""
    scenario = truth.scenario
    random = np.random.default_rng(seed)
    n = attempts
    begins = FIRST_DAY.timestamp() + minutes(scenario.begins) * 60
    places = list(scenario.destinations.values())
    # Calls fall on the scenario's time as its traffic does, and then on destinations as they share that moment's.
    busyness = np.cumsum(truth.traffic.sum(axis=1))
    when = np.interp(np.sort(random.random(n)), np.concatenate([[0.0], busyness / busyness[-1]]), np.arange(len(busyness) + 1))
    slot = np.minimum(when.astype(np.int64), len(busyness) - 1)
    day, within = np.divmod(when, truth.slots_a_day)
    at = begins + day * 86_400.0 + within * SLOT_S
    shares = np.cumsum(truth.traffic, axis=1)
    where = (random.random(n)[:, None] * shares[slot, -1:] > shares[slot]).sum(axis=1)
    hard = random.random(n) < np.array([place.hard for place in places])[where]
    vacant = random.random(n) >= np.array([place.valid for place in places])[where]
    traits = Traits(hard, vacant, np.random.default_rng([seed, 45]).random(n))
    fates = _drawn(truth, random, np.random.default_rng([seed, 41]), at, slot, where, traits)
    digits = random.integers(0, 10_000_000, size=n)
    if scenario.numbers is not None and scenario.numbers.areas:
        shares = 1.0 / np.arange(1, scenario.numbers.areas + 1)
        area = np.random.default_rng([seed, 43]).choice(scenario.numbers.areas, size=n, p=shares / shares.sum())
        digits = area * 1_000_000 + digits % 1_000_000
    called = [places[d].prefix + f"{digit:07d}" for d, digit in zip(where.tolist(), digits.tolist(), strict=True)]
    fates = fates._replace(called=called)
    if scenario.callees is None:
        return fates
    first = np.array(planned(scenario.callees, fates.at_s, fates.destination, len(places)))
    later = np.flatnonzero(first >= 0)
    whom = first[later]
    known = Traits(traits.hard[whom], traits.vacant[whom], traits.phase[whom])
    more = _drawn(truth, np.random.default_rng([seed, 47]), np.random.default_rng([seed, 48]), at[later], slot[later], where[later], known)
    return _joined(fates, more._replace(called=[called[row] for row in whom]), later, whom)


def _joined(new: Fates, again: Fates, later: NDArray[np.intp], whom: NDArray[np.intp]) -> Fates:
    """Rows of calls to callees who are new, then those of the calls that would go to somebody `again`."""
    n = len(new.at_s)
    rows = np.full(n, -1)
    rows[later] = n + np.arange(len(later))
    return Fates(
        **{field: getattr(new, field) + getattr(again, field) for field in Fates._fields[: Fates._fields.index("by_number")]},
        by_number=ByNumber(**{field: getattr(new.by_number, field) + getattr(again.by_number, field) for field in ByNumber._fields}),
        again=rows.tolist(), person=[*range(n), *whom.tolist()],
    )  # fmt: skip


def _drawn(
    truth: Truth, random: np.random.Generator, upset: np.random.Generator, at: NDArray[np.float64], slot: NDArray[np.int64], where: NDArray[np.intp],
    traits: Traits,
) -> Fates:  # fmt: skip
    """What becomes of calls at Unix times to these callees, `called` apart."""
    scenario, n, routes = truth.scenario, len(at), len(truth.routes)
    places = list(scenario.destinations.values())
    of = {field: grid[slot, where] for field, grid in truth.grid.items()}

    def by_place(name: str) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.array([getattr(place, name) for place in places])[where]
        return found

    hard, vacant = traits.hard, traits.vacant
    busy = random.random(n) < by_place("busy")
    pick, has_voicemail = random.random((n, 1)), random.random((n, 1))
    ring = RING_MEDIAN_S * np.exp(RING_SPREAD * random.standard_normal((n, 1)))
    voicemail_after = VOICEMAIL_AFTER_S + VOICEMAIL_SPREAD_S * random.standard_normal((n, 1))
    talk = np.maximum(TALK_MEDIAN_S * np.exp(TALK_SPREAD * random.standard_normal((n, 1))), 6.5)
    short_draw, label = random.random((n, 1)), random.random(n) < scenario.labelled
    line, rejected = random.random((n, routes)), random.random((n, routes))
    delay = of["delay_s"] * np.exp(DELAY_SPREAD * random.standard_normal((n, routes)))
    listened, mistaken = random.random((n, routes)) < scenario.heard, random.random((n, routes))

    picks = truth.pick[slot, where] * np.where(hard, HARD_PICK, 1.0)
    if scenario.callees is not None:
        picks = picks * habits(scenario.callees, at, traits.phase)
    willing = np.minimum(picks[:, None] * of["quality"], 1.0)
    person = (pick < willing) & (ring <= voicemail_after)
    machine = ~person & (pick >= willing) & (has_voicemail < by_place("voicemail")[:, None] * of["voicemail"])
    what = np.where(person, HUMAN, np.where(machine, MACHINE, SILENT))
    what = np.where(busy[:, None], BUSY, what)
    what = np.where(vacant[:, None], VACANT, what)
    answer = delay + np.where(what == HUMAN, ring, voicemail_after)
    edges = np.cumsum([of["dead"], of["reject"], of["nobody"], of["loss"]], axis=0)
    what = np.where(line < edges[3], SILENT, what)
    what = np.where((delay > NO_PROGRESS_S), SLOW, what)
    what = np.where(line < edges[2], FALSE, what)
    what = np.where(line < edges[1], REJECT, what)
    what = np.where(line < edges[0], DEAD, what)
    what = np.where(hard[:, None] & (rejected < of["reject_hard"]), REJECT, what)
    alerting = np.select([what == DEAD, what == REJECT, what == SLOW, what == FALSE], [3.0, 0.3 + 0.2 * delay, NO_PROGRESS_S, 0.4], delay)
    answer = np.where(what == FALSE, 0.9, np.where((what == HUMAN) | (what == MACHINE), answer, np.inf))
    short = (what == HUMAN) & (short_draw < of["short"])
    talked = np.select([short, what == HUMAN, what == MACHINE, what == FALSE], [np.full_like(talk, SHORT_TALK_S), talk, scenario.machine_s, scenario.false_s], 0.0)

    confused = np.array([[route.human_as_machine, route.machine_as_human] for route in scenario.routes.values()])
    heard = np.select(
        [(what == HUMAN) & (mistaken < confused[:, 0]), what == HUMAN, (what == MACHINE) & (mistaken < confused[:, 1]), what == MACHINE,
         (what == FALSE) & (mistaken < 0.05), what == FALSE],
        [2, 1, 1, 2, 3, 4], 0,
    )  # fmt: skip
    heard = np.where(listened, heard, 0)
    by_number = None
    if scenario.numbers is not None:
        by_number = ByNumber(
            (pick / np.maximum(willing, 1e-9)).tolist(), (has_voicemail[:, 0] < by_place("voicemail")).tolist(), (delay + voicemail_after).tolist(),
            (short_draw / np.maximum(of["short"], 1e-9)).tolist(), talk[:, 0].tolist(), upset.random(n).tolist(),
        )  # fmt: skip
    return Fates(
        at.tolist(), where.tolist(), [], what.tolist(), alerting.tolist(), answer.tolist(), talked.tolist(), short.tolist(), heard.tolist(),
        label.tolist(), slot.tolist(), by_number,
    )  # fmt: skip
