"""`trunkline explain ID`: why a call went where it went, with the number it showed (design rule 8: decisions explain themselves)."""

from typing import Any

import msgspec
import typer

from trunkline.cli.calls import CallId, encoded, told
from trunkline.cli.command import Data, Json
from trunkline.cli.rendering import delay, indented, plain, table
from trunkline.cli.source import Source, Story, data_directory
from trunkline.facts.numbers import NumberTaken
from trunkline.facts.record import Attempt, Decision
from trunkline.facts.refusal import CATALOGUE

CHOSEN = {
    "sticky": "the callee saw it before", "local": "it is of the callee's area", "near": "it is of an area near by", "country": "it is of the callee's country",
    "any": "no nearer one had room", "dialer": "the dialer sent it, and it may be used",
}  # fmt: skip


def explain(call_id: CallId, data: Data = None, as_json: Json = False) -> None:
    """Why a call went where it went: candidates with scores and chances, the draw, what was left out and why, the number and why that one.

    Example: trunkline explain 3f2a9c1b
    """
    with told():
        story = Source(data_directory(data)).story(call_id)
        typer.echo(encoded(values(story)) if as_json else text(story.id, story))


def values(story: Story) -> dict[str, Any]:
    """Everything the text says, as plain values."""
    decision, taken, call = story.decision, number_of(story), story.call
    return {
        "call": call.call if call is not None else "", "refusal": call.refusal if call is not None else "",
        "decision": msgspec.to_builtins(decision) if decision is not None else None,
        "candidates": candidates(decision, story.attempts) if decision is not None else [],
        "number": msgspec.to_builtins(taken) if taken is not None else None,
    }  # fmt: skip


def number_of(story: Story) -> NumberTaken | None:
    """The number the call took."""
    return next((fact for fact in story.facts if isinstance(fact, NumberTaken)), None)


def candidates(decision: Decision, attempts: list[Attempt]) -> list[dict[str, Any]]:
    """Every gateway in the order it was to be tried, and what became of it."""
    return [
        {
            "gateway": gateway, "score": decision.scores[i] if i < len(decision.scores) else None,
            "propensity": decision.propensity[i] if i < len(decision.propensity) else None, "became": _became(decision, gateway, [attempt for attempt in attempts if attempt.gateway == gateway]),
        }
        for i, gateway in enumerate(decision.candidates)
    ]  # fmt: skip


def _became(decision: Decision, gateway: str, attempts: list[Attempt]) -> str:
    if attempts:
        return "; then ".join(_ended(attempt, attempt is attempts[-1]) for attempt in attempts)
    code = decision.excluded.get(gateway)
    if code is not None:
        known = CATALOGUE.get(code)
        return f"left out, {code}: {known.text if known else ''}"
    return "not asked" if decision.numberless else "not needed"


def _ended(attempt: Attempt, last: bool) -> str:
    """Of one attempt; all but the last of a gateway were followed by one over another of its paths."""
    left_by = f", from {attempt.local}" if attempt.local else ""
    if attempt.outcome == "answered":
        return f"answered after {delay(attempt.answer_ms)}{f', heard as {attempt.heard}' if attempt.heard else ''}{left_by}"
    on = "next path" if not last else "next route" if attempt.next == "next" else "the call ended with it"
    return f"{f'{attempt.status} {attempt.phrase} ({attempt.evidence})' if attempt.status else attempt.evidence}, {on}{left_by}"


def text(call_id: str, story: Story) -> str:
    """For a person."""
    decision, taken, call = story.decision, number_of(story), story.call
    parts: list[str] = []
    if call is not None:
        parts.append(f"{call_id}: {plain(call.caller_raw)} called {plain(call.called or call.called_raw)} {'by' if call.direction == 'outbound' else 'for'} trunk {call.trunk}; told {call.status} ({call.result}).")
        refusal = CATALOGUE.get(call.refusal)
        if refusal is not None:
            parts.append(f"Refused, {refusal.code}: {refusal.text}{f' It was: {plain(call.why)}.' if call.why else ''}")
    if decision is None:
        parts.append("It was refused before any route was looked at." if call is not None else "Nothing was decided yet.")
        return "\n".join(parts)
    band = f", band {decision.band}" if decision.band else ""
    holdout = "; it was one of the holdout, whose first route is drawn from all sound ones alike" if decision.holdout else ""
    draw = f"; draw {decision.draw:.4f}" if decision.draw else ""
    parts.append(f"Destination {decision.destination}{band}, strategy {decision.strategy}, policy {decision.policy}{draw}{holdout}.")
    rows = [
        (
            str(i), row["gateway"], "-" if row["score"] is None else f"{row['score']:.4f}", "-" if row["propensity"] is None else f"{row['propensity']:.1%}",
            row["became"],
        )
        for i, row in enumerate(candidates(decision, story.attempts), 1)
    ]  # fmt: skip
    parts.append(indented(table(("#", "GATEWAY", "WORTH", "CHANCE TO BE FIRST", "WHAT BECAME OF IT"), rows, ("#", "WORTH", "CHANCE TO BE FIRST"))))
    others = {gateway: code for gateway, code in decision.excluded.items() if gateway not in decision.candidates}
    parts += [f"Left out: {gateway}, {code}." for gateway, code in others.items()]
    if taken is not None:
        apart = f", {taken.distance_km:.0f} km away" if taken.distance_km > 0 else ""
        parts.append(f"Number {taken.number} of pool {taken.pool}: {CHOSEN.get(taken.chosen, taken.chosen)}{apart}; {taken.open} had room.{_closed(taken.excluded)}")
    elif decision.numberless:
        parts.append(f"No number could be called with: {_counted(decision.numberless) or 'the pool is empty'}.")
    elif call is not None and call.caller and call.direction == "outbound":
        parts.append(f"Number {plain(call.caller)}: as the dialer sent it; the trunk's caller IDs are not governed (`caller_id`).")
    return "\n".join(parts)


def _closed(excluded: dict[str, int]) -> str:
    return f" Others of the pool: {_counted(excluded)}." if excluded else ""


def _counted(excluded: dict[str, int]) -> str:
    return ", ".join(f"{count} {why}" for why, count in sorted(excluded.items()))
