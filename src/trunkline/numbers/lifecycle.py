"""The life of a number, as a table: warm-up, production, rest, probation, retirement.

Labels are given to numbers that call much and are not known, or known and not wanted. So a number starts slowly, is taken out on evidence, rests,
comes back on probation, and after too many relapses is retired. It stays ours until it is given back: people call back numbers that
called them long ago. A rule or a person sends an event; every transition is a `NumberTransition` fact with its reason.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeAlias

from trunkline.facts.numbers import NumberTransition
from trunkline.policy.number_rules import Rules

from .life import Life, State

DAY_US: Final = 86_400_000_000


class Event(StrEnum):
    """What moves a number. The first group is sent by rules, the second by a person."""

    BEGIN = "begin"
    WARMED = "warmed"
    LABELLED = "labelled"
    COMPLAINED = "complained"
    DECLINED = "declined"
    SHUNNED = "shunned"
    "The called hang up at once more often than with its siblings."
    BLOCKED = "blocked"
    "Analytics refused its calls (603 with an analytics reason, 607, 608)."
    INTERCEPTED = "intercepted"
    "Call blockers answer it with a special information tone."
    IDLE = "idle"
    RESTED = "rested"
    PROVEN = "proven"
    EXHAUSTED = "exhausted"

    REST = "rest"
    REINSTATE = "reinstate"
    PROMOTE = "promote"
    RETIRE = "retire"
    RELEASE = "release"


PERSONAL = frozenset((Event.REST, Event.REINSTATE, Event.PROMOTE, Event.RETIRE, Event.RELEASE))
"Events a person sends, with a reason."

EVIDENCE = frozenset((Event.LABELLED, Event.COMPLAINED, Event.DECLINED, Event.SHUNNED, Event.BLOCKED, Event.INTERCEPTED))

ACTIVE: Final = frozenset((State.WARM_UP, State.PRODUCTION, State.RECOVERY))
"States a number may be called with in."


Action: TypeAlias = Callable[[Life, Rules, int], None]


def restart_ramp(life: Life, rules: Rules, at: int) -> None:
    life.ramp_days = 0


def begin_rest(life: Life, rules: Rules, at: int) -> None:
    days = min(rules.rest_days << min(life.relapses, 8), rules.longest_rest_days)
    life.rest_until = at + days * DAY_US


def count_relapse(life: Life, rules: Rules, at: int) -> None:
    life.relapses += 1


def end_rest(life: Life, rules: Rules, at: int) -> None:
    life.rest_until = min(life.rest_until, at)


def judge_anew(life: Life, rules: Rules, at: int) -> None:
    life.judged_from = at


def forgive(life: Life, rules: Rules, at: int) -> None:
    """A probation served, or a person's word, takes one relapse off."""
    life.relapses = max(0, life.relapses - 1)


_S, _E = State, Event
_TAKEN_OUT: dict[Event, tuple[State, tuple[Action, ...]]] = {
    event: (_S.COOLING, (begin_rest,)) for event in (_E.LABELLED, _E.COMPLAINED, _E.DECLINED, _E.SHUNNED, _E.BLOCKED, _E.INTERCEPTED, _E.REST)
}
_RELAPSED: dict[Event, tuple[State, tuple[Action, ...]]] = {event: (state, (count_relapse, *actions)) for event, (state, actions) in _TAKEN_OUT.items()}
_RETIRE: dict[Event, tuple[State, tuple[Action, ...]]] = {_E.RETIRE: (_S.RETIRED, ())}

TRANSITIONS: dict[State, dict[Event, tuple[State, tuple[Action, ...]]]] = {
    _S.STOCK: {_E.BEGIN: (_S.WARM_UP, (restart_ramp,)), _E.PROMOTE: (_S.PRODUCTION, ()), **_RETIRE},
    _S.WARM_UP: {_E.WARMED: (_S.PRODUCTION, ()), _E.PROMOTE: (_S.PRODUCTION, ()), **_TAKEN_OUT, **_RETIRE},
    _S.PRODUCTION: {_E.IDLE: (_S.WARM_UP, (restart_ramp,)), **_TAKEN_OUT, **_RETIRE},
    _S.COOLING: {
        _E.RESTED: (_S.RECOVERY, (restart_ramp, judge_anew)), _E.REINSTATE: (_S.RECOVERY, (end_rest, restart_ramp, judge_anew, forgive)), **_RETIRE,
    },
    _S.RECOVERY: {
        _E.PROVEN: (_S.PRODUCTION, (forgive,)), _E.PROMOTE: (_S.PRODUCTION, (forgive,)), _E.EXHAUSTED: (_S.RETIRED, (count_relapse, begin_rest)),
        **_RELAPSED, **_RETIRE,
    },
    _S.RETIRED: {_E.REINSTATE: (_S.RECOVERY, (end_rest, restart_ramp, judge_anew)), _E.RELEASE: (_S.RELEASED, ())},
    _S.RELEASED: {},
}  # fmt: skip
"State -> what happened -> state and what is done. What a row does not name is refused."

STEPS: dict[tuple[str, str], tuple[State, tuple[Action, ...]]] = {(state, event): step for state, row in TRANSITIONS.items() for event, step in row.items()}
"The same by the words of a fact."


def target(state: State, event: Event) -> State | None:
    """Where an event leads; None when the table does not allow it."""
    row = TRANSITIONS[state].get(event)
    return row[0] if row else None


def is_step(before: str, event: str, after: str) -> bool:
    """Whether the table has this step."""
    return (before, event) in STEPS and STEPS[before, event][0] == after


def advance(life: Life, fact: NumberTransition, rules: Rules) -> None:
    """Apply a transition that happened. The fact's `after` rules: a table that changed since does not rewrite history."""
    row = STEPS.get((fact.before, fact.event))  # a step of another version's table changes the state and does no more
    for action in row[1] if row else ():
        action(life, rules, fact.at)
    life.state, life.since = fact.after, fact.at


def come_back(life: Life, rules: Rules, at: int) -> None:
    """A number that was given back is in the inventory again, whoever holds it now.

    Engines know a number, not its owner. So what is left of its rest goes on (in stock, and nothing shortens it but a person), and its relapses
    count until it was gone for the longest rest; then it is a number like any other.
    """
    if at - life.since > rules.longest_rest_days * DAY_US:
        life.relapses = 0
    life.state, life.since, life.ramp_days = State.STOCK.value, at, 0


def override(life: Life, event: Event, at: int, author: str, reason: str) -> NumberTransition | str:
    """A person's transition, or why it is refused."""
    if event not in PERSONAL:
        return f"`{event.value}` is sent by rules only; a person sends one of {', '.join(sorted(one.value for one in PERSONAL))}"
    if not reason.strip() or not author.strip():
        return "an override needs a name and a reason; both stay on record"
    after = target(State(life.state), event)
    if after is None:
        allowed = sorted(one.value for one in TRANSITIONS[State(life.state)] if one in PERSONAL)
        return f"a number in {life.state} cannot `{event.value}`; possible is {', '.join(allowed) or 'nothing'}"
    return NumberTransition(at, life.number, life.state, after.value, event.value, reason, {}, author)


def diagram() -> str:
    """The table as a Mermaid state diagram, for docs/machines.md."""
    lines = ["stateDiagram-v2"]
    for state, row in TRANSITIONS.items():
        by_step: dict[tuple[State, str], list[str]] = {}
        for event, (after, actions) in row.items():
            by_step.setdefault((after, ", ".join(action.__name__ for action in actions)), []).append(event.value)
        for (after, done), events in by_step.items():
            lines.append(f"    {state.value} --> {after.value}: {', '.join(events)}" + (f" / {done}" if done else ""))
    return "\n".join(lines)
