"""From text to snapshot: read, model, resolve secrets, check, compile. Every step answers with all it found wrong."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from trunkline.policy.checks import check
from trunkline.policy.compile import compile_policy
from trunkline.policy.document import Document
from trunkline.policy.explain import explain
from trunkline.policy.problem import Problem
from trunkline.policy.secret import resolve
from trunkline.policy.snapshot import Snapshot
from trunkline.policy.source import read

HERE = Path()


def load_policy(
    text: str, *, environment: Mapping[str, str] = os.environ, base: Path = HERE
) -> Snapshot | list[Problem]:
    """The compiled policy, or every problem found, in the order of the file.

    `environment` answers `env:` references; a relative `file:` reference begins at `base`, the policy's folder.
    """
    source = read(text)
    if isinstance(source, list):
        return source
    try:
        document = Document.model_validate(source.data)
    except ValidationError as error:
        findings = list(explain(error, source))
    else:
        secrets, findings = resolve(document, environment, base)
        findings.extend(check(document, secrets))
        if not findings:
            return compile_policy(document, secrets, text)
    return sorted((source.problem(finding) for finding in findings), key=lambda problem: (problem.line, problem.column))
