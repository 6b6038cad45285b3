"""The kind of a number."""

from msgspec import Struct


class Kind(Struct, frozen=True, gc=False, order=True):
    """What decides where a number may be shown."""

    country: str
    type: str
    provider: str
