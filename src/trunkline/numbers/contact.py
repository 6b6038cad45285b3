"""A callee and the number it was called with, as a checkpoint keeps them."""

from msgspec import Struct


class Contact(Struct, frozen=True, gc=False, array_like=True):
    """The last call from a pool to a callee."""

    pool: str
    callee: str
    number: str
    at: int
    campaign: str
    agent: str
    call: str
