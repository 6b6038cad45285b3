"""Destinations, inbound numbers and emergency calls: where calls go."""

from typing import Annotated, Literal

from trunkline.policy.dips import Country, NumberType
from trunkline.policy.scalars import (
    ClockTime,
    Count,
    DialString,
    Duration,
    Increments,
    Memory,
    Money,
    Name,
    NotBlank,
    NotEmpty,
    Percent,
    Prefix,
    RouteName,
    Wait,
    Zone,
)
from trunkline.policy.section import Section, key


class Route(Section):
    """A carrier, or one gateway of it, that a destination may use."""

    to: RouteName = key(example="beta/main")
    "`carrier` for all its gateways, or `carrier/gateway`."
    share: Percent = key(0.0, example="70")
    "Its part of the calls for strategies `percentage` and `experiment`, all of them summing to 100; others ignore it."
    rate: Money = key(0.0, example="0.0085")
    "Price of a minute, carrier side, by whatever currency all prices are in."
    increments: Increments = key((60, 60), example='"30/6"')
    "Seconds billed at least, and the step after that."
    fee: Money = key(0.0, example="0.002")
    "Price of every answered call, before its first second."
    short_call_fee: Money = key(0.0, example="0.01")
    "Surcharge on answered calls of at most 6 s."


class Scoring(Section):
    """What counts for strategies `performance` and `rank`, in money, and how fast the past is forgotten."""

    value: Money = key(1.0, example="0.8")
    "What a conversation with a human is worth."
    machine: Money = key(0.0, example="0.02")
    "What an answer by a machine costs beside the carrier's bill: the seconds of an agent who hears it out."
    false_answer: Money = key(0.05, example="0.07")
    "What an answer without anybody costs beside the bill: ringback, an announcement or silence after the 200."
    short_call: Money = key(0.0, example="0.01")
    "What a call costs that the callee ends within 6 s, beside the bill: such calls burn numbers."
    delay: Money = key(0.0, example="0.002")
    "What each second of post-dial delay over `target_delay` costs."
    target_delay: Duration = key(4.0, example="3s")
    "Post-dial delay nobody minds."
    holdout: Percent = key(2.0, example="3")
    "Part of the calls that goes to every sound route alike, so that what is learnt stays unbiased."
    floor: Percent = key(0.0, example="0.5")
    "Part of the calls every sound route gets beside the holdout."
    max_rate: Money = key(0.0, example="0.05")
    "A route with a dearer minute gets no part of holdout and floor; 0 sets no ceiling."
    memory: Wait = key(86_400.0, example="12h")
    "A call counts half after this long."
    memory_calls: Memory = key(4000, example="2000")
    "A call counts half after this many others on its route and destination."


class Destination(Section):
    """Called numbers that share their routes; the longest prefix of all destinations wins."""

    prefixes: Annotated[tuple[Prefix, ...], NotEmpty] = key((), example='["1", "44"]')
    'How its numbers begin, without +, in quotes; `""` covers everything.'
    countries: tuple[Country, ...] = key((), example="[US, CA]")
    "Countries its numbers belong to, in place of prefixes or beside them."
    types: tuple[NumberType, ...] = key((), example="[mobile]")
    "Number types: of `countries` where it has any, else of every country. Compiled to prefixes; a dip that tells a number's type counts more."
    operators: tuple[NotBlank, ...] = key((), example='["T-Mobile US", "6529"]')
    "Operators as dips tell them, within `countries` and `prefixes` where it has any: such numbers go here wherever else they would."
    strategy: Literal["priority", "percentage", "least_cost", "performance", "rank", "experiment"] = key(
        "priority", example="performance"
    )
    """priority takes routes in the order written; percentage draws the first by `share`; least_cost takes the cheapest
    minute; performance learns which route is worth most, rank takes its best guess without trying others; experiment
    splits callees by `share` and keeps each on its side."""
    routes: Annotated[tuple[Route, ...], NotEmpty] = key(example="[{to: alpha}, {to: beta/main}]")
    "Where its calls may go."
    max_attempts: Count = key(5, example="3")
    "Attempts at most for one call."
    zone: Zone = key("UTC", example="America/New_York")
    "Time zone of its callees, for `bands`."
    tie: Percent = key(0.0, example="5")
    "least_cost: routes at most this much dearer than the cheapest share its calls alike."
    scoring: Scoring = key(Scoring(), example="{value: 0.8, false_answer: 0.07}")
    "What performance and rank go by."


class Band(Section):
    """A named part of the week, in the callee's zone; the first that fits counts."""

    begins: ClockTime = key(0, example='"08:00"')
    "First minute of it."
    ends: ClockTime = key(1440, example='"12:00"')
    "First minute after it; at or before `begins`, it goes on past midnight."
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = key((), example="[mon, tue, wed]")
    "Days it begins on; empty means every day."


class Did(Section):
    """An inbound number, or every number that begins with what stands before a star."""

    trunks: Annotated[tuple[Name, ...], NotEmpty] = key(example="[office, vici-1]")
    "Who takes its calls, tried in order; each registers or has a `host`."


class Emergency(Section):
    """Emergency calls: past every limit, never from a trunk of kind `dialer`."""

    numbers: tuple[DialString, ...] = key(("911", "112", "999", "933"), example='["911", "112"]')
    "Numbers as dialled, compared before the number plan is applied."
    test_numbers: tuple[DialString, ...] = key(("933",), example='["933"]')
    "Those of `numbers` that only test; unwritten, it is 933 where `numbers` has it."
    routes: tuple[RouteName, ...] = key((), example="[alpha, beta/main]")
    "Tried in order, all of them; needed as soon as there is a trunk of kind `pbx`."
