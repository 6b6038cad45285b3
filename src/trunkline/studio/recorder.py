"""Recordings: two lines each, one to a channel, or one line alone; a frame every tick whether or not anything came.

So the channels stay aligned by arrival, and silence stands where nothing came, where keys were pressed as telephone events, and where the
recording was paused. A second is gathered of each recording before it goes to the writer, at a moment of its own.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.listen import FRAME, TICK_S
from trunkline.studio.buffer import Frames
from trunkline.studio.contract import Recorded
from trunkline.studio.line import Line
from trunkline.studio.writer import Sheet, Writer

CHUNK = 50
"Ticks that go to the writer together."
WAITING = 10
"Chunks that may wait; a disk that is later than that is too slow."
ALWAYS = 1 << 62
LONGEST_GAP = 3000
"Ticks of silence written for a worker that stood still: a minute."


class Recording(Struct):
    """A recording that goes on."""

    call: str
    file: str
    sheet: Sheet
    "Its number is the recorder's row."
    lines: list[Line | None]
    is_paused: bool = False


class Recorder:
    """Up to `most` recordings."""

    def __init__(self, most: int, writer: Writer) -> None:
        self._writer = writer
        self._rows = np.zeros((most, 2), np.intp)
        self._silent_until = np.full((most, 2), ALWAYS)
        "Position before which a channel is silent."
        self._block = np.zeros((most, CHUNK, FRAME, 2), np.int16)
        self._have = np.zeros(most, np.intp)
        self._active = np.zeros(0, np.intp)
        self._free = list(range(most - 1, -1, -1))
        self._recordings: dict[str, Recording] = {}
        "Those that go on, by call."
        self._by_row: dict[int, Recording] = {}
        "Those and the ones whose end is not yet on disk: a row is free again once it is."

    @property
    def is_idle(self) -> bool:
        """Nothing is recorded, and nothing waits for the disk."""
        return not self._by_row

    def begin(self, call: str, lines: Sequence[Line | None], file: str, now: int) -> str:
        """Record a call from the tick at position `now` on, in as many channels as there are lines, or give its recording other lines; why that
        cannot be, empty when it can."""
        recording = self._recordings.get(call)
        if recording is None:
            if not self._free:
                return "too many recordings"
            number = self._free.pop()
            recording = self._recordings[call] = Recording(call, file, self._writer.open(number, file, len(lines)), [])
            self._by_row[number] = recording
            self._have[number] = 0
            self._active = np.append(self._active, number)
        elif recording.file != file or recording.sheet.channels != len(lines):
            return "the call is being recorded"
        recording.lines = list(lines)
        for channel, line in enumerate(recording.lines):
            if line is not None:
                self._rows[recording.sheet.number, channel] = line.row
        self._aim(recording, now)
        return ""

    def pause(self, call: str, on: bool, now: int) -> None:
        """Silence from the tick at `now` on; or audio again, of what has not come yet."""
        recording = self._recordings.get(call)
        if recording is not None and recording.is_paused is not on:
            recording.is_paused = on
            self._aim(recording, now)
            if not on:
                for channel, line in enumerate(recording.lines):
                    if line is not None:
                        self._silent_until[recording.sheet.number, channel] = max(now, line.newest)

    def forget(self, line: Line) -> None:
        """A line is over; its channel is silent from here on."""
        recording = self._recordings.get(line.call)
        if recording is not None and line in recording.lines:
            channel = recording.lines.index(line)
            recording.lines[channel] = None
            self._silent_until[recording.sheet.number, channel] = ALWAYS

    def finish(self, call: str, now: int, ahead: Sequence[Frames] = (), why: str = "") -> None:
        """End a recording at position `now` with the frames that have come and were not played yet; `completed` gives it once it is on disk."""
        recording = self._recordings.pop(call, None)
        if recording is None:
            return
        number = recording.sheet.number
        for at, frames in enumerate(ahead):
            self._push(np.array([number]), frames, now + at * FRAME)
        self._active = self._active[self._active != number]
        self._hand_over(number)
        self._writer.end(recording.sheet, why)

    def push(self, frames: Frames, now: int) -> None:
        """Record the tick at position `now`."""
        if len(self._active):
            self._push(self._active, frames, now)

    def _push(self, active: NDArray[np.intp], frames: Frames, now: int) -> None:
        both = frames[self._rows[active]]
        both[self._silent_until[active] > now] = 0
        have = self._have[active]
        self._block[active, have] = both.transpose(0, 2, 1)
        self._have[active] = have + 1
        # Recordings that began together shall not all go to the disk in one tick.
        for number in active[((now // FRAME + active) % CHUNK == 0) | (have + 1 == CHUNK)].tolist():
            self._hand_over(number)

    def gap(self, ticks: int, frames: Frames, now: int) -> None:
        """Record silence for ticks that nobody had time for."""
        silence = np.zeros_like(frames)
        for tick in range(min(ticks, LONGEST_GAP)):
            self.push(silence, now + tick * FRAME)

    def completed(self) -> list[Recorded]:
        """Recordings that have ended since it was asked last."""
        told: list[Recorded] = []
        while (written := self._writer.next_written()) is not None:
            number = written.sheet.number
            recording = self._by_row.pop(number)
            if self._recordings.get(recording.call) is recording:
                # The disk ended it, not we.
                del self._recordings[recording.call]
                self._active = self._active[self._active != number]
            self._free.append(number)
            told.append(Recorded(recording.call, recording.file, written.seconds, written.bytes, written.why))
        return told

    @property
    def calls(self) -> tuple[str, ...]:
        """Calls being recorded."""
        return tuple(self._recordings)

    def close(self, within_s: float) -> list[Recorded]:
        """Wait for the disk so long at most; recordings that were not finished stay as they are."""
        self._writer.close(within_s)
        return self.completed()

    def _aim(self, recording: Recording, now: int) -> None:
        for channel, line in enumerate(recording.lines):
            self._silent_until[recording.sheet.number, channel] = ALWAYS if line is None or recording.is_paused else now

    def _hand_over(self, number: int) -> None:
        have = int(self._have[number])
        if not have:
            return
        self._have[number] = 0
        recording = self._by_row[number]
        self._writer.write(recording.sheet, self._block[number, :have, :, : recording.sheet.channels].tobytes())
        if recording.sheet.waiting > WAITING:
            self.finish(recording.call, 0, why=f"the disk is too slow: {WAITING * CHUNK * TICK_S:.0f} s wait")
