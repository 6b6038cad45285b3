import pytest
from msgspec import DecodeError

from trunkline.facts.record import NodeStarted, PolicyApplied
from trunkline.policy.history import KEPT, PolicyHistory


def applied(n: int, **more: object) -> PolicyApplied:
    return PolicyApplied(n, f"{n:016x}", "anna", f"change {n}", f"{n - 1:016x}" if n else "", **more)  # type: ignore[arg-type]


def test_it_knows_what_is_in_force_and_what_was() -> None:
    history = PolicyHistory()
    assert history.last is None
    for n in range(3):
        history.apply(applied(n))
        history.apply(NodeStarted(n, "n1", "1"))
    assert history.last == applied(2)
    assert history.applied == [applied(0), applied(1), applied(2)]


def test_learning_a_fact_twice_changes_nothing() -> None:
    history = PolicyHistory()
    for fact in (applied(0), applied(1), applied(1), applied(0)):
        history.apply(fact)
    assert history.applied == [applied(0), applied(1)]


def test_going_back_to_a_version_is_a_change_of_its_own() -> None:
    history = PolicyHistory()
    for fact in (applied(0), applied(1), PolicyApplied(2, applied(0).version, "bert", "worse", applied(1).version, True)):
        history.apply(fact)
    assert [fact.version for fact in history.applied] == [applied(0).version, applied(1).version, applied(0).version]


def test_a_checkpoint_gives_back_what_it_was_given() -> None:
    history, again = PolicyHistory(), PolicyHistory()
    for n in range(130):
        history.apply(applied(n, rollback=n % 7 == 0))
    again.load(list(history.dump()))
    assert again.applied == history.applied


def test_a_checkpoint_is_of_the_moment_it_was_begun() -> None:
    history, again = PolicyHistory(), PolicyHistory()
    history.apply(applied(0))
    pieces = history.dump()
    history.apply(applied(1))
    again.load(list(pieces))
    assert again.applied == [applied(0)]


def test_a_checkpoint_that_cannot_be_read_is_forgotten() -> None:
    history = PolicyHistory()
    history.apply(applied(0))
    with pytest.raises(DecodeError):
        history.load([b"\xc1"])
    assert history.applied == []


def test_it_does_not_grow_for_ever() -> None:
    history = PolicyHistory()
    for n in range(KEPT + 10):
        history.apply(applied(n))
    assert len(history.applied) == KEPT
    assert history.last == applied(KEPT + 9)
