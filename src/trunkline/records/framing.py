"""Batches: how facts lie in a segment.

    {"fact":"attempt",...}
    {"fact":"call",...}
    {"commit":7,"bytes":1893,"crc32":"5f3a90c1"}

A batch is a run of fact lines closed by one commit line, which counts them (`commit`, from 1 in each segment),
measures them (`bytes`, all fact lines with their line ends) and checks them (`crc32`). A fact counts only when its
commit line is whole and true. Because the commit line comes last and says how far back it reaches, a reader finds
its footing again behind any damage.
"""

import zlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

MARK = b'\n{"commit":'
"What separates the facts of a batch from its commit line; JSON escapes line ends, so no fact contains it."


class Commit(Struct, frozen=True, gc=False):
    """The line that makes a batch count."""

    commit: int
    bytes: int
    crc32: str


class Batch(Struct, frozen=True, gc=False):
    """A proven batch: its fact lines are `data[start:end]`, and the next batch begins at `after`."""

    start: int
    end: int
    after: int


class Gap(Struct, frozen=True, gc=False):
    """Bytes, or whole batches, that cannot be believed."""

    start: int
    end: int
    why: str
    """torn: the writer died before the commit line; checksum: it no longer fits the facts; missing: batches were cut
    out."""


_commits = msgspec.json.Decoder(Commit)


def commit_line(lines: bytes, number: int) -> bytes:
    """The line that commits `lines` as batch `number` of its segment."""
    return b'{"commit":%d,"bytes":%d,"crc32":"%08x"}\n' % (number, len(lines), zlib.crc32(lines))


def scan(data: bytes, start: int = 0) -> Iterator[Batch | Gap]:
    """Walk a segment's bytes from the end of a batch at `start`; every byte is in exactly one batch or gap."""
    done, look, last = start, start, None if start else 0
    why = "torn"
    while (mark := data.find(MARK, look)) >= 0 and (line_end := data.find(b"\n", mark + 1)) >= 0:
        look = line_end
        end = mark + 1
        commit = _read_commit(data[end:line_end])
        begin = end - commit.bytes if commit else -1
        if commit is None or not done <= begin < end or f"{zlib.crc32(data[begin:end]):08x}" != commit.crc32:
            why = "checksum"
            continue
        if begin > done:
            yield Gap(done, begin, "checksum")
        elif last is not None and commit.commit != last + 1:
            yield Gap(begin, begin, "missing")
        yield Batch(begin, end, line_end + 1)
        done, last, why = line_end + 1, commit.commit, "torn"
    if done < len(data):
        yield Gap(done, len(data), why)


def _read_commit(line: bytes) -> Commit | None:
    try:
        return _commits.decode(line)
    except ValueError:
        return None
