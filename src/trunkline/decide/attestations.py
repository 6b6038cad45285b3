"""Signing calls and judging signed ones, by the policy in force (rows N9, N12)."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from trunkline.decide.plan import Plan
from trunkline.numbers import (
    Arrived,
    Attestor,
    ClockCheck,
    Fetch,
    NumberBook,
    Origin,
    Trust,
    Unjudged,
    Unsigned,
    Verdict,
    Verifier,
    level_of,
    slot,
)
from trunkline.numbers.attestation import Level, Slot
from trunkline.policy.snapshot import Attestation, Gateway, SigningKey, Trunk

NOTHING: Final = Attestation()

MOST_WANTED: Final = 256
"Certificates to be fetched; anybody may name another one with every call."


class Attestations:
    """What the policy lets us say about callers, and whom it lets us believe."""

    def __init__(self, book: NumberBook, node: str = "trunkline", landed: Callable[[Sequence[str]], None] | None = None) -> None:
        """`landed` is told of certificates no call need wait for any longer."""
        self.book = book
        self._landed = landed
        self.node = node
        self.clock = ClockCheck()
        self.wanted: set[str] = set()
        "Certificates somebody is to fetch and hand to `fetched`."
        self._policy = NOTHING
        self._attestor: Attestor | None = None
        self._verifier: Verifier | None = None

    def follow(self, policy: Attestation) -> None:
        """A new policy is in force; certificates fetched so far stay while roots and hosts are the same."""
        before, self._policy = self._policy, policy
        slots = {tenant: _slot(signing) for tenant, signing in policy.sign.items()}
        transit = _slot(policy.transit) if policy.transit is not None else None
        self._attestor = Attestor(slots, transit, self.clock, self.node) if slots or transit else None
        if (before.roots, before.hosts) != (policy.roots, policy.hosts):
            self._verifier = Verifier(Trust(policy.roots, policy.hosts), self.clock) if policy.roots else None
            if self._landed is not None:
                self._landed(list(self.wanted))
            self.wanted.clear()

    def vouch(self, at_s: int) -> None:
        """The operator says the clock is right; call it now and then where the policy's `clock` is `trusted`."""
        if self._policy.clock == "trusted":
            self.clock.compared(0.0, "the operator's word", at_s)

    # Signing.

    @property
    def signs(self) -> bool:
        """Whether anybody's calls are signed."""
        return self._attestor is not None

    def level(self, trunk: Trunk, caller: str, at: int) -> str:
        """The level calls of an authenticated trunk with this caller ID may claim: A, B or C; empty where nobody signs."""
        if self._attestor is None:
            return ""
        holding = self.book.held(caller)
        owned = holding is not None and holding.owner == trunk.tenant
        return level_of(Origin(trunk.tenant, True, owned, owned and holding is not None and holding.proven(at))).value

    def identities(self, plan: Plan, gateway: Gateway, at_s: int) -> Sequence[str]:
        """Identity values of one attempt: what came with the call where it still holds, else signed afresh at the call's level."""
        attestor = self._attestor
        if not gateway.identity:
            return ()
        if plan.identities:
            if attestor is None:
                return plan.identities if plan.caller == plan.came_from else ()
            forwarded = attestor.forward(plan.identities, (plan.came_from, plan.called), (plan.caller, plan.called), at_s)
            if not isinstance(forwarded, Unsigned):
                return forwarded
        if attestor is None or not plan.attest:
            return ()
        tenant = plan.trunk.tenant
        signed = attestor.sign(Level(plan.attest), tenant, plan.trunk.name, plan.caller, plan.called, at_s)
        if isinstance(signed, Unsigned):
            return ()
        name = self._policy.sign[tenant].caller_name if tenant in self._policy.sign else ""
        named = attestor.name(tenant, plan.caller, plan.called, name, "", at_s) if name else None
        return (str(signed),) if named is None or isinstance(named, Unsigned) else (str(signed), str(named))

    # Judging.

    @property
    def judges(self) -> bool:
        """Whether calls from carriers are judged."""
        return self._verifier is not None

    @property
    def wait_s(self) -> float:
        """How long a call may wait for a certificate."""
        return self._policy.wait_s

    def judge(self, call_id: str, caller: str, called: str, identities: tuple[str, ...], date_s: int | None, at_s: int) -> Verdict | None:
        """The verdict on a call from a carrier, or the certificates that are being fetched for it; None where nobody judges."""
        verifier = self._verifier
        if verifier is None:
            return None
        verdict: Verdict = verifier.verify(Arrived(call_id, caller, called, identities, date_s), at_s)
        if isinstance(verdict, Fetch):
            new = set(verdict.urls) - self.wanted
            if len(self.wanted) + len(new) > MOST_WANTED:
                return Unjudged("too many certificates are being fetched")
            self.wanted |= new
        return verdict

    def fetched(self, url: str, pem: bytes | None) -> None:
        """A wanted certificate came, or did not."""
        self.wanted.discard(url)
        if self._verifier is not None:
            self._verifier.trust.fetched(url, pem, int(time.time()))
        if self._landed is not None:
            self._landed((url,))


def _slot(signing: SigningKey) -> Slot:
    return slot(signing.x5u, signing.key.encode(), signing.agreement, provider=bool(signing.provider))
