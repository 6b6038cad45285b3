"""The thread that writes recordings to disk, so that a disk that hangs stops no audio.

What waits for it can be bounded by its user, who is told how much does. A file that cannot be written any further is closed as it is, with
the audio that fitted, and its recording ends with the system's words.
"""

import os
from queue import SimpleQueue
from threading import Thread
from typing import TypeAlias

from msgspec import Struct

from trunkline.studio.wav import HEADER_SIZE, close, header, seconds_of


class Sheet(Struct, eq=False):
    """A file being written. What `given` counts is the user's thread's, the rest the writer's."""

    number: int
    "The user's name for it."
    path: str
    channels: int
    given: int = 0
    "Chunks."
    taken: int = 0
    file: int = -1
    "Descriptor while open."

    @property
    def waiting(self) -> int:
        """Chunks that are not on disk yet."""
        return self.given - self.taken


class Written(Struct, frozen=True):
    """A file is complete."""

    sheet: Sheet
    seconds: float
    bytes: int
    "Of the file; 0: there is none."
    why: str


class Begin(Struct, frozen=True, gc=False):
    """Make the file."""


class End(Struct, frozen=True, gc=False):
    """Complete it."""

    why: str


Work: TypeAlias = bytes | Begin | End


class Writer:
    """Methods are for one thread, the worker's; the thread in here is the only one that touches the disk."""

    def __init__(self) -> None:
        self._todo: SimpleQueue[tuple[Sheet, Work] | None] = SimpleQueue()
        self._done: SimpleQueue[Written] = SimpleQueue()
        self._thread = Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()

    def open(self, number: int, path: str, channels: int) -> Sheet:
        """Begin a file, which must not exist."""
        sheet = Sheet(number, path, channels)
        self._todo.put((sheet, Begin()))
        return sheet

    def write(self, sheet: Sheet, data: bytes) -> None:
        """Append."""
        sheet.given += 1
        self._todo.put((sheet, data))

    def end(self, sheet: Sheet, why: str) -> None:
        """Complete a file with what was given so far."""
        self._todo.put((sheet, End(why)))

    def next_written(self) -> Written | None:
        """The next file that is complete, each exactly once; None for now."""
        return None if self._done.empty() else self._done.get()

    def close(self, within_s: float) -> None:
        """Do what is left, for so long at most. Files that were not ended stay as they are."""
        self._todo.put(None)
        self._thread.join(within_s)

    def _work(self) -> None:
        while (todo := self._todo.get()) is not None:
            sheet, work = todo
            try:
                match work:
                    case Begin():
                        sheet.file = os.open(sheet.path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
                        self._append(sheet, header(0, sheet.channels))
                    case End(why):
                        self._end(sheet, why)
                    case _:
                        if sheet.file >= 0:
                            self._append(sheet, work)
            except OSError as error:
                self._fail(sheet, error.strerror or str(error))
            if isinstance(work, bytes):
                sheet.taken += 1

    def _append(self, sheet: Sheet, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(sheet.file, rest) :]

    def _fail(self, sheet: Sheet, why: str) -> None:
        if sheet.file >= 0:
            self._end(sheet, why)
        else:
            self._done.put(Written(sheet, 0.0, 0, why))

    def _end(self, sheet: Sheet, why: str) -> None:
        """Once: a recording that the disk has ended is ended again by its user, who does not know yet."""
        if sheet.file < 0:
            return
        try:
            size = close(sheet.file, sheet.channels)
            self._done.put(Written(sheet, seconds_of(size, sheet.channels), HEADER_SIZE + size, why))
        except OSError as error:
            self._done.put(Written(sheet, 0.0, 0, why or error.strerror or str(error)))
        finally:
            os.close(sheet.file)
            sheet.file = -1
