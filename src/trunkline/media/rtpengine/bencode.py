"""Bencoding (BEP 3), strict and bounded: the envelope of rtpengine's NG protocol.

Strings are byte strings of any content, integers have one spelling, and keys of a dictionary are strings. Order of keys is not insisted on:
rtpengine writes them in the order it thought of them. What comes from the network is a `Fault` when it is not bencoding, never an exception.
"""

from typing import TypeAlias, Union

from msgspec import Struct

Value: TypeAlias = Union[bytes, int, list["Value"], dict[bytes, "Value"]]  # noqa: UP007 - a name in quotes cannot be joined by |

DEEPEST = 16
"Nested lists and dictionaries; rtpengine's own replies are eight deep."
LARGEST = 65_535
"Bytes of one message: a UDP datagram holds no more."
DIGITS = 20
"Characters of an integer: the sign and the nineteen digits of 2**63 - 1."


class Fault(Struct, frozen=True, gc=False):
    """Why bytes are not bencoding."""

    reason: str
    at: int
    "Offset of the byte that does not fit."


class _BrokenError(Exception):
    """Leaves the recursion; never leaves this file."""


def encode(value: Value) -> bytes:
    """A value as bytes; keys are sorted, as BEP 3 asks of who writes."""
    parts: list[bytes] = []
    _write(value, parts)
    return b"".join(parts)


def decode(data: bytes) -> Value | Fault:
    """The one value `data` is made of, to its last byte."""
    if len(data) > LARGEST:
        return Fault("larger than a datagram", LARGEST)
    try:
        value, end = _read(data, 0, 0)
    except _BrokenError as broken:
        reason, at = broken.args
        return Fault(reason, at)
    if end != len(data):
        return Fault("bytes after the value", end)
    return value


def _write(value: Value, parts: list[bytes]) -> None:
    if isinstance(value, bytes):
        parts.append(b"%d:%b" % (len(value), value))
    elif isinstance(value, int):
        parts.append(b"i%de" % value)
    elif isinstance(value, list):
        parts.append(b"l")
        for item in value:
            _write(item, parts)
        parts.append(b"e")
    else:
        parts.append(b"d")
        for key in sorted(value):
            parts.append(b"%d:%b" % (len(key), key))
            _write(value[key], parts)
        parts.append(b"e")


def _read(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    kind = data[at : at + 1]
    if kind.isdigit():
        return _string(data, at)
    if kind == b"i":
        return _integer(data, at)
    if kind not in (b"l", b"d"):
        raise _BrokenError("end of data" if not kind else "no value starts so", at)
    if depth == DEEPEST:
        raise _BrokenError("nested too deeply", at)
    return _list(data, at + 1, depth + 1) if kind == b"l" else _dictionary(data, at + 1, depth + 1)


def _list(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    items: list[Value] = []
    while data[at : at + 1] != b"e":
        item, at = _read(data, at, depth)
        items.append(item)
    return items, at + 1


def _dictionary(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    entries: dict[bytes, Value] = {}
    while data[at : at + 1] != b"e":
        if not data[at : at + 1].isdigit():
            raise _BrokenError("a key is a string", at)
        key, after = _string(data, at)
        if key in entries:
            raise _BrokenError("a key twice", at)
        entries[key], at = _read(data, after, depth)
    return entries, at + 1


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    colon = data.find(b":", at, at + 6)
    length = data[at:colon] if colon > at else b""
    if not length.isdigit() or (length[:1] == b"0" and length != b"0"):
        raise _BrokenError("not the length of a string", at)
    start = colon + 1
    end = start + int(length)
    if end > len(data):
        raise _BrokenError("string cut short", at)
    return data[start:end], end


def _integer(data: bytes, at: int) -> tuple[int, int]:
    end = data.find(b"e", at, at + DIGITS + 2)
    spelling = data[at + 1 : end] if end > at else b""
    digits = spelling.removeprefix(b"-")
    if not digits.isdigit() or (digits[:1] == b"0" and spelling != b"0"):
        raise _BrokenError("not an integer", at)
    return int(spelling), end + 1
