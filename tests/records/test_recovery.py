"""Recovery: what is still open after a crash, and folds that know what they knew."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.facts.record import Attempt, AttemptStarted, Call, DialogClosed, DialogOpened, Fact, NodeStopped
from trunkline.records import (
    OPEN_DIALOGS,
    Journal,
    OpenCall,
    OpenDialogs,
    Position,
    Reading,
    Recovered,
    recover,
    save,
    segments,
    take,
)

from .samples import NOON_US, a_call, closed, fact, opened

ANSWERED = a_call("one")
WITHOUT_CLOSED = [each for each in ANSWERED if not isinstance(each, DialogClosed)]
STOPPED = fact(NodeStopped)


class Counter:
    """Counts facts; refuses dumps of another version."""

    def __init__(self) -> None:
        self.count = 0

    def apply(self, fact: Fact) -> None:
        self.count += 1

    def dump(self) -> Iterator[bytes]:
        return iter([b"v1 %d" % self.count])

    def load(self, pieces: Sequence[bytes]) -> None:
        self.count = 0
        version, _, count = b"".join(pieces).partition(b" ")
        if version != b"v1":
            raise ValueError("a dump of another version")
        self.count = int(count)


def after(*facts: Fact) -> OpenDialogs:
    fold = OpenDialogs()
    for each in facts:
        fold.apply(each)
    return fold


def write(directory: Path, *facts: Fact) -> Position:
    journal = Journal(directory / "journal", low_water_bytes=0)
    for each in facts:
        journal.append(each)
    journal.flush(NOON_US)
    position = journal.position
    journal.close(NOON_US)
    return position


def restart(directory: Path, **folds: Counter) -> Recovered:
    return recover(directory / "journal", directory / "checkpoint", folds)


def unfinished(recovered: Recovered) -> list[OpenCall]:
    """Calls of which more is open than a goodbye."""
    return [call for call in recovered.calls if not call.recorded or call.started or call.dialogs]


def test_a_call_that_ended_leaves_nothing_open() -> None:
    assert after(*ANSWERED, STOPPED).calls == {}


def test_a_dialog_hung_up_a_moment_before_the_crash_is_hung_up_again() -> None:
    """The fact is written before the BYE is sent: a crash between the two would leave the far end waiting."""
    fold = after(*ANSWERED)
    assert set(fold.calls["one"].parting) == {0, 1}
    for each in a_call("two", NOON_US + 1_000_000):
        fold.apply(each)
    assert set(fold.calls["one"].parting) == {0, 1}
    for each in a_call("three", NOON_US + 10_000_000):
        fold.apply(each)
    assert set(fold.calls) == {"three"}


def test_who_hung_up_gets_no_goodbye() -> None:
    facts = [msgspec.structs.replace(each, released_by="dialer") if isinstance(each, Call) else each for each in WITHOUT_CLOSED]
    assert set(after(*facts).calls["one"].parting) == {1}
    facts = [msgspec.structs.replace(each, released_by="carrier") if isinstance(each, Attempt | Call) else each for each in WITHOUT_CLOSED]
    assert set(after(*facts).calls["one"].parting) == {0}


@pytest.mark.parametrize(
    ("crash_after", "dialogs", "pending", "unfinished_attempts"),
    [
        (1, [], [], []),
        (2, [], [1], [1]),
        (3, [1], [], [1]),
        (4, [1, 0], [], [1]),
        (5, [1, 0], [], [1]),
        (6, [0, 1], [], [1]),
        (7, [0, 1], [], []),
    ],
)
def test_a_crash_leaves_open_what_the_facts_so_far_opened(
    tmp_path: Path, crash_after: int, dialogs: list[int], pending: list[int], unfinished_attempts: list[int]
) -> None:
    """In order: Decision, AttemptStarted, DialogOpened twice, DialogClosed twice, Attempt, Call."""
    write(tmp_path, *ANSWERED[:crash_after])
    recovered = restart(tmp_path)
    assert [dialog.leg for dialog in recovered.dialogs] == dialogs
    assert [attempt.position for attempt in recovered.pending] == pending
    assert [n for call in recovered.unrecorded for n in call.started] == unfinished_attempts
    assert [call.call for call in recovered.unrecorded] == (["one"] if crash_after > 1 else [])


def test_the_ended_attempts_of_a_call_without_record_are_handed_over() -> None:
    started, attempt = ANSWERED[1], ANSWERED[6]
    call = after(started, attempt).calls["one"]
    assert (call.attempts, call.started, call.recorded) == ({attempt.position: attempt}, {}, False)


def test_the_records_of_attempt_and_call_close_their_own_legs() -> None:
    assert after(*WITHOUT_CLOSED, STOPPED).calls == {}


def test_a_dialog_opened_again_keeps_the_higher_reserved_cseq() -> None:
    again = fact(DialogOpened, call="one", leg=1, cseq=200)
    assert after(opened("one", 1), again).calls["one"].dialogs[1].cseq == 200


def test_only_the_attempt_without_an_answer_is_pending() -> None:
    second = fact(AttemptStarted, call="one", position=2)
    fold = after(fact(AttemptStarted, call="one", position=1), second, opened("one", 1))
    assert fold.calls["one"].pending == [second]


def test_the_crash_record_a_node_writes_closes_the_call() -> None:
    fold = after(*ANSWERED[:4])
    for written in (closed("one", 0), closed("one", 1), fact(Attempt, call="one", position=1), fact(Call, call="one")):
        fold.apply(written)
    assert set(fold.calls["one"].parting) == {0, 1}
    fold.apply(STOPPED)
    assert fold.calls == {}


@given(st.lists(st.tuples(st.sampled_from(range(8)), st.sampled_from("ab")), max_size=40), st.integers(0, 40))
def test_dumping_and_loading_at_any_point_changes_nothing(steps: list[tuple[int, str]], cut: int) -> None:
    facts = [a_call(name)[index] for index, name in steps]
    loaded = OpenDialogs()
    loaded.load(list(after(*facts[:cut]).dump()))
    for each in facts[cut:]:
        loaded.apply(each)
    assert loaded.calls == after(*facts).calls


@given(st.lists(st.tuples(st.sampled_from(range(8)), st.integers(0, 120)), max_size=400), st.integers(0, 200), st.lists(st.integers(0, 40), min_size=5))
def test_facts_that_happen_while_it_is_dumped_may_be_learnt_twice(steps: list[tuple[int, int]], cut: int, between: list[int]) -> None:
    facts = [a_call(str(name))[index] for index, name in steps]
    fold = after(*facts[:cut])
    later, pieces = iter(facts[cut:]), []
    for turn, piece in enumerate(fold.dump()):
        pieces.append(piece)
        for each in islice(later, between[turn % len(between)]):
            fold.apply(each)
    loaded = OpenDialogs()
    loaded.load(pieces)
    for each in facts[cut:]:
        loaded.apply(each)
    assert [dialog for call in loaded.calls.values() for dialog in call.dialogs.values()] == [
        dialog for call in after(*facts).calls.values() for dialog in call.dialogs.values()
    ]


def test_a_restart_replays_only_what_came_after_the_checkpoint(tmp_path: Path) -> None:
    counter, dialogs = Counter(), OpenDialogs()
    for each in ANSWERED[:4]:
        counter.apply(each)
        dialogs.apply(each)
    position = write(tmp_path, *ANSWERED[:4])
    save(tmp_path / "checkpoint", take({"counter": counter, OPEN_DIALOGS: dialogs}, position))
    segments(tmp_path / "journal")[0].path.write_bytes(bytes(position.offset))
    write(tmp_path, *ANSWERED[4:5])
    again = Counter()
    recovered = restart(tmp_path, counter=again)
    assert again.count == 5
    assert [dialog.leg for call in recovered.calls for dialog in call.dialogs.values()] == [1]
    assert recovered.rebuilt == ()


@pytest.mark.parametrize("saved", [{}, {"counter": [b"v0 7"]}])
def test_a_fold_the_checkpoint_cannot_give_is_recomputed_and_the_others_are_not_fed_twice(
    tmp_path: Path, saved: dict[str, list[bytes]]
) -> None:
    other = Counter()
    for each in ANSWERED[:4]:
        other.apply(each)
    position = write(tmp_path, *ANSWERED[:4])
    checkpoint = take({"other": other, OPEN_DIALOGS: after(*ANSWERED[:4])}, position)
    checkpoint.folds.update(saved)
    save(tmp_path / "checkpoint", checkpoint)
    write(tmp_path, *ANSWERED[4:])
    counter, other = Counter(), Counter()
    recovered = restart(tmp_path, counter=counter, other=other)
    assert (counter.count, other.count) == (len(ANSWERED), len(ANSWERED))
    assert recovered.rebuilt == ("counter",)
    assert unfinished(recovered) == []


def test_a_torn_tail_is_counted_left_alone_and_never_read(tmp_path: Path) -> None:
    write(tmp_path, *ANSWERED[:2])
    tail = segments(tmp_path / "journal")[0].path
    with open(tail, "ab") as file:
        file.write(b'{"fact":"dialog_opened","call":"one"')
    size = tail.stat().st_size
    recovered = restart(tmp_path)
    assert recovered.torn_bytes == 36
    assert [attempt.position for attempt in recovered.pending] == [1]
    write(tmp_path, *ANSWERED[2:])
    assert tail.stat().st_size == size
    assert list(Reading(tmp_path / "journal")) == ANSWERED
    assert unfinished(restart(tmp_path)) == []


def test_without_a_whole_checkpoint_the_whole_journal_is_replayed(tmp_path: Path) -> None:
    write(tmp_path, *ANSWERED)
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "checkpoint").write_bytes(b"broken")
    counter = Counter()
    recovered = restart(tmp_path, counter=counter)
    assert counter.count == len(ANSWERED)
    assert recovered.damaged_checkpoints == ("checkpoint",)


def test_an_empty_directory_recovers_to_nothing(tmp_path: Path) -> None:
    recovered = restart(tmp_path)
    assert (recovered.calls, recovered.position, recovered.torn_bytes) == ([], Position(), 0)
