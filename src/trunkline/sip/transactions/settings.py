"""The times all transactions keep."""


class TimerSettings:
    """The timers of RFC 3261 section 17 that everything else is computed from, in seconds."""

    __slots__ = ("give_up", "t1", "t2", "t4")

    def __init__(self, t1: float = 0.5, t2: float = 4.0, t4: float = 5.0) -> None:
        self.t1 = t1
        "Round-trip estimate: first retransmission interval."
        self.t2 = t2
        "Longest retransmission interval."
        self.t4 = t4
        "How long a message may live in the network."
        self.give_up = 64 * t1
        "Timers B, D, F, H, J, L and M."
