"""What is wrong with a policy, told to the person who wrote it."""

from collections.abc import Iterable
from difflib import get_close_matches

from msgspec import Struct

Location = tuple[str | int, ...]
"Keys and list positions from the top of the document."


class Problem(Struct, frozen=True, gc=False):
    """One thing wrong, where it is, and what to write instead."""

    line: int
    "From 1; 0 when no line can be named."
    column: int
    "From 1; 0 when no column can be named."
    path: str
    "Keys from the top, such as `destinations.us.routes[0].share`; empty for the document as a whole."
    message: str
    fix: str
    "What to do about it; never empty."

    def __str__(self) -> str:
        column = f", column {self.column}" if self.column else ""
        place = f"line {self.line}{column}: " if self.line else ""
        subject = f"{self.path}: " if self.path else ""
        return f"{place}{subject}{self.message}; {self.fix}"


class Finding(Struct, frozen=True, gc=False):
    """A problem that knows its path and not yet its line."""

    path: Location
    message: str
    fix: str
    at_key: bool = False
    "The key is at fault, not its value."
    alone: bool = False
    "It is about this value, and at most the names of others: whatever else is wrong around it."
    rests_on: str = ""
    "A section whose every entry was looked at to find this: nothing is said while one of them cannot be read."


def unknown(path: Location, kind: str, name: str, known: Iterable[str], *, at_key: bool = False) -> Finding:
    """A name that leads nowhere."""
    return Finding(path, f"no {kind} `{name}`", nearest(name, known), at_key, alone=True)


def spelled(path: Location) -> str:
    """A path as it is written for people."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def nearest(word: str, known: Iterable[str]) -> str:
    """A fix for a word nobody knows: the nearest known one, or all of them when none is near."""
    choices = list(known)
    close = get_close_matches(word, choices, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    if not choices:
        return "there is none to choose from yet; define it first"
    return "choose one of " + ", ".join(f"`{choice}`" for choice in choices[:20]) + (", ..." if choices[20:] else "")
