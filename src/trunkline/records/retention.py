"""Retention: how long segments are kept."""

from itertools import pairwise
from pathlib import Path

from .segment import Position, segments

KEEP_DAYS = 30.0


def expire(directory: Path, now_us: int, keep_days: float = KEEP_DAYS, needed: Position | None = None) -> list[str]:
    """Delete the segments whose facts are all older than `keep_days`; the names of those deleted.

    The newest segment stays whatever its age, because it carries the sequence on. So does everything from `needed`,
    the position of the older of the two checkpoints, on: a restart replays it.
    """
    existing = segments(directory)
    before = now_us - int(keep_days * 86_400e6)
    deleted = []
    for segment, following in pairwise(existing):
        if following.began >= before or (needed and segment.seq >= needed.order[0]):
            break
        segment.path.unlink(missing_ok=True)
        deleted.append(segment.path.name)
    return deleted
