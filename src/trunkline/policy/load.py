"""From text to snapshot: read, model, take named files, check, resolve secrets, compile. Every step answers with all it found wrong."""

import gc
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from pydantic import ValidationError

from trunkline.policy.checks import check
from trunkline.policy.compile import compile_policy
from trunkline.policy.document import Document
from trunkline.policy.explain import explain
from trunkline.policy.files import Files, Folder, take_files
from trunkline.policy.limits import beyond
from trunkline.policy.pools import areas_in
from trunkline.policy.problem import Finding, Problem
from trunkline.policy.rates import decks_in
from trunkline.policy.secret import resolve
from trunkline.policy.snapshot import Snapshot
from trunkline.policy.sounds import measure
from trunkline.policy.source import Source, read
from trunkline.policy.version import Contents, version_of

HERE = Path()


class Draft(Struct, frozen=True):
    """A document in which nothing is wrong as far as can be told without its secrets."""

    source: Source
    document: Document
    files: Contents
    "What the files it names held when it was read."
    folder: Files
    "Where those lie."

    @property
    def version(self) -> str:
        """Content address of the document and its files."""
        return version_of(self.source.text, self.files)


def read_policy(text: str, *, base: Path = HERE, files: Files | None = None) -> Draft | list[Problem]:
    """The checked document, or every problem found, in the order of the file. Secrets are not looked at: they may be known to the node alone.

    `files` reads what the document names; by default from `base`, the policy's folder.
    """
    with _uncollected():
        found = _modelled(text, files or Folder(base))
    if isinstance(found, list):
        return found
    draft, findings = found
    findings += check(draft.document, {})
    return _ordered(draft.source, findings) if findings else draft


def load_policy(
    text: str, *, environment: Mapping[str, str] = os.environ, base: Path = HERE, files: Files | None = None
) -> Snapshot | list[Problem]:
    """The compiled policy, or every problem found, in the order of the file.

    `environment` answers `env:` references; a relative `file:` reference begins at `base`, the policy's folder. `files` reads other files the
    document names, by default from there too.
    """
    with _uncollected():
        found = _modelled(text, files or Folder(base))
        return found if isinstance(found, list) else _compiled(*found, environment, base)


def compile_draft(draft: Draft, *, environment: Mapping[str, str] = os.environ, base: Path = HERE) -> Snapshot | list[Problem]:
    """The snapshot of what `read_policy` found good, once its secrets are known; every problem with them otherwise."""
    with _uncollected():
        return _compiled(draft, [], environment, base)


def _compiled(draft: Draft, findings: list[Finding], environment: Mapping[str, str], base: Path) -> Snapshot | list[Problem]:
    document = draft.document
    secrets, unknown = resolve(document, environment, base)
    sounds, unplayable = measure(document, draft.folder.place, draft.files)
    findings = [*findings, *unknown, *unplayable, *check(document, secrets)]
    if findings:
        return _ordered(draft.source, findings)
    return compile_policy(document, secrets, draft.version, sounds, draft.files)


def _modelled(text: str, files: Files) -> tuple[Draft, list[Finding]] | list[Problem]:
    """The document with what its files held, and what is wrong with files and limits; or why there is no document."""
    source = read(text)
    if isinstance(source, list):
        return source
    try:
        document = Document.model_validate(source.data)
    except ValidationError as error:
        return _ordered(source, explain(error, source))
    taken, findings = take_files(document, files)
    return Draft(source, document, taken, files), [*findings, *areas_in(document, taken)[1], *decks_in(document, taken)[1], *beyond(document)]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the garbage collector: a large document is a million objects of which none is garbage, and looking at them again and again
    takes twice as long as reading it."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _ordered(source: Source, findings: Iterable[Finding]) -> list[Problem]:
    return sorted((source.problem(finding) for finding in findings), key=lambda problem: (problem.line, problem.column))
