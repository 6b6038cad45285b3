"""Lines as they are before an answer: announcements, mailboxes, music, songs, ringing, other tones, noise. For `bench.early` and what it trains.

Speech is the corpus's (`corpus.py`): its announcements and greetings by its voices, train and test apart in voice and language. Music is that of
asterisk-moh-opsound-wav and whatever 8 kHz WAV files lie in `var/music/train` and `var/music/test`, albums apart; from Debian's games, say:

    apt-get download hyperrogue-music drascula-music singularity-music fretsonfire-songs-muldjord fretsonfire-songs-sectoid     # dpkg -x, then
    sox TRACK.ogg -r 8000 -c 1 -b 16 var/music/train/hyperrogue-TRACK.wav trim 10 90

A song is a voice of the corpus made to sing (its vowels held, its pitch put on notes, by linear prediction) over music, or alone (`singing`). That is a model of
singing and no recording of any: there is none among the packages. `sung` is another model, festival's singing mode, which nothing is learnt from.
"""

import random
import subprocess
import wave
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, signal

from bench import channel, corpus, voices
from bench.channel import FRAME, RATE_HZ, Samples
from trunkline.lab import music as lab_music
from trunkline.listen import Kind, synthesis
from trunkline.listen.plans import GENERIC_SIT, PLANS, RINGBACK, SITS, Plan, plan_of

LENGTH_S = 15.0
MOH = Path("/usr/share/asterisk/moh")
MOH_TRAIN = ("macroform-cold_day", "macroform-robot_dity", "macroform-the_simplicity")
MUSIC = Path(__file__).parent.parent / "var" / "music"
SPOKEN = ("announcement", "network", "personal")
LOUDEST_DBM0, FAINTEST_DBM0 = -10.0, -40.0
ELSEWHERE = {
    "at": "420 1000/5000", "ch": "425 1000/4000", "cz": "425 1000/4000", "dk": "425 1000/4000", "fi": "425 1000/4000", "hu": "425 1250/3750", "ru": "425 800/3200", "cn": "450 1000/4000",
    "za": "400+450 400/200 400/2000", "il": "400 1000/3000", "sg": "425*24 400/200 400/2000", "tw": "440+480 1000/2000", "nz": "400+450 400/200 400/2000", "gr": "425 1000/4000",
    "no": "425 1000/4000", "tr": "450 2000/4000", "th": "400 1000/4000", "my": "425 400/200 400/2000",
}  # fmt: skip
"Ringback of countries that `listen.plans` does not know, as the field knows them; not checked against the tables of ITU-T E.180 supplement 2."
RINGS: tuple[Plan, ...] = tuple(plan for plan in PLANS if plan.kind is Kind.RINGBACK) + tuple(plan_of(country, Kind.RINGBACK, text) for country, text in ELSEWHERE.items())
assert len({plan.country for plan in RINGS}) == len(RINGBACK) + len(ELSEWHERE)
FAMILIES = ("announcement", "voicemail", "music", "jingle", "song", "singing", "ringback", "tone", "noise")
VOICES = frozenset(("announcement", "voicemail"))
TUNES = frozenset(("music", "jingle", "song"))
PENTATONIC = (0, 2, 4, 7, 9, 12, 14)
SUNG = ("kal_diphone", "ked_diphone", "cmu_us_slt_arctic_hts")
WORDS = ("love", "you", "never", "let", "the", "morning", "light", "come", "over", "my", "lonely", "water", "slowly", "falling", "down", "where", "we", "used", "tonight")


class Clip(NamedTuple):
    """One line before its answer. Times are seconds from its beginning."""

    family: str
    "One of `FAMILIES`, or `over_music`: speech with music under it."
    source: str
    "The voice, album or country."
    began_s: float
    "When what it is begins."
    end_s: float
    beep_s: float
    "-1 without."
    level_dbm0: float
    loss: float
    samples: NDArray[np.int16]
    "[ticks * 160]"
    present: NDArray[np.bool_]
    "[ticks]"


def clip(side: str, family: str, number: int, seed: int) -> Clip:
    """The clip of a number: the same for the same arguments as long as the packages are the same."""
    key = f"{seed}/{side}/{family}/{number}"
    dice = random.Random(key)
    rng = np.random.default_rng([seed, number, sum(map(ord, side + family))])
    level, loss = float(rng.uniform(FAINTEST_DBM0, LOUDEST_DBM0)), float(rng.choice((0.0, 0.01, 0.05)))
    line = np.zeros(int(LENGTH_S * RATE_HZ))
    began_s = end_s = 0.0
    beep_s = -1.0
    source = family
    noisy = True
    if family in VOICES or family == "over_music":
        pieces, source = speech(side, dice)
        began_s = before(line, dice, rng, level)
        end_s = recite(line, pieces, began_s, level, dice, twice=family == "announcement")
        if family == "voicemail":
            beep_s = end_s + float(rng.uniform(0.15, 1.4))
            tone = synthesis.beep(float(rng.uniform(520, 2000)), float(rng.uniform(100, 800)), float(np.clip(level + rng.uniform(-6, 4), -35, -8)))
            corpus.put(line, tone, beep_s)
        if family == "over_music":
            tune, track = piece_of_music(side, dice, len(line))
            line += channel.to_level(tune, level - float(rng.uniform(6, 15)))
            source += f" over {track}"
    elif family in TUNES or family in ("singing", "sung"):
        began_s = before(line, dice, rng, level) if dice.random() < 0.5 else 0.0
        length = len(line) - int(began_s * RATE_HZ)
        if family == "jingle":
            tune = jingle(rng, length)
        elif family == "music":
            tune, source = piece_of_music(side, dice, length)
        else:
            voice, source = festival(dice, length) if family == "sung" else song(side, dice, rng, length)
            tune = channel.to_level(voice, 0.0)
            if family == "song" or (family == "sung" and number % 2):
                backing, track = piece_of_music(side, dice, length) if dice.random() < 0.7 else (jingle(rng, length), "jingle")
                tune = tune + channel.to_level(backing, float(rng.uniform(-9, 6)))
                source += f" over {track}"
        line[len(line) - length :] += channel.to_level(tune, level)
        end_s = LENGTH_S
    elif family == "ringback":
        which = RINGS[number % len(RINGS)]
        source = which.country
        line += synthesis.cadence(which, LENGTH_S, level, float(rng.uniform(-8, 8)), float(rng.uniform(0, 5)))
    elif family == "tone":
        line, source = other_tone(rng, dice, level, len(line))
    else:
        kind = dice.choice(("comfort", "room", "street", "hum", "digital", "cn"))
        source, noisy = kind, False
        level = float(rng.uniform(-70, -38))
        line += comfort_noise(len(line), level, rng) if kind == "cn" else channel.noise(kind, len(line), level, rng, np.zeros(1))
    if noisy:
        line = line + comfort_noise(len(line), min(level - 14.0, float(rng.uniform(-75, -45))), rng)
    ticks = len(line) // FRAME
    samples = channel.g711(line[: ticks * FRAME], str(rng.choice(("ulaw", "alaw"))))
    return Clip(family, source, began_s, end_s, beep_s, level, loss, samples, channel.arrives(ticks, loss, rng))


def speech(side: str, dice: random.Random) -> tuple[list[Samples], str]:
    """An announcement or greeting, piece by piece, and who speaks."""
    number = dice.randrange(10**6)
    while True:
        part = corpus.role(side, number, 1)
        if part.kind in SPOKEN or part.kind == "prompt":
            voices.say(part.lines)
            return [heard(path) for path in part.pieces], part.speaker
        number += 1


@cache
def heard(path: Path) -> Samples:
    """A piece of speech."""
    return corpus.read(path)


def recite(line: Samples, pieces: Sequence[Samples], at_s: float, level: float, dice: random.Random, *, twice: bool) -> float:
    """Lay pieces on a line with pauses, again and again if they are said more than once; when the last ends."""
    again_s = dice.uniform(0.8, 3.0)
    end_s = at_s
    while at_s < LENGTH_S - 0.5:
        for piece in pieces:
            end_s = min(corpus.put(line, channel.active_level(piece, level), at_s), LENGTH_S)
            at_s = end_s + dice.uniform(0.15, 0.8)
        if not twice:
            break
        at_s = end_s + again_s
    return end_s


def before(line: Samples, dice: random.Random, rng: np.random.Generator, level: float) -> float:
    """What may come first: nothing, ringing cut short, a special information tone; when it is over."""
    what = dice.random()
    if what < 0.5:
        return dice.uniform(0.0, 1.2)
    if what < 0.8:
        lasts_s = dice.uniform(0.5, 4.0)
        line[: int(lasts_s * RATE_HZ)] += synthesis.cadence(dice.choice(RINGS), LENGTH_S, level, 0.0, float(rng.uniform(0, 4)))[: int(lasts_s * RATE_HZ)]
        return lasts_s + dice.uniform(0.0, 0.6)
    tone = synthesis.sit(dice.choice((*SITS, GENERIC_SIT)), level)
    corpus.put(line, tone, 0.2)
    return 0.2 + len(tone) / RATE_HZ + dice.uniform(0.05, 0.5)


@cache
def tracks(side: str) -> tuple[tuple[str, NDArray[np.float32]], ...]:
    """The music of a side. Raises FileNotFoundError where there is none."""
    files = [path for path in sorted(MOH.glob("*.wav")) if (path.stem in MOH_TRAIN) == (side == "train")] + sorted((MUSIC / side).glob("*.wav"))
    if not files:
        raise FileNotFoundError(f"no music in {MOH} or {MUSIC / side}")
    found = []
    for path in files:
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
        found.append((path.stem, channel.band(samples).astype(np.float32)))
    return tuple(found)


def piece_of_music(side: str, dice: random.Random, length: int) -> tuple[Samples, str]:
    """Some seconds from somewhere, at another speed; what is nearly silent is not taken."""
    by_album: dict[str, list[int]] = {}
    for number, (name, _) in enumerate(tracks(side)):
        by_album.setdefault(name.partition("-")[0], []).append(number)
    while True:
        name, whole = tracks(side)[dice.choice(by_album[dice.choice(sorted(by_album))])]
        speed = dice.uniform(0.9, 1.12)
        wanted = int(length * speed) + 8
        at = dice.randrange(max(1, whole.size - wanted))
        part = whole[at : at + wanted].astype(np.float64)
        if part.size == wanted and np.sqrt(np.mean(part**2)) > 0.005:
            return np.interp(np.arange(length) * speed, np.arange(wanted), part), name


def jingle(rng: np.random.Generator, length: int) -> Samples:
    """The lab's jingle in another key and speed."""
    wave_ = lab_music.jingle()
    ratio = float(rng.uniform(0.7, 1.5))
    at = rng.uniform(0, wave_.size) + np.arange(length) * ratio
    return np.asarray(np.interp(at % wave_.size, np.arange(wave_.size), wave_))


def song(side: str, dice: random.Random, rng: np.random.Generator, length: int) -> tuple[Samples, str]:
    """A voice of the corpus, singing."""
    pieces, who = speech(side, dice)
    sung: list[Samples] = []
    root = dice.uniform(110, 330)
    while sum(len(part) for part in sung) < length:
        for piece in pieces:
            sung += [sing(piece, root, dice, rng), np.zeros(int(dice.uniform(0.1, 0.9) * RATE_HZ))]
    return np.concatenate(sung)[:length], f"{who} singing"


def festival(dice: random.Random, length: int) -> tuple[Samples, str]:
    """A song of festival's, on some notes. Raises CalledProcessError or OSError without festival and its English voices."""
    number, speaker = dice.randrange(4), dice.choice(SUNG)
    path = corpus.FOLDER / "speech" / f"sung-{speaker}-{number}.wav"
    if not path.exists():
        own = random.Random(number)
        notes = [(own.choice(WORDS), "CDEGA"[own.randrange(5)] + str(own.choice((3, 4))), own.choice((0.5, 1.0, 1.0, 2.0))) for _ in range(36)]
        lines = "".join(f'<PITCH NOTE="{note}"><DURATION BEATS="{beats}">{word}</DURATION></PITCH>' for word, note, beats in notes)
        score = path.with_suffix(".xml")
        head = '<?xml version="1.0"?><!DOCTYPE SINGING PUBLIC "-//SINGING//DTD SINGING mark up//EN" "Singing.v0_1.dtd" []>'
        score.write_text(f'{head}\n<SINGING BPM="{own.choice((80, 100, 120))}">{lines}</SINGING>\n')
        subprocess.run(["text2wave", "-mode", "singing", "-eval", f"(voice_{speaker})", str(score), "-o", str(path)], check=True, capture_output=True)
        score.unlink()
    whole = heard(path)
    return np.resize(np.roll(whole, -dice.randrange(whole.size)), length), f"{speaker} sung"


def sing(piece: Samples, root_hz: float, dice: random.Random, rng: np.random.Generator) -> Samples:
    """Spoken to sung: every frame's resonances held for longer, voiced where it was voiced, on notes of a scale with vibrato and a glide between them."""
    hop, window = 80, 240
    order = 10
    slower = dice.uniform(1.3, 2.6)
    padded = np.concatenate([piece, np.zeros(window)])
    count = max(int(len(piece) / hop * slower), 1)
    envelope = np.hanning(window)
    note_frames = int(dice.uniform(0.22, 0.6) * RATE_HZ / hop)
    made = np.zeros(count * hop + window)
    hz, phase, state = root_hz, 0.0, np.zeros(order)
    goal = root_hz
    vibrato = dice.uniform(0.0, 0.012)
    for i in range(count):
        at = int(i / slower) * hop
        frame = padded[at : at + window] * envelope
        energy = float(np.mean(frame**2))
        if i % note_frames == 0:
            goal = root_hz * 2 ** (dice.choice(PENTATONIC) / 12)
        hz += 0.35 * (goal - hz)
        if energy < 1e-9:
            state = np.zeros(order)
            continue
        r = np.correlate(frame, frame, "full")[window - 1 : window + order]
        r[0] *= 1.0001
        taps = np.concatenate([[1.0], levinson(r, order)])
        lags = np.correlate(frame, frame, "full")[window - 1 + 20 : window - 1 + 130]
        voiced = lags.max() > 0.35 * r[0]
        now_hz = hz * (1 + vibrato * np.sin(2 * np.pi * 5.5 * i * hop / RATE_HZ))
        if voiced:
            phases = phase + now_hz / RATE_HZ * np.arange(1, hop + 1)
            drive = (np.diff(np.floor(np.concatenate([[phase], phases]))) > 0).astype(np.float64) * np.sqrt(RATE_HZ / now_hz)
            phase = float(phases[-1])
        else:
            drive = rng.standard_normal(hop)
        out, state = signal.lfilter([1.0], taps, drive, zi=state)
        residual = float(np.dot(taps, r[: order + 1])) / window
        made[i * hop : (i + 1) * hop] = out * np.sqrt(max(residual, 1e-12) * 2.6)
        state = state[:order]
    return made[: count * hop]


def levinson(r: Samples, order: int) -> Samples:
    """Predictor of an autocorrelation."""
    return np.asarray(linalg.solve_toeplitz(r[:order], -r[1 : order + 1]))


def other_tone(rng: np.random.Generator, dice: random.Random, level: float, length: int) -> tuple[Samples, str]:
    """Busy, congestion, dial tone, SIT again and again, fax."""
    line = np.zeros(length)
    plans = [plan for plan in PLANS if plan.kind is not Kind.RINGBACK]
    what = dice.random()
    if what < 0.6:
        plan = dice.choice(plans)
        return synthesis.cadence(plan, LENGTH_S, level, float(rng.uniform(-8, 8)))[:length], f"{plan.country} {plan.kind}"
    if what < 0.8:
        at_s = 0.3
        tone = synthesis.sit(dice.choice((*SITS, GENERIC_SIT)), level)
        while at_s < LENGTH_S - 2:
            at_s = corpus.put(line, tone, at_s) + dice.uniform(1.5, 4)
        return line, "sit"
    ansam = dice.random() < 0.5
    corpus.put(line, synthesis.answer_tone(3.3, level, modulated=ansam, reversals=ansam), 0.5)
    return line, "fax"


def comfort_noise(length: int, dbm0: float, rng: np.random.Generator) -> Samples:
    """As a gateway makes it (RFC 3389): noise through a filter that changes every 200 ms or so, and so does its level by a decibel or two."""
    made: list[Samples] = []
    while sum(len(part) for part in made) < length:
        pole = rng.uniform(-0.3, 0.7)
        made.append(signal.lfilter([1 - abs(pole)], [1, -pole], rng.standard_normal(1600)) * 10 ** (rng.uniform(-1, 1) / 20))
    return channel.to_level(np.concatenate(made)[:length], dbm0)
