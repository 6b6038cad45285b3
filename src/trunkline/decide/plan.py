"""What is asked of the decision, and what it says: the values the call path and the decider exchange."""

from typing import TypeAlias

from msgspec import Struct

from trunkline.facts.record import Decision, Fact
from trunkline.facts.refusal import Refusal
from trunkline.guard import Challenge
from trunkline.media import Side
from trunkline.numbering.plan import CallerFormat
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
    decision: Decision | None = None
    "What was decided before the call was refused, where that tells more."
    number: str = ""
    "Called number in E.164, where it was understood."
    metadata: dict[str, str] = {}
    text: str = ""
    "Why, beside the refusal's own text: printable ASCII without quotes and backslashes."


class Postponed(Struct, frozen=True, gc=False):
    """Not yet: the decider says when to ask again (`Decider.due`); at `until` it has an answer."""

    trunk: Trunk
    called: str
    until: float
    "Monotonic seconds."
    number: str = ""
    "Called number in E.164, where it was understood."


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
    rated: str = ""
    "Number that routes and prices go by: a ported one's routing number, else the called one."
    source: Gateway | None = None
    "The gateway an inbound call came from."
    shown: dict[str, CallerFormat] = {}
    "Carrier -> how it wants the caller ID written, where that differs from the gateway's own format."
    facts: tuple[Fact, ...] = ()
    "What happened by deciding, to be emitted with the decision."
    attest: str = ""
    "Level every attempt is signed at: A, B or C; empty signs none."
    identities: tuple[str, ...] = ()
    "Identity values that came with the call."
    came_from: str = ""
    "Caller in E.164 as the call came, before a number was chosen."
    date: str = ""
    "Date header that came with them."
    verstat: str = ""
    "What the signature of a call from a carrier proved; empty where nobody judged it."
    distrust: str = ""
    "Value of a Reason header: why the signature was not believed."

    @property
    def media(self) -> Side:
        """How the caller's audio is handled: the trunk's where it calls, the gateway's where the trunk is called."""
        return (self.source or self.trunk).media


class Way(Struct, frozen=True, gc=False):
    """A reserved way to a gateway: channel and CPS are taken."""

    flow: Flow
    large: Flow | None = None
    "Flow for a request over 1,300 bytes, where the gateway's rule names another."
    target: str = ""
    "Request-URI to use instead of the rendered one: a registered contact."


__all__ = ["CallRequest", "Challenge", "Plan", "Postponed", "Refused", "Verdict", "Way"]

Verdict: TypeAlias = Plan | Refused | Challenge | Postponed
