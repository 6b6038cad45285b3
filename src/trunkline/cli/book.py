"""The numbers as the desk knows them: the node's last checkpoint and the journal since, which is whole by the end of every loop turn."""

import time
from pathlib import Path
from typing import NamedTuple

from trunkline.cli.policy_data import Kept
from trunkline.cli.source import data_directory, journal_of
from trunkline.numbers import NUMBERS, NumberBook
from trunkline.policy.number_rules import USUAL
from trunkline.policy.pools import areas_in, rules_of
from trunkline.policy.store import StoreError
from trunkline.records import recover


class Desk(NamedTuple):
    """What a command about numbers begins with."""

    directory: Path
    book: NumberBook
    tenants: frozenset[str] | None
    "Of the policy in force; None where none was ever applied."


def desk_of(data: Path | None) -> Desk:
    """The data directory a command means, the book by the policy in force there, and its tenants. Raises SourceError."""
    directory = data_directory(data)
    journal = journal_of(directory)
    book, tenants = NumberBook(), None
    try:
        draft = Kept(directory).in_force()
        rules = {name: rules_of(pool) for name, pool in draft.document.pools.items()}
        book.apply_rules(lambda pool: rules.get(pool, USUAL), areas_in(draft.document, draft.files)[0])
        tenants = frozenset(draft.document.tenants)
    except StoreError:
        pass  # nothing was ever applied: the defaults are in force
    recover(journal, directory / "checkpoints", {NUMBERS: book})
    return Desk(directory, book, tenants)


def now_us() -> int:
    return time.time_ns() // 1000


__all__ = ["Desk", "desk_of", "now_us"]
