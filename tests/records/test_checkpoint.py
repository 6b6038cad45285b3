"""Checkpoints: damaged ones are never believed, and the one before still starts the node."""

import os
from pathlib import Path

import pytest

from trunkline.records import Checkpoint, Position, load, save
from trunkline.records.checkpoint import CURRENT, PREVIOUS, WRITING

OLD = Checkpoint(Position("segment-20260301T120000Z-000001.ndjson", 10), {"board": [b"\x00old"]})
NEW = Checkpoint(Position("segment-20260301T120100Z-000002.ndjson", 20), {"board": [b"\xffnew", b"er"], "caps": []})


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    save(tmp_path / "new", NEW)
    assert load(tmp_path / "new").checkpoint == NEW


def test_where_none_was_saved_there_is_none(tmp_path: Path) -> None:
    loaded = load(tmp_path / "none")
    assert (loaded.checkpoint, loaded.damaged) == (None, ())


def test_damaged_at_any_byte_the_one_before_is_used(tmp_path: Path) -> None:
    save(tmp_path, OLD)
    save(tmp_path, NEW)
    path = tmp_path / CURRENT
    whole = path.read_bytes()
    for at in range(len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        assert load(tmp_path) == load_result(OLD, CURRENT)
        path.write_bytes(whole[:at])
        assert load(tmp_path) == load_result(OLD, CURRENT)


def test_both_damaged_means_none_and_says_so(tmp_path: Path) -> None:
    for name in (CURRENT, PREVIOUS):
        (tmp_path / name).write_bytes(b"trunkline checkpoint 2 crc32 00000000\n\xc1")
    loaded = load(tmp_path)
    assert (loaded.checkpoint, loaded.damaged) == (None, (CURRENT, PREVIOUS))


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_save_that_fails_at_any_step_leaves_one_that_loads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    real = getattr(os, step)
    for allowed in range(2):
        save(tmp_path, OLD)
        left = iter([real] * allowed)

        def refuse(*given: object, left=left) -> object:  # type: ignore[no-untyped-def]
            todo = next(left, None)
            if todo is None:
                raise OSError(28, "No space left on device")
            return todo(*given)

        with monkeypatch.context() as patch:
            patch.setattr(os, step, refuse)
            with pytest.raises(OSError, match="No space left"):
                save(tmp_path, NEW)
        assert load(tmp_path).checkpoint in (OLD, NEW)
        assert load(tmp_path).damaged == ()


def test_a_half_written_replacement_is_not_looked_at(tmp_path: Path) -> None:
    save(tmp_path, OLD)
    (tmp_path / WRITING).write_bytes(b"half")
    assert load(tmp_path).checkpoint == OLD
    save(tmp_path, NEW)
    assert load(tmp_path).checkpoint == NEW


def load_result(checkpoint: Checkpoint, *damaged: str) -> object:
    return type(load(Path("none")))(checkpoint, damaged)
