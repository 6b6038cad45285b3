"""Calls as they were logged: their facts, scattered over the journal, put together call by call.

A call is decided on when it begins and recorded when it is over, so its facts lie minutes apart among those of others. What a replay does not
look at is dropped at once: a hundred thousand calls are then some hundred megabytes and not a gigabyte.
"""

from collections.abc import Iterable
from sys import intern

from msgspec import Struct
from msgspec.structs import replace

from trunkline.facts.numbers import NumberAdded, NumberChanged, NumberComplaint
from trunkline.facts.record import AnswerLabelled, Attempt, Call, Decision, Fact, GatewayState

KEPT = (GatewayState, NumberComplaint, NumberAdded, NumberChanged, AnswerLabelled)
"Facts beside those of calls that change a decision: who is out, who opted out, what answered."


class LoggedCall(Struct):
    """One call that a dialer made and that is over."""

    record: Call
    decision: Decision | None = None
    "As first said: when the call was placed. None where it was refused before."
    attempts: tuple[Attempt, ...] = ()
    "By position."
    label: str = ""
    "What a person said answered it, empty when nobody did."

    @property
    def first(self) -> Attempt | None:
        """The first attempt: the one a policy chooses. Later ones are made because it failed, so their calls are a selected sample."""
        return self.attempts[0] if self.attempts and self.attempts[0].position == 1 else None

    @property
    def ended_us(self) -> int:
        """UTC microseconds."""
        return self.record.at + int(self.record.total_ms * 1000)


class Log(Struct):
    """Calls in the order they began, and what else happened."""

    calls: list[LoggedCall]
    others: list[Fact]
    "Facts of `KEPT`, in the order they were written."
    left_out: dict[str, int]
    "Why calls are not among them -> how many: inbound, emergency, under way."


def gather(facts: Iterable[Fact], from_us: int = 0) -> Log:
    """Put together the calls that dialers made and that began at UTC microsecond `from_us` or later; facts in the order of the journal."""
    decisions: dict[str, Decision] = {}
    attempts: dict[str, list[Attempt]] = {}
    labels: dict[str, str] = {}
    records: list[Call] = []
    others: list[Fact] = []
    for fact in facts:
        if isinstance(fact, KEPT):
            others.append(fact)
            if isinstance(fact, AnswerLabelled):
                labels[fact.call] = fact.kind
        elif not isinstance(fact, Attempt | Decision | Call) or fact.at < from_us:
            continue
        elif isinstance(fact, Attempt):
            attempts.setdefault(fact.call, []).append(_light_attempt(fact))
        elif isinstance(fact, Decision):
            decisions.setdefault(fact.call, _light_decision(fact))
        else:
            records.append(_light_record(fact))
    # Only now: the record of a call that its dialer gave up is written before the attempt is, whose CANCEL the carrier has yet to answer.
    calls: list[LoggedCall] = []
    left_out: dict[str, int] = {}
    for record in sorted(records, key=_began):
        decision, tried = decisions.pop(record.call, None), sorted(attempts.pop(record.call, ()), key=_position)
        why = "inbound" if record.direction != "outbound" else "emergency" if record.emergency else ""
        if why:
            left_out[why] = left_out.get(why, 0) + 1
        else:
            calls.append(LoggedCall(record, decision, tuple(tried), labels.get(record.call, "")))
    if decisions:
        left_out["under way"] = len(decisions)
    return Log(calls, others, left_out)


def _began(record: Call) -> int:
    return record.at


def _position(attempt: Attempt) -> int:
    return attempt.position


def _light_attempt(fact: Attempt) -> Attempt:
    return replace(
        fact, tenant=intern(fact.tenant), trunk=intern(fact.trunk), destination=intern(fact.destination), carrier=intern(fact.carrier),
        gateway=intern(fact.gateway), transport="", remote="", called="", caller="", carrier_call_id="", reason="", outcome=intern(fact.outcome),
        evidence=intern(fact.evidence), phrase=intern(fact.phrase), next="", early_media="", codec="", server="", session_id="", band=intern(fact.band),
        heard=intern(fact.heard), early_heard="", alerted_by="",
    )  # fmt: skip


def _light_decision(fact: Decision) -> Decision:
    return replace(
        fact, policy=intern(fact.policy), destination=intern(fact.destination), strategy=intern(fact.strategy),
        candidates=tuple(map(intern, fact.candidates)), scores=(), numberless={},
    )  # fmt: skip


def _light_record(fact: Call) -> Call:
    return replace(
        fact, node="", policy=intern(fact.policy), tenant=intern(fact.tenant), trunk=intern(fact.trunk), source="", transport="", dialer_call_id="",
        user_agent="", destination=intern(fact.destination), strategy="", state="", result=intern(fact.result), refusal=intern(fact.refusal), carrier="",
        gateway="", session_id="", message="", why="",
    )  # fmt: skip
