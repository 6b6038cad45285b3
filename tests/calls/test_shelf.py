"""Clips on a shelf: bounded by age, number and size, over restarts too."""

import os
from pathlib import Path

from trunkline.calls.shelf import DAY_US, Bounds, Shelf

NOW = 400 * DAY_US


def put(shelf: Shelf, name: str, at: int, size: int = 100) -> Path:
    shelf.count()
    path = shelf.folder / f"{name}.wav"
    path.write_bytes(bytes(size))
    os.utime(path, ns=(at * 1000, at * 1000))
    shelf.keep(path, size, at)
    return path


def test_there_is_room_until_there_are_enough(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "clips", Bounds(30, 2, 10_000))
    assert shelf.has_room(NOW)
    put(shelf, "a", NOW)
    put(shelf, "b", NOW)
    assert not shelf.has_room(NOW)


def test_size_counts_too(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "clips", Bounds(30, 100, 250))
    for name in "abc":
        assert shelf.has_room(NOW)
        put(shelf, name, NOW)
    assert not shelf.has_room(NOW)


def test_what_is_too_old_is_thrown_away(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "clips", Bounds(30, 2, 10_000))
    old, young = put(shelf, "old", NOW - 31 * DAY_US), put(shelf, "young", NOW - DAY_US)
    assert shelf.has_room(NOW)
    assert not old.exists()
    assert young.exists()


def test_the_oldest_makes_room(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "clips", Bounds(30, 2, 10_000))
    first, second = put(shelf, "first", NOW), put(shelf, "second", NOW + 1)
    shelf.make_room(NOW + 2)
    assert not first.exists()
    assert second.exists()


def test_a_restart_finds_what_is_there(tmp_path: Path) -> None:
    before = Shelf(tmp_path / "clips", Bounds(30, 2, 10_000))
    put(before, "b", NOW + 1)
    put(before, "a", NOW)
    after = Shelf(tmp_path / "clips", Bounds(30, 2, 10_000))
    assert not after.has_room(NOW + 2)
    after.make_room(NOW + 2)
    assert [path.stem for path in after.folder.glob("*.wav")] == ["b"]
