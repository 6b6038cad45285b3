"""Every call flow of this folder, on the virtual clock."""

from pathlib import Path

import pytest

from .script import read_flow
from .stage import Stage

FLOWS = sorted(Path(__file__).parent.glob("*.md"))

BEGINNING = """policy: two-carriers.yaml
    dialer    -> trunkline : INVITE 14155550123
    trunkline -> carrier-a : INVITE
"""

FALSE = {
    "a message nobody wrote down": ("    carrier-a -> trunkline : 180\n    carrier-a -> trunkline : 486\n", "unexpected before this"),
    "a message nobody wrote down at the end": ("    carrier-a -> trunkline : 180\n", "after the last line the node also sent"),
    "another message than expected": ("    carrier-a -> trunkline : 486\n    trunkline -> dialer : 487\n", "expected 487 to dialer, got "),
    "a message that does not come": ("    trunkline -> carrier-b : INVITE\n", "expected INVITE to carrier-b, got nothing more"),
    "a header with another value": ("        Max-Forwards: 70\n", "Max-Forwards is "),
    "a header that is there": ("        no Max-Forwards\n", "Max-Forwards is there"),
    "a fact with another value": ("    carrier-a -> trunkline : 486\n    trunkline -> dialer : 486\n    dialer -> trunkline : ACK\n    record: status=487\n", "status is 486, expected 487"),
    "a call that is left up": (
        "    carrier-a -> trunkline : 200\n    trunkline -> carrier-a : ACK\n    trunkline -> dialer : 200\n    dialer -> trunkline : ACK\n",
        "IncomingLeg|is left",
    ),
}  # fmt: skip
"By what is false about it: the rest of a flow, and what is said about it."


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_flow(path: Path) -> None:
    Stage(read_flow(path)).play()


@pytest.mark.parametrize("what", FALSE)
def test_a_false_flow_fails(what: str, tmp_path: Path) -> None:
    rest, says = FALSE[what]
    path = tmp_path / "false.md"
    path.write_text(BEGINNING + rest)
    with pytest.raises(AssertionError, match=says):
        Stage(read_flow(path)).play()


def test_there_are_at_least_thirty_flows() -> None:
    assert len(FLOWS) >= 30
