"""Where packets are played: order, lateness, drift, jumps, and whose packets are believed."""

import numpy as np
import pytest

from tests.studio.streams import Arrival, Pcm, Stage, coded, stream
from trunkline.listen import FRAME
from trunkline.media.g711 import A_LAW
from trunkline.media.rtp import parse_rtp
from trunkline.studio.buffer import Buffer
from trunkline.studio.line import DELAY, LOST, Line


def counting(seconds: float, seed: int = 3550) -> Pcm:
    """Samples that differ from each other."""
    return np.random.default_rng(seed).integers(-20_000, 20_000, round(seconds * 50) * FRAME).astype(np.int16)


def played(arrivals: list[Arrival], seconds: float) -> tuple[Pcm, np.ndarray, Line]:
    """What a line plays: samples, which frames came, and the line."""
    buffer = Buffer(2)
    line = Line("c", 1, 0, 1, 0.0)
    line.describe({})
    frames, present = [], []
    arrivals = sorted(arrivals)
    at = 0
    for tick in range(1, round(seconds * 50) + 1):
        while at < len(arrivals) and arrivals[at].at <= tick * 0.02 + 1e-9:
            buffer.receive(line, memoryview(arrivals[at].data))
            at += 1
        frame, here = buffer.take()
        assert not frame[0].any()
        frames.append(frame[1].copy())
        present.append(bool(here[1]))
    return np.concatenate(frames), np.array(present), line


@pytest.mark.parametrize("size", [80, 160, 240, 320, 480, 100, 53])
def test_packets_of_any_length_are_played_whole(size: int) -> None:
    samples = counting(2.0)
    line, _, _ = played(stream(samples, size=size), 2.4)
    lead = np.flatnonzero(line)[0]
    whole = len(samples) // size * size
    assert (line[lead : lead + whole] == coded(samples)[:whole]).all()


def test_a_law_too() -> None:
    samples = counting(1.0)
    line, present, _ = played(stream(samples, law=A_LAW), 1.2)
    assert (line[DELAY * FRAME :][: len(samples)] == coded(samples, A_LAW)).all()
    assert present.tolist() == [False] * DELAY + [True] * 50 + [False] * (60 - 50 - DELAY)


def test_order_does_not_matter_within_60_ms() -> None:
    samples = counting(2.0)
    rng = np.random.default_rng(1)
    shuffled = [Arrival(one.at + (rng.uniform(0, 0.055) if at else 0), one.data) for at, one in enumerate(stream(samples))]
    line, present, state = played(shuffled, 2.2)
    assert (line[DELAY * FRAME :][: len(samples)] == coded(samples)).all()
    assert present.sum() == 100
    assert state.late == 0


def test_what_comes_too_late_is_absent_and_the_rest_stays_in_place() -> None:
    samples = counting(2.0)
    late = [Arrival(one.at + (0.1 if at == 40 else 0), one.data) for at, one in enumerate(stream(samples))]
    line, present, state = played(late, 2.2)
    expected = coded(samples).reshape(-1, FRAME).copy()
    expected[40] = 0
    assert (line[DELAY * FRAME :][: len(samples)].reshape(-1, FRAME) == expected).all()
    assert present.sum() == 99
    assert state.late == 1


def test_duplicates_change_nothing() -> None:
    samples = counting(1.0)
    twice = [Arrival(one.at + late, one.data) for one in stream(samples) for late in (0.0, 0.03)]
    line, present, _ = played(twice, 1.2)
    assert (line[DELAY * FRAME :][: len(samples)] == coded(samples)).all()
    assert present.sum() == 50


def test_a_burst_after_a_pause_of_the_network_is_played_but_for_what_is_late() -> None:
    """Everything of 300 ms comes at once."""
    held = [Arrival(1.3 if 1.0 < one.at <= 1.3 else one.at, one.data) for one in stream(counting(3.0))]
    _, present, _ = played(held, 3.4)
    assert present.sum() >= 150 - 15
    assert present[-10 - DELAY - 20 :].sum() >= 20


def test_a_path_that_becomes_longer_is_followed() -> None:
    longer = [Arrival(one.at + (0.5 if one.at > 1 else 0), one.data) for one in stream(counting(4.0))]
    _, present, _ = played(longer, 5.0)
    assert present.sum() >= 200 - LOST


def test_a_path_that_becomes_shorter_is_followed_a_frame_a_second() -> None:
    shorter = [Arrival(one.at + (0.3 if one.at < 1 else 0), one.data) for one in stream(counting(30.0))]
    _, present, _ = played(shorter, 30.4)
    last = np.flatnonzero(present)[-1] + 1
    assert last == pytest.approx(30.0 * 50 + DELAY, abs=2), "the delay is what it was meant to be"
    assert present.sum() >= 1500 - 16


@pytest.mark.parametrize("parts_per_million", [-500, 500])
def test_clocks_may_differ(parts_per_million: int) -> None:
    samples = counting(120.0)
    _, present, _ = played(stream(samples, rate_hz=8000 * (1 + parts_per_million / 1e6)), 119.0)
    absent = len(present) - present.sum()
    assert absent <= DELAY + LOST + 3


def test_a_new_source_is_believed_after_two_packets_in_a_row() -> None:
    first, second = counting(1.0), counting(1.0, seed=2)
    line, present, state = played([*stream(first, ssrc=1), *stream(second, 1.0, ssrc=2, stamp=77, sequence=9)], 2.4)
    assert state.ssrc == 2
    assert present.sum() == 99
    assert (line[DELAY * FRAME :][: len(first)] == coded(first)).all()
    assert (line[-10 * FRAME :] == 0).all()


def test_a_stranger_with_single_packets_is_not() -> None:
    samples = counting(2.0)
    strangers = [stream(counting(0.02, seed=at), 0.03 * at, ssrc=900 + at)[0] for at in range(30)]
    line, _, state = played([*stream(samples, ssrc=1), *strangers], 2.2)
    assert state.ssrc == 1
    assert (line[DELAY * FRAME :][: len(samples)] == coded(samples)).all()


@pytest.mark.parametrize("jump", [-80_000, 80_000, 2**31 + 5, -1000])
def test_timestamps_that_jump_are_followed(jump: int) -> None:
    samples = counting(2.0)
    before, after = stream(samples[:8000], ssrc=1, stamp=100_000), stream(samples[8000:], 1.0, ssrc=1, stamp=108_000 + jump, sequence=65_550 & 0xFFFF)
    after = [Arrival(one.at, one.data[:1] + bytes([one.data[1] & 0x7F]) + one.data[2:]) for one in after]
    packet = parse_rtp(after[0].data)
    assert packet.marker is False
    _, present, _ = played([*before, *after], 2.4)
    assert 100 - LOST - 7 <= present.sum() <= 100


def test_a_talkspurt_after_a_gap_is_in_place() -> None:
    """No packets for a second, timestamps go on: aligned by the sender's clock."""
    samples = counting(3.0)
    gap = [one for one in stream(samples) if not 1.0 < one.at - 0.001 <= 2.0]
    line, present, _ = played(gap, 3.4)
    expected = coded(samples)
    expected[8000:16_000] = 0
    assert (line[DELAY * FRAME :][: len(samples)] == expected).all()
    assert present.sum() == 100


def test_lines_of_a_room_that_is_full_are_each_their_own() -> None:
    stage = Stage(rows=20)
    lines = [stage.open(f"c{row}", hears=False) for row in range(20)]
    all_samples = [counting(0.5, seed=row) for row in range(20)]
    frames: list[Pcm] = []
    take = stage.room.buffer.take

    def watched() -> tuple[Pcm, np.ndarray]:
        found = take()
        frames.append(found[0].copy())
        return found

    stage.room.buffer.take = watched  # type: ignore[method-assign]
    stage.play(0.7, *((line, stream(samples)) for line, samples in zip(lines, all_samples, strict=True)))
    whole = np.concatenate(frames, axis=1)
    for line, samples in zip(lines, all_samples, strict=True):
        assert (whole[line.row, DELAY * FRAME :][: len(samples)] == coded(samples)).all()


def test_a_restless_path_gets_more_delay() -> None:
    """Every other packet is 90 ms late: none of them in a row with another."""
    restless = [Arrival(one.at + (0.09 if at % 2 else 0), one.data) for at, one in enumerate(stream(counting(10.0)))]
    _, present, _ = played(restless, 10.0)
    assert present[250:490].all()


def test_a_talkspurt_of_a_sender_whose_clock_stood_still_is_not_lost() -> None:
    """Its marker says that it begins anew (RFC 3551 section 4.1)."""
    samples = counting(2.0)
    before, after = stream(samples[:8000], ssrc=1, stamp=0, sequence=0), stream(samples[8000:], 3.0, ssrc=1, stamp=8000, sequence=50)
    line, present, _ = played([*before, *after], 4.4)
    assert present.sum() == 100
    assert (line[(150 + DELAY) * FRAME :][:8000] == coded(samples)[8000:]).all()
