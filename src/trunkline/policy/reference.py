"""docs/policy.md, generated from the models so that it cannot say anything else than they do."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from trunkline.policy.document import Document
from trunkline.policy.limits import SAFE_LIMITS
from trunkline.policy.scalars import Kind
from trunkline.policy.section import Section
from trunkline.policy.shape import is_mapping, parts, section_in

PLAIN = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
"Types without a `Kind`."

Titles = Mapping[type[Section], str]

OPENING = """\
# The policy

One YAML file, checked as a whole and put in force as a whole. This page is generated from the models
(`trunkline.policy.reference`); a whole example is `examples/policy.yaml`.

- A duration is `500ms`, `3s`, `30m`, `1h` or a number of seconds, at most 24h.
- Numbers to dial, prefixes and codes that begin with 0 or + go in quotes, or YAML reads something else.
- A password is never written here: `env:NAME` reads an environment variable, `file:PATH` a file. A relative PATH begins
  at the policy's folder.
- `<name>` stands for a name you choose: 1 to 64 letters, digits, `.`, `_` and `-`.
- An unknown key, a key written twice and a name that leads nowhere are errors, with line and fix.

## Changing it

    trunkline policy check policy.yaml                      # every problem in one go, with line and fix; --without-secrets on another machine
    trunkline policy diff                                   # what policy.yaml would change; also FILE, or two versions or files
    trunkline policy apply policy.yaml --reason "why"       # in force on the running node; --dry-run only checks and compares
    trunkline policy whatif policy.yaml                     # what it would have made of the calls logged so far; docs/routing.md
    trunkline policy status                                 # what is in force, and whether the file says something else by now
    trunkline policy history                                # what was in force when, by whom and why
    trunkline policy rollback --reason "why"                # the version before; or rollback VERSION
    trunkline policy show VERSION                           # a version to the byte

A version is the document and every file it names (rate decks, sounds), called by the first 16 digits of its sha256; the first four are enough
where no other begins so. All of it is kept in `policy/` below the node's data directory, so a rollback brings back the files as they were,
whatever became of them since. Secrets are in no version: references are read anew each time a policy is put in force, in the node's environment
and not in that of whoever types the command. So to apply the same policy again takes up a changed password.

What was applied last is the truth. A node starts with it; the file `[node] policy` names is read at the very first start, by SIGHUP and by
`apply`. A node whose file says something else tells so when it starts, and carries on. If what was in force cannot be used any more (a secret is
gone, a kept file was altered) the node does not start, and says why; `trunkline policy apply FILE --reason TEXT --next-start` puts another in its
place while it is stopped.

Calls under way keep the policy they began with. A process of its own compiles; signalling takes the result in steps of less than a millisecond
between which calls go on, gives new host names up to half a second to resolve, and swaps at once. Each change is a fact, `policy_applied`, with
author, reason and the version it replaced.

`diff` compares what is meant: comments, the order of keys, `90s` against `1.5m` and a default spelt out are no difference, routes are matched by
where they lead. `trunkline reload FILE` is `policy apply` without the comparison.
"""

LIMITS = """
## Safe limits

No policy may break these, whoever asks and why; `trunkline policy limits` lists them too.

| limit | key | value | beyond it | source |
|---|---|---|---|---|
"""


def reference() -> str:
    """The whole page."""
    titles: dict[type[Section], str] = {}
    _title(Document, "", titles)
    return OPENING + _limits() + "".join(_table(section, titles) for section in titles)


def _limits() -> str:
    rows = (f"| `{one.name}` | `{'.'.join(one.path).replace('*', '<name>')}` | {one.bounds} | {one.why} | {one.source} |" for one in SAFE_LIMITS)
    return LIMITS + "\n".join(rows) + "\n"


def _title(section: type[Section], title: str, titles: dict[type[Section], str]) -> None:
    """Names each section by where it first stands; one that another extends is described there."""
    if any(issubclass(known, section) for known in titles):
        return
    titles[section] = title
    for name, known in section.model_fields.items():
        inner = section_in(known.annotation)
        if inner is not None:
            path = f"{title}.{name}" if title else name
            below = ".<name>" if is_mapping(known) else "[]" if get_origin(known.annotation) is tuple else ""
            _title(inner, path + below, titles)


def _table(section: type[Section], titles: Titles) -> str:
    title = titles[section]
    keys = sorted(section.model_fields.items(), key=lambda entry: not entry[1].is_required())
    lines = [
        "",
        f"## `{title}`" if title else "## The document",
        "",
        " ".join((section.__doc__ or "").split()),
        "",
        "| key | value | default | example | meaning |",
        "|---|---|---|---|---|",
        *(_row(name, known, titles) for name, known in keys),
    ]
    return "\n".join(lines) + "\n"


def _row(name: str, known: FieldInfo, titles: Titles) -> str:
    kind = _kind(known.annotation, known.metadata, titles)
    example = f"`{name}: {(known.examples or [''])[0]}`"
    meaning = " ".join((known.description or "").split())
    return f"| `{name}` | {kind} | {_default(known, kind)} | {example} | {meaning} |"


def _kind(annotation: Any, metadata: Sequence[Any], titles: Titles) -> str:
    """What may be written, in the words of the innermost `Kind`, or worked out from the type."""
    named = [entry.name for entry in metadata if isinstance(entry, Kind)]
    inner = parts(annotation)
    if named:
        return str(named[-1])
    if get_origin(annotation) is Annotated:
        return _kind(annotation.__origin__, annotation.__metadata__, titles)
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{choice}`" for choice in inner)
    if get_origin(annotation) is dict:
        return f"{_kind(inner[0], (), titles)}: {_kind(inner[1], (), titles)}"
    if get_origin(annotation) is tuple:
        return f"list of: {_kind(inner[0], (), titles)}"
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return next(f"keys of `{title}`" for known, title in titles.items() if issubclass(known, annotation))
    if not inner:
        return PLAIN[annotation]
    return _kind(inner[0], (), titles)


def _default(known: FieldInfo, kind: str) -> str:
    default = known.default
    if default is PydanticUndefined:
        return "must be written"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Section):
        return "those of its keys"
    if default is None or default in ("", (), {}):
        return "none"
    if kind == "first/next seconds":
        return f'`"{default[0]}/{default[1]}"`'
    if kind == "time of day":
        return f'`"{default // 60:02}:{default % 60:02}"`'
    if isinstance(default, tuple) and isinstance(default[0], Section):
        return "`[" + ", ".join(f"{{{', '.join(f'{name}: {value}' for name, value in entry)}}}" for entry in default) + "]`"
    if isinstance(default, tuple):
        return "`[" + ", ".join(f'"{entry}"' for entry in default) + "]`"
    if isinstance(default, str) and default.isdigit():
        return f'`"{default}"`'
    number = f"{default:.12g}" if isinstance(default, (int, float)) else default
    return f"`{number}s`" if kind.startswith("duration") else f"`{number}`"
