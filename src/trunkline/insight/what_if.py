"""What if: logged calls under another policy, and what would have become of them, as far as the log can tell (row R12)."""

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.guard import Compliance
from trunkline.insight.estimate import Figure, Sample, Weighted, figure, ratio, sample_of, together, weighted, why_not
from trunkline.insight.logged import Log
from trunkline.insight.outcomes import HEARD_LEAST, Outcomes, outcomes
from trunkline.insight.replay import Judged, Replay, not_judged
from trunkline.policy.snapshot import Snapshot
from trunkline.routing.scoreboard import Scoreboard

Floats = NDArray[np.float64]
Column = tuple[Floats, float, Floats]
"Before by call, the mean after, influences."

FEW = 100
"Calls below which a destination is counted among the others."

OTHERS = "(others)"

FOLLOWED_NOTED = 0.05
"Share of calls with a second attempt from which on it is said what that means."

JUDGED = frozenset(
    ("numbering.invalid_number", "routing.no_destination", "guard.emergency_refused", "guard.trunk_channels", "guard.trunk_cps", "guard.tenant_channels",
     "guard.tenant_cps", "compliance.window", "compliance.attempts", "retries.too_soon")
)  # fmt: skip
"Refusals of the log that another policy could have spared. The others are about who calls, numbers to call with, lists and the node itself."


class RouteShift(Struct, frozen=True, gc=False):
    """Where first attempts go."""

    gateway: str
    calls: int
    "First attempts in the log."
    before: float
    after: float
    "Share of the first attempts."


class Part(Struct, frozen=True):
    """The calls of one destination, or of all that something can be said of."""

    name: str
    calls: int
    "Calls both policies place."
    effective: float
    "What they are worth as calls of the other policy."
    overlap: float
    "Share of the other policy's first choices that the log could have shown."
    unclear: str
    "Why nothing is claimed; empty where something is."
    answered: Figure
    "Share of the calls that are answered."
    humans: Figure
    "Share of the calls that reach a human; None where too few answers were heard."
    cost: Figure
    "Carriers' bills per call, in the policy's money."
    cost_per_human: Figure
    heard: int
    "Answers somebody listened to or labelled."
    repriced: float | None
    "Bills per call of the logged attempts at the other policy's prices: what prices alone do. Exact; None where a price is missing."
    routes: list[RouteShift]
    "The most used first."


class WhatIf(Struct, frozen=True):
    """The answer."""

    policy: str
    "Version of the other policy."
    before: list[str]
    "Versions the calls were placed under, the most frequent first."
    begins_us: int
    ends_us: int
    "When the first and the last of the calls began."
    calls: int
    "Calls that were asked about."
    placed: int
    "Of them, both policies place so many, and the estimates are about these."
    refused: dict[str, int]
    "Refusal code -> calls that were placed and would be refused."
    spared: dict[str, int]
    "Refusal code -> calls that were refused and would be placed. Nothing is known of how they would have gone."
    still_refused: dict[str, int]
    "Code in the log -> calls that would be refused again."
    kept_refused: dict[str, int]
    "Code in the log -> calls whose refusal the replay cannot judge, or that had no attempt for another reason."
    moved: int
    "Placed calls that fall to another destination."
    total: Part
    destinations: list[Part]
    "The largest first."
    left_out: dict[str, int]
    "Why calls of the log were not asked about -> how many."
    notes: list[str]
    "What to know before believing it."


def what_if(
    policy: Snapshot, log: Log, *, scores: Scoreboard | None = None, compliance: Compliance | None = None, since_us: int = 0, trunk: str = "",
    progress: Callable[[int], None] | None = None, seed: int = 1,
) -> WhatIf:  # fmt: skip
    """Ask another policy about every logged call since `since_us`, of one trunk or of all, and estimate what would have come of it.

    `scores`, `compliance`: see `Replay`. `progress` is told now and then how many calls were asked about. The same seed gives the same answer.
    """
    replay = Replay(policy, log, seed, scores=scores, compliance=compliance, since_us=since_us)
    refused, spared, again, kept = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    versions = Counter[str]()
    groups: dict[str, list[Judged]] = {}
    gone: set[str] = set()
    asked = moved = begins = ends = 0
    for done, judged in enumerate(replay, 1):
        if progress is not None and done % 1000 == 0:
            progress(done)
        logged = judged.logged
        record = logged.record
        if trunk and record.trunk != trunk:
            continue
        asked += 1
        if record.trunk and record.trunk not in policy.trunks:
            gone.add(record.trunk)
        begins, ends = begins or record.at, record.at
        if logged.first is None or logged.decision is None:
            code = record.refusal or record.result
            counted = kept if code not in JUDGED else again if judged.refusal else spared
            counted[code] += 1
        elif judged.refusal:
            refused[judged.refusal] += 1
            versions[record.policy] += 1
        elif logged.first.gateway not in judged.seen or not judged.wanted:
            kept["sent where no candidate was"] += 1
        else:
            versions[record.policy] += 1
            moved += judged.destination != logged.decision.destination
            groups.setdefault(logged.decision.destination, []).append(judged)
    placed = sum(map(len, groups.values()))
    numbers: dict[str, int] = {}
    parts = [_part(name, calls, numbers) for name, calls in _large(groups)]
    estimates = [part for part, _ in parts]
    total = _total(parts, numbers)
    return WhatIf(
        policy.version, [version for version, _ in versions.most_common()], begins, ends, asked, placed, dict(refused.most_common()), dict(spared.most_common()),
        dict(again.most_common()), dict(kept.most_common()), moved, total, estimates, log.left_out,
        _notes(policy, replay, sorted(gone), estimates, total, placed, sum(part[1].columns.followed * part[0].calls for part in parts)),
    )  # fmt: skip


class _Known(Struct, frozen=True):
    """What a destination's estimates rest on."""

    weighted: Weighted
    columns: Outcomes
    after: dict[str, tuple[float, Floats]]
    "By column: mean and influences; only of columns without gaps."


def _large(groups: dict[str, list[Judged]]) -> Iterable[tuple[str, list[Judged]]]:
    """Destinations with enough calls for an estimate of their own, the largest first, and the others together."""
    large = sorted(((name, calls) for name, calls in groups.items() if len(calls) >= FEW), key=lambda group: -len(group[1]))
    small = [judged for calls in groups.values() if len(calls) < FEW for judged in calls]
    return [*large, *([(OTHERS, small)] if small else [])]


def _part(name: str, calls: list[Judged], numbers: dict[str, int]) -> tuple[Part, _Known]:
    sample = sample_of([(judged.logged.attempts[0].gateway, judged.wanted, judged.seen) for judged in calls], numbers)
    known = weighted(sample)
    columns = outcomes(calls)
    values = {"answered": columns.answered, "bill": columns.bill} | ({"humans": columns.humans} if columns.heard >= HEARD_LEAST else {})
    after = {column: known.mean(each) for column, each in values.items() if not np.isnan(each).any()}
    found = _Known(known, columns, after)
    return _made(name, [found], why_not(known, list(numbers)), list(numbers)), found


def _total(parts: list[tuple[Part, _Known]], numbers: dict[str, int]) -> Part:
    """All destinations something can be said of."""
    clear = [known for part, known in parts if not part.unclear]
    unclear = "" if clear else "no destination has the calls for an estimate" if parts else "no call is placed by both policies"
    return _made("total", clear or [known for _, known in parts], unclear, list(numbers))


def _made(name: str, known: list[_Known], unclear: str, names: list[str]) -> Part:
    calls = sum(each.weighted.sample.calls for each in known)
    if not calls:
        nothing = Figure(None)
        return Part(name, 0, 0.0, 0.0, unclear, nothing, nothing, nothing, nothing, 0, None, [])
    effective = _effective(known)
    answered, humans = _column(known, "answered", lambda of: of.answered), _column(known, "humans", lambda of: of.humans)
    cost = _column(known, "bill", lambda of: of.logged_bill)
    was_answered = np.concatenate([each.columns.answered for each in known])
    was_human = np.concatenate([each.columns.humans for each in known]) if humans is not None else None
    was_billed = np.concatenate([each.columns.logged_bill for each in known])
    repriced = np.concatenate([each.columns.bill for each in known])
    cost_per_human = ratio(cost, humans, effective) if cost is not None and humans is not None and not unclear else None
    if cost_per_human is not None and np.isnan(was_billed).any():
        cost_per_human = Figure(None, cost_per_human.after, cost_per_human.low, cost_per_human.high)
    return Part(
        name, calls, effective, sum(each.weighted.overlap * each.weighted.sample.calls for each in known) / calls, unclear,
        _figure(was_answered, answered, effective, unclear, (0.0, 1.0)), _figure(was_human, humans, effective, unclear, (0.0, 1.0)),
        _figure(was_billed, cost, effective, unclear, (0.0, np.inf)),
        cost_per_human or Figure(_quotient(was_billed, was_human)),
        sum(each.columns.heard for each in known), None if np.isnan(repriced).any() else float(repriced.mean()), _routes([each.weighted.sample for each in known], names),
    )  # fmt: skip


def _effective(known: list[_Known]) -> float:
    """Effective calls of strata: what their weights, side by side, are worth."""
    calls = sum(each.weighted.sample.calls for each in known)
    return calls * calls / sum(each.weighted.sample.calls ** 2 / max(each.weighted.effective, 1e-9) for each in known)


def _column(known: list[_Known], name: str, before: Callable[[Outcomes], Floats]) -> Column | None:
    """A column over several destinations; None where one of them lacks it."""
    if not all(name in each.after for each in known):
        return None
    mean, influence = together([(each.weighted.sample.calls, *each.after[name]) for each in known])
    return np.concatenate([before(each.columns) for each in known]), mean, influence


def _figure(before: Floats | None, column: Column | None, effective: float, unclear: str, within: tuple[float, float]) -> Figure:
    if before is None or column is None or unclear:
        return Figure(None if before is None or np.isnan(before).any() else float(before.mean()))
    found = figure(np.nan_to_num(before), column[1], column[2], effective, within)
    return Figure(None, found.after, found.low, found.high) if np.isnan(before).any() else found


def _quotient(above: Floats, below: Floats | None) -> float | None:
    if below is None or np.isnan(above).any() or below.mean() <= 0.0:
        return None
    return float(above.mean() / below.mean())


def _routes(samples: list[Sample], names: list[str]) -> list[RouteShift]:
    calls = sum(sample.calls for sample in samples)
    first = np.bincount(np.concatenate([sample.first for sample in samples]), minlength=len(names))
    asked = np.bincount(
        np.concatenate([sample.gateway for sample in samples]), np.concatenate([sample.wanted for sample in samples]), minlength=len(names)
    )
    rows = [RouteShift(name, int(first[i]), float(first[i] / calls), float(asked[i] / calls)) for i, name in enumerate(names) if first[i] or asked[i] > 1e-12]
    return sorted(rows, key=lambda row: (-max(row.before, row.after), row.gateway))


def _notes(policy: Snapshot, replay: Replay, gone: list[str], parts: list[Part], total: Part, placed: int, followed: float) -> list[str]:
    notes = [f"not judged: {what}" for what in not_judged(policy)]
    if gone:
        notes.append(
            f"the policy has no trunk {', '.join(gone)}: calls of it are taken to be refused. A trunk is known by its name: to judge one that was only renamed, "
            "keep the old name"
        )
    if replay.learns:
        notes.append(
            "nothing was believed of the routes at first; the policy learnt from the log as it went. From calls of its own it would have learnt otherwise, and "
            "the intervals do not know how"
        )
    elif replay.scored:
        notes.append("the routes are believed to be as the node takes them to be now; that belief knows these calls already, so the estimate is a little too good")
    if placed and total.calls < placed and not total.unclear:
        notes.append(f"the total is about {total.calls} of {placed} calls: the other destinations have no estimate")
    if placed and followed / placed >= FOLLOWED_NOTED:
        notes.append(f"{followed / placed:.0%} of the calls went on to a second route; what came of that is taken as logged, whatever order the other policy has")
    if any(part.cost.after is None and not part.unclear for part in parts):
        notes.append("no estimate of cost where a logged answer has no price under the other policy: give its routes a `rate`")
    return notes

