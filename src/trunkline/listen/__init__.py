"""What is on the line: frames in, `Hearing` out.

Audio is 8 kHz, 20 ms a tick, all lines at once: a numpy row per line. `Bank` composes detectors; `Hearing` is what they say.
"""

from .bank import Bank
from .detector import FRAME, RATE_HZ, TICK_S, AnswerAware, Detector, PlaceAware, SignallingAware
from .hearing import Hearing, Kind, Phase, Reading

__all__ = ["FRAME", "RATE_HZ", "TICK_S", "AnswerAware", "Bank", "Detector", "Hearing", "Kind", "Phase", "PlaceAware", "Reading", "SignallingAware"]
