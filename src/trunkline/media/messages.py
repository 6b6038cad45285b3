"""Messages between a process and its workers: one byte for the kind, then the struct as MessagePack.

The kinds are those of one link, in an order both ends share: they are the same program, started together. What is said in one breath goes as
one datagram, each message preceded by its length: a call is a dozen messages, and a system call costs more than most of them.
"""

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

MESSAGE_LIMIT = 1 << 16
"Bytes of one datagram."
LENGTH = 4
"Bytes before each message."

Message = TypeVar("Message", bound=Struct)


class WorkerUp(Struct, frozen=True, gc=False):
    """The pool has started a worker; said by the pool in the worker's name."""


class WorkerDown(Struct, frozen=True, gc=False):
    """A worker has ended, and what it carried with it."""


def bundle(messages: Sequence[bytes]) -> tuple[bytes, int]:
    """A datagram of the first of `messages`, as many as fit it, and how many those are; one at least."""
    parts: list[bytes] = []
    size = 0
    for message in messages:
        size += LENGTH + len(message)
        if parts and size > MESSAGE_LIMIT:
            break
        parts += (len(message).to_bytes(LENGTH), message)
    return b"".join(parts), len(parts) // 2


def unbundle(datagram: bytes) -> Iterator[bytes]:
    """The messages of a datagram; what is no bundle gives what is no message."""
    at = 0
    while at < len(datagram):
        end = at + LENGTH + int.from_bytes(datagram[at : at + LENGTH])
        yield datagram[at + LENGTH : end]
        at = end


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
