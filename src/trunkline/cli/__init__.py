"""The command line: `trunkline`."""

import typer

from trunkline.cli.calls import call, calls
from trunkline.cli.demo import demo
from trunkline.cli.ladder import ladder
from trunkline.cli.listen import app as listen_app
from trunkline.cli.node import drain, gateways, reload, serve, status, undrain
from trunkline.cli.policy import app as policy_app
from trunkline.cli.routes import routes

app = typer.Typer(
    name="trunkline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The carrier layer between a contact centre's dialers and its carriers: one trunk in front, many carriers behind.",
)
for command in (demo, serve, calls, call, ladder, status, gateways, routes, drain, undrain, reload):
    app.command()(command)
app.add_typer(policy_app, name="policy")
app.add_typer(listen_app, name="listen")


def main() -> None:
    app()
