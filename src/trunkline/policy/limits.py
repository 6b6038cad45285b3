"""Safe limits: bounds no policy may break, each with its reason, so that "more volume" is refused in words (row N11).

A limit names where its values stand in the document; `*` is any name or position. What is beyond is an error like any other, with line and
fix, so neither `apply` nor a restart can put it in force.
"""

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from trunkline.policy.document import Document
from trunkline.policy.number_rules import LIMITS, SOURCES
from trunkline.policy.problem import Finding, Location
from trunkline.policy.section import Section


class SafeLimit(Struct, frozen=True, gc=False):
    """One bound, or two."""

    name: str
    "Stable: what messages and docs call it."
    path: tuple[str, ...]
    "Where the value stands, from the top of the document; `*` is any name or position."
    why: str
    "What happens beyond it."
    source: str
    "Regulation, RFC or publication; `our judgement` where nobody says."
    least: float | None = None
    most: float | None = None
    unit: str = ""
    "s, % or what is counted; empty is a bare number."
    off: float | None = None
    "A value that switches the thing off and is always allowed."
    measured: Callable[[Any], float] | None = None
    "From what stands at `path` to the number judged; None judges it itself."

    @property
    def bounds(self) -> str:
        """As a person reads them: `at least 15s`, `5 % to 50 %`."""
        low, high = (None if bound is None else written(bound, self.unit) for bound in (self.least, self.most))
        if low is not None and high is not None:
            return f"{low} to {high}"
        return f"at least {low}" if low is not None else f"at most {high}"

    def allows(self, value: float) -> bool:
        """Whether a value is inside."""
        if self.off is not None and value == self.off:
            return True
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


GATEWAYS = (("carriers", "*", "defaults"), ("carriers", "*", "gateways", "*"))
"The two places a gateway's keys stand."


def _given_away(destination: Any) -> float:
    scoring = destination.scoring
    given: float = scoring.holdout + scoring.floor * len(destination.routes)
    return given


SAFE_LIMITS: tuple[SafeLimit, ...] = (
    *(
        SafeLimit(
            "ring_time", (*place, "timers", "no_answer"), "people are not given the time to answer, and their phones show a missed call",
            "47 CFR 64.1200(a)(6): 15 seconds or four rings; Ofcom's practice: 15 seconds", least=15.0, unit="s",
        )
        for place in GATEWAYS
    ),
    *(
        SafeLimit(
            "patience", (*place, "timers", "no_response"), "a dead gateway holds every call for so long before the next route is tried",
            "RFC 3261 section 17.1.1.2: timer B ends any transaction after 32 s", most=32.0, unit="s",
        )
        for place in GATEWAYS
    ),
    SafeLimit(
        "screening_wait", ("trunks", "*", "listen", "wait"), "whoever answered hears nothing meanwhile: a call not connected within 2 s of the greeting is abandoned",
        "47 CFR 64.1200(a)(7), and a greeting of up to 2 s before it", most=4.0, unit="s",
    ),
    SafeLimit(
        "setup_time", ("trunks", "*", "setup"), "proxies on the way give the call up (timer C), and nobody learns what became of it",
        "RFC 3261 section 16.6: timer C is longer than 3 minutes", most=180.0, unit="s",
    ),
    SafeLimit(
        "attempts", ("destinations", "*", "max_attempts"), "a call that nobody carries becomes a burst of attempts at every carrier, which analytics count against the number",
        "our judgement", most=10, unit="attempts",
    ),
    SafeLimit(
        "given_away", ("destinations", "*"), "holdout and floors send more calls where they are not expected to do best than where they are",
        "our judgement", most=50, unit="%", measured=_given_away,
    ),
    SafeLimit(
        "memory", ("destinations", "*", "scoring", "memory"), "a score that forgets within minutes follows chance", "our judgement", least=600.0, unit="s",
    ),
    *(
        SafeLimit(f"numbers_{name}", ("pools", "*", name), limit.why, SOURCES.get(name, "our judgement"), least=limit.low, most=limit.high)
        for name, limit in LIMITS.items()
    ),
)  # fmt: skip
"In the order of the document. A section with bounds of its own adds its rows here."


def beyond(document: Document, limits: tuple[SafeLimit, ...] = SAFE_LIMITS) -> Iterator[Finding]:
    """A finding for every value that breaks a safe limit."""
    for limit in limits:
        for path, found in _at(document, limit.path, ()):
            value = found if limit.measured is None else limit.measured(found)
            if not limit.allows(value):
                what = "" if limit.measured is None else " together"
                message = f"{written(value, limit.unit)}{what} is beyond the safe limit `{limit.name}` ({limit.bounds}): {limit.why}"
                yield Finding(path, message, f"write {limit.bounds}; source: {limit.source}", alone=True)


def _at(value: object, pattern: tuple[str, ...], path: Location) -> Iterator[tuple[Location, Any]]:
    """Every value a pattern leads to, with its path; names that lead nowhere lead to nothing."""
    if not pattern:
        yield path, value
        return
    part, rest = pattern[0], pattern[1:]
    if isinstance(value, Section):
        if part in type(value).model_fields:
            yield from _at(getattr(value, part), rest, (*path, part))
    elif part == "*" and isinstance(value, dict):
        for name, entry in value.items():
            yield from _at(entry, rest, (*path, name))
    elif part == "*" and isinstance(value, tuple):
        for at, entry in enumerate(value):
            yield from _at(entry, rest, (*path, at))


def written(value: float, unit: str) -> str:
    """A number with its unit, seconds as a policy writes them."""
    return f"{value:.10g}s" if unit == "s" else f"{value:.10g} {unit}".strip()
