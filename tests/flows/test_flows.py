"""Every call flow of this folder, on the virtual clock."""

from pathlib import Path

import pytest

from .script import read_flow
from .stage import Stage

FLOWS = sorted(Path(__file__).parent.glob("*.md"))


@pytest.mark.parametrize("path", FLOWS, ids=lambda path: path.stem)
def test_flow(path: Path) -> None:
    Stage(read_flow(path)).play()


def test_there_are_at_least_thirty_flows() -> None:
    assert len(FLOWS) >= 30
