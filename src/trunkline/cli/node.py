"""Commands about a node: run it, look at it, drain it, give it a new policy."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from trunkline.cli.command import Data, Json, json_of, stop
from trunkline.cli.policy import put_in_force
from trunkline.cli.rendering import table
from trunkline.cli.source import SourceError, ask_node, data_directory


def serve(settings: Annotated[Path, typer.Option("--settings", help="Settings of this node.")] = Path("trunkline.toml")) -> None:
    """Run a node until SIGTERM or Ctrl-C; SIGHUP reads the policy file again without dropping a call."""
    from trunkline.node.serve import serve as run_node
    from trunkline.node.settings import SettingsError, load_settings
    from trunkline.sip.asyncio import ListenError

    try:
        run_node(load_settings(settings))
    except (SettingsError, ListenError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error


def status(data: Data = None, as_json: Json = False) -> None:
    """Whether the node admits calls, and what it carries right now.

    Transactions are SIP requests without a final answer yet; lingering ones have theirs, and are kept for repeats. Exit code 0: it admits calls;
    1: it runs and does not; 2: no node runs.
    """
    result = ask(data, {"do": "status"})
    if as_json:
        print(json_of(result))
    else:
        _print_status(result)
    if not result["admitting"]:
        stop(f"NOT admitting new calls: {result['why_not']}", 1)


def _print_status(result: dict[str, Any]) -> None:
    channels = ", ".join(f"{name}: {count}" for name, count in sorted(result["channels"].items())) or "none in use"
    print(f"node {result['node']}, policy {result['policy']}")
    print(f"calls {result['calls']}, transactions {result['transactions']} (and {result['lingering_transactions']} lingering)")
    print(f"channels {channels}")
    if result["admitting"]:
        print("admitting new calls")
    for name, where in result["doors"].items():
        print(f"door {name}: {where}")
    for host, count in result["strangers"].items():
        print(f"NOT ANSWERED: {count} packets from {host}, which is in no trunk's `addresses`")


def gateways(data: Data = None, as_json: Json = False) -> None:
    """Every gateway: up, drained, registered, channels, how often it is skipped, and each path where it has several."""
    rows = ask(data, {"do": "gateways"})
    if as_json:
        print(json_of(rows))
        return
    paths = [(row["gateway"], path["door"], path["local"], path["remote"], path["state"] if path["state"] != "silent" else "SILENT") for row in rows for path in row["paths"]]
    print(
        table(
            ("gateway", "host", "transport", "state", "registered", "channels", "skip"),
            [
                (row["gateway"], f"{row['host']}:{row['port']}" if row["port"] else row["host"], row["transport"], _state(row), {True: "yes", False: "NO", None: "-"}[row["registered"]], str(row["channels"]), f"{row['skip']:.0%}")
                for row in rows
            ],
            ("channels", "skip"),
        )
    )
    if paths:
        print("\n" + table(("gateway", "door", "from", "to", "path"), paths))


def drain(
    gateway: Annotated[str, typer.Argument(help="Gateway to drain, `carrier/gateway`; none drains the whole node.")] = "",
    data: Data = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Take no new calls (by this gateway, or at all); calls in progress go on."""
    print(ask(data, {"do": "drain", "gateway": gateway, "reason": reason}))


def undrain(
    gateway: Annotated[str, typer.Argument(help="Gateway to use again; none means the node.")] = "",
    data: Data = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Take calls again."""
    print(ask(data, {"do": "undrain", "gateway": gateway, "reason": reason}))


def reload(
    path: Annotated[Path, typer.Argument(help="The policy document.")] = Path("policy.yaml"),
    data: Data = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
    as_json: Json = False,
) -> None:
    """Short for `trunkline policy apply`, without showing what changes."""
    put_in_force(path, reason or "reload", data, as_json, brief=True)


def _state(row: dict[str, Any]) -> str:
    if row["drained"]:
        return "drained"
    if not row["resolved"]:
        return "no address"
    return "up" if row["up"] else "DOWN"


def ask(data: Path | None, request: dict[str, Any]) -> Any:
    """What the running node answers; a command that gets none ends here, saying why."""
    try:
        return ask_node(data_directory(data), request)
    except SourceError as error:
        stop(str(error), error.code)
