"""What commands share: two options, how they read what they are given, how they show that they are at work, and how they end when they cannot go on."""

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import msgspec
import typer

Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="The node's data directory; default: `node.data` of ./trunkline.toml, else ./var.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def stop(text: str, code: int = 2) -> NoReturn:
    """End the command: 1 is an answer nobody hoped for, 2 a question that cannot be answered."""
    print(text, file=sys.stderr)
    raise typer.Exit(code)


def text_of(path: Path, encoding: str = "utf-8") -> str:
    """What a file holds, its line ends as they are; a command whose file cannot be read ends here."""
    try:
        return path.read_bytes().decode(encoding)
    except OSError as error:
        stop(f"{path}: cannot be read: {error.strerror or error}")
    except UnicodeDecodeError as error:
        stop(f"{path}: cannot be read: byte {error.start} is no UTF-8 text; save the file as UTF-8")


def json_of(value: Any) -> str:
    """JSON on one line."""
    return msgspec.json.encode(value).decode()


def progress(text: str) -> None:
    """How far a long command is, for whoever watches a terminal; the next takes its place, an empty one takes it away."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
