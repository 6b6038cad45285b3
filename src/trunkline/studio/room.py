"""What a studio worker does, apart from its sockets: lines in, what was heard and recorded out, on one tick of 20 ms for all.

Sound is played some ticks after it came, so that late packets find their place. All times told are those of arrival; an answer waits as
long as the sound does, so that what is heard before and after it is what sounded before and after it.
"""

import time
from collections import deque
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from trunkline.listen import TICK_S, Bank, Hearing
from trunkline.listen.answers import Answers
from trunkline.listen.early import Early
from trunkline.listen.quiet import Quiet
from trunkline.listen.tones import Tones
from trunkline.studio.buffer import Buffer
from trunkline.studio.contract import Heard, Recorded, Undecodable
from trunkline.studio.line import DELAY, Line
from trunkline.studio.protocol import Answered, Forget, Message, Open, Pause, Record
from trunkline.studio.recorder import Recorder
from trunkline.studio.writer import Writer

DELAY_S = DELAY * TICK_S


class Answer(Struct, frozen=True, gc=False):
    """An answer that waits for its sound."""

    line: Line
    said: Answered


class Room:
    """Up to `rows` lines. Times are seconds on the monotonic clock."""

    def __init__(self, rows: int, tell: Callable[[Message], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.buffer = Buffer(rows)
        self.recorder = Recorder(rows, Writer())
        self.lines: dict[tuple[str, int], Line] = {}
        self._bank = Bank(rows, [Tones(rows), Quiet(rows), Early(rows), Answers(rows)])
        self._tell = tell
        self._clock = clock
        self._by_row: list[Line | None] = [None] * rows
        self._free = list(range(rows - 1, -1, -1))
        self._answers: deque[Answer] = deque()
        self._listening = 0

    @property
    def is_idle(self) -> bool:
        """Ticks may be left out."""
        return not self.lines and self.recorder.is_idle

    def open(self, wish: Open) -> Line | None:
        """A leg begins, or has changed; the line when it is new. Raises IndexError when there is no room, which the engine sees to."""
        known = self.lines.get((wish.call, wish.leg))
        line = known
        if line is None:
            line = self.lines[wish.call, wish.leg] = Line(wish.call, wish.leg, wish.port, self._free.pop(), wish.at)
            self._by_row[line.row] = line
            self.buffer.open(line.row)
        line.describe(wish.formats)
        if wish.hears and not line.hears:
            line.hears = True
            line.started_at = wish.at
            self._listening += 1
            self._bank.open(line.row, wish.country or None)
        return line if known is None else None

    def answered(self, answer: Answered) -> None:
        """A leg was answered; heard so when the sound of that time is."""
        line = self.lines.get((answer.call, answer.leg))
        if line is not None and line.hears:
            self._answers.append(Answer(line, answer))

    def forget(self, end: Forget) -> list[Line]:
        """A leg, or a call, is over; its lines."""
        of_call = [line for line in self.lines.values() if line.call == end.call]
        gone = [line for line in of_call if end.leg in (-1, line.leg)]
        if len(gone) == len(of_call):
            self.finish(end.call)
        for line in gone:
            self._deafen(line)
            self.recorder.forget(line)
            del self.lines[line.call, line.leg]
            self._by_row[line.row] = None
            self._free.append(line.row)
        return gone

    def record(self, wish: Record) -> None:
        """Begin a recording, or change its lines."""
        why = self.recorder.begin(wish.call, [self.lines.get((wish.call, leg)) for leg in wish.legs], wish.file, self.buffer.now)
        if why:
            self._tell(Recorded(wish.call, wish.file, 0.0, 0, why))

    def pause(self, wish: Pause) -> None:
        """Silence in a call's recording, or audio again."""
        self.recorder.pause(wish.call, wish.on, self.buffer.now)

    def finish(self, call: str, why: str = "") -> None:
        """End a call's recording, with all that has come."""
        newest = max((line.newest for line in self.lines.values() if line.call == call), default=0)
        self.recorder.finish(call, self.buffer.now, self.buffer.ahead(newest), why)

    def receive(self, line: Line, datagram: memoryview) -> None:
        """A packet came to a line."""
        name = self.buffer.receive(line, datagram)
        if name is not None and not line.told_undecodable:
            line.told_undecodable = True
            # No audio would be said of it, and that is not so.
            self._deafen(line)
            self._tell(Undecodable(line.call, line.leg, name))

    def tick(self, now: float) -> None:
        """Hear and record 20 ms of every line; `now` is when this tick is due, however late it is."""
        while self._answers and self._answers[0].said.at + DELAY_S < now:
            self._apply(self._answers.popleft())
        at = self.buffer.now
        frames, present = self.buffer.take()
        self.recorder.push(frames, at)
        if self._listening:
            for hearing in self._bank.push(*self.buffer.comforted(frames, present), now):
                self._hear(hearing)
        for recorded in self.recorder.completed():
            self._tell(recorded)

    def skip(self, ticks: int) -> None:
        """Let ticks go by for which there was no time."""
        frames, _ = self.buffer.take()
        self.recorder.gap(ticks, frames, self.buffer.now)
        self.buffer.skip(ticks - 1)

    def close(self, within_s: float) -> None:
        """End all recordings."""
        for call in self.recorder.calls:
            self.finish(call, "the worker was stopped")
        for recorded in self.recorder.close(within_s):
            self._tell(recorded)

    def _apply(self, answer: Answer) -> None:
        line, said = answer.line, answer.said
        if line.hears:
            self._bank.signalled(line.row, said.ring_time_s, said.early_media)
            self._bank.answer(line.row, said.at + DELAY_S)

    def _hear(self, hearing: Hearing) -> None:
        line = self._by_row[hearing.row]
        if line is None:
            return
        shift = line.started_at + DELAY_S
        # What is said to be missing was, for us, not before there was a line.
        began_s = max(0.0, round(hearing.began_s - shift, 3))
        ended_s = None if hearing.ended_s is None else round(hearing.ended_s - shift, 3)
        said_s = round(self._clock() - line.started_at, 3)
        self._tell(
            Heard(line.call, line.leg, replace(hearing, row=line.leg, began_s=began_s, ended_s=ended_s, said_s=said_s))
        )

    def _deafen(self, line: Line) -> None:
        if line.hears:
            line.hears = False
            self._listening -= 1
            self._bank.close(line.row)


