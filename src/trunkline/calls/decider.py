"""What the call path asks of whoever decides, and the only thing it knows of it."""

from typing import Protocol, TypeAlias

from msgspec import Struct

from trunkline.facts.record import Decision, Fact
from trunkline.facts.refusal import Refusal
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


class Challenge(Struct, frozen=True, gc=False):
    """Credentials are needed: answer 401 with these header values (RFC 8760 section 2.4)."""

    headers: tuple[str, ...]
    refusal: Refusal


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


Verdict: TypeAlias = Plan | Refused | Challenge


class Decider(Protocol):
    """The whole decision."""

    def decide(self, request: CallRequest, now: float) -> Verdict:
        """Plan the call or refuse it; a plan holds the trunk's channel until the call's `Call` fact is observed."""

    def reserve(self, plan: Plan, gateway: Gateway, now: float) -> Way | Refusal:
        """Take the gateway's channel and CPS, or say why not; held until the attempt's `Attempt` fact is observed."""

    def observe(self, fact: Fact, now: float) -> None:
        """Learn what happened."""
