"""What is counted of routes, of numbers and of pools, as a checkpoint keeps it; `numbers.evidence` counts, and judges by it."""

from msgspec import Struct


class Cell(Struct, gc=False, array_like=True):
    """A pool, or all pools (`*`), over one gateway to one destination; counts decay."""

    key: str
    at: int = 0
    n: float = 0.0
    answers: float = 0.0
    shorts: float = 0.0
    blocks: float = 0.0
    slow_n: float = 0.0
    slow_answers: float = 0.0


class Record(Struct, gc=False, array_like=True):
    """A number, or a pool, against what was expected of it; counts decay."""

    name: str
    at: int = 0
    n: float = 0.0
    observed: float = 0.0
    "Answers."
    expected: float = 0.0
    "By siblings; for a pool by other pools, or its own past where there is none."
    answered: float = 0.0
    shorts: float = 0.0
    expected_shorts: float = 0.0
    blocks: float = 0.0
    out_observed: float = 0.0
    "Answers where other pools used the route too."
    out_expected: float = 0.0
    long_observed: float = 0.0
    long_expected: float = 0.0
    decline: float = 0.0
    "CUSUMs, natural logarithm."
    shunned: float = 0.0
    blocked: float = 0.0
    intercepted: float = 0.0
    intercepts: float = 0.0
