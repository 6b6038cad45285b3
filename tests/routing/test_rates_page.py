"""docs/rates.md holds: its policies load, and its table of increments is what is billed."""

import re
from pathlib import Path

import pytest

from trunkline.policy import Snapshot, load_policy
from trunkline.routing.rates import billed_seconds

PAGE = (Path(__file__).parents[2] / "docs/rates.md").read_text()
HEAD = "tenants: {acme: {}}\ntrunks: {vici: {tenant: acme, addresses: [192.0.2.1]}}\n"
OTHERS = "".join(f"  {name}: {{gateways: {{main: {{host: {name}.example}}}}}}\n" for name in ("alpha", "beta", "gamma", "delta"))



def blocks() -> list[str]:
    """The page's policies, without their indentation."""
    found, lines = [], [""]
    for line in [*PAGE.splitlines(), "end"]:
        if line.startswith("    "):
            lines.append(line[4:])
        elif lines[1:]:
            found.append("\n".join(lines[1:]) + "\n")
            lines = [""]
    return [block for block in found if block.startswith(("destinations:", "currency:", "dips:"))]


@pytest.mark.parametrize("text", blocks(), ids=["names", "decks", "dips"])
def test_the_pages_policies_load(tmp_path: Path, text: str) -> None:
    (tmp_path / "decks").mkdir()
    for name in ("alpha", "beta", "beta-december"):
        since = "2026-12-01" if "december" in name else ""
        columns = "Dial Code;Price;from" if "beta" in name else "prefix,rate,from"
        separator = ";" if "beta" in name else ","
        (tmp_path / f"decks/{name}.csv").write_text(f"{columns}\n1{separator}0.01{separator}{since}\n")
    carriers = "" if "carriers:" in text else f"carriers:\n{OTHERS}"
    found = load_policy(HEAD + carriers + text, environment={"LNP_TOKEN": "secret"}, base=tmp_path)
    assert isinstance(found, Snapshot), found


def test_increments_bill_what_the_page_says() -> None:
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| (increments \||`\d+/\d+`)", line)]
    header, *vectors = rows
    assert [row[0] for row in vectors] == ["1/1", "6/6", "30/6", "60/60"]
    for increments, *billed in vectors:
        first, following = map(int, increments.split("/"))
        for talk, wanted in zip(header[1:], billed, strict=True):
            assert billed_seconds(first, following, float(talk.removesuffix(" s"))) == float(wanted), (increments, talk)
