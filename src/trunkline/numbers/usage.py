"""Counting a number's calls against its caps: per day, any hour, any minute, and at once.

Hour and minute slide: the times of the last calls are kept, so no 60 minutes hold more than the cap, whatever the clock shows. Times are whole
seconds, and a call counts until its second has passed entirely.

A clock that goes back leaves calls of a time to come. They count while they may have been within the window, and no longer: a clock that was years
ahead takes no number out of use.
"""

from typing import Final

from trunkline.policy.number_rules import Rules, Stage

from .life import Life, State
from .lifecycle import DAY_US

HOUR_US: Final = 3_600_000_000
WARM_UP: Final = State.WARM_UP.value
PRODUCTION: Final = State.PRODUCTION.value
RECOVERY: Final = State.RECOVERY.value


def day_of(at: int, rules: Rules) -> int:
    """Day of the caps a moment (UTC microseconds) falls on."""
    return (at - rules.day_begins_h * HOUR_US) // DAY_US


def day_start(day: int, rules: Rules) -> int:
    return day * DAY_US + rules.day_begins_h * HOUR_US


def stage_of(ramp: tuple[Stage, ...], ramp_days: int) -> Stage | None:
    """Stage of a ramp after so many days that counted; None when it is over."""
    for stage in ramp:
        if ramp_days < stage.days:
            return stage
        ramp_days -= stage.days
    return None


def ramp_of(state: str, rules: Rules) -> tuple[Stage, ...]:
    return rules.warm_up if state == WARM_UP else rules.probation if state == RECOVERY else ()


def day_cap(life: Life, rules: Rules, ramp_days: int) -> int:
    """Calls a day in the number's present state after so many days on its ramp; 0 when it may not call."""
    state = life.state
    if state == PRODUCTION:
        return rules.per_day
    ramp = ramp_of(state, rules)
    if not ramp:
        return 0
    return (stage_of(ramp, ramp_days) or ramp[-1]).day_cap


def roll(life: Life, rules: Rules, at: int) -> None:
    """Close the day that is over: it counts on a ramp when the number was used enough."""
    day = day_of(at, rules)
    if _is_over(life, day):
        life.ramp_days = _ramp_days(life, rules)
        life.day, life.today = day, 0


def ramp_days_at(life: Life, rules: Rules, at: int) -> int:
    """Days that count on the number's ramp by now, without closing the day."""
    return _ramp_days(life, rules) if _is_over(life, day_of(at, rules)) else life.ramp_days


def _ramp_days(life: Life, rules: Rules) -> int:
    """The same with the day closed that was last counted on."""
    ramp_days = life.ramp_days
    stage = stage_of(ramp_of(life.state, rules), ramp_days)
    return ramp_days + 1 if stage is not None and life.today >= stage.at_least else ramp_days


def today_of(life: Life, rules: Rules, at: int) -> int:
    """Calls on the day of the caps that it is."""
    return 0 if _is_over(life, day_of(at, rules)) else life.today


def take(life: Life, rules: Rules, at: int) -> None:
    """A call began with this number."""
    roll(life, rules, at)
    life.today += 1
    life.total += 1
    life.concurrent += 1
    life.last = at
    recent = life.recent
    recent += (at // 1_000_000).to_bytes(4, "big")
    over = len(recent) - 4 * max(rules.per_hour, rules.per_minute)
    if over > 0:
        del recent[:over]


def untake(life: Life) -> None:
    """The last call counted never left."""
    life.today = max(0, life.today - 1)
    life.total -= 1
    del life.recent[-4:]


def room(life: Life, rules: Rules, share: float, at: int) -> tuple[str, int]:
    """("", 0) when the number may take a call; else why not, and when to look again (0: when something happens to it).

    `share` of the caps is left while the pool's alarm is raised; a cap is never cut below one call.
    """
    day = day_of(at, rules)
    over = _is_over(life, day)
    cap = day_cap(life, rules, _ramp_days(life, rules) if over else life.ramp_days)
    if cap == 0:
        return life.state, life.rest_until if life.rest_until > at else 0
    if (0 if over else life.today) >= _cut(cap, share):
        return "day cap", day_start(day + 1, rules)
    if life.concurrent >= _cut(rules.concurrent, share):
        return "concurrent cap", 0
    recent = life.recent
    now = at // 1_000_000
    by_hour, by_minute = _free_at(recent, _cut(rules.per_hour, share), 3_600, now), _free_at(recent, _cut(rules.per_minute, share), 60, now)
    if by_hour > now or by_minute > now:
        return "hour cap" if by_hour > now else "minute cap", max(by_hour, by_minute) * 1_000_000
    return "", 0


def _cut(cap: int, share: float) -> int:
    return cap if share >= 1.0 else max(1, int(cap * share))


def _is_over(life: Life, day: int) -> bool:
    """Whether the day that calls were counted on is another; the next one may be this one by a clock that was set back."""
    counted = life.day
    return not day <= counted <= day + 1


def _free_at(recent: bytearray, cap: int, window_s: int, now: int) -> int:
    """First UTC second at which the call `cap` places back lies more than `window_s` seconds ago; 0 when it is further ahead than that."""
    start = len(recent) - 4 * cap
    if start < 0:
        return 0
    second = int.from_bytes(recent[start : start + 4], "big")
    return second + window_s + 1 if second <= now + window_s else 0
