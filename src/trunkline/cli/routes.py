"""`trunkline routes`: what the node believes of each route, how sure it is, and where calls go because of it."""

from typing import Annotated

import typer

from trunkline.cli.calls import told
from trunkline.cli.command import Data, Json, json_of
from trunkline.cli.names import must_be_known
from trunkline.cli.node import ask
from trunkline.cli.rendering import table
from trunkline.cli.source import data_directory
from trunkline.stats import credible

HEADER = ("GATEWAY", "SHARE", "WORTH", "CALLS", "ANSWERED", "HUMANS", "HEARD", "FALSE", "FAILING", "BILL", "EARLY MEDIA", "STATE")


def routes(
    destination: Annotated[str, typer.Option(help="Only this destination.")] = "",
    band: Annotated[str, typer.Option(help="Only this time band.")] = "",
    data: Data = None,
    as_json: Json = False,
) -> None:
    """What is believed of the routes of destinations with strategy performance or rank: share of first attempts, worth of an attempt, 95 % intervals, state. docs/routing.md tells of each column."""
    known = ask(data, {"do": "routes"})
    rows = [row for row in known if destination in ("", row["destination"]) and band in ("", row["band"])]
    if not rows:
        with told():
            for kind, name in (("destination", destination), ("band", band)):
                if name:
                    must_be_known(data_directory(data), kind, name, {row[kind] for row in known})
    for row in rows:
        for name in ("answers", "humans"):
            a, b = row[name]
            low, high = credible(0, 0, a=a, b=b)
            row[name] = {"mean": round(a / (a + b), 4), "low": round(low, 4), "high": round(high, 4)}
    if as_json:
        print(json_of(rows))
        return
    if not rows:
        asked = " and ".join(filter(None, (destination and f"destination {destination}", band and f"band {band}")))
        which = f"Nothing is learnt of {asked} yet: no call lately, or no strategy that learns" if asked else "No destination that learns has had a call lately"
        print(f"{which}; see `strategy` in docs/policy.md, and docs/routing.md.")
        return
    for segment in dict.fromkeys((row["destination"], row["band"]) for row in rows):
        print(" / ".join(filter(None, segment)))
        lines = [
            (
                row["gateway"], f"{row['share']:.1%}", f"{row['worth']:.4f}", f"{row['attempts']:.0f}", _rate(row["answers"]), _rate(row["humans"]),
                f"{row['heard']:.0f}", f"{row['false']:.1%}", f"{row['failing']:.1%}", f"{row['bill']:.4f}", _profile(row["early"]), row["state"] if row["sound"] else "not sound",
            )
            for row in rows if (row["destination"], row["band"]) == segment
        ]  # fmt: skip
        print(table(HEADER, lines, HEADER[1:10]) + "\n")


def _rate(rate: dict[str, float]) -> str:
    return f"{rate['mean']:.1%} ({rate['low']:.1%}-{rate['high']:.1%})"


def _profile(early: dict[str, float]) -> str:
    """What is heard before the answer, most frequent first."""
    shares = sorted(early.items(), key=lambda item: -item[1])
    return ", ".join(f"{kind.replace('_', ' ')} {share:.0%}" for kind, share in shares) or "-"
