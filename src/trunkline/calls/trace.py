"""The ladder: every message of a call, written down as it passes.

This is the per-message log. It is kept with the call and becomes one fact when the call is over, so the call path writes no log line.
"""

from typing import Final, TypeAlias

from trunkline.facts.record import LadderRow

Row: TypeAlias = tuple[float, int, bool, str, str, str]
"Time (monotonic seconds), leg, sent, text, CSeq, note."

ROW_LIMIT: Final = 400
"Rows kept per call: a call that lives for days with session refreshes must not grow for ever."


class LegTrace:
    """Writes one leg's messages into its call's ladder (`sip.transactions.Trace`)."""

    __slots__ = ("leg", "rows")

    def __init__(self, rows: list[Row], leg: int) -> None:
        self.rows = rows
        self.leg = leg

    def add(self, sent: bool, text: str, cseq: str, note: str, now: float) -> None:
        if len(self.rows) < ROW_LIMIT:
            self.rows.append((now, self.leg, sent, text, cseq, note))


def ladder_rows(rows: list[Row], began: float) -> list[LadderRow]:
    """The rows with times relative to the call's first message."""
    return [LadderRow(int((at - began) * 1_000_000 + 0.5) / 1000, leg, sent, text, cseq, note) for at, leg, sent, text, cseq, note in rows]
