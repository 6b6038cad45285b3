"""Reading numbers out of text: one a line, or a column of a CSV, as lists come from regulators and dialers."""

import csv
import gzip
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from trunkline.numbering.plan import NumberPlan
from trunkline.numbering.reading import normalise


class Reading:
    """Goes through lines once, counting what it could not read."""

    def __init__(self, country: str = "", columns: Sequence[str] = ()) -> None:
        """`country` is the country code of numbers written without one; `columns` are names of the header line or numbers from 1, joined."""
        prefix = "1" if country == "1" else "0"
        self._plan = NumberPlan(country_code=country, trunk_prefix=prefix if country else "", bare="national" if country else "international", min_digits=4)
        self.country = country
        self._columns = tuple(columns)
        self.unread = 0
        "Lines that hold no number."
        self.first_unread = ""
        "The first of them, as `line 3: text`."

    def numbers(self, lines: Iterable[str]) -> Iterator[int]:
        """Digits of E.164 of every line that holds a number."""
        places: list[int] | None = None
        for at, row in enumerate(csv.reader(lines), 1):
            if not row or row[0].lstrip().startswith("#"):
                continue
            if places is None:
                places = self._places(row)
                if any(name and not name.isdecimal() for name in self._columns) or (at == 1 and not any(c.isdigit() for c in "".join(row))):
                    continue
            written = "".join(row[place] for place in places if place < len(row)).strip()
            number = normalise(written, self._plan)
            if number is None:
                self.unread += 1
                self.first_unread = self.first_unread or f"line {at}: {','.join(row)[:60]}"
            else:
                yield int(number[1:])

    def _places(self, row: list[str]) -> list[int]:
        """Indices of the wanted columns. Raises ValueError for a name the header does not have."""
        if not self._columns:
            return [0]
        header = [name.strip().lower() for name in row]
        places = []
        for column in self._columns:
            if column.isdecimal() and int(column):
                places.append(int(column) - 1)
            elif column.lower() in header:
                places.append(header.index(column.lower()))
            else:
                raise ValueError(f"no column `{column}`; there are {', '.join(name.strip() for name in row)}")
        return places


def lines_of(path: Path) -> Iterator[str]:
    """Lines of a text file, packed with gzip or not."""
    with ExitStack() as stack:
        if path.suffix == ".gz":
            yield from stack.enter_context(gzip.open(path, "rt", encoding="utf-8-sig", newline=""))
        else:
            yield from stack.enter_context(open(path, encoding="utf-8-sig", newline=""))
