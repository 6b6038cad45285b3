"""Speech codecs at their own rates: what is decoded and encoded for the far ends of a call.

G.711 is a table. G.722 and Opus want PyAV (`pip install 'trunkline[transcoding]'`), imported only where one of them is used: in a studio worker.
"""

from functools import cache
from importlib import import_module
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trunkline.media.g711 import LAWS, Law

Samples = NDArray[np.int16]

DECODED_HZ = {"PCMU": 8000, "PCMA": 8000, "G722": 16_000, "OPUS": 48_000}
"Rate of what is decoded, by SDP name in capitals."
FRAMES_PER_S = 50
OPUS_BIT_RATE = {8000: 20_000, 16_000: 28_000}
"Bits per second by the rate of what is encoded: full quality of its bandwidth for speech (RFC 7587 section 3.1.1)."


class Decoder(Protocol):
    """One stream's payloads to samples."""

    def decode(self, payload: bytes) -> Samples:
        """Samples of one packet; none of one that is broken."""


class Encoder(Protocol):
    """One stream's samples to payloads."""

    def encode(self, samples: Samples) -> bytes:
        """The payload of 20 ms; empty where there is none."""


def encoded_hz(codec: str, source_hz: int) -> int:
    """Rate in which `codec` takes its samples, when they come in `source_hz`."""
    if codec != "OPUS":
        return DECODED_HZ[codec]
    return 16_000 if source_hz >= 16_000 else 8000


def decoder_of(codec: str) -> Decoder:
    """A decoder for one stream."""
    return LawDecoder(LAWS[codec]) if codec in LAWS else WideStream(codec)


def encoder_of(codec: str, rate_hz: int) -> Encoder:
    """An encoder for one stream, of samples at `rate_hz`."""
    return LawEncoder(LAWS[codec]) if codec in LAWS else WideEncoder(codec, rate_hz)


class LawDecoder:
    """G.711."""

    def __init__(self, law: Law) -> None:
        self._law = law

    def decode(self, payload: bytes) -> Samples:
        return self._law.decode_bytes(payload)


class LawEncoder:
    """G.711."""

    def __init__(self, law: Law) -> None:
        self._law = law

    def encode(self, samples: Samples) -> bytes:
        return self._law.encode_bytes(samples)


@cache
def _av() -> Any:
    return import_module("av")


def load_codecs() -> None:
    """Import PyAV and touch its codecs. Raises ImportError where it is not installed."""
    for codec, rate_hz in (("G722", 16_000), ("OPUS", 8000)):
        encoder_of(codec, rate_hz).encode(np.zeros(rate_hz // FRAMES_PER_S, np.int16))


class WideStream:
    """G.722 or Opus, decoded."""

    def __init__(self, codec: str) -> None:
        self._av = _av()
        self._context: Any = self._av.CodecContext.create({"G722": "g722", "OPUS": "libopus"}[codec], "r")
        self._context.sample_rate, self._context.layout = DECODED_HZ[codec], "mono"

    def decode(self, payload: bytes) -> Samples:
        try:
            frames = self._context.decode(self._av.Packet(payload))
        except (self._av.FFmpegError, ValueError):
            return np.zeros(0, np.int16)
        parts = [frame.to_ndarray().reshape(-1) for frame in frames]
        return parts[0] if len(parts) == 1 else np.concatenate([np.zeros(0, np.int16), *parts])


class WideEncoder:
    """G.722 or Opus, encoded in frames of 20 ms."""

    def __init__(self, codec: str, rate_hz: int) -> None:
        self._av = _av()
        self._rate_hz = rate_hz
        self._context: Any = self._av.CodecContext.create({"G722": "g722", "OPUS": "libopus"}[codec], "w")
        self._context.sample_rate, self._context.layout, self._context.format = rate_hz, "mono", "s16"
        if codec == "OPUS":
            self._context.bit_rate = OPUS_BIT_RATE[rate_hz]
            self._context.options = {"application": "voip", "frame_duration": "20"}
        self._context.open()

    def encode(self, samples: Samples) -> bytes:
        try:
            return b"".join(bytes(packet) for packet in self._context.encode(_frame(self._av, samples, self._rate_hz)))
        except (self._av.FFmpegError, ValueError):
            return b""


class Resampler:
    """One stream from one rate to another. As many samples come out as time went in; the filter's delay is paid in zeros at the start."""

    def __init__(self, source_hz: int, target_hz: int) -> None:
        self._av = _av()
        self._source_hz, self._target_hz = source_hz, target_hz
        self._resampler: Any = self._av.AudioResampler("s16", "mono", target_hz)
        self._rest = np.zeros(0, np.int16)
        self._is_primed = False

    def convert(self, samples: Samples) -> Samples:
        """20 ms in, 20 ms out."""
        size = len(samples) * self._target_hz // self._source_hz
        parts = [out.to_ndarray().reshape(-1) for out in self._resampler.resample(_frame(self._av, samples, self._source_hz))]
        made = np.concatenate([self._rest, *parts])
        if not self._is_primed:
            self._is_primed = True
            made = np.concatenate([np.zeros(max(0, size - len(made)), np.int16), made])
        if len(made) < size:
            made = np.concatenate([made, np.zeros(size - len(made), np.int16)])
        out: Samples = np.ascontiguousarray(made[:size])
        self._rest = made[size : size + size // 2]
        return out


def _frame(av: Any, samples: Samples, rate_hz: int) -> Any:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), format="s16", layout="mono")
    frame.sample_rate = rate_hz
    return frame
