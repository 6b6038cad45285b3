"""Values as a person reads them on a terminal: plain text, no colour codes, the same when piped.

Much of what is shown came over the wire from strangers, so everything printed passes `plain`, which lets no escape
sequence through.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime


def plain(text: str) -> str:
    """The text with everything unprintable as `?`: a header of a carrier must not steer the terminal."""
    return text if text.isprintable() else "".join(letter if letter.isprintable() else "?" for letter in text)


def moment(utc_us: int) -> str:
    """UTC to the millisecond: `2026-03-01 12:00:05.123`."""
    return f"{datetime.fromtimestamp(utc_us / 1e6, UTC):%Y-%m-%d %H:%M:%S}.{utc_us // 1000 % 1000:03}"


def delay(ms: float | None) -> str:
    """Milliseconds below ten seconds, seconds above, `-` for what never happened."""
    if ms is None:
        return "-"
    return f"{ms:.0f} ms" if ms < 10_000 else f"{ms / 1000:,.1f} s"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[str] = ()) -> str:
    """Columns as wide as their widest cell, two spaces apart; those named in `numbers` are flush right."""
    cells = [list(header), *([plain(cell) or "-" for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    right = [name in numbers for name in header]
    return "\n".join("  ".join(_aligned(row, widths, right)).rstrip() for row in cells)


def listing(pairs: Sequence[tuple[str, str]]) -> str:
    """Name and value, one pair a line; pairs without a value are left out."""
    shown = [(name, plain(value)) for name, value in pairs if value]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"  {name:<{width}}  {value}" for name, value in shown)


def indented(text: str) -> str:
    """The text two columns to the right."""
    return "\n".join("  " + line for line in text.splitlines())


def _aligned(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> Iterator[str]:
    for cell, width, flush_right in zip(row, widths, right, strict=True):
        yield f"{cell:>{width}}" if flush_right else f"{cell:<{width}}"
