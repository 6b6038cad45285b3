"""Longest-prefix match over many prefixes in little memory: sorted keys and a binary search.

A dict of prefixes (`prefix.py`) is quickest for a few thousand; a rate deck or the world's numbering plans have hundreds of thousands. Here
each prefix becomes the stretch of numbers it covers, and where a longer one lies inside, the stretch around it is cut in pieces. A look-up is
then one binary search, however many prefixes there are and however long they are, in 8 bytes a stretch.

Keys order digit strings as a dictionary does, a shorter one before all that begin with it: 15 digits padded with zeros, then the length.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

MOST_DIGITS = 15
"E.164 section 6."

SCALE: tuple[int, ...] = tuple(16 * 10 ** (MOST_DIGITS - length) for length in range(MOST_DIGITS + 1))

NOTHING = 0
"Value of stretches no prefix covers."


def key(digits: str) -> int:
    """The place of a digit string in the order; what goes beyond 15 digits does not count."""
    length = len(digits)
    if length > MOST_DIGITS:
        digits, length = digits[:MOST_DIGITS], MOST_DIGITS
    return int(digits) * SCALE[length] + length if length else 0


def find(keys: Sequence[int], values: Sequence[int], digits: str) -> int:
    """The value of the longest prefix that begins `digits`, `NOTHING` when there is none; `keys` and `values` as `flatten` made them."""
    length = len(digits)
    if length > MOST_DIGITS:
        digits, length = digits[:MOST_DIGITS], MOST_DIGITS
    return values[bisect_right(keys, int(digits) * SCALE[length] + length if length else 0) - 1]


def flatten(prefixes: Iterable[tuple[str, int]]) -> tuple[list[int], list[int]]:
    """Keys where a stretch begins, and the value it has; the first stretch begins at 0.

    Each prefix (digits, or empty for everything) may stand once. Neighbours of equal value become one.
    """
    keys, values = [0], [NOTHING]
    around: list[tuple[int, int]] = []
    "Ends and values of the prefixes we are inside, the innermost last."

    def begin(at: int, value: int) -> None:
        if keys[-1] == at:
            values[-1] = value
            if len(values) > 1 and values[-2] == value:
                keys.pop()
                values.pop()
        elif values[-1] != value:
            keys.append(at)
            values.append(value)

    for start, end, value in sorted((key(prefix), after(prefix), value) for prefix, value in prefixes):
        while around and around[-1][0] <= start:
            closed = around.pop()[0]
            begin(closed, around[-1][1] if around else NOTHING)
        around.append((end, value))
        begin(start, value)
    while around:
        closed = around.pop()[0]
        begin(closed, around[-1][1] if around else NOTHING)
    return keys, values


def after(prefix: str) -> int:
    """The first key beyond every number that begins with `prefix`."""
    return (int(prefix or "0") + 1) * SCALE[len(prefix)]
