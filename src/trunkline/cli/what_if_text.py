"""The answer of `trunkline policy whatif` as a page of text."""

from typing import TYPE_CHECKING

from trunkline.cli.rendering import indented, moment, plain, table
from trunkline.facts.refusal import CATALOGUE

if TYPE_CHECKING:
    from trunkline.insight import Figure, Part, WhatIf

HEADER = ("DESTINATION", "CALLS", "WORTH", "ANSWERED", "", "HUMANS", "", "COST/CALL", "", "COST/HUMAN", "")
NUMBERS = ("CALLS", "WORTH")

ROUTES_SHOWN = 20
"Gateways in the table of shares; `--json` has all, by destination."

LEAST_SHOWN = 0.0005
"Share of the calls below which a gateway is not shown."


def text_of_answer(answer: "WhatIf") -> str:
    """For a person: who is refused, what is estimated, where calls go, and what to know before believing it."""
    total = answer.total
    under = f"policy {answer.before[0]}" if len(answer.before) == 1 else f"{len(answer.before)} policies"
    parts = [
        f"What if policy {answer.policy} had decided the calls of {moment(answer.begins_us)} to {moment(answer.ends_us)} UTC?\n"
        + (f"{answer.calls} calls; {answer.placed} were placed under {under} and would be placed." if answer.placed else f"{answer.calls} calls; none was placed that would be placed again.")
    ]
    parts += _refusals(answer)
    if answer.placed:
        parts.append(_estimates(answer))
        if total.unclear:
            parts.append(f"No estimate in total: {total.unclear}.")
        else:
            parts.append(_changes(total))
        parts.append(_routes(total))
    remarks = [f"{count} calls {why}: not asked about" for why, count in answer.left_out.items()]
    remarks += [f"{answer.moved} calls fall to another destination than they did"] if answer.moved else []
    parts += ["Before you believe it\n" + indented("\n".join(f"- {note}" for note in (*answer.notes, *remarks)))] if answer.notes or remarks else []
    return "\n\n".join(part for part in parts if part)


def _refusals(answer: "WhatIf") -> list[str]:
    told = (
        ("Placed, and would be refused", answer.refused), ("Refused, and would be placed (how they would have gone is not known)", answer.spared),
        ("Refused, and would be again", answer.still_refused), ("Refused or left for what a replay cannot judge", answer.kept_refused),
    )  # fmt: skip
    found = []
    for title, counts in told:
        if counts:
            rows = [(str(count), code or "no reason", CATALOGUE[code].text if code in CATALOGUE else "") for code, count in counts.items()]
            found.append(f"{title}: {sum(counts.values())}\n" + indented(table(("CALLS", "CODE", "MEANING"), rows, ("CALLS",))))
    return found


def _estimates(answer: "WhatIf") -> str:
    rows = [_row(part) for part in (*answer.destinations, answer.total)]
    unclear = [f"{plain(part.name)}: no estimate: {part.unclear}." for part in answer.destinations if part.unclear]
    return "\n".join(["Before and after, with 95 % intervals", indented(table(HEADER, rows, NUMBERS)), *unclear])


def _row(part: "Part") -> tuple[str, ...]:
    return (
        part.name, str(part.calls), f"{part.effective:.0f}", *_rate(part.answered), *_rate(part.humans), *_money(part.cost), *_money(part.cost_per_human),
    )  # fmt: skip


def _rate(figure: "Figure") -> tuple[str, str]:
    before = "-" if figure.before is None else f"{figure.before:.1%}"
    return before, "?" if figure.after is None else f"{figure.after:.1%} ({figure.low:.1%}-{figure.high:.1%})"


def _money(figure: "Figure") -> tuple[str, str]:
    before = "-" if figure.before is None else f"{figure.before:.5f}"
    return before, "?" if figure.after is None else f"{figure.after:.5f} ({figure.low:.5f}-{figure.high:.5f})"


def _changes(total: "Part") -> str:
    """The change of each figure, and whether it is more than chance."""
    lines = []
    for name, figure in (("answered", total.answered), ("humans", total.humans), ("cost per call", total.cost), ("cost per human", total.cost_per_human)):
        if figure.change_low is None or figure.change_high is None or not figure.before or figure.after is None:
            continue
        low, high = figure.change_low / figure.before, figure.change_high / figure.before
        verdict = "no change to be seen" if low <= 0.0 <= high else "higher" if low > 0.0 else "lower"
        lines.append((name, f"{figure.after / figure.before - 1.0:+.1%}", f"{low:+.1%} to {high:+.1%}", verdict))
    prices = []
    if total.repriced is not None and total.cost.before:
        prices.append(f"Prices alone, on the logged attempts: {total.repriced:.5f} per call, {total.repriced / total.cost.before - 1.0:+.1%} (exact).")
    return "\n".join(["Change in total", indented(table(("", "CHANGE", "95 % INTERVAL", ""), lines)), *prices])


def _routes(total: "Part") -> str:
    shown = [row for row in total.routes if max(row.before, row.after) >= LEAST_SHOWN]
    rows = [(row.gateway, str(row.calls), f"{row.before:.1%}", f"{row.after:.1%}") for row in shown[:ROUTES_SHOWN]]
    rest = f"\n  and {len(shown) - ROUTES_SHOWN} more" if len(shown) > ROUTES_SHOWN else ""
    return "First attempts\n" + indented(table(("GATEWAY", "CALLS", "BEFORE", "AFTER"), rows, ("CALLS", "BEFORE", "AFTER"))) + rest
