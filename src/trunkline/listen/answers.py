"""Who answered: a human, a machine, an announcement, a screening assistant; said as early as the evidence allows.

A line is judged at checkpoints: while somebody goes on speaking (`VOICE_TICKS` after the first speech), when he has stopped (`GAP_TICKS` into the
pause), and every half second whatever happens. Each time the model gives probabilities for all that was heard since the answer. What is sure is said at
once; what is not waits for the moment of decision, which is a pause of `pause_s` or the deadline: nothing is lost by hearing more until then, and
much is by taking a guess at every checkpoint.

    heard                                          said
    HUMAN    ended_s = end of the greeting         once
    MACHINE  ended_s = None, then the same with    twice: the verdict, and the end of the greeting (a message may be left; the tone
             ended_s = end of the greeting         detectors say `BEEP`). The second may name another kind, with the code `revised`:
    ANNOUNCEMENT, ASSISTANT   likewise             that nobody beeps and somebody waits is known only then
    UNKNOWN  code `DEADLINE`                       once, when nothing was sure in time; whoever connects calls should connect. A machine that may
                                                   be an assistant (`assistant_at`) is told with the end of its greeting even then

A mailbox, an announcement and an assistant sound alike until they have had their say. Then a mailbox beeps and an assistant waits: who has been quiet
for `waiting_s` without a beep is an assistant unless it is likely to be something else.

`began_s` is the answer, so `said_s - began_s` is the time the verdict took. Silence, fax and tones are said by their own detectors; a line on
which nobody speaks gets `UNKNOWN` at the deadline, code `NOSPEECH`.
"""

from enum import IntEnum
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .detector import TICK_S, Frames, Mask, Rows
from .greeting import FEATURES, NEVER, Greeting
from .hearing import Hearing, Kind
from .model import CLASSES, Model, Probabilities, shipped
from .speech import Speech

GAP_TICKS: Final = (12, 16, 20, 22, 25, 30, 37, 45, 60, 75, 90, 110, 130, 160)
EARLY_SHARE: Final = 0.4
"""A human we are sure of may be told after this share of the pause, never while he speaks."""
VOICE_TICKS: Final = (40, 50, 60, 70, 80, 90, 100, 115, 130, 150, 175, 200)
FIRST_TICK: Final = 50
EVERY_TICKS: Final = 25
"""From `FIRST_TICK` after the answer on."""
BEEP_TICKS: Final = 4
"""A tone this long since the last speech is a beep."""
KINDS: Final = {"human": Kind.HUMAN, "voicemail": Kind.MACHINE, "announcement": Kind.ANNOUNCEMENT, "assistant": Kind.ASSISTANT}
HUMAN: Final = CLASSES.index("human")
ASSISTANT: Final = CLASSES.index("assistant")


class Judgement(Struct, frozen=True, gc=False):
    """How sure is sure."""

    machine_at: float = 0.8
    "Probability of not being human at which a machine is said when it is decided, after a pause or at the deadline: the trade-off. Higher keeps more humans and catches fewer machines; 0.8 is right when a human called a machine costs four times a machine called a human."
    sure_at: float = 0.95
    "The same before that, while somebody speaks or has just stopped; below `machine_at` it counts as `machine_at`."
    human_at: float = 0.9
    "Probability of a human at which it is said before the pause has lasted `pause_s`."
    pause_s: float = 0.44
    "Pause after which it is decided: 0.44, 0.6, 0.9, 1.2, 1.5, 1.8 or 2.2. Longer tells a human from a machine that draws breath more often, and later."
    deadline_s: float = 5.0
    "When to decide at last, after the answer; what is not decided then is unknown."
    assistant_at: float = 0.1
    "Probability, of the machines, of an assistant from which on a machine is not said before its greeting is over, so that whoever connects calls connects it: 0.05 spares most assistants and half of the machines with them, 1 none; 0.1 is right when an assistant released costs four times a machine connected."
    greeting_end_s: float = 1.2
    "Silence that ends a machine's greeting."
    waiting_s: float = 1.6
    "Silence without a beep that makes an assistant of it, where that is likely: 1.5, 1.8 or 2.2."
    waiting_at: float = 0.25
    "How likely: probability of an assistant, of the machines."
    listen_s: float = 60.0
    "How long to wait for that, after the answer."


class Stage(IntEnum):
    """Where a line stands."""

    IDLE = 0
    JUDGING = 1
    GREETED = 2
    "The verdict is no human; its greeting goes on."


def verdict(probabilities: Probabilities, gap: NDArray[np.int32], last: Mask, judgement: Judgement) -> NDArray[np.int8]:
    """Index into `CLASSES` per row, or -1 for none yet. `gap`: ticks the pause has lasted, 0 while somebody speaks; `last`: at the deadline."""
    human = probabilities[:, HUMAN]
    pause = gap * TICK_S / judgement.pause_s
    decided = pause >= 1 - 1e-9
    machine = 1 - human >= np.where(decided | last, judgement.machine_at, max(judgement.sure_at, judgement.machine_at))
    sure = (human >= max(judgement.human_at, 1 - judgement.machine_at)) & (pause >= EARLY_SHARE - 1e-9)
    person = ~machine & (sure | (decided & (human >= 0.5)))
    share = probabilities[:, 1:] / np.maximum(1 - human, 1e-9)[:, None]
    assistant = share[:, ASSISTANT - 1]
    # The likeliest of three may be an assistant at 36 %; it is named when it is likelier than all machines together.
    which = np.where(assistant >= 0.5, ASSISTANT, share[:, : ASSISTANT - 1].argmax(axis=1) + 1)
    told = machine & (assistant < judgement.assistant_at)
    return np.where(told, which, np.where(person, HUMAN, -1)).astype(np.int8)


class Answers:
    """One verdict per answered line, for up to `rows` lines."""

    def __init__(self, rows: int, judgement: Judgement | None = None, model: Model | None = None) -> None:
        self.judgement = judgement or Judgement()
        self.model = model or shipped()
        if self.model.features != FEATURES:
            raise ValueError(f"the model wants {self.model.features}, there is {FEATURES}")
        self._speech = Speech(rows)
        self.greeting = Greeting(rows)
        self._stage = np.zeros(rows, np.int8)
        self._answered_s = np.zeros(rows)
        self._said = np.full(rows, -1, np.int8)
        self._held = np.zeros(rows, np.bool_)
        "No human, but perhaps an assistant: told when it has had its say."

    def open(self, rows: Rows) -> None:
        """Forget `rows`; nothing is heard before the answer."""
        self._speech.open(rows)
        self.greeting.open(rows)
        self._stage[rows] = Stage.IDLE
        self._said[rows] = -1
        self._held[rows] = False

    def signalled(self, rows: Rows, ring_time_s: float | None, early_media: bool) -> None:
        """What signalling knows: seconds from alerting to the answer (None: no alerting was seen), whether early media was heard."""
        self.greeting.ring_time_s[rows] = np.nan if ring_time_s is None else min(ring_time_s, 60.0)
        self.greeting.early_media[rows] = early_media

    def answered(self, rows: Rows, now: float) -> None:
        """Begin with the next tick."""
        self._stage[rows] = Stage.JUDGING
        self._answered_s[rows] = now

    def push(self, frames: Frames, present: Mask, now: float) -> list[Hearing]:
        """Hear one tick; see `Detector`. Costs next to nothing for lines that are early or have their verdict."""
        rows = np.flatnonzero(self._stage != Stage.IDLE)
        if not len(rows):
            return []
        running = self._stage != Stage.IDLE
        self._speech.push(frames, present & running, present)
        self.greeting.push(frames, present, self._speech, running)
        return self._judge(self.due(), now) + self._give_up(now) + self._settle(now)

    def due(self) -> Rows:
        """Rows at a checkpoint."""
        greeting = self.greeting
        judging = np.asarray(np.flatnonzero((self._stage == Stage.JUDGING) & (greeting.onset != NEVER)), np.intp)
        if not len(judging):
            return judging
        gap, tick = greeting.gap()[judging], greeting.tick[judging]
        paused = np.isin(gap, GAP_TICKS)
        speaking = np.isin(tick - greeting.onset[judging], VOICE_TICKS) & (gap < GAP_TICKS[0])
        regular = (tick >= FIRST_TICK) & (tick % EVERY_TICKS == 0)
        last = tick == round(self.judgement.deadline_s / TICK_S)
        return np.asarray(judging[paused | speaking | regular | last], np.intp)

    def _judge(self, rows: Rows, now: float) -> list[Hearing]:
        if not len(rows):
            return []
        features = self.greeting.features(rows)
        probabilities = self.model(features)
        said = []
        last = self.greeting.tick[rows] * TICK_S >= self.judgement.deadline_s - 1e-9
        found_all = verdict(probabilities, self.greeting.gap()[rows], last, self.judgement)
        self._held[rows] = (found_all < 0) & (1 - probabilities[:, HUMAN] >= self.judgement.machine_at)
        for row, found, values, chances in zip(rows, found_all, features, probabilities, strict=True):
            if found < 0:
                continue
            self._said[row] = found
            self._stage[row] = Stage.IDLE if found == HUMAN else Stage.GREETED
            ended_s = self._ended_s(row, now) if found == HUMAN else None
            said.append(self._hearing(row, KINDS[CLASSES[found]], ended_s, now, float(chances[found]), values))
        return said

    def _give_up(self, now: float) -> list[Hearing]:
        late = (self._stage == Stage.JUDGING) & (self.greeting.tick * TICK_S >= self.judgement.deadline_s)
        said = []
        for row in np.flatnonzero(late).tolist():
            self._stage[row] = Stage.GREETED if self._held[row] else Stage.IDLE
            spoke = self.greeting.onset[row] != NEVER
            ended_s = self._ended_s(row, now) if spoke and self.greeting.gap()[row] else None
            code = "DEADLINE" if spoke else "NOSPEECH"
            said.append(Hearing(row, Kind.UNKNOWN, float(self._answered_s[row]), ended_s, now, confidence=0.0, code=code))
        return said

    def _settle(self, now: float) -> list[Hearing]:
        """Say where greetings of machines ended, and what they turned out to be."""
        greeted = self._stage == Stage.GREETED
        if not greeted.any():
            return []
        gap_s = self.greeting.gap() * TICK_S
        beeped = self.greeting.tone >= BEEP_TICKS
        over = greeted & (gap_s >= np.where(beeped, self.judgement.greeting_end_s, max(self.judgement.greeting_end_s, self.judgement.waiting_s)))
        self._stage[greeted & ~over & (self.greeting.tick * TICK_S >= self.judgement.listen_s)] = Stage.IDLE
        rows = np.asarray(np.flatnonzero(over), np.intp)
        if not len(rows):
            return []
        features = self.greeting.features(rows)
        chances = self.model(features)
        chances[:, HUMAN] = 0
        said = []
        for row, values, chance in zip(rows, features, chances / chances.sum(axis=1, keepdims=True), strict=True):
            self._stage[row] = Stage.IDLE
            waits = not beeped[row] and chance[ASSISTANT] >= self.judgement.waiting_at
            found = ASSISTANT if waits else int(chance.argmax())
            code = "revised" if found != self._said[row] else ""
            said.append(self._hearing(row, KINDS[CLASSES[found]], self._ended_s(row, now), now, float(chance[found]), values, code))
        return said

    def _ended_s(self, row: int, now: float) -> float:
        return float(now - (self.greeting.tick[row] - self.greeting.end[row]) * TICK_S)

    def _hearing(self, row: int, kind: Kind, ended_s: float | None, now: float, confidence: float, values: NDArray[np.float64], code: str = "") -> Hearing:
        measured = {name: round(float(value), 3) for name, value in zip(FEATURES, values, strict=True)}
        return Hearing(int(row), kind, float(self._answered_s[row]), ended_s, now, confidence, code, features=measured)
