"""Speech quality from loss, delay and codec: the E-model, narrowband (ITU-T G.107, planning values of G.113 appendix I).

A rating is given only where the ITU publishes what it takes. Where it does not (Opus; G.722, whose wideband scale is another; a codec
whose robustness to loss has no number) there is no standard estimate, and `NoEstimate` says why: a made-up number would be compared
with a real one sooner or later. Jitter is no term of the model: it acts as packets discarded and as delay of the buffer.
"""

import math

from msgspec import Struct

R_DEFAULT = 93.2
"Rating with all other parameters at their defaults (G.107, 2015)."
DELAY_PERCEIVED_S = 0.1
"mT for the default class of delay sensitivity: up to here delay does not disturb conversation."


class CodecQuality(Struct, frozen=True, gc=False):
    """How a codec impairs speech (G.113 appendix I)."""

    impairment: float
    "Ie."
    robustness: float | None
    "Bpl; None where none is published."


class Estimate(Struct, frozen=True, gc=False):
    """A rating of one direction."""

    r: float
    "0 to 93.2."
    mos: float
    "MOS-CQE, 1 to 4.5."
    loss_impairment: float
    "Ie,eff."
    delay_impairment: float
    "Idd."


class NoEstimate(Struct, frozen=True, gc=False):
    """There is no standard estimate."""

    reason: str


G711 = CodecQuality(0.0, 4.3)
G711_CONCEALED = CodecQuality(0.0, 25.1)
"With packet loss concealment (G.711 appendix I)."
QUALITIES: dict[str, CodecQuality] = {
    # A G.729 stream does not tell whether annex A made it; its tandem in the field nearly always does.
    "g729": CodecQuality(11.0, 19.0),
    "g723": CodecQuality(15.0, 16.1),
    "gsm-efr": CodecQuality(5.0, 10.0),
    "g726-32": CodecQuality(7.0, None),
    "g728": CodecQuality(7.0, None),
}
"By SDP name in lower case. G.723 is the rate of 6.3 kbit/s."
G723_LOW = CodecQuality(19.0, None)
"G.723.1 at 5.3 kbit/s."
WIDEBAND = frozenset({"g722", "g7221", "amr-wb", "opus", "evs", "l16", "speex", "silk"})


def quality_of(codec: str, *, concealed: bool = True, fmtp: str = "") -> CodecQuality | NoEstimate:
    """The planning values of a codec by its SDP name. `concealed` tells whether whoever plays G.711 conceals losses."""
    name = codec.lower()
    if name in ("pcmu", "pcma"):
        return G711_CONCEALED if concealed else G711
    if name == "g723" and "bitrate=5.3" in fmtp.replace(" ", ""):
        return G723_LOW
    found = QUALITIES.get(name)
    if found is not None:
        return found
    if name in WIDEBAND:
        return NoEstimate("no agreed values on the narrowband scale")
    return NoEstimate("codec without published values")


def estimate(quality: CodecQuality | NoEstimate, loss: float, delay_s: float = 0.0, burst_ratio: float = 1.0) -> Estimate | NoEstimate:
    """Rate one direction.

    `loss` is the share of packets lost or discarded too late, 0 to 1; `delay_s` the one-way delay from mouth to ear, buffers included;
    `burst_ratio` is BurstR, 1 for random loss (`Reception.burst_ratio` measures it).
    """
    if isinstance(quality, NoEstimate):
        return quality
    if not (0.0 <= loss <= 1.0 and delay_s >= 0.0 and burst_ratio > 0.0) or math.isinf(delay_s):
        return NoEstimate("measurement out of range")
    if loss and quality.robustness is None:
        return NoEstimate("no published robustness to loss")
    impairment = effective_impairment(quality.impairment, quality.robustness or 1.0, loss, burst_ratio)
    delay = delay_impairment(delay_s)
    r = max(0.0, R_DEFAULT - delay - impairment)
    return Estimate(r, mos(r), impairment, delay)


def effective_impairment(impairment: float, robustness: float, loss: float, burst_ratio: float = 1.0) -> float:
    """Ie,eff of G.107 equation 7-29; `loss` from 0 to 1."""
    percent = 100.0 * loss
    return impairment + (95.0 - impairment) * percent / (percent / burst_ratio + robustness)


def delay_impairment(delay_s: float) -> float:
    """Idd of G.107 equations 7-27 and 7-28, for the default class (sT = 1, mT = 100 ms)."""
    if delay_s <= DELAY_PERCEIVED_S:
        return 0.0
    x = math.log2(delay_s / DELAY_PERCEIVED_S)
    return 25.0 * (float((1 + x**6) ** (1 / 6)) - 3 * float((1 + (x / 3) ** 6) ** (1 / 6)) + 2)


def mos(r: float) -> float:
    """MOS-CQE of a rating (G.107 annex B). The cubic dips below 1 for the smallest ratings; the scale does not."""
    if r <= 0.0:
        return 1.0
    if r >= 100.0:
        return 4.5
    return max(1.0, 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6)
