"""When people may be called, how often and how soon again: sections `compliance` and `retries`.

Legal figures age, so none stands in code: the shipped ones are `compliance.yaml`, dated and with their sources, in the same keys an operator
writes his own with. They are read when the policy is compiled, never by signalling.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict

from trunkline.policy.contact_rules import ALWAYS, FOREVER, Contact, ContactRule, Exempt
from trunkline.policy.contact_rules import Cap as CapRule
from trunkline.policy.contact_rules import Window as WindowRule
from trunkline.policy.scalars import ClockTime, Count, Kind, Name, Text, reject
from trunkline.policy.section import Section, key

EPOCH_DAY = date(1970, 1, 1).toordinal()
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"(\d{1,6}(?:\.\d{1,3})?)\s*(s|m|h|d)")
SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
LONGEST_SPAN_S = 400 * 86_400.0

SETS = ("us", "us_states", "us_collections", "uk", "fr")
"Rules that come with Trunkline."


def parse_span(written: object) -> float:
    """Seconds from `15m`, `2h` or `7d`, up to 400 days."""
    match = SPAN.fullmatch(written.strip()) if isinstance(written, str) else None
    seconds = float(match[1]) * SECONDS[match[2]] if match else float("nan")
    if not 0 <= seconds <= LONGEST_SPAN_S:
        raise reject("not a span of time of at most 400 days", "write it like `15m`, `2h` or `7d`")
    return seconds


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise reject("the span must be longer than 0", "write it like `24h`")
    return seconds


def parse_day(written: object) -> int:
    """Days since 1970 from `2026-03-01`, which YAML may have read as a date already."""
    if isinstance(written, str):
        try:
            written = date.fromisoformat(written)
        except ValueError:
            written = None
    if type(written) is not date:
        raise reject("not a day", "write it like `2026-03-01`")
    return written.toordinal() - EPOCH_DAY


def _jurisdiction(written: str) -> str:
    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", written):
        raise reject("not a jurisdiction", "write an ISO 3166 code, such as `FR` or `US-FL`")
    return written


Span = Annotated[float, BeforeValidator(parse_span), Kind("span of time")]
Stretch = Annotated[float, BeforeValidator(parse_span), AfterValidator(_positive), Kind("span of time over 0")]
Day = Annotated[int, BeforeValidator(parse_day), Kind("day")]
Remembered = Annotated[int, Strict(), Field(ge=1_000, le=50_000_000), Kind("calls, 1000 to 50000000")]
Jurisdiction = Annotated[str, AfterValidator(_jurisdiction), Kind("ISO 3166 code")]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Window(Section):
    """Part of the day in which calling is allowed, in the callee's time."""

    begins: ClockTime = key(example='"08:00"')
    "First minute of it."
    ends: ClockTime = key(example='"21:00"')
    "First minute after it, later than `begins`."
    days: tuple[Weekday, ...] = key((), example="[mon, tue, wed, thu, fri]")
    "Days it is on; empty means every day."


class Cap(Section):
    """At most so many calls to one callee in any stretch of time so long."""

    calls: Count = key(example="3")
    "Calls allowed."
    within: Stretch = key(example="24h")
    "How long a call counts."


class Spacing(Section):
    """How long to leave a callee alone, by what the last call came to; 0 asks for nothing."""

    human: Span = key(0.0, example="7d")
    "After a conversation."
    short: Span = key(0.0, example="3d")
    "After an answered call that the callee ended within 6 s."
    machine: Span = key(0.0, example="4h")
    "After voicemail or another machine."
    unknown: Span = key(0.0, example="4h")
    "After an answer nobody listened to."
    busy: Span = key(0.0, example="15m")
    "After a busy callee."
    no_answer: Span = key(0.0, example="2h")
    "After a callee who let it ring, or could not be reached just then."
    rejected: Span = key(0.0, example="1d")
    "After a callee who declined."
    blocked: Span = key(0.0, example="30d")
    "After an analytics service blocked the call."
    vacant: Span = key(0.0, example="30d")
    "After a number that is not in service."
    failed: Span = key(0.0, example="5m")
    "After a call that no route could deliver."


class Retry(Section):
    """How often and how soon one callee may be called again. Every rule that fits a call holds; a list left empty fits all."""

    tenants: tuple[Name, ...] = key((), example="[acme]")
    "Whose calls."
    campaigns: tuple[Text, ...] = key((), example="[spring]")
    "Campaigns, as `metadata` of the trunk reads them."
    purposes: tuple[Text, ...] = key((), example="[sales]")
    "Purposes, as `metadata` of the trunk reads them."
    destinations: tuple[Name, ...] = key((), example="[us]")
    "Destinations of the policy."
    caps: tuple[Cap, ...] = key((), example="[{calls: 3, within: 24h}, {calls: 7, within: 7d}]")
    "How many calls; those that never reached the callee's network do not count."
    after: Spacing = key(Spacing(), example="{busy: 15m, no_answer: 2h, human: 7d}")
    "How soon again."
    counted: Literal["tenant", "campaign"] = key("tenant", example="campaign")
    "Calls are counted over all campaigns of the tenant, or each campaign by itself."


class Rule(Retry):
    """A rule of law or good practice: calling hours as well, by where the callee is and from when to when it is in force."""

    jurisdictions: tuple[Jurisdiction, ...] = key((), example="[US-FL, US-OK]")
    "Where the callee may be; a country is all its states; empty means everywhere."
    since: Day | None = key(None, example="2026-08-11")
    "First day it is in force; none: it is already."
    until: Day | None = key(None, example="2027-01-30")
    "Last day it is in force; none: no end is known."
    windows: tuple[Window, ...] = key((), example='[{begins: "08:00", ends: "21:00"}]')
    "Calling hours, any of them; empty sets none."
    closed: tuple[Day, ...] = key((), example="[2026-12-25]")
    "Days on which nobody is called."
    source: Text = key("", example="47 CFR 64.1200(c)(1)")
    "Where the figures come from; the refusal names it."


class NotForThem(Section):
    """Calls that are no solicitation."""

    trunks: tuple[Name, ...] = key((), example="[office]")
    "Trunks whose calls are exempt."
    campaigns: tuple[Text, ...] = key((), example="[appointments]")
    "Campaigns whose calls are exempt."
    purposes: tuple[Text, ...] = key((), example="[service]")
    "Purposes whose calls are exempt."


class Compliance(Section):
    """Rules of law on calling people. Do-not-call lists and opt-outs hold whatever is written here."""

    defaults: tuple[Literal["us", "us_states", "us_collections", "uk", "fr"], ...] = key((), example="[us, us_states]")
    "Shipped sets of rules, described with their sources in docs/compliance.md."
    rules: dict[Name, Rule] = key({}, example='{uk_hours: {jurisdictions: [GB], windows: [{begins: "09:00", ends: "20:00"}]}}')
    "Rules of your own by name; one that is named like a shipped one takes its place."
    exempt: NotForThem = key(NotForThem(), example="{purposes: [service]}")
    "Calls that these rules are not for; do-not-call lists and `retries` still hold for them."
    callee_zone: Literal["number", "dialer"] = key("number", example="dialer")
    "Where the callee's time comes from: every zone its number may be in, or what `metadata` reads as `zone` where it names one."
    remember: Remembered = key(2_000_000, example="5000000")
    "Calls held to count from, 24 bytes each; must cover the longest span of a rule. A change takes effect at the next start."


def compile_contact(compliance: Compliance, retries: Mapping[str, Retry]) -> Contact:
    """Every rule, shipped sets first."""
    laws = {name: rule for each in compliance.defaults for name, rule in shipped()[each].items()} | compliance.rules
    return Contact(
        rules=tuple(_law(name, rule) for name, rule in laws.items()) + tuple(_retry(name, retry) for name, retry in retries.items()),
        exempt=Exempt(compliance.exempt.trunks, compliance.exempt.campaigns, compliance.exempt.purposes),
        dialer_zone=compliance.callee_zone == "dialer",
        remember=compliance.remember,
    )


@cache
def shipped() -> dict[str, dict[str, Rule]]:
    """The sets of `compliance.yaml`."""
    import yaml

    read = yaml.load((files("trunkline.policy") / "compliance.yaml").read_text(), Loader=yaml.CSafeLoader)
    return {each: {name: Rule.model_validate(rule) for name, rule in read[each].items()} for each in SETS}


def _retry(name: str, retry: Retry, **more: Any) -> ContactRule:
    spans = {outcome: getattr(retry.after, outcome) for outcome in Spacing.model_fields}
    return ContactRule(
        name, tenants=retry.tenants, campaigns=retry.campaigns, purposes=retry.purposes, destinations=retry.destinations,
        caps=tuple(CapRule(cap.calls, cap.within) for cap in retry.caps),
        after=tuple((outcome, seconds) for outcome, seconds in spans.items() if seconds), per_campaign=retry.counted == "campaign", **more,
    )  # fmt: skip


def _law(name: str, rule: Rule) -> ContactRule:
    return _retry(
        name, rule, law=True, jurisdictions=rule.jurisdictions, closed=rule.closed, source=rule.source,
        first_day=ALWAYS if rule.since is None else rule.since, last_day=FOREVER if rule.until is None else rule.until,
        windows=tuple(WindowRule(window.begins, window.ends, tuple(DAYS.index(day) for day in window.days)) for window in rule.windows),
    )  # fmt: skip
