"""Business states of a call: what supervisors and CRM see, mapped one way from what the legs say."""

from enum import StrEnum
from typing import Final


class CallState(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    SCREENING = "screening"
    "Answered at the carrier; the caller's answer waits for the verdict."
    CONFIRMED = "confirmed"
    HELD = "held"
    TRANSFERRED = "transferred"
    DISCONNECTED = "disconnected"
    FAILED = "failed"
    TIMEOUT = "timeout"


C = CallState
TRANSITIONS: Final[dict[CallState, dict[str, CallState]]] = {
    C.CALLING: {
        "ring": C.RINGING, "media": C.EARLY_MEDIA, "screen": C.SCREENING, "answer": C.CONFIRMED, "fail": C.FAILED, "timeout": C.TIMEOUT, "release": C.FAILED,
    },
    C.RINGING: {
        "media": C.EARLY_MEDIA, "screen": C.SCREENING, "answer": C.CONFIRMED, "fail": C.FAILED, "timeout": C.TIMEOUT, "release": C.FAILED,
    },
    C.EARLY_MEDIA: {"screen": C.SCREENING, "answer": C.CONFIRMED, "fail": C.FAILED, "timeout": C.TIMEOUT, "release": C.FAILED},
    C.SCREENING: {"answer": C.CONFIRMED, "fail": C.FAILED, "timeout": C.TIMEOUT, "release": C.FAILED},
    C.CONFIRMED: {"hold": C.HELD, "transfer": C.TRANSFERRED, "release": C.DISCONNECTED, "timeout": C.TIMEOUT},
    C.HELD: {"resume": C.CONFIRMED, "transfer": C.TRANSFERRED, "release": C.DISCONNECTED, "timeout": C.TIMEOUT},
    C.TRANSFERRED: {},
    C.DISCONNECTED: {},
    C.FAILED: {},
    C.TIMEOUT: {},
}  # fmt: skip
"State -> what happened -> state. What a row does not name changes nothing."


def advance(state: CallState, what: str) -> CallState:
    return TRANSITIONS[state].get(what, state)
