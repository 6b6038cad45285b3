"""What is asked of the decision, and what it says: the values the call path and the decider exchange."""

from typing import TypeAlias

from msgspec import Struct

from trunkline.facts.record import Decision
from trunkline.facts.refusal import Refusal
from trunkline.guard import Challenge
from trunkline.policy.snapshot import Gateway, Trunk
from trunkline.sip.flow import Flow
from trunkline.sip.message import Request


class CallRequest(Struct, frozen=True, gc=False):
    """An INVITE that asks to be placed."""

    call: str
    invite: Request
    flow: Flow
    trunk: str = ""
    "Set when the trunk is known already: the new call of a transfer."
    called: str = ""
    "Set with `trunk`: the user part to call instead of the INVITE's own."


class Refused(Struct, frozen=True, gc=False):
    """The answer is no."""

    refusal: Refusal
    trunk: Trunk | None = None
    "The trunk it was said to, when that is known; its profile words the answer."
    called: str = ""
    alarm: bool = False


class Plan(Struct, frozen=True):
    """How to place the call: every route that may be tried, best first."""

    trunk: Trunk
    direction: str
    called_raw: str
    called: str
    caller_raw: str
    caller: str
    display: str
    private: bool
    "The caller asked for privacy."
    destination: str
    strategy: str
    routes: tuple[Gateway, ...]
    max_attempts: int
    metadata: dict[str, str]
    decision: Decision
    emergency: bool = False


class Way(Struct, frozen=True, gc=False):
    """A reserved way to a gateway: channel and CPS are taken."""

    flow: Flow
    large: Flow | None = None
    "Flow for a request over 1,300 bytes, where the gateway's rule names another."
    target: str = ""
    "Request-URI to use instead of the rendered one: a registered contact."


__all__ = ["CallRequest", "Challenge", "Plan", "Refused", "Verdict", "Way"]

Verdict: TypeAlias = Plan | Refused | Challenge
