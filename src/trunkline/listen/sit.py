"""Special information tones: three rising tones without a pause, and the code they spell.

The two frequencies of each of the first two tones are 58 to 71 Hz apart and the two lengths 106 ms, so that after measuring to a few hertz
and some 10 ms the nearest code is the one sent. A common frequency offset is allowed for and held small, because one of 30 Hz would turn an
intercept into the generic tone.
"""

from .burst import Burst
from .hearing import Hearing, Kind
from .moment import Moment
from .plans import GENERIC_SIT, SITS, Sit

WINDOWS_HZ = ((850.0, 1050.0), (1300.0, 1500.0), (1620.0, 1870.0))
WINDOW_MS = (215.0, 460.0)
LONGEST_GAP_TICKS = 3.5
"70 ms: the 30 ms of E.180 and a lost frame on either side."
LEVEL_SPREAD_DB = 6.0
OFFSET_HZ = 12.0
SPREAD_HZ, SPREAD_MS = 6.0, 25.0
"What one unit of distance is."
GENERIC_SPREAD_HZ, GENERIC_SPREAD_MS = 12.0, 30.0
"The generic tone is defined loosely: it wins only where no code is near."
FARTHEST = 60.0


class SpecialInformation:
    """Follows the three tones on each of `rows` lines."""

    def __init__(self, rows: int) -> None:
        self._so_far: list[tuple[Burst, ...]] = [()] * rows

    def forget(self, row: int) -> None:
        """A new line begins at `row`."""
        self._so_far[row] = ()

    def heard(self, burst: Burst, moment: Moment, said: list[Hearing]) -> None:
        """Take the next burst of its row; at the third of three, say which tone it was."""
        so_far = self._so_far[burst.row]
        if so_far and burst.began - so_far[-1].ended > LONGEST_GAP_TICKS:
            so_far = ()
        if not (burst.single and WINDOW_MS[0] <= burst.on_ms <= WINDOW_MS[1]):
            self._so_far[burst.row] = ()
            return
        if not within(burst, len(so_far)):
            so_far = ()
        so_far = (*so_far, burst) if within(burst, len(so_far)) else ()
        if len(so_far) == 3:
            hearing = judged(so_far, moment)
            if hearing is not None:
                said.append(hearing)
            so_far = ()
        self._so_far[burst.row] = so_far


def within(burst: Burst, place: int) -> bool:
    """Whether `burst` could be the tone at `place`."""
    low, high = WINDOWS_HZ[place]
    return low <= burst.hz <= high


def distance(sit: Sit, bursts: tuple[Burst, ...], spread_hz: float, spread_ms: float) -> float:
    """How far `bursts` are from `sit`: squares of errors in frequency and length, the best common offset taken away."""
    errors = [burst.hz - hz for burst, hz in zip(bursts, sit.hz, strict=True)]
    offset = max(-OFFSET_HZ, min(OFFSET_HZ, sum(errors) / 3))
    lengths = [burst.on_ms - ms for burst, ms in zip(bursts, sit.ms, strict=True)]
    return (
        sum(((error - offset) / spread_hz) ** 2 for error in errors)
        + sum((error / spread_ms) ** 2 for error in lengths)
        + (offset / OFFSET_HZ) ** 2
    )


def judged(bursts: tuple[Burst, ...], moment: Moment) -> Hearing | None:
    """The tone that three bursts are, or None when they are none."""
    levels = [burst.level_dbm0 for burst in bursts]
    if max(levels) - min(levels) > LEVEL_SPREAD_DB:
        return None
    near = sorted((distance(sit, bursts, SPREAD_HZ, SPREAD_MS), sit.code) for sit in SITS)
    generic = distance(GENERIC_SIT, bursts, GENERIC_SPREAD_HZ, GENERIC_SPREAD_MS)
    (best, code), (second, _) = near[0], near[1]
    if generic < best:
        best, second, code = generic, best, GENERIC_SIT.code
    if best > FARTHEST:
        return None
    features = {f"hz_{i}": burst.hz for i, burst in enumerate(bursts, 1)} | {f"ms_{i}": burst.on_ms for i, burst in enumerate(bursts, 1)}
    features["level_dbm0"] = sum(levels) / 3
    confidence = min(1.0, 0.5 + (second - best) / 20)
    return Hearing(
        bursts[0].row, Kind.SIT, moment.at(bursts[0].began), moment.at(bursts[2].ended), moment.now, confidence, code, features=features
    )
