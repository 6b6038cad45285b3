"""Calling windows: whether somebody may be called now, and when next.

A call must be inside the hours of every rule that fits it, in every zone the callee may be in. So the rules are first laid over each other as
minutes of one local day, and what is left of that day is moved to UTC once per zone; where clocks are set back the later reading begins
a window and the earlier one ends it, so an hour that is doubted is an hour without calls. The answer holds until the next edge, and is
remembered that long: a call costs a comparison, not a calendar.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TypeAlias
from zoneinfo import ZoneInfo

from msgspec import Struct

from trunkline.policy.contact_rules import ContactRule

EPOCH_DAY = date(1970, 1, 1).toordinal()
MINUTES = 1440
LOOK_DAYS = 15
"How far a next window is looked for."

Span: TypeAlias = tuple[int, int]
"Begin and end: minutes of a day, or Unix seconds."
Rules: TypeAlias = tuple[ContactRule, ...]
Clock: TypeAlias = tuple[timedelta | None, timedelta | None]


class Hours(Struct, frozen=True, gc=False):
    """What holds at one moment, and until when."""

    open: bool
    until: int
    "Unix seconds of the next edge: it closes or opens then, or is to be looked at again."
    rule: str = ""
    "Closed: the rule that says so."
    zone: str = ""
    "Closed: a zone in which it is outside the hours."
    opens: int = 0
    "Closed: Unix seconds at which it opens; 0 when not within `LOOK_DAYS`."


def hours(by_zone: Mapping[str, Sequence[ContactRule]], at: int) -> Hours:
    """Whether a call at a Unix second is inside the hours of every zone's rules, and until when that holds."""
    alike: dict[tuple[Clock, Rules], str] = {}
    for zone, rules in by_zone.items():
        limiting = tuple(rule for rule in rules if rule.windows or rule.closed)
        if limiting:
            alike.setdefault((_clock(zone, at), limiting), zone)
    if not alike:
        return Hours(True, 2**62)
    held = [(zone, rules) for (_, rules), zone in alike.items()]
    today = at // 86_400
    for days in (2, LOOK_DAYS):
        for begins, ends in _open(held, today - 1, today + days):
            if begins <= at < ends:
                return Hours(True, ends)
            if begins > at:
                rule, zone = _blame(held, at)
                return Hours(False, begins, rule, zone, begins)
    rule, zone = _blame(held, at)
    return Hours(False, (today + 1) * 86_400, rule, zone)


def day_spans(rules: Iterable[ContactRule], day: int) -> list[Span]:
    """Minutes of a local day (days since 1970) that every rule leaves."""
    spans = [(0, MINUTES)]
    weekday = (day + 3) % 7
    for rule in rules:
        if not rule.first_day <= day <= rule.last_day:
            continue
        if day in rule.closed:
            return []
        if rule.windows:
            own = sorted((window.begins, window.ends) for window in rule.windows if not window.days or weekday in window.days)
            spans = both(spans, joined(own))
    return spans


def joined(spans: Iterable[Span]) -> list[Span]:
    """Sorted spans with those that touch made one."""
    result: list[Span] = []
    for begins, ends in spans:
        if result and begins <= result[-1][1]:
            result[-1] = (result[-1][0], max(ends, result[-1][1]))
        else:
            result.append((begins, ends))
    return result


def both(left: Sequence[Span], right: Sequence[Span]) -> list[Span]:
    """What lies in both of two sorted lists."""
    result: list[Span] = []
    one = other = 0
    while one < len(left) and other < len(right):
        begins, ends = max(left[one][0], right[other][0]), min(left[one][1], right[other][1])
        if begins < ends:
            result.append((begins, ends))
        if left[one][1] < right[other][1]:
            one += 1
        else:
            other += 1
    return result


def _open(held: Sequence[tuple[str, Rules]], first: int, last: int) -> list[Span]:
    """UTC spans open in every zone, from the local days `first` to `last`."""
    local: dict[Rules, list[tuple[int, list[Span]]]] = {}
    open_spans: list[Span] | None = None
    for zone, rules in held:
        if rules not in local:
            local[rules] = [(day, day_spans(rules, day)) for day in range(first, last + 1)]
        info = ZoneInfo(zone)
        spans = ((_instant(day, begins, info, True), _instant(day, ends, info, False)) for day, left in local[rules] for begins, ends in left)
        here = joined((begins, ends) for begins, ends in spans if begins < ends)
        open_spans = here if open_spans is None else both(open_spans, here)
    return open_spans or []


def _instant(day: int, minute: int, zone: ZoneInfo, later: bool) -> int:
    """Unix seconds of a local minute; where the clock shows it twice or never there are two readings, and the later or earlier counts."""
    local = datetime.fromordinal(EPOCH_DAY + day + minute // MINUTES).replace(hour=minute % MINUTES // 60, minute=minute % 60, tzinfo=zone)
    readings = local.timestamp(), local.replace(fold=1).timestamp()
    return int(max(readings) if later else min(readings))


def _clock(zone: str, at: int) -> Clock:
    """Zones whose clocks agree now and at the end of the look count once."""
    info = ZoneInfo(zone)
    moment = datetime.fromtimestamp(at, UTC)
    return moment.astimezone(info).utcoffset(), (moment + timedelta(days=LOOK_DAYS + 1)).astimezone(info).utcoffset()


def _blame(held: Sequence[tuple[str, Rules]], at: int) -> tuple[str, str]:
    """The first rule and zone that keep this moment closed."""
    for zone, rules in held:
        local = datetime.fromtimestamp(at, ZoneInfo(zone))
        day, minute = local.toordinal() - EPOCH_DAY, local.hour * 60 + local.minute
        for rule in rules:
            if not any(begins <= minute < ends for begins, ends in day_spans((rule,), day)):
                return rule.name, zone
    return held[0][1][0].name, held[0][0]
