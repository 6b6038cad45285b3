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
from trunkline.policy.doors import Door, check_doors
from trunkline.policy.explain import explain
from trunkline.policy.files import Files, Folder, take_files
from trunkline.policy.limits import beyond
from trunkline.policy.mend import Doubts, mended
from trunkline.policy.pools import areas_in
from trunkline.policy.problem import Finding, Problem
from trunkline.policy.rates import decks_in
from trunkline.policy.secret import resolve
from trunkline.policy.snapshot import Snapshot
from trunkline.policy.sounds import Sound, measure
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


class _Reading(Struct, frozen=True):
    """A text that is YAML, and what is known to be wrong with it so far."""

    source: Source
    draft: Draft | None
    "The document, or as much of one with faults as can be looked at all the same."
    findings: list[Finding]
    "Faults of its shape."
    doubts: Doubts

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """Faults of shape and other findings, but for those that may come of a guess, in the order of the file."""
        sure = [*self.findings, *(finding for finding in findings if not self.doubts.leave_open(finding))]
        return sorted((self.source.problem(finding) for finding in sure), key=lambda problem: (problem.line, problem.column))


def read_policy(text: str, *, base: Path = HERE, files: Files | None = None) -> Draft | list[Problem]:
    """The checked document, or every problem found, in the order of the file. Secrets are not looked at: they may be known to the node alone.

    `files` reads what the document names; by default from `base`, the policy's folder.
    """
    return check_policy(text, environment=None, base=base, files=files)


def check_policy(
    text: str, *, environment: Mapping[str, str] | None = os.environ, doors: Mapping[str, Door] | None = None, base: Path = HERE, files: Files | None = None
) -> Draft | list[Problem]:
    """The document, or all that can be found wrong with it in one go.

    `environment` answers `env:` references, as in `load_policy`; None leaves secrets and sounds alone. `doors` are the node's, by name; None where
    they are not known.
    """
    with _uncollected():
        reading = _read(text, files or Folder(base))
        if isinstance(reading, list):
            return reading
        if reading.draft is None:
            return reading.problems(())
        secrets, findings, _ = _resolved(reading.draft, environment, base)
        findings += [*_wrong(reading.draft, secrets), *(check_doors(reading.draft.document, doors) if doors is not None else ())]
        return reading.problems(findings) or reading.draft


def load_policy(
    text: str, *, environment: Mapping[str, str] = os.environ, base: Path = HERE, files: Files | None = None
) -> Snapshot | list[Problem]:
    """The compiled policy, or every problem found, in the order of the file.

    `environment` answers `env:` references; a relative `file:` reference begins at `base`, the policy's folder. `files` reads other files the
    document names, by default from there too.
    """
    with _uncollected():
        reading = _read(text, files or Folder(base))
        if isinstance(reading, list):
            return reading
        return reading.problems(()) if reading.draft is None else _compiled(reading, reading.draft, environment, base)


def compile_draft(draft: Draft, *, environment: Mapping[str, str] = os.environ, base: Path = HERE) -> Snapshot | list[Problem]:
    """The snapshot of what `read_policy` found good, once its secrets are known; every problem with them otherwise."""
    with _uncollected():
        return _compiled(_Reading(draft.source, draft, [], Doubts()), draft, environment, base)


def _read(text: str, files: Files) -> _Reading | list[Problem]:
    """The document with what its files held; or why it is no YAML."""
    parsed = read(text)
    if isinstance(parsed, list):
        return parsed
    source, findings = parsed
    doubts = Doubts()
    for finding in findings:
        doubts.add(finding.path)
        doubts.all = doubts.all or len(finding.path) < 3  # of two entries with one name, one was to have another
    document: Document | None
    try:
        document = Document.model_validate(source.data)
    except ValidationError as error:
        findings += explain(error, source)
        document = mended(source.data, error, doubts)
    if document is None:
        return _Reading(source, None, findings, doubts)
    taken, unread = take_files(document, files)
    findings += [finding for finding in unread if not doubts.leave_open(finding)]
    return _Reading(source, Draft(source, document, taken, files), findings, doubts)


def _wrong(draft: Draft, secrets: Mapping[str, str]) -> Iterator[Finding]:
    """All that can be told of a document and its files."""
    document = draft.document
    yield from areas_in(document, draft.files)[1]
    yield from decks_in(document, draft.files)[1]
    yield from beyond(document)
    yield from check(document, secrets)


def _resolved(draft: Draft, environment: Mapping[str, str] | None, base: Path) -> tuple[dict[str, str], list[Finding], dict[str, Sound]]:
    """Secrets and sounds, and what is wrong with them."""
    if environment is None:
        return {}, [], {}
    secrets, unknown = resolve(draft.document, environment, base)
    sounds, unplayable = measure(draft.document, draft.folder.place, draft.files)
    return secrets, [*unknown, *unplayable], sounds


def _compiled(reading: _Reading, draft: Draft, environment: Mapping[str, str], base: Path) -> Snapshot | list[Problem]:
    secrets, findings, sounds = _resolved(draft, environment, base)
    problems = reading.problems([*findings, *_wrong(draft, secrets)])
    return problems or compile_policy(draft.document, secrets, draft.version, sounds, draft.files)


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
