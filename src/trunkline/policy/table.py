"""CSV people write, as rows with line numbers: any line ending, a byte order mark, blank lines; commas, or the semicolons or tabs of a spreadsheet."""

import csv
from collections.abc import Iterator
from io import StringIO

from trunkline.policy.problem import Problem


class Table:
    """The first row in lower case, and an iterator over the others."""

    def __init__(self, text: str) -> None:
        text = text.removeprefix("\ufeff")
        head = next(iter(text[: 1 << 12].splitlines()), "")
        self._reader = csv.reader(StringIO(text, newline=None), delimiter=max(",;\t", key=head.count))
        self.broken: Problem | None = None
        "Why reading ended early; known once the rows were gone through."
        self.header = tuple(name.strip().lower() for name in self._next() or ())

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells, stripped, of each row that is not blank."""
        while (cells := self._next()) is not None:
            if any(cells):
                yield self._reader.line_num, [cell.strip() for cell in cells]

    def _next(self) -> list[str] | None:
        try:
            return next(self._reader, None)
        except csv.Error as error:
            self.broken = Problem(self._reader.line_num, 0, "", f"cannot be read as CSV ({error})", "write one row per line, and quotes around a cell that holds a comma")
            return None
