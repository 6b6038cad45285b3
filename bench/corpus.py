"""A labelled corpus of answered calls, made from Debian packages.

    python -m bench.corpus --items 900 --seed 1

Greetings of people, of voicemail and of assistants, and announcements, spoken by text-to-speech voices and by the speakers of the Asterisk
prompts, laid on a line (`channel.py`) with pauses, noise, codec and loss. Train and test share no voice and no language (`voices.py`).
The same seed gives the same samples as long as the packages are the same. Kept in `var/corpus`.

What it is good for: finding out whether a change made the listener better or worse. What it is not: any statement about calls to people.
Who pauses how long, how long it rang and how loud the street is are assumptions written down here, not measurements.

    apt-get install espeak-ng flite festival festvox-kdlpc16k festvox-italp16k festvox-itapc16k festvox-czech-dita festvox-czech-machac \
        festvox-czech-krb festvox-czech-ph festvox-suopuhe-lj festvox-suopuhe-mv festvox-ca-ona-hts \
        asterisk-core-sounds-en-wav asterisk-core-sounds-es-wav asterisk-core-sounds-fr-wav asterisk-core-sounds-it-wav \
        asterisk-core-sounds-ru-wav asterisk-prompt-it-menardi-wav
"""

import argparse
import hashlib
import json
import random
import sys
import wave
from collections.abc import Sequence
from math import gcd
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from bench import channel, phrases, scripts, voices
from bench.channel import FRAME, RATE_HZ, Samples

HERE = Path(__file__).parent
FOLDER = HERE.parent / "var" / "corpus"
PROMPTS = Path("/usr/share/asterisk/sounds")
LENGTH_S = 14.0
TEST_SHARE = 0.45


class Item(NamedTuple):
    """One answered call. Times are seconds after the answer."""

    name: str
    label: str
    "`human`, `voicemail`, `announcement` or `assistant`."
    kind: str
    "Which field of `Phrases`, or `prompt`."
    voice: str
    language: str
    ring_time_s: float
    early: str
    "Class of early media: `none` or `ringback`."
    began_s: float
    "First speech."
    first_end_s: float
    "End of what was said before the first pause of 0.7 s or more, the first greeting."
    end_s: float
    "End of the greeting, before a beep or the waiting."
    beep_s: float
    "Begin of the beep; -1 without."
    samples: NDArray[np.int16]
    "[ticks * 160]"
    present: NDArray[np.bool_]
    "[ticks]"


class Role(NamedTuple):
    """What is to be said on one call, before anything is spoken."""

    name: str
    label: str
    kind: str
    voice: voices.Voice | None
    "None: prompts."
    speaker: str
    language: str
    pieces: tuple[Path, ...]
    "One per breath."
    lines: tuple[voices.Line, ...]


MIX = (
    ("human", "hello", 0.24), ("human", "who", 0.13), ("human", "business", 0.08),
    ("voicemail", "personal", 0.14), ("voicemail", "short", 0.06), ("voicemail", "network", 0.09), ("voicemail", "prompt", 0.08),
    ("announcement", "announcement", 0.05), ("announcement", "prompt", 0.05), ("assistant", "screening", 0.08),
)  # fmt: skip


def role(side: str, number: int, seed: int) -> Role:
    """Cast one call."""
    dice = random.Random(f"{seed}/{side}/{number}")
    label, kind, _ = dice.choices(MIX, [share for *_, share in MIX])[0]
    name = f"{side}-{number:04d}-{label}-{kind}"
    if kind == "prompt":
        speaker = dice.choice(voices.PROMPTS[side])
        prompts = voices.VOICEMAIL_PROMPTS if label == "voicemail" else voices.ANNOUNCEMENT_PROMPTS
        known = [script for script in prompts if all((PROMPTS / speaker / f"{part}.wav").exists() for part in script)]
        pieces = tuple(PROMPTS / speaker / f"{part}.wav" for part in dice.choice(known))
        return Role(name, label, kind, None, speaker, speaker[:2], pieces, ())
    voice = voices.cast(side, dice)
    said = phrases.PHRASES[voice.language]
    text = scripts.said(voice.language, kind, dice) if side == "train" else dice.choice(getattr(said, kind))
    if kind == "personal" and dice.random() < 0.15:
        text = f"{dice.choice(said.hello)} | {text}"
    rate, pitch = dice.uniform(0.85, 1.25), dice.randint(25, 75)
    lines = []
    for breath in text.split("|"):
        key = hashlib.sha1(f"{voice.name}/{breath.strip()}/{rate:.3f}/{pitch}".encode()).hexdigest()[:20]
        lines.append(voices.Line(voice, breath.strip(), rate, pitch, FOLDER / "speech" / f"{key}.wav"))
    return Role(name, label, kind, voice, voice.name, voice.language, tuple(line.path for line in lines), tuple(lines))


def read(path: Path) -> Samples:
    """One wave file at 8 kHz, +-1, without the silence at its ends."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64) / 32768
        rate = file.getframerate()
    if rate != RATE_HZ:
        common = gcd(rate, RATE_HZ)
        samples = np.asarray(signal.resample_poly(samples, RATE_HZ // common, rate // common))
    samples = channel.band(samples)
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def render(part: Role, seed: int, babble: Samples) -> Item:
    """Lay one call on a line."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha1(f"{seed}/{part.name}".encode()).digest()[:8]))
    human = part.label == "human"
    spoken = [read(path) for path in part.pieces]
    if part.kind == "prompt":
        spoken = [np.concatenate([np.concatenate([piece, np.zeros(int(rng.uniform(0.05, 0.25) * RATE_HZ))]) for piece in spoken])]
    began_s = float(np.clip(rng.lognormal(np.log(0.55 if human else 0.45), 0.6), 0.04, 2.6))
    if human and rng.random() < 0.08:  # spoken into the answer: its start is lost
        began_s = 0.0
        spoken[0] = spoken[0][int(rng.uniform(0.2, 0.6) * len(spoken[0])) :]
    speech = np.zeros(int(LENGTH_S * RATE_HZ))
    at_s, first_end_s = began_s, 0.0
    for number, piece in enumerate(spoken):
        if number:
            pause_s = float(rng.uniform(0.25, 1.1))
            first_end_s = first_end_s or (at_s if pause_s >= 0.7 else 0.0)
            at_s += pause_s
        at_s = put(speech, piece, at_s)
    end_s = at_s
    first_end_s = first_end_s or end_s
    if human:
        again_s = end_s
        while (again_s := again_s + float(rng.uniform(1.3, 3.2))) < LENGTH_S - 1:
            again_s = put(speech, spoken[0] if len(spoken[0]) < 1.5 * RATE_HZ else spoken[0][: int(0.8 * RATE_HZ)], again_s)
    speech = channel.active_level(speech, float(np.clip(rng.normal(-20 if human else -18, 5), -35, -10)))
    owner = part.kind in ("personal", "short")
    if rng.random() < (0.35 if human or owner else 0.05):
        speech = channel.reverb(speech, rng, float(rng.uniform(0.1, 0.4)))
    line = speech + background(part, began_s, end_s, len(speech), rng, babble)
    if human and rng.random() < 0.25:
        put(line, channel.click(rng), float(rng.uniform(0.0, max(began_s - 0.1, 0.02))))
    beep_s = -1.0
    if part.label == "voicemail" and rng.random() < 0.92:
        beep_s = end_s + float(rng.uniform(0.15, 1.4))
        put(line, beep(rng), beep_s)
    ticks = int(LENGTH_S * RATE_HZ) // FRAME
    present = channel.arrives(ticks, float(rng.choice((0, 0, 0, 0.005, 0.02, 0.05))), rng)
    samples = channel.g711(line[: ticks * FRAME], str(rng.choice(("ulaw", "alaw"))))
    return Item(part.name, part.label, part.kind, part.speaker, part.language, ring_time(part, rng), "ringback" if rng.random() < 0.5 else "none",
                began_s, first_end_s, end_s, beep_s, samples, present)  # fmt: skip


def put(line: Samples, piece: Samples, at_s: float) -> float:
    """Add a piece at a time; when it ends."""
    start = int(at_s * RATE_HZ)
    fits = piece[: max(len(line) - start, 0)]
    line[start : start + len(fits)] += fits
    return at_s + len(piece) / RATE_HZ


def beep(rng: np.random.Generator) -> Samples:
    """The tone before a message (`domain.md` 1.5's envelope)."""
    length = int(rng.uniform(0.1, 0.9) * RATE_HZ)
    tone = np.sin(2 * np.pi * rng.uniform(400, 2000) * np.arange(length) / RATE_HZ)
    return np.asarray(channel.to_level(tone * np.minimum(1, np.minimum(np.arange(length), np.arange(length)[::-1]) / 40), float(rng.uniform(-24, -10))))


def background(part: Role, began_s: float, end_s: float, length: int, rng: np.random.Generator, babble: Samples) -> Samples:
    """Noise of the place, all the time around a person, and only while a recording plays around an owner's greeting."""
    live = part.label == "human"
    owner = part.kind in ("personal", "short")
    kinds = ("comfort", "room", "street", "babble", "hum", "digital")
    shares = (0.38, 0.24, 0.14, 0.12, 0.07, 0.05) if live else (0.4, 0.3, 0.1, 0.08, 0.05, 0.07) if owner else (0.6, 0.06, 0, 0, 0.04, 0.3)
    kind = str(rng.choice(kinds, p=shares))
    levels = {"comfort": (-72, -58), "room": (-62, -46), "street": (-54, -38), "babble": (-54, -42), "hum": (-60, -45), "digital": (-99, -98)}
    made = channel.noise(kind, length, float(rng.uniform(*levels[kind])), rng, babble)
    if not live and kind not in ("comfort", "digital"):
        made[: int(max(began_s - rng.uniform(0.0, 0.3), 0) * RATE_HZ)] = 0
        made[int((end_s + 0.1) * RATE_HZ) :] = 0
        made += channel.noise("comfort", length, float(rng.uniform(-75, -62)), rng, babble)
    return made


def ring_time(part: Role, rng: np.random.Generator) -> float:
    """From alerting to answer: an assumption, and the reason why the benchmark also runs without it."""
    usual = float(np.clip(rng.lognormal(np.log(9.0), 0.55), 1.5, 40))
    if part.label == "human" or (part.label == "announcement" and rng.random() < 0.3):
        return usual
    if part.label == "voicemail":
        what = rng.random()
        return float(rng.normal(23, 4)) if what < 0.6 else float(rng.uniform(0.3, 4)) if what < 0.8 else usual
    return float(rng.uniform(0.3, 6))


class Corpus(NamedTuple):
    """Both sides."""

    train: list[Item]
    test: list[Item]


def build(items: int = 900, seed: int = 1) -> Corpus:
    """Both sides of a seed."""
    return Corpus(build_side("train", items, seed), build_side("test", items, seed))


def build_side(side: str, items: int = 900, seed: int = 1) -> list[Item]:
    """One side, from the cache or made now (half a minute). Raises CalledProcessError or OSError when an engine is missing."""
    sources = b"".join((HERE / name).read_bytes() for name in ("corpus.py", "channel.py", "phrases.py", "voices.py", *(("scripts.py",) if side == "train" else ())))
    key = hashlib.sha1(sources + f"{items}/{seed}".encode()).hexdigest()[:12]
    path = FOLDER / f"{side}-{items}-{seed}-{key}.npz"
    if not path.exists():
        tested = int(items * TEST_SHARE)
        save(path, make(side, tested if side == "test" else items - tested, seed))
    return load(path)


def make(side: str, count: int, seed: int) -> list[Item]:
    """Cast, speak and render one side."""
    (FOLDER / "speech").mkdir(parents=True, exist_ok=True)
    roles = [role(side, number, seed) for number in range(count)]
    voices.say([line for part in roles for line in part.lines])
    long = [part.pieces[-1] for part in roles if part.kind in ("personal", "network")][:12]
    babble = np.concatenate([channel.to_level(read(path), -20) for path in long])
    return [render(part, seed, babble) for part in roles]


META = ("name", "label", "kind", "voice", "language", "ring_time_s", "early", "began_s", "first_end_s", "end_s", "beep_s")


def save(path: Path, items: Sequence[Item]) -> None:
    """Keep one side."""
    meta = json.dumps([{key: getattr(item, key) for key in META} for item in items])
    np.savez_compressed(path, samples=np.stack([item.samples for item in items]), present=np.stack([item.present for item in items]), meta=np.array(meta))


def load(path: Path) -> list[Item]:
    """Read one side."""
    with np.load(path) as kept:
        samples, present, meta = kept["samples"], kept["present"], json.loads(str(kept["meta"]))
    return [Item(**said, samples=samples[row], present=present[row]) for row, said in enumerate(meta)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--items", type=int, default=900)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    corpus = build(arguments.items, arguments.seed)
    for side, items in corpus._asdict().items():
        counts = {label: sum(item.label == label for item in items) for label in ("human", "voicemail", "announcement", "assistant")}
        print(side, len(items), counts, f"{len({item.voice for item in items})} voices", sorted({item.language for item in items}), file=sys.stderr)


if __name__ == "__main__":
    main()
