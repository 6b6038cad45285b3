"""The voices of the corpus, and which side of the split each is on.

No voice and no language is on both sides. Every synthetic voice plays people and machines alike, so that a voice tells nothing; the prompts
of a telephone exchange are machines only, as they are in life.
"""

import random
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple


class Voice(NamedTuple):
    """Somebody who can say a sentence."""

    name: str
    language: str
    engine: str
    "`espeak`, `flite` or `festival`."
    voice: str
    "The engine's own name for it."
    encoding: str = "latin-1"
    "What festival's voice reads."


LANGUAGES = {"train": ("en", "es", "fr", "de", "pt", "pl", "nl", "fi"), "test": ("it", "ru", "cs", "ca", "sv", "ro")}

# Variants of espeak-ng change pitch, formants and breath: a variant is a speaker. Each is on one side only.
VARIANTS = {
    "train": ("m1", "m3", "f1", "f2", "f4", "klatt", "Andy", "Annie", "Gene", "Linda", "Mario", "Steph"),
    "test": ("m2", "m5", "m7", "f3", "f5", "klatt3", "Alex", "Belinda", "Michael", "Quincy"),
}
FLITE = ("kal16", "awb", "rms", "slt")
FESTIVAL = (
    Voice("ked", "en", "festival", "ked_diphone"),
    Voice("suopuhe-lj", "fi", "festival", "suo_fi_lj_diphone"),
    Voice("suopuhe-mv", "fi", "festival", "hy_fi_mv_diphone"),
    Voice("lp", "it", "festival", "lp_diphone"),
    Voice("pc", "it", "festival", "pc_diphone"),
    Voice("czech-dita", "cs", "festival", "czech_dita", "iso-8859-2"),
    Voice("czech-machac", "cs", "festival", "czech_machac", "iso-8859-2"),
    Voice("czech-krb", "cs", "festival", "czech_krb", "iso-8859-2"),
    Voice("czech-ph", "cs", "festival", "czech_ph", "iso-8859-2"),
    Voice("ona", "ca", "festival", "upc_ca_ona_hts"),
)

PROMPTS = {
    "train": ("en_US_f_Allison", "es_MX_f_Allison", "fr_CA_f_June"),
    "test": ("ru_RU_f_IvrvoiceRU", "it_IT_f_Menardi", "it_IT_m_Carlo"),
}
"""Speakers of the Asterisk prompts. Allison speaks two languages, so both are on her side."""

VOICEMAIL_PROMPTS = (("vm-theperson", "digits/4", "digits/7", "digits/2", "digits/1", "vm-isunavail", "vm-intro"), ("vm-theperson", "digits/8", "digits/3", "vm-isonphone", "vm-intro"), ("vm-nobodyavail", "vm-intro"), ("vm-intro",))  # fmt: skip
ANNOUNCEMENT_PROMPTS = (("ss-noservice",), ("cannot-complete-as-dialed", "check-number-dial-again"), ("all-circuits-busy-now", "please-try-call-later"), ("im-sorry", "number-not-answering"), ("queue-periodic-announce",), ("tt-allbusy",), ("dir-welcome", "dir-intro"))  # fmt: skip


def voices(side: str) -> list[Voice]:
    """Every voice of one side, each in one language of that side."""
    found = [Voice(f"espeak-{language}-{variant}", language, "espeak", f"{'pt-br' if language == 'pt' else language}+{variant}") for language in LANGUAGES[side] for variant in VARIANTS[side]]
    found += [Voice(f"flite-{name}", "en", "flite", name) for name in FLITE if side == "train"]
    return found + [voice for voice in FESTIVAL if voice.language in LANGUAGES[side]]


class Line(NamedTuple):
    """One piece of speech to be made."""

    voice: Voice
    text: str
    rate: float
    "1 is the voice's own; 1.2 a fifth quicker."
    pitch: int
    "0 to 99, the engine's scale; 50 is its own. Only espeak-ng has one."
    path: Path


def say(lines: Sequence[Line]) -> None:
    """Make the wave files of `lines` that do not exist. Raises CalledProcessError when an engine fails."""
    festival: dict[Voice, list[Line]] = {}
    for line in lines:
        if line.path.exists():
            continue
        if line.voice.engine == "festival":
            festival.setdefault(line.voice, []).append(line)
        else:
            subprocess.run(command(line), check=True, capture_output=True)
    for voice, spoken in festival.items():
        recite(voice, spoken)


def recite(voice: Voice, spoken: Sequence[Line]) -> None:
    """Have festival speak, all at once. It crashes on some words at some speeds: those it gets alone, and at last at the voice's own speed."""
    script = spoken[0].path.with_suffix(".scm")
    text = f"(voice_{voice.voice})\n" + "".join(
        f'(set! utt (Utterance Text "{line.text}"))\n(Parameter.set \'Duration_Stretch {1 / line.rate:.3f})\n(utt.synth utt)\n(utt.save.wave utt "{line.path}")\n' for line in spoken
    )
    script.write_bytes(text.encode(voice.encoding, "replace"))
    done = subprocess.run(["festival", "-b", str(script)], check=False, capture_output=True).returncode == 0
    script.unlink()
    if done:
        return
    if len(spoken) > 1:
        for line in spoken:
            if not line.path.exists():
                recite(voice, [line])
    elif spoken[0].rate != 1:
        recite(voice, [spoken[0]._replace(rate=1)])
    else:
        raise OSError(f"festival cannot say {spoken[0].text!r} as {voice.name}")


def command(line: Line) -> list[str]:
    """How one line is spoken by an engine that takes one at a time."""
    if line.voice.engine == "espeak":
        return ["espeak-ng", "-v", line.voice.voice, "-s", str(round(165 * line.rate)), "-p", str(line.pitch), "-w", str(line.path), line.text]
    return ["flite", "-voice", line.voice.voice, "--setf", f"duration_stretch={1 / line.rate:.3f}", "-t", line.text, "-o", str(line.path)]


def cast(side: str, random_source: random.Random) -> Voice:
    """A voice for one call. Half of the calls get one of the voices that were recorded from people, though they are few."""
    everyone = voices(side)
    recorded = [voice for voice in everyone if voice.engine != "espeak"]
    return random_source.choice(recorded if random_source.random() < 0.5 else everyone)
