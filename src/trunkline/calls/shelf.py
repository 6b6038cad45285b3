"""A folder of clips that cannot grow without end: by age, by number and by size."""

from collections import deque
from pathlib import Path

from msgspec import Struct

DAY_US = 86_400_000_000


class Bounds(Struct, frozen=True, gc=False):
    """How much is kept."""

    days: float
    files: int
    bytes: int


class Shelf:
    """One folder. It is read once, at the first use; after that the files are known. Times are UTC microseconds."""

    def __init__(self, folder: Path, bounds: Bounds) -> None:
        self.folder = folder
        self.bounds = bounds
        self._files: deque[tuple[int, Path, int]] | None = None
        "When it was kept, where, and how large; oldest first."
        self._bytes = 0

    def has_room(self, at: int) -> bool:
        """Whether one more may be kept, now that what is too old is thrown away."""
        files = self._known()
        while files and files[0][0] < at - self.bounds.days * DAY_US:
            self._drop_oldest()
        return len(files) < self.bounds.files and self._bytes < self.bounds.bytes

    def make_room(self, at: int) -> None:
        """Throw the oldest away until one more fits."""
        while not self.has_room(at) and self._known():
            self._drop_oldest()

    def keep(self, path: Path, size: int, at: int) -> None:
        """A file of it is complete."""
        self._known().append((at, path, size))
        self._bytes += size

    def count(self) -> int:
        return len(self._known())

    def _drop_oldest(self) -> None:
        _, path, size = self._known().popleft()
        self._bytes -= size
        path.unlink(missing_ok=True)

    def _known(self) -> deque[tuple[int, Path, int]]:
        if self._files is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            found = [(status.st_mtime_ns // 1000, path, status.st_size) for path in self.folder.glob("*.wav") for status in (path.stat(),)]
            self._files = deque(sorted(found))
            self._bytes = sum(size for _, _, size in found)
        return self._files
