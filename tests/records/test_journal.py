"""The writer: one write per batch, and what it does when the disk refuses."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.facts.record import Alarm, NodeStarted
from trunkline.records import Journal, Position, Reading, segments
from trunkline.records.journal import RETRY_US

from .samples import NOON_US, a_call, fact

SECOND = 1_000_000


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, low_water_bytes=0)
    yield journal
    journal.close(NOON_US)


class Disk:
    """A disk with `room` bytes left: it takes what fits, then answers like a full one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
        self.room = room
        self.writes = 0
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, fd: int, data: Any) -> int:
        self.writes += 1
        if not self.room:
            raise OSError(28, "No space left on device")
        written = self._write(fd, data[: self.room])
        self.room -= written
        return written


def numbered(*numbers: int) -> list[NodeStarted]:
    return [NodeStarted(number, "node-1", "1") for number in numbers]


def put(journal: Journal, *numbers: int, at: int = NOON_US) -> bool:
    for row in numbered(*numbers):
        journal.append(row)
    return journal.flush(at)


def read(directory: Path) -> list[int]:
    return [row.at for row in Reading(directory) if isinstance(row, NodeStarted)]


def test_facts_come_back_as_they_were_written_and_in_order(journal: Journal, tmp_path: Path) -> None:
    written = [*a_call("one"), *a_call("two")]
    for row in written:
        journal.append(row)
    assert journal.flush(NOON_US)
    reading = Reading(tmp_path)
    assert list(reading) == written
    assert reading.damage == []
    assert reading.position == journal.position


def test_a_batch_is_one_write(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch, 1 << 20)
    put(journal, *range(100))
    assert disk.writes == 1
    journal.flush(NOON_US)
    assert disk.writes == 1


def test_a_flushed_batch_is_readable_while_the_writer_lives(journal: Journal, tmp_path: Path) -> None:
    put(journal, 1)
    assert read(tmp_path) == [1]
    journal.append(numbered(2)[0])
    assert read(tmp_path) == [1]
    assert journal.pending == 1


@given(room=st.lists(st.integers(0, 700), max_size=6), sizes=st.lists(st.integers(0, 4), min_size=1, max_size=8))
def test_a_disk_that_fills_loses_duplicates_and_tears_nothing(
    tmp_path_factory: pytest.TempPathFactory, room: list[int], sizes: list[int]
) -> None:
    """Room appears in portions of any size; what was given in, in any batches, comes out once and in order."""
    directory = tmp_path_factory.mktemp("journal")
    journal = Journal(directory, low_water_bytes=0)
    given_in, at = 0, NOON_US
    with pytest.MonkeyPatch.context() as patch:
        disk = Disk(patch, 0)
        for step in range(max(len(room), len(sizes))):
            disk.room += room[step] if step < len(room) else 0
            count = sizes[step] if step < len(sizes) else 0
            kept = put(journal, *range(given_in, given_in + count), at=at)
            given_in += count
            assert kept is (journal.pending == 0)
            assert journal.full is not kept
            reading = Reading(directory)
            assert [row.at for row in reading] == list(range(given_in - journal.pending))
            assert reading.damage == []
            at += RETRY_US
    assert journal.close(at)
    assert read(directory) == list(range(given_in))


def test_a_full_disk_is_not_tried_again_at_every_turn_of_the_loop(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, 0)
    assert not put(journal, 1)
    disk.room = 1 << 20
    assert not journal.flush(NOON_US + RETRY_US - 1)
    assert disk.writes == 1
    assert "No space left" in journal.fault
    assert journal.flush(NOON_US + RETRY_US)
    assert not journal.full
    assert journal.fault == ""


def test_the_kernels_own_partial_write_is_cut_back_and_repeated(journal: Journal, tmp_path: Path) -> None:
    """RLIMIT_FSIZE makes a real write stop half way, then fail with EFBIG."""
    put(journal, 1)
    committed = journal.position
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (committed.offset + 1000, hard))
    try:
        kept = put(journal, *range(2, 100))
        size = os.stat(tmp_path / committed.segment).st_size
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not kept
    assert size == committed.offset
    assert journal.position == committed
    assert journal.flush(NOON_US + RETRY_US)
    assert read(tmp_path) == list(range(1, 100))


def test_where_the_torn_part_cannot_be_cut_off_a_new_segment_takes_over(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(journal, 1)

    def refuse(fd: int, length: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        Disk(patch, 30)
        patch.setattr(os, "ftruncate", refuse)
        assert not put(journal, 2)
    assert journal.flush(NOON_US + RETRY_US)
    reading = Reading(tmp_path)
    assert [row.at for row in reading] == [1, 2]
    assert [(damage.bytes, damage.why) for damage in reading.damage] == [(30, "torn")]
    assert len(segments(tmp_path)) == 2


def test_a_segment_that_cannot_be_begun_keeps_the_facts(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> int:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        assert not put(journal, 1)
        assert journal.full
    assert journal.flush(NOON_US + RETRY_US)
    assert read(tmp_path) == [1]


def test_little_room_left_is_seen_at_sync_before_a_write_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, low_water_bytes=64 << 20)
    room = os.statvfs(tmp_path)
    blocks = (10 << 20) // room.f_frsize
    with monkeypatch.context() as patch:
        patch.setattr(os, "statvfs", lambda path: os.statvfs_result((*room[:4], blocks, *room[5:10])))
        assert put(journal, 1)
        assert not journal.full
        journal.sync()
        assert journal.full
        assert journal.fault.startswith("10 MB left")
        assert put(journal, 2)
        assert journal.full
    journal.sync()
    assert not journal.full
    journal.close(NOON_US)


def test_a_disk_that_fails_to_sync_stops_admissions_until_it_syncs(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int) -> None:
        raise OSError(5, "Input/output error")

    put(journal, 1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refuse)
        journal.sync()
        assert "Input/output error" in journal.fault
    journal.sync()
    assert not journal.full


def test_segments_end_by_age_by_size_and_when_the_clock_is_set_back(tmp_path: Path) -> None:
    journal = Journal(tmp_path, segment_s=60, segment_bytes=400, low_water_bytes=0)
    put(journal, 1)
    put(journal, 2, at=NOON_US + 59 * SECOND)
    assert [segment.path.name for segment in segments(tmp_path)] == ["segment-20260301T120000Z-000001.ndjson"]
    put(journal, 3, at=NOON_US + 60 * SECOND)
    assert len(segments(tmp_path)) == 2
    put(journal, *range(4, 20), at=NOON_US + 61 * SECOND)
    put(journal, 20, at=NOON_US + 61 * SECOND)
    assert len(segments(tmp_path)) == 3
    put(journal, 21, at=NOON_US)
    assert segments(tmp_path)[-1].path.name == "segment-20260301T120000Z-000004.ndjson"
    assert read(tmp_path) == list(range(1, 22))
    journal.close(NOON_US)


def test_leaving_segments_leaks_no_descriptor(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    journal = Journal(tmp_path, segment_bytes=1, low_water_bytes=0)
    for number in range(20):
        put(journal, number)
    journal.sync()
    assert len(os.listdir("/proc/self/fd")) == before + 1
    journal.close(NOON_US)
    assert len(os.listdir("/proc/self/fd")) == before


def test_every_life_of_the_writer_begins_its_own_segment(tmp_path: Path) -> None:
    for life in (1, 2):
        journal = Journal(tmp_path, low_water_bytes=0)
        put(journal, life)
        journal.close(NOON_US)
    assert [segment.seq for segment in segments(tmp_path)] == [1, 2]
    assert read(tmp_path) == [1, 2]


def test_before_the_first_write_the_position_is_the_end_of_the_last_life(tmp_path: Path) -> None:
    journal = Journal(tmp_path, low_water_bytes=0)
    assert journal.position == Position()
    put(journal, 1)
    journal.close(NOON_US)
    again = Journal(tmp_path, low_water_bytes=0)
    position = again.position
    put(again, 2)
    assert [row.at for row in Reading(tmp_path, position)] == [2]
    again.close(NOON_US)


def test_bytes_that_were_no_utf_8_are_kept_as_escapes(journal: Journal, tmp_path: Path) -> None:
    hostile = b"Softphone \xff".decode("utf-8", "surrogateescape")
    journal.append(fact(Alarm, code="first"))
    journal.append(fact(Alarm, code="second", text=hostile))
    assert journal.flush(NOON_US)
    assert [row.text for row in Reading(tmp_path) if isinstance(row, Alarm)] == ["", "Softphone \\udcff"]


def test_a_fact_that_cannot_be_written_becomes_an_alarm_and_holds_nothing_back(
    journal: Journal, tmp_path: Path
) -> None:
    put_in = [*numbered(1), fact(NodeStarted, at=object()), *numbered(2)]
    for row in put_in:
        journal.append(row)
    assert journal.flush(NOON_US)
    first, alarm, last = Reading(tmp_path)
    assert [first, last] == numbered(1, 2)
    assert isinstance(alarm, Alarm)
    assert (alarm.code, alarm.subject, alarm.at) == ("journal.unwritable_fact", "NodeStarted", NOON_US)
