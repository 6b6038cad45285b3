"""The journal's writer: facts in memory now, on disk at the end of the loop turn, safe from power loss within 200
ms.

The call path only appends to a list. `flush` turns what gathered into one batch and one `write`, after which `kill
-9` cannot take it; `sync`, run in a thread, makes the disk keep it. Neither raises: a disk that refuses leaves the
batch in memory, the file cut back to its last commit, and `full` set, on which the node admits no new calls while
those in progress go on.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from trunkline.facts.record import Alarm, Fact

from .framing import commit_line
from .segment import Position, segment_name, segments

RETRY_US = 200_000
"Pause between attempts to write while the disk refuses; each attempt encodes the whole backlog."

SEGMENT_S = 60.0
SEGMENT_BYTES = 64 << 20
LOW_WATER_BYTES = 64 << 20

UNWRITABLE = (ValueError, OverflowError, TypeError)
"What msgspec raises for a value that JSON cannot hold."


class Journal:
    """Appends facts to segments in `directory`; one writer per directory.

    `append` and `flush` belong to the loop, `sync` to one thread. Each life of the writer begins a segment of its
    own, so a torn tail left by the one before is never written after.
    """

    __slots__ = (
        "_batch",
        "_began_us",
        "_closing",
        "_directory",
        "_disk_fault",
        "_encoder",
        "_failed_us",
        "_fd",
        "_low_water_bytes",
        "_offset",
        "_pending",
        "_segment",
        "_segment_bytes",
        "_segment_us",
        "_seq",
        "_sync_lock",
        "_unnamed",
        "_write_fault",
        "append",
    )

    append: Callable[[Fact], None]
    "Takes one fact; costs a list append."

    def __init__(
        self,
        directory: Path,
        *,
        segment_s: float = SEGMENT_S,
        segment_bytes: int = SEGMENT_BYTES,
        low_water_bytes: int = LOW_WATER_BYTES,
    ) -> None:
        """Raises OSError when the directory cannot be made or listed: better at start than at the first call."""
        directory.mkdir(parents=True, exist_ok=True)
        existing = segments(directory)
        self._directory = directory
        self._unnamed = False
        self._segment_us = int(segment_s * 1e6)
        self._segment_bytes = segment_bytes
        self._low_water_bytes = low_water_bytes
        self._seq = existing[-1].seq if existing else 0
        self._segment = existing[-1].path.name if existing else ""
        self._offset = existing[-1].path.stat().st_size if existing else 0
        self._batch = 0
        self._began_us = 0
        self._fd = -1
        self._closing: list[int] = []
        self._pending: list[Fact] = []
        self.append = self._pending.append
        self._encoder = msgspec.json.Encoder()
        self._write_fault = ""
        self._disk_fault = ""
        self._failed_us = 0
        self._sync_lock = threading.Lock()

    @property
    def full(self) -> bool:
        """No room, or no working disk: admit no new calls."""
        return bool(self._write_fault or self._disk_fault)

    @property
    def fault(self) -> str:
        """Why it is full, for a person; empty when it is not."""
        return self._write_fault or self._disk_fault

    @property
    def pending(self) -> int:
        """Facts that are not in a file yet."""
        return len(self._pending)

    @property
    def position(self) -> Position:
        """The end of the last commit; what a checkpoint taken right after `flush` stands for."""
        return Position(self._segment, self._offset)

    def flush(self, utc_us: int) -> bool:
        """Commit what was appended, as one batch; False when the disk refused and the facts are still in memory."""
        if not self._pending:
            return True
        if self._write_fault and 0 <= utc_us - self._failed_us < RETRY_US:
            return False
        try:
            if self._fd < 0 or self._segment_is_over(utc_us):
                self._begin_segment(utc_us)
            lines = self._lines(utc_us)
            data = lines + commit_line(lines, self._batch + 1)
            self._write(data)
        except OSError as error:
            self._write_fault = f"cannot write the journal in {self._directory}: {error.strerror}"
            self._failed_us = utc_us
            return False
        self._batch += 1
        self._offset += len(data)
        self._pending.clear()
        self._write_fault = ""
        return True

    def sync(self) -> None:
        """Make the disk keep what `flush` wrote, and look how much room is left. For a thread, every 200 ms."""
        with self._sync_lock:
            # Take the current descriptor first: the loop may move it to `_closing` meanwhile, and only this thread
            # closes descriptors.
            current = self._fd
            leaving = len(self._closing)
            try:
                for fd in (*self._closing[:leaving], current):
                    if fd >= 0:
                        os.fdatasync(fd)
                if self._unnamed:
                    self._sync_directory()
                self._disk_fault = self._low_water()
            except OSError as error:
                self._disk_fault = f"the disk under {self._directory} fails: {error.strerror}"
            for fd in self._closing[:leaving]:
                os.close(fd)
            del self._closing[:leaving]

    def close(self, utc_us: int) -> bool:
        """Flush, sync and let go; False when facts had to stay behind."""
        self._failed_us = utc_us - RETRY_US
        flushed = self.flush(utc_us)
        self._leave_segment()
        self.sync()
        return flushed

    def _segment_is_over(self, utc_us: int) -> bool:
        return self._offset >= self._segment_bytes or not 0 <= utc_us - self._began_us < self._segment_us

    def _begin_segment(self, utc_us: int) -> None:
        name = segment_name(utc_us, self._seq + 1)
        fd = os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        self._leave_segment()
        self._fd, self._segment, self._offset, self._batch = fd, name, 0, 0
        self._began_us = utc_us
        self._seq += 1
        self._unnamed = True

    def _leave_segment(self) -> None:
        if self._fd >= 0:
            self._closing.append(self._fd)
            self._fd = -1

    def _lines(self, utc_us: int) -> bytes:
        try:
            return self._encoder.encode_lines(self._pending)
        except UNWRITABLE:
            return b"".join(self._line(fact, utc_us) for fact in self._pending)

    def _line(self, fact: Fact, utc_us: int) -> bytes:
        """One fact at a time, so that a single one that cannot be written does not hold back the others."""
        try:
            try:
                line = self._encoder.encode(fact)
            except UnicodeEncodeError:
                line = self._encoder.encode(_legible(msgspec.to_builtins(fact)))
        except UNWRITABLE as error:
            alarm = Alarm(at=utc_us, code="journal.unwritable_fact", subject=type(fact).__name__, text=str(error))
            line = self._encoder.encode(alarm)
        return line + b"\n"

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            self._cut_back()
            raise

    def _cut_back(self) -> None:
        """Take half a batch away again; where even that fails, a fresh segment makes sure nothing is written behind
        it."""
        try:
            os.ftruncate(self._fd, self._offset)
        except OSError:
            self._leave_segment()

    def _sync_directory(self) -> None:
        fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self._unnamed = False
            os.fsync(fd)
        except OSError:
            self._unnamed = True
            raise
        finally:
            os.close(fd)

    def _low_water(self) -> str:
        room = os.statvfs(self._directory)
        free = room.f_bavail * room.f_frsize
        if free >= self._low_water_bytes:
            return ""
        return f"{free >> 20} MB left under {self._directory}; the low water is {self._low_water_bytes >> 20} MB"


def _legible(value: object) -> object:
    """Bytes that were no UTF-8 on the wire, as escapes: `\\udcff` for 0xFF."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_legible(key): _legible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_legible(item) for item in value]
    return value
