"""What the call path asks of whoever decides, and the only thing it knows of it."""

from typing import Protocol

from trunkline.decide.plan import CallRequest, Plan, Verdict, Way
from trunkline.facts.record import Fact
from trunkline.facts.refusal import Refusal
from trunkline.policy.snapshot import Gateway
from trunkline.sip.flow import Flow


class Decider(Protocol):
    """The whole decision."""

    def decide(self, request: CallRequest, now: float) -> Verdict:
        """Plan the call, refuse or postpone it; what is held for it is so until the call's `Call` fact is observed."""

    def due(self, now: float) -> list[str]:
        """Calls that were postponed and are to be decided on now."""

    def next_due(self) -> float | None:
        """When to ask for them, where nothing else wakes us."""

    def reserve(self, plan: Plan, gateway: Gateway, now: float) -> Way | Refusal:
        """Take the gateway's channel and CPS, or say why not; held until the attempt's `Attempt` fact is observed."""

    def ahead(self, gateway: Gateway, now: float) -> Flow | None:
        """The flow `reserve` would give now; nothing is taken."""

    def signature(self, plan: Plan, gateway: Gateway, now: float) -> str:
        """Identity and Date lines for an attempt; empty where the call is not signed."""

    def avoid(self, gateway: Gateway, flow: Flow, now: float, since: float = 0.0, silent: bool = False) -> bool:
        """This address of the gateway failed: ask it last for a while. True where the gateway has another that may do (RFC 3263 section 4.3). `silent`: nothing
        came back from it, so whatever answers there is news."""

    def bill(self, destination: str, gateway: str, talk_s: float, called: str = "", at: float = 0.0) -> float | None:
        """What the carrier will bill for a call to `called` (E.164) answered at Unix time `at`; None where the policy names no price."""

    def observe(self, fact: Fact, now: float) -> None:
        """Learn what happened."""
