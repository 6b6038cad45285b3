"""What the lab did, call by call: the truth that what was heard is compared with."""

from collections import Counter
from collections.abc import Iterator

from msgspec import Struct

LIMIT = 100_000
"Calls remembered per carrier."


class Truth(Struct):
    """One call as the carrier treated it. Filled in while the call goes on."""

    call_id: str
    "Call-ID of the carrier's leg: `Attempt.carrier_call_id` of the node's records."
    early: str = ""
    "Kind played before the answer or refusal (`voices.KINDS`); empty when no SDP was sent before."
    callee: str = ""
    "Kind played from the answer on; empty for a call that was not answered."
    false_answer: bool = False
    "The carrier answered by itself: nobody is there."
    status: int = 0
    "Final status; 0 while there is none, and for calls cancelled or left silent."

    @property
    def human(self) -> bool:
        """Whether a human being answered."""
        return self.callee == "human" and not self.false_answer


class Truths:
    """All calls of one carrier that had or could have had audio."""

    def __init__(self) -> None:
        self._calls: dict[str, Truth] = {}

    def begin(self, call_id: str) -> Truth:
        """A call comes in; the oldest is forgotten when there are too many."""
        if len(self._calls) >= LIMIT:
            del self._calls[next(iter(self._calls))]
        truth = self._calls[call_id] = Truth(call_id)
        return truth

    def of(self, call_id: str) -> Truth | None:
        """The call with that Call-ID."""
        return self._calls.get(call_id)

    def __iter__(self) -> Iterator[Truth]:
        return iter(self._calls.values())

    def __len__(self) -> int:
        return len(self._calls)

    def early(self) -> Counter[str]:
        """How often each kind was played before the answer or refusal."""
        return Counter(truth.early for truth in self if truth.early)

    def answered(self) -> Counter[str]:
        """How often each kind answered; false answers as `false-ringback`, `false-silence` and so on."""
        return Counter(f"false-{truth.callee}" if truth.false_answer else truth.callee for truth in self if truth.callee)
