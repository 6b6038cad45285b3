"""How far the share of humans may be off because listening errs on a carrier: draws of it, kept until enough labels have come to draw anew."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trunkline.routing.listening import Listening

DOUBT = 0.25
"""Labels for and against every verdict that are imagined in a draw: a carrier that nobody has labelled yet may be heard quite otherwise than the
rest, and must be given calls to find out."""

MORE_LABELS = 1.02
"Factor by which a carrier's labels grow before its draws are made anew: beta draws of little knowledge are the dearest of all."

Draws: TypeAlias = NDArray[np.float64]


class Mishearing:
    """Draws by carrier."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Draws]] = {}

    def off(
        self, listening: Listening, carriers: Sequence[str], verdicts: Sequence[tuple[float, ...]], generator: np.random.Generator, rows: int
    ) -> Draws:
        """What to add to the share of humans, [row, candidate]: how far the shares behind verdicts may be off, weighed by how often each is given."""
        fresh: dict[str, Draws] = {}
        for carrier in carriers:
            if carrier not in fresh:
                # Draws are kept, so their order must not be: the first rows of a table are used most.
                fresh[carrier] = self._draws(listening, carrier, generator, rows)[generator.permutation(rows)]
        found: Draws = np.stack([fresh[carrier] @ np.array(shares) for carrier, shares in zip(carriers, verdicts, strict=True)], axis=1)
        return found

    def _draws(self, listening: Listening, carrier: str, generator: np.random.Generator, rows: int) -> Draws:
        behind = listening.behind(carrier)
        labels = sum(worth for _, worth in behind)
        known = self._known.get(carrier)
        if known is not None and len(known[1]) == rows and known[0] <= labels <= known[0] * MORE_LABELS:
            return known[1]
        share, worth = np.array(behind).T
        draws: Draws = generator.beta(share * worth + DOUBT, (1 - share) * worth + DOUBT, (rows, len(behind))) - share
        self._known[carrier] = labels, draws
        return draws
