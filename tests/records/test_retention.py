"""Retention: what is deleted, and what never is."""

from pathlib import Path

from trunkline.records import Journal, Position, expire, segments

from .samples import NOON_US, a_call

DAY = 86_400_000_000


def a_segment_a_day(directory: Path, days: int) -> list[str]:
    journal = Journal(directory, low_water_bytes=0)
    for day in range(days):
        for fact in a_call(f"day-{day}"):
            journal.append(fact)
        journal.flush(NOON_US + day * DAY)
    journal.close(NOON_US + days * DAY)
    return [segment.path.name for segment in segments(directory)]


def test_only_segments_whose_every_fact_is_too_old_are_deleted(tmp_path: Path) -> None:
    names = a_segment_a_day(tmp_path, 5)
    assert expire(tmp_path, NOON_US + 32 * DAY) == names[:1]
    assert expire(tmp_path, NOON_US + 32 * DAY + 1) == names[1:2]
    assert [segment.path.name for segment in segments(tmp_path)] == names[2:]


def test_the_newest_segment_stays_so_that_the_sequence_goes_on(tmp_path: Path) -> None:
    names = a_segment_a_day(tmp_path, 3)
    assert expire(tmp_path, NOON_US + 1000 * DAY) == names[:2]
    assert a_segment_a_day(tmp_path, 1)[-1].endswith("-000004.ndjson")


def test_what_a_checkpoint_still_needs_stays(tmp_path: Path) -> None:
    names = a_segment_a_day(tmp_path, 4)
    assert expire(tmp_path, NOON_US + 1000 * DAY, needed=Position(names[1], 0)) == names[:1]


def test_nothing_is_deleted_where_nothing_is(tmp_path: Path) -> None:
    assert expire(tmp_path / "none", NOON_US) == []
