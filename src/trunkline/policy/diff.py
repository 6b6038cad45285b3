"""What differs between two policies, by what it means and not by how it is written.

Both documents are read first: comments, order of keys, `90s` against `1m30s` and a default that is spelt out are no difference. Routes are
matched by where they lead, lists of plain values compared as a whole.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct

from trunkline.policy.carriers import GatewayDefaults
from trunkline.policy.load import Draft
from trunkline.policy.problem import Location, spelled
from trunkline.policy.scalars import Kind
from trunkline.policy.section import Section
from trunkline.policy.shape import section_in
from trunkline.policy.version import Contents

LONGEST = 400
"Characters of a value that are shown."


class Change(Struct, frozen=True, gc=False):
    """One difference."""

    path: str
    "Keys from the top, such as `destinations.us.routes[beta].share`; `file rates.csv` for a file."
    old: str | None
    "As YAML; None where there was nothing."
    new: str | None
    "As YAML; None where there is nothing any more."

    def __str__(self) -> str:
        if self.old is None:
            return f"+ {self.path}: {self.new}"
        if self.new is None:
            return f"- {self.path}: {self.old}"
        return f"~ {self.path}: {self.old} -> {self.new}"


def diff(old: Draft, new: Draft) -> list[Change]:
    """Every difference, in the order of the document, files last."""
    return [*_sections(old.document, new.document, ()), *_files(old.files, new.files)]


def _sections(old: Section, new: Section, path: Location, inherits: bool = False) -> Iterator[Change]:
    """`inherits`: what is not written comes from elsewhere, so a default spelt out is not the same as one left out."""
    inherits = inherits or isinstance(new, GatewayDefaults)
    for name, known in type(new).model_fields.items():
        was, now = getattr(old, name), getattr(new, name)
        at = (*path, name)
        if inherits and was == now and (name in old.model_fields_set) != (name in new.model_fields_set):
            duration = _is_duration(known)
            yield Change(
                spelled(at), _yaml(was, duration) if name in old.model_fields_set else None, _yaml(now, duration) if name in new.model_fields_set else None
            )
        elif was != now or inherits or _leads_to_gateways(type(new), name):
            yield from _values(was, now, at, _is_duration(known), inherits)


def _values(old: object, new: object, path: Location, duration: bool, inherits: bool = False) -> Iterator[Change]:
    if isinstance(old, Section) and isinstance(new, Section) and type(old) is type(new):
        yield from _sections(old, new, path, inherits)
    elif isinstance(old, dict) and isinstance(new, dict):
        yield from _entries(old, new, path, duration)
    elif old == new:
        return
    elif isinstance(old, tuple) and isinstance(new, tuple) and (keyed := _by_target(old, new)) is not None:
        before, after = keyed
        yield from _routes(before, after, path)
    else:
        yield Change(spelled(path), _yaml(old, duration) if _is_something(old) else None, _yaml(new, duration) if _is_something(new) else None)


@cache
def _leads_to_gateways(section: type[Section], name: str) -> bool:
    """Whether gateways stand below a key: models are equal by value, whatever was written, so these are looked into even then."""
    inner = section_in(section.model_fields[name].annotation)
    return inner is not None and (issubclass(inner, GatewayDefaults) or any(_leads_to_gateways(inner, below) for below in inner.model_fields))


def _is_something(value: object) -> bool:
    return value is not None and value != () and value != {}


def _entries(old: dict[Any, Any], new: dict[Any, Any], path: Location, duration: bool) -> Iterator[Change]:
    for name in [*new, *(name for name in old if name not in new)]:
        at = (*path, name)
        if name not in new:
            yield Change(spelled(at), _yaml(old[name], duration), None)
        elif name not in old:
            yield Change(spelled(at), None, _yaml(new[name], duration))
        elif old[name] != new[name] or isinstance(new[name], Section):
            yield from _values(old[name], new[name], at, duration)


def _by_target(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[dict[str, Section], dict[str, Section]] | None:
    """Lists of sections that say where they lead, by that; None where some lead nowhere or twice to one place."""
    if not all(isinstance(entry, Section) and "to" in type(entry).model_fields for entry in (*old, *new)):
        return None
    before, after = {entry.to: entry for entry in old}, {entry.to: entry for entry in new}
    return (before, after) if len(before) == len(old) and len(after) == len(new) and (old or new) else None


def _routes(old: dict[str, Section], new: dict[str, Section], path: Location) -> Iterator[Change]:
    for name in [*new, *(name for name in old if name not in new)]:
        at = spelled(path) + f"[{name}]"
        if name not in new:
            yield Change(at, _yaml(old[name], False), None)
        elif name not in old:
            yield Change(at, None, _yaml(new[name], False))
        else:
            for change in _sections(old[name], new[name], ()):
                yield Change(f"{at}.{change.path}", change.old, change.new)
    kept = [name for name in old if name in new], [name for name in new if name in old]
    if kept[0] != kept[1]:
        yield Change(f"{spelled(path)} in order", ", ".join(kept[0]), ", ".join(kept[1]))


def _files(old: Contents, new: Contents) -> Iterator[Change]:
    for name in sorted({*old, *new}):
        was, now = old.get(name), new.get(name)
        if was != now:
            yield Change(f"file {name}", None if was is None else _described(was), None if now is None else _described(now))


def _described(content: bytes) -> str:
    lines = content.count(b"\n") + (not content.endswith(b"\n") and bool(content))
    return f"{sha256(content).hexdigest()[:12]} ({lines} lines)"


def _is_duration(known: Any) -> bool:
    return any(isinstance(entry, Kind) and entry.name.startswith("duration") for entry in known.metadata)


def _yaml(value: object, duration: bool) -> str:
    """A value on one line, as it could be written."""
    text = _flow(value, duration)
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


def _flow(value: object, duration: bool) -> str:
    if isinstance(value, Section):
        fields = type(value).model_fields
        pairs = [f"{name}: {_flow(getattr(value, name), _is_duration(fields[name]))}" for name in fields if name in value.model_fields_set]
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flow(name, False)}: {_flow(entry, duration)}" for name, entry in value.items()) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_flow(entry, duration) for entry in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}s" if duration else f"{value:.10g}"
    if isinstance(value, str):
        plain = value[:1].isalpha() and all(letter.isalnum() or letter in "-_./" for letter in value)
        return value if plain else msgspec.json.encode(value).decode()
    return "none"
