"""G.711 mu-law and A-law as table look-ups (ITU-T G.711, RFC 3551 section 4.5.14).

One index into a table per sample, over arrays of any shape: a tick decodes the frames of all calls in one step. The tables are made once,
from the segments the recommendation defines. Between the laws no arithmetic is needed at all: 256 codes map to 256 codes.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint8]
Samples = NDArray[np.int16]

CLIP_MU = 8158
"Largest magnitude of 14 bits inside the last step of mu-law."
BIAS_MU = 33


class Law:
    """One of the two laws."""

    __slots__ = ("_decoding", "_encoding", "name", "payload_type", "silence")

    def __init__(self, name: str, payload_type: int, decoding: Samples, encoding: Codes) -> None:
        self.name = name
        "As in SDP."
        self.payload_type = payload_type
        self._decoding = decoding
        self._encoding = encoding
        self.silence = int(encoding[0])
        "The code of a zero sample."

    def decode(self, codes: Codes) -> Samples:
        """Codes of any shape to 16-bit samples of the same shape."""
        return self._decoding[codes]

    def encode(self, samples: Samples) -> Codes:
        """16-bit samples of any shape to codes of the same shape."""
        return self._encoding[samples.view(np.uint16)]

    def decode_bytes(self, payload: bytes | bytearray | memoryview) -> Samples:
        """One payload to its samples, one per byte."""
        return self._decoding[np.frombuffer(payload, np.uint8)]

    def encode_bytes(self, samples: Samples) -> bytes:
        return self._encoding[samples.view(np.uint16)].tobytes()

    def translation(self, other: "Law") -> bytes:
        """A table for `bytes.translate` that turns a payload of this law into one of `other`, by way of the linear value."""
        return other._encoding[self._decoding.view(np.uint16)].tobytes()


def _decode_mu() -> Samples:
    code = ~np.arange(256, dtype=np.uint8)
    segment = (code >> 4 & 7).astype(np.int32)
    magnitude = (((code & 15).astype(np.int32) << 3) + 4 * BIAS_MU << segment) - 4 * BIAS_MU
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _decode_a() -> Samples:
    # A-law inverts every other bit, so that a line at rest is not a run of zeros.
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment = (code >> 4 & 7).astype(np.int32)
    step = ((code & 15).astype(np.int32) << 4) + 8
    magnitude = np.where(segment == 0, step, step + 0x100 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _encode(quantise: Callable[[NDArray[np.int32]], Codes]) -> Codes:
    """A table over all 16-bit samples, indexed by their unsigned bits."""
    return quantise(np.arange(65_536, dtype=np.uint16).view(np.int16).astype(np.int32))


def _quantise_mu(samples: NDArray[np.int32]) -> Codes:
    # The law is defined on 14 bits; the shift rounds towards minus infinity before the sign is taken.
    linear = samples >> 2
    magnitude = np.minimum(np.abs(linear), CLIP_MU) + BIAS_MU
    segment = _bit_length(magnitude) - 6
    code = segment << 4 | magnitude >> segment + 1 & 15
    codes: Codes = (code ^ np.where(linear < 0, 0x7F, 0xFF)).astype(np.uint8)
    return codes


def _quantise_a(samples: NDArray[np.int32]) -> Codes:
    # The law is defined on 13 bits; negative values are counted from -1, which makes it symmetric about the midpoint.
    linear = samples >> 3
    magnitude = np.where(linear < 0, ~linear, linear)
    segment = np.maximum(_bit_length(magnitude) - 5, 0)
    code = segment << 4 | magnitude >> np.maximum(segment, 1) & 15
    codes: Codes = (code ^ np.where(linear < 0, 0x55, 0xD5)).astype(np.uint8)
    return codes


def _bit_length(values: NDArray[np.int32]) -> NDArray[np.int32]:
    bits: NDArray[np.int32] = np.frexp(values.astype(np.float64))[1]
    return bits


MU_LAW = Law("PCMU", 0, _decode_mu(), _encode(_quantise_mu))
A_LAW = Law("PCMA", 8, _decode_a(), _encode(_quantise_a))
LAWS = {law.name: law for law in (MU_LAW, A_LAW)}
"By SDP name."
MU_TO_A = MU_LAW.translation(A_LAW)
"For `payload.translate`."
A_TO_MU = A_LAW.translation(MU_LAW)
