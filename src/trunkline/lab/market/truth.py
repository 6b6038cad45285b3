"""What is true: how every route behaves at every moment, and what an attempt on it is worth.

Time is cut into slots of five minutes. The worth of an attempt is worked out, not sampled: quadrature over delay, ringing and talk.
"""

from datetime import UTC, datetime, timedelta
from statistics import NormalDist
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from trunkline.lab.market.scenario import PLAIN, Behaviour, Route, Scenario, minutes, span
from trunkline.policy.scalars import parse_increments
from trunkline.policy.snapshot import Price
from trunkline.routing.rates import bill

SLOT_S = 300.0
FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
"A Monday."

FIELDS = ("dead", "reject", "reject_hard", "loss", "nobody", "quality", "short", "voicemail", "delay_s")
DELAY_SPREAD, RING_MEDIAN_S, RING_SPREAD = 0.35, 7.5, 0.5
VOICEMAIL_AFTER_S, VOICEMAIL_SPREAD_S = 19.0, 2.0
TALK_MEDIAN_S, TALK_SPREAD, SHORT_TALK_S = 40.0, 0.8, 4.0
HARD_PICK = 0.25
NO_PROGRESS_S = 12.0
"The gateway's `no_progress`: a route slower than this is left for the next."

_LEVELS = (np.arange(41) + 0.5) / 41
_NORMAL: NDArray[np.float64] = np.array([NormalDist().inv_cdf(float(level)) for level in _LEVELS])


class Truth:
    """The grid of behaviour [slot, destination, route] by field, and of worth."""

    def __init__(self, scenario: Scenario, seed: int = 0) -> None:
        """`seed` matters only where the scenario has a `spread`."""
        self.scenario = scenario
        self.routes = list(scenario.routes)
        self.destinations = list(scenario.destinations)
        day_s = scenario.hours * 3600.0
        self.slots_a_day = int(np.ceil(day_s / SLOT_S))
        slots = self.slots_a_day * scenario.days
        shape = (slots, len(self.destinations), len(self.routes))
        self.grid: dict[str, NDArray[np.float64]] = {field: np.zeros(shape) for field in FIELDS}
        self.traffic: NDArray[np.float64] = np.zeros(shape[:2])
        self.pick: NDArray[np.float64] = np.zeros(shape[:2])
        self.here: NDArray[np.bool_] = np.zeros((slots, len(self.routes)), dtype=bool)
        for slot in range(slots):
            hour = self.hour_of_slot(slot)
            at = self.moment(slot)
            for d, (where, destination) in enumerate(scenario.destinations.items()):
                local = at.astimezone(ZoneInfo(destination.zone))
                minute = local.hour * 60 + local.minute
                self.pick[slot, d] = min(destination.pick * _factor(destination.by_hour, minute), 0.95)
                self.traffic[slot, d] = destination.share * _factor(destination.traffic, minute)
                for r, (name, route) in enumerate(scenario.routes.items()):
                    self.here[slot, r] = hour >= route.since_h
                    for field, value in _behaviour(scenario, name, route, where, minute, hour).items():
                        self.grid[field][slot, d, r] = value
        if scenario.spread:
            self.grid["quality"] *= np.maximum(1.0 + scenario.spread * np.random.default_rng([seed, 20]).standard_normal(shape[2]), 0.05)
        self.prices = [Price(route.rate, *parse_increments(route.increments)) for route in scenario.routes.values()]
        self._bills = [self._bill(price) for price in self.prices]
        self._parts()
        self.value = scenario.value or self._break_even()
        self.worth = self.worth_at(self.value)
        self.index = self._with_next(self.worth)

    def moment(self, slot: int) -> datetime:
        """UTC at the beginning of a slot."""
        day, within = divmod(slot, self.slots_a_day)
        return FIRST_DAY + timedelta(days=day, minutes=minutes(self.scenario.begins), seconds=within * SLOT_S)

    def hour_of_slot(self, slot: int) -> float:
        """Hours of dialling since the beginning: nights do not count."""
        day, within = divmod(slot, self.slots_a_day)
        return day * self.scenario.hours + within * SLOT_S / 3600.0

    def slot_at(self, utc_s: float) -> int:
        """Slot of a Unix time."""
        since = utc_s - (FIRST_DAY.timestamp() + minutes(self.scenario.begins) * 60)
        day = int(since // 86_400)
        within = min(int((since - day * 86_400) / SLOT_S), self.slots_a_day - 1)
        return min(max(day * self.slots_a_day + within, 0), len(self.here) - 1)

    def _bill(self, price: Price) -> tuple[float, float, float, float]:
        """Mean bill of a conversation, a short call, a machine, a false answer."""
        talk = TALK_MEDIAN_S * np.exp(TALK_SPREAD * _NORMAL)
        long = [bill(price, max(float(seconds), 6.5)) for seconds in talk]
        return sum(long) / len(long), bill(price, SHORT_TALK_S), bill(price, self.scenario.machine_s), bill(price, self.scenario.false_s)

    def _parts(self) -> None:
        """Probabilities of what can become of a first attempt, each [slot, destination, route]."""
        g, scenario = self.grid, self.scenario
        places = list(scenario.destinations.values())
        valid = np.array([place.valid for place in places])[None, :, None]
        busy = np.array([place.busy for place in places])[None, :, None]
        machine_there = np.array([place.voicemail for place in places])[None, :, None] * g["voicemail"]
        hard = np.array([place.hard for place in places])[None, :, None]
        in_time, voicemail_in_time, too_slow = self._in_time(g["delay_s"])
        failing = g["dead"] + g["reject"]
        through = np.maximum(1 - failing - g["nobody"] - g["loss"], 0.0)
        self.human = np.zeros_like(through)
        self.machine = np.zeros_like(through)
        self.failing = np.zeros_like(through)
        for share, factor, rejected in ((1 - hard, 1.0, 0.0), (hard, HARD_PICK, g["reject_hard"])):
            picks = np.minimum(self.pick[:, :, None] * factor * g["quality"], 1.0)
            rings = share * (1 - rejected) * through * valid * (1 - busy)
            self.human = self.human + rings * picks * in_time
            self.machine = self.machine + rings * (1 - picks) * machine_there * voicemail_in_time
            self.failing = self.failing + share * (failing * (1 - rejected) + rejected + (1 - rejected) * through * too_slow)
        self.false = g["nobody"] * np.ones_like(through)
        bills = np.array(self._bills)
        self.spent = (
            self.human * ((1 - g["short"]) * bills[:, 0] + g["short"] * bills[:, 1]) + self.machine * bills[:, 2] + self.false * bills[:, 3]
            + scenario.agent_s * (self.machine * scenario.machine_s + self.false * scenario.false_s + self.human * g["short"] * SHORT_TALK_S)
        )  # fmt: skip
        self.contact = self.human * (1 - g["short"])

    def _in_time(self, delay: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Chance that a callee who picks up, and a voicemail, do so before the dialer hangs up; and that the route shows no progress in time."""
        limit = self.scenario.ring_limit_s
        delays, where = np.unique(delay, return_inverse=True)
        found = []
        ring = (RING_MEDIAN_S * np.exp(RING_SPREAD * _NORMAL))[None, :, None]
        voicemail = (VOICEMAIL_AFTER_S + VOICEMAIL_SPREAD_S * _NORMAL)[None, None, :]
        for median in delays:
            drawn = (median * np.exp(DELAY_SPREAD * _NORMAL))[:, None, None]
            shown = drawn <= NO_PROGRESS_S
            person = (shown & (drawn + ring <= limit) & (ring <= voicemail)).mean()
            machine = (shown & (drawn + voicemail <= limit)).mean()
            found.append((person, machine, 1.0 - shown.mean()))
        table = np.array(found)[where.reshape(-1)].reshape(*delay.shape, 3)
        return table[..., 0], table[..., 1], table[..., 2]

    def worth_at(self, value: float) -> NDArray[np.float64]:
        """Money a first attempt is worth, next routes apart."""
        worth: NDArray[np.float64] = self.contact * value - self.spent
        return worth

    def _with_next(self, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Worth with what the best other route makes of the calls a route fails."""
        present = np.where(self.here[:, None, :], worth, -np.inf)
        if present.shape[2] < 2:
            return worth
        top = np.sort(present, axis=2)[:, :, -2:]
        other = np.where(present == top[:, :, 1:], top[:, :, :1], top[:, :, 1:])
        return np.asarray(np.where(self.here[:, None, :], worth + self.failing * np.maximum(other, 0.0), -np.inf))

    def _break_even(self) -> float:
        """What a conversation costs under the best routing: the value at which cost per contact is least (Dinkelbach's iteration)."""
        shares = self.traffic / self.traffic.sum()
        value = 0.5
        for _ in range(20):
            best = np.argmax(self._with_next(self.worth_at(value)), axis=2)[:, :, None]
            contacts = (np.take_along_axis(self.contact, best, 2)[:, :, 0] * shares).sum()
            spent = (np.take_along_axis(self.spent, best, 2)[:, :, 0] * shares).sum()
            value = float((spent + self.scenario.call) / contacts)
        return round(value, 4)


def _factor(by_hour: dict[str, float], minute: int) -> float:
    factor = 1.0
    for text, share in by_hour.items():
        begins, ends = span(text)
        if begins <= minute < ends:
            factor *= share
    return factor


def _behaviour(scenario: Scenario, name: str, route: Route, where: str, minute: int, hour: float) -> dict[str, float]:
    layers = [PLAIN, route.is_]
    for key, behaviour in route.at.items():
        parts = key.split()
        fits = all((span(part)[0] <= minute < span(part)[1]) if "-" in part and ":" in part else part == where for part in parts)
        if fits:
            layers.append(behaviour)
    layers += [
        incident.is_ for incident in scenario.incidents
        if incident.route == name and incident.begins_h <= hour < incident.ends_h and incident.destination in ("", where)
    ]  # fmt: skip
    found: dict[str, float] = {}
    for layer in layers:
        found.update({field: value for field in FIELDS if (value := getattr(layer, field)) is not None})
    return found


__all__ = ["Behaviour", "Truth"]
