"""The WAV file of a recording: a header of fixed size, then samples of 16 bit at 8 kHz, of one channel or of two.

While a recording goes on its header says that there is no audio. It is made to tell the truth when the recording ends, whatever ended it; for
a worker that had no time to do so `repair` does it, from the length of the file.
"""

import os
import struct
from pathlib import Path

from trunkline.listen import RATE_HZ

STEREO = 2
SAMPLE_SIZE = 2
"Bytes of a sample of one channel."
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
HEADER_SIZE = _HEADER.size
DATA_LIMIT = 0xFFFF_FFFF - HEADER_SIZE
"Bytes of audio that a header can tell: 37 hours."


def header(data_size: int, channels: int = STEREO) -> bytes:
    """The header of a file with `data_size` bytes of audio."""
    data_size, frame = min(data_size, DATA_LIMIT), channels * SAMPLE_SIZE
    return _HEADER.pack(b"RIFF", data_size + HEADER_SIZE - 8, b"WAVE", b"fmt ", 16, 1, channels, RATE_HZ, RATE_HZ * frame, frame, 16, b"data", data_size)


def close(file: int, channels: int = STEREO) -> int:
    """Make the header of an open recording true, cut off half a sample, and give the bytes of audio. Raises OSError."""
    size = max(0, os.fstat(file).st_size - HEADER_SIZE)
    size -= size % (channels * SAMPLE_SIZE)
    os.ftruncate(file, HEADER_SIZE + size)
    os.pwrite(file, header(size, channels), 0)
    return size


def seconds_of(data_size: int, channels: int = STEREO) -> float:
    """Length of so many bytes of audio."""
    return data_size / (channels * SAMPLE_SIZE) / RATE_HZ


def repair(path: Path) -> float:
    """Make a recording that was broken off playable, in place; its length in seconds. A whole one stays as it is.

    Raises OSError, and ValueError for a file that is no recording of ours.
    """
    file = os.open(path, os.O_RDWR)
    try:
        found = os.pread(file, HEADER_SIZE, 0)
        # The sizes, in bytes 4 to 7 and the last four, are what may be wrong.
        channels = 1 if found[22:24] == b"\x01\x00" else STEREO
        whole = header(0, channels)
        if found[:4] != whole[: len(found)][:4] or found[8:-4] != whole[8 : max(8, len(found) - 4)]:
            raise ValueError(f"{path} is no recording")
        return seconds_of(close(file, channels), channels)
    finally:
        os.close(file)
