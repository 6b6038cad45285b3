"""Fax and modem tones: the answer tone of 2100 Hz and the calling tone of 1100 Hz (ITU-T T.30, V.8, V.25)."""

from msgspec.structs import replace

from .burst import Burst
from .hearing import Hearing, Kind
from .moment import Moment

CED_HZ, CED_WITHIN_HZ = 2100.0, 45.0
"15 Hz of T.30, the offset of the line, and what a phase reversal makes of a line."
CED_TICKS = 80
"1.6 s: longer than any beep; T.30 has CED last 2.6 to 4 s."
ANSAM_DEPTH = 0.1
"Half of what V.8 asks for."
CNG_HZ, CNG_WITHIN_HZ = 1100.0, 48.0
CNG_ON_MS, CNG_OFF_MS = (425.0, 575.0), (2550.0, 3450.0)


def is_answer_tone(burst: Burst) -> bool:
    """Whether all of the burst is about 2100 Hz."""
    return all(abs(line.hz - CED_HZ) <= CED_WITHIN_HZ for line in burst.lines if line.share > 0.05)


def is_calling_tone(burst: Burst) -> bool:
    """Whether the burst could be one of CNG's."""
    return burst.single and abs(burst.hz - CNG_HZ) <= CNG_WITHIN_HZ and CNG_ON_MS[0] <= burst.on_ms <= CNG_ON_MS[1]


class Fax:
    """Follows fax tones on each of `rows` lines."""

    def __init__(self, rows: int) -> None:
        self._answering: list[Hearing | None] = [None] * rows
        self._called: list[Burst | None] = [None] * rows
        self._calling = [False] * rows

    def forget(self, row: int) -> None:
        """A new line begins at `row`."""
        self._answering[row] = None
        self._called[row] = None
        self._calling[row] = False

    def sustained(self, burst: Burst, moment: Moment, said: list[Hearing]) -> None:
        """A burst still sounds: say CED once it is longer than a beep, ANSam as soon as its modulation or a reversal shows."""
        if self._answering[burst.row] is not None or not is_answer_tone(burst):
            return
        modulated = burst.am15 >= ANSAM_DEPTH or burst.reversals > 0
        if modulated or burst.ended - burst.began >= CED_TICKS:
            features = {"hz": burst.hz, "level_dbm0": burst.level_dbm0, "am15_depth": burst.am15, "reversals": float(burst.reversals)}
            code = "ansam" if modulated else "ced"
            hearing = Hearing(burst.row, Kind.FAX, moment.at(burst.began), None, moment.now, 1.0, code, features=features)
            self._answering[burst.row] = hearing
            said.append(hearing)

    def heard(self, burst: Burst, moment: Moment, said: list[Hearing]) -> None:
        """A burst is over: the answer tone with it, or one turn of the calling tone."""
        row = burst.row
        answering = self._answering[row]
        if answering is not None:
            self._answering[row] = None
            said.append(replace(answering, ended_s=moment.at(burst.ended), said_s=moment.now))
            return
        before = self._called[row]
        if not is_calling_tone(burst):
            return
        self._called[row] = burst
        if before is None or not CNG_OFF_MS[0] <= (burst.began - before.ended) * 20 <= CNG_OFF_MS[1]:
            self._calling[row] = False
            return
        if not self._calling[row]:
            self._calling[row] = True
            features = {"hz": burst.hz, "level_dbm0": burst.level_dbm0, "on_ms": burst.on_ms, "off_ms": (burst.began - before.ended) * 20}
            said.append(Hearing(row, Kind.CNG, moment.at(before.began), None, moment.now, 1.0, features=features))
