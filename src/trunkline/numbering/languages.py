"""Strings of digits a regular expression of a numbering plan accepts, one digit at a time.

Brzozowski's derivatives ("Derivatives of Regular Expressions", JACM 1964) over the few constructs such plans use: digits, sets of digits,
groups, alternatives and counted repeats. What is left after a digit is a value that compares equal to itself, so states can be counted.
Used by `generate.py` only.
"""

from collections.abc import Iterator
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any, ClassVar

LONGEST = 15


class Language:
    """What may still follow: alternatives, each a sequence of sets of digits and groups. Equal ones are the same object."""

    __slots__ = ("_next", "ends", "rests")
    _known: ClassVar[dict[frozenset[Any], "Language"]] = {}

    rests: frozenset[Any]
    ends: bool
    "Nothing more need follow."
    _next: dict[str, "Language"]

    def __new__(cls, rests: frozenset[Any] = frozenset()) -> "Language":
        known = cls._known.get(rests)
        if known is None:
            known = cls._known[rests] = super().__new__(cls)
            known.rests = frozenset(rest for rest in rests if rest)
            known.ends = any(head is None for rest in rests for head in _heads(rest))
            known._next = {}
        return known

    def after(self, digit: str) -> "Language":
        """What may follow once `digit` has been read."""
        if not self.rests:
            return EMPTY
        known = self._next.get(digit)
        if known is None:
            left = frozenset(head[1] for rest in self.rests for head in _heads(rest) if head is not None and digit in head[0])
            known = self._next[digit] = Language(left)
        return known


def language(pattern: str) -> Language:
    """Raises ValueError for a construct no numbering plan uses."""
    return Language(frozenset((_sequence(_parser.parse(pattern)),)))


def prefix_of(pattern: str) -> Language:
    """Everything that begins as `pattern` says."""
    anything = _sequence(_parser.parse(rf"\d{{0,{LONGEST}}}"))
    return Language(frozenset(((*_sequence(_parser.parse(pattern)), *anything),)))


def _sequence(items: Any) -> tuple[Any, ...]:
    parts: list[Any] = []
    for code, argument in items:
        if code is c.LITERAL:
            parts.append(frozenset(chr(argument)))
        elif code is c.IN:
            parts.append(_digits(argument))
        elif code is c.SUBPATTERN:
            parts += _sequence(argument[3])
        elif code is c.BRANCH:
            parts.append(("|", *(_sequence(branch) for branch in argument[1])))
        elif code is c.MAX_REPEAT:
            least, most, inner = argument
            body = _sequence(inner)
            parts += body * least
            optional: tuple[Any, ...] = ()
            for _ in range(most - least):
                optional = (("|", (), (*body, *optional)),)
            parts += optional
        else:
            raise ValueError(f"{code} in a numbering plan")
    return tuple(parts)


def _digits(items: Any) -> frozenset[str]:
    found: set[str] = set()
    for code, argument in items:
        if code is c.LITERAL:
            found.add(chr(argument))
        elif code is c.RANGE:
            found.update(chr(point) for point in range(argument[0], argument[1] + 1))
        elif code is c.CATEGORY and argument is c.CATEGORY_DIGIT:
            found.update("0123456789")
        else:
            raise ValueError(f"{code} in a set of digits")
    return frozenset(found)


def _heads(rest: tuple[Any, ...]) -> Iterator[tuple[frozenset[str], tuple[Any, ...]] | None]:
    """What may come next and what is left then; None where nothing need come."""
    if not rest:
        yield None
        return
    first, others = rest[0], rest[1:]
    if isinstance(first, frozenset):
        yield first, others
        return
    for branch in first[1:]:
        yield from _heads((*branch, *others))


EMPTY = Language()
