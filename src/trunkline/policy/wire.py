"""A snapshot as bytes, for the way between the process that compiles and signalling, which only decodes (rule 4).

The bytes are frames of a fraction of a millisecond's work each, so that a loop can decode a policy of thousands of destinations between the
calls it carries. They hold passwords in the clear: they go from process to process and nowhere else.
"""

from collections.abc import Generator, Iterator
from itertools import islice
from mmap import mmap
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import msgpack

from trunkline.policy.snapshot import Snapshot

PIECE = 250
"Entries of a section in one frame."
LARGEST = 1 << 16
"Bytes of a frame that holds more than one entry."
LENGTH, FIELD = 4, 1
"Bytes of a frame's head: its length and the number of its field, 0 for all small ones."

_HINTS = get_type_hints(Snapshot)
_FIELDS = Snapshot.__struct_fields__
_ENCODER = msgpack.Encoder()
_SMALL = msgpack.Decoder(dict[str, msgspec.Raw])
_DECODERS: dict[str, msgpack.Decoder[Any]] = {name: msgpack.Decoder(kind) for name, kind in _HINTS.items()}


def encode(snapshot: Snapshot) -> bytes:
    """What `decode` gives an equal snapshot back from."""
    small: dict[str, object] = {}
    frames: list[bytes] = []
    for number, name in enumerate(_FIELDS, 1):
        value = getattr(snapshot, name)
        if isinstance(value, dict) and value:
            frames += [_frame(number, piece) for piece in _pieces(name, value)]
        elif isinstance(value, tuple) and len(value) > PIECE:
            frames += [_frame(number, _ENCODER.encode(value[first : first + PIECE])) for first in range(0, len(value), PIECE)]
        elif len(alone := _ENCODER.encode(value)) > LARGEST:
            frames.append(_frame(number, alone))
        else:
            small[name] = value
    return b"".join([_frame(0, _ENCODER.encode(small)), *frames])


def decode(data: bytes) -> Snapshot:
    """Raises `msgspec.DecodeError` on anything `encode` did not write: both ends are ours, so that is a bug."""
    steps = decoding(data)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            snapshot: Snapshot = done.value
            return snapshot


def decoding(data: bytes | mmap) -> Generator[None, None, Snapshot]:
    """The same a frame a step; returns the snapshot. Arrays in it are read where they lie in `data`."""
    view = memoryview(data)
    values: dict[str, Any] = {}
    at = 0
    while at < len(view):
        begins = at + LENGTH + FIELD
        number = int.from_bytes(view[at + LENGTH : begins])
        at = begins + int.from_bytes(view[at : at + LENGTH])
        if at > len(view) or number > len(_FIELDS):
            raise msgspec.DecodeError("the compiled policy is cut short")
        piece = view[begins:at]
        if number == 0:
            values.update((name, _DECODERS[name].decode(raw)) for name, raw in _SMALL.decode(piece).items())
        else:
            name = _FIELDS[number - 1]
            _add(values, name, _DECODERS[name].decode(piece))
        yield
    for name, value in values.items():
        if isinstance(value, list):
            values[name] = tuple(value)
    if missing := set(_FIELDS) - values.keys():
        raise msgspec.DecodeError(f"the compiled policy is cut short: no {', '.join(sorted(missing))}")
    return Snapshot(**values)


def discarding(snapshot: Snapshot) -> Generator[None, None, None]:
    """Let go of a snapshot a piece a step. Give it the last reference: freeing thousands of entries at once takes as long as making them.

    Whoever else still holds an entry keeps it.
    """
    held: list[Any] = []
    for name in _FIELDS:
        value = getattr(snapshot, name)
        if isinstance(value, dict):
            held += value.keys()
            held += value.values()
        elif isinstance(value, tuple):
            held += value
    del snapshot, value
    yield
    while held:
        del held[-PIECE:]
        yield


def _add(values: dict[str, Any], name: str, piece: Any) -> None:
    known = values.get(name)
    if isinstance(piece, tuple):
        if known is None:
            values[name] = list(piece)
        else:
            known.extend(piece)
    elif known is None:
        values[name] = piece
    elif _is_nested(name):
        for outer, inner in piece.items():
            if outer in known:
                known[outer].update(inner)
            else:
                known[outer] = inner
    else:
        known.update(piece)


def _pieces(name: str, entries: dict[str, Any]) -> Iterator[bytes]:
    """A section in frames; mappings within mappings are cut as well."""
    if _is_nested(name):
        for outer, inner in entries.items():
            for part in _parts(inner) if inner else ({},):
                yield from _small_enough({outer: part}, divide=False)
        return
    for part in _parts(entries):
        yield from _small_enough(part)


def _parts(entries: dict[Any, Any]) -> Iterator[dict[Any, Any]]:
    waiting = iter(entries.items())
    while part := dict(islice(waiting, PIECE)):
        yield part


def _small_enough(part: dict[Any, Any], divide: bool = True) -> Iterator[bytes]:
    """One frame, or several where entries are large."""
    encoded = _ENCODER.encode(part)
    if len(encoded) <= LARGEST or len(part) < 2 or not divide:
        yield encoded
        return
    waiting = iter(part.items())
    half = len(part) // 2
    yield from _small_enough(dict(islice(waiting, half)))
    yield from _small_enough(dict(waiting))


def _is_nested(name: str) -> bool:
    """Whether a section maps names to mappings."""
    return get_origin(get_args(_HINTS[name])[1]) is dict


def _frame(number: int, piece: bytes) -> bytes:
    return len(piece).to_bytes(LENGTH) + bytes((number,)) + piece
