"""`experiment`: a fixed split by share, in which a callee always falls on the same side.

A callee who is tried again must not change sides, or an effect of the first try would be booked on the other route; so the number itself
draws, through a hash that differs by destination.
"""

from zlib import crc32

from trunkline.policy.snapshot import Destination, Snapshot
from trunkline.routing.candidates import Choice
from trunkline.routing.strategies.candidate import candidates


class Experiment:
    """The split of one destination under one policy."""

    __slots__ = ("_gateways", "_salt", "_shares", "_standby")

    def __init__(self, policy: Snapshot, destination: Destination) -> None:
        known, standby = candidates(policy, destination)
        total = sum(candidate.share for candidate in known) or 1.0
        self._gateways = [candidate.gateway for candidate in known]
        self._shares = [candidate.share / total for candidate in known]
        self._standby = standby
        self._salt = destination.name

    def choose(self, called: str) -> Choice:
        """`called` is E.164."""
        draw = crc32(f"{self._salt}|{called}".encode()) / 2**32
        left = draw
        first = 0
        for first, share in enumerate(self._shares):  # noqa: B007
            left -= share
            if left < 0:
                break
        gateways, shares = self._gateways, self._shares
        order = [first, *[i for i in range(len(gateways)) if i != first]]
        return Choice(
            (*[gateways[i] for i in order], *self._standby), (*[shares[i] for i in order], *[0.0] * len(self._standby)), draw
        )  # fmt: skip
