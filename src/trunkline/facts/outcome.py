"""The outcome table: what a failed attempt means and what to do next.

Evidence is read in a fixed order: an analytics or STIR reason, the Q.850 cause of a Reason header (RFC 6432), the SIP status. The first
row that matches decides. A carrier may override rows with its own code table, except the analytics and identity rows: a call that was
blocked because of who we are must not be tried again over another route.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct

from trunkline.facts.refusal import Result


class Class(StrEnum):
    """Whose matter it is."""

    ANSWERED = "answered"
    ROUTE = "route"
    CALLEE = "callee"
    OURS = "ours"
    CALLER = "caller"


class Next(StrEnum):
    """What to do with the call."""

    ROUTE_ON = "next"
    STOP = "stop"
    SAME_AGAIN = "same_again"


class Outcome(Struct, frozen=True, gc=False):
    """A row of the table, as it applied."""

    cls: Class
    next: Next
    evidence: str
    "Which row: `cause 34`, `status 486`, `analytics`, ..."
    result: Result
    "What the dialer is to understand when the call stops here."
    alarm: bool = False
    "A person should hear of it."


class Reply(Struct, frozen=True, gc=False):
    """What is known when an attempt has failed."""

    status: int
    "Final SIP status; 408 stands for silence, 503 for a transport error."
    cause: int = 0
    "Q.850 cause of a Reason header; 0 when there is none."
    reason: str = ""
    "Reason header values as received."
    alerted: bool = False
    "A 18x came before, and what it let be heard was not the network talking (`is_alerting`)."
    credentials_sent: bool = False
    redirect_server: bool = False
    silent: bool = False
    "No response came at all, or not in time; the status is our own."
    heard: str = ""
    "What early media held, as `Attempt.early_heard`."


_ROUTE, _CALLEE, _OURS = Class.ROUTE, Class.CALLEE, Class.OURS
_ON, _STOP = Next.ROUTE_ON, Next.STOP

CAUSES: dict[int, tuple[Class, Next, Result]] = {
    **{cause: (_ROUTE, _ON, Result.UNREACHABLE) for cause in (2, 3, 27, 34, 38, 41, 42, 44, 47, 58, 102)},
    1: (_CALLEE, _STOP, Result.VACANT),
    17: (_CALLEE, _STOP, Result.BUSY),
    18: (_CALLEE, _STOP, Result.NO_ANSWER),
    19: (_CALLEE, _STOP, Result.NO_ANSWER),
    20: (_CALLEE, _STOP, Result.NO_ANSWER),
    21: (_CALLEE, _STOP, Result.REJECTED),
    22: (_CALLEE, _STOP, Result.REJECTED),
    28: (_CALLEE, _STOP, Result.INVALID_NUMBER),
}
"Q.850 cause -> what it means."

STATUSES: dict[int, tuple[Class, Next, Result]] = {
    **{status: (_ROUTE, _ON, Result.UNREACHABLE) for status in (402, 415, 420, 500, 501, 502, 503, 504, 505, 513, 580)},
    488: (_ROUTE, _ON, Result.INCOMPATIBLE),
    606: (_ROUTE, _ON, Result.INCOMPATIBLE),
    403: (_CALLEE, _STOP, Result.REJECTED),
    404: (_CALLEE, _STOP, Result.REJECTED),
    410: (_CALLEE, _STOP, Result.REJECTED),
    480: (_CALLEE, _STOP, Result.NO_ANSWER),
    482: (_OURS, _STOP, Result.LOOP),
    483: (_OURS, _STOP, Result.TOO_MANY_HOPS),
    484: (_CALLEE, _STOP, Result.INVALID_NUMBER),
    485: (_CALLEE, _STOP, Result.REJECTED),
    486: (_CALLEE, _STOP, Result.BUSY),
    487: (_CALLEE, _STOP, Result.NO_ANSWER),
    600: (_CALLEE, _STOP, Result.BUSY),
    603: (_CALLEE, _STOP, Result.REJECTED),
    604: (_CALLEE, _STOP, Result.REJECTED),
}
"SIP status without a cause -> what it means. A 404 or 410 alone does not prove a vacant number: routes invent them."

_IDENTITY = frozenset((403, 428, 436, 437, 438, 603))


def judge(reply: Reply, overrides: Mapping[str, str] | None = None) -> Outcome:
    """Apply the table. `overrides` maps `status` or `status/cause` to `route` or `callee` (the carrier's own code table)."""
    status, cause, reason = reply.status, reply.cause, reply.reason
    lowered = reason.lower() if reason else ""
    if status in (607, 608) or (status == 603 and _names_analytics(lowered)):
        return Outcome(_CALLEE, _STOP, "analytics block", Result.BLOCKED)
    if status in (428, 436, 437, 438) or (status in _IDENTITY and _names_stir(lowered)):
        return Outcome(_OURS, _STOP, "identity", Result.REJECTED, alarm=True)
    if overrides:
        verdict = overrides.get(f"{status}/{cause}") or overrides.get(str(status))
        if verdict is not None:
            row = CAUSES.get(cause) or STATUSES.get(status)
            result = row[2] if row else Result.REJECTED
            if verdict == "route":
                return Outcome(_ROUTE, _ON, f"carrier table {status}", Result.UNREACHABLE)
            return Outcome(_CALLEE, _STOP, f"carrier table {status}", Result.REJECTED if result is Result.UNREACHABLE else result)
    known = CAUSES.get(cause)
    if known is not None:
        return Outcome(known[0], known[1], f"cause {cause}", known[2])
    if status in (401, 407):
        return Outcome(_ROUTE, _ON, f"status {status}", Result.UNREACHABLE, alarm=True)
    if status == 402:
        return Outcome(_ROUTE, _ON, "status 402", Result.UNREACHABLE, alarm=True)
    if 300 <= status < 400:
        return Outcome(_ROUTE, _ON, "redirect", Result.UNREACHABLE)
    if status == 408:
        if reply.alerted and not reply.silent:
            return Outcome(_CALLEE, _STOP, "status 408 after alerting", Result.NO_ANSWER)
        return Outcome(_ROUTE, _ON, "no response" if reply.silent else "status 408", Result.UNREACHABLE)
    row = STATUSES.get(status)
    told = HEARD.get((status, reply.heard)) if reply.heard else None
    if row is not None and told is not None:
        return Outcome(row[0], row[1], f"status {status}, {reply.heard}", told)
    if row is not None:
        return Outcome(row[0], row[1], f"status {status}", row[2], alarm=row[0] is _OURS)
    if 500 <= status < 600:
        return Outcome(_ROUTE, _ON, f"status {status}", Result.UNREACHABLE)
    return Outcome(_CALLEE, _STOP, f"status {status}", Result.REJECTED)


TONES: dict[str, tuple[Class, Next, Result]] = {
    **{f"sit {code}": (_ROUTE, _ON, Result.UNREACHABLE) for code in ("RO'", "RO\"", "NC'", "NC\"")},
    **{f"sit {code}": (_CALLEE, _STOP, Result.VACANT) for code in ("IC", "VC")},
    "congestion": (_ROUTE, _ON, Result.UNREACHABLE),
}
"What early audio says, where it says something: network failures route on, a vacant number stops. SIT that names no cause does nothing."


def judge_tone(tone: str) -> Outcome | None:
    """What a tone before the answer means: `sit RO'`, `congestion`; None where it decides nothing."""
    row = TONES.get(tone)
    return Outcome(row[0], row[1], f"tone {tone}", row[2]) if row is not None else None


HEARD: dict[tuple[int, str], Result] = {
    **{(status, f"sit {code}"): Result.VACANT for status in (404, 410, 604) for code in ("IC", "VC")},
    **{(status, "busy"): Result.BUSY for status in (480, 487)},
}
"""SIP status without a cause, and what was heard before it -> what they mean together. A status that routes invent and a tone that was heard once prove
a vacant number only side by side."""

NO_RINGING = ("announcement", "busy", "congestion", "unobtainable", "sit")
"First word of what the network says in place of ringing."


def is_alerting(rang: bool, progressed: bool, heard: str) -> bool:
    """Whether a phone rang as far as is known: a 180 or ringback did say so (`rang`), or a 18x came and nothing heard with it speaks against it."""
    return rang or (progressed and heard.partition(" ")[0] not in NO_RINGING)


def judge_wait(evidence: str, alerting: bool, heard: str) -> Outcome:
    """What it means that nobody answered until somebody gave up, after a 18x. `evidence` names who waited, and stands where a phone rang."""
    if alerting:
        return Outcome(_CALLEE, _STOP, evidence, Result.NO_ANSWER)
    return Outcome(_CALLEE, _STOP, f"{heard}, no answer", Result.BUSY if heard == "busy" else Result.NO_ANSWER)


def _names_analytics(reason: str) -> bool:
    """ATIS-1000099 (603+) and its relatives; parsed tolerantly because carriers spell it in many ways."""
    return any(word in reason for word in ("atis", "analytics", "network blocked", "v=analytics"))


def _names_stir(reason: str) -> bool:
    return reason.startswith("stir") or ",stir" in reason.replace(" ", "") or ";stir" in reason
