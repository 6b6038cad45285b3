"""Messages between a process and its workers: one byte for the kind, then the struct as MessagePack.

The kinds are those of one link, in an order both ends share: they are the same program, started together.
"""

from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

MESSAGE_LIMIT = 1 << 16
"Bytes of one message."

Message = TypeVar("Message", bound=Struct)


class WorkerUp(Struct, frozen=True, gc=False):
    """The pool has started a worker; said by the pool in the worker's name."""


class WorkerDown(Struct, frozen=True, gc=False):
    """A worker has ended, and what it carried with it."""


class Messages(Generic[Message]):
    """What may be said on one link."""

    def __init__(self, kinds: Sequence[type[Message]]) -> None:
        self._codes = {kind: bytes([code]) for code, kind in enumerate(kinds)}
        self._decoders: tuple[msgspec.msgpack.Decoder[Message], ...] = tuple(msgspec.msgpack.Decoder(kind) for kind in kinds)
        self._encoder = msgspec.msgpack.Encoder()

    def encode(self, message: Message) -> bytes:
        """One message."""
        return self._codes[type(message)] + self._encoder.encode(message)

    def decode(self, data: bytes) -> Message | None:
        """The message; None when it is none of these."""
        if not data or data[0] >= len(self._decoders):
            return None
        try:
            return self._decoders[data[0]].decode(memoryview(data)[1:])
        except msgspec.MsgspecError:
            return None
