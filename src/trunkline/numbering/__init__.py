"""Numbers: read into E.164, written the way a carrier wants them, matched by prefix."""

from trunkline.numbering.plan import CalledFormat, CallerFormat, NumberPlan
from trunkline.numbering.prefix import longest
from trunkline.numbering.reading import is_e164, normalise
from trunkline.numbering.rendering import render, render_caller

__all__ = [
    "CalledFormat",
    "CallerFormat",
    "NumberPlan",
    "is_e164",
    "longest",
    "normalise",
    "render",
    "render_caller",
]
