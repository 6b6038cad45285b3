"""What was said since the answer, as numbers: when, how long, with what pauses, how high, how loud, over what noise.

Activity becomes runs (a gap of 60 ms ends one), a run becomes speech once it has had three speechlike frames, and is then speech from its
first frame. A pause of 200 ms or more parts utterances. Clicks, beeps and bursts of noise never become speech and leave no trace but `tonal`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from .detector import TICK_S, Frames, Mask, Rows
from .speech import Speech
from .words import WORD_FEATURES, Words

RUN_GAP_TICKS: Final = 3
PAUSE_TICKS: Final = 10
SPEECHLIKE_TICKS: Final = 3
SYLLABLE_DIP_DB: Final = 3.0
"""A syllable is a rise of the level by this much after a fall by as much."""

FEATURES: Final = (
    "onset_s", "since_onset_s", "voice_s", "utterances", "runs", "first_utterance_s", "utterance_s", "gap_s", "longest_gap_s", "voice_share",
    "syllables", "syllables_per_s", "level_dbm0", "level_spread_db", "pitch_hz", "pitch_spread_st", "pitch_end_st", "tilt_db", "tilt_spread_db",
    "change", "change_spread", "noise_before_dbm0", "noise_now_dbm0", "noise_rise_db", "tonal_s", "ring_time_s", "ring_known", "early_media",
    "since_answer_s", "last_gap_s", "longest_utterance_s", "tone_s", "bursts", "noise_spread_db", "noise_tilt_db", "decay_db", *WORD_FEATURES,
)  # fmt: skip
"""Names, in the order of a row of `features`. Semitones are `st`."""

Counter = NDArray[np.int32]
Sums = NDArray[np.float64]
NEVER: Final = -1
FRESH: Final = {"ring_time_s": np.nan, "onset": NEVER, "end": NEVER, "first_end": NEVER, "_run": NEVER}
"""What counters begin with; the others with 0."""


class Greeting:
    """Counters of up to `rows` lines since their answers. Times are ticks since the answer."""

    def __init__(self, rows: int) -> None:
        def counter() -> Counter:
            return np.zeros(rows, np.int32)

        def sums() -> Sums:
            return np.zeros(rows, np.float64)

        self.tick, self.onset, self.end = counter(), counter(), counter()
        "Ticks since the answer; begin of the first speech and end of the last, NEVER without."
        self.utterance, self.first_end, self.longest_gap = counter(), counter(), counter()
        "Begin of the utterance; end of the first; longest pause between runs."
        self.voice, self.runs, self.utterances, self.tonal = counter(), counter(), counter(), counter()
        self.last_gap, self.longest_utterance, self.tone, self.bursts = counter(), counter(), counter(), counter()
        "Pause before the utterance; tonal ticks since the last speech; runs that never became speech."
        self._run, self._run_end, self._run_voice, self._run_speechlike = counter(), counter(), counter(), counter()
        self._rising = np.zeros(rows, np.bool_)
        self._extreme, self.syllables = sums(), counter()
        self._level, self._level2, self._tilt, self._tilt2, self._change, self._change2 = (sums() for _ in range(6))
        self._pitched, self._pitch, self._pitch2, self._pitch_now = counter(), sums(), sums(), sums()
        self._noise_before, self._noise = sums(), sums()
        self._noise_spread, self._noise_tilt, self._level_at_end, self._decay = sums(), sums(), sums(), sums()
        self.words = Words(rows)
        self.ring_time_s: Sums = np.full(rows, np.nan)
        self.early_media: Sums = sums()

    def open(self, rows: Rows) -> None:
        """Forget `rows`."""
        self.words.open(rows)
        for name, values in vars(self).items():
            if name != "words":
                values[rows] = FRESH.get(name, 0)

    @property
    def speaking(self) -> Mask:
        """Speech goes on, or something that may become speech."""
        return np.asarray(self._run != NEVER)

    def gap(self) -> Counter:
        """Ticks since the last speech ended; 0 while speaking and before."""
        return np.where((self.end == NEVER) | self.speaking, 0, self.tick - self.end).astype(np.int32)

    def push(self, frames: Frames, present: Mask, speech: Speech, rows: Mask) -> None:
        """Take in the tick that `speech` has just heard, for the lines in `rows`; a row with no audio this tick counts as its last was."""
        self.tick += rows
        self.words.push(frames, present & rows)
        active = speech.active & rows
        starts = active & (self._run == NEVER)
        self._run = np.where(starts, self.tick - 1, self._run)
        self._run_voice[starts] = self._run_speechlike[starts] = 0
        self._run_end = np.where(active, self.tick, self._run_end)
        self._run_voice += active
        self._run_speechlike += active & speech.speechlike
        self.tonal += active & speech.tonal
        self.tone += active & speech.tonal

        becomes = active & speech.speechlike & (self._run_speechlike == SPEECHLIKE_TICKS)
        if becomes.any():
            self._begin(becomes)
        spoken = active & (self._run_speechlike >= SPEECHLIKE_TICKS)
        self.voice += np.where(becomes, self._run_voice, spoken)
        self.end = np.where(spoken, self.tick, self.end)
        self.tone[spoken] = 0
        self.longest_utterance = np.where(spoken, np.maximum(self.longest_utterance, self.tick - self.utterance), self.longest_utterance).astype(np.int32)
        self._level_at_end = np.where(spoken, 0.7 * self._level_at_end + 0.3 * speech.level_dbm0, self._level_at_end)
        self._decay = np.where(rows & (self.end != NEVER) & (self.tick == self.end + 4), self._level_at_end - speech.level_dbm0, self._decay)
        if spoken.any():
            self._measure(speech, spoken)

        over = rows & (self._run != NEVER) & (self.tick - self._run_end >= RUN_GAP_TICKS)
        self.bursts += over & (self._run_speechlike < SPEECHLIKE_TICKS)
        self._run[over] = NEVER
        quiet = rows & present & ~active
        first = self._noise == 0
        self._noise_spread = np.where(quiet & ~first, 0.9 * self._noise_spread + 0.1 * np.abs(speech.level_dbm0 - self._noise), self._noise_spread)
        self._noise_tilt = np.where(quiet, np.where(first, speech.tilt_db, 0.9 * self._noise_tilt + 0.1 * speech.tilt_db), self._noise_tilt)
        self._noise = np.where(quiet, np.where(self._noise == 0, speech.level_dbm0, 0.8 * self._noise + 0.2 * speech.level_dbm0), self._noise)

    def _begin(self, becomes: Mask) -> None:
        """A run turned out to be speech."""
        first = becomes & (self.onset == NEVER)
        pause = np.where(becomes & ~first, self._run - self.end, 0)
        self.longest_gap = np.maximum(self.longest_gap, pause).astype(np.int32)
        parted = pause >= PAUSE_TICKS
        self.last_gap = np.where(parted, pause, self.last_gap).astype(np.int32)
        self.first_end = np.where(parted & (self.first_end == NEVER), self.end, self.first_end)
        self.utterance = np.where(parted | first, self._run, self.utterance)
        self.utterances += parted | first
        self.runs += becomes
        self.onset = np.where(first, self._run, self.onset)
        self._noise_before = np.where(first, self._noise, self._noise_before)

    def _measure(self, speech: Speech, spoken: Mask) -> None:
        level = speech.level_dbm0
        for total, square, values in (
            (self._level, self._level2, level),
            (self._tilt, self._tilt2, speech.tilt_db),
            (self._change, self._change2, speech.change),
        ):
            total += np.where(spoken, values, 0)
            square += np.where(spoken, values.astype(np.float64) ** 2, 0)
        pitched = spoken & speech.speechlike
        semitones = 12 * np.log2(np.maximum(speech.pitch_hz, 1) / 100)
        self._pitched += pitched
        self._pitch += np.where(pitched, semitones, 0)
        self._pitch2 += np.where(pitched, semitones**2, 0)
        self._pitch_now = np.where(pitched, np.where(self._pitched == 1, semitones, 0.75 * self._pitch_now + 0.25 * semitones), self._pitch_now)
        turn = np.where(self._rising, level < self._extreme - SYLLABLE_DIP_DB, level > self._extreme + SYLLABLE_DIP_DB) & spoken
        self.syllables += turn & ~self._rising
        self._rising ^= turn
        further = np.where(self._rising, np.maximum(self._extreme, level), np.minimum(self._extreme, level))
        self._extreme = np.where(turn, level, np.where(spoken, further, self._extreme))

    def features(self, rows: Rows) -> NDArray[np.float64]:
        """[k, len(FEATURES)] for k lines; for one that has not spoken, onset is now. What is not known is 0, and `ring_known` says so of the ring time."""
        voice = np.maximum(self.voice[rows], 1)
        pitched = np.maximum(self._pitched[rows], 1)
        onset = np.where(self.onset[rows] == NEVER, self.tick[rows], self.onset[rows])
        since = self.tick[rows] - onset
        gap = self.gap()[rows]
        end = np.maximum(self.end[rows], onset)
        first_end = np.where(self.first_end[rows] == NEVER, end, self.first_end[rows])
        pitch = self._pitch[rows] / pitched
        before, noise = self._noise_before[rows], self._noise[rows]
        known = np.isfinite(self.ring_time_s[rows])
        return np.stack(
            [
                onset * TICK_S, since * TICK_S, self.voice[rows] * TICK_S, self.utterances[rows], self.runs[rows],
                (first_end - onset) * TICK_S, (end - np.where(self.onset[rows] == NEVER, onset, self.utterance[rows])) * TICK_S, gap * TICK_S,
                self.longest_gap[rows] * TICK_S, self.voice[rows] / np.maximum(since - gap, 1), self.syllables[rows],
                self.syllables[rows] / (voice * TICK_S), self._level[rows] / voice, spread(self._level[rows], self._level2[rows], voice),
                100 * 2 ** (pitch / 12), spread(self._pitch[rows], self._pitch2[rows], pitched), self._pitch_now[rows] - pitch,
                self._tilt[rows] / voice, spread(self._tilt[rows], self._tilt2[rows], voice), self._change[rows] / voice,
                spread(self._change[rows], self._change2[rows], voice), before, noise, np.where((before < 0) & (noise < 0), noise - before, 0),
                self.tonal[rows] * TICK_S, np.where(known, self.ring_time_s[rows], 0), known, self.early_media[rows],
                self.tick[rows] * TICK_S, self.last_gap[rows] * TICK_S, self.longest_utterance[rows] * TICK_S, self.tone[rows] * TICK_S, self.bursts[rows],
                self._noise_spread[rows], self._noise_tilt[rows], self._decay[rows], *self.words.features(rows).T,
            ],
            axis=1, dtype=np.float64,
        )  # fmt: skip


def spread(total: Sums, square: Sums, count: NDArray[np.integer]) -> Sums:
    """Standard deviation from sums."""
    return np.asarray(np.sqrt(np.maximum(square / count - (total / count) ** 2, 0)))
