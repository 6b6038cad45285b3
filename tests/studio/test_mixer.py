"""The mixer: who hears whom, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trunkline.studio.mixer import Mixer


def frames(*levels: int) -> np.ndarray:
    return np.repeat(np.array(levels, np.int16)[:, None], 160, axis=1)


ALL = np.ones(6, bool)


def heard(mixer: Mixer, sound: np.ndarray, present: np.ndarray = ALL) -> dict[int, int]:
    mixed, rows = mixer.mix(sound, present[: len(sound)])
    assert (mixed == mixed[:, :1]).all()
    return {int(row): int(level) for row, level in zip(rows, mixed[:, 0], strict=True)}


def test_each_hears_the_others_and_not_itself() -> None:
    mixer = Mixer(6)
    for row in (0, 1, 2):
        mixer.join(row, 0)
    for row in (4, 5):
        mixer.join(row, 3)
    assert heard(mixer, frames(1, 20, 300, 9999, 5, 70)) == {0: 320, 1: 301, 2: 21, 4: 70, 5: 5}
    assert mixer.members(0) == [0, 1, 2]


def test_one_who_leaves_hears_nobody_and_is_heard_by_nobody() -> None:
    mixer = Mixer(3)
    for row in range(3):
        mixer.join(row, 1)
    mixer.leave(1)
    assert heard(mixer, frames(1, 20, 300)) == {0: 300, 2: 1}


def test_one_who_only_listens_hears_all() -> None:
    mixer = Mixer(3)
    for row in range(3):
        mixer.join(row, 0, listens_only=row == 2)
    assert heard(mixer, frames(1, 20, 300)) == {0: 20, 1: 1, 2: 21}


def test_a_frame_that_did_not_come_is_silence() -> None:
    mixer = Mixer(3)
    for row in range(3):
        mixer.join(row, 0)
    assert heard(mixer, frames(1, 20, 300), np.array([True, False, True])) == {0: 300, 1: 301, 2: 1}


def test_what_is_too_loud_is_cut_off_and_comes_back_when_one_falls_silent() -> None:
    mixer = Mixer(4)
    for row in range(4):
        mixer.join(row, 0)
    assert heard(mixer, frames(30_000, 30_000, -30_000, 30_000)) == {0: 30_000, 1: 30_000, 2: 32_767, 3: 30_000}
    assert heard(mixer, frames(-30_000, -30_000, 0, 1)) == {0: -29_999, 1: -29_999, 2: -32_768, 3: -32_768}


def test_a_row_or_conference_that_is_not_there_is_a_fault_of_ours() -> None:
    with pytest.raises(ValueError, match="no such row"):
        Mixer(2).join(2, 0)
    with pytest.raises(ValueError, match="no such row"):
        Mixer(2).join(0, -1)


@given(st.lists(st.tuples(st.integers(-1, 3), st.booleans(), st.booleans(), st.integers(-32_768, 32_767)), min_size=4, max_size=12))
def test_it_is_the_saturated_sum_of_the_others(legs: list[tuple[int, bool, bool, int]]) -> None:
    mixer = Mixer(len(legs))
    for row, (conference, listens, _, _) in enumerate(legs):
        if conference >= 0:
            mixer.join(row, conference, listens_only=listens)
    mixed, rows = mixer.mix(frames(*(level for *_, level in legs)), np.array([present for _, _, present, _ in legs]))
    assert list(rows) == [row for row, (conference, *_) in enumerate(legs) if conference >= 0]
    for row, out in zip(rows, mixed, strict=True):
        others = sum(
            level for at, (conference, listens, present, level) in enumerate(legs) if at != row and conference == legs[row][0] and present and not listens
        )
        assert (out == max(-32_768, min(32_767, others))).all()
