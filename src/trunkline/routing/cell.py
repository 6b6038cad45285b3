"""What is counted of one route in one segment.

First attempts only: an attempt at a later position was made because another route failed, so its call is a harder one. Later positions have
sums of their own. Two memories run side by side, a slow one that knows the route and a fast one that knows the last hour.
"""

from math import log, log1p
from typing import Final

from trunkline.facts.record import Attempt
from trunkline.routing.cell_row import Row
from trunkline.routing.listening import COUNTED_AS
from trunkline.stats import Forgetting, Sketch

ATTEMPTS: Final = 0
ANSWERED: Final = 1
HUMAN: Final = 2
MACHINE: Final = 3
UNKNOWN: Final = 4
FALSE: Final = 5
FAILED: Final = 6
SHORT: Final = 7
BILLED: Final = 8
BILL: Final = 9
TALK_S: Final = 10
DELAYED: Final = 11
DELAY_S: Final = 12
LATER: Final = 13
LATER_ANSWERED: Final = 14
LATER_HUMAN: Final = 15
CENSORED: Final = 16
REJECTED: Final = 17
EARLY: Final = 18
"""Sums: first attempts; answered ones; the verdicts of listening, in the order of `HEARD`; failures of the route; short calls the callee ended;
answers with a bill, and the bills; seconds of talk; attempts with a post-dial delay, and the delays; later attempts, answered, human; attempts
the dialer gave up before alerting; refusals by the callee; what was heard before the answer, in the order of `EARLY_MEDIA`."""

EARLY_MEDIA: Final = ("ringback", "custom_ringback", "voice", "tone", "silence")
"Early media that was listened to: ringing, music, announcements and voicemail, tones that refuse (busy, congestion, SIT ...), nothing at all."

HEARD_EARLY: Final = {"ringback": 0, "custom_ringback": 1, "announcement": 2, "voicemail": 2, "speech": 2, "silence": 4, "no_audio": 4}
WIDTH: Final = 23
FAST_WIDTH: Final = 7
"The fast memory holds the first seven."

FAST_S: Final = 2700.0
FAST_CALLS: Final = 100

ALARM: Final = 5.0
"""Page's CUSUM of log likelihoods, that good calls have become half as frequent, at which the fast memory starts anew with the calls that showed
it (Biometrika 41, 1954). By chance that happens once in some thousand calls, and then costs the fast memory alone."""

KNOWN: Final = 40.0
"First attempts below which there is no rate to fall from."
SHORT_MS: Final = 6000.0
LOG_2: Final = log(2.0)
BAD: Final = frozenset(("machine", "false"))
VERDICTS: Final = {heard: HUMAN + i for heard, i in COUNTED_AS.items()}


class Cell:
    """Counts of one gateway in one destination and band."""

    __slots__ = ("carrier", "delays", "fast", "since", "slow", "suspicion")

    def __init__(self, carrier: str, memory_s: float, memory_calls: float) -> None:
        self.carrier = carrier
        self.slow = Forgetting(WIDTH, memory_s, memory_calls)
        self.fast = Forgetting(FAST_WIDTH, min(FAST_S, memory_s), min(FAST_CALLS, memory_calls))
        self.delays = Sketch()
        self.suspicion = 0.0
        self.since = [0.0] * FAST_WIDTH
        "What was counted since suspicion was last nought."

    def learn(self, fact: Attempt, at: float) -> None:
        """One attempt on this route, at its own time in seconds."""
        if fact.position > 1:
            self._learn_later(fact, at)
            return
        outcome, early = fact.outcome, fact.early_heard
        weight = self.slow.begin(at)
        sums = self.slow.sums
        if early:
            sums[EARLY + HEARD_EARLY.get(early, 3)] += weight
        if outcome == "caller":
            sums[CENSORED] += weight
            return
        fast_weight = self.fast.begin(at)
        fast = self.fast.sums
        since = self.since
        good = (sums[ANSWERED] - sums[MACHINE] - sums[FALSE]) / sums[ATTEMPTS] if sums[ATTEMPTS] > KNOWN * weight else 0.0
        sums[ATTEMPTS] += weight
        fast[ATTEMPTS] += fast_weight
        since[ATTEMPTS] += 1.0
        delay_ms = fact.alerting_ms
        if delay_ms is not None:
            sums[DELAYED] += weight
            sums[DELAY_S] += weight * delay_ms / 1000.0
            self.delays.add(delay_ms)
            if self.delays.total > 4000.0:
                self.delays.scale(0.5)
        if outcome == "answered":
            sums[ANSWERED] += weight
            fast[ANSWERED] += fast_weight
            since[ANSWERED] += 1.0
            talk_ms = fact.talk_ms or 0.0
            sums[TALK_S] += weight * talk_ms / 1000.0
            if talk_ms <= SHORT_MS and fact.released_by == "carrier":
                sums[SHORT] += weight
            if fact.cost is not None:
                sums[BILLED] += weight
                sums[BILL] += weight * fact.cost
            verdict = VERDICTS.get(fact.heard)
            if verdict is not None:
                sums[verdict] += weight
                fast[verdict] += fast_weight
                since[verdict] += 1.0
        elif outcome == "route":
            sums[FAILED] += weight
            fast[FAILED] += fast_weight
            since[FAILED] += 1.0
        else:
            sums[REJECTED] += weight
        if good > 0.01:
            self._suspect(outcome == "answered" and fact.heard not in BAD, good, at)

    def _suspect(self, was_good: bool, good: float, at: float) -> None:
        self.suspicion += -LOG_2 if was_good else log1p(0.5 * good / (1.0 - min(good, 0.95)))
        if self.suspicion <= 0.0:
            self.suspicion = 0.0
            self.since = [0.0] * FAST_WIDTH
        elif self.suspicion >= ALARM:
            self.fast.load(at, self.since)
            self.suspicion = 0.0
            self.since = [0.0] * FAST_WIDTH

    def _learn_later(self, fact: Attempt, at: float) -> None:
        if fact.outcome == "caller":
            return
        weight = self.slow.begin(at)
        sums = self.slow.sums
        sums[LATER] += weight
        if fact.outcome == "answered":
            sums[LATER_ANSWERED] += weight
            if fact.heard == "human":
                sums[LATER_HUMAN] += weight

    def early_media(self) -> dict[str, float]:
        """What is heard before the answer, as shares of what was listened to; empty where nothing was."""
        counts = self.slow.sums[EARLY:WIDTH]
        heard = sum(counts)
        return {kind: round(count / heard, 4) for kind, count in zip(EARLY_MEDIA, counts, strict=True) if count} if heard else {}

    def row(self, destination: str, band: str, gateway: str) -> Row:
        slow_at, slow = self.slow.dump()
        fast_at, fast = self.fast.dump()
        return Row(destination, band, gateway, self.carrier, slow_at, slow, fast_at, fast, self.delays.dump(), self.suspicion, list(self.since))

    def restore(self, row: Row) -> None:
        """Raises ValueError when the row was written by another version."""
        self.slow.load(row.slow_at, row.slow)
        self.fast.load(row.fast_at, row.fast)
        self.delays.load(row.delays)
        self.suspicion = row.suspicion
        self.since = list(row.since) or [0.0] * FAST_WIDTH
