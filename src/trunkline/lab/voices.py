"""What far ends of the lab play: people, machines, tones and nothing, as 8 kHz samples made without any other program.

Speech comes from the files in `prompts/`, tones from `listen.synthesis`. What varies between calls (which voice, how long before it speaks,
where the beep lies) is drawn from the `Random` that is given, so the same seed plays the same samples.
"""

from functools import cache
from pathlib import Path
from random import Random

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.lab.music import jingle
from trunkline.listen import FRAME, RATE_HZ, Kind
from trunkline.listen.level import power_of
from trunkline.listen.plans import COUNTRIES, GENERIC_SIT, SITS, Sit
from trunkline.listen.synthesis import answer_tone, beep, cadence, pcm, plan, sit
from trunkline.media.g711 import MU_LAW, Law

Pcm = NDArray[np.int16]
PROMPTS = Path(__file__).parent / "prompts"
ROOM_DBM0 = -62.0
"Noise in the pauses of people and behind `silence`; a line is never digitally quiet."
ROOM_S = 2.0
SIT_KINDS: dict[str, Sit] = {
    f"sit-{name}": one for name, one in zip(("ic", "vc", "ro-local", "nc-local", "ro-carrier", "nc-carrier", "io", "fu"), SITS, strict=True)
} | {"sit-generic": GENERIC_SIT}  # fmt: skip
SPEECH = ("human", "assistant", "voicemail", "announcement")
TONES = ("ringback", "busy", "congestion", "fax")
KINDS = (*SPEECH, *TONES, *SIT_KINDS, "custom-ringback", "silence", "no-rtp")
"Every kind a scenario may name; `sit-...` is the tone and an announcement after it, `no-rtp` sends nothing at all."
BEEPS_HZ = (850.0, 1000.0, 1400.0)


class Sound(Struct, frozen=True):
    """Something to play."""

    kind: str
    "One of `KINDS`, or `agent` and `room`."
    samples: Pcm
    "8 kHz, whole frames of 20 ms."
    loop_from: int | None = None
    "Sample from which it repeats for ever; None ends in silence."

    @property
    def seconds(self) -> float:
        """Of one play."""
        return self.samples.size / RATE_HZ

    def coded(self, law: Law) -> bytes:
        """One play as G.711, 160 bytes a frame."""
        return law.encode_bytes(self.samples)


def sound(kind: str, random: Random, country: str = "us") -> Sound | None:
    """One call's worth of `kind`; None for `no-rtp`. `country` is whose tones sound. Raises KeyError for a kind not in `KINDS`."""
    if kind in TONES or kind in ("custom-ringback", "silence"):
        return _steady(kind, country if kind != "fax" else random.choice(("ced", "ansam")))
    if kind == "no-rtp":
        return None
    if kind in SIT_KINDS:
        return _failed(kind, random.choice(prompts("announcement")))
    if kind == "announcement":
        parts = [room(random.uniform(0.1, 0.4)), prompt(random.choice(prompts(kind))), room(1.5)]
        return Sound(kind, framed(parts), 0)
    if kind == "human":
        # Somebody lifts the receiver, says hello, and asks again when he hears nothing.
        parts = [room(random.uniform(0.2, 1.0)), prompt(random.choice(prompts(kind))), room(random.uniform(2.0, 3.5)), prompt(random.choice(prompts("later")))]
    elif kind == "assistant":
        # It asks, and waits in silence for the name while the handset rings.
        parts = [room(random.uniform(0.3, 0.8)), prompt(random.choice(prompts(kind)))]
    elif kind == "voicemail":
        tone = pcm(beep(random.choice(BEEPS_HZ), random.uniform(200, 450), -14.0))
        parts = [room(random.uniform(0.3, 0.9)), prompt(random.choice(prompts(kind))), room(random.uniform(0.3, 0.9)), tone]
    else:
        raise KeyError(kind)
    return _then_room(kind, parts)


def agent(random: Random, after_s: tuple[float, float]) -> Sound:
    """The dialer's agent: speaks so long after the call is put through."""
    return _then_room("agent", [room(random.uniform(*after_s)), prompt(random.choice(prompts("agent")))])


def prompts(role: str) -> list[str]:
    """Names of the prompts of a role: human, later, agent, assistant, voicemail, announcement."""
    return [name for name in _names() if name.startswith(f"{role}-")]


@cache
def prompt(name: str) -> Pcm:
    """The samples of one file in `prompts/`."""
    return MU_LAW.decode_bytes((PROMPTS / f"{name}.ulaw").read_bytes())


def room(seconds: float) -> Pcm:
    """A quiet room: noise at `ROOM_DBM0`."""
    samples = round(seconds * RATE_HZ)
    return np.resize(_noise(), samples)


def framed(parts: list[Pcm]) -> Pcm:
    """The parts one after the other, filled up to whole frames."""
    whole = np.concatenate(parts)
    return np.concatenate([whole, room(-whole.size % FRAME / RATE_HZ)])


def has_tones(country: str) -> bool:
    """Whether `country` is one whose ringback, busy and congestion are known."""
    return country in COUNTRIES


def _then_room(kind: str, parts: list[Pcm]) -> Sound:
    said = framed(parts)
    return Sound(kind, np.concatenate([said, room(ROOM_S)]), said.size)


@cache
def _names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PROMPTS.glob("*.ulaw")))


@cache
def _noise() -> Pcm:
    return pcm(np.random.default_rng(62).standard_normal(round(ROOM_S * RATE_HZ)) * np.sqrt(power_of(ROOM_DBM0)))


@cache
def _steady(kind: str, variant: str) -> Sound:
    """What sounds alike on every call. `variant`: the country, of a fax `ced` or `ansam`."""
    if kind == "silence":
        return Sound(kind, room(ROOM_S), 0)
    if kind == "custom-ringback":
        return Sound(kind, framed([pcm(jingle())]), 0)
    if kind == "fax":
        ansam = variant == "ansam"
        tone = pcm(answer_tone(3.3, modulated=ansam, reversals=ansam))
        return _then_room(kind, [room(0.5), tone])
    try:
        said = plan(variant, Kind(kind))
    except KeyError:
        # A country without congestion of its own uses its busy.
        said = plan(variant, Kind.BUSY)
    turn_s = sum(step.on_ms + step.off_ms for step in said.steps) / 1000
    return Sound(kind, pcm(cadence(said, _whole_frames_s(turn_s))), 0)


def _whole_frames_s(turn_s: float) -> float:
    """The shortest time, of at least 2 s, that is whole turns of a cadence and whole frames."""
    turn = round(turn_s * RATE_HZ)
    turns = 1
    while turns * turn % FRAME or turns * turn_s < 2:
        turns += 1
    return turns * turn / RATE_HZ


@cache
def _failed(kind: str, announcement: str) -> Sound:
    return Sound(kind, framed([room(0.2), pcm(sit(SIT_KINDS[kind])), room(0.2), prompt(announcement), room(1.5)]), 0)
