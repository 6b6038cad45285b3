"""A cell of the scoreboard, as a checkpoint keeps it."""

from msgspec import Struct


class Row(Struct, frozen=True):
    """Counts as of the last call in each memory."""

    destination: str
    band: str
    gateway: str
    carrier: str
    slow_at: float
    slow: list[float]
    fast_at: float
    fast: list[float]
    delays: list[tuple[int, float]]
    suspicion: float = 0.0
    since: list[float] = []
