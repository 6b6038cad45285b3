"""A snapshot as bytes, for the pipe between the desk, which compiles, and signalling, which only decodes (rule 4).

The bytes carry passwords in the clear: they go from process to process and nowhere else.
"""

from msgspec import msgpack

from trunkline.policy.snapshot import Snapshot

_ENCODER = msgpack.Encoder()
_DECODER = msgpack.Decoder(Snapshot)


def encode(snapshot: Snapshot) -> bytes:
    """MessagePack; `decode` gives an equal snapshot back."""
    return _ENCODER.encode(snapshot)


def decode(data: bytes) -> Snapshot:
    """Raises `msgspec.DecodeError` on anything `encode` did not write: both ends are ours, so that is a bug."""
    return _DECODER.decode(data)
