"""Call progress tones of sixteen countries, and the special information tones, as data.

Cadences are those of ITU-T E.180 supplement 2 as switches and gateways are shipped with. A line reads `signal on/off on/off; signal on/off`
in Hz and ms: `+` mixes, `*` modulates the amplitude of the first by the second. A country whose congestion sounds like its busy has one
entry, under busy: what sounds alike is not told apart.
"""

from msgspec import Struct

from .hearing import Kind


class Signal(Struct, frozen=True, gc=False, order=True):
    """What sounds during one burst."""

    hz: tuple[float, ...]
    "One frequency, or two mixed at equal level."
    modulated_hz: float = 0.0
    "Amplitude modulation of a single frequency; 0 for none."


class Step(Struct, frozen=True, gc=False):
    """One burst and the pause after it."""

    signal: Signal
    on_ms: float
    off_ms: float
    "0 for a tone without end."


class Plan(Struct, frozen=True):
    """How one country says one thing."""

    country: str
    "ISO 3166 alpha-2 in lower case; `uk` for the United Kingdom, as numbering plans of the field have it."
    kind: Kind
    steps: tuple[Step, ...]
    "One turn of the cadence, repeated."


RINGBACK = {
    "us": "440+480 2000/4000", "uk": "400+450 400/200 400/2000", "fr": "440 1500/3500", "de": "425 1000/4000", "es": "425 1500/3000",
    "it": "425 1000/4000", "nl": "425 1000/4000", "be": "425 1000/3000", "pt": "425 1000/5000", "pl": "425 1000/4000", "se": "425 1000/5000",
    "br": "425 1000/4000", "mx": "425 1000/4000", "au": "413+438 400/200 400/2000", "in": "400*25 400/200 400/2000", "jp": "400+15 1000/2000",
}  # fmt: skip
BUSY = {
    "us": "480+620 500/500", "uk": "400 375/375", "fr": "440 500/500", "de": "425 480/480", "es": "425 200/200", "it": "425 500/500",
    "nl": "425 500/500", "be": "425 500/500", "pt": "425 500/500", "pl": "425 500/500", "se": "425 250/250", "br": "425 250/250",
    "mx": "425 250/250", "au": "425 375/375", "in": "400 750/750", "jp": "400 500/500",
}  # fmt: skip
CONGESTION = {
    "us": "480+620 250/250", "uk": "400 400/350 225/525", "fr": "440 250/250", "de": "425 240/240", "es": "425 200/200 200/200 200/600",
    "it": "425 200/200", "nl": "425 250/250", "be": "425 167/167", "pt": "425 200/200", "se": "425 250/750", "br": "425 250/250 750/250",
    "au": "425 375/375; 420 375/375", "in": "400 250/250",
}  # fmt: skip
UNOBTAINABLE = {"uk": "400 0/0"}
DIAL = {
    "us": "350+440 0/0", "uk": "350+440 0/0", "fr": "440 0/0", "de": "425 0/0", "es": "425 0/0", "nl": "425 0/0", "be": "425 0/0",
    "pt": "425 0/0", "pl": "425 0/0", "se": "425 0/0", "br": "425 0/0", "mx": "425 0/0", "jp": "400 0/0",
}  # fmt: skip
EQUAL_BUSY_AND_CONGESTION = frozenset(BUSY) - frozenset(CONGESTION)


def signal_of(text: str) -> Signal:
    """Read `425`, `440+480` or `400*25`."""
    if "*" in text:
        carrier, modulator = text.split("*")
        return Signal((float(carrier),), float(modulator))
    return Signal(tuple(float(part) for part in text.split("+")))


def plan_of(country: str, kind: Kind, text: str) -> Plan:
    """Read a line of the tables above."""
    steps: list[Step] = []
    for part in text.split(";"):
        signal, *pairs = part.split()
        for pair in pairs:
            on, off = pair.split("/")
            steps.append(Step(signal_of(signal), float(on), float(off)))
    return Plan(country, kind, tuple(steps))


PLANS = tuple(
    plan_of(country, kind, text)
    for kind, table in (
        (Kind.RINGBACK, RINGBACK), (Kind.BUSY, BUSY), (Kind.CONGESTION, CONGESTION), (Kind.UNOBTAINABLE, UNOBTAINABLE), (Kind.DIAL, DIAL),
    )
    for country, text in table.items()
)  # fmt: skip
COUNTRIES = tuple(sorted(RINGBACK))


class Sit(Struct, frozen=True):
    """One special information tone: three rising tones, one after the other."""

    code: str
    hz: tuple[float, float, float]
    ms: tuple[float, float, float]
    means: str


LOW_1, HIGH_1, LOW_2, HIGH_2, LAST = 913.8, 985.2, 1370.6, 1428.5, 1776.7
SHORT_MS, LONG_MS = 274.0, 380.0
SITS = (
    Sit("IC", (LOW_1, LOW_2, LAST), (SHORT_MS, SHORT_MS, LONG_MS), "intercept: number changed or disconnected"),
    Sit("VC", (HIGH_1, LOW_2, LAST), (LONG_MS, SHORT_MS, LONG_MS), "vacant code"),
    Sit("RO'", (LOW_1, HIGH_2, LAST), (SHORT_MS, LONG_MS, LONG_MS), "reorder, local"),
    Sit("NC'", (HIGH_1, HIGH_2, LAST), (LONG_MS, LONG_MS, LONG_MS), "no circuit, local"),
    Sit('RO"', (HIGH_1, LOW_2, LAST), (SHORT_MS, LONG_MS, LONG_MS), "reorder, another carrier"),
    Sit('NC"', (LOW_1, LOW_2, LAST), (LONG_MS, LONG_MS, LONG_MS), "no circuit, another carrier"),
    Sit("IO", (LOW_1, HIGH_2, LAST), (LONG_MS, SHORT_MS, LONG_MS), "ineffective, other"),
    Sit("FU", (HIGH_1, HIGH_2, LAST), (SHORT_MS, SHORT_MS, LONG_MS), "future use"),
)
"The North American encodings: which of two frequencies and two lengths the first two tones have says why the call failed."
SIT_CODES = tuple(sit.code for sit in SITS)
GENERIC_SIT = Sit("generic", (950.0, 1400.0, 1800.0), (330.0, 330.0, 330.0), "the call failed; an announcement says why")
"ITU-T E.180: each frequency +-50 Hz, each length +-70 ms, gaps up to 30 ms; carries no cause."
