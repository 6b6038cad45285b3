"""What was heard on a line: one value for every detector.

A `Hearing` says a kind, when it sounded, how sure we are, and what was measured. Kinds that go on for a while (ringback, busy, silence) are
said twice: when recognised, with `ended_s` None, and when over, with the same `began_s`. Kinds that are over when recognised (a SIT, a
beep) are said once.
"""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field


class Phase(StrEnum):
    """Where the call stood when the sound began."""

    EARLY = "early"
    "Before the answer: early media."
    ANSWERED = "answered"
    "From the answer on."


class Kind(StrEnum):
    """What it is. A closed list: facts, outcome rules and reports name these."""

    RINGBACK = "ringback"
    BUSY = "busy"
    "The callee is busy; also where a country's busy and congestion sound alike (`Hearing.ambiguous`)."
    CONGESTION = "congestion"
    UNOBTAINABLE = "unobtainable"
    DIAL = "dial"
    "Dial tone: a switch waits for digits; the call has not gone through."
    SIT = "sit"
    "Special information tone; `code` is one of `plans.SIT_CODES` or `generic`."
    FAX = "fax"
    "A fax or modem answers; `code` is `ced` or `ansam`."
    CNG = "cng"
    "A fax calls (1100 Hz); rare on outbound calls."
    BEEP = "beep"
    "The single tone after which a message may be left."
    SILENCE = "silence"
    "Audio arrives and is quiet."
    NO_AUDIO = "no_audio"
    "No audio arrives at all."
    SPEECH = "speech"
    MUSIC = "music"
    ANNOUNCEMENT = "announcement"
    HUMAN = "human"
    MACHINE = "machine"
    ASSISTANT = "assistant"
    "A call-screening assistant, neither human nor machine until somebody picks up."
    UNKNOWN = "unknown"


class Reading(Struct, frozen=True, gc=False, order=True):
    """What a sound means in one country."""

    country: str
    "ISO 3166 alpha-2 in lower case, a key of `plans.PLANS`."
    kind: Kind


class Hearing(Struct, frozen=True, gc=False):
    """One thing heard on one line."""

    row: int
    "The line: its row in the `Bank`."
    kind: Kind
    began_s: float
    "When it began, in seconds on the clock of `now`."
    ended_s: float | None = None
    "When it ended on the same clock; None while it still sounds."
    said_s: float = 0.0
    "The `now` at which we said so; `said_s - began_s` is the time the verdict took."
    confidence: float = 1.0
    "In [0, 1]: our belief in `kind`. Calibrated for none of the tones; 1 means every check passed more than once."
    code: str = ""
    "Which of its kind: a SIT code, `ced`, `ansam`, a cause such as `INITIALSILENCE`; empty where the kind says all."
    readings: tuple[Reading, ...] = ()
    "For call progress tones, every country whose plan the sound fits, and what it means there; sorted."
    features: Mapping[str, float] = field(default_factory=dict)
    "What was measured, units in the names: `level_dbm0`, `hz`, `on_ms`, `off_ms`, ..."
    phase: Phase = Phase.EARLY
    "Stamped by the `Bank` from `began_s` and the time of answer."

    @property
    def countries(self) -> tuple[str, ...]:
        """The countries in which the sound means `kind`."""
        return tuple(reading.country for reading in self.readings if reading.kind is self.kind)

    @property
    def ambiguous(self) -> bool:
        """Whether the sound means something else in another country that it fits as well."""
        return any(reading.kind is not self.kind for reading in self.readings)
