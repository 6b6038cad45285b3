"""Do-not-call lists: sorted files of 64-bit numbers, mapped into memory and searched by halving.

Ten million numbers take 80 MB of a file the kernel shares and drops as it likes, and nothing of the process itself. A list is replaced whole
by renaming; whoever holds the old one open goes on with it until `look`, which opens the new one where the file is another. A file is one
header and then the numbers: the digits of E.164 as an integer, ascending, little-endian, each once.
"""

import mmap
import os
import struct
import sys
from bisect import bisect_left
from pathlib import Path

from trunkline.policy.contact_rules import EVERYBODY

MAGIC = b"TLDNC\x00\x00\x01"
HEADER = struct.Struct("<8sQQ8x")
"Magic, numbers, UTC microseconds it was built at."
SUFFIX = ".dnc"


class ListError(Exception):
    """A list that cannot be used; the text says why."""


class NumberList:
    """One list, open for reading."""

    __slots__ = ("_map", "_numbers", "built_us", "count", "inode", "path")

    def __init__(self, path: Path) -> None:
        """Raises ListError where the file is no list, and OSError where it cannot be opened."""
        self.path = path
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            self.inode = (status.st_dev, status.st_ino, status.st_mtime_ns)
            if status.st_size < HEADER.size:
                raise ListError(f"{path}: no do-not-call list; make one with `trunkline dnc build`")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        magic, self.count, self.built_us = HEADER.unpack_from(self._map)
        if magic != MAGIC or len(self._map) != HEADER.size + 8 * self.count or sys.byteorder != "little":
            raise ListError(f"{path}: damaged or no do-not-call list; make it again with `trunkline dnc build`")
        self._map.madvise(mmap.MADV_WILLNEED)
        self._numbers = memoryview(self._map)[HEADER.size :].cast("Q")

    def __contains__(self, number: int) -> bool:
        numbers = self._numbers
        at = bisect_left(numbers, number)
        return at < self.count and numbers[at] == number


class Lists:
    """Every list of a folder: `all.dnc` for everybody, `NAME.dnc` for tenant NAME."""

    __slots__ = ("_everybody", "_tenants", "directory", "faults")

    def __init__(self, directory: Path | None) -> None:
        """`directory` may not exist yet; None has no lists."""
        self.directory = directory
        self._everybody: NumberList | None = None
        self._tenants: dict[str, NumberList] = {}
        self.faults: dict[str, str] = {}
        "Name of a list that cannot be read -> why; the one read before stays in force."
        self.look()

    def holds(self, tenant: str, number: int) -> str:
        """Name of the list that has the number, empty when none has."""
        everybody = self._everybody
        if everybody is not None and number in everybody:
            return EVERYBODY
        own = self._tenants.get(tenant)
        return tenant if own is not None and number in own else ""

    def look(self) -> list[str]:
        """Open lists that are new or were replaced, forget those removed; names of those that changed. Costs a `stat` a list."""
        known = dict(self._tenants)
        if self._everybody is not None:
            known[EVERYBODY] = self._everybody
        found: dict[str, NumberList] = {}
        changed: list[str] = []
        self.faults = {}
        for path in sorted(self.directory.glob(f"*{SUFFIX}")) if self.directory is not None else ():
            name, old = path.stem, known.get(path.stem)
            try:
                status = path.stat()
                if old is not None and old.inode == (status.st_dev, status.st_ino, status.st_mtime_ns):
                    found[name] = old
                    continue
                found[name] = NumberList(path)
                changed.append(name)
            except (OSError, ListError) as error:
                self.faults[name] = str(error)
                if old is not None:
                    found[name] = old
        changed += [name for name in known if name not in found]
        self._everybody = found.pop(EVERYBODY, None)
        self._tenants = found
        return changed

    def counts(self) -> dict[str, int]:
        """Numbers by list."""
        lists = {EVERYBODY: self._everybody, **self._tenants}
        return {name: each.count for name, each in lists.items() if each is not None}
