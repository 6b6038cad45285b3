"""The numbers as the desk knows them: the node's last checkpoint and the journal since, which is whole by the end of every loop turn."""

import time
from pathlib import Path

from trunkline.cli.policy_data import Kept
from trunkline.cli.source import JOURNAL, SourceError, data_directory
from trunkline.numbers import NUMBERS, NumberBook
from trunkline.policy.number_rules import USUAL
from trunkline.policy.pools import areas_in, rules_of
from trunkline.policy.store import StoreError
from trunkline.records import recover


def book_of(data: Path | None) -> tuple[Path, NumberBook]:
    """The data directory a command means, and the book by the policy in force there. Raises SourceError."""
    directory = data_directory(data)
    if not (directory / JOURNAL).is_dir():
        raise SourceError(f"{directory} holds no journal; start `trunkline serve`, or give its --data DIR.", 2)
    book = NumberBook()
    try:
        draft = Kept(directory).in_force()
        rules = {name: rules_of(pool) for name, pool in draft.document.pools.items()}
        book.apply_rules(lambda pool: rules.get(pool, USUAL), areas_in(draft.document, draft.files)[0])
    except StoreError:
        pass  # nothing was ever applied: the defaults are in force
    recover(directory / JOURNAL, directory / "checkpoints", {NUMBERS: book})
    return directory, book


def tenants_of(directory: Path) -> frozenset[str] | None:
    """Tenants of the policy in force; None where none was ever applied."""
    try:
        return frozenset(Kept(directory).in_force().document.tenants)
    except StoreError:
        return None


def now_us() -> int:
    return time.time_ns() // 1000


__all__ = ["book_of", "now_us", "tenants_of"]
