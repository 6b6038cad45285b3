"""Our own numbers: how hard those of a pool may be used, and how they are shown.

Which numbers there are is not policy: the inventory is imported from CSV (`trunkline numbers import`) and kept as facts.
"""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, Strict

from trunkline.numbering.plan import CallerFormat
from trunkline.policy import number_rules
from trunkline.policy.areas import Area, read_areas
from trunkline.policy.carriers import Caller
from trunkline.policy.compliance import Day
from trunkline.policy.problem import Finding, unknown
from trunkline.policy.scalars import FileName, Kind, Name, Prefix, YesNo, _matching
from trunkline.policy.section import Section, key
from trunkline.policy.trunks import check_takes_calls

if TYPE_CHECKING:
    from trunkline.policy.document import Document

Calls = Annotated[int, Strict(), Field(ge=1, le=100_000), Kind("calls")]
Days = Annotated[int, Strict(), Field(ge=1, le=3650), Kind("days")]
Hours = Annotated[int, Strict(), Field(ge=0, le=8760), Kind("hours")]
Few = Annotated[int, Strict(), Field(ge=1, le=100), Kind("number, 1 to 100")]
Share = Annotated[float, Strict(), Field(gt=0, le=1, allow_inf_nan=False), Kind("share, over 0 to 1")]
Odds = Annotated[float, Strict(), Field(gt=0, le=100, allow_inf_nan=False), Kind("ratio of odds")]
Attempts = Annotated[int, Strict(), Field(ge=100, le=1_000_000_000), Kind("attempts")]
Country = Annotated[str, _matching(r"[A-Z]{2}", "no country", "write two capital letters (ISO 3166), such as US"), Kind("country, ISO 3166")]
NumberType = Literal["geographic", "mobile", "toll_free", "national", "service"]


class Stage(Section):
    """One step of a ramp."""

    days: Days = key(example="7")
    "Days of use it lasts."
    day_cap: Calls = key(example="40")
    "Calls a day at most."
    at_least: Calls = key(example="20")
    "Calls a day below which the day does not count: a number that rests is not warming up."


def _stages(stages: tuple[number_rules.Stage, ...]) -> tuple[Stage, ...]:
    return tuple(Stage(days=stage.days, day_cap=stage.day_cap, at_least=stage.at_least) for stage in stages)


class Pool(Section):
    """How the numbers of a pool are used. A pool without a section goes by the defaults."""

    per_day: Calls = key(number_rules.USUAL.per_day, example="80")
    "Calls a day with one number in production; no stage of `warm_up` and `probation` goes beyond it."
    per_hour: Calls = key(number_rules.USUAL.per_hour, example="20")
    "Calls in any 60 minutes."
    per_minute: Calls = key(number_rules.USUAL.per_minute, example="3")
    "Calls in any 60 seconds."
    concurrent: Few = key(number_rules.USUAL.concurrent, example="1")
    "Calls at once with one number."
    warm_up: tuple[Stage, ...] = key(_stages(number_rules.USUAL.warm_up), example="[{days: 7, day_cap: 20, at_least: 10}, {days: 14, day_cap: 50, at_least: 20}]")
    "Ramp of a new number."
    probation: tuple[Stage, ...] = key(_stages(number_rules.USUAL.probation), example="[{days: 7, day_cap: 30, at_least: 10}]")
    "Ramp of a number that comes back from a rest."
    day_begins_h: Hours = key(number_rules.USUAL.day_begins_h, example="5")
    "Hour of UTC at which the day of the caps begins."
    rest_days: Days = key(number_rules.USUAL.rest_days, example="45")
    "First rest; each relapse doubles it."
    longest_rest_days: Days = key(number_rules.USUAL.longest_rest_days, example="120")
    "Longest rest."
    relapses: Few = key(number_rules.USUAL.relapses, example="2")
    "A number that declines again on probation this often is retired."
    idle_days: Days = key(number_rules.USUAL.idle_days, example="90")
    "Without a call for so long, a number is warmed up again."
    labels: Few = key(number_rules.USUAL.labels, example="1")
    "Labelled observations within `label_window_h` that put a number to rest."
    label_window_h: Hours = key(number_rules.USUAL.label_window_h, example="72")
    "See `labels`."
    label_days: Days = key(number_rules.USUAL.label_days, example="14")
    "A label nobody has confirmed for so long no longer counts."
    complaint_rate: Share = key(number_rules.USUAL.complaint_rate, example="0.005")
    "Complaints per answered call that put a number to rest, proven at 95 %."
    complaint_days: Days = key(number_rules.USUAL.complaint_days, example="30")
    "Complaints count for so long."
    answer_odds: Share = key(number_rules.USUAL.answer_odds, example="0.6")
    "Decline looked for: answer odds fallen to this share of what siblings have on the same route and hour."
    short_odds: Odds = key(number_rules.USUAL.short_odds, example="3.0")
    "Rise looked for of short calls the callee ends, as odds against siblings."
    false_alarm_attempts: Attempts = key(number_rules.USUAL.false_alarm_attempts, example="200000")
    "A sound number is put to rest by chance at most once in so many attempts, per kind of evidence."
    pool_false_alarm_attempts: Attempts = key(number_rules.USUAL.pool_false_alarm_attempts, example="2000000")
    "A sound pool raises its alarm by chance at most once in so many attempts."
    pool_cap_share: Share = key(number_rules.USUAL.pool_cap_share, example="0.3")
    "Part of its caps a pool keeps while its alarm is raised."
    pool_cooled_share: Share = key(number_rules.USUAL.pool_cooled_share, example="0.1")
    "Part of a pool put to rest within 7 days that raises its alarm."
    sticky_days: Days = key(number_rules.USUAL.sticky_days, example="90")
    "A callee sees the same number again for so long."
    near_km: Annotated[float, Field(ge=0, le=20_000, allow_inf_nan=False), Kind("km")] = key(number_rules.USUAL.near_km, example="80")
    "Numbers of areas within this distance count as local."
    local_only: YesNo = key(number_rules.USUAL.local_only, example="true")
    "Refuse rather than call from beyond `near_km`."
    callback: tuple[Name, ...] = key((), example="[office]")
    "Trunks that take calls to its numbers, in order, where `dids` says nothing of the number; each registers or has a `host`."


class Presentation(Section):
    """Which numbers may be shown where, and how; the first that fits counts."""

    carrier: Name | None = key(None, example="alpha")
    "Only over this carrier."
    country: Country | None = key(None, example="FR")
    "Only to callees there."
    since: Day | None = key(None, example="2025-10-01")
    "First day it holds."
    until: Day | None = key(None, example="2026-12-31")
    "Last day it holds."
    types: tuple[NumberType, ...] = key((), example="[geographic, national]")
    "Types of number that may be shown; empty shows all."
    domestic: YesNo = key(False, example="true")
    "Only numbers of the callee's own country."
    own: YesNo = key(False, example="true")
    "Only numbers this carrier assigned (inventory column `provider`)."
    caller: Caller | None = key(None, example="{style: national, country_code: \"33\", trunk_prefix: \"0\"}")
    "How it is written; otherwise as the gateway says."


class Numbers(Section):
    """What holds for all numbers."""

    areas: FileName | None = key(None, example="areas.csv")
    "Table of areas (`area,country,prefixes,latitude,longitude`): which numbers are near whom."
    presentation: tuple[Presentation, ...] = key((), example="[{country: FR, types: [national]}]")
    "Which numbers may be shown where, and how; the first that fits counts."
    do_not_originate: tuple[Prefix, ...] = key((), example='["18005550100"]')
    "Numbers, or how they begin, whose owners never call with them: a dialer that sends one is refused."


def rules_of(pool: Pool) -> number_rules.Rules:
    """A pool's section as the rules calls go by."""
    values: dict[str, Any] = {name: getattr(pool, name) for name in number_rules.Rules.__struct_fields__}
    for name in ("warm_up", "probation"):
        values[name] = tuple(number_rules.Stage(stage.days, stage.day_cap, stage.at_least) for stage in values[name])
    return number_rules.Rules(**values)


def presentation_of(section: Presentation) -> number_rules.Presentation:
    return number_rules.Presentation(
        section.carrier or "", section.country or "", section.since or 0, 2**31 if section.until is None else section.until, section.types,
        section.domestic, section.own, CallerFormat(**section.caller.model_dump()) if section.caller else None,
    )  # fmt: skip


def areas_in(document: "Document", files: Mapping[str, bytes]) -> tuple[tuple[Area, ...], list[Finding]]:
    """The table of areas, and what is wrong with it; a file that could not be read is empty here and told of elsewhere."""
    name = document.numbers.areas
    if name is None or name not in files:
        return (), []
    found = read_areas(files[name].decode("utf-8", "replace"))
    if isinstance(found, tuple):
        return found, []
    return (), [Finding(("numbers", "areas"), f"{name}, line {problem.line}: {problem.message}", problem.fix) for problem in found]


def check_numbers(document: "Document") -> Iterator[Finding]:
    """What no single section can know about pools and caller IDs."""
    for name, trunk in document.trunks.items():
        caller = trunk.caller_id
        if caller.use in ("prefer", "replace") and not caller.pool:
            yield Finding(("trunks", name, "caller_id"), f"`use: {caller.use}` and no pool to take a number from", "add `pool`, a name in the inventory's column `pool`")
    for name, pool in document.pools.items():
        for at, trunk_name in enumerate(pool.callback):
            yield from check_takes_calls(document.trunks, trunk_name, ("pools", name, "callback", at))
        for problem in number_rules.refused_ramps(rules_of(pool)):
            yield Finding(("pools", name, problem.path), problem.message, problem.fix)
    for at, rule in enumerate(document.numbers.presentation):
        if rule.carrier is not None and rule.carrier not in document.carriers:
            yield unknown(("numbers", "presentation", at, "carrier"), "carrier", rule.carrier, document.carriers)
        if rule.since is not None and rule.until is not None and rule.until < rule.since:
            yield Finding(("numbers", "presentation", at, "until"), "the rule ends before it begins", "exchange the two dates")
