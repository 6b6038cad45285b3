"""`trunkline routes`: what the node believes of each route, how sure it is, and where calls go because of it."""

from typing import Annotated

import msgspec
import typer

from trunkline.cli.command import Data, Json
from trunkline.cli.node import ask
from trunkline.cli.rendering import table
from trunkline.stats import credible

HEADER = ("GATEWAY", "SHARE", "WORTH", "CALLS", "ANSWERED", "HUMANS", "HEARD", "FALSE", "FAILING", "BILL", "STATE")


def routes(
    destination: Annotated[str, typer.Option(help="Only this destination.")] = "",
    band: Annotated[str, typer.Option(help="Only this time band.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What is believed of the routes of destinations with strategy performance or rank: share of first attempts, worth of an attempt, 95 % intervals, state. docs/routing.md tells of each column."""
    rows = [row for row in ask(data, {"do": "routes"}) if destination in ("", row["destination"]) and band in ("", row["band"])]
    for row in rows:
        for name in ("answers", "humans"):
            a, b = row[name]
            low, high = credible(0, 0, a=a, b=b)
            row[name] = {"mean": round(a / (a + b), 4), "low": round(low, 4), "high": round(high, 4)}
    if as_json:
        print(msgspec.json.encode(rows).decode())
        return
    if not rows:
        print("No destination that learns has had a call lately; see `strategy` in docs/policy.md, and docs/routing.md.")
        return
    for segment in dict.fromkeys((row["destination"], row["band"]) for row in rows):
        print(" / ".join(filter(None, segment)))
        lines = [
            (
                row["gateway"], f"{row['share']:.1%}", f"{row['worth']:.4f}", f"{row['attempts']:.0f}", _rate(row["answers"]), _rate(row["humans"]),
                f"{row['heard']:.0f}", f"{row['false']:.1%}", f"{row['failing']:.1%}", f"{row['bill']:.4f}", row["state"] if row["sound"] else "not sound",
            )
            for row in rows if (row["destination"], row["band"]) == segment
        ]  # fmt: skip
        print(table(HEADER, lines, HEADER[1:10]) + "\n")


def _rate(rate: dict[str, float]) -> str:
    return f"{rate['mean']:.1%} ({rate['low']:.1%}-{rate['high']:.1%})"
