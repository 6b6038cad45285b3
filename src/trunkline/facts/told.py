"""What a dialer is told: a status and a Q.850 cause per result, for each kind of dialer.

Dialers turn a status into a cause and the cause into a disposition of the lead. Asterisk's chan_sip and chan_pjsip read 404, 410, 485
and 604 as cause 1, 401, 403, 407, 501 and 603 as 21, 480 and 483 as 19, 500 as 38, 503 as 34; VICIdial then files a congestion with
1, 19, 21, 34 or 38 as "disconnected" and the lead is gone. So our own refusals must never use those: only a proven vacant number may
look like one. The tests hold every profile against the table of the dialer it is for.
"""

from msgspec import Struct

from trunkline.facts.refusal import Result


class Told(Struct, frozen=True, gc=False):
    """One answer to a dialer."""

    status: int
    phrase: str
    cause: int
    "Q.850 cause for the Reason header; 0 sends none."
    retry_after: bool = False
    "Retry-After may be sent with it."


_GENERIC: dict[Result, Told] = {
    Result.BUSY: Told(486, "Busy Here", 17),
    Result.NO_ANSWER: Told(480, "Temporarily Unavailable", 19),
    Result.VACANT: Told(404, "Not Found", 1),
    Result.INVALID_NUMBER: Told(484, "Address Incomplete", 28),
    Result.REJECTED: Told(603, "Decline", 21),
    Result.BLOCKED: Told(608, "Rejected", 21),
    Result.UNREACHABLE: Told(502, "Bad Gateway", 27),
    Result.NO_ROUTE: Told(502, "Bad Gateway", 3),
    Result.LIMITED: Told(500, "Call Limit Reached", 41, retry_after=True),
    Result.OVERLOAD: Told(503, "Service Unavailable", 42, retry_after=True),
    Result.FORBIDDEN: Told(403, "Forbidden", 0),
    Result.UNAUTHENTICATED: Told(401, "Unauthorized", 0),
    Result.BAD_REQUEST: Told(400, "Bad Request", 0),
    Result.LOOP: Told(482, "Loop Detected", 0),
    Result.TOO_MANY_HOPS: Told(483, "Too Many Hops", 0),
    Result.INCOMPATIBLE: Told(488, "Not Acceptable Here", 0),
    Result.EMERGENCY_REFUSED: Told(403, "Emergency Calls Not Served Here", 0),
    Result.CANCELLED: Told(487, "Request Terminated", 0),
    Result.MACHINE: Told(480, "Temporarily Unavailable", 19),
    Result.NOT_FOUND: Told(404, "Not Found", 0),
    Result.UNKNOWN_DIALOG: Told(481, "Call/Transaction Does Not Exist", 0),
}

_LATER = Told(504, "Server Time-out", 102)
"Asterisk reads 504 as cause 102, which no VICIdial rule takes for a disconnected number."

_ASTERISK: dict[Result, Told] = {
    **_GENERIC,
    Result.NO_ANSWER: Told(408, "Request Timeout", 18),
    Result.REJECTED: Told(486, "Busy Here", 17),
    Result.MACHINE: Told(486, "Busy Here", 17),
    Result.BLOCKED: Told(486, "Busy Here", 17),
    Result.UNREACHABLE: _LATER,
    Result.NO_ROUTE: _LATER,
    Result.LIMITED: Told(504, "Call Limit Reached", 102, retry_after=True),
    Result.OVERLOAD: Told(504, "Overload", 102, retry_after=True),
    Result.FORBIDDEN: Told(504, "Forbidden By Policy", 102),
    Result.EMERGENCY_REFUSED: Told(504, "Emergency Calls Not Served Here", 102),
    Result.TOO_MANY_HOPS: Told(482, "Loop Detected", 0),
    Result.NOT_FOUND: _LATER,
}

_VICIDIAL: dict[Result, Told] = {**_ASTERISK, Result.INVALID_NUMBER: Told(484, "Address Incomplete", 28)}

_FREESWITCH: dict[Result, Told] = {
    **_GENERIC,
    Result.NO_ANSWER: Told(480, "Temporarily Unavailable", 19),
    Result.UNREACHABLE: Told(502, "Bad Gateway", 27),
    Result.LIMITED: Told(503, "Call Limit Reached", 41, retry_after=True),
    Result.FORBIDDEN: Told(403, "Forbidden", 41),
    Result.REJECTED: Told(603, "Decline", 21),
}

PROFILES: dict[str, dict[Result, Told]] = {
    "generic": _GENERIC,
    "asterisk": _ASTERISK,
    "vicidial": _VICIDIAL,
    "freeswitch": _FREESWITCH,
}
"Profile -> result -> what is sent."


def told(profile: str, result: Result) -> Told:
    """What a dialer of this profile is sent for this result."""
    return PROFILES[profile][result]
