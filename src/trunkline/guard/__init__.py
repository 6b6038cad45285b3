"""Admission: who may call, and how much."""

from trunkline.guard.compliance import Compliance, Denied
from trunkline.guard.identity import Challenge, Identity, Known
from trunkline.guard.limits import Limits
from trunkline.guard.pacing import Pacer

__all__ = ["Challenge", "Compliance", "Denied", "Identity", "Known", "Limits", "Pacer"]
