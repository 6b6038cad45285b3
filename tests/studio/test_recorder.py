"""Recordings: each voice in its channel, bit by bit, whatever happens to the call, the disk or the worker."""

import os
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from tests.counterparts.serving import unable
from tests.studio.streams import DELAY_S, Arrival, Pcm, Stage, coded, stream
from tests.studio.test_line import counting
from trunkline.media.g711 import A_LAW
from trunkline.media.rtp import Packet
from trunkline.media.telephone_event import Event as Key
from trunkline.studio import repair
from trunkline.studio.contract import Recorded
from trunkline.studio.line import DELAY
from trunkline.studio.protocol import Record
from trunkline.studio.recorder import CHUNK, WAITING

DELAYED = DELAY * 160


def channels(file: Path) -> tuple[Pcm, Pcm]:
    """Left and right."""
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getframerate(), sound.getsampwidth()) == (2, 8000, 2)
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2").reshape(-1, 2)
    assert file.stat().st_size == 44 + 2 * samples.size
    return samples[:, 0], samples[:, 1]


def ended(stage: Stage) -> Recorded:
    """How the one recording ended, once the disk has it."""
    stage.room.recorder._writer.close(5)
    (told,) = stage.room.recorder.completed() or stage.told_of(Recorded)
    return told


@pytest.fixture
def stage() -> Iterator[Stage]:
    made = Stage()
    yield made
    made.room.close(5)


def test_each_voice_is_in_its_channel_bit_by_bit(stage: Stage, tmp_path: Path) -> None:
    caller, carrier = stage.open(leg=0, hears=False), stage.open(leg=1)
    left, right = counting(3.0, 1), counting(3.0, 2)
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(3.2, (caller, stream(left, law=A_LAW)), (carrier, stream(right)))
    stage.forget("c")
    told = ended(stage)
    heard = channels(tmp_path / "r.wav")
    for samples, expected in zip(heard, (coded(left, A_LAW), coded(right)), strict=True):
        assert (samples[DELAYED:][: len(expected)] == expected).all()
        assert not samples[:DELAYED].any()
    assert told == Recorded("c", str(tmp_path / "r.wav"), len(heard[0]) / 8000, (tmp_path / "r.wav").stat().st_size)
    assert told.seconds == pytest.approx(3.2)
    assert os.stat(told.file).st_mode & 0o777 == 0o600


def test_one_leg_alone_is_a_file_of_one_channel_and_can_be_repaired(stage: Stage, tmp_path: Path) -> None:
    carrier, file = stage.open(leg=1), tmp_path / "r.wav"
    said = counting(1.0, 1)
    stage.room.record(Record("c", (1,), str(file)))
    stage.play(1.2, (carrier, stream(said)))
    stage.forget("c")
    told = ended(stage)
    with wave.open(str(file)) as sound:
        assert (sound.getnchannels(), sound.getnframes()) == (1, round(told.seconds * 8000))
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    assert (samples[DELAYED:][: len(said)] == coded(said)).all()
    assert (told.seconds, told.bytes) == (pytest.approx(1.2), 44 + 2 * samples.size)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(file.read_bytes()[:40] + bytes(4) + file.read_bytes()[44:-3])
    assert repair(broken) == pytest.approx(1.2, abs=0.001)
    with wave.open(str(broken)) as sound:
        assert (sound.getnchannels(), sound.getnframes()) == (1, samples.size - 2)


def test_channels_are_aligned_by_arrival(stage: Stage, tmp_path: Path) -> None:
    """One leg begins to speak 2 s after the other; and one that never does is silence of the same length."""
    caller, carrier, _ = stage.open(leg=0), stage.open(leg=1), stage.open("other", 0)
    stage.open("other", 1)
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.record("other", 0, 1, tmp_path / "other.wav")
    left, right = counting(3.0, 1), counting(1.0, 2)
    stage.play(3.2, (caller, stream(left)), (carrier, stream(right, 2.0)))
    stage.room.close(5)
    assert {one.why for one in stage.told_of(Recorded)} == {"the worker was stopped"}
    samples = channels(tmp_path / "r.wav")
    begins = [int(np.flatnonzero(one)[0]) / 8000 for one in samples]
    assert begins[1] - begins[0] == pytest.approx(2.0, abs=0.005)
    assert not np.concatenate(channels(tmp_path / "other.wav")).any()


def test_a_pause_writes_silence_of_its_length_and_nothing_that_came_in_it(stage: Stage, tmp_path: Path) -> None:
    caller, carrier = stage.open(leg=0), stage.open(leg=1)
    both = counting(6.0, 1), counting(6.0, 2)
    feeds = (caller, stream(both[0])), (carrier, stream(both[1]))
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(2.0, *feeds)
    stage.pause("c", True)
    stage.play(4.0, *feeds)
    stage.pause("c", False)
    stage.play(6.2, *feeds)
    stage.forget("c")
    assert ended(stage).seconds == pytest.approx(6.2)
    for samples, said in zip(channels(tmp_path / "r.wav"), both, strict=True):
        expected = coded(said)
        # What had come and was not played yet when the pause began is left out as well, for the secret may begin in it.
        before, after = round((2.0 - DELAY_S) * 8000), round(4.0 * 8000)
        expected[before:after] = 0
        assert (samples[DELAYED:][: len(expected)] == expected).all()


@pytest.mark.parametrize("end", ["the call", "the recording", "the worker"])
def test_the_end_is_not_cut_off(stage: Stage, tmp_path: Path, end: str) -> None:
    """What came last waits to be played when the call ends with it."""
    caller, carrier = stage.open(leg=0), stage.open(leg=1)
    left, right = counting(1.0, 1), counting(1.0, 2)
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(1.0, (caller, stream(left)), (carrier, stream(right)))
    if end == "the call":
        stage.forget("c")
    elif end == "the recording":
        stage.room.finish("c")
    else:
        stage.room.close(5)
    assert ended(stage).seconds == pytest.approx(1.0 + DELAY_S)
    for samples, said in zip(channels(tmp_path / "r.wav"), (left, right), strict=True):
        assert (samples[-8000:] == coded(said)).all()


def test_keys_pressed_are_not_in_the_file(stage: Stage, tmp_path: Path) -> None:
    caller, _ = stage.open(leg=0), stage.open(leg=1)
    samples = counting(2.0)
    audio = stream(samples, ssrc=7, sequence=0, stamp=0)
    keys = [Arrival(one.at, Packet(101, 40 + at, 40 * 160, 7, Key(5, False, -10, 160 * at).encode()).encode()) for at, one in enumerate(audio[40:60])]
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(2.2, (caller, [*audio[:40], *keys, *audio[60:]]))
    stage.forget("c")
    ended(stage)
    expected = coded(samples)
    expected[40 * 160 : 60 * 160] = 0
    left, right = channels(tmp_path / "r.wav")
    assert (left[DELAYED:][: len(expected)] == expected).all()
    assert not right.any()


def test_a_transfer_gives_the_channel_to_another_leg(stage: Stage, tmp_path: Path) -> None:
    caller, first, second = (stage.open(leg=leg) for leg in (0, 1, 2))
    said = [counting(4.0, seed) for seed in (1, 2, 3)]
    feeds = [(line, stream(samples)) for line, samples in zip((caller, first, second), said, strict=True)]
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(2.0, *feeds)
    stage.record("c", 0, 2, tmp_path / "r.wav")
    stage.forget("c", 1)
    stage.play(4.0, *(feeds[0], feeds[2]))
    stage.forget("c")
    assert ended(stage).seconds == pytest.approx(4.0 + DELAY_S)
    left, right = channels(tmp_path / "r.wav")
    at = 2 * 8000
    assert (left[DELAYED:] == coded(said[0])).all()
    assert (right[DELAYED:at] == coded(said[1])[: at - DELAYED]).all()
    assert (right[at:] == coded(said[2])[at - DELAYED :]).all()


def test_a_leg_that_ends_leaves_silence_and_its_row_to_another_call(stage: Stage, tmp_path: Path) -> None:
    caller, carrier = stage.open(leg=0), stage.open(leg=1)
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(1.0, (caller, stream(counting(1.0, 1))), (carrier, stream(counting(1.0, 2))))
    stage.forget("c", 1)
    stranger = stage.open("other", 0)
    assert stranger.row == carrier.row
    stage.record("other", 0, 0, tmp_path / "other.wav")
    said = counting(1.0, 3)
    stage.play(2.0, (stranger, stream(said, 1.0)))
    stage.room.close(5)
    _, right = channels(tmp_path / "r.wav")
    assert not right[8000:].any()
    left, _ = channels(tmp_path / "other.wav")
    assert not left[:DELAYED].any(), "nothing of the leg before"
    assert (left[DELAYED:] == coded(said)).all()


def test_a_file_that_cannot_be_made_is_told(stage: Stage, tmp_path: Path) -> None:
    stage.open(leg=0)
    (tmp_path / "there.wav").write_bytes(b"precious")
    stage.record("c", 0, 0, tmp_path / "there.wav")
    stage.play(0.1)
    told = ended(stage)
    assert (told.why, told.bytes) == ("File exists", 0)
    assert (tmp_path / "there.wav").read_bytes() == b"precious"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 256 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        unable(f"mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_its_recordings_alone(stage: Stage, tmp_path: Path, small_disk: Path) -> None:
    caller, carrier = stage.open(leg=0), stage.open(leg=1)
    one, other = stage.open("other", 0), stage.open("other", 1)
    said = counting(12.0)
    feeds = [(line, stream(said)) for line in (caller, carrier, one, other)]
    stage.record("c", 0, 1, small_disk / "r.wav")
    stage.record("other", 0, 1, tmp_path / "other.wav")
    for second in range(1, 13):
        stage.play(second, *feeds)
        settle(stage)
    stage.play(12.2, *feeds)
    (told,) = stage.told_of(Recorded)
    assert told.why == "No space left on device"
    left, right = channels(small_disk / "r.wav")
    assert told.seconds == len(left) / 8000 == pytest.approx(256 * 1024 / 32_000, abs=0.01)
    assert (left[DELAYED:] == coded(said)[: len(left) - DELAYED]).all()
    assert (right[DELAYED:] == coded(said)[: len(left) - DELAYED]).all()
    stage.forget("other")
    assert ended(stage).seconds == pytest.approx(12.2)
    os.unlink(small_disk / "r.wav")


def settle(stage: Stage) -> None:
    """Let the disk have what was given to it."""
    gate = Event()
    sheets = [one.sheet for one in stage.room.recorder._by_row.values()]
    while any(sheet.waiting for sheet in sheets):
        gate.wait(0.001)


def test_a_disk_that_hangs_ends_the_recording_and_not_the_lines(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, _ = stage.open(leg=0), stage.open(leg=1)
    hangs = Event()
    write = os.write
    monkeypatch.setattr("trunkline.studio.writer.os.write", lambda file, data: (hangs.wait(), write(file, data))[1])
    stage.record("c", 0, 1, tmp_path / "r.wav")
    seconds = WAITING + 5
    stage.play(seconds, (caller, stream(counting(float(seconds)))))
    assert not stage.room.recorder._recordings
    assert not stage.told_of(Recorded), "the file is not complete before the disk says so"
    hangs.set()
    told = ended(stage)
    assert told.why == "the disk is too slow: 10 s wait"
    assert WAITING - 1 <= told.seconds <= WAITING + 1
    assert len(channels(tmp_path / "r.wav")[0]) == told.seconds * 8000


def test_recordings_are_as_many_as_there_is_room_for_and_rows_are_used_again(tmp_path: Path) -> None:
    stage = Stage(rows=2)
    for number in range(3):
        call = f"c{number}"
        stage.open(call, 0)
        stage.record(call, 0, 0, tmp_path / f"{call}.wav")
        stage.play(stage.now + 0.5)
        stage.open(call, 1)
        stage.forget(call)
        settle(stage)
        gate = Event()
        while not stage.room.recorder.is_idle:
            stage.play(stage.now + 0.02)
            gate.wait(0.001)
    assert [one.why for one in stage.told_of(Recorded)] == ["", "", ""]
    for call in "abc":
        stage.record(call, 0, 0, tmp_path / f"{call}.wav")
    assert [one.why for one in stage.told_of(Recorded)] == ["too many recordings"]
    stage.room.close(5)


def test_a_worker_that_stood_still_recorded_silence_meanwhile(stage: Stage, tmp_path: Path) -> None:
    caller, _ = stage.open(leg=0), stage.open(leg=1)
    samples = counting(6.0)
    feed = (caller, stream(samples))
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(1.0, feed)
    stage.room.skip(150)
    stage.ticks += 150
    stage.now = 4.0
    stage.play(6.2, feed)
    stage.forget("c")
    assert ended(stage).seconds == pytest.approx(6.2)
    left, _ = channels(tmp_path / "r.wav")
    assert (left[DELAYED:8000] == coded(samples)[: 8000 - DELAYED]).all()
    assert not left[8000 : 4 * 8000].any()
    assert (left[4 * 8000 + DELAYED :][: 2 * 8000] == coded(samples)[4 * 8000 :]).all()


def test_repair_makes_what_was_broken_off_playable_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    stage = Stage()
    caller, _ = stage.open(leg=0), stage.open(leg=1)
    samples = counting(4.0)
    stage.record("c", 0, 1, tmp_path / "r.wav")
    stage.play(4.0, (caller, stream(samples)))
    settle(stage)
    broken = tmp_path / "broken.wav"
    broken.write_bytes((tmp_path / "r.wav").read_bytes()[:-3])
    with wave.open(str(broken)) as sound:
        assert sound.getnframes() == 0, "until it is repaired"
    seconds = repair(broken)
    left, _ = channels(broken)
    assert seconds == len(left) / 8000 == pytest.approx(3.0, abs=CHUNK * 0.02)
    assert (left[DELAYED:] == coded(samples)[: len(left) - DELAYED]).all()
    stage.room.close(5)
    whole = (tmp_path / "r.wav").read_bytes()
    repair(tmp_path / "r.wav")
    assert (tmp_path / "r.wav").read_bytes() == whole
    headless = tmp_path / "headless.wav"
    headless.write_bytes(whole[:10])
    assert repair(headless) == 0
    channels(headless)
    other = tmp_path / "other.wav"
    other.write_bytes(b"RIFF" + bytes(100))
    with pytest.raises(ValueError, match="is no recording"):
        repair(other)
