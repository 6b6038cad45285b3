"""`trunkline listen`: say what really answered a call, and see how often listening was right.

Nothing that may be shipped proves how good listening is on your calls; only labels on your own calls do. Two people label a hundred calls of a
carrier in an hour, from recordings (`record: true`) or from what agents report.
"""

import getpass
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from trunkline.cli.calls import span_us
from trunkline.cli.node import Data, Json, ask
from trunkline.cli.rendering import table
from trunkline.cli.source import JOURNAL, SourceError, data_directory
from trunkline.facts.heard import MACHINES
from trunkline.facts.record import AnswerLabelled, Attempt
from trunkline.records import Reading
from trunkline.stats.beta import exact

app = typer.Typer(no_args_is_help=True, help="Label answers and see how often listening was right (docs/listening.md).")

ENOUGH_WIDTH = 0.2
"An interval wider than this says too little to compare carriers by."


@app.command()
def label(
    call: Annotated[str, typer.Argument(help="Our call id, as `trunkline calls` prints it.")],
    kind: Annotated[str, typer.Argument(help="What answered: human, machine, assistant, announcement, fax, or false for nobody.")],
    data: Data = None,
) -> None:
    """Say what really answered a call; said again, the last word counts. Needs the running node, which writes it down."""
    print(ask(data, {"do": "label", "call": call, "kind": kind, "author": getpass.getuser()}))


@app.command()
def accuracy(
    data: Data = None,
    since: Annotated[str, typer.Option(help="Only calls since then, as in 15m, 12h or 30d.")] = "",
    as_json: Json = False,
) -> None:
    """Per carrier: what was labelled, what it was heard as, and the share that was right with its exact 95 % interval."""
    try:
        carriers = confusions(data_directory(data), time.time_ns() // 1000 - span_us(since) if since else 0)
    except SourceError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.code) from error
    found = {name: judged(counts) for name, counts in sorted(carriers.items())}
    if as_json:
        print(msgspec.json.encode(found).decode())
        return
    if not found:
        print("No labelled call was listened to. Label some: trunkline listen label CALL human|machine|...")
        return
    for name, result in found.items():
        print(f"{name}: {result['calls']} labelled calls")
        heard = sorted({kind for row in result["heard_as"].values() for kind in row})
        rows = [(kind, *[str(row.get(column, "")) for column in heard]) for kind, row in result["heard_as"].items()]
        print(table(("labelled", *heard), rows, heard))
        for share in ("humans_kept", "machines_caught"):
            print(f"  {share.replace('_', ' ')}: {_said(result[share])}")
        print()


def confusions(data: Path, since_us: int) -> dict[str, dict[str, Counter[str]]]:
    """Carrier -> label -> what it was heard as. Raises SourceError where there is no journal."""
    if not (data / JOURNAL).is_dir():
        raise SourceError(f"{data} holds no journal; name the node's data directory with --data.", 2)
    labels: dict[str, str] = {}
    heard: dict[str, Attempt] = {}
    for fact in Reading(data / JOURNAL):
        if isinstance(fact, AnswerLabelled):
            labels[fact.call] = fact.kind
        elif isinstance(fact, Attempt) and fact.answer_ms is not None and fact.at >= since_us:
            heard[fact.call] = fact
    carriers: dict[str, dict[str, Counter[str]]] = {}
    for call, kind in labels.items():
        attempt = heard.get(call)
        if attempt is not None:
            carriers.setdefault(attempt.carrier, {}).setdefault(kind, Counter())[attempt.heard or "not heard"] += 1
    return carriers


def judged(counts: dict[str, Counter[str]]) -> dict[str, Any]:
    """The table of one carrier, with the shares that matter: humans not taken for machines, machines taken for machines."""
    humans = counts.get("human", Counter())
    machines = sum((counts.get(kind, Counter()) for kind in MACHINES), Counter())
    kept = sum(count for kind, count in humans.items() if kind not in MACHINES)
    caught = sum(count for kind, count in machines.items() if kind in MACHINES)
    return {
        "calls": sum(row.total() for row in counts.values()),
        "heard_as": {kind: dict(row.most_common()) for kind, row in sorted(counts.items())},
        "humans_kept": _share(kept, humans.total()),
        "machines_caught": _share(caught, machines.total()),
    }


def _share(right: int, calls: int) -> dict[str, Any]:
    low, high = exact(right, calls) if calls else (0.0, 1.0)
    return {"right": right, "calls": calls, "low": round(low, 4), "high": round(high, 4), "enough": high - low <= ENOUGH_WIDTH}


def _said(share: dict[str, Any]) -> str:
    if not share["calls"]:
        return "none labelled"
    text = f"{share['right']} of {share['calls']} ({share['right'] / share['calls']:.1%}, between {share['low']:.1%} and {share['high']:.1%})"
    return text if share["enough"] else f"{text}; too few calls to compare carriers by"
