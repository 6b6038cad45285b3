"""Levels: what digital full scale is in dBm0 (ITU-T G.711).

G.711 puts its overload point at +3.17 dBm0 for mu-law and +3.14 dBm0 for A-law. After decoding to 16 bits a sine at that level peaks at
32,124 (mu-law) or 32,256 (A-law). The two scales differ by 0.07 dB, which no detector here can tell, so one is used for both: a sine of
amplitude 1.0, full scale, is +3.35 dBm0 (mu-law: 3.17 dB plus 20 log10(32768 / 32124)).
"""

import math

FULL_SCALE_SINE_DBM0 = 3.17 + 20 * math.log10(32768 / 32124)


def power_of(dbm0: float) -> float:
    """The mean square, full scale +-1, of a signal at `dbm0`."""
    return float(0.5 * 10 ** ((dbm0 - FULL_SCALE_SINE_DBM0) / 10))


def dbm0_of(power: float) -> float:
    """The level of a signal of mean square `power`, full scale +-1; -99 for nothing at all."""
    return max(-99.0, 10 * math.log10(2 * power) + FULL_SCALE_SINE_DBM0) if power > 0 else -99.0
