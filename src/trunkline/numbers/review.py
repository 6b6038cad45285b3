"""The rules: which transition the evidence about a number calls for, and when a whole pool is in trouble.

Nothing is done on an anecdote. A decline must be proven against siblings on the same route and hour at the chosen false-alarm rate, be of a size
that matters, be worse than the number's own past, and not be better than what other pools get there.
"""

from msgspec import Struct

from trunkline.facts.numbers import NumberTransition, PoolAlarm
from trunkline.policy.number_rules import Rules
from trunkline.stats import exact

from .counts import Record
from .evidence import Evidence, evidence_value, threshold
from .history import RESTING, History
from .inventory import Holding
from .life import Life, State
from .lifecycle import ACTIVE, DAY_US, Event, target
from .ratio import standardised_ratio
from .reputation import Reputations
from .usage import ramp_days_at, ramp_of, stage_of

MATTERS = 0.85
"A ratio to what was expected whose interval reaches above this is not worth a rest."
HISTORY = 30.0
"Expected answers below which a number has no past of its own to compare with."
POOL_MATTERS = 0.9
FEW = 10
"Numbers below which a share of a pool says nothing."
HOUR_US = 3_600_000_000


class Suspicion(Struct, frozen=True, gc=False):
    """One kind of evidence against a number, as it stands."""

    event: Event
    reason: str
    measured: dict[str, float]
    proven: bool
    "The rules act on it."


def review_number(life: Life, holding: Holding, evidence: Evidence, reputations: Reputations, rules: Rules, at: int) -> NumberTransition | None:
    """The transition a number is due for at UTC microsecond `at`; None when it stays."""
    state = State(life.state)
    if state is State.STOCK:
        fit = holding.proven(at) and life.rest_until <= at and not _labels(life.number, reputations, rules, at)
        return _move(life, Event.BEGIN, at, "put to use: its right is proven, and it carries no label", {}) if fit else None
    if state is State.COOLING:
        if life.rest_until <= at and not _labels(life.number, reputations, rules, at):
            return _move(life, Event.RESTED, at, f"rested {(at - life.since) // DAY_US} days and carries no label", {})
        return None
    if state not in ACTIVE:
        return None
    for found in suspicions(life, evidence, reputations, rules, at):
        if found.proven:
            if state is State.RECOVERY and life.relapses + 1 >= rules.relapses:
                return _move(life, Event.EXHAUSTED, at, f"relapse {life.relapses + 1} of {rules.relapses}: {found.reason}", found.measured)
            return _move(life, found.event, at, found.reason, found.measured)
    ramp = ramp_of(life.state, rules)
    if ramp:
        served = ramp_days_at(life, rules, at)
        if stage_of(ramp, served) is None:
            event = Event.WARMED if state is State.WARM_UP else Event.PROVEN
            return _move(life, event, at, f"{served} days of use without evidence against it", {})
    elif at - max(life.last, life.since) > rules.idle_days * DAY_US:
        return _move(life, Event.IDLE, at, f"not called with for {rules.idle_days} days", {})
    return None


def suspicions(life: Life, evidence: Evidence, reputations: Reputations, rules: Rules, at: int) -> list[Suspicion]:
    """All that speaks against a number since it was last judged, the strongest kind of source first."""
    found: list[Suspicion] = []
    number = life.number
    since = life.judged_from if life.judged_from < at + DAY_US else 0  # further ahead was a clock that was wrong
    labels = reputations.bad(number, at, min(rules.label_window_h * HOUR_US, at - since))
    if labels:
        engines = ", ".join(sorted({seen.engine for seen in labels}))
        proven = len(labels) >= rules.labels
        found.append(Suspicion(Event.LABELLED, f"{len(labels)} labels within {rules.label_window_h} h ({engines})", {"labels": float(len(labels))}, proven))
    row = evidence.record(number)
    complaints = reputations.complaints(number, max(at - rules.complaint_days * DAY_US, since))
    if complaints:
        calls = max(round(row.answered) if row else 0, complaints)
        low, high = exact(complaints, calls)
        measured = {"complaints": float(complaints), "answered": float(calls), "low": low, "high": high}
        proven = complaints >= 2 and low > rules.complaint_rate
        found.append(Suspicion(Event.COMPLAINED, f"{complaints} complaints in {rules.complaint_days} days", measured, proven))
    if row is not None:
        found += _measured(row, rules)
    return found


def _measured(row: Record, rules: Rules) -> list[Suspicion]:
    bar, found = threshold(rules.false_alarm_attempts), []
    if row.blocked > 0.5 * bar:
        found.append(Suspicion(Event.BLOCKED, f"analytics blocked {row.blocks:.0f} of {row.n:.0f} recent attempts", {"blocks": row.blocks, "weight": row.n, "e_value": evidence_value(row.blocked)}, row.blocked >= bar))
    if row.intercepted > 0.5 * bar:
        found.append(Suspicion(Event.INTERCEPTED, f"{row.intercepts:.0f} recent answers were intercept tones", {"intercepts": row.intercepts, "e_value": evidence_value(row.intercepted)}, row.intercepted >= bar))
    if row.decline > 0.5 * bar:
        ratio, low, high = standardised_ratio(row.observed, row.expected)
        # What is recent is part of the long record too; its past is the rest.
        older = row.long_expected - row.expected
        past = (row.long_observed - row.observed) / older if older >= HISTORY else 1.0
        outside = row.out_observed / row.out_expected if row.out_expected >= HISTORY else 0.0
        measured = {"ratio": ratio, "low": low, "high": high, "weight": row.n, "own_past": past, "against_other_pools": outside, "e_value": evidence_value(row.decline)}
        proven = row.decline >= bar and high < MATTERS and ratio < MATTERS * past and outside < 1.0
        found.append(Suspicion(Event.DECLINED, f"answers {ratio:.0%} of what its siblings get on the same routes and hours ({low:.0%} to {high:.0%})", measured, proven))
    if row.shunned > 0.5 * bar:
        ratio, low, high = standardised_ratio(row.shorts, row.expected_shorts)
        measured = {"ratio": ratio, "low": low, "high": high, "weight": row.answered, "e_value": evidence_value(row.shunned)}
        found.append(Suspicion(Event.SHUNNED, f"called parties hang up within 6 s {ratio:.1f} times as often as on its siblings ({low:.1f} to {high:.1f})", measured, row.shunned >= bar and low > 1.0 / MATTERS))
    return found


def review_pool(pool: str, active: int, raised_at: int | None, evidence: Evidence, history: History, rules: Rules, at: int) -> PoolAlarm | None:
    """Whether a pool's alarm is due, or due to end (`raised_at` is None when it is not raised)."""
    row = evidence.pool(pool)
    rested = sum(count for day in history.days(pool, at // DAY_US - 6, at // DAY_US) for event, count in day.events.items() if event in RESTING and event != "rest")
    share, share_high = exact(rested, active + rested) if rested else (0.0, 0.0)
    ratio, low, high = standardised_ratio(row.observed, row.expected) if row else (1.0, 0.0, float("inf"))
    measured = {"ratio": ratio, "low": low, "high": min(high, 1e9), "weight": row.n if row else 0.0, "rested_share_low": share, "rested_share_high": share_high}
    if raised_at is None:
        if row is not None and row.decline >= threshold(rules.pool_false_alarm_attempts) and high < POOL_MATTERS:
            against = "other pools get" if row.out_expected > 0.5 * row.expected else "it got there before; no other pool uses its routes, so a route may be to blame"
            return PoolAlarm(at, pool, True, f"answers {ratio:.0%} of what {against}", {**measured, "e_value": evidence_value(row.decline)}, "")
        if active + rested >= FEW and share > rules.pool_cooled_share:
            return PoolAlarm(at, pool, True, f"{rested} numbers were put to rest within 7 days", measured, "")
        return None
    well = (row is None or row.decline < 1.0) and share <= rules.pool_cooled_share
    if well and at - raised_at > DAY_US:
        return PoolAlarm(at, pool, False, "a day without evidence against it", measured, "")
    return None


def _labels(number: str, reputations: Reputations, rules: Rules, at: int) -> int:
    """Labels nobody took back that are recent enough to count."""
    return len(reputations.bad(number, at, rules.label_days * DAY_US))


def _move(life: Life, event: Event, at: int, reason: str, measured: dict[str, float]) -> NumberTransition | None:
    state = State(life.state)
    after = target(state, event)
    return NumberTransition(at, life.number, state.value, after.value, event.value, reason, measured, "") if after else None
