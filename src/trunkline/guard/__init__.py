"""Admission: who may call, and how much."""

from trunkline.guard.identity import Challenge, Identity, Known
from trunkline.guard.limits import Limits

__all__ = ["Challenge", "Identity", "Known", "Limits"]
