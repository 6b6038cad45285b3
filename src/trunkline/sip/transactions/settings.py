"""The times all transactions keep."""

from msgspec import Struct


class TimerSettings(Struct, frozen=True, gc=False):
    """The timers of RFC 3261 section 17 that everything else is computed from, in seconds."""

    t1: float = 0.5
    "Round-trip estimate: first retransmission interval."
    t2: float = 4.0
    "Longest retransmission interval."
    t4: float = 5.0
    "How long a message may live in the network."

    @property
    def give_up(self) -> float:
        """64 x T1: timers B, D, F, H, J, L and M."""
        return 64 * self.t1
