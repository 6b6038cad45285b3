"""`trunkline policy`: check the policy document, or compile it for a node."""

import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

app = typer.Typer(no_args_is_help=True, help="Check and compile policy.yaml. Every key is described in docs/policy.md.")

Document = Annotated[Path, typer.Argument(help="The policy document.", show_default=True)]


@app.command()
def check(path: Document = Path("policy.yaml"), as_json: Annotated[bool, typer.Option("--json", help="Print problems as JSON.")] = False) -> None:
    """Say whether a policy could be put in force; each problem names its line and the fix."""
    from trunkline.policy import load_policy

    result = load_policy(_text(path), base=path.parent)
    if isinstance(result, list):
        if as_json:
            print(msgspec.json.encode({"ok": False, "problems": result}).decode())
        else:
            for problem in result:
                print(f"{path}:{problem}", file=sys.stderr)
        raise typer.Exit(1)
    if as_json:
        print(msgspec.json.encode({"ok": True, "version": result.version}).decode())
        return
    print(
        f"{path}: good. Version {result.version}: {len(result.trunks)} trunks, {len(result.carriers)} carriers with {len(result.gateways)} gateways, "
        f"{len(result.destinations)} destinations, {len(result.dids)} DIDs."
    )


@app.command(name="compile", hidden=True)
def compile_(path: Document = Path("policy.yaml")) -> None:
    """Write the compiled policy to standard output; the node runs this so that its loop never parses YAML."""
    from trunkline.policy import encode, load_policy

    result = load_policy(_text(path), base=path.parent)
    if isinstance(result, list):
        for problem in result:
            print(f"{path}:{problem}", file=sys.stderr)
        raise typer.Exit(1)
    sys.stdout.buffer.write(encode(result))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        print(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}", file=sys.stderr)
        raise typer.Exit(2) from error
