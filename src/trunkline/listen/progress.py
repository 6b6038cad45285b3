"""Call progress by cadence: ringback, busy, congestion, unobtainable and dial tone of sixteen countries.

The last bursts of a line are laid against every plan at every place of its cadence; the plans that explain most of them are what it may be.
Where plans of several countries agree all are reported; where one country means two things by what was heard so far, more is awaited.
"""

import math
from typing import NamedTuple

from msgspec.structs import replace

from .burst import Burst
from .hearing import Hearing, Kind, Reading
from .moment import NEVER, Moment
from .plans import PLANS, Plan, Signal, Step

WITHIN_HZ = 11.0
APART_HZ = 6.0
"Tolerance of the distance between two lines, which an offset leaves alone."
ALTERNATING_HZ = 2.2
"Tolerance of the change from one burst to the next: Australian congestion alternates by 5 Hz."
SECOND_SHARE, STRAY_SHARE = 0.1, 0.08
RING_WITHIN = 0.12
BEAT_WITHIN, BEAT_WITHIN_MS = 0.05, 12.0
KEPT = 8
RING_TICKS = 50
"Quiet of 1 s after a burst of ringback's length says ringback; no busy pauses as long."
CONTINUOUS_TICKS = 150
"3 s: longer than any burst of a cadence."
BEATS, BEATS_IN_DOUBT = 3, 5
"Bursts for busy or congestion; Spanish congestion shows only at its fourth."
LATE_TICKS = 15.0


def sounds_like(burst: Burst, signal: Signal) -> bool:
    """Whether the lines of `burst` are those of `signal`."""
    if signal.modulated_hz:
        return modulated(burst, signal.hz[0], signal.modulated_hz)
    audible = [hz for hz in signal.hz if hz > 100]
    if len(audible) == 1:
        slow = next((hz for hz in signal.hz if hz <= 100), 0.0)
        return (burst.single and abs(burst.hz - audible[0]) <= WITHIN_HZ) or bool(slow and modulated(burst, audible[0], slow))
    if len(burst.lines) < 2 or burst.lines[1].share < SECOND_SHARE or (len(burst.lines) > 2 and burst.lines[2].share > STRAY_SHARE):
        return False
    low, high = sorted(line.hz for line in burst.lines[:2])
    errors = low - audible[0], high - audible[1]
    return max(map(abs, errors)) <= WITHIN_HZ and abs(errors[1] - errors[0]) <= APART_HZ


def modulated(burst: Burst, carrier_hz: float, by_hz: float) -> bool:
    """Whether the lines are a carrier with one or both sidebands, or the sidebands alone."""
    lines = [line.hz for line in burst.lines if line.share > STRAY_SHARE]
    if len(lines) < 2:
        return False
    places = [round((hz - carrier_hz) / by_hz) for hz in lines]
    fits = all(abs(place) <= 1 and abs(hz - carrier_hz - place * by_hz) <= WITHIN_HZ for hz, place in zip(lines, places, strict=True))
    return fits and len(set(places)) == len(places) and abs((max(lines) - min(lines)) - (max(places) - min(places)) * by_hz) <= APART_HZ


def near(measured_ms: float, nominal_ms: float, kind: Kind, unsure_ms: float = 0.0) -> bool:
    """Whether a length is what the plan asks for, `unsure_ms` either way."""
    within = RING_WITHIN * nominal_ms if kind is Kind.RINGBACK else BEAT_WITHIN_MS + BEAT_WITHIN * nominal_ms
    return abs(measured_ms - nominal_ms) <= within + unsure_ms


CADENCES = tuple(plan for plan in PLANS if plan.kind not in (Kind.DIAL, Kind.UNOBTAINABLE))
CONTINUOUS = tuple(plan for plan in PLANS if plan.kind in (Kind.DIAL, Kind.UNOBTAINABLE))
SIGNALS = tuple(sorted({step.signal for plan in PLANS for step in plan.steps}))


class Fit(NamedTuple):
    """A plan laid against the last bursts."""

    plan: Plan
    last: int
    "The step at which the last burst is."
    bursts: int
    "How many bursts it explains, from the last backwards."


class Heard(NamedTuple):
    """A burst and the signals it may be."""

    burst: Burst
    signals: frozenset[Signal]


def explained(plan: Plan, last: int, heard: list[Heard], begins_line: bool) -> int:
    """How many bursts, from the last backwards, `plan` explains with the last at step `last`.

    Where the first of `heard` begins the line its own beginning may be missing.
    """
    count = 0
    for i in range(len(heard) - 1, -1, -1):
        step: Step = plan.steps[(last - count) % len(plan.steps)]
        burst = heard[i].burst
        cut = i == 0 and begins_line and count > 0 and burst.on_ms <= step.on_ms
        if step.signal not in heard[i].signals or not (cut or near(burst.on_ms, step.on_ms, plan.kind, burst.unsure_ms)):
            break
        if count:
            after = heard[i + 1].burst
            following = plan.steps[(last - count + 1) % len(plan.steps)]
            if not near((after.began - burst.ended) * 20, step.off_ms, plan.kind, burst.unsure_ms + after.unsure_ms):
                break
            if burst.single and after.single and abs((after.hz - burst.hz) - (following.signal.hz[0] - step.signal.hz[0])) > ALTERNATING_HZ:
                break
        count += 1
    return count


def fits(heard: list[Heard], begins_line: bool, since_ms: float) -> list[Fit]:
    """The plans that explain most of the last bursts, `since_ms` after the end of the last one."""
    found: list[Fit] = []
    for plan in CADENCES:
        for last, step in enumerate(plan.steps):
            if since_ms > step.off_ms and not near(since_ms, step.off_ms, plan.kind):
                continue
            count = explained(plan, last, heard, begins_line)
            if count:
                found.append(Fit(plan, last, count))
    most = max((fit.bursts for fit in found), default=0)
    return [fit for fit in found if fit.bursts == most]


def kind_of(kinds: set[Kind]) -> Kind:
    """What to call a sound that means `kinds` in different places."""
    for kind in (Kind.RINGBACK, Kind.BUSY, Kind.UNOBTAINABLE):
        if kind in kinds:
            return kind
    return next(iter(kinds))


def enough(found: list[Fit], country: str | None) -> list[Fit]:
    """The fits that are proven, only the called country's where it has one; none while more must be awaited."""
    proven = [
        fit
        for fit in found
        if (fit.bursts >= 2 if fit.plan.kind is Kind.RINGBACK else fit.bursts >= BEATS)
    ]  # fmt: skip
    ours = [fit for fit in proven if fit.plan.country == country]
    proven = ours or proven
    meanings: dict[str, set[Kind]] = {}
    for fit in proven:
        meanings.setdefault(fit.plan.country, set()).add(fit.plan.kind)
    if any(len(kinds) > 1 for kinds in meanings.values()) and found[0].bursts < BEATS_IN_DOUBT:
        return []
    return proven


class Progress:
    """Follows the cadence on each of `rows` lines."""

    def __init__(self, rows: int) -> None:
        self.country: list[str | None] = [None] * rows
        "The country called, where known: in doubt its plan decides."
        self._heard: list[list[Heard]] = [[] for _ in range(rows)]
        self._begins_line = [True] * rows
        self._current: list[Hearing | None] = [None] * rows
        self._due = [NEVER] * rows
        self._until = [math.inf] * rows
        self._since = [-math.inf] * rows

    def forget(self, row: int) -> None:
        """A new line begins at `row`."""
        self.country[row] = None
        self._current[row] = None
        self._since[row] = -math.inf
        self._clear(row)
        self._begins_line[row] = True

    def answered(self, row: int, tick: int, now: float) -> Hearing | None:
        """Bursts that began before `tick` are of the early phase and count no more; what was sounding ends here, and is returned."""
        current = self._current[row]
        self._clear(row)
        self._current[row] = None
        # An edge is measured to a fraction of a frame: what begins with the answer may seem to begin just before it.
        self._since[row] = tick - 0.5
        self._begins_line[row] = True
        return replace(current, ended_s=now, said_s=now) if current is not None else None

    def due(self, row: int) -> int:
        """The tick at which `passed` is to be called."""
        return self._due[row]

    def heard(self, burst: Burst, foreign: int, moment: Moment, said: list[Hearing]) -> None:
        """A burst is over; `foreign` frames of other sound came since the one before."""
        row = burst.row
        if burst.began < self._since[row]:
            return
        signals = frozenset(signal for signal in SIGNALS if sounds_like(burst, signal))
        heard = self._heard[row]
        current = self._current[row]
        if current is not None and math.isinf(self._until[row]):
            self._end(row, burst.ended, moment, said)
            self._clear(row)
            return
        if heard and foreign > 3 + 0.25 * (burst.began - heard[-1].burst.ended):
            self._end(row, heard[-1].burst.ended, moment, said)
            self._clear(row)
        if not signals:
            if heard:
                self._end(row, heard[-1].burst.ended, moment, said)
            self._clear(row)
            return
        heard = self._heard[row]
        heard.append(Heard(burst, signals))
        if len(heard) > KEPT:
            del heard[0]
            self._begins_line[row] = False
        self._judge(row, moment, said)

    def passed(self, row: int, sounding: bool, moment: Moment, said: list[Hearing]) -> None:
        """A due tick came: a pause long enough for ringback, or too long for what was sounding."""
        if moment.tick < self._due[row]:
            return
        self._due[row] = NEVER
        heard = self._heard[row]
        if not heard or sounding:
            return
        last = heard[-1].burst.ended
        if self._current[row] is not None:
            if moment.tick + 1 >= self._until[row]:
                self._end(row, last, moment, said)
            else:
                self._due[row] = math.ceil(self._until[row])
            return
        found = fits(heard, self._begins_line[row], (moment.tick + 1 - last) * 20)
        needed = 2 if heard[-1].burst.after_talk else 1
        rings = [fit for fit in found if fit.plan.kind is Kind.RINGBACK and fit.bursts >= max(needed, len(fit.plan.steps))]
        ours = [fit for fit in rings if fit.plan.country == self.country[row]]
        if rings:
            self._begin(row, ours or rings, 0.85, moment, said)

    def sustained(self, burst: Burst, moment: Moment, said: list[Hearing]) -> None:
        """A burst still sounds after longer than any cadence: dial tone or unobtainable."""
        row = burst.row
        if burst.ended - burst.began < CONTINUOUS_TICKS or burst.began < self._since[row] or self._current[row] is not None:
            return
        found = [Fit(plan, 0, 1) for plan in CONTINUOUS if sounds_like(burst, plan.steps[0].signal)]
        ours = [fit for fit in found if fit.plan.country == self.country[row]]
        if found:
            self._clear(row)
            self._heard[row].append(Heard(burst, frozenset()))
            self._begin(row, ours or found, 0.9, moment, said)
            self._until[row] = math.inf
            self._due[row] = NEVER

    def _judge(self, row: int, moment: Moment, said: list[Hearing]) -> None:
        heard = self._heard[row]
        last = heard[-1].burst
        found = fits(heard, self._begins_line[row], 0.0)
        proven = enough(found, self.country[row]) if found else []
        current = self._current[row]
        if current is not None and not any(fit.bursts > 1 and fit.plan.kind in {r.kind for r in current.readings} for fit in found):
            self._end(row, heard[-2].burst.ended if len(heard) > 1 else last.began, moment, said)
            self._heard[row] = [heard[-1]]
            self._begins_line[row] = False
            current = None
        if current is None:
            self._due[row] = math.ceil(last.ended) + RING_TICKS
            if proven:
                self._begin(row, proven, 1.0, moment, said)
        elif proven and readings_of(proven) != current.readings:
            self._revise(row, proven, moment, said)
        if self._current[row] is not None:
            self._await(row, found)

    def _begin(self, row: int, found: list[Fit], confidence: float, moment: Moment, said: list[Hearing]) -> None:
        heard = self._heard[row]
        bursts = [one.burst for one in heard[-found[0].bursts :]]
        hearing = Hearing(
            row,
            kind_of({fit.plan.kind for fit in found}),
            moment.at(bursts[0].began),
            None,
            moment.now,
            confidence,
            readings=readings_of(found),
            features=features_of(bursts),
        )
        self._current[row] = hearing
        said.append(hearing)
        self._await(row, found)

    def _revise(self, row: int, found: list[Fit], moment: Moment, said: list[Hearing]) -> None:
        """More bursts leave fewer plans; said again only if that changes what it is."""
        current = self._current[row]
        if current is None:
            return
        kind = kind_of({fit.plan.kind for fit in found})
        bursts = [one.burst for one in self._heard[row]]
        revised = Hearing(
            row, kind, current.began_s, None, moment.now, 1.0, readings=readings_of(found), features=features_of(bursts)
        )  # fmt: skip
        self._current[row] = revised
        if kind is not current.kind:
            said.append(revised)

    def _await(self, row: int, found: list[Fit]) -> None:
        """The next burst must begin within the longest pause that is still possible."""
        longest = max((fit.plan.steps[fit.last].off_ms for fit in found), default=0.0)
        self._until[row] = self._heard[row][-1].burst.ended + longest / 20 * (1 + RING_WITHIN) + LATE_TICKS
        self._due[row] = math.ceil(self._until[row])

    def _end(self, row: int, ended: float, moment: Moment, said: list[Hearing]) -> None:
        current = self._current[row]
        if current is not None:
            self._current[row] = None
            said.append(replace(current, ended_s=moment.at(ended), said_s=moment.now))
        self._until[row] = math.inf

    def _clear(self, row: int) -> None:
        self._heard[row] = []
        self._begins_line[row] = False
        self._due[row] = NEVER
        self._until[row] = math.inf


def readings_of(found: list[Fit]) -> tuple[Reading, ...]:
    """What the fits mean, country by country."""
    return tuple(sorted({Reading(fit.plan.country, fit.plan.kind) for fit in found}))


def features_of(bursts: list[Burst]) -> dict[str, float]:
    """What was measured: the last burst and the pause before it."""
    last = bursts[-1]
    features = {"level_dbm0": last.level_dbm0, "on_ms": last.on_ms, "bursts": float(len(bursts))}
    for name, line in zip(("hz", "second_hz"), last.lines, strict=False):
        features[name] = line.hz
    if len(bursts) > 1:
        features["off_ms"] = (last.began - bursts[-2].ended) * 20
    return features
