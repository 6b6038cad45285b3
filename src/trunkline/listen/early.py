"""Who speaks or plays before the answer: the network's announcement, a mailbox, music in place of ringing.

A voice and music differ in how they go on, so what `speech` says of each tick is summed up over the last seconds: how much of it is voiced, how often the
level falls and rises, how deep the pauses are, whether the pitch glides as a voice's or keeps and jumps as notes do. A linear model (`early.json`, made by
`python -m bench.train_early`) puts that together every 200 ms, and what it holds for a second or so is said. Tones have detectors of their own; here they
and noise are a third class of which nothing is said.

    ANNOUNCEMENT   somebody speaks. With ended_s when it is over: nothing for `OVER_S`, a tone of the network, another kind, the answer
    MACHINE        in place of that end, code `revised`: a beep came after it, so it was a mailbox's greeting
    MUSIC          likewise; songs as well, as far as their voice does not drown the rest

Whose voice it is or what it says is not known: an announcement may ask for patience or name the fault.
"""

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from .detector import TICK_S, Frames, Mask, Rows
from .hearing import Hearing, Kind
from .speech import Speech

MEMORY_S: Final = 2.5
"""A tick counts 1/e after so long."""
EVERY_TICKS: Final = 10
ENOUGH_S: Final = 0.8
"""Sound there must be, of what is remembered, before anything is judged."""
BELIEF_KEPT: Final = 0.75
"""Of the belief at the last judgement; the rest is what the model says now."""
SPEECH_AT, MUSIC_AT = 0.85, 0.9
OVER_S: Final = 4.0
"""Announcements pause for less before they are said again."""
BEEP_WITHIN_S: Final = 3.0
"""Of the end of a greeting."""
APART_TICKS: Final = 75
"""Sound after a longer silence is something new."""
RUN_TICKS: Final = 3
"""Shorter sounds are edges of tones."""
FEW: Final = 5.0
"""Frames that speak against a share of frames: one odd frame among two says nothing."""
KINDS: Final = (Kind.ANNOUNCEMENT, Kind.MUSIC, None)
"""What the model's classes are said as."""
NETWORK: Final = frozenset((Kind.RINGBACK, Kind.BUSY, Kind.CONGESTION, Kind.UNOBTAINABLE, Kind.DIAL))
SYLLABLE_DIP_DB, DEEP_DB, DROOP_DB = 3.0, 15.0, 0.08
"""The peak below which a pause is deep droops by 4 dB a second."""
STEP_ST, HELD_ST, JUMP_ST = 0.3, 0.4, 2.0
"""Semitones: between neighbouring frames a pitch that keeps, over 100 ms one that is held, between neighbours one that jumps."""

FEATURES: Final = (
    "active", "voiced", "tonal", "level_spread_db", "level_step_db", "tilt_spread_db", "change", "quick", "hiss", "kept", "jumps", "held", "pairs", "pitch_spread_st",
    "syllables_per_s", "onsets_per_s", "deep",
)  # fmt: skip
"""Shares of what is remembered, unless the name has a unit: of time `active` and `deep`, of sound `voiced`, `tonal`, `quick` (spectra 100 ms apart differ), `hiss`,
`pairs` (voiced twice running); of those pairs `kept` and `jumps`; `held` of frames voiced 100 ms apart. Steps and spreads are those of sound."""
SUMS: Final = 22


class EarlyWeights(Struct, frozen=True):
    """What training left behind."""

    features: list[str]
    "Must be `FEATURES`."
    weights: list[list[float]]
    "Per class, as `KINDS`, one per feature."
    bias: list[float]
    made: str
    "How."


class Early:
    """Judges up to `rows` lines until they are answered."""

    def __init__(self, rows: int, weights: EarlyWeights | None = None) -> None:
        weights = weights or shipped()
        if tuple(weights.features) != FEATURES:
            raise ValueError(f"the model wants {weights.features}, there is {FEATURES}")
        self._weights, self._bias = np.array(weights.weights, np.float32).T, np.array(weights.bias, np.float32)
        self._speech = Speech(rows)
        self._tick = 0
        self._early = np.zeros(rows, np.bool_)
        self._sums = np.zeros((SUMS, rows), np.float32)
        self._belief = np.zeros((rows, len(KINDS)), np.float32)
        self._said: list[Hearing | None] = [None] * rows
        self._first, self._last = np.zeros(rows, np.int64), np.full(rows, -APART_TICKS, np.int64)
        "Ticks of the first and last sound that was no tone; silence of `APART_TICKS` begins anew."
        self._run = np.zeros(rows, np.int64)
        self._toned = np.zeros(rows, np.bool_)
        "A tone of the network is sounding, so there is no music."
        self._was_active = np.zeros(rows, np.bool_)
        self._pitches, self._level = np.zeros((5, rows), np.float32), np.zeros(rows, np.float32)
        "Semitones; -inf where the frame was not voiced."
        self._peak, self._extreme, self._rising = np.zeros(rows, np.float32), np.zeros(rows, np.float32), np.zeros(rows, np.bool_)
        self._left: list[Hearing] = []

    def open(self, rows: Rows) -> None:
        """Forget `rows`; they are early."""
        self._speech.open(rows)
        self._early[rows] = True
        self._clear(rows)
        self._toned[rows] = False
        for row in rows.tolist():
            self._said[row] = None

    def answered(self, rows: Rows, now: float) -> None:
        """What sounds from here on is not ours to judge, and what sounded ends."""
        self._early[rows] = False
        for row in rows.tolist():
            self._over(row, now, now, self._left)

    def overheard(self, said: Sequence[Hearing], now: float) -> None:
        """A tone of the network is neither voice nor music, and a beep after a voice is a mailbox's."""
        for hearing in said:
            row = hearing.row
            if not self._early[row]:
                continue
            if hearing.kind in NETWORK:
                self._toned[row] = hearing.ended_s is None
                if self._toned[row]:
                    self._over(row, self._ended_s(row, now), now, self._left)
                    self._clear(np.array([row], np.intp))
            elif hearing.kind is Kind.BEEP:
                self._beeped(row, hearing, now)

    def push(self, frames: Frames, present: Mask, now: float) -> Sequence[Hearing]:
        """Hear one tick; see `Detector.push`. Costs next to nothing for lines that are answered or silent."""
        said, self._left = self._left, []
        self._tick += 1
        here = present & self._early
        if here.any():
            self._speech.push(frames, here)
            self._sum_up(here)
        if self._tick % EVERY_TICKS == 0:
            self._judge(now, said)
        return said

    def _clear(self, rows: Rows) -> None:
        self._sums[:, rows] = 0
        self._belief[rows] = 0
        self._pitches[:, rows] = -np.inf
        self._was_active[rows] = self._rising[rows] = False
        self._peak[rows] = self._extreme[rows] = self._level[rows] = -90
        self._last[rows] = self._tick - APART_TICKS
        self._run[rows] = 0

    def _sum_up(self, here: Mask) -> None:
        """Take in the tick that `speech` has heard; a row that is not `here` stays as it was."""
        speech = self._speech
        active, voiced, level = speech.active, speech.speechlike, speech.level_dbm0
        self._run = np.where(active & ~speech.tonal, self._run + 1, np.where(here, 0, self._run))
        sounds = self._run >= RUN_TICKS
        self._first = np.where(sounds & (self._tick - self._last > APART_TICKS), self._tick - RUN_TICKS + 1, self._first)
        self._last = np.where(sounds & here, self._tick, self._last)
        self._peak = np.where(here, np.maximum(level, self._peak - np.float32(DROOP_DB)), self._peak)
        turn = active & np.where(self._rising, level < self._extreme - SYLLABLE_DIP_DB, level > self._extreme + SYLLABLE_DIP_DB)
        self._rising ^= turn
        further = np.where(self._rising, np.maximum(self._extreme, level), np.minimum(self._extreme, level))
        self._extreme = np.where(turn, level, np.where(active, further, self._extreme))
        pitch = np.where(voiced, 12 * np.log2(np.maximum(speech.pitch_hz, 1) / 100), -np.inf).astype(np.float32)
        before, long_before = self._pitches[(self._tick - 1) % 5], self._pitches[self._tick % 5]
        pair, pair_apart = voiced & np.isfinite(before), voiced & np.isfinite(long_before)
        with np.errstate(invalid="ignore"):
            step, step_apart = np.abs(pitch - before), np.abs(pitch - long_before)
        both = active & self._was_active
        of_active = np.where(active, level, 0), np.where(active, speech.tilt_db, 0), np.where(voiced, pitch, 0)
        self._sums *= np.where(here, np.float32(np.exp(-TICK_S / MEMORY_S)), np.float32(1))
        self._sums += np.stack([
            here, active, voiced, active & speech.tonal, of_active[0], of_active[0] ** 2, of_active[1], of_active[1] ** 2, of_active[2], of_active[2] ** 2,
            np.where(active, speech.change, 0), active & (speech.change > 0.35), active & ~voiced & ~speech.tonal & (speech.tilt_db > 0), pair, pair & (step < STEP_ST),
            pair & (step > JUMP_ST), pair_apart, pair_apart & (step_apart < HELD_ST), turn & self._rising, active & ~self._was_active,
            here & (level < self._peak - DEEP_DB), np.where(both, np.abs(level - self._level), 0),
        ])  # fmt: skip
        self._pitches[self._tick % 5] = np.where(here, pitch, -np.inf)
        self._was_active = np.where(here, active, self._was_active)
        self._level = np.where(here, level, self._level)

    def features(self, rows: Rows) -> NDArray[np.float32]:
        """[k, len(FEATURES)] of k lines."""
        (time, active, voiced, tonal, level, level2, tilt, tilt2, pitch, pitch2, change, quick, hiss, pairs, kept, jumps, apart, held, syllables, onsets, deep, steps) = self._sums[:, rows]
        time, sound, voice = np.maximum(time, 1), np.maximum(active, 1), np.maximum(voiced, 1)
        return np.stack([
            active / time, voiced / sound, tonal / sound, spread(level, level2, sound), steps / sound, spread(tilt, tilt2, sound), change / sound, quick / sound, hiss / sound,
            kept / (pairs + FEW), jumps / (pairs + FEW), held / (apart + FEW), pairs / sound, spread(pitch, pitch2, voice) * voice / (voice + FEW), syllables / time / TICK_S,
            onsets / time / TICK_S, deep / time,
        ], axis=1)  # fmt: skip

    def _due(self) -> Rows:
        """Lines with enough to go by, and some of it new."""
        return np.asarray(np.flatnonzero(self._early & (self._sums[1] >= ENOUGH_S / TICK_S) & (self._tick - self._last < APART_TICKS)), np.intp)

    def _judge(self, now: float, said: list[Hearing]) -> None:
        rows = self._due()
        if len(rows):
            features = self.features(rows)
            logits = features @ self._weights + self._bias
            chances = np.exp(logits - logits.max(axis=1, keepdims=True))
            chances /= chances.sum(axis=1, keepdims=True)
            belief = self._belief[rows] * np.float32(BELIEF_KEPT) + chances * np.float32(1 - BELIEF_KEPT)
            self._belief[rows] = belief
            sure = np.flatnonzero((belief[:, 0] > SPEECH_AT) | ((belief[:, 1] > MUSIC_AT) & ~self._toned[rows]))
            for at in sure.tolist():
                self._believe(int(rows[at]), int(belief[at].argmax()), belief[at], features[at], now, said)
        silent = self._tick - self._last - round(OVER_S / TICK_S)
        quiet = np.asarray(np.flatnonzero(self._early & (silent >= 0) & (silent < EVERY_TICKS)), np.intp)
        for row in quiet.tolist():
            self._over(row, self._ended_s(row, now), now, said)
        self._belief[quiet] = 0

    def _believe(self, row: int, which: int, belief: NDArray[np.float32], features: NDArray[np.float32], now: float, said: list[Hearing]) -> None:
        kind, current = KINDS[which], self._said[row]
        if kind is None or (current is not None and current.kind is kind):
            return
        began_s = now - (self._tick - self._first[row] + 1) * TICK_S
        if current is not None:
            began_s = now - MEMORY_S
            self._over(row, began_s, now, said)
        measured = {name: round(float(value), 3) for name, value in zip(FEATURES, features, strict=True)}
        found = Hearing(row, kind, float(began_s), None, now, float(belief[which]), features=measured)
        self._said[row] = found
        said.append(found)

    def _beeped(self, row: int, beep: Hearing, now: float) -> None:
        current, ended_s = self._said[row], self._ended_s(row, now)
        if current is None or current.kind is not Kind.ANNOUNCEMENT or beep.began_s - ended_s > BEEP_WITHIN_S:
            return
        self._said[row] = None
        self._clear(np.array([row], np.intp))
        self._left.append(msgspec.structs.replace(current, kind=Kind.MACHINE, code="revised", ended_s=min(ended_s, beep.began_s), said_s=now))

    def _over(self, row: int, ended_s: float, now: float, said: list[Hearing]) -> None:
        current = self._said[row]
        if current is not None:
            self._said[row] = None
            said.append(msgspec.structs.replace(current, ended_s=max(ended_s, current.began_s), said_s=now))

    def _ended_s(self, row: int, now: float) -> float:
        return float(now - (self._tick - self._last[row]) * TICK_S)


def spread(total: NDArray[np.float32], square: NDArray[np.float32], count: NDArray[np.float32]) -> NDArray[np.float32]:
    """Standard deviation from sums."""
    return np.asarray(np.sqrt(np.maximum(square / count - (total / count) ** 2, 0)))


@cache
def shipped() -> EarlyWeights:
    """The weights that come with Trunkline. Raises msgspec.DecodeError when their file is damaged."""
    return msgspec.json.decode((files(__package__) / "early.json").read_bytes(), type=EarlyWeights)
