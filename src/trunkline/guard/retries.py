"""How soon and how often one callee may be called again: rules of contact held against the ledger."""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from trunkline.facts.record import Call
from trunkline.guard.ledger import CODES, FAILED, OUTCOMES
from trunkline.policy.contact_rules import ContactRule

SHORT_MS = 6_000.0
"Talk time up to which an answered call that the callee ended is a short one."

DIRECT = frozenset(("busy", "rejected", "blocked", "vacant", "machine"))
"Results that are outcomes."


class Spaced(Struct, frozen=True, gc=False):
    """One rule, ready to be held against calls."""

    rule: ContactRule
    after: tuple[int, ...]
    "Seconds by outcome code; 0 asks for nothing."
    caps: tuple[tuple[int, int], ...]
    "Calls and seconds."
    span_s: int
    "How far back its calls count."


class TooSoon(Struct, frozen=True, gc=False):
    """A rule says not yet."""

    rule: ContactRule
    again_s: int
    "Unix second from which it allows a call."
    why: str


def spaced(rules: Iterable[ContactRule]) -> tuple[Spaced, ...]:
    """The rules that look at earlier calls."""
    return tuple(_spaced(rule) for rule in rules if rule.caps or rule.after)


def _spaced(rule: ContactRule) -> Spaced:
    wanted = dict(rule.after)
    after = tuple(round(wanted.get(outcome, 0.0)) for outcome in OUTCOMES)
    caps = tuple((cap.calls, round(cap.within_s)) for cap in rule.caps)
    return Spaced(rule, after, caps, max(*after, *(within for _, within in caps), 0))


def too_soon(rules: Sequence[Spaced], calls: Sequence[tuple[int, int, int]], scope: int, at_s: int) -> TooSoon | None:
    """The rule that asks to wait longest, None when a call may be placed at `at_s`; `calls` are the callee's, newest first."""
    longest: TooSoon | None = None
    tenant = scope >> 16
    for each in rules:
        rule = each.rule
        own = [call for call in calls if (call[2] == scope if rule.per_campaign else call[2] >> 16 == tenant)]
        if not own:
            continue
        again, why = at_s, ""
        for ended, outcome, _ in own:
            allowed = ended + each.after[outcome]
            if allowed > again:
                again, why = allowed, f"the last call came to {OUTCOMES[outcome]}"
        if each.caps:
            counted = [ended for ended, outcome, _ in own if outcome != FAILED]
            for calls_allowed, within in each.caps:
                if len(counted) >= calls_allowed and counted[calls_allowed - 1] + within > again:
                    again, why = counted[calls_allowed - 1] + within, f"{calls_allowed} calls in {_said(within)} were placed"
        if why and (longest is None or again > longest.again_s):
            longest = TooSoon(rule, again, why)
    return longest


def outcome_of(call: Call, heard: str) -> int | None:
    """What a call came to, as a code of `OUTCOMES`; None for one that does not count: inbound, emergency, never sent, given up before alerting.

    `heard` is what listening took the answer for (`Attempt.heard`).
    """
    if call.direction != "outbound" or call.emergency or not call.attempts or not call.called:
        return None
    if call.result in DIRECT:
        return CODES[call.result]
    if call.answer_ms is not None:
        if heard == "machine":
            return CODES["machine"]
        if call.talk_ms is not None and call.talk_ms <= SHORT_MS and call.released_by == "carrier":
            return CODES["short"]
        return CODES["human" if heard == "human" else "unknown"]
    if call.result == "no_answer" or call.alerting_ms is not None:
        return CODES["no_answer"]
    return None if call.result == "cancelled" else FAILED


def _said(seconds: int) -> str:
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds % unit == 0:
            return f"{seconds // unit}{name}"
    return f"{seconds}s"
