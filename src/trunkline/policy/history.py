"""Which policy was in force when, by whom and why: a fold over `PolicyApplied` facts, kept in checkpoints beyond the life of the journal."""

from collections.abc import Iterator, Sequence

import msgspec

from trunkline.facts.record import Fact, PolicyApplied

KEPT = 1000
"Changes that are remembered; the facts of older ones are in the lake."
PIECE = 50

POLICIES = "policies"
"Name of this fold in checkpoints."


class PolicyHistory:
    """What came into force, oldest first."""

    def __init__(self) -> None:
        self.applied: list[PolicyApplied] = []

    @property
    def last(self) -> PolicyApplied | None:
        """What is in force."""
        return self.applied[-1] if self.applied else None

    def apply(self, fact: Fact) -> None:
        """Learning a fact twice changes nothing."""
        if isinstance(fact, PolicyApplied) and fact not in self.applied[-PIECE:]:
            self.applied.append(fact)
            del self.applied[:-KEPT]

    def dump(self) -> Iterator[bytes]:
        """As they are now, in pieces."""
        rows = list(self.applied)
        return (msgspec.msgpack.encode(rows[first : first + PIECE]) for first in range(0, len(rows), PIECE))

    def load(self, pieces: Sequence[bytes]) -> None:
        """Raises ValueError, and forgets everything, when a piece cannot be read."""
        self.applied = []
        self.applied = [fact for piece in pieces for fact in msgspec.msgpack.decode(piece, type=list[PolicyApplied])]
