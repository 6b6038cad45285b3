"""What a telephone line does to speech: band, room, noise, codec, level, lost packets.

Levels are dBm0: a full-scale sine is +3.14 dBm0 in G.711 (ITU-T G.711 section 4).
"""

import numpy as np
from numpy.typing import NDArray
from scipy import signal

Samples = NDArray[np.float64]
RATE_HZ = 8000
FRAME = 160
RMS_AT_0_DBM0 = 10 ** (-3.14 / 20) / 2**0.5
"RMS of 0 dBm0, of a full scale of 1."
BAND = signal.butter(4, (250, 3450), "bandpass", fs=RATE_HZ, output="sos")
STREET = signal.butter(1, (60, 700), "bandpass", fs=RATE_HZ, output="sos")
ROOM = signal.butter(1, (80, 2200), "bandpass", fs=RATE_HZ, output="sos")


def to_level(samples: Samples, dbm0: float) -> Samples:
    """Scale to an RMS level; silence stays silence."""
    rms = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
    return samples * (RMS_AT_0_DBM0 * 10 ** (dbm0 / 20) / rms) if rms > 0 else samples


def active_level(samples: Samples, dbm0: float) -> Samples:
    """Scale speech so that its RMS while it sounds (frames within 20 dB of the loudest) is a level, after ITU-T P.56 in spirit."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    energy = np.mean(frames**2, axis=1)
    if not energy.size or energy.max() <= 0:
        return samples
    active = energy[energy > energy.max() / 100]
    return samples * RMS_AT_0_DBM0 * 10 ** (dbm0 / 20) / float(np.sqrt(active.mean()))


def band(samples: Samples) -> Samples:
    """Keep the telephone band."""
    return np.asarray(signal.sosfilt(BAND, samples))


def reverb(samples: Samples, rng: np.random.Generator, rt60_s: float) -> Samples:
    """A small room: exponentially fading noise, the direct sound first."""
    tail = rng.standard_normal(int(rt60_s * RATE_HZ)) * 10 ** (-3 * np.arange(int(rt60_s * RATE_HZ)) / (rt60_s * RATE_HZ))
    tail *= 0.5 / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(signal.fftconvolve(samples, tail)[: len(samples)])


def noise(kind: str, length: int, dbm0: float, rng: np.random.Generator, babble: Samples) -> Samples:
    """Background of one kind: `comfort` (white), `room`, `street` (swelling), `hum`, `babble` (several voices), `digital` (none)."""
    if kind == "digital":
        return np.zeros(length)
    white = rng.standard_normal(length + RATE_HZ)
    if kind == "comfort":
        made = white[:length]
    elif kind == "room":
        made = signal.sosfilt(ROOM, white)[RATE_HZ:]
    elif kind == "street":
        swell = 1 + 0.7 * np.sin(2 * np.pi * (rng.uniform(0.1, 0.5) * np.arange(length) / RATE_HZ + rng.uniform()))
        made = signal.sosfilt(STREET, white)[RATE_HZ:] * swell
    elif kind == "hum":
        mains = rng.choice((50, 60))
        time_s = np.arange(length) / RATE_HZ
        made = sum(np.sin(2 * np.pi * mains * k * time_s + rng.uniform(0, 6)) / k for k in (1, 2, 3, 5, 7)) + 0.1 * white[:length]
    elif kind == "babble":
        made = sum(np.roll(np.resize(babble, length), int(rng.integers(length))) for _ in range(5)) + 0.02 * np.std(babble) * white[:length]
    else:
        raise ValueError(kind)
    return to_level(np.asarray(made, np.float64), dbm0)


def click(rng: np.random.Generator) -> Samples:
    """A handset picked up: a burst of 10 to 40 ms."""
    length = int(rng.integers(80, 320))
    return np.asarray(rng.standard_normal(length) * np.hanning(length) * RMS_AT_0_DBM0 * 10 ** (rng.uniform(-30, -15) / 20) * 2)


def g711(samples: Samples, law: str) -> NDArray[np.int16]:
    """Through G.711 and back, by its companding formula (8 bits): what the far decoder gives."""
    x = np.clip(samples, -1, 1)
    sign, size = np.sign(x), np.abs(x)
    if law == "ulaw":
        code = np.round(np.log1p(255 * size) / np.log(256) * 127) / 127
        back = np.expm1(code * np.log(256)) / 255
    else:
        a = 87.6
        code = np.where(size < 1 / a, a * size, 1 + np.log(np.maximum(a * size, 1e-9))) / (1 + np.log(a))
        code = (np.floor(np.minimum(code, 0.9999) * 128) + 0.5) / 128
        back = np.where(code < 1 / (1 + np.log(a)), code * (1 + np.log(a)) / a, np.exp(code * (1 + np.log(a)) - 1) / a)
    return np.asarray(np.clip(sign * back * 32767, -32768, 32767), np.int16)


def arrives(ticks: int, loss: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which ticks arrive when a share `loss` of packets is lost in bursts of two on average (Gilbert)."""
    present = np.ones(ticks, np.bool_)
    if loss <= 0:
        return present
    lost = False
    for tick in range(ticks):
        lost = rng.random() < (0.5 if lost else loss / (2 * (1 - loss)))
        present[tick] = not lost
    return present
