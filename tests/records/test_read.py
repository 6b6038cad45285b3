"""The readers: what damage costs, and how little of the journal a look-up reads."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.facts.record import AttemptStarted, Call, Fact, NodeStarted
from trunkline.records import Damage, Journal, Position, Reading, ended_calls, facts_of, segments
from trunkline.records.framing import Batch, commit_line, scan

from .samples import NOON_US, a_call

MINUTE = 60_000_000
BATCHES = [[0], [1, 2, 3], [4], [5, 6]]


def lines(numbers: list[int]) -> bytes:
    return b"".join(b'{"fact":"node_started","at":%d,"node":"n","version":""}\n' % number for number in numbers)


def batch(numbers: list[int], number: int) -> bytes:
    return lines(numbers) + commit_line(lines(numbers), number)


def journal_of(directory: Path, data: bytes) -> Path:
    directory.mkdir(exist_ok=True)
    (directory / "segment-20260301T120000Z-000001.ndjson").write_bytes(data)
    return directory


def read(directory: Path, since: Position | None = None) -> tuple[list[int], list[Damage]]:
    reading = Reading(directory, since)
    return [fact.at for fact in reading if isinstance(fact, NodeStarted)], reading.damage


WHOLE = b"".join(batch(numbers, index + 1) for index, numbers in enumerate(BATCHES))


def test_killed_at_any_byte_every_committed_batch_survives_and_nothing_torn_is_returned(tmp_path: Path) -> None:
    ends = [0]
    for index, numbers in enumerate(BATCHES):
        ends.append(ends[-1] + len(batch(numbers, index + 1)))
    for cut in range(len(WHOLE) + 1):
        whole = max(index for index, end in enumerate(ends) if end <= cut)
        found, damage = read(journal_of(tmp_path, WHOLE[:cut]))
        assert found == [number for numbers in BATCHES[:whole] for number in numbers]
        torn = cut - ends[whole]
        assert [(lost.offset, lost.bytes, lost.why) for lost in damage] == (
            [(ends[whole], torn, "torn")] if torn else []
        )


@given(at=st.integers(0, len(WHOLE) - 1), bit=st.integers(0, 7))
def test_a_flipped_bit_costs_at_most_two_batches_and_is_reported(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int
) -> None:
    """Two where the line that commits one batch is no longer told from the facts of the next."""
    altered = bytearray(WHOLE)
    altered[at] ^= 1 << bit
    found, damage = read(journal_of(tmp_path_factory.mktemp("flipped"), bytes(altered)))
    survivors = [numbers for numbers in BATCHES if set(numbers) <= set(found)]
    assert found == [number for numbers in survivors for number in numbers]
    assert len(survivors) >= len(BATCHES) - 2
    assert damage or len(survivors) == len(BATCHES)


@settings(max_examples=300)
@given(start=st.integers(0, len(WHOLE)), length=st.integers(0, 200), filler=st.binary(max_size=50))
def test_any_hole_anywhere_leaves_only_whole_batches(start: int, length: int, filler: bytes) -> None:
    data = WHOLE[:start] + filler + WHOLE[start + length :]
    originals = {lines(numbers) for numbers in BATCHES}
    covered = 0
    for part in scan(data):
        assert part.start == covered
        covered = part.after if isinstance(part, Batch) else part.end
        if isinstance(part, Batch):
            assert data[part.start : part.end] in originals
    assert covered == len(data)


def test_a_corrupted_middle_is_skipped_loudly_and_the_rest_still_read(tmp_path: Path) -> None:
    first, second = len(batch(BATCHES[0], 1)), len(batch(BATCHES[1], 2))
    altered = WHOLE.replace(b'"at":2', b'"at":9')
    name = "segment-20260301T120000Z-000001.ndjson"
    assert read(journal_of(tmp_path, altered)) == ([0, 4, 5, 6], [Damage(name, first, second, "checksum")])


def test_a_zeroed_page_is_skipped_and_the_rest_still_read(tmp_path: Path) -> None:
    first, second = len(batch(BATCHES[0], 1)), len(batch(BATCHES[1], 2))
    found, damage = read(journal_of(tmp_path, WHOLE[:first] + bytes(second) + WHOLE[first + second :]))
    assert found == [0, 4, 5, 6]
    assert [lost.why for lost in damage] == ["checksum"]


def test_batches_cut_out_cleanly_are_missed(tmp_path: Path) -> None:
    data = batch([0], 1) + batch([4], 3)
    found, damage = read(journal_of(tmp_path, data))
    assert found == [0, 4]
    assert [lost.why for lost in damage] == ["missing"]


def test_a_fact_of_another_version_costs_only_itself(tmp_path: Path) -> None:
    body = lines([1]) + b'{"fact":"from_the_future","at":2}\n' + lines([3])
    found, damage = read(journal_of(tmp_path, body + commit_line(body, 1)))
    assert found == [1, 3]
    assert [lost.why for lost in damage] == ["unreadable"]


def test_reading_goes_on_from_any_position_it_reported(tmp_path: Path) -> None:
    written = write(tmp_path, ["a", "b", "c", "d"])
    reading = Reading(tmp_path)
    for count, _ in enumerate(reading, 1):
        if count % 9 == 0:
            assert list(Reading(tmp_path, reading.position)) == written[count:]


def test_a_position_whose_segment_was_deleted_goes_on_with_the_next(tmp_path: Path) -> None:
    written = write(tmp_path, ["a", "b"])
    gone = segments(tmp_path)[0].path
    position = Position(gone.name, gone.stat().st_size)
    gone.unlink()
    assert list(Reading(tmp_path, position)) == written[9:]


def test_a_directory_that_does_not_exist_holds_no_facts(tmp_path: Path) -> None:
    assert list(Reading(tmp_path / "none")) == []


def test_ended_calls_come_newest_first_and_stop_before_what_is_too_old(tmp_path: Path) -> None:
    write(tmp_path, ["a", "b", "c", "d"])
    damage: list[Damage] = []
    assert [call.call for call in ended_calls(tmp_path, damage)] == ["d", "c", "b", "a"]
    segments(tmp_path)[0].path.write_bytes(b"never read")
    assert [call.call for call in ended_calls(tmp_path, damage, NOON_US + 2 * MINUTE)] == ["d", "c"]
    assert damage == []


def test_a_call_is_found_without_reading_what_is_older_than_it(tmp_path: Path) -> None:
    written = write(tmp_path, ["a", "b", "c", "d"])
    segments(tmp_path)[0].path.write_bytes(b"never read")
    damage: list[Damage] = []
    assert facts_of(tmp_path, "c", damage) == written[18:27]
    assert damage == []
    assert facts_of(tmp_path, "unknown", damage) == []


def test_a_call_spread_over_segments_is_found_whole(tmp_path: Path) -> None:
    facts = a_call("long", NOON_US)
    journal = Journal(tmp_path, low_water_bytes=0)
    for minute, fact in enumerate(facts):
        journal.append(fact)
        journal.flush(NOON_US + minute * MINUTE)
    journal.close(NOON_US)
    assert len(segments(tmp_path)) > len(facts) - 1
    assert facts_of(tmp_path, "long", []) == facts


def test_a_call_without_a_record_is_found_too(tmp_path: Path) -> None:
    written = [
        fact for fact in write(tmp_path, ['quo"ted'], kinds=(AttemptStarted,)) if isinstance(fact, AttemptStarted)
    ]
    assert facts_of(tmp_path, 'quo"ted', []) == written


def write(directory: Path, calls: list[str], kinds: tuple[type, ...] = ()) -> list[Fact]:
    """One call a minute, each in a segment of its own; only facts of `kinds` where given."""
    journal = Journal(directory, low_water_bytes=0)
    written: list[Fact] = []
    for minute, name in enumerate(calls):
        began = NOON_US + minute * MINUTE
        facts = [fact for fact in a_call(name, began) if not kinds or isinstance(fact, kinds)]
        for fact in facts:
            journal.append(fact)
        journal.flush(began)
        written += facts
    journal.close(NOON_US + len(calls) * MINUTE)
    assert kinds or sum(isinstance(fact, Call) for fact in written) == len(calls)
    return written
