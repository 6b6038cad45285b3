"""The detection sweep: every tone, over everything that a line may do to it within what `listen.tones` promises."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tests.listen.lines import LAWS, Samples, Sent, hear, send, voice
from trunkline.listen import Hearing, Kind, Reading, synthesis
from trunkline.listen.plans import COUNTRIES, GENERIC_SIT, PLANS, SITS, Plan, Sit
from trunkline.listen.tones import Tones

LEVELS_DBM0 = (-40.0, -9.0)
OFFSET_HZ = 10.0
LOSS = 0.05
NOISE_BELOW_DB, NOISE_DBM0 = 15.0, (-70.0, -45.0)
CADENCE_S = {Kind.RINGBACK: 11.0, Kind.BUSY: 6.0, Kind.CONGESTION: 6.0, Kind.UNOBTAINABLE: 4.5, Kind.DIAL: 4.5}
MAKERS = ("ringback", "busy", "congestion", "unobtainable", "dial", "sit", "ced", "ansam", "cng", "beep")


class Case(NamedTuple):
    """One tone on one line, and what must be heard."""

    family: str
    name: str
    sent: Sent
    country: str | None
    "Told to the bank."
    kind: Kind
    code: str
    reading: Reading | None
    "Of a call progress tone: what it means where it comes from."
    hz: float
    "Of a beep."
    conditions: str

    def heard_right(self, said: Sequence[Hearing]) -> bool:
        """Whether this and nothing else was heard."""
        if not said:
            return False
        for hearing in said:
            if self.reading is None:
                if hearing.kind is not self.kind or hearing.code != self.code:
                    return False
            elif self.reading not in hearing.readings or (self.country and hearing.kind is not self.kind):
                return False
        return self.kind is not Kind.BEEP or (len(said) == 1 and abs(said[0].features["hz"] - self.hz) <= 10)


def case(family: str, rng: np.random.Generator) -> Case:
    """A case of `family`, everything else drawn at random."""
    level = float(rng.uniform(*LEVELS_DBM0))
    offset = float(rng.uniform(-OFFSET_HZ, OFFSET_HZ))
    law = LAWS[int(rng.integers(2))]
    loss = LOSS if rng.random() < 0.8 else 0.0
    noise = None if rng.random() < 0.2 else float(rng.uniform(NOISE_DBM0[0], min(level - NOISE_BELOW_DB, NOISE_DBM0[1])))
    kind, code, reading, country, hz, before = Kind.BEEP, "", None, None, 0.0, synthesis.silence(0.3)
    name = family
    if family in ("ringback", "busy", "congestion", "unobtainable", "dial"):
        kind = Kind(family)
        plans = [plan for plan in PLANS if plan.kind is kind]
        plan: Plan = plans[int(rng.integers(len(plans)))]
        name, reading = f"{plan.country} {kind}", Reading(plan.country, kind)
        country = plan.country if rng.random() < 0.5 else None
        wave = synthesis.cadence(plan, CADENCE_S[kind], level, offset)
    elif family == "sit":
        sits: tuple[Sit, ...] = (*SITS, GENERIC_SIT)
        which = sits[int(rng.integers(len(sits)))]
        kind, code, name = Kind.SIT, which.code, f"sit {which.code}"
        gap = float(rng.uniform(0, 30 if which is GENERIC_SIT else 4))
        wave = synthesis.sit(which, level, offset, gap, float(rng.uniform(0.95, 1.05)))
    elif family in ("ced", "ansam"):
        kind, code = Kind.FAX, family
        reversed_too = bool(rng.random() < 0.7)
        wave = synthesis.answer_tone(float(rng.uniform(2.6, 4.0)), level, offset, family == "ansam", family == "ansam" and reversed_too)
    elif family == "cng":
        kind = Kind.CNG
        wave = synthesis.calling_tone(2, level, offset)
    else:
        hz, ms = float(rng.uniform(400, 3400)), float(rng.uniform(70, 1500))
        greeted = hz < 505 or abs(hz - 1100) < 55 or rng.random() < 0.5
        before = np.concatenate([voice(1.5, rng, max(level, -30.0)), synthesis.silence(float(rng.uniform(0.1, 1.0)))]) if greeted else before
        name = f"beep {hz:.0f} Hz {ms:.0f} ms"
        wave = synthesis.beep(hz, ms, level)
    whole: Samples = np.concatenate([before, wave, synthesis.silence(0.5)])
    conditions = f"{level:.1f} dBm0 {offset:+.1f} Hz {law} loss {loss} noise {noise if noise is None else round(noise)}"
    return Case(family, name, send(whole, rng, law, loss, noise, int(rng.integers(160))), country, kind, code, reading, hz, conditions)


def cases(count: int, rng: np.random.Generator) -> Iterator[Case]:
    """`count` cases, the families in turn."""
    for i in range(count):
        yield case(MAKERS[i % len(MAKERS)], rng)


def heard(batch: Sequence[Case]) -> list[list[Hearing]]:
    """What is said of each case of a batch."""
    answered = [row for row, one in enumerate(batch) if one.kind is Kind.BEEP]
    said = hear([one.sent for one in batch], [Tones(len(batch))], [one.country for one in batch], answered)
    per_row: list[list[Hearing]] = [[] for _ in batch]
    for hearing in said:
        per_row[hearing.row].append(hearing)
    return per_row


__all__ = ["COUNTRIES", "MAKERS", "Case", "case", "cases", "heard"]
