"""Whether the machine's clock may be signed with, and judged by.

A PASSporT a minute old is stale everywhere, and one from the future too, so a node whose clock is off signs calls that are refused and refuses
calls that are good. A clock nobody has compared lately counts as off.
"""

OFFSET_LIMIT_S = 5.0
"A twelfth of the usual freshness window (60 s): far above what NTP leaves, far below what a verifier notices."

COMPARED_LIMIT_S = 3_600
"How long a comparison holds: a free-running crystal (100 ppm) drifts 0.36 s in it."


class ClockCheck:
    """The last comparison of our clock with another."""

    __slots__ = ("_at_s", "_offset_s", "_source")

    def __init__(self) -> None:
        self._at_s: int | None = None
        self._offset_s = 0.0
        self._source = ""

    def compared(self, offset_s: float, source: str, at_s: int) -> None:
        """`source` (chrony, ntpd, a peer's Date ...) says our clock is ahead by `offset_s`."""
        self._at_s, self._offset_s, self._source = at_s, offset_s, source

    def trouble(self, at_s: int) -> str:
        """Why the clock may not be relied on; empty when it may."""
        if self._at_s is None:
            return "the clock was never compared"
        if at_s - self._at_s > COMPARED_LIMIT_S or at_s < self._at_s - COMPARED_LIMIT_S:
            return f"the clock was last compared {at_s - self._at_s} s ago"
        if abs(self._offset_s) > OFFSET_LIMIT_S:
            return f"the clock is off by {self._offset_s:+.1f} s by {self._source}"
        return ""
