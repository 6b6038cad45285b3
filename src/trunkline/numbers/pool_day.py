"""A day of a pool, as a checkpoint keeps it."""

from msgspec import Struct, field


class PoolDay(Struct, gc=False, array_like=True):
    """One pool on one UTC day."""

    key: str
    "`day|pool`, day since 1970."
    calls: int = 0
    hours: list[int] = field(default_factory=lambda: [0] * 24)
    "Calls by hour of UTC."
    most_at_once: int = 0
    active: int = 0
    "Numbers that could be called with at the end of what is known of the day."
    events: dict[str, int] = field(default_factory=dict)
    "Lifecycle event -> how many numbers."

    @property
    def day(self) -> int:
        return int(self.key.partition("|")[0])

    @property
    def pool(self) -> str:
        return self.key.partition("|")[2]
