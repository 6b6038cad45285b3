"""Do-not-call lists on disk: built in any order, searched in place, replaced under a reader."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trunkline.guard import do_not_call_build
from trunkline.guard.do_not_call import ListError, Lists, NumberList
from trunkline.guard.do_not_call_build import rewrite

NUMBERS = st.integers(1, 10**15 - 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, max_size=60), st.lists(NUMBERS, max_size=60), st.lists(NUMBERS, max_size=20), st.integers(1, 9), st.integers(1, 9))
def test_a_list_is_what_was_added_without_what_was_removed(
    tmp_path_factory: pytest.TempPathFactory, first: list[int], more: list[int], gone: list[int], run: int, stretch: int
) -> None:
    """With runs and stretches of a few numbers, so that merging is what is tested."""
    path = tmp_path_factory.mktemp("lists") / "all.dnc"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(do_not_call_build, "RUN", run)
        patch.setattr(do_not_call_build, "STRETCH", stretch)
        rewrite(path, add=first)
        built = rewrite(path, add=more, remove=gone + first[:3])
    expected = (set(first) | set(more)) - set(gone) - set(first[:3])
    found = NumberList(path)
    assert (built.count, built.before, found.count) == (len(expected), len(set(first)), len(expected))
    for number in {*first, *more, *gone, 1, 10**15}:
        assert (number in found) == (number in expected)
    assert path.stat().st_size == 32 + 8 * len(expected)


def test_building_again_forgets_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "all.dnc"
    rewrite(path, add=[14155550100, 14155550101])
    rewrite(path, add=[14155550102], keep=False)
    assert (14155550102 in NumberList(path), 14155550100 in NumberList(path)) == (True, False)


def test_a_reader_sees_the_new_list_once_it_looks(tmp_path: Path) -> None:
    rewrite(tmp_path / "all.dnc", add=[1])
    rewrite(tmp_path / "acme.dnc", add=[2])
    lists = Lists(tmp_path)
    rewrite(tmp_path / "all.dnc", add=[3])
    assert lists.holds("acme", 3) == ""
    assert lists.look() == ["all"]
    assert lists.look() == []
    assert [lists.holds("acme", number) for number in (1, 2, 3, 4)] == ["all", "acme", "all", ""]
    assert lists.holds("other", 2) == ""
    os.unlink(tmp_path / "acme.dnc")
    assert lists.look() == ["acme"]
    assert lists.holds("acme", 2) == ""


def test_a_folder_that_comes_later_is_found(tmp_path: Path) -> None:
    lists = Lists(tmp_path / "dnc")
    rewrite(tmp_path / "dnc" / "all.dnc", add=[7])
    assert lists.look() == ["all"]
    assert lists.holds("", 7) == "all"


@pytest.mark.parametrize("damage", [b"", b"short", b"X" * 40, None])
def test_a_damaged_list_leaves_the_one_before_in_force_and_says_so(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "all.dnc"
    rewrite(path, add=[5, 6])
    lists = Lists(tmp_path)
    whole = path.read_bytes()
    path.with_suffix(".new").write_bytes(whole[:-1] if damage is None else damage)
    os.replace(path.with_suffix(".new"), path)
    lists.look()
    assert lists.holds("acme", 5) == "all"
    assert "trunkline dnc build" in lists.faults["all"]
    with pytest.raises(ListError):
        NumberList(path)


def test_nothing_is_left_beside_the_list_but_its_lock(tmp_path: Path) -> None:
    rewrite(tmp_path / "all.dnc", add=[1])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["all.dnc", "all.lock"]


def test_an_empty_list_holds_nobody(tmp_path: Path) -> None:
    rewrite(tmp_path / "all.dnc")
    assert Lists(tmp_path).holds("acme", 1) == ""
