"""An alarm that is raised, as a checkpoint keeps it."""

from msgspec import Struct


class Alarm(Struct, gc=False, array_like=True):
    """A pool's alarm."""

    pool: str
    raised_at: int
