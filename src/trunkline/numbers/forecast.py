"""How many numbers a pool will need, and by when to order them (row N10).

Method, stated with every result. Demand is the busiest day that is planned for, or, without a plan, the 95th percentile of the pool's last 28
days with its distribution-free interval from order statistics (Conover 1999, 3.2); it grows by the planned rate a week. A day needs as many
numbers in production as the day's cap, the busiest hour's cap and calls at once require, whichever is most, at no more than `fill` of each
cap. Losses are a rate per number in use and day, with the exact Poisson interval from what history counted. The pool is then carried forward
day by day: numbers decay at that rate, rest, return on probation, warm up. The day its room falls below demand, less warm-up and delivery, is the
day to order. Low and high repeat this with both ends of both intervals.
"""

from math import ceil, exp

from msgspec import Struct

from trunkline.policy.number_rules import Rules

from .book import NumberBook
from .history import RESTING
from .life import Life, State
from .pool_day import PoolDay
from .ratio import poisson_limits
from .usage import ramp_of

DAY_US = 86_400_000_000
HISTORY_DAYS = 28
PRIOR_LOSSES, PRIOR_NUMBER_DAYS = 0.5, 50.0
"Where little was seen: half a loss in fifty number-days, so that a new pool is not believed to be immortal."
USUAL_HOUR, FEW_CALLS = 0.25, 20
"Share of the busiest hour where little was seen, and how many calls it weighs."


class Demand(Struct, frozen=True, gc=False):
    """What the pool shall carry."""

    busiest_day: float = 0.0
    "Calls on the busiest day planned for; 0 reads it from history."
    growth_per_week: float = 0.0
    "0.02 is two per cent a week."
    fill: float = 0.8
    "Share of its caps a number is planned to use: caps are not shared out evenly."
    delivery_days: int = 7
    "From order to the number being in the inventory."
    horizon_days: int = 120


class Forecast(Struct, frozen=True, gc=False):
    """What is needed and when; low and high are the ends of the 95 % interval of inputs."""

    pool: str
    busiest_day: tuple[float, float, float]
    "Calls: low, expected, high."
    loss_per_number_day: tuple[float, float, float]
    in_use: int
    "Numbers that may be called with today."
    needed: tuple[int, int, int]
    "Numbers to hold, those at rest included, at the end of the horizon."
    short_on: tuple[int | None, int | None, int | None]
    "Day (since 1970) room falls below demand: with low, expected and high inputs; None within the horizon."
    order_by: int | None
    "Day to order by, expected inputs; a day before today means it is too late."
    earliest_order_by: int | None
    "With high inputs."
    order: tuple[int, int, int]
    "Numbers to order."
    method: str


def forecast(book: NumberBook, pool: str, demand: Demand, at: int) -> Forecast:
    """Forecast for one pool from the book's history at UTC microsecond `at`."""
    rules = book.rules_of(pool)
    today = at // DAY_US
    days = book.history.days(pool, today - HISTORY_DAYS, today - 1)
    busiest = (demand.busiest_day,) * 3 if demand.busiest_day else _busiest_day(days)
    loss, retired_share = _losses(days)
    lives = [life for number, row in book.inventory.holdings.items() if row.pool == pool and (life := book.life(number)) is not None and row.proven(at)]
    peak_hour, at_once = _peaks(days)
    short: list[int | None] = []
    needed: list[int] = []
    order: list[int] = []
    for calls, rate in zip(busiest, loss, strict=True):
        first: int | None = None
        path = _capacity(lives, rules, rate, retired_share, at, demand.horizon_days)
        gap = 0.0
        for ahead, capacity in enumerate(path):
            per_day = calls * (1.0 + demand.growth_per_week) ** (ahead / 7.0)
            wanted = _numbers(per_day, peak_hour, at_once, rules, demand.fill)
            gap = max(gap, wanted - capacity)
            if wanted > capacity + 1e-9 and first is None:
                first = today + ahead
        last = calls * (1.0 + demand.growth_per_week) ** (demand.horizon_days / 7.0)
        away = rate * (rules.rest_days + sum(stage.days for stage in rules.probation) / 2.0) * (1.0 - retired_share)
        short.append(first)
        needed.append(ceil(_numbers(last, peak_hour, at_once, rules, demand.fill) * (1.0 + away)))
        order.append(ceil(gap * (1.0 + away)))
    lead = demand.delivery_days + sum(stage.days for stage in rules.warm_up)
    in_use = sum(life.state in (State.WARM_UP, State.PRODUCTION, State.RECOVERY) for life in lives)
    method = (
        f"busiest day {'as planned' if demand.busiest_day else f'the 95th percentile of {len(days)} days'}, {demand.growth_per_week:+.1%} a week; caps filled to "
        f"{demand.fill:.0%}, {peak_hour * 100:.0f} % of its calls in the busiest hour, {at_once * 1000:.1f} at once per thousand; {loss[1]:.4f} losses per number and "
        f"day ({loss[0]:.4f} to {loss[2]:.4f}), {retired_share:.0%} of them for good; carried forward "
        f"{demand.horizon_days} days; {lead} days from order to production"
    )
    return Forecast(
        pool, (busiest[0], busiest[1], busiest[2]), loss, in_use, (needed[0], needed[1], needed[2]), (short[0], short[1], short[2]),
        None if short[1] is None else short[1] - lead, None if short[2] is None else short[2] - lead, (order[0], order[1], order[2]), method,
    )  # fmt: skip


def _busiest_day(days: list[PoolDay]) -> tuple[float, float, float]:
    """95th percentile of daily calls with the interval order statistics give (97.5 % above the low rank, the greatest day above)."""
    calls = sorted(row.calls for row in days)
    if not calls:
        return 0.0, 0.0, 0.0
    middle = calls[min(len(calls) - 1, ceil(0.95 * len(calls)) - 1)]
    low_rank = _binomial_quantile(0.025, len(calls), 0.95)
    # Above the greatest day seen lies the true percentile with probability 0.95^n; then the spread of the upper half is added once.
    beyond = calls[-1] + (calls[-1] - calls[len(calls) // 2] if 0.95 ** len(calls) > 0.025 else 0)
    return float(calls[max(0, low_rank - 1)]), float(middle), float(beyond)


def _peaks(days: list[PoolDay]) -> tuple[float, float]:
    """Share of a day's calls in its busiest hour, and calls at once per call of the day: the highest of days half as busy as the busiest at least.

    A quiet day is all peak: of three calls within an hour nothing follows for thousands. Few calls are held against as many usual ones.
    """
    least = max((row.calls for row in days), default=0) / 2
    busy = [row for row in days if row.calls and row.calls >= least]
    hour = max(((max(row.hours) + USUAL_HOUR * FEW_CALLS) / (row.calls + FEW_CALLS) for row in busy), default=USUAL_HOUR)
    return hour, max((row.most_at_once / (row.calls + FEW_CALLS) for row in busy), default=0.0)


def _binomial_quantile(share: float, n: int, p: float) -> int:
    term, total, k = (1.0 - p) ** n, 0.0, 0
    while k <= n:
        total += term
        if total >= share:
            return k
        term *= (n - k) / (k + 1) * p / (1.0 - p)
        k += 1
    return n


def _losses(days: list[PoolDay]) -> tuple[tuple[float, float, float], float]:
    """Losses per number in use and day (low, expected, high), and the share that does not come back."""
    number_days = sum(row.active for row in days) + PRIOR_NUMBER_DAYS
    rested = sum(count for row in days for event, count in row.events.items() if event in RESTING)
    retired = sum(count for row in days for event, count in row.events.items() if event in ("retire", "exhausted"))
    lost = rested + retired
    low, high = poisson_limits(lost)
    rates = (low / number_days, (lost + PRIOR_LOSSES) / number_days, max(high, PRIOR_LOSSES) / number_days)
    return rates, (retired + 0.5) / (lost + 5.0)


def _capacity(lives: list[Life], rules: Rules, rate: float, retired_share: float, at: int, horizon: int) -> list[float]:
    """Numbers' worth of production caps for each day ahead."""
    ramps = {state: [stage.day_cap for stage in ramp_of(state, rules) for _ in range(stage.days)] for state in (State.WARM_UP, State.RECOVERY)}
    probation = len(ramps[State.RECOVERY])
    away = rules.rest_days + probation
    path = [0.0] * horizon
    production = [0.0] * (horizon + 1)
    "Numbers that come into production on a day."
    for life in lives:
        if life.state == State.PRODUCTION:
            production[0] += 1.0
        elif life.state in (State.STOCK, State.WARM_UP, State.RECOVERY, State.COOLING):
            state = State.WARM_UP if life.state in (State.STOCK, State.WARM_UP) else State.RECOVERY
            begins = max(0, -((at - life.rest_until) // DAY_US)) if life.state == State.COOLING else 0
            left = ramps[state][life.ramp_days if life.state == state else 0 :]
            for offset, cap in enumerate(left):
                if begins + offset < horizon:
                    path[begins + offset] += cap / rules.per_day
            if begins + len(left) < horizon:
                production[begins + len(left)] += 1.0
    up = 0.0
    for day in range(horizon):
        up += production[day]
        path[day] += up
        lost = up * (1.0 - exp(-rate))
        up -= lost
        back = lost * (1.0 - retired_share)
        for offset, cap in enumerate(ramps[State.RECOVERY]):
            if day + rules.rest_days + offset < horizon:
                path[day + rules.rest_days + offset] += back * cap / rules.per_day
        if day + away < horizon:
            production[day + away] += back
    return path


def _numbers(calls: float, peak_hour: float, at_once: float, rules: Rules, fill: float) -> float:
    """Numbers in production for a day of `calls`: by day, by busiest hour, by calls at once."""
    return max(calls / rules.per_day, calls * peak_hour / rules.per_hour, calls * at_once / rules.concurrent) / fill
