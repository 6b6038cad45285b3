"""Making do-not-call lists, at a desk: from text to one sorted file, in memory that does not grow with the list.

Numbers are read in runs of a million, each sorted and written aside; then all runs, and the list as it was, are merged one stretch of numbers
at a time. The finished file is synced and renamed over the old one, so a reader sees either, never a part.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from trunkline.guard.do_not_call import HEADER, MAGIC, ListError, NumberList

RUN = 1_000_000
"Numbers sorted at once."
STRETCH = 1_000_000
"Numbers merged at once, over all runs."

Numbers = npt.NDArray[np.uint64]


class Built(Struct, frozen=True, gc=False):
    """What a change did."""

    count: int
    "Numbers in the list now."
    before: int
    "Numbers in it before."


def rewrite(path: Path, add: Iterable[int] = (), remove: Iterable[int] = (), keep: bool = True) -> Built:
    """Write the list at `path` anew: what it had (unless not `keep`) and `add`, without `remove`.

    Numbers may come in any order and twice. Other writers wait. Raises OSError where the disk refuses, ListError where the old list is damaged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path), TemporaryDirectory(prefix=f".{path.stem}-", dir=path.parent) as aside:
        folder = Path(aside)
        old = _mapped(path) if path.exists() else np.empty(0, np.uint64)
        added = _runs(add, folder, "add")
        removed = _runs(remove, folder, "remove")
        writing = folder / "writing"
        with open(writing, "wb") as file:
            file.write(bytes(HEADER.size))
            count = 0
            for stretch in _merged([old, *added] if keep else added, removed):
                file.write(stretch.tobytes())
                count += len(stretch)
            if not keep and not count and len(old):
                raise ListError(f"{path}: there is no number in what is to take the place of {len(old):,}; look at the columns, or take them off with `dnc remove`")
            file.seek(0)
            file.write(HEADER.pack(MAGIC, count, time.time_ns() // 1000))
            file.flush()
            os.fsync(file.fileno())
        os.replace(writing, path)
        _sync(path.parent)
    return Built(count, len(old))


def _merged(runs: list[Numbers], without: list[Numbers]) -> Iterator[Numbers]:
    """Ascending stretches of what is in `runs` and not in `without`."""
    runs = [run for run in runs if len(run)]
    at = [0] * len(runs)
    step = max(1, STRETCH // max(1, len(runs)))
    while True:
        ends = [run[min(begin + step, len(run)) - 1] for run, begin in zip(runs, at, strict=True) if begin < len(run)]
        if not ends:
            return
        last = min(ends)
        parts = []
        for index, run in enumerate(runs):
            end = int(np.searchsorted(run, last, side="right"))
            if end > at[index]:
                parts.append(run[at[index] : end])
                at[index] = end
        merged = np.asarray(parts[0]) if len(parts) == 1 else _once(np.concatenate(parts))
        for other in without:
            low, high = np.searchsorted(other, merged[0]), np.searchsorted(other, merged[-1], side="right")
            merged = np.setdiff1d(merged, other[low:high], assume_unique=True)
            if not len(merged):
                break
        if len(merged):
            yield merged


def _runs(numbers: Iterable[int], folder: Path, name: str) -> list[Numbers]:
    runs: list[Numbers] = []
    source = iter(numbers)
    while True:
        run = np.fromiter(islice(source, RUN), np.uint64)
        if not len(run):
            return runs
        path = folder / f"{name}-{len(runs)}"
        _once(run).tofile(path)
        runs.append(np.memmap(path, np.uint64, "r"))


def _once(numbers: Numbers) -> Numbers:
    """Sorted, each once. `numpy.unique` does the same by hashing, for ten times the memory."""
    numbers.sort()
    kept: Numbers = numbers[np.concatenate((np.ones(1, np.bool_), numbers[1:] != numbers[:-1]))]
    return kept


def _mapped(path: Path) -> Numbers:
    count = NumberList(path).count
    return np.memmap(path, np.uint64, "r", HEADER.size, (count,)) if count else np.empty(0, np.uint64)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One writer a list at a time, or an addition could be lost."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _sync(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


__all__ = ["Built", "ListError", "rewrite"]
