"""Files a policy names, such as rate decks: part of its version, so that a rollback brings back exactly what was in force.

A key of the document whose type is `FileName` names one; nothing else has to be done for it to be read, hashed and kept.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from trunkline.policy.document import Document
from trunkline.policy.problem import Finding, Location
from trunkline.policy.scalars import NamesFile
from trunkline.policy.section import Section
from trunkline.policy.shape import parts, section_in

LARGEST_BYTES = 256 << 20
"Of one file: more is a mistake, and would be kept with every version."


class Files(Protocol):
    """Where named files are read: the policy's folder, or the store of versions."""

    def read(self, name: str) -> bytes:
        """Raises OSError."""

    def place(self, name: str) -> Path:
        """Where it lies, for whoever has to open it later."""


class Folder:
    """Files beside the policy document."""

    def __init__(self, base: Path) -> None:
        self.base = base

    def read(self, name: str) -> bytes:
        path = self.base / name
        if path.stat().st_size > LARGEST_BYTES:
            raise OSError(None, f"it is larger than {LARGEST_BYTES >> 20} MB", name)
        return path.read_bytes()

    def place(self, name: str) -> Path:
        return (self.base / name).resolve()


def take_files(document: Document, files: Files) -> tuple[dict[str, bytes], list[Finding]]:
    """What the files the document names hold, and a finding for each that cannot be read."""
    taken: dict[str, bytes] = {}
    findings: list[Finding] = []
    for path, name in named_files(document):
        if name in taken:
            continue
        try:
            taken[name] = files.read(name)
        except OSError as error:
            fix = "write its path relative to the policy's folder, and let Trunkline's user read it"
            findings.append(Finding(path, f"cannot read {name}: {error.strerror or error}", fix, alone=True))
    return taken, findings


def named_files(section: Section, path: Location = ()) -> Iterator[tuple[Location, str]]:
    """Every file named at or below a section, and where."""
    for key in _keys_with_files(type(section)):
        yield from _files_in(getattr(section, key), (*path, key), _is_file(type(section).model_fields[key]))


def _files_in(value: object, path: Location, is_file: bool) -> Iterator[tuple[Location, str]]:
    if isinstance(value, Section):
        yield from named_files(value, path)
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _files_in(entry, (*path, name), is_file)
    elif isinstance(value, tuple):
        for at, entry in enumerate(value):
            yield from _files_in(entry, (*path, at), is_file)
    elif is_file and isinstance(value, str) and value:
        yield path, value


@cache
def _keys_with_files(section: type[Section]) -> tuple[str, ...]:
    """The keys that name files or lead to sections that do: a document of thousands of entries is not searched in vain."""
    found = []
    for name, known in section.model_fields.items():
        inner = section_in(known.annotation)
        if _is_file(known) or (inner is not None and inner is not section and _keys_with_files(inner)):
            found.append(name)
    return tuple(found)


def _is_file(known: Any) -> bool:
    """Whether a key's type is, or holds, the name of a file."""
    return any(isinstance(entry, NamesFile) for entry in known.metadata) or any(map(_marked, parts(known.annotation)))


def _marked(annotation: Any) -> bool:
    return any(isinstance(entry, NamesFile) for entry in getattr(annotation, "__metadata__", ())) or any(map(_marked, parts(annotation)))
