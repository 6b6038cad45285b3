"""Policies as the commands find them: versions in the node's data directory, files beside them, and what was in force when."""

import fcntl
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trunkline.cli.source import CONFIGURATION, SourceError, ask_node, data_directory, existing
from trunkline.facts.record import PolicyApplied
from trunkline.policy.history import POLICIES, PolicyHistory
from trunkline.policy.problem import Problem
from trunkline.policy.store import InForce, Store, Stored, StoreError
from trunkline.records import Reading, load

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trunkline.policy.doors import Door
    from trunkline.policy.load import Draft


class BrokenPolicyError(Exception):
    """A document has problems; `name` says which."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        super().__init__(name)
        self.name = name
        self.problems = problems


class Kept:
    """The policies of one node."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.store = Store(data)

    def has_current(self) -> bool:
        """Whether anything was ever applied."""
        return self.store.current() is not None

    def current(self) -> InForce:
        """What is in force. Raises StoreError where nothing ever was."""
        found = self.store.current()
        if found is None:
            raise StoreError(f"no policy was ever in force with data directory {self.data}; start `trunkline serve`, or give its --data DIR")
        return found

    def in_force(self) -> "Draft":
        """The document in force."""
        return _draft(self.store.load(self.current().version))

    def draft(self, name: str) -> "Draft":
        """A document by file name or version. Raises StoreError or BrokenPolicyError."""
        path = Path(name)
        if not path.is_file():
            try:
                return _draft(self.store.load(self.store.named(name)))
            except StoreError as error:
                raise error if not path.suffix else StoreError(f"there is no file {name}") from error
        from trunkline.policy.load import read_policy

        found = read_policy(path.read_bytes().decode("utf-8", "surrogateescape"), base=path.parent)
        if isinstance(found, list):
            raise BrokenPolicyError(name, found)
        return found

    def before(self) -> str:
        """The version in force before the present one, however often that was applied anew. Raises StoreError where that could be taken for two."""
        now = self.current()
        if now.before == now.version:
            now = next((InForce(fact.version, fact.at, fact.author, fact.reason, fact.before, fact.rollback) for fact in reversed(self.history()) if fact.before != now.version), now)
            if now.before == now.version:
                raise StoreError("nothing else was in force before; `trunkline policy history` shows what was when")
        if now.rollback:
            raise StoreError("the last change was a rollback itself; name the version to go to, `trunkline policy history` lists them")
        if not now.before:
            raise StoreError("nothing was in force before; `trunkline policy history` shows what was when")
        return now.before

    def history(self) -> list[PolicyApplied]:
        """What was in force, oldest first: from the running node, else from what it left on disk."""
        try:
            answer = ask_node(self.data, {"do": "policy"})
            return msgspec.convert(answer["applied"], list[PolicyApplied])
        except SourceError:
            return self._left_behind()

    def _left_behind(self) -> list[PolicyApplied]:
        known = PolicyHistory()
        saved = load(self.data / "checkpoints").checkpoint
        since = None
        if saved is not None and POLICIES in saved.folds:
            known.load(saved.folds[POLICIES])
            since = saved.position
        for fact in Reading(self.data / "journal", since):
            known.apply(fact)
        return known.applied

    def set_next(self, version: str, author: str, reason: str) -> None:
        """What a node that does not run starts with. Raises StoreError where it does run."""
        with (self.data / "lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise StoreError(f"a node runs with data directory {self.data}; apply without --next-start") from error
            known = self.store.current()
            before = known.version if known is not None else ""
            self.store.put_current(InForce(version, time.time_ns() // 1000, author, reason, before))


def kept(data: Path | None) -> Kept:
    """The policies of the data directory a command means. Raises SourceError."""
    return Kept(existing(data_directory(data)))


def doors_of(settings: Path | None, data: Path | None) -> "Mapping[str, Door] | None":
    """The doors of the node a command means, by name, as its settings have them; None where nothing tells which settings those are.

    Without `settings` they are those of ./trunkline.toml, unless it is the file of a node with another data directory. Raises SourceError.
    """
    from trunkline.node.settings import SettingsError, door_names, load_settings

    path = settings or Path(CONFIGURATION)
    if settings is None and not path.is_file():
        return None
    try:
        found = load_settings(path)
    except SettingsError as error:
        raise SourceError(str(error), 2) from error
    if settings is None and data is not None and Path(found.node.data).resolve() != data.resolve():
        return None
    return dict(zip(door_names(found.listen), found.listen, strict=True))


def _draft(stored: Stored) -> "Draft":
    from trunkline.policy.load import read_policy

    found = read_policy(stored.text, base=stored.base, files=stored)
    if isinstance(found, list):
        raise BrokenPolicyError(stored.version, found)
    return found
