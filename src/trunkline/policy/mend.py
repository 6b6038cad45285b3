"""A document with faults of shape, as far as it can be read all the same, so that one look finds more than its first kind of fault.

A value that cannot be read is left out, or stands for the example of its key where one must be written. The document that remains is good
for looking at the rest of it, and for nothing else; what could only follow from a guess is not said (`Doubts`).
"""

import copy
from collections.abc import Iterable
from typing import Any

import yaml
from pydantic import ValidationError

from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location
from trunkline.policy.shape import is_mapping, key_at, section_at

ROUNDS = 8
"A fault that stays takes more of its surroundings with it each time."

REFERRED_TO = {"tenants", "trunks", "carriers", "destinations"}
"Sections every policy has, whose names stand elsewhere."

_ABSENT = object()


class Doubts:
    """Which findings a guessed part of the document leaves open."""

    def __init__(self) -> None:
        self.all = False
        "Names themselves are in doubt: no check of one thing against another can be believed."
        self._guessed: set[Location] = set()
        self._parts: set[Location] = set()
        "What is around them."
        self._names: set[str] = set()
        "Entries with a guess in them, as messages name them."
        self._sections: set[str] = set()

    def add(self, path: Location) -> None:
        """A guess stands at this path."""
        known = key_at(path[:1])
        if known is None:
            return
        if len(path) == 1 and is_mapping(known):
            self.all = True
            return
        self._guessed.add(path)
        self._sections.add(str(path[0]))
        if not is_mapping(known):
            self._parts.add(path[: 3 if path[:2] == ("compliance", "rules") else 1])
            return
        self._parts.add(_around(path))
        at_gateway = len(path) > 3 and path[2] == "gateways"
        self._names.add(f"{path[1]}/{path[3]}" if at_gateway else str(path[1]))

    def leave_open(self, finding: Finding) -> bool:
        """Whether a finding could come of the guess."""
        if self.all or finding.rests_on in self._sections or any(_touch(part, finding.path) for part in (self._guessed if finding.alone else self._parts)):
            return True
        return any(f"`{name}`" in finding.message or f"`{name}/" in finding.message for name in self._names)


def _around(path: Location) -> Location:
    """The part of a named entry that a guess in it may be compared with: the mapping around it, or around the list it stands in."""
    if path[2:3] == ("defaults",) or len(path) == 2:
        return path[:2]
    at = next((depth for depth, part in enumerate(path) if depth > 1 and isinstance(part, int)), len(path) - 1)
    return path[:at]


def _touch(part: Location, path: Location) -> bool:
    """One leads to the other."""
    return path[: len(part)] == part or part[: len(path)] == path


def mended(data: object, error: ValidationError, doubts: Doubts) -> Document | None:
    """The rest of a document, with what is to be doubted in it added to `doubts`; None where nothing is left to be looked at."""
    if not isinstance(data, dict):
        return None
    if data.keys() - Document.model_fields.keys():
        doubts.all = doubts.all or not data.keys() >= REFERRED_TO  # the unknown section may be the one that is not there, misspelt
    rest = copy.deepcopy(data)
    tried: dict[Location, int] = {}
    for _ in range(ROUNDS):
        faults = {_place(rest, details["loc"]): details["loc"][-1:] == ("[key]",) for details in error.errors(include_url=False, include_input=False)}
        for path in sorted(faults, key=_last_first, reverse=True):
            tried[path] = tried.get(path, 0) + 1
            doubts.add(path)
            doubts.all = doubts.all or faults[path]
            _without(rest, path[: len(path) - tried[path] + 1], is_name=faults[path])
        try:
            return Document.model_validate(rest)
        except ValidationError as again:
            error = again
    return None


def _place(data: Any, loc: Iterable[str | int]) -> Location:
    """The part of an error's location that leads through the data, and one step more where a key is missing; the rest names kinds of types."""
    path: Location = ()
    for part in loc:
        if part == "[key]":
            break
        found = _child(data, part)
        if found is not _ABSENT:
            data, path = found, (*path, part)
        elif isinstance(data, dict) and key_at((*path, part)) is not None:
            return (*path, part)
    return path


def _last_first(path: Location) -> tuple[tuple[bool, str, int], ...]:
    """Positions of a list are taken out from its end, so that the others still hold."""
    return tuple((isinstance(part, int), "", part) if isinstance(part, int) else (False, part, 0) for part in path)


def _without(data: Any, path: Location, is_name: bool) -> None:
    """Take out what stands at a path, or put its example there where something must stand."""
    if not path:
        data.clear()
        return
    for part in path[:-1]:
        data = _child(data, part)
        if data is _ABSENT:
            return
    known = key_at(path)
    if isinstance(data, dict):
        if known is not None and known.is_required() and known.examples:
            data[path[-1]] = yaml.safe_load(str(known.examples[0]))
        elif not is_name and known is None and isinstance(data.get(path[-1]), dict) and (section := section_at(path)) is not None:
            _bare(data[path[-1]], section.model_fields)  # a named entry keeps its name: others refer to it
        else:
            data.pop(path[-1], None)
    elif isinstance(data, list) and isinstance(path[-1], int) and path[-1] < len(data):
        del data[path[-1]]


def _bare(entry: dict[Any, Any], fields: Any) -> None:
    """Only what an entry must have."""
    kept = {name: value for name, value in entry.items() if name in fields and fields[name].is_required()}
    entry.clear()
    entry.update(kept)


def _child(data: Any, part: str | int) -> Any:
    if isinstance(data, dict):
        return data.get(part, _ABSENT)
    return data[part] if isinstance(data, list) and isinstance(part, int) and part < len(data) else _ABSENT
