"""`trunkline calls mask`, `pause` and `resume`: secrets on a call that is up (docs/listening.md)."""

from typing import Annotated, Literal

import typer

from trunkline.cli.calls import calls
from trunkline.cli.command import Data
from trunkline.cli.node import ask

HELP = """List calls, or do something to one that is up.

Those that ended stand in the order they ended, the last first; PDD is the post-dial delay. Works with and without a running node.

Example: trunkline calls --since 1h --carrier alpha --failed
"""

app = typer.Typer(add_completion=False, help=HELP)
app.callback(invoke_without_command=True)(calls)

CallId = Annotated[str, typer.Argument(metavar="CALL", help="Our call id, or the Call-ID the dialer gave it.")]


@app.command()
def mask(
    call: CallId,
    off: Annotated[bool, typer.Option("--off", help="Let them pass again.")] = False,
    side: Annotated[Literal["callee", "caller", ""], typer.Option(help="Whose keys; by default those of whoever is not on our trunk.")] = "",
    data: Data = None,
) -> None:
    """Keep the keys one side presses from the other, from every record and from the recording, which holds silence meanwhile."""
    print(ask(data, {"do": "mask", "call": call, "side": side, "on": not off}))


@app.command()
def pause(call: CallId, data: Data = None) -> None:
    """Record silence from here on."""
    print(ask(data, {"do": "pause", "call": call, "on": True}))


@app.command()
def resume(call: CallId, data: Data = None) -> None:
    """Record what is said again."""
    print(ask(data, {"do": "pause", "call": call, "on": False}))
