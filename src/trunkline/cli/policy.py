"""`trunkline policy`: check a policy, compare it, put it in force, look back and go back."""

import getpass
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from trunkline.cli.command import Data, Json, json_of, text_of
from trunkline.cli.policy_data import BrokenPolicyError, doors_of, kept
from trunkline.cli.rendering import moment, table
from trunkline.cli.source import SourceError, ask_node, data_directory
from trunkline.cli.what_if import whatif

if TYPE_CHECKING:
    from trunkline.policy import Problem
    from trunkline.policy.diff import Change
    from trunkline.policy.load import Draft

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Check policies, put them in force, go back. Every key is described in docs/policy.md.")

Document = Annotated[Path, typer.Argument(help="The policy document.", show_default=True)]
Settings = Annotated[Path | None, typer.Option("--settings", help="The node's settings, whose doors a policy may name; default: ./trunkline.toml, where there is one.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; must be given, and stays on record.")]

APPLY_S = 120.0
"How long a node may take to compile and swap a policy."

SHOWN = 40
"Differences that `apply` and `rollback` print; `diff` prints all."


@app.command()
def check(
    path: Document = Path("policy.yaml"),
    settings: Settings = None,
    as_json: Json = False,
    without_secrets: Annotated[bool, typer.Option("--without-secrets", help="Do not look for secrets: they are known to the node alone.")] = False,
) -> None:
    """Say whether a policy could be put in force: every problem in one go, each with its line and the fix."""
    from trunkline.policy.load import check_policy

    with in_words():
        doors = doors_of(settings, None)
    draft = check_policy(text_of(path), environment=None if without_secrets else os.environ, doors=doors, base=path.parent)
    if isinstance(draft, list):
        if as_json:
            print(json_of({"ok": False, "problems": draft}))
        else:
            _print_problems(path, draft)
        raise typer.Exit(1)
    _say_unchecked(draft, doors)
    if as_json:
        print(json_of({"ok": True, "version": draft.version, "files": sorted(draft.files), "doors_checked": doors is not None}))
        return
    document = draft.document
    files = f", {len(draft.files)} files" if draft.files else ""
    print(
        f"{path}: good. Version {draft.version}: {len(document.trunks)} trunks, {len(document.carriers)} carriers with "
        f"{sum(len(carrier.gateways) for carrier in document.carriers.values())} gateways, {len(document.destinations)} destinations, "
        f"{len(document.dids)} DIDs{files}."
    )


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A version or a file; left out: what is in force.")] = "",
    new: Annotated[str, typer.Argument(help="A version or a file; left out: the one argument, or policy.yaml.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What differs, by meaning: between what is in force and policy.yaml, a file or version given, or two of them."""
    if not new:
        old, new = "", old or "policy.yaml"
    with in_words():
        known = kept(data)
        before, after = known.draft(old) if old else known.in_force(), known.draft(new)
    changes = _changes(before, after)
    if as_json:
        print(json_of({"old": before.version, "new": after.version, "changes": changes}))
        return
    for change in changes:
        print(change)
    if not changes:
        same = "they are the same to the byte" if before.version == after.version else f"{before.version} and {after.version} mean the same"
        print(f"no difference: {same}")


@app.command()
def apply(
    path: Document = Path("policy.yaml"),
    reason: Reason = "",
    data: Data = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and compare; change nothing.")] = False,
    next_start: Annotated[bool, typer.Option("--next-start", help="For a node that does not run: what it starts with.")] = False,
    settings: Settings = None,
    as_json: Json = False,
) -> None:
    """Put a policy in force on the running node. No call is dropped; calls under way keep the policy they began with."""
    if not dry_run:
        _must_say_why(reason)
    put_in_force(path, reason, data, as_json, dry_run=dry_run, next_start=next_start, settings=settings)


app.command()(whatif)


@app.command()
def rollback(
    version: Annotated[str, typer.Argument(help="A version; left out: the one that was in force before.")] = "",
    reason: Reason = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Bring back a version that was in force, with the files it had then."""
    _must_say_why(reason)
    with in_words():
        known = kept(data)
        target = known.store.named(version) if version else known.before()
        before, after = known.in_force(), known.draft(target)
    changes = _changes(before, after)
    if not as_json:
        _print_changes(changes)
    result = _ask(data, {"do": "apply", "version": target, "author": getpass.getuser(), "reason": reason, "rollback": True})
    print(json_of({**result, "changes": changes}) if as_json else f"policy {result['policy']} is in force again, in place of {result['before']}")


@app.command()
def history(
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows at most, the newest first.")] = 20, data: Data = None, as_json: Json = False
) -> None:
    """What was in force when, by whom and why, the newest first."""
    with in_words():
        applied = kept(data).history()[::-1][:limit]
    if as_json:
        print(json_of(applied))
        return
    rows = [(moment(fact.at), fact.version, fact.author, f"rolled back from {fact.before}: {fact.reason}" if fact.rollback else fact.reason) for fact in applied]
    print(table(("since (UTC)", "version", "by", "why"), rows))


@app.command()
def show(
    version: Annotated[str, typer.Argument(help="A version; left out: what is in force.")] = "", data: Data = None, as_json: Json = False
) -> None:
    """The document of a version to the byte, as it was applied."""
    with in_words():
        known = kept(data)
        stored = known.store.load(known.store.named(version) if version else known.current().version)
        in_force = known.current().version == stored.version
    if as_json:
        files = {name: len(content) for name, content in stored.contents.items()}
        print(json_of({"version": stored.version, "in_force": in_force, "path": str(stored.path), "files": files, "text": stored.text}))
        return
    sys.stdout.write(stored.text if stored.text.endswith("\n") else stored.text + "\n")


@app.command()
def status(data: Data = None, as_json: Json = False) -> None:
    """What is in force since when and why, and whether the file it came from says something else by now."""
    from trunkline.node.policies import differs

    with in_words():
        known = kept(data)
        current = known.current()
        path = known.store.load(current.version).path
        changed = differs(known.store, current.version, path)
    if as_json:
        print(json_of({**msgspec.to_builtins(current), "file": str(path), "differs": changed}))
        return
    back = f" (rolled back from {current.before})" if current.rollback else ""
    print(f"policy {current.version} in force since {moment(current.at)} UTC, by {current.author}: {current.reason}{back}")
    told = "says something else: `trunkline policy diff FILE` shows what, `trunkline policy apply FILE` puts it in force" if changed else "says the same"
    print(f"{path} {told}")


@app.command()
def limits(as_json: Json = False) -> None:
    """The safe limits no policy may break, and why."""
    from trunkline.policy.limits import SAFE_LIMITS

    if as_json:
        print(json_of([{"name": one.name, "path": ".".join(one.path), "bounds": one.bounds, "why": one.why, "source": one.source} for one in SAFE_LIMITS]))
        return
    print(table(("limit", "value", "bounds", "source"), [(one.name, ".".join(one.path), one.bounds, one.source) for one in SAFE_LIMITS]))


@app.command(name="compile", hidden=True)
def compile_(
    path: Document = Path("policy.yaml"),
    version: Annotated[str, typer.Option(help="A version that is kept, instead of a file.")] = "",
    data: Annotated[Path | None, typer.Option(help="Data directory that keeps versions; a compiled file becomes one.")] = None,
    to: Annotated[int, typer.Option(help="File descriptor to write to.")] = 1,
) -> None:
    """Write the compiled policy; the node runs this so that its loop never parses YAML."""
    from msgspec.structs import replace

    from trunkline.policy.load import compile_draft, read_policy
    from trunkline.policy.store import Store, StoreError
    from trunkline.policy.wire import encode

    try:
        stored = Store(data).load(Store(data).named(version)) if version and data is not None else None
        base = stored.base if stored is not None else path.parent
        draft = read_policy(stored.text if stored is not None else text_of(path), base=base, files=stored)
        if stored is None and data is not None and not isinstance(draft, list):
            kept_as = Store(data).save(draft.source.text, draft.files, path)
            draft = replace(draft, folder=Store(data).load(kept_as))  # what is played is what is kept, whatever becomes of the file
        compiled = draft if isinstance(draft, list) else compile_draft(draft, base=base)
        if isinstance(compiled, list):
            _print_problems(path if stored is None else Path(stored.version), compiled)
            raise typer.Exit(1)
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    with open(to, "wb", closefd=False) as out:
        out.write(encode(compiled))


def put_in_force(
    path: Path, reason: str, data: Path | None, as_json: bool, *, dry_run: bool = False, next_start: bool = False, brief: bool = False, settings: Path | None = None
) -> None:
    """Check a file, show what it changes, keep it, and have the node put it in force. A running node checks its doors itself."""
    from trunkline.policy.load import check_policy
    from trunkline.policy.store import StoreError

    text = text_of(path)
    with in_words():
        if settings is not None:
            data = data_directory(data, settings)
        doors = doors_of(settings, data) if next_start or dry_run else None
    draft = check_policy(text, environment=None, doors=doors, base=path.parent)
    if isinstance(draft, list):
        _print_problems(path, draft)
        raise typer.Exit(1)
    if next_start or dry_run:
        _say_unchecked(draft, doors)
    changes: Sequence[Any] = ()
    with in_words():
        known = kept(data)
        if not brief and known.has_current():
            try:
                changes = _changes(known.in_force(), draft)
            except (StoreError, BrokenPolicyError) as error:  # what is in force cannot be read: all the more reason to let another in
                print(f"not compared with what is in force: {error}", file=sys.stderr)
            else:
                if not changes and not as_json:
                    print("it means what is in force already; secrets are read anew when it is applied")
            if not as_json:
                _print_changes(changes)
        if dry_run:
            print(json_of({"policy": draft.version, "changes": changes}) if as_json else f"dry run: {draft.version} was not put in force")
            return
        known.store.save(text, draft.files, path)
        if next_start:
            known.set_next(draft.version, getpass.getuser(), reason)
            print(json_of({"policy": draft.version, "changes": changes}) if as_json else f"the node will start with policy {draft.version}")
            return
    result = _ask(data, {"do": "apply", "version": draft.version, "author": getpass.getuser(), "reason": reason})
    print(json_of({**result, "changes": changes}) if as_json else f"policy {result['policy']} is in force")


def _say_unchecked(draft: "Draft", doors: object) -> None:
    from trunkline.policy.doors import names_doors

    if doors is None and names_doors(draft.document):
        print("the doors of gateways (`local`) were not checked: name the node's trunkline.toml with --settings", file=sys.stderr)


def _must_say_why(reason: str) -> None:
    if not reason.strip():
        print("say why: --reason TEXT; `trunkline policy history` shows it to whoever looks back", file=sys.stderr)
        raise typer.Exit(2)


@contextmanager
def in_words() -> Iterator[None]:
    """What cannot be had ends the command, with the reason in words."""
    from trunkline.policy.store import StoreError

    try:
        yield
    except (StoreError, OSError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error
    except SourceError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.code) from error
    except BrokenPolicyError as error:
        _print_problems(Path(error.name), error.problems)
        raise typer.Exit(1) from error


def _ask(data: Path | None, request: dict[str, Any]) -> Any:
    with in_words():
        return ask_node(data_directory(data), request, APPLY_S)


def _changes(before: "Draft", after: "Draft") -> list["Change"]:
    from trunkline.policy.diff import diff

    return diff(before, after)


def _print_changes(changes: Sequence["Change"]) -> None:
    for change in changes[:SHOWN]:
        print(change)
    if len(changes) > SHOWN:
        print(f"... and {len(changes) - SHOWN} more; `trunkline policy diff` prints all")


def _print_problems(path: Path, problems: Sequence["Problem"]) -> None:
    for problem in problems:
        print(f"{path}:{problem}", file=sys.stderr)
