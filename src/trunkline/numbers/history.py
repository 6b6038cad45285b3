"""What each pool did each day: calls, busiest hour, numbers in use, and what became of them. Churn is read from here, and the forecast."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .gathering import Gathering
from .pool_day import PoolDay

DAY_US: Final = 86_400_000_000
DAYS_KEPT = 400
SWEPT = 60
"Days looked back over for rows to forget: a pool may have slept so long."


@dataclass(frozen=True)
class Churn:
    """How numbers came and went in a pool over some days. Rotating to escape labels shows here."""

    pool: str
    days: int
    number_days: int
    "Numbers in use, summed over the days."
    begun: int
    rested: int
    "Put to rest, by rule or person."
    relapsed: int
    retired: int
    per_100_number_days: float
    "Numbers begun per 100 in use and day."


class History:
    """Pools by day, as a fold."""

    def __init__(self) -> None:
        self._days: Gathering[PoolDay] = Gathering(PoolDay)

    def call(self, pool: str, at: int, active: int, at_once: int) -> None:
        row = self._row(pool, at)
        row.calls += 1
        row.hours[at // 3_600_000_000 % 24] += 1
        row.active = active
        row.most_at_once = max(row.most_at_once, at_once)

    def event(self, pool: str, event: str, at: int, active: int) -> None:
        row = self._row(pool, at)
        row.events[event] = row.events.get(event, 0) + 1
        row.active = active

    def days(self, pool: str, first: int, last: int) -> list[PoolDay]:
        """Days of a pool in order, first and last included (days since 1970), as far as anything happened on them."""
        rows = self._days.rows
        return [row for day in range(max(first, last - DAYS_KEPT), last + 1) if (row := rows.get(f"{day}|{pool}")) is not None]

    def churn(self, pool: str, first: int, last: int) -> Churn:
        """Coming and going from the first to the last day."""
        rows = self.days(pool, first, last)
        sums: dict[str, int] = {}
        for row in rows:
            for event, count in row.events.items():
                sums[event] = sums.get(event, 0) + count
        number_days = sum(row.active for row in rows)
        rested = sum(sums.get(event, 0) for event in RESTING)
        begun = sums.get("begin", 0) + sums.get("promote", 0)
        return Churn(
            pool, len(rows), number_days, begun, rested, sums.get("relapse", 0), sums.get("retire", 0) + sums.get("exhausted", 0),
            100.0 * begun / number_days if number_days else 0.0,
        )  # fmt: skip

    def dump(self) -> Iterator[bytes]:
        return self._days.dump()

    def load(self, pieces: Sequence[bytes]) -> None:
        self._days.load(pieces, "key")

    def _row(self, pool: str, at: int) -> PoolDay:
        key = f"{at // DAY_US}|{pool}"
        row = self._days.rows.get(key)
        if row is None:
            row = self._days.rows[key] = PoolDay(key)
            oldest = at // DAY_US - DAYS_KEPT
            for day in range(oldest - SWEPT, oldest):
                old = f"{day}|{pool}"
                if old in self._days.rows:
                    self._days.touch(old)
                    del self._days.rows[old]
        else:
            self._days.touch(key)
        return row


RESTING = ("labelled", "complained", "declined", "shunned", "blocked", "intercepted", "rest")
"Events that put a number to rest."
