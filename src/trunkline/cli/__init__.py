"""The command line: `trunkline`."""

import typer

from trunkline.cli.calls import call
from trunkline.cli.demo import demo
from trunkline.cli.dnc import app as dnc_app
from trunkline.cli.explain import explain
from trunkline.cli.ladder import ladder
from trunkline.cli.listen import app as listen_app
from trunkline.cli.masking import app as calls_app
from trunkline.cli.node import drain, gateways, reload, serve, status, undrain
from trunkline.cli.numbers import app as numbers_app
from trunkline.cli.policy import app as policy_app
from trunkline.cli.rates import app as rates_app
from trunkline.cli.rates import numbering
from trunkline.cli.routes import routes

app = typer.Typer(
    name="trunkline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The carrier layer between a contact centre's dialers and its carriers: one trunk in front, many carriers behind.",
)
for command in (demo, serve, call, explain, ladder, status, gateways, routes, drain, undrain, reload, numbering):
    app.command()(command)
app.add_typer(policy_app, name="policy")
app.add_typer(numbers_app, name="numbers")
app.add_typer(listen_app, name="listen")
app.add_typer(dnc_app, name="dnc")
app.add_typer(calls_app, name="calls")
app.add_typer(rates_app, name="rates")


def main() -> None:
    app()
