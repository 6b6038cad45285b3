"""How hard a number may be used, and when it is taken out: caps, ramps, thresholds, each with where its default comes from.

No analytics company publishes a threshold, so the defaults are what vendors of numbers and dialers publish about their own practice; where
nobody does, the source says that it is our judgement. `LIMITS` bound what a person may set.
"""

from itertools import pairwise

from msgspec import Struct

from trunkline.numbering.plan import CallerFormat
from trunkline.policy.problem import Problem


class Stage(Struct, frozen=True, gc=False):
    """One step of a ramp."""

    days: int
    "Days of use it lasts."
    day_cap: int
    "Calls a day."
    at_least: int
    "Calls a day below which the day does not count: a number that rests is not warming up."


class Rules(Struct, frozen=True, gc=False):
    """What holds for the numbers of a pool."""

    per_day: int = 100
    "Calls a day in production."
    per_hour: int = 25
    "Calls in any 60 minutes."
    per_minute: int = 5
    "Calls in any 60 seconds."
    concurrent: int = 2
    "Calls at once."
    warm_up: tuple[Stage, ...] = (Stage(7, 20, 10), Stage(7, 40, 20), Stage(7, 75, 30))
    probation: tuple[Stage, ...] = (Stage(7, 30, 10), Stage(7, 60, 20))
    day_begins_h: int = 0
    "Hour of UTC at which the day of the caps begins."
    rest_days: int = 30
    "First rest; each relapse doubles it."
    longest_rest_days: int = 180
    relapses: int = 3
    "A number that declines again on probation this often is retired."
    idle_days: int = 60
    "Without a call for so long a number is warmed up again: engines distrust numbers without history."
    labels: int = 2
    "Labelled observations within `label_window_h` that put a number to rest; one alone has it used less."
    label_window_h: int = 48
    label_days: int = 30
    "A label nobody has confirmed for so long no longer counts."
    complaint_rate: float = 0.003
    "Complaints per answered call; put to rest when the exact 95 % interval lies above."
    complaint_days: int = 30
    answer_odds: float = 0.5
    "Decline looked for: answer odds fallen to this share of what siblings have on the same route and hour."
    short_odds: float = 2.0
    "Rise of callee-released short calls looked for, as odds against siblings."
    false_alarm_attempts: int = 100_000
    "A sound number is put to rest by chance at most once in so many attempts, per kind of evidence."
    pool_false_alarm_attempts: int = 1_000_000
    pool_cap_share: float = 0.5
    "Share of its caps a pool keeps while its alarm is raised."
    pool_cooled_share: float = 0.2
    "Share of a pool put to rest within 7 days that raises its alarm."
    sticky_days: int = 30
    "A callee sees the same number again for so long."
    near_km: float = 150.0
    "Numbers of areas within this distance count as local."
    local_only: bool = False
    "Refuse rather than call from beyond `near_km`."


USUAL = Rules()
"Of a pool the policy does not name."


class Presentation(Struct, frozen=True, gc=False):
    """How a number is shown over a carrier to a country, and which may be shown there at all."""

    carrier: str = ""
    "Empty: any carrier."
    country: str = ""
    "ISO 3166 alpha-2 of the callee; empty: any."
    first_day: int = 0
    "Days since 1970."
    last_day: int = 2**31
    types: tuple[str, ...] = ()
    "Types of number that may be shown; empty: all."
    domestic: bool = False
    "Only numbers of the callee's own country."
    own: bool = False
    "Only numbers this carrier assigned."
    format: CallerFormat | None = None
    "How it is written; None as the gateway says."


SOURCES: dict[str, str] = {
    "per_day": "about 100 a day per number: Arbeit, unlimcall, insurancesaleslab; Readymode offers 75 to 200; AsanCRM 200 soft, 450 hard",
    "per_hour": "our judgement: a day's calls spread over at least four hours",
    "per_minute": "half of Arbeit's 10 a minute per number",
    "concurrent": "our judgement: a caller ID of a person rings one or two phones at a time",
    "warm_up": "three stages of 7 days with at least 10, 20 and 30 calls a day: affordablecare.ai; top below Readymode's lowest cap (75)",
    "probation": "our judgement: the last two thirds of a warm-up",
    "rest_days": "30-day cool-down: ChaseData; replaced numbers held 30 days: Convoso",
    "longest_rest_days": "flagged numbers rest 60 days to 6 months: Infobip",
    "relapses": "our judgement",
    "idle_days": "numbers without history can be flagged for lack of maturity: Hiya's developer documentation",
    "labels": "one flag is followed by more within 48 h: Caller ID Reputation",
    "label_window_h": "48 h: Caller ID Reputation",
    "label_days": "our judgement: weekly checks (Convoso) four times over",
    "complaint_rate": "our judgement",
    "answer_odds": "our judgement: half",
    "short_odds": "our judgement; what counts as short is 6 s or less: Telnyx, CallTrackingMetrics",
    "false_alarm_attempts": "our judgement: at 100 calls a day one false rest in about three years per number",
    "pool_cooled_share": "our judgement",
    "near_km": "our judgement",
}
"Key -> where its default comes from."


class Limit(Struct, frozen=True, gc=False):
    """Bounds of a key."""

    low: float
    high: float
    why: str


LIMITS: dict[str, Limit] = {
    "per_day": Limit(1, 450, "AsanCRM's hard limit is 450 a day"),
    "per_hour": Limit(1, 90, "a fifth of the hardest daily limit"),
    "per_minute": Limit(1, 10, "Arbeit: at most 10 a minute"),
    "concurrent": Limit(1, 10, "more calls at once from one number look like a robot"),
    "rest_days": Limit(7, 365, "a label lives longer than a week"),
    "label_window_h": Limit(1, 24 * 30, "older reports say nothing about today"),
    "labels": Limit(1, 5, "five reports are no anecdote"),
    "false_alarm_attempts": Limit(1_000, 100_000_000, "below 1,000 every number would be put to rest by chance"),
    "answer_odds": Limit(0.1, 0.9, "a smaller change cannot be told from noise"),
    "short_odds": Limit(1.2, 10.0, "a smaller change cannot be told from noise"),
    "pool_cap_share": Limit(0.0, 1.0, "an alarm cuts caps, it does not raise them"),
    "day_begins_h": Limit(0, 23, "an hour of the day"),
}
"Key -> what a person may set; `policy/limits.py` refuses a wish beyond with the reason."


def refused_ramps(rules: Rules) -> list[Problem]:
    """What is wrong with the two ramps."""
    problems = []
    for key in ("warm_up", "probation"):
        ramp: tuple[Stage, ...] = getattr(rules, key)
        if not ramp or sum(stage.days for stage in ramp) < 7:
            problems.append(Problem(0, 0, key, "the ramp is shorter than 7 days", "write stages of 7 days together at least"))
        if any(stage.at_least > stage.day_cap or stage.day_cap < 1 or stage.days < 1 for stage in ramp):
            problems.append(Problem(0, 0, key, "a stage needs more calls than it allows", "write `at_least` not above `day_cap`"))
        if any(later.day_cap < earlier.day_cap for earlier, later in pairwise(ramp)) or any(stage.day_cap > rules.per_day for stage in ramp):
            caps = ", ".join(str(stage.day_cap) for stage in ramp)
            problems.append(Problem(0, 0, key, f"a ramp grows up to `per_day` at most; {caps} calls a day do not with `per_day` {rules.per_day}", f"write `{key}` with stages in rising order, up to `per_day`"))
    return problems
