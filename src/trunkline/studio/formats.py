"""What a payload type stands for, and how it becomes samples at 8 kHz.

G.711 is two tables, applied to the packets of all lines at once. G.722 and Opus want PyAV (`pip install av`), a decoder per line; without it
they are known and not decoded.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache, lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.listen import RATE_HZ
from trunkline.media.g711 import LAWS, Law

Samples = NDArray[np.int16]


class Use(Enum):
    """What is done with a packet."""

    LAW = "G.711"
    WIDE = "a decoder per line"
    NOISE = "comfort noise (RFC 3389)"
    SKIP = "no audio: telephone events"
    NONE = "cannot be decoded"


class Format(Struct, frozen=True, gc=False):
    """One payload type of one line."""

    name: str
    use: Use
    stride: int = 1
    "Units of its RTP clock in a sample at 8 kHz."
    law: Law | None = None


WIDE = {"G722": 1, "OPUS": 6}
"Names as in SDP, and their stride: the clock of G.722 is 8 kHz for 16 kHz of audio (RFC 3551 section 4.5.2), that of Opus 48 kHz (RFC 7587)."
STATIC = {0: "PCMU", 8: "PCMA", 9: "G722", 13: "CN"}
"Payload types that need no SDP (RFC 3551 section 6)."


@cache
def can_decode_wide() -> bool:
    """Whether PyAV is installed."""
    return find_spec("av") is not None


def format_of(name: str, is_wide: bool) -> Format:
    """The format of an SDP name, in whichever case; `is_wide` says whether wide ones can be decoded."""
    upper = name.upper()
    if upper in LAWS:
        return Format(upper, Use.LAW, 1, LAWS[upper])
    if upper == "CN":
        return Format(upper, Use.NOISE)
    if upper == "TELEPHONE-EVENT":
        return Format(upper, Use.SKIP)
    if upper in WIDE:
        return Format(upper, Use.WIDE if is_wide else Use.NONE, WIDE[upper])
    return Format(name, Use.NONE)


def table_of(formats: Mapping[int, str]) -> tuple[Format, ...]:
    """All 128 payload types of a line; one that nobody named is not decodable, but for the static ones."""
    return _table(frozenset(formats.items()), can_decode_wide())


@lru_cache(256)
def _table(formats: frozenset[tuple[int, str]], is_wide: bool) -> tuple[Format, ...]:
    """Most lines of a node speak of the same few, and a table takes longer to make than all else that a line needs."""
    names = {**STATIC, **dict(formats)}
    return tuple(format_of(names.get(number, str(number)), is_wide) for number in range(128))


class WideDecoder:
    """G.722 or Opus of one line to samples at 8 kHz, packet after packet."""

    def __init__(self, name: str) -> None:
        av: Any = import_module("av")
        self._av = av
        self._codec: Any = av.CodecContext.create({"G722": "g722", "OPUS": "libopus"}[name], "r")
        if name == "G722":
            self._codec.sample_rate, self._codec.layout = 16_000, "mono"
        else:
            self._codec.sample_rate, self._codec.layout = 48_000, "mono"
        self._resampler: Any = av.AudioResampler("s16", "mono", RATE_HZ)

    def decode(self, payload: bytes) -> Samples:
        """Samples of one packet; none of one that is broken."""
        try:
            frames = [out for frame in self._codec.decode(self._av.Packet(payload)) for out in self._resampler.resample(frame)]
        except (self._av.FFmpegError, ValueError):
            return np.zeros(0, np.int16)
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]) if frames else np.zeros(0, np.int16)
