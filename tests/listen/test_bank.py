"""The bank: rows, phases, and independence of lines."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.listen.lines import Sent, hear, send, voice
from tests.listen.sweep import cases
from trunkline.listen import FRAME, TICK_S, Bank, Hearing, Kind, Phase, synthesis
from trunkline.listen.detector import Frames, Mask, Rows
from trunkline.listen.plans import SITS
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones


class Notes:
    """A detector that writes down what it is told and says `beep` of every row that is present."""

    def __init__(self) -> None:
        self.told: list[tuple[str, list[int], object]] = []
        self.peak = 0.0

    def open(self, rows: Rows) -> None:
        self.told.append(("open", rows.tolist(), None))

    def answered(self, rows: Rows, now: float) -> None:
        self.told.append(("answered", rows.tolist(), now))

    def called(self, rows: Rows, country: str) -> None:
        self.told.append(("called", rows.tolist(), country))

    def push(self, frames: Frames, present: Mask, now: float) -> Sequence[Hearing]:
        self.peak = float(np.abs(frames).max())
        return [Hearing(row, Kind.BEEP, now - TICK_S, now, now) for row in np.flatnonzero(present).tolist()]


def full(rows: int, value: int = 1000) -> tuple[np.ndarray[tuple[int, int], np.dtype[np.int16]], Mask]:
    """A frame of `value` for every row."""
    return np.full((rows, FRAME), value, np.int16), np.ones(rows, np.bool_)


def test_a_row_is_heard_only_while_a_line_is_on_it() -> None:
    bank = Bank(3, [Notes()])
    frames, present = full(3)
    assert bank.push(frames, present, 0.02) == []
    bank.open(1)
    assert [hearing.row for hearing in bank.push(frames, present, 0.04)] == [1]
    bank.close(1)
    assert bank.push(frames, present, 0.06) == []


def test_a_row_taken_twice_is_a_fault() -> None:
    bank = Bank(1, [])
    bank.open(0)
    with pytest.raises(ValueError, match="row 0"):
        bank.open(0)
    bank.close(0)
    bank.open(0)


def test_frames_that_do_not_fit_are_a_fault() -> None:
    with pytest.raises(ValueError, match="do not fit 2 rows"):
        Bank(2, []).push(np.zeros((2, 80), np.int16), np.ones(2, np.bool_), 0.0)


def test_what_began_after_the_answer_is_answered_and_what_began_before_is_early() -> None:
    notes = Notes()
    bank = Bank(1, [notes])
    bank.open(0, "de")
    frames, present = full(1)
    assert bank.push(frames, present, 0.02)[0].phase is Phase.EARLY
    bank.answer(0, 0.13)
    bank.answer(0, 9.0)
    assert bank.push(frames, present, 0.06)[0].phase is Phase.EARLY
    assert bank.push(frames, present, 0.14)[0].phase is Phase.ANSWERED
    assert bank.phase(0) is Phase.ANSWERED
    assert notes.told == [("open", [0], None), ("called", [0], "de"), ("answered", [0], 0.13)]


def test_a_new_line_on_a_row_begins_early_again() -> None:
    bank = Bank(1, [Notes()])
    bank.open(0)
    bank.answer(0, 0.0)
    bank.close(0)
    bank.open(0)
    assert bank.push(*full(1), 0.02)[0].phase is Phase.EARLY


def test_a_frame_that_is_not_present_is_not_read() -> None:
    notes = Notes()
    bank = Bank(1, [notes])
    bank.open(0)
    bank.push(full(1, 32767)[0], np.zeros(1, np.bool_), 0.02)
    assert notes.peak == 0.0
    bank.push(*full(1, -32768), 0.04)
    assert notes.peak == 1.0


def test_lines_do_not_hear_one_another() -> None:
    batch = [case.sent for case in cases(20, np.random.default_rng(11))]
    together = hear(batch, [Tones(20), Quiet(20)])
    assert len(together) >= 20
    for row, line in enumerate(batch):
        ended_s = line.arrives.size * TICK_S
        alone = [(said.kind, said.code, said.began_s, said.ended_s, said.readings) for said in hear([line], [Tones(1), Quiet(1)])]
        mine = [(s.kind, s.code, s.began_s, s.ended_s, s.readings) for s in together if s.row == row and s.said_s <= ended_s + 1e-9]
        assert mine == alone


def test_where_frames_are_cut_does_not_matter() -> None:
    ring = np.concatenate([synthesis.cadence(synthesis.plan("uk", Kind.RINGBACK), 7.0), synthesis.silence(3.0)])
    sit = np.concatenate([synthesis.sit(SITS[1]), synthesis.silence(1.0)])
    for wave in (ring, sit):
        lines = [send(np.concatenate([synthesis.silence(0.1), wave]), np.random.default_rng(0), lead=lead) for lead in range(0, FRAME, 7)]
        said = hear(lines, [Tones(len(lines))])
        per_row = [[hearing for hearing in said if hearing.row == row] for row in range(len(lines))]
        assert len({tuple((hearing.kind, hearing.code) for hearing in row) for row in per_row}) == 1
        for row, hearings in enumerate(per_row):
            assert hearings[0].began_s == pytest.approx(0.1 + row * 7 / 8000, abs=0.006)


def test_a_row_used_again_remembers_nothing() -> None:
    rng = np.random.default_rng(12)
    bank = Bank(1, [Tones(1), Quiet(1)])
    ring = send(synthesis.cadence(synthesis.plan("de", Kind.RINGBACK), 2.5), rng)
    quiet = send(synthesis.silence(1.5), rng)
    now = 0.0
    said: list[list[Hearing]] = []
    for line in (ring, quiet):
        bank.open(0)
        heard: list[Hearing] = []
        for frame in line.frames:
            now += TICK_S
            heard += bank.push(frame[None, :], np.ones(1, np.bool_), now)
        said.append(heard)
        bank.close(0)
    assert [hearing.kind for hearing in said[0]] == [Kind.RINGBACK]
    assert said[1] == []


def test_ringback_that_runs_on_over_the_answer_ends_there_and_is_heard_anew() -> None:
    wave = send(synthesis.cadence(synthesis.plan("us", Kind.RINGBACK), 20.0), np.random.default_rng(0))
    bank = Bank(1, [Tones(1)])
    bank.open(0)
    said: list[Hearing] = []
    for tick, frame in enumerate(wave.frames):
        if tick == 350:
            bank.answer(0, 7.0)
        said += bank.push(frame[None, :], np.ones(1, np.bool_), (tick + 1) * TICK_S)
    assert [(hearing.phase, hearing.ended_s is None) for hearing in said[:3]] == [(Phase.EARLY, True), (Phase.EARLY, False), (Phase.ANSWERED, True)]
    assert said[1].ended_s == 7.0
    assert said[2].began_s == pytest.approx(12.0, abs=0.01)


def test_silence_is_said_after_two_seconds_and_when_it_ends() -> None:
    rng = np.random.default_rng(13)
    wave = np.concatenate([voice(1.0, rng), synthesis.silence(3.0), voice(1.0, rng)])
    begun, over = hear([send(wave, rng, loss=0.05, noise_dbm0=-60.0)], [Quiet(1)])
    assert (begun.kind, begun.ended_s) == (Kind.SILENCE, None)
    assert begun.began_s == pytest.approx(1.0, abs=0.25)
    assert over.ended_s == pytest.approx(4.0, abs=0.1)
    assert over.began_s == pytest.approx(begun.began_s, abs=0.001)


def test_no_audio_is_told_from_silence() -> None:
    frames = np.zeros((250, FRAME), np.int16)
    arrives = np.zeros(250, np.bool_)
    arrives[200:] = True
    begun, over = hear([Sent(frames, arrives)], [Quiet(1)])
    assert (begun.kind, begun.ended_s) == (Kind.NO_AUDIO, None)
    assert over.kind is Kind.NO_AUDIO
    assert [begun.began_s, over.began_s] == pytest.approx([0.0, 0.0])
    assert over.ended_s == pytest.approx(4.0)


def test_lines_of_one_tick_are_opened_together_each_with_its_own_country() -> None:
    notes = Notes()
    bank = Bank(5, [notes])
    bank.open(4, "de")
    bank.open(2)
    bank.open(1, "us")
    bank.close(1)
    bank.open(1, "uk")
    assert notes.told == []
    bank.push(*full(5), 0.02)
    assert notes.told == [("open", [4, 2, 1], None), ("called", [4], "de"), ("called", [1], "uk")]
    bank.push(*full(5), 0.04)
    assert len(notes.told) == 3


def test_a_line_answered_at_once_is_opened_before_it_is_answered() -> None:
    notes = Notes()
    bank = Bank(2, [notes])
    bank.open(1, "us")
    bank.answer(1, 0.01)
    bank.push(*full(2), 0.02)
    assert notes.told == [("open", [1], None), ("called", [1], "us"), ("answered", [1], 0.01)]
