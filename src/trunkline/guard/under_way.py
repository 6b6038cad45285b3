"""A call that has begun and not ended, as a checkpoint keeps it."""

from msgspec import Struct


class UnderWay(Struct, frozen=True, gc=False, array_like=True):
    """Nobody calls its callee again meanwhile, where a rule of contact counts calls."""

    number: int
    "Digits of E.164."
    tenant: str
    began_us: int
    "UTC."
