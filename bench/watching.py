"""Runs listeners over a corpus: every item a line, all lines at once, on a clock that is given."""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.channel import FRAME
from bench.corpus import Item
from trunkline.listen.answers import Answers
from trunkline.listen.detector import TICK_S, Detector, Rows
from trunkline.listen.greeting import FEATURES
from trunkline.listen.hearing import Hearing
from trunkline.listen.model import CLASSES, Model, Weights


class Checkpoint(NamedTuple):
    """All lines that were at a checkpoint in one tick."""

    rows: Rows
    tick: int
    gap: NDArray[np.int32]
    features: NDArray[np.float64]


class Watching(Answers):
    """Stops at every checkpoint, notes what the model would see, and never says anything."""

    def __init__(self, rows: int) -> None:
        nothing = Weights(list(FEATURES), [0.0] * len(CLASSES), [[] for _ in CLASSES], "nothing")
        super().__init__(rows, model=Model(nothing))
        self.seen: list[Checkpoint] = []

    def _judge(self, rows: Rows, now: float) -> list[Hearing]:
        if len(rows):
            self.seen.append(Checkpoint(rows, round(now / TICK_S), self.greeting.gap()[rows], self.greeting.features(rows)))
        return []

    def _give_up(self, now: float) -> list[Hearing]:
        return []


class Run(NamedTuple):
    """What a listener said, and what it cost."""

    said: list[Hearing]
    cpu_s: float


def run(detector: Detector, items: Sequence[Item], ring: bool = True) -> Run:
    """Answer every item at 0 and play it to the end. `ring` says whether signalling tells how long it rang."""
    lines = np.arange(len(items), dtype=np.intp)
    detector.open(lines)
    if isinstance(detector, Answers) and ring:
        for row, item in enumerate(items):
            detector.signalled(lines[row : row + 1], item.ring_time_s, item.early != "none")
    getattr(detector, "answered", lambda rows, now: None)(lines, 0.0)
    samples = np.stack([item.samples for item in items])
    present = np.stack([item.present for item in items])
    said: list[Hearing] = []
    cpu_s = 0.0
    for tick in range(present.shape[1]):
        frames = samples[:, tick * FRAME : (tick + 1) * FRAME] * np.float32(1 / 32768)
        frames *= present[:, tick, None]
        began = time.thread_time()
        said += detector.push(frames, present[:, tick], (tick + 1) * TICK_S)
        cpu_s += time.thread_time() - began
    return Run(said, cpu_s)


def classes(items: Sequence[Item]) -> NDArray[np.int64]:
    """Labels as the model's indices."""
    return np.array([CLASSES.index(item.label) for item in items])
