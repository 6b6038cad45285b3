"""`trunkline demo`: see it work in under a minute."""

import asyncio
import contextlib
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table

from trunkline.cli.ladder import draw


def demo(
    calls: Annotated[int, typer.Option(help="Calls to place.")] = 500,
    rate: Annotated[float, typer.Option(help="Calls a second.")] = 25.0,
    scenario: Annotated[str, typer.Option(help="A scenario file, or the name of a shipped one (docs/lab.md).")] = "talking-carriers",
    strategy: Annotated[str, typer.Option(help="How routes are chosen: percentage, priority, performance, ... (docs/routing.md).")] = "percentage",
    keep: Annotated[bool, typer.Option("--keep", help="Leave node and carriers running until Ctrl-C.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Run a node, three lab carriers and a dialer on loopback, with real audio, and show what became of the calls.

    One carrier is good, one is slow and congested, one answers calls that nobody took. The scenario `three-carriers` is without audio.
    """
    from trunkline.lab.demo import Demo, DemoError
    from trunkline.lab.scenario import ScenarioError, load_scenario

    try:
        loaded = load_scenario(scenario)
    except ScenarioError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(2) from error
    loaded = msgspec.structs.replace(loaded, dialer=msgspec.structs.replace(loaded.dialer, calls=calls, rate=rate))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)  # as Ctrl-C: node and carriers end with it, and the folder goes
    console = Console(stderr=as_json)
    if not console.is_terminal:
        console = Console(stderr=as_json, width=130)  # a log has room; the tables need it
    with contextlib.ExitStack() as stack:
        folder = tempfile.mkdtemp(prefix="trunkline-demo-") if keep else stack.enter_context(tempfile.TemporaryDirectory(prefix="trunkline-demo-"))
        running = Demo(Path(folder), loaded, strategy)
        console.print(f"A node on 127.0.0.1:{running.trunk_port}, carriers {', '.join(loaded.carriers)}, {calls} calls at {rate:g}/s.")
        try:
            if console.is_terminal:
                with Live(_view(running), console=console, refresh_per_second=8) as live:
                    asyncio.run(running.run(lambda now: live.update(_view(now)), keep))
            else:
                asyncio.run(running.run(_Plain(console), keep))
        except KeyboardInterrupt:
            console.print("ended")
        except DemoError as error:
            print(error, file=sys.stderr)
            raise typer.Exit(1) from error
        with contextlib.suppress(KeyboardInterrupt):
            try:
                summary = running.summary()
            except DemoError as error:
                print(error, file=sys.stderr)
                raise typer.Exit(1) from error
            if as_json:
                print(msgspec.json.encode(summary).decode())
            else:
                _show(summary, console)


class _Plain:
    """Progress where there is no terminal: a line for every hundred calls."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shown = -1

    def __call__(self, running: Any) -> None:
        done = running.dialer.finished // 100
        if done != self.shown:
            self.shown = done
            self.console.print(f"placed {running.dialer.placed}, up {running.dialer.up}, finished {running.dialer.finished}")


def _view(running: Any) -> Table:
    table = Table(title="Trunkline demo: live")
    for column in ("carrier", "INVITEs", "up", "answered", "refused", "silent", "cancelled"):
        table.add_column(column, justify="left" if column == "carrier" else "right")
    for carrier in running.carriers:
        counts = carrier.counts
        refused = sum(count for name, count in counts.items() if name.startswith("refused"))
        cells = (counts["invites"], len(carrier.calls), counts["answered"], refused, counts["silent"], counts["cancelled"])
        table.add_row(carrier.name, *[str(cell) for cell in cells])
    if running.dialer is not None:
        dialer = running.dialer
        table.caption = f"dialer: placed {dialer.placed}, up {dialer.up}, finished {dialer.finished}, answered {dialer.told[200]}, failed over {running.failed_over}"
    return table


def _confusion(carriers: dict[str, Any]) -> Table:
    """What answered, and what the node took it for, over all carriers."""
    counts: dict[str, Counter[str]] = {}
    for row in carriers.values():
        for kind, heard in row.get("heard_as", {}).items():
            counts.setdefault(kind, Counter()).update(heard)
    names = [name for name, _ in sum(counts.values(), Counter()).most_common()]
    table = Table(title="Answers: what was there, and what was heard (the lab's voices are synthetic: this is no accuracy)")
    for column in ("there", *names):
        table.add_column(column, justify="left" if column == "there" else "right")
    for kind, heard in sorted(counts.items()):
        table.add_row(kind, *[str(heard[name]) if heard[name] else "" for name in names])
    return table


def _show(summary: dict[str, Any], console: Console) -> None:
    if summary["shed"]:
        print(f"This machine is too busy: {summary['shed']} calls were turned away because the node was late, and what was heard of others suffers.")
    table = Table(title=f"{summary['calls']} calls, {summary['answered']} answered, {summary['saved_by_failover']} of them after failover")
    talks = any("honest_rate" in row for row in summary["carriers"].values())
    honest = ("humans heard", "humans there") if talks else ()
    for column in ("carrier", "attempts", "answered", "ASR", *honest, "routed on", "PDD", "most frequent outcomes"):
        table.add_column(column, justify="left" if column in ("carrier", "most frequent outcomes") else "right")
    for name, row in summary["carriers"].items():
        outcomes = ", ".join(f"{evidence} {count}" for evidence, count in row["outcomes"].items())
        delay = f"{row['pdd_ms']:.0f} ms" if row["pdd_ms"] is not None else "-"
        rates = (f"{row['honest_rate']:.0%}", f"{row['played']['human_rate']:.0%}") if talks else ()
        table.add_row(name, str(row["attempts"]), str(row["answered"]), f"{row['asr']:.0%}", *rates, str(row["routed_on"]), delay, outcomes)
    console.print(table)
    if talks:
        console.print(_confusion(summary["carriers"]))
    console.print("The dialer was told " + ", ".join(f"{status}: {count}" for status, count in summary["told"].items()) + ".\n")
    for ladder in summary["ladders"]:
        print(draw(ladder, 110))
