"""Versions of the policy on disk: content-addressed, never changed, so that a rollback reads what was in force and nothing else.

`<folder>/<version>.yaml` is the document to the byte, `<version>.json` names where it came from and the files that belong to it, `files/<hash>`
holds those. `current` says which version is in force: it, and no file a person edits, is what a node starts with. Secrets are in none of
them: a document holds references only. All of this blocks on the disk: it is for threads and for commands, not for the loop.
"""

import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct

from trunkline.policy.version import Contents, version_of

CURRENT = "current"
SHORTEST = 4
"Characters of a version that are enough to name it where no other begins so."


class StoreError(Exception):
    """A version cannot be had; the text says which and what to do."""


class InForce(Struct, frozen=True, gc=False):
    """Which version is in force, and who put it there."""

    version: str
    at: int
    "UTC microseconds."
    author: str
    reason: str
    before: str = ""
    "The version it replaced."
    rollback: bool = False


class Origin(Struct, frozen=True, gc=False):
    """Where a version came from."""

    path: str
    "The document as a person keeps it, absolute; relative `file:` secrets begin at its folder."
    files: dict[str, str]
    "Files it names, and the sha256 of what they held."


class Stored(Struct, frozen=True):
    """A version as it was when it was applied."""

    version: str
    text: str
    path: Path
    "Where the document came from."
    contents: Mapping[str, bytes]
    "What the files it names held."
    places: Mapping[str, Path]
    "Where those are kept."

    @property
    def base(self) -> Path:
        """Where relative `file:` secrets begin."""
        return self.path.parent

    def read(self, name: str) -> bytes:
        """A file as it was (`policy.files.Files`). Raises OSError."""
        held = self.contents.get(name)
        if held is None:
            raise OSError(None, "it is not kept with this version", name)
        return held

    def place(self, name: str) -> Path:
        """Where that file is kept."""
        return self.places[name]


class Store:
    """The versions of one data directory."""

    def __init__(self, data: Path) -> None:
        """`data` is the node's data directory."""
        self.folder = data / "policy"

    def save(self, text: str, files: Contents, path: Path) -> str:
        """Keep a document and its files; the version. Raises OSError, and then nothing new can be read."""
        version = version_of(text, files)
        held = {name: sha256(content).hexdigest() for name, content in files.items()}
        for name, content in files.items():
            target = self._file(held[name])
            if not target.exists():
                _write(target, content)
        document = self._document(version)
        if not document.exists():
            _write(document, text.encode())
        _write(self._origin(version), msgspec.json.encode(Origin(str(path.resolve()), held)))
        return version

    def load(self, version: str) -> Stored:
        """A version by its whole name. Raises StoreError when it is not there, or is not what was kept."""
        try:
            text = self._document(version).read_bytes().decode()
            origin = msgspec.json.decode(self._origin(version).read_bytes(), type=Origin)
            contents = {name: self._file(address).read_bytes() for name, address in origin.files.items()}
        except FileNotFoundError as error:
            raise StoreError(f"version {version} is not kept whole: {error.filename} is missing; `trunkline policy history` lists the others") from error
        except (OSError, ValueError) as error:
            raise StoreError(f"version {version} cannot be read: {error}") from error
        if version_of(text, contents) != version:
            raise StoreError(f"version {version} was altered after it was kept ({self._document(version)} or its files); apply the document anew")
        return Stored(version, text, Path(origin.path), contents, {name: self._file(address).resolve() for name, address in origin.files.items()})

    def versions(self) -> list[str]:
        """Every version kept, in no order that means anything."""
        return sorted(path.stem for path in self.folder.glob("*.yaml"))

    def named(self, beginning: str) -> str:
        """The one version whose name begins so. Raises StoreError."""
        found = [version for version in self.versions() if version.startswith(beginning)] if len(beginning) >= SHORTEST else []
        if len(found) == 1:
            return found[0]
        if found:
            raise StoreError(f"{beginning} could be any of {', '.join(found)}; write more of it")
        raise StoreError(f"there is no version {beginning!r}; `trunkline policy history` lists them, {SHORTEST} characters are enough")

    def current(self) -> InForce | None:
        """What is in force, None where nothing was ever applied. Raises StoreError."""
        path = self.folder / CURRENT
        try:
            return msgspec.json.decode(path.read_bytes(), type=InForce)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read: {error}; remove it, and the node starts with the file its settings name") from error

    def put_current(self, applied: InForce) -> None:
        """Say what is in force from now on. Raises OSError, and then it is what it was."""
        _write(self.folder / CURRENT, msgspec.json.encode(applied))

    def _document(self, version: str) -> Path:
        return self.folder / f"{version}.yaml"

    def _origin(self, version: str) -> Path:
        return self.folder / f"{version}.json"

    def _file(self, address: str) -> Path:
        return self.folder / "files" / address


def _write(path: Path, content: bytes) -> None:
    """All of it or nothing, whatever happens meanwhile."""
    path.parent.mkdir(parents=True, exist_ok=True)
    writing = path.with_name(f"{path.name}.{os.getpid()}.writing")
    try:
        with writing.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(writing, path)
    except OSError:
        writing.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
