"""A call and the number it was made with, as a checkpoint keeps them."""

from msgspec import Struct


class Open(Struct, gc=False, array_like=True):
    """A call and its number."""

    call: str
    number: str
    pool: str
    ended: bool = False
    intercepted: bool = False
    "A special information tone came after the answer: call blockers play one to callers they distrust."
    seen_before: bool = False
    "The callee knew the number from an earlier call."
