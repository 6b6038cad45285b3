"""The command line: `trunkline`.

A command's module is loaded when the command is used: a node starts commands of its own, and must not wait for what they do not need.
"""

from importlib import import_module
from typing import Any

import typer
from typer.core import TyperGroup

COMMANDS = {
    "demo": "demo:demo",
    "serve": "node:serve",
    "calls": "masking:app",
    "call": "calls:call",
    "explain": "explain:explain",
    "ladder": "ladder:ladder",
    "status": "node:status",
    "gateways": "node:gateways",
    "routes": "routes:routes",
    "drain": "node:drain",
    "undrain": "node:undrain",
    "reload": "node:reload",
    "policy": "policy:app",
    "numbers": "numbers:app",
    "numbering": "rates:numbering",
    "rates": "rates:app",
    "dnc": "dnc:app",
    "listen": "listen:app",
}
"Command -> module of this package and what is in it: a function, or an app of further commands."


class Commands(TyperGroup):
    """Commands by `COMMANDS`."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        where = COMMANDS.get(cmd_name)
        if where is None:
            return None
        module, _, name = where.partition(":")
        found = getattr(import_module(f"trunkline.cli.{module}"), name)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            alone.command(cmd_name)(found)
            found = alone
        command = typer.main.get_command(found)
        command.name = cmd_name
        return command


app = typer.Typer(
    name="trunkline",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The carrier layer between a contact centre's dialers and its carriers: one trunk in front, many carriers behind.",
    epilog="Exit codes: 0 done; 1 an answer nobody hoped for, such as no such call or a policy with problems; 2 a question that cannot be answered, "
    "such as no node, no file or a wrong option; 130 stopped by Ctrl-C. --json prints what was found, and errors go to standard error in words.",
)


@app.callback()
def root() -> None:
    """The commands are those of `COMMANDS`."""
