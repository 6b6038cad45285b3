"""Render the lab's prompts again: `python -m trunkline.lab.prompts.remake` (needs espeak-ng).

Each prompt is spoken by espeak-ng, brought from 22,050 Hz to 8 kHz, freed of the silence around it, levelled and written as mu-law.
"""

import subprocess
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from trunkline.listen.level import power_of
from trunkline.media.g711 import MU_LAW

FOLDER = Path(__file__).parent
RATE_HZ = 8000
BAND_HZ = (200.0, 3400.0)
"Of a telephone channel."
LEVEL_DBM0 = -18.0
"Of the whole prompt."
EDGE = 160
"Silence is cut off around the first and last frame of so many samples with a peak below `FLOOR` of the highest."
FLOOR = 0.03


class Prompt(Struct, frozen=True, gc=False):
    """One thing to be said."""

    name: str
    "`role-language`, and a number where there are several."
    voice: str
    "Of espeak-ng, variant included."
    words_per_minute: int
    text: str


PROMPTS = (
    Prompt("human-en-1", "en-us+f3", 165, "Hello?"),
    Prompt("human-en-2", "en-gb+m3", 175, "Hello, Peter speaking."),
    Prompt("human-en-3", "en-us+m1", 180, "Yeah, hello?"),
    Prompt("human-de-1", "de+f2", 165, "Hallo?"),
    Prompt("human-de-2", "de+m5", 175, "Schneider, guten Tag?"),
    Prompt("human-fr-1", "fr-fr+f4", 165, "Allô, oui?"),
    Prompt("human-es-1", "es+m2", 170, "¿Sí, dígame?"),
    Prompt("human-it-1", "it+f1", 165, "Pronto?"),
    Prompt("later-en-1", "en-us+f3", 175, "Who is calling, please?"),
    Prompt("later-de-1", "de+m5", 175, "Wer ist denn da?"),
    Prompt("agent-en-1", "en-gb+f5", 180, "Good morning, I am calling about your order."),
    Prompt("assistant-en-1", "en-us+f5", 185, "Hi. The person you are calling uses a screening service. Please say your name, and why you are calling."),
    Prompt("assistant-de-1", "de+f3", 190, "Hallo. Dieser Anruf wird geprüft. Bitte nennen Sie Ihren Namen und den Grund Ihres Anrufs."),
    Prompt("voicemail-en-1", "en-us+m3", 185, "Hi, you have reached Tom and Julia. We are not at home. Please leave a message after the tone."),
    Prompt("voicemail-en-2", "en-gb+f2", 185, "The person you have called is not available. Please leave your message after the tone."),
    Prompt("voicemail-de-1", "de+m3", 190, "Guten Tag, hier ist der Anschluss von Familie Krause. Bitte sprechen Sie nach dem Signalton."),
    Prompt("voicemail-es-1", "es+f2", 190, "Ha llamado al buzón de voz. Deje su mensaje después de la señal."),
    Prompt("announcement-en-1", "en-us+f2", 185, "We are sorry. The number you have dialled is not in service. Please check the number and dial again."),
    Prompt("announcement-de-1", "de+f5", 190, "Diese Rufnummer ist uns nicht bekannt. Bitte prüfen Sie die Nummer."),
    Prompt("announcement-fr-1", "fr-fr+f2", 190, "Le numéro que vous avez composé n'est pas attribué."),
)


def spoken(prompt: Prompt) -> NDArray[np.float64]:
    """What espeak-ng says, at 8 kHz and `LEVEL_DBM0`, full scale +-1."""
    command = ["espeak-ng", "-v", prompt.voice, "-s", str(prompt.words_per_minute), "--stdout", prompt.text]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    # espeak-ng cannot know the length when it writes the header of a pipe: the 44 bytes are skipped, not read, but for the rate.
    rate_hz = int.from_bytes(said[24:28], "little")
    wave = np.frombuffer(said[44 : 44 + (len(said) - 44) // 2 * 2], "<i2") / 32768
    spectrum = np.fft.rfft(wave)
    hz = np.fft.rfftfreq(wave.size, 1 / rate_hz)
    spectrum[(hz < BAND_HZ[0]) | (hz > BAND_HZ[1])] = 0
    size = round(wave.size * RATE_HZ / rate_hz)
    narrow = np.fft.irfft(spectrum[: size // 2 + 1], size) * size / wave.size
    frames = np.abs(narrow[: narrow.size // EDGE * EDGE]).reshape(-1, EDGE).max(axis=1)
    loud = np.flatnonzero(frames > FLOOR * np.abs(narrow).max())
    cut = narrow[loud[0] * EDGE : (loud[-1] + 1) * EDGE]
    return np.asarray(cut * np.sqrt(power_of(LEVEL_DBM0) / np.mean(np.square(cut))))


def remake() -> None:
    """Write every prompt, and say how long each is."""
    for prompt in PROMPTS:
        samples = np.clip(np.rint(spoken(prompt) * 32768), -32768, 32767).astype(np.int16)
        (FOLDER / f"{prompt.name}.ulaw").write_bytes(MU_LAW.encode_bytes(samples))
        print(f"{prompt.name}: {samples.size / RATE_HZ:.2f} s")


if __name__ == "__main__":
    remake()
